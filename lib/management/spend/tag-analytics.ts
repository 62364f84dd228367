/**
 * `/tag/distinct`, `/tag/dau`, `/tag/wau`, `/tag/mau`, `/tag/summary`, `/tag/user-agent/per-user-analytics`: who used what, by tag. Programs
 * count as tags too, `User-Agent: OpenAI/Python`, as with LiteLLM. A call with several tags counts for each.
 */
import { toUsdNumber } from '../../domain/money.ts';
import { addTotals, dayOf, EVERYTHING, NO_TOTAL, type Total, type TotalScope } from '../../domain/total.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { keyNames } from '../keys/key-names.ts';
import { pageOf } from '../records/records.ts';
import { livesOf, rowsOf, sumBy, tokensOf, type ScopedDay } from './day-totals.ts';
import { DAY_MS, daysOf, lastDays, namesIn, type Days } from './spend-query.ts';

/** Which tags: those named, comma-separated, or those that have `tag_filter` within them; all by default. */
export interface TagFilter {
  readonly tagFilter?: string;
  /** Wins over `tagFilter`. */
  readonly tagFilters?: string;
}

const MOST_TAGS = 250;
/** Periods that are shown side by side. */
const PERIODS = 7;
const PROGRAM = 'User-Agent: ';

/** A row of a day under one tag. */
interface Tagged {
  readonly tag: string;
  readonly row: ScopedDay;
}

/** Rows of the days under each of the tags asked for. */
async function taggedRows(deps: ManagementDeps, { tagFilter, tagFilters }: TagFilter, days: Days): Promise<readonly Tagged[]> {
  const named = namesIn(tagFilters);
  const isAsked = (tag: string): boolean =>
    named.length > 0 ? named.includes(tag) : tag.toLowerCase().includes((tagFilter ?? '').toLowerCase());
  const ids = named.length > 0 ? named : [...(await livesOf(deps, 'tag')).keys()];
  const scopes = ids.filter(isAsked).map((id): TotalScope => ({ kind: 'tag', id }));
  // Every call has a program: the rows of the whole house are read only where one may be asked for.
  const ofPrograms = named.length > 0 && !named.some((name) => name.startsWith(PROGRAM)) ? [] : [EVERYTHING];
  const rows = await rowsOf(deps, [...scopes, ...ofPrograms], days);
  return rows.flatMap((row) => {
    const tag = row.scope.kind === 'tag' ? row.scope.id : row.agent === '' ? '' : PROGRAM + row.agent;
    return tag !== '' && isAsked(tag) ? [{ tag, row }] : [];
  });
}

/** The user of each row's key; rows of nobody's keys have none. */
async function usersOf(deps: ManagementDeps, tagged: readonly Tagged[]): Promise<(row: ScopedDay) => string | undefined> {
  const names = await keyNames(deps, new Set(tagged.map(({ row }) => row.keyHash)));
  return ({ keyHash }) => names.get(keyHash)?.userId;
}

/** `GET /tag/distinct`: tags of all time and programs of the last thirty days, the most called first. */
export async function distinctTags(deps: ManagementDeps): Promise<JsonObject> {
  const tags = await livesOf(deps, 'tag');
  const programs = sumBy(await rowsOf(deps, [EVERYTHING], lastDays(deps.now())), ({ agent }) => agent || undefined);
  const all = [...tags, ...[...programs].map(([agent, total]) => [PROGRAM + agent, total] as const)];
  return {
    results: all
      .toSorted(([, one], [, other]) => other.requests - one.requests)
      .slice(0, MOST_TAGS)
      .map(([tag]) => ({ tag })),
  };
}

/** Lengths of periods in days, and how each is called. */
const LENGTHS = {
  day: { days: 1, label: (_number: number, from: string) => from },
  week: {
    days: 7,
    label: (number: number, from: string) => `Week ${number} (${shortOf(from, { month: 'short', day: '2-digit' })})`,
  },
  month: { days: 30, label: (number: number, from: string) => `Month ${number} (${shortOf(from, { month: 'short' })})` },
} as const;

/** Kinds of periods. */
export type Period = keyof typeof LENGTHS;

const shortOf = (day: string, form: Intl.DateTimeFormatOptions): string =>
  new Date(`${day}T00:00:00Z`).toLocaleDateString('en-US', { ...form, timeZone: 'UTC' });

/**
 * How many users called under each tag in each of the last seven days, weeks or spans of thirty days, today included; of days the newest
 * first, else the oldest first, as with LiteLLM.
 */
