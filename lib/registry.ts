/**
 * What the gateway knows of keys and models, kept in memory for seconds. Both are read-mostly: a warm request asks the database for
 * neither. Failures of the store are bridged with what was known.
 */
import type { VirtualKey } from './domain/key.ts';
import type { Deployment } from './domain/model.ts';
import { describeError, type Log } from './log.ts';
import type { KeyStore } from './stores/keys.ts';
import type { ModelStore } from './stores/models.ts';

/** What the registry reads from. */
export interface RegistryDeps {
  readonly keys: KeyStore;
  readonly models: ModelStore;
  /** Deployments of this process: from a config file, the environment, or the demo. */
  readonly fixed: readonly Deployment[];
  readonly now: () => number;
  readonly log: Log;
  /** How long an answer may be used without asking again, milliseconds. A block or a lower limit takes effect within it. */
  readonly ttlMs?: number;
}

/** Cached views of the stores. */
export interface Registry {
  /** A key by the hash of its secret. Unknown keys are remembered too, so that a wrong key cannot hammer the table. */
  readonly findKey: (hash: string) => Promise<VirtualKey | undefined>;
  /** All deployments; those of the store win over fixed ones of the same id. */
  readonly deployments: () => Promise<readonly Deployment[]>;
  /** Drops everything cached: management changed something in this process. */
  readonly forget: () => void;
}

/** Most keys remembered. */
const KEYS_KEPT = 10_000;

/** A registry over the stores. */
export function createRegistry(deps: RegistryDeps): Registry {
  const ttl = deps.ttlMs ?? 5_000;
  const keys = new Map<string, { readonly until: number; readonly key: Promise<VirtualKey | undefined> }>();
  let models: { until: number; version: number; list: readonly Deployment[] } | undefined;
  let loading: Promise<readonly Deployment[]> | undefined;

  async function load(): Promise<readonly Deployment[]> {
    try {
      const version = await deps.models.version();
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
    findKey(hash) {
      const known = keys.get(hash);
      if (known !== undefined && known.until > deps.now()) return known.key;
      if (keys.size >= KEYS_KEPT) keys.clear();
      const key = deps.keys.get(hash);
      keys.set(hash, { key, until: deps.now() + ttl });
      key.catch(() => keys.delete(hash));
      return key;
    },
    deployments() {
      if (models !== undefined && models.until > deps.now()) return Promise.resolve(models.list);
      loading ??= load();
      return loading;
    },
    forget() {
      keys.clear();
      models = undefined;
    },
  };
}
