import { startDynoxide } from '../support/dynoxide.ts';
import { sharedCapsContract } from './shared-caps.ts';

sharedCapsContract('dynoxide', startDynoxide, 240_000);
