/** The contract of the stores on a second implementation of DynamoDB: where both agree, the service is likely to. Needs Java. */
import { afterAll, describe, it } from 'vitest';
import { NO_JAVA, startDynamoDbLocal } from '../../support/dynamodb-local.ts';
import { linkThroughout } from '../../support/dynoxide.ts';
import { storesContract } from './contract.ts';

const emulator = await startDynamoDbLocal();

if (emulator === undefined) {
  console.log(`skipped: the contract of the stores on DynamoDB Local (${NO_JAVA})`);
  describe.skip('DynamoDB Local', () => it(NO_JAVA, () => {}));
} else {
  await linkThroughout(emulator.stores);
  afterAll(() => emulator.stop());
  storesContract('dynamodb-local', () => emulator.stores);
}
