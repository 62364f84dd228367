/**
 * What the gateway knows of keys and models, kept in memory for seconds. Both are read-mostly: a warm request asks the database for
 * neither. Failures of the store are bridged with what was known.
 */
import type { VirtualKey } from '../domain/key.ts';
import type { Deployment } from '../domain/model.ts';
import type { Money } from '../domain/money.ts';
import { PUBLIC_MODELS, type PublicModels } from '../domain/public-models.ts';
import { netSpend } from '../domain/total.ts';
import { describeError, type Log } from '../log.ts';
import { createOwners, type OwnersCache, type OwnersDeps } from './owners.ts';
import { createCache } from './registry-cache.ts';
import type { EntityStore } from '../stores/entities.ts';
import type { KeyStore } from '../stores/keys.ts';
import type { ModelStore } from '../stores/models.ts';
import type { TotalStore } from '../stores/totals.ts';

/** What the registry reads from. */
export interface RegistryDeps {
  readonly identity: OwnersDeps['stores'];
  readonly keys: KeyStore;
  readonly models: ModelStore;
  readonly publicModels: Pick<EntityStore<PublicModels>, 'get'>;
  readonly totals: Pick<TotalStore, 'read'>;
  /** Deployments of this process: from a config file, the environment, or the demo. */
  readonly fixed: readonly Deployment[];
  /** Looks whether there are other prices; absent where they are those of the release. Never rejects. */
  readonly refreshPrices?: () => Promise<void>;
  readonly now: () => number;
  readonly log: Log;
  /** How long an answer may be used without asking again, milliseconds. A block or a lower limit takes effect within it. */
  readonly ttlMs?: number;
}

/** Cached views of the stores. */
export interface Registry extends Omit<OwnersCache, 'budgeted' | 'forget'> {
  /** A key by the hash of its secret, with the limits of its shared budget filled in. Unknown keys are remembered too, so that a wrong key cannot hammer the table. */
  readonly findKey: (hash: string) => Promise<VirtualKey | undefined>;
  /** What a key has spent over its whole life, 1e-12 USD; seconds old. */
  readonly spendOf: (hash: string) => Promise<Money>;
  /** All deployments; those of the store win over fixed ones of the same id. */
  readonly deployments: () => Promise<readonly Deployment[]>;
  /** Names of models that are shown to everybody. */
  readonly publicModels: () => Promise<readonly string[]>;
  /** Drops everything cached: management changed something in this process. */
  readonly forget: () => void;
}

/** A registry over the stores. */
export function createRegistry(deps: RegistryDeps): Registry {
  const ttl = deps.ttlMs ?? 5_000;
  const { forget, budgeted, ...owners } = createOwners({ stores: deps.identity, now: deps.now, ttlMs: ttl });
  const keys = createCache<VirtualKey | undefined>(deps.now, ttl, async (hash) => {
    const key = await deps.keys.get(hash);
    return key === undefined ? undefined : budgeted(key);
  });
  const spend = createCache<Money>(deps.now, ttl, async (hash) => netSpend(await deps.totals.read({ kind: 'key', id: hash })));
  const onShow = createCache(deps.now, ttl, async (id) => (await deps.publicModels.get(id))?.names ?? []);
  let models: { until: number; version: number; list: readonly Deployment[] } | undefined;
  let loading: Promise<readonly Deployment[]> | undefined;

  async function load(): Promise<readonly Deployment[]> {
    try {
      // A list is given out with the prices of its time.
      const [version] = await Promise.all([deps.models.version(), deps.refreshPrices?.()]);
      if (models?.version !== version) {
        const stored = await deps.models.list();
        const ids = new Set(stored.map(({ id }) => id));
        models = { version, list: [...stored, ...deps.fixed.filter(({ id }) => !ids.has(id))], until: 0 };
      }
      models.until = deps.now() + ttl;
      return models.list;
    } catch (error) {
      if (models === undefined) throw error;
      deps.log('warn', 'models could not be read again; the last known ones are used', { error: describeError(error) });
      models.until = deps.now() + 1_000;
      return models.list;
    } finally {
      loading = undefined;
    }
  }

  return {
    ...owners,
    findKey: keys.get,
    spendOf: spend.get,
    publicModels: () => onShow.get(PUBLIC_MODELS),
    deployments() {
      if (models !== undefined && models.until > deps.now()) return Promise.resolve(models.list);
      loading ??= load();
      return loading;
    },
    forget() {
      forget();
      keys.clear();
      spend.clear();
      onShow.clear();
      models = undefined;
    },
  };
}
