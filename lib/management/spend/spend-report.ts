/** `/global/spend/report` and `/key|user|team|organization/spend/report`: who spent what on which model. */
import { toUsdNumber } from '../../domain/money.ts';
import type { TotalScope } from '../../domain/total.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { requireViewer } from '../access.ts';
import { bySpend, rowsOf, sumBy, sumOf, tokensOf, type ScopedDay } from './day-totals.ts';
import type { ManagementDeps } from '../deps.ts';
import { everyScope, oneOf, teamNames, type DaysQuery } from './global-spend.ts';
import { daysOf, everythingOf, scopeAsked, type Asked } from './spend-query.ts';

/** Query of a report, as it came. */
export interface ReportQuery extends DaysQuery, Pick<Asked, 'apiKey' | 'userId' | 'teamId' | 'organizationId' | 'endUser'> {
  /** `team` (default), `customer` or `api_key`. */
  readonly groupBy?: string;
}

/**
 * `/global/spend/report`: by team or customer and day, or by key. With a key, a user, a team (of one customer, if given), the keys of it.
 *
 * @throws GatewayError `permission`, or `invalid_request` for wrong dates.
 */
export async function globalReport(deps: ManagementDeps, caller: Caller, query: ReportQuery): Promise<readonly JsonObject[]> {
  const days = daysOf(query.startDate, query.endDate);
  if ([query.apiKey, query.userId, query.teamId, query.organizationId].some((asked) => asked !== undefined)) {
    return scopeReport(deps, caller, query);
  }
  requireViewer(caller);
  const groupBy = oneOf(query.groupBy, 'group_by', 'team', ['team', 'customer', 'api_key']);
  if (groupBy === 'api_key') return byKey(await rowsOf(deps, [everythingOf(caller)], days));
  const scopes = await everyScope(deps, groupBy);
  const rows = await rowsOf(deps, query.endUser === undefined ? scopes : scopes.filter(({ id }) => id === query.endUser), days);
  const names = groupBy === 'team' ? await teamNames(deps, rows) : new Map<string, string>();
  return [...Map.groupBy(rows, ({ day }) => day)]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([day, ofDay]) => ({
      group_by_day: `${day}T00:00:00+00:00`,
      [groupBy === 'team' ? 'teams' : 'customers']: [...Map.groupBy(ofDay, ({ scope }) => scope.id)].map(([id, ofScope]) => ({
        ...(groupBy === 'team' ? { team_name: names.get(id) ?? id, team_id: id } : { customer: id }),
        total_spend: toUsdNumber(sumOf(ofScope).spend),
        metadata: modelsAndKeys(ofScope),
      })),
    }));
}

/** The keys of a scope, with their models: of the one asked for, else of everything the caller may see. */
export async function scopeReport(deps: ManagementDeps, caller: Caller, query: ReportQuery): Promise<readonly JsonObject[]> {
  const days = daysOf(query.startDate, query.endDate);
  const { endUser, ...asked } = query;
  const { scope, keyHash } = await scopeAsked(deps, caller, asked, '/team/daily/activity');
  const rows = await rowsOf(deps, [scope as TotalScope], days);
  const own = keyHash === undefined ? rows : rows.filter((row) => row.keyHash === keyHash);
  if (endUser === undefined || query.teamId === undefined) return byKey(own);
  // Of a team's customer: the customer's calls with keys that called for the team.
  const keys = new Set(own.map((row) => row.keyHash));
  const ofCustomer = await rowsOf(deps, [{ kind: 'customer', id: endUser }], days);
  return byKey(ofCustomer.filter((row) => keys.has(row.keyHash)));
}

function byKey(rows: readonly ScopedDay[]): readonly JsonObject[] {
  return bySpend(sumBy(rows, ({ keyHash }) => keyHash)).map(([hash, total]) => ({
    api_key: hash,
    total_cost: toUsdNumber(total.spend),
    total_input_tokens: total.inputTokens,
    total_output_tokens: total.outputTokens,
    model_details: bySpend(
      sumBy(
        rows.filter(({ keyHash }) => keyHash === hash),
        ({ model, modelGroup }) => model || modelGroup,
      ),
    ).map(([model, ofModel]) => ({
      model,
      total_cost: toUsdNumber(ofModel.spend),
      total_input_tokens: ofModel.inputTokens,
      total_output_tokens: ofModel.outputTokens,
    })),
  }));
}

function modelsAndKeys(rows: readonly ScopedDay[]): readonly JsonObject[] {
  const pairs = sumBy(rows, ({ keyHash, model, modelGroup }) => JSON.stringify([model || modelGroup, keyHash]));
  return bySpend(pairs).map(([pair, total]) => {
    const [model, key] = JSON.parse(pair) as [string, string];
    return { model, api_key: key, spend: toUsdNumber(total.spend), total_tokens: tokensOf(total) };
  });
}
