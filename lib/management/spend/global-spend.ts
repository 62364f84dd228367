/** `/global/spend/...`, `/global/activity`: the whole house; for callers who may not see it, their own part of it. */
import { toUsdNumber } from '../../domain/money.ts';
import { dayOf, type Total, type TotalScope } from '../../domain/total.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { bySpend, livesOf, rowsOf, sumBy, sumOf, tokensOf, type ScopedDay } from './day-totals.ts';
import type { ManagementDeps } from '../deps.ts';
import { numberIn } from '../input.ts';
import { keyNames } from '../keys/key-names.ts';
import { daysOf, everythingOf, keyScope, lastDays, namesIn, timeOf, type Days } from './spend-query.ts';

/** A range of days, as it came. */
export interface DaysQuery {
  readonly startDate?: string;
  readonly endDate?: string;
}

const MOST_ROWS = 100;
const MOST_SHOWN = 10;
const MOST_LISTED = 1_000;

/** What the caller may see, on these days. */
const ownRows = (deps: ManagementDeps, caller: Caller, days: Days): Promise<readonly ScopedDay[]> =>
  rowsOf(deps, [everythingOf(caller)], days);

/** `GET /global/spend`: spend for good. */
export async function globalSpend(deps: ManagementDeps, caller: Caller): Promise<JsonObject> {
  const { spend, unpriced } = await deps.totals.read(everythingOf(caller));
  return {
    spend: toUsdNumber(spend),
    max_budget: deps.maxBudget === undefined ? null : toUsdNumber(deps.maxBudget),
    unpriced_requests: unpriced,
  };
}

/** `GET /global/spend/logs`: spend a day, the last thirty days, oldest first; of one key where asked. */
export async function globalSpendLogs(deps: ManagementDeps, caller: Caller, apiKey?: string): Promise<readonly JsonObject[]> {
  const days = lastDays(deps.now());
  const scope: TotalScope =
    apiKey === undefined ? everythingOf(caller) : { kind: 'key', id: await keyScope(deps, caller, apiKey) };
  const sums = sumBy(await rowsOf(deps, [scope], days), ({ day }) => day);
  return [...sums]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([date, total]) => ({
      date,
      spend: toUsdNumber(total.spend),
      ...(scope.kind === 'key' ? { api_key: scope.id } : {}),
    }));
}

/** `GET /global/spend/keys`: the keys that cost most in the last thirty days. */
export async function globalSpendKeys(deps: ManagementDeps, caller: Caller, limit?: string): Promise<readonly JsonObject[]> {
  const most = numberIn(limit, 'limit', MOST_LISTED, MOST_LISTED);
  const sums = bySpend(sumBy(await ownRows(deps, caller, lastDays(deps.now())), ({ keyHash }) => keyHash)).slice(0, most);
  const names = await keyNames(
    deps,
    sums.map(([hash]) => hash),
  );
  return sums.map(([hash, total]) => ({
    api_key: hash,
    key_alias: names.get(hash)?.alias ?? null,
    key_name: names.get(hash)?.name ?? null,
    total_spend: toUsdNumber(total.spend),
  }));
}

/** `GET /global/spend/models`: the models that cost most in the last thirty days. */
export async function globalSpendModels(deps: ManagementDeps, caller: Caller, limit?: string): Promise<readonly JsonObject[]> {
  const most = numberIn(limit, 'limit', MOST_SHOWN, MOST_LISTED);
  const sums = sumBy(await ownRows(deps, caller, lastDays(deps.now())), ({ model, modelGroup }) => model || modelGroup);
  return bySpend(sums)
    .slice(0, most)
    .map(([model, total]) => ({ model, total_spend: toUsdNumber(total.spend), total_tokens: tokensOf(total) }));
}

/** `GET /global/spend/provider`: spend by provider. */
export async function globalSpendProviders(
  deps: ManagementDeps,
  caller: Caller,
  { startDate, endDate }: DaysQuery,
): Promise<readonly JsonObject[]> {
  const sums = sumBy(await ownRows(deps, caller, daysOf(startDate, endDate)), ({ provider }) => provider || undefined);
  return bySpend(sums).map(([provider, total]) => ({ provider, spend: toUsdNumber(total.spend) }));
}

