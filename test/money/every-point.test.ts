import { startDynoxide } from '../support/dynoxide.ts';
import { everyPointContract, STORIES } from './every-point.ts';

everyPointContract('dynoxide', startDynoxide, { stories: Object.keys(STORIES) as (keyof typeof STORIES)[], pairs: true });
