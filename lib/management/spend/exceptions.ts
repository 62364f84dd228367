/**
 * `/global/activity/exceptions`, `/global/activity/exceptions/deployment`: calls that came to nothing because of a provider's rate limit. What
 * this gateway refuses itself leaves no entry in the ledger.
 */
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { dayOf } from '../../domain/total.ts';
import { GatewayError } from '../../errors.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { shortDate, type DaysQuery } from './global-spend.ts';
import { callsOf } from './spend-calls.ts';
import { DAY_MS, daysOf } from './spend-query.ts';

const TOO_MANY_REQUESTS = 429;

/** Calls of a model that ended with 429, newest first. */
async function limitedCalls(
  deps: ManagementDeps,
  modelGroup: string | undefined,
  { startDate, endDate }: DaysQuery,
): Promise<readonly LedgerEntry[]> {
  if (modelGroup === undefined) {
    throw new GatewayError('invalid_request', 'model_group: name a model as clients call it', { param: 'model_group' });
  }
  const days = daysOf(startDate, endDate);
  const found: LedgerEntry[] = [];
  const calls = callsOf(deps, {
    scope: { kind: 'global', id: '' },
    from: Date.parse(`${days.from}T00:00:00Z`),
    to: Date.parse(`${days.to}T00:00:00Z`) + DAY_MS,
    matches: (entry) => entry.modelGroup === modelGroup && entry.httpStatus === TOO_MANY_REQUESTS,
  });
  for await (const entry of calls) found.push(entry);
  return found;
}

function countsOf(entries: readonly LedgerEntry[]): JsonObject {
  const byDay = [...Map.groupBy(entries, ({ at }) => dayOf(at))].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    daily_data: byDay.map(([day, ofDay]) => ({ date: shortDate(day), num_rate_limit_exceptions: ofDay.length })),
    sum_num_rate_limit_exceptions: entries.length,
  };
}

/**
 * Calls of a model that ended with 429, by day, oldest first. Calls that were tried elsewhere and went well are none.
 *
 * @throws GatewayError `invalid_request` for wrong dates, without a model, and where more than 20,000 calls lie in the range
 */
export async function globalExceptions(
  deps: ManagementDeps,
  modelGroup: string | undefined,
  query: DaysQuery,
): Promise<JsonObject> {
  return countsOf(await limitedCalls(deps, modelGroup, query));
}

/**
 * The same by deployment: its id, since addresses of deployments are the operator's; empty where none was reached.
 *
 * @throws GatewayError `invalid_request`
 */
export async function deploymentExceptions(
  deps: ManagementDeps,
  modelGroup: string | undefined,
  query: DaysQuery,
): Promise<readonly JsonObject[]> {
  const byDeployment = Map.groupBy(await limitedCalls(deps, modelGroup, query), ({ deploymentId = '' }) => deploymentId);
  return [...byDeployment]
    .toSorted(([, one], [, other]) => other.length - one.length)
    .map(([deployment, entries]) => ({ deployment, ...countsOf(entries) }));
}
