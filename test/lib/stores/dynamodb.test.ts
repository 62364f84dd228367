import { afterAll, beforeAll } from 'vitest';
import { open } from '../../../lib/stores/dynamodb/index.ts';
import type { Stores } from '../../../lib/stores/stores.ts';
import { linkThroughout, NAMES, sdkClientFor, startDynoxide, type Emulator } from '../../support/dynoxide.ts';
import { conversationsContract } from './contract-conversations.ts';
import { identityContract } from './contract-identity.ts';
import { checkpointsContract, totalsContract } from './contract-totals.ts';
import { storesContract } from './contract.ts';

let emulator: Emulator;
/** Another one, so that nothing is there yet, through the SDK alone; its records are not known to be linked. */
let other: Emulator;
let plain: Stores;
beforeAll(async () => {
  [emulator, other] = await Promise.all([startDynoxide(), startDynoxide()]);
  plain = open(sdkClientFor(other.endpoint), NAMES);
  await linkThroughout(emulator.stores);
});
afterAll(() => Promise.all([emulator.stop(), other.stop()]));

storesContract('dynamodb', () => emulator.stores);
conversationsContract('dynamodb', () => emulator.stores);
identityContract('dynamodb', () => emulator.stores);
totalsContract('dynamodb', () => emulator.stores);
checkpointsContract('dynamodb', () => emulator.stores);

storesContract('dynamodb by the SDK alone', () => plain);
