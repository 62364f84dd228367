/** The books for commands of the operator: the tables that the environment names, or those of a local run. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEnv, type Env } from '../../lib/env.ts';
import { StartError } from '../../lib/local/start-error.ts';
import { openStateFolder, type StateFolder } from '../../lib/local/state-folder.ts';
import { createDynamoClient, open } from '../../lib/stores/dynamodb/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { DATABASE_URL_FILE, emulatedAt, openStorage, tableNames } from './storage.ts';

/** Where the books are. */
export interface BooksOptions {
  /** Folder of a local run. */
  readonly data: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly warn: (line: string) => void;
}

/** Open books. */
export interface Books {
  readonly env: Env;
  readonly stores: Stores;
  /** Where they are, for people. */
  readonly place: string;
  close(): Promise<void>;
}

/**
 * Opens the tables on AWS when the environment names the ledger's (`TOLLGATE_LEDGER_TABLE`), else those of a local run: of the one that
 * is running, or of its folder.
 *
 * @throws StartError when there is no local run to look at
 */
export async function openBooks({ data, environment, warn }: BooksOptions): Promise<Books> {
  const env = readEnv(environment);
  if ((environment['TOLLGATE_LEDGER_TABLE'] ?? '') !== '') {
    const client = createDynamoClient();
    return {
      env,
      stores: open(client, tableNames(env)),
      place: `the tables ${Object.values(tableNames(env)).join(', ')}`,
      close: async () => client.destroy(),
    };
  }
  if (!existsSync(join(data, 'README'))) {
    throw new StartError(
      `${data} holds no state of a local run; name its folder with --data, or the tables in the environment`,
    );
  }
  const folder = ownOrRunning(data);
  if (typeof folder === 'string') {
    const client = createDynamoClient(emulatedAt(folder));
    return { env, stores: open(client, tableNames(env)), place: `the run in ${data}`, close: async () => client.destroy() };
  }
  const storage = await openStorage({ env, folder, environment, warn, onRestart: async () => {} });
  return {
    env,
    stores: storage.stores,
    place: data,
    close: async () => {
      await storage.close();
      folder.close();
    },
  };
}

/** The folder, taken; or the address of the database of the run that has it. */
function ownOrRunning(data: string): StateFolder | string {
  try {
    return openStateFolder(data);
  } catch (error) {
    const running = join(data, DATABASE_URL_FILE);
    if (error instanceof StartError && existsSync(running)) return readFileSync(running, 'utf8').trim();
    throw error;
  }
}
