/** `/spend/...` */
import { spendLogs } from '../../../lib/management/spend.ts';
import { get, given, type AdminRoute } from '../route.ts';

const LOGS = ['request_id', 'api_key', 'start_date', 'end_date', 'summarize'];

/** Routes of what was spent. */
export const SPEND_ROUTES: readonly AdminRoute[] = [
  get(
    '/spend/logs',
    'own',
    { summary: 'Entries of the ledger, or their sums by day.', query: LOGS },
    (deps, { caller, query }) =>
      spendLogs(
        deps,
        caller,
        given({
          requestId: query('request_id'),
          apiKey: query('api_key'),
          startDate: query('start_date'),
          endDate: query('end_date'),
          summarize: query('summarize'),
        }),
      ),
  ),
];
