/** The operations of Secrets Manager that Tollgate and its operators use. */
import type { Operation } from './operation.ts';
import * as reads from './reads.ts';
import * as writes from './writes.ts';

/** Operations by name, as `x-amz-target` has it after the dot. */
export const operations: ReadonlyMap<string, Operation> = new Map([
  ['BatchGetSecretValue', reads.batchGetSecretValue],
  ['CreateSecret', writes.createSecret],
  ['DeleteSecret', writes.deleteSecret],
  ['DescribeSecret', reads.describeSecret],
  ['GetSecretValue', reads.getSecretValue],
  ['ListSecrets', reads.listSecrets],
  ['PutSecretValue', writes.putSecretValue],
  ['RestoreSecret', writes.restoreSecret],
  ['TagResource', writes.tagResource],
  ['UntagResource', writes.untagResource],
  ['UpdateSecret', writes.updateSecret],
]);