export async function activeUsers(deps: ManagementDeps, period: Period, filter: TagFilter): Promise<JsonObject> {
  const { days: length, label } = LENGTHS[period];
  const today = Date.parse(`${dayOf(deps.now())}T00:00:00Z`);
  const first = today - (PERIODS * length - 1) * DAY_MS;
  const tagged = await taggedRows(deps, filter, { from: dayOf(first), to: dayOf(today) });
  const userOf = await usersOf(deps, tagged);
  const numberOf = ({ day }: ScopedDay): number => Math.floor((Date.parse(`${day}T00:00:00Z`) - first) / (length * DAY_MS)) + 1;
  const byPeriod = Map.groupBy(tagged, ({ row }) => numberOf(row));
  const sign = period === 'day' ? -1 : 1;
  const results = [...byPeriod]
    .toSorted(([one], [other]) => sign * (one - other))
    .flatMap(([number, inPeriod]) => {
      const start = first + (number - 1) * length * DAY_MS;
      const [from, to] = [dayOf(start), dayOf(start + (length - 1) * DAY_MS)];
      return [...Map.groupBy(inPeriod, ({ tag }) => tag)]
        .map(([tag, ofTag]) => ({
          tag,
          active_users: new Set(ofTag.flatMap(({ row }) => userOf(row) ?? [])).size,
          date: label(number, from),
          period_start: period === 'day' ? null : from,
          period_end: period === 'day' ? null : to,
        }))
        .filter(({ active_users: users }) => users > 0)
        .toSorted((one, other) => other.active_users - one.active_users || (one.tag < other.tag ? -1 : 1));
    });
  return { results };
}

/** Figures of a tag or a user. */
const figuresOf = (total: Total) => ({
  successful_requests: total.requests - total.failed,
  failed_requests: total.failed,
  total_requests: total.requests,
  total_tokens: tokensOf(total),
});

const totalOf = (tagged: readonly Tagged[]): Total => tagged.reduce((sum, { row }) => addTotals(sum, row.total), NO_TOTAL);

/**
 * `GET /tag/summary`: what was called under each tag, the most called first.
 *
 * @throws GatewayError `invalid_request` for wrong dates
 */
export async function tagSummary(
  deps: ManagementDeps,
  filter: TagFilter,
  { startDate, endDate }: { readonly startDate?: string; readonly endDate?: string },
): Promise<JsonObject> {
  const tagged = await taggedRows(deps, filter, daysOf(startDate, endDate));
  const userOf = await usersOf(deps, tagged);
  const results = [...Map.groupBy(tagged, ({ tag }) => tag)].map(([tag, ofTag]) => {
    const total = totalOf(ofTag);
    const users = new Set(ofTag.flatMap(({ row }) => userOf(row) ?? []));
    return { tag, unique_users: users.size, ...figuresOf(total), total_spend: toUsdNumber(total.spend) };
  });
  return { results: results.toSorted((one, other) => other.total_requests - one.total_requests) };
}

/**
 * `GET /tag/user-agent/per-user-analytics`: what each user called under the tags asked for in the last thirty days, by page. Without a
 * filter a user's calls are those of the user's programs, so that none counts twice; `user_agent` is the tag called most.
 */
export async function perUserAnalytics(
  deps: ManagementDeps,
  filter: TagFilter,
  asked: { readonly page?: string | undefined; readonly size?: string | undefined },
): Promise<JsonObject> {
  const isFree = filter.tagFilter === undefined && namesIn(filter.tagFilters).length === 0;
  const tagged = await taggedRows(deps, isFree ? { tagFilter: PROGRAM } : filter, lastDays(deps.now()));
  const userOf = await usersOf(deps, tagged);
  const byUser = Map.groupBy(tagged, ({ row }) => userOf(row));
  const rows = [...byUser].flatMap(([user, ofUser]) => (user === undefined ? [] : [{ user, ofUser, total: totalOf(ofUser) }]));
  const sorted = rows.toSorted((one, other) => succeeded(other.total) - succeeded(one.total));
  const { items, total, page, size, pages } = pageOf(sorted, asked, { most: 1_000 });
  return {
    results: await Promise.all(
      items.map(async ({ user, ofUser, total: sum }) => ({
        user_id: user,
        user_email: (await deps.users.get(user))?.email ?? null,
        user_agent: mostCalled(ofUser),
        ...figuresOf(sum),
        spend: toUsdNumber(sum.spend),
      })),
    ),
    total_count: total,
    page,
    page_size: size,
    total_pages: pages,
  };
}

const succeeded = ({ requests, failed }: Total): number => requests - failed;

const mostCalled = (tagged: readonly Tagged[]): string | null =>
  [...Map.groupBy(tagged, ({ tag }) => tag)].toSorted(
    ([, one], [, other]) => totalOf(other).requests - totalOf(one).requests,
  )[0]?.[0] ?? null;
