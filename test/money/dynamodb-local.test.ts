/** What is proven on dynoxide, on a second implementation of DynamoDB: the thousand calls, and a reduced pass of the faults. Needs Java. */
import { describe, it } from 'vitest';
import { NO_JAVA, startDynamoDbLocal } from '../support/dynamodb-local.ts';
import { everyPointContract } from './every-point.ts';
import { sharedCapsContract } from './shared-caps.ts';

const emulator = await startDynamoDbLocal();

if (emulator === undefined) {
  console.log(`skipped: a thousand calls over shared caps, and faults at every request, on DynamoDB Local (${NO_JAVA})`);
  describe.skip('DynamoDB Local', () => it(NO_JAVA, () => {}));
} else {
  // One for both, since it takes seconds to start; the thousand calls want their ledger to themselves, and come first.
  sharedCapsContract('DynamoDB Local', async () => ({ ...emulator, stop: async () => {} }), 400_000);
  everyPointContract('DynamoDB Local', async () => emulator, {
    stories: ['a call and a rival, with room for both'],
    pairs: false,
  });
}
