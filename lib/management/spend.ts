/** The ledger as LiteLLM's spend logs: `GET /spend/logs`. */
import { hashSecret, scopeOf } from '../domain/key.ts';
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import { toUsdNumber, type Money } from '../domain/money.ts';
import { GatewayError } from '../errors.ts';
import type { Caller } from '../exchange.ts';
import type { JsonObject } from '../kinds/json.ts';
import { ownScope, requireSelf } from './access.ts';
import type { ManagementDeps } from './deps.ts';
import { spendRow } from './spend-row.ts';

/** Query of `/spend/logs`, as it came. */
export interface SpendQuery {
  readonly requestId?: string;
  /** Secret or hash. */
  readonly apiKey?: string;
  /** `2026-11-22`, or a date and time; UTC where no zone is named. */
  readonly startDate?: string;
  /** A bare date includes that day. */
  readonly endDate?: string;
  /** `true` sums up by day; default true when both dates are given, as with LiteLLM. */
  readonly summarize?: string;
}

/** Most entries of one answer. */
const MOST = 1_000;

const DAY_MS = 86_400_000;

/**
 * Entries of the ledger, newest first, or sums by day. A virtual key sees its own.
 *
 * @throws GatewayError `permission` for another key's, `invalid_request` for wrong dates or when more than 1,000 entries match.
 */
export async function spendLogs(deps: ManagementDeps, caller: Caller, query: SpendQuery): Promise<readonly JsonObject[]> {
  const own = ownScope(caller);
  if (query.requestId !== undefined) {
    const entry = await deps.ledger.get(query.requestId);
    return entry === undefined || (own !== undefined && entry.keyHash !== own) ? [] : [spendRow(entry)];
  }
  const from = timeOf(query.startDate, 'start_date', 0);
  const to = timeOf(query.endDate, 'end_date', DAY_MS);
  const summarize = query.summarize === undefined ? from !== undefined && to !== undefined : readFlag(query.summarize);
  const keyHash = (await scopeAsked(deps, caller, query.apiKey)) ?? own;
  const filter = {
    ...(keyHash === undefined ? {} : { keyHash }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
  if (summarize) return sumByDay(entriesOf(deps, filter));
  const rows: JsonObject[] = [];
  for await (const entry of entriesOf(deps, filter)) {
    if (rows.length === MOST) {
      const fault = `More than ${MOST} entries match. Narrow start_date and end_date (times count too), or ask with summarize=true.`;
      throw new GatewayError('invalid_request', fault, { param: 'start_date' });
    }
    rows.push(spendRow(entry));
  }
  return rows;
}

/** The owner in the ledger of the key asked for. A deleted key is found by the hash it had when it was created. */
async function scopeAsked(deps: ManagementDeps, caller: Caller, given: string | undefined): Promise<string | undefined> {
  if (given === undefined) return undefined;
  const hash = given.startsWith('sk-') ? hashSecret(given) : given;
  requireSelf(caller, hash);
  const key = await deps.keys.get(hash, { fresh: true });
  return key === undefined ? hash : scopeOf(key).id;
}

function readFlag(value: string): boolean {
  if (/^(true|1)$/i.test(value)) return true;
  if (/^(false|0)$/i.test(value)) return false;
  throw new GatewayError('invalid_request', 'summarize: expected true or false', { param: 'summarize' });
}

/** Milliseconds of a date; a bare date is taken `wholeDay` later. */
function timeOf(value: string | undefined, param: string, wholeDay: number): number | undefined {
  if (value === undefined) return undefined;
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(value);
  const [, day, time, zone = 'Z'] = match ?? [];
  const at = Date.parse(time === undefined ? `${day}T00:00:00Z` : `${day}T${time}${zone}`);
  if (Number.isNaN(at)) {
    throw new GatewayError('invalid_request', `${param}: expected a date such as 2026-11-22 or 2026-11-22T08:00:00Z`, {
      param,
    });
  }
  return time === undefined ? at + wholeDay : at;
}

type Filter = Omit<Parameters<ManagementDeps['ledger']['list']>[0], 'limit' | 'cursor'>;

/** Every entry that matches, page by page. */
async function* entriesOf(deps: ManagementDeps, filter: Filter): AsyncGenerator<LedgerEntry> {
  let cursor: string | undefined;
  do {
    const page = await deps.ledger.list({ ...filter, limit: MOST, ...(cursor === undefined ? {} : { cursor }) });
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

interface Day {
  spend: Money;
  unpriced: number;
  readonly users: Map<string, Money>;
  readonly models: Map<string, Money>;
}

/** LiteLLM's summary: one object a day (UTC), newest first. `unpriced_requests` counts calls whose cost is unknown, missing here. */
async function sumByDay(entries: AsyncIterable<LedgerEntry>): Promise<readonly JsonObject[]> {
  const days = new Map<string, Day>();
  for await (const entry of entries) {
    const name = new Date(entry.at).toISOString().slice(0, 10);
    const day = days.get(name) ?? { spend: 0n, unpriced: 0, users: new Map(), models: new Map() };
    days.set(name, day);
    if (entry.cost === undefined) day.unpriced += 1;
    const cost = entry.cost ?? 0n;
    day.spend += cost;
    if (entry.userId !== undefined) day.users.set(entry.userId, (day.users.get(entry.userId) ?? 0n) + cost);
    if (entry.modelGroup !== '') day.models.set(entry.modelGroup, (day.models.get(entry.modelGroup) ?? 0n) + cost);
  }
  const numbers = (sums: ReadonlyMap<string, Money>): JsonObject =>
    Object.fromEntries([...sums].map(([name, sum]) => [name, toUsdNumber(sum)]));
  return [...days].map(([startTime, { spend, unpriced, users, models }]) => ({
    startTime,
    spend: toUsdNumber(spend),
    unpriced_requests: unpriced,
    users: numbers(users),
    models: numbers(models),
  }));
}
