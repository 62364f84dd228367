/** What runs beside the requests: the keeper on its schedule, and the consumer of the ledger's stream. On AWS they are functions. */
import type { Env } from '../../lib/env.ts';
import { followLedger } from '../../lib/local/ledger-stream.ts';
import type { StateFolder } from '../../lib/local/state-folder.ts';
import { describeError, type Log } from '../../lib/log.ts';
import type { ManagementDeps } from '../../lib/management/deps.ts';
import { createKeeper } from '../keeper/handler.ts';
import { createLedgerHandler } from '../ledger/handler.ts';
import { type Emulated, type Storage, tableNames } from './storage.ts';

/** What the work is done with. */
export interface WorkOptions {
  readonly env: Env;
  readonly storage: Pick<Storage, 'stores' | 'secrets' | 'database' | 'firstEntry'>;
  readonly folder: StateFolder | undefined;
  readonly log: Log;
  /** What the keeper fetches prices with; told when it changed something, so that the gateway drops what it cached. */
  readonly management: Pick<ManagementDeps, 'catalog' | 'http' | 'onChange'>;
}

const SWEEP_EVERY_MS = 30_000;
const CHECKPOINT_FILE = 'ledger-stream.json';

/** Starts both; the result ends them and resolves when they have ended. */
export function startWork({ env, storage, folder, log, management }: WorkOptions): () => Promise<void> {
  const { stores, secrets, database, firstEntry } = storage;
  const onChange = (): void => management.onChange?.();
  const keep = createKeeper({
    env,
    stores,
    log,
    keys: { stores, secrets, grace: env.TOLLGATE_ROTATION_GRACE, onChange },
    ...pricesOf(env.TOLLGATE_PRICE_MAP_URL),
  });
  let sweeping: Promise<unknown> = Promise.resolve();
  const schedule = setInterval(() => {
    sweeping = keep().catch((error: unknown) =>
      log('warn', 'the keeper failed; the next sweep tries again', describeError(error)),
    );
  }, SWEEP_EVERY_MS);
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => stop.signal.addEventListener('abort', () => resolve(), { once: true }));
  // A run that keeps nothing has nothing to catch up with: its stream is followed from the first entry on.
  const begin = folder === undefined ? Promise.race([firstEntry, stopped]) : Promise.resolve();
  const following = database === undefined ? Promise.resolve() : begin.then(() => follow(database, stop.signal));

  function pricesOf(url: string | undefined): { readonly prices?: () => Promise<void> } {
    if (url === undefined) return {};
    const { http, catalog } = management;
    return {
      async prices() {
        const { keepPrices } = await import('../keeper/prices.ts');
        await keepPrices({ url, stores, bundled: catalog.bundled, http, log, onChange });
      },
    };
  }

  async function follow(emulated: Emulated, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const sdk = await import('@aws-sdk/client-dynamodb-streams');
    const client = new sdk.DynamoDBStreamsClient({ ...emulated });
    await followLedger({
      sdk,
      client,
      table: tableNames(env).ledger,
      consume: createLedgerHandler(stores.totals, log),
      load: () => folder?.read(CHECKPOINT_FILE),
      save: (checkpoint) => folder?.write(CHECKPOINT_FILE, checkpoint),
      log,
      signal,
    });
    client.destroy();
  }

  return async () => {
    clearInterval(schedule);
    stop.abort();
    await Promise.all([sweeping, following]);
  };
}
