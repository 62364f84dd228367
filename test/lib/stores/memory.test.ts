import { open } from '../../../lib/stores/memory/index.ts';
import { conversationsContract } from './contract-conversations.ts';
import { identityContract } from './contract-identity.ts';
import { checkpointsContract, totalsContract } from './contract-totals.ts';
import { storesContract } from './contract.ts';

const stores = open();
storesContract('memory', () => stores);
conversationsContract('memory', () => stores);
identityContract('memory', () => stores);
totalsContract('memory', () => stores);
checkpointsContract('memory', () => stores);
