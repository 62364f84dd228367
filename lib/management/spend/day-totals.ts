/** Day totals as reports need them: read whole, added up by one thing or another. */
import { allOf } from '../../domain/pages.ts';
import { addTotals, NO_TOTAL, type DayTotal, type Total, type TotalKind, type TotalScope } from '../../domain/total.ts';
import { GatewayError } from '../../errors.ts';
import type { ManagementDeps } from '../deps.ts';
import type { Days } from './spend-query.ts';

/** Most rows one report is made of, and most scopes. */
const MOST_ROWS = 100_000;
const MOST_SCOPES = 2_000;
/** Scopes read at once. */
const AT_ONCE = 16;

const tooMuch = (what: string): GatewayError =>
  new GatewayError(
    'invalid_request',
    `This report is made of too many ${what}. Narrow start_date and end_date, or name what you want.`,
    {
      param: 'start_date',
    },
  );

/** A day's totals, and whose they are. */
export interface ScopedDay extends DayTotal {
  readonly scope: TotalScope;
}

/**
 * Rows of the scopes on these days, newest first.
 *
 * @throws GatewayError `invalid_request` for more than a report may take.
 */
export async function rowsOf(
  { totals }: Pick<ManagementDeps, 'totals'>,
  scopes: readonly TotalScope[],
  days: Days,
): Promise<readonly ScopedDay[]> {
  if (scopes.length > MOST_SCOPES) throw tooMuch('scopes');
  const rows: ScopedDay[] = [];
  for (let first = 0; first < scopes.length; first += AT_ONCE) {
    await Promise.all(
      scopes.slice(first, first + AT_ONCE).map(async (scope) => {
        for await (const row of allOf((page) => totals.days(scope, days, page))) {
          // What was taken back changes what counts against a budget, not what calls cost.
          if (row.total.requests > 0 || row.total.spend > 0n) rows.push({ ...row, scope });
          if (rows.length > MOST_ROWS) throw tooMuch('rows');
        }
      }),
    );
  }
  // The same order at every call: reports come by page.
  const places = new Map(rows.map((row) => [row, placeOf(row)]));
  return rows.toSorted((one, other) => {
    if (one.day !== other.day) return one.day < other.day ? 1 : -1;
    return (places.get(one) ?? '') < (places.get(other) ?? '') ? -1 : 1;
  });
}

const placeOf = ({ scope, keyHash, modelGroup, model, provider, route, agent, total }: ScopedDay): string =>
  [scope.id, keyHash, modelGroup, model, provider, route, agent, total.spend].join('\n');

/**
 * Totals of the lives of every scope of a kind, by id.
 *
 * @throws GatewayError `invalid_request` for more than a report may take.
 */
export async function livesOf(
  { totals }: Pick<ManagementDeps, 'totals'>,
  kind: TotalKind,
): Promise<ReadonlyMap<string, Total>> {
  const lives = new Map<string, Total>();
  for await (const { id, total } of allOf((page) => totals.list(kind, page))) {
    lives.set(id, addTotals(lives.get(id) ?? NO_TOTAL, total));
    if (lives.size > MOST_ROWS) throw tooMuch('scopes');
  }
  return lives;
}

/** Sums of rows by a name; rows without one are left out. In the order the names turn up. */
export function sumBy<T extends { readonly total: Total }>(
  rows: readonly T[],
  name: (row: T) => string | undefined,
): ReadonlyMap<string, Total> {
  const sums = new Map<string, Total>();
  for (const row of rows) {
    const of = name(row);
    if (of !== undefined) sums.set(of, addTotals(sums.get(of) ?? NO_TOTAL, row.total));
  }
  return sums;
}

/** The sum of rows. */
export const sumOf = (rows: readonly { readonly total: Total }[]): Total =>
  rows.reduce((sum, { total }) => addTotals(sum, total), NO_TOTAL);

/** The dearest first. */
export const bySpend = (sums: ReadonlyMap<string, Total>): readonly (readonly [string, Total])[] =>
  [...sums].toSorted(([, one], [, other]) => (one.spend < other.spend ? 1 : one.spend > other.spend ? -1 : 0));

/** Input and output tokens. */
export const tokensOf = ({ inputTokens, outputTokens }: Total): number => inputTokens + outputTokens;
