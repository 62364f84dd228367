import { afterAll, beforeAll } from 'vitest';
import { startDynoxide, type Emulator } from '../../support/dynoxide.ts';
import { conversationsContract } from './contract-conversations.ts';
import { identityContract } from './contract-identity.ts';
import { totalsContract } from './contract-totals.ts';
import { storesContract } from './contract.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

storesContract('dynamodb', () => emulator.stores);
conversationsContract('dynamodb', () => emulator.stores);
identityContract('dynamodb', () => emulator.stores);
totalsContract('dynamodb', () => emulator.stores);