/** `GET /global/spend/teams`: the last thirty days of each team. */
export async function globalSpendTeams(deps: ManagementDeps): Promise<JsonObject> {
  const rows = await rowsOf(deps, await everyScope(deps, 'team'), lastDays(deps.now()));
  const names = await teamNames(deps, rows);
  const byDay = Map.groupBy(rows, ({ day }) => day);
  const nameOf = ({ scope }: ScopedDay): string => names.get(scope.id) ?? scope.id;
  return {
    daily_spend: [...byDay]
      .toSorted(([one], [other]) => (one < other ? -1 : 1))
      .map(([date, ofDay]) => ({ date, ...numbers(sumBy(ofDay, nameOf)) })),
    teams: [...new Set(names.values())],
    total_spend_per_team: bySpend(sumBy(rows, nameOf))
      .slice(0, MOST_SHOWN)
      .map(([team, total]) => ({ team_id: team, total_spend: toUsdNumber(total.spend) })),
  };
}

/** `POST /global/spend/end_users`: the customers that cost most; by default in the last thirty days. */
export async function globalSpendCustomers(
  deps: ManagementDeps,
  caller: Caller,
  body: JsonObject,
): Promise<readonly JsonObject[]> {
  const text = (name: string): string | undefined =>
    typeof body[name] === 'string' && body[name] !== '' ? body[name] : undefined;
  const [start, end, apiKey] = [text('startTime'), text('endTime'), text('api_key')];
  const now = deps.now();
  const days = {
    from: dayOf(timeOf(start, 'startTime') ?? timeOf(lastDays(now).from, 'startTime') ?? now),
    to: dayOf(timeOf(end, 'endTime') ?? now),
  };
  const keyHash = apiKey === undefined ? undefined : await keyScope(deps, caller, apiKey);
  const rows = await rowsOf(deps, await everyScope(deps, 'customer'), days);
  const sums = sumBy(
    rows.filter((row) => keyHash === undefined || row.keyHash === keyHash),
    ({ scope }) => scope.id,
  );
  return bySpend(sums)
    .slice(0, MOST_ROWS)
    .map(([id, total]) => ({ end_user: id, total_count: total.requests, total_spend: toUsdNumber(total.spend) }));
}

/** `GET /global/all_end_users`: everybody a call was ever made for. */
export const allCustomers = async (deps: ManagementDeps): Promise<JsonObject> => ({
  end_users: [...(await livesOf(deps, 'customer')).keys()].toSorted(),
});

/** `GET /global/spend/all_tag_names`. */
export const allTags = async (deps: ManagementDeps): Promise<JsonObject> => ({
  tag_names: [...(await livesOf(deps, 'tag')).keys()].toSorted(),
});

/** `GET /global/spend/tags`: spend of the tags named, of all by default. */
export async function globalSpendTags(
  deps: ManagementDeps,
  { startDate, endDate, tags }: DaysQuery & { readonly tags?: string },
): Promise<JsonObject> {
  const days = daysOf(startDate, endDate);
  const named = namesIn(tags);
  const scopes =
    named.length === 0 || named.includes('all-tags')
      ? await everyScope(deps, 'tag')
      : named.map((id) => ({ kind: 'tag', id }) as const);
  const sums = sumBy(await rowsOf(deps, scopes, days), ({ scope }) => scope.id);
  return {
    spend_per_tag: bySpend(sums).map(([name, total]) => ({
      name,
      spend: toUsdNumber(total.spend),
      log_count: total.requests,
    })),
  };
}

/** `GET /spend/tags`: spend of every tag, for good, or on the days asked for. */
export async function spendTags(deps: ManagementDeps, { startDate, endDate }: DaysQuery): Promise<readonly JsonObject[]> {
  const sums =
    startDate === undefined && endDate === undefined
      ? await livesOf(deps, 'tag')
      : sumBy(await rowsOf(deps, await everyScope(deps, 'tag'), daysOf(startDate, endDate)), ({ scope }) => scope.id);
  return bySpend(sums).map(([tag, total]) => ({
    individual_request_tag: tag,
    log_count: total.requests,
    total_spend: toUsdNumber(total.spend),
  }));
}

