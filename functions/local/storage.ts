/** Where a local run keeps its data: emulators of the services it uses on AWS, or memory. */
import { randomBytes } from 'node:crypto';
import { databaseAdvice, startDatabase } from '../../lib/local/database.ts';
import { startSecretsManager } from '../../lib/local/secrets-manager.ts';
import { StartError } from '../../lib/local/start-error.ts';
import type { StateFolder } from '../../lib/local/state-folder.ts';
import type { Env } from '../../lib/env.ts';
import type { SecretStore } from '../../lib/stores/secrets.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { createHttpClient } from '../../lib/transport/http.ts';

/** What is started with. */
export interface StorageOptions {
  readonly env: Env;
  /** Absent keeps nothing. */
  readonly folder: StateFolder | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly warn: (line: string) => void;
  /** Called when the database died and is back, its tables made again where they were in memory. */
  readonly onRestart: () => Promise<void>;
  readonly resolvePackage?: (specifier: string) => string | undefined;
}

/** A table client's way to the emulator. */
export interface Emulated {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Stores and secrets, ready. */
export interface Storage {
  readonly stores: Stores;
  readonly secrets: SecretStore;
  /** Resolves when this run writes its first ledger entry; absent where the stores are in memory. */
  readonly firstEntry?: Promise<void>;
  /** The database; absent where the stores are in memory. */
  readonly database?: Emulated;
  /** One line each, for the newcomer. */
  readonly description: readonly string[];
  close(): Promise<void>;
}

const REGION = 'us-east-1';
/** Where a run says how its database is reached, for commands that look at its books. */
export const DATABASE_URL_FILE = 'database-url';

/** A table client's way to the emulator at an address. */
export const emulatedAt = (endpoint: string): Emulated => ({
  endpoint,
  region: REGION,
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});

/** Starts the emulators and makes the tables. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  let prepare = (): Promise<void> => Promise.resolve();
  const [database, dynamodb] = await Promise.all([
    startDatabase({
      ...options,
      onIncident: options.warn,
      onRestart: async () => {
        await prepare();
        await options.onRestart();
      },
    }),
    import('../../lib/stores/dynamodb/index.ts'),
  ]);
  if (database === undefined) return inMemory(options);

  const emulated = emulatedAt(database.url);
  options.folder?.write(DATABASE_URL_FILE, database.url);
  const client = dynamodb.createDynamoClient({ ...emulated, http: createHttpClient(dynamodb.DYNAMO_HTTP) });
  const names = tableNames(options.env);
  prepare = () => dynamodb.createTables(client, names);
  const secrets = await openSecrets(options, options.folder?.file('secrets.json')).catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  const close = async (): Promise<void> => {
    client.destroy();
    await Promise.all([database.close(), secrets.close()]);
  };
  try {
    await prepare();
  } catch (error) {
    await close();
    const place = database.place === undefined ? '' : ` in ${database.place}`;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartError(`${database.name} could not make its tables${place}: ${reason}`);
  }
  const description =
    options.folder === undefined
      ? [`nothing is kept (${database.name} in memory)`]
      : [`tables in ${database.place} (${database.name})`, `provider credentials in ${options.folder.file('secrets.json')}`];
  const stores = dynamodb.open(client, names);
  const { ledger, firstEntry } = noticing(stores.ledger);
  return { stores: { ...stores, ledger }, firstEntry, secrets: secrets.store, database: emulated, description, close };
}

/** Physical names of the tables. */
export const tableNames = (env: Env) => ({
  registry: env.TOLLGATE_REGISTRY_TABLE,
  meters: env.TOLLGATE_METERS_TABLE,
  ledger: env.TOLLGATE_LEDGER_TABLE,
  totals: env.TOLLGATE_TOTALS_TABLE,
});

/** The stores without a database: everything works, nothing outlives the process. */
async function inMemory(options: StorageOptions): Promise<Storage> {
  const memory = await import('../../lib/stores/memory/index.ts');
  const stores = memory.open();
  const secrets = await openSecrets(options, undefined);
  return {
    stores: { ...stores, ledger: projecting(stores) },
    secrets: secrets.store,
    description: [`nothing is kept: there is no database for this machine. To keep keys and spend: ${databaseAdvice()}`],
    close: () => secrets.close(),
  };
}

/** The ledger, and a promise of its first entry in this run. */
function noticing(ledger: Stores['ledger']): { readonly ledger: Stores['ledger']; readonly firstEntry: Promise<void> } {
  const { promise: firstEntry, resolve } = Promise.withResolvers<void>();
  return {
    firstEntry,
    ledger: {
      ...ledger,
      async record(entry) {
        const outcome = await ledger.record(entry);
        resolve();
        return outcome;
      },
    },
  };
}

/** The ledger with its totals kept up to date at once, for want of a stream. */
function projecting({ ledger, totals }: Stores): Stores['ledger'] {
  return {
    ...ledger,
    async record(entry) {
      const outcome = await ledger.record(entry);
      if (outcome === 'recorded') await totals.apply([entry]);
      return outcome;
    },
  };
}

/** Our Secrets Manager, open to this process alone, and the store that talks to it as to AWS. */
async function openSecrets({ env }: StorageOptions, file: string | undefined) {
  const accessKeyId = randomBytes(16).toString('hex');
  const manager = await startSecretsManager({ accessKeyId, ...(file === undefined ? {} : { file }) });
  const { createSecretStore } = await import('../../lib/stores/secrets-manager/index.ts');
  const store = createSecretStore({
    prefix: env.TOLLGATE_SECRET_PREFIX,
    endpoint: manager.url,
    region: REGION,
    credentials: { accessKeyId, secretAccessKey: 'local' },
  });
  return { store, close: () => manager.close() };
}
