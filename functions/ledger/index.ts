import { openOnAws } from '../aws-stores.ts';
import { createLedgerHandler } from './handler.ts';

const { stores, log } = openOnAws();

/** Entry of the ledger consumer's bundle. */
export const handler = createLedgerHandler(stores.totals, log);
