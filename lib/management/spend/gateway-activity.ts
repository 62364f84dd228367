/** `/gateway/daily/activity`: calls of the whole gateway by day and by route. */
import { EVERYTHING, type Total } from '../../domain/total.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { rowsOf, sumBy, sumOf } from './day-totals.ts';
import type { DaysQuery } from './global-spend.ts';
import { daysOf, lastDays } from './spend-query.ts';

const countsOf = ({ requests, failed }: Total) => ({ successful_requests: requests - failed, failed_requests: failed });

/**
 * Calls that were admitted, as the ledger has them: days oldest first, routes by their successes. The last thirty days by default.
 *
 * @throws GatewayError `invalid_request` for wrong dates
 */
export async function gatewayActivity(deps: ManagementDeps, { startDate, endDate }: DaysQuery): Promise<JsonObject> {
  const usual = lastDays(deps.now());
  const rows = await rowsOf(deps, [EVERYTHING], daysOf(startDate ?? usual.from, endDate ?? usual.to));
  const { successful_requests: successful, failed_requests: failed } = countsOf(sumOf(rows));
  return {
    total_successful_requests: successful,
    total_failed_requests: failed,
    by_date: [...sumBy(rows, ({ day }) => day)]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([date, total]) => ({ date, ...countsOf(total) })),
    by_route: [...sumBy(rows, ({ route }) => route || undefined)]
      .map(([route, total]) => ({ category: categoryOf(route), route, ...countsOf(total) }))
      .toSorted((one, other) => other.successful_requests - one.successful_requests || (one.route < other.route ? -1 : 1)),
  };
}

/** LiteLLM's families of routes: `mcp`, `a2a`, `llm`. */
const categoryOf = (route: string): string => /^\/(?:v1\/)?(mcp|a2a)(?:\/|$)/.exec(route)?.[1] ?? 'llm';
