/** The ledger as LiteLLM's spend logs: `GET /spend/logs`. */
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { toUsdNumber, type Money } from '../../domain/money.ts';
import { dayOf } from '../../domain/total.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { ownScope, userIdOf } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { callsOf } from './spend-calls.ts';
import { DAY_MS, scopeAsked, timeOf, type Asked } from './spend-query.ts';
import { spendRow } from './spend-row.ts';

/** Query of `/spend/logs`, as it came. */
export interface SpendQuery extends Asked {
  readonly requestId?: string;
  /** Model as called, or as served. */
  readonly model?: string;
  /** `success` or `failure`. */
  readonly status?: string;
  /** `2026-11-22`, or a date and time; UTC where no zone is named. */
  readonly startDate?: string;
  /** A bare date includes that day. */
  readonly endDate?: string;
  /** `true` sums up by day; default true when both dates are given, as with LiteLLM. */
  readonly summarize?: string;
}

/** Most entries of one answer. */
const MOST = 1_000;

/**
 * Entries of the ledger, newest first, or sums by day. A virtual key sees its own, a user those of the user's keys.
 *
 * @throws GatewayError `permission` for another's, `invalid_request` for wrong dates or when more than 1,000 entries match.
 */
export async function spendLogs(deps: ManagementDeps, caller: Caller, query: SpendQuery): Promise<readonly JsonObject[]> {
  if (query.requestId !== undefined) {
    const entry = await ownEntry(deps, caller, query.requestId);
    return entry === undefined ? [] : [spendRow(entry)];
  }
  const from = timeOf(query.startDate, 'start_date');
  const to = timeOf(query.endDate, 'end_date', DAY_MS);
  const summarize = query.summarize === undefined ? from !== undefined && to !== undefined : readFlag(query.summarize);
  const { scope, keyHash } = await scopeAsked(deps, caller, query);
  const calls = callsOf(deps, {
    scope,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    matches: matcherOf(query, keyHash),
  });
  if (summarize) return sumByDay(calls);
  const rows: JsonObject[] = [];
  for await (const entry of calls) {
    if (rows.length === MOST) {
      const fault = `More than ${MOST} entries match. Narrow start_date and end_date (times count too), page with /spend/logs/v2, or ask with summarize=true.`;
      throw new GatewayError('invalid_request', fault, { param: 'start_date' });
    }
    rows.push(spendRow(entry));
  }
  return rows;
}

/** An entry of the caller's own: of its key, or of its user; viewers see every one. */
export async function ownEntry(deps: ManagementDeps, caller: Caller, id: string): Promise<LedgerEntry | undefined> {
  const entry = await deps.ledger.get(id);
  if (entry === undefined) return undefined;
  const own = ownScope(caller);
  const userId = userIdOf(caller);
  const isOwn = own === undefined || entry.keyHash === own || (userId !== undefined && entry.userId === userId);
  return isOwn ? entry : undefined;
}

/** What a call must be: everything that was asked for, of which its scope is only the first. */
export function matcherOf(
  { model, status, userId, teamId, organizationId, projectId, endUser, tag, sessionId }: Omit<SpendQuery, 'summarize'>,
  keyHash: string | undefined,
): (entry: LedgerEntry) => boolean {
  if (status !== undefined && status !== 'success' && status !== 'failure') {
    throw new GatewayError('invalid_request', 'status: expected success or failure', { param: 'status' });
  }
  const pairs = (entry: LedgerEntry): readonly (readonly [string | undefined, string | undefined])[] => [
    [keyHash, entry.keyHash],
    [userId, entry.userId],
    [teamId, entry.teamId],
    [organizationId, entry.organizationId],
    [projectId, entry.projectId],
    [endUser, entry.endUser],
    [sessionId, entry.sessionId],
  ];
  return (entry) =>
    pairs(entry).every(([asked, is]) => asked === undefined || asked === is) &&
    (tag === undefined || entry.tags.includes(tag)) &&
    (model === undefined || entry.modelGroup === model || entry.model === model) &&
    (status === undefined || (entry.status === 'success') === (status === 'success'));
}

function readFlag(value: string): boolean {
  if (/^(true|1)$/i.test(value)) return true;
  if (/^(false|0)$/i.test(value)) return false;
  throw new GatewayError('invalid_request', 'summarize: expected true or false', { param: 'summarize' });
}

interface Day {
  spend: Money;
  unpriced: number;
  readonly keys: Map<string, Money>;
  readonly users: Map<string, Money>;
  readonly models: Map<string, Money>;
}

/**
 * LiteLLM's summary: one object a day (UTC), oldest first, with the spend of each key under its hash. `unpriced_requests` counts calls
 * whose cost is unknown, missing here.
 */
async function sumByDay(entries: AsyncIterable<LedgerEntry>): Promise<readonly JsonObject[]> {
  const days = new Map<string, Day>();
  for await (const entry of entries) {
    // Adjustments change what counts against a budget, not what calls cost.
    if (entry.adjusts !== undefined) continue;
    const name = dayOf(entry.at);
    const day = days.get(name) ?? { spend: 0n, unpriced: 0, keys: new Map(), users: new Map(), models: new Map() };
    days.set(name, day);
    if (entry.cost === undefined) day.unpriced += 1;
    const cost = entry.cost ?? 0n;
    day.spend += cost;
    add(day.keys, entry.keyHash, cost);
    if (entry.userId !== undefined) add(day.users, entry.userId, cost);
    if (entry.modelGroup !== '') add(day.models, entry.modelGroup, cost);
  }
  return [...days]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([startTime, { spend, unpriced, keys, users, models }]) => ({
      startTime,
      ...numbers(keys),
      spend: toUsdNumber(spend),
      unpriced_requests: unpriced,
      users: numbers(users),
      models: numbers(models),
    }));
}

const add = (sums: Map<string, Money>, name: string, cost: Money): void => void sums.set(name, (sums.get(name) ?? 0n) + cost);

const numbers = (sums: ReadonlyMap<string, Money>): JsonObject =>
  Object.fromEntries([...sums].map(([name, sum]) => [name, toUsdNumber(sum)]));
