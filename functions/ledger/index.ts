import { createSdkClient } from '../../lib/stores/dynamodb/sdk-client.ts';
import { openOnAws } from '../aws-stores.ts';
import { createLedgerHandler } from './handler.ts';

const { stores, log } = openOnAws(createSdkClient());

/** Entry of the ledger consumer's bundle. */
export const handler = createLedgerHandler(stores.totals, log);
