import { openOnAws } from '../aws-stores.ts';
import { createKeeper } from './handler.ts';

/** Entry of the keeper's bundle. */
export const handler = createKeeper(openOnAws());