/** `GET /global/activity`: requests and tokens a day, oldest first. */
export async function globalActivity(
  deps: ManagementDeps,
  caller: Caller,
  { startDate, endDate }: DaysQuery,
): Promise<JsonObject> {
  return activityOf(await ownRows(deps, caller, daysOf(startDate, endDate)));
}

/** `GET /global/activity/model`: the same of the ten models called most. */
export async function globalActivityModels(
  deps: ManagementDeps,
  caller: Caller,
  { startDate, endDate }: DaysQuery,
): Promise<readonly JsonObject[]> {
  const rows = await ownRows(deps, caller, daysOf(startDate, endDate));
  return [...Map.groupBy(rows, ({ modelGroup }) => modelGroup)]
    .toSorted(([, one], [, other]) => sumOf(other).requests - sumOf(one).requests)
    .slice(0, MOST_SHOWN)
    .map(([model, ofModel]) => ({ model, ...activityOf(ofModel) }));
}

/**
 * `GET /global/activity/cache_hits`: calls a day, oldest first. Nothing answers calls from a cache yet: each of them was one of a model, and
 * hits are 0.
 */
export async function globalCacheHits(
  deps: ManagementDeps,
  caller: Caller,
  { startDate, endDate }: DaysQuery,
): Promise<JsonObject> {
  const rows = await ownRows(deps, caller, daysOf(startDate, endDate));
  const sums = [...sumBy(rows, ({ day }) => day)].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    daily_data: sums.map(([day, { requests }]) => ({ date: shortDate(day), cache_hits: 0, llm_api_calls: requests })),
    sum_cache_hits: 0,
    sum_llm_api_calls: sumOf(rows).requests,
  };
}

function activityOf(rows: readonly ScopedDay[]): JsonObject {
  const sums = [...sumBy(rows, ({ day }) => day)].toSorted(([one], [other]) => (one < other ? -1 : 1));
  const all = sumOf(rows);
  return {
    daily_data: sums.map(([day, total]) => ({
      date: shortDate(day),
      api_requests: total.requests,
      total_tokens: tokensOf(total),
    })),
    sum_api_requests: all.requests,
    sum_total_tokens: tokensOf(all),
  };
}

/** `Nov 22`, as LiteLLM's charts have it. */
export const shortDate = (day: string): string =>
  new Date(`${day}T00:00:00Z`).toLocaleDateString('en-US', { month: 'short', day: '2-digit', timeZone: 'UTC' });

const numbers = (sums: ReadonlyMap<string, Total>): JsonObject =>
  Object.fromEntries([...sums].map(([name, { spend }]) => [name, toUsdNumber(spend)]));

/** Every scope of a kind that ever had a call. */
export async function everyScope(deps: ManagementDeps, kind: 'team' | 'customer' | 'tag'): Promise<readonly TotalScope[]> {
  return [...(await livesOf(deps, kind)).keys()].map((id) => ({ kind, id }));
}

/** Aliases of the teams of rows, by id; the id of those without one. */
export async function teamNames(deps: ManagementDeps, rows: readonly ScopedDay[]): Promise<ReadonlyMap<string, string>> {
  const ids = [...new Set(rows.map(({ scope }) => scope.id))];
  return new Map(await Promise.all(ids.map(async (id) => [id, (await deps.teams.get(id))?.alias ?? id] as const)));
}

/** @throws GatewayError `invalid_request` for a word that is none of those allowed. */
export function oneOf<T extends string>(value: string | undefined, param: string, initial: T, allowed: readonly T[]): T {
  const found = value === undefined ? initial : allowed.find((word) => word === value);
  if (found !== undefined) return found;
  throw new GatewayError('invalid_request', `${param}: expected ${allowed.join(', ')}`, { param });
}
