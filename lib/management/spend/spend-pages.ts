/** Calls by page: `GET /spend/logs/v2`, `/spend/logs/ui`, and those of a session. */
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { parseUsd, type Money } from '../../domain/money.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { callsOf, type CallFilter } from './spend-calls.ts';
import { numberIn } from '../input.ts';
import { matcherOf, ownEntry, type SpendQuery } from './spend.ts';
import { DAY_MS, scopeAsked, timeOf } from './spend-query.ts';
import { spendRow } from './spend-row.ts';

/** Query of a page of calls, as it came. */
export interface PagedSpendQuery extends Omit<SpendQuery, 'summarize'> {
  /** Part of the alias of the key. */
  readonly keyAlias?: string;
  /** USD. */
  readonly minSpend?: string;
  readonly maxSpend?: string;
  /** From 1. */
  readonly page?: string;
  /** 1 to 100; default 50. */
  readonly pageSize?: string;
  /** `startTime` (default), `endTime`, `spend`, `total_tokens`, `request_duration_ms`, `ttft_ms` (time to the first token), `model`. */
  readonly sortBy?: string;
  /** `desc` (default) or `asc`. */
  readonly sortOrder?: string;
}

/** What calls can be sorted by. */
const SORTS: Readonly<Record<string, (entry: LedgerEntry) => bigint | number | string>> = {
  startTime: ({ at }) => at,
  endTime: ({ endedAt }) => endedAt,
  spend: ({ cost = 0n }) => cost,
  total_tokens: ({ usage }) => (usage?.inputTokens ?? 0) + (usage?.outputTokens ?? 0),
  request_duration_ms: ({ durationMs }) => durationMs,
  // Calls without a first token of their own come after all that have one.
  ttft_ms: ({ firstTokenMs = -1 }) => firstTokenMs,
  model: ({ model, modelGroup }) => model ?? modelGroup,
};

/**
 * A page of calls with how many there are.
 *
 * @throws GatewayError `permission`, or `invalid_request` for what is wrong or too much to be counted.
 */
export async function spendPage(deps: ManagementDeps, caller: Caller, query: PagedSpendQuery): Promise<JsonObject> {
  const page = numberIn(query.page, 'page', 1, 1_000_000);
  const size = numberIn(query.pageSize, 'page_size', 50, 100);
  const entries = await matching(deps, caller, query);
  sort(entries, query);
  return {
    data: entries.slice((page - 1) * size, page * size).map(spendRow),
    total: entries.length,
    page,
    page_size: size,
    total_pages: Math.ceil(entries.length / size),
    total_is_capped: false,
  };
}

/** Every call that matches, for an export; the same bounds as pages have. */
export async function spendExport(
  deps: ManagementDeps,
  caller: Caller,
  query: PagedSpendQuery,
): Promise<readonly JsonObject[]> {
  const entries = await matching(deps, caller, query);
  sort(entries, query);
  return entries.map(spendRow);
}

async function matching(deps: ManagementDeps, caller: Caller, query: PagedSpendQuery): Promise<LedgerEntry[]> {
  if (query.requestId !== undefined) {
    const entry = await ownEntry(deps, caller, query.requestId);
    return entry === undefined ? [] : [entry];
  }
  return Array.fromAsync(callsOf(deps, (await callsAsked(deps, caller, query)).filter));
}

/**
 * The calls asked for, and the key they must be of, if any.
 *
 * @throws GatewayError `permission`, `invalid_request`
 */
export async function callsAsked(
  deps: ManagementDeps,
  caller: Caller,
  query: PagedSpendQuery,
): Promise<{ readonly filter: Required<Pick<CallFilter, 'matches'>> & CallFilter; readonly keyHash?: string }> {
  const from = timeOf(query.startDate, 'start_date');
  const to = timeOf(query.endDate, 'end_date', DAY_MS);
  const { scope, keyHash } = await scopeAsked(deps, caller, query);
  const isAsked = matcherOf(query, keyHash);
  const [least, most] = [amountIn(query.minSpend, 'min_spend'), amountIn(query.maxSpend, 'max_spend')];
  const { keyAlias } = query;
  const filter = {
    scope,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    matches: (entry: LedgerEntry) =>
      isAsked(entry) &&
      (keyAlias === undefined || entry.keyAlias?.includes(keyAlias) === true) &&
      (least === undefined || (entry.cost ?? 0n) >= least) &&
      (most === undefined || (entry.cost ?? 0n) <= most),
  };
  return { filter, ...(keyHash === undefined ? {} : { keyHash }) };
}

function sort(entries: LedgerEntry[], { sortBy = 'startTime', sortOrder = 'desc' }: PagedSpendQuery): void {
  const value = Object.hasOwn(SORTS, sortBy) ? SORTS[sortBy] : undefined;
  if (value === undefined) throw refusal('sort_by', `expected ${Object.keys(SORTS).join(', ')}`);
  if (sortOrder !== 'asc' && sortOrder !== 'desc') throw refusal('sort_order', 'expected asc or desc');
  const sign = sortOrder === 'asc' ? 1 : -1;
  entries.sort((one, other) => {
    const [mine, theirs] = [value(one), value(other)];
    if (mine === theirs) return one.id < other.id ? -sign : sign;
    return mine < theirs ? -sign : sign;
  });
}

function amountIn(value: string | undefined, param: string): Money | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,13}(\.\d{1,20})?$/.test(value)) throw refusal(param, 'expected an amount in USD');
  return parseUsd(value);
}

const refusal = (param: string, message: string): GatewayError =>
  new GatewayError('invalid_request', `${param}: ${message}`, { param });
