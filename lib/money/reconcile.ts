/**
 * Reconciliation: the ledger is the truth, and everything that was derived from it must say the same, to the last 1e-12 USD.
 *
 * - A **meter** of a budget in force must have spent (committed less held) what the calls that arrived in its window cost, where they
 *   count for its scope and model: calls without a budget are brought in when one opens (`management/budget`). Windows of the past are
 *   judged as long as their meters exist. Sessions have no records to be found by and are left out.
 * - The **life** of a scope in the totals must be the sum of all its calls, each of its **days** the sum of that day's.
 *
 * What is counted is read before the ledger, so it can only be behind: by what ended shortly before. A difference within that is work
 * under way and no difference.
 */
import { budgetsSince, countsOn, limitedScopes, meteredScopes } from './budgeted-scopes.ts';
import type { Budget } from '../domain/budget.ts';
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import { spentOf } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import { dayOf, netSpend, scopesOf, TOTAL_KINDS, type TotalScope } from '../domain/total.ts';
import type { ScopeSettings } from '../policies/scopes.ts';
import type { Meter } from '../domain/meter.ts';
import type { Stores } from '../stores/stores.ts';

/** What it looks at. */
export interface ReconcileDeps {
  readonly stores: Stores;
  /** A meter as one, however it is stored. */
  readonly readMeter: (id: string) => Promise<Meter | undefined>;
  readonly settings: ScopeSettings;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Which part of the books; everything by default. Whole days in UTC, as milliseconds since the epoch, `from` inclusive and `to` exclusive.
 * Meters whose windows reach beyond it are left out, and so are lives.
 */
export interface ReconcileSpan {
  readonly from?: number;
  readonly to?: number;
}

/** One comparison. Amounts in 1e-12 USD. */
export interface Check {
  readonly what: 'meter' | 'life' | 'day';
  /** `team#t1`. */
  readonly scope: string;
  /** Id of the meter, or the day. */
  readonly of: string;
  readonly ledger: Money;
  readonly counted: Money;
  /** Part of `ledger` that may not have been counted yet. */
  readonly underWay: Money;
  /** Counted less ledger; 0 where the rest is under way. */
  readonly difference: Money;
}

/** What came of it. */
export interface Reconciliation {
  readonly checks: readonly Check[];
  /** Entries of the ledger that were added up, and what they cost. */
  readonly entries: number;
  readonly spend: Money;
  /** Calls whose price is unknown: they cost something that nobody counts. */
  readonly unpriced: number;
  /** Sum of all differences, each without its sign: 0 is the only pass. */
  readonly difference: Money;
}

/** How long an entry may take to be counted everywhere, milliseconds: settlement at once, the stream in seconds. */
const UNDER_WAY_MS = 120_000;
const PAGE = 1_000;
/** Questions to a store at once. */
const AT_ONCE = 16;

/** What the ledger says of one thing that is counted. */
class Sum {
  spend = 0n;
  underWay = 0n;

  add({ cost = 0n, endedAt }: LedgerEntry, settled: number): void {
    this.spend += cost;
    if (endedAt >= settled) this.underWay += cost;
  }
}

/** Adds up the ledger and compares. Reads every entry of the span, and without one the whole ledger. */
export async function reconcile(deps: ReconcileDeps, span: ReconcileSpan = {}): Promise<Reconciliation> {
  const { stores, settings, now } = deps;
  const start = now();
  const whole = span.from === undefined && span.to === undefined;
  const limited = await limitedScopes(stores, settings);
  const candidates = limited
    .flatMap((scope) => budgetsSince(scope, span.from ?? -Infinity, start))
    .filter(({ window }) => span.to === undefined || (window.end ?? Infinity) <= span.to);
  const models = limited.filter(({ scope }) => scope.kind === 'model').map(({ scope }) => scope.id);

  const found = await inTurn(candidates, async (budget) => ({ budget, meter: await deps.readMeter(budget.meter) }));
  // A window of the past without a meter is none to judge: the budget came later, or the meter has gone since.
  const judged = found.filter(({ budget, meter }) => meter !== undefined || (budget.window.end ?? Infinity) > start);
  const budgets = judged.map(({ budget }) => budget);
  const lives = await readLives(stores);
  const days = await readDays(stores, lives, span);

  const byScope = Map.groupBy(budgets, ({ scope }) => `${scope.kind}#${scope.id}`);
  const metered = new Map<string, Sum>();
  const lived = new Map<string, Sum>();
  const daily = new Map<string, Sum>();
  let [entries, spend, unpriced] = [0, 0n, 0];
  const settled = start - UNDER_WAY_MS;
  for await (const entry of entriesOf(stores, span)) {
    entries++;
    spend += entry.cost ?? 0n;
    if (entry.cost === undefined) unpriced++;
    for (const name of meteredScopes(entry, settings, models)) {
      for (const budget of byScope.get(name) ?? []) {
        if (countsOn(budget, entry)) sumOf(metered, budget.meter).add(entry, settled);
      }
    }
    for (const scope of scopesOf(entry)) {
      sumOf(lived, nameOf(scope)).add(entry, settled);
      sumOf(daily, `${nameOf(scope)} ${dayOf(entry.at)}`).add(entry, settled);
    }
  }

  const checks = [
    ...judged.map(({ budget, meter }) =>
      compare('meter', nameOfBudget(budget), budget.meter, metered.get(budget.meter), spentIn(meter)),
    ),
    ...(whole ? namesOf(lived, lives).map((name) => compare('life', name, 'life', lived.get(name), lives.get(name))) : []),
    ...namesOf(daily, days).map((name) => {
      const split = name.lastIndexOf(' ');
      return compare('day', name.slice(0, split), name.slice(split + 1), daily.get(name), days.get(name));
    }),
  ];
  const difference = checks.reduce((sum, check) => sum + absolute(check.difference), 0n);
  return { checks, entries, spend, unpriced, difference };
}

const nameOf = ({ kind, id }: TotalScope): string => `${kind}#${id}`;
const nameOfBudget = ({ scope }: Budget): string => `${scope.kind}#${scope.id}`;
const spentIn = (meter: Meter | undefined): Money => (meter === undefined ? 0n : spentOf(meter, 'usd'));
const absolute = (amount: Money): Money => (amount < 0n ? -amount : amount);
const namesOf = (one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): readonly string[] => [
  ...new Set([...one.keys(), ...other.keys()]),
];

function sumOf(sums: Map<string, Sum>, name: string): Sum {
  const known = sums.get(name);
  if (known !== undefined) return known;
  const sum = new Sum();
  sums.set(name, sum);
  return sum;
}

function compare(what: Check['what'], scope: string, of: string, sum: Sum | undefined, counted: Money = 0n): Check {
  const { spend: ledger, underWay } = sum ?? new Sum();
  const missing = ledger - counted;
  const difference = missing >= 0n && missing <= underWay ? 0n : -missing;
  return { what, scope, of, ledger, counted, underWay, difference };
}

/** Every entry of the span, newest first; without a span, every entry there is. */
async function* entriesOf({ ledger }: Stores, { from, to }: ReconcileSpan): AsyncGenerator<LedgerEntry> {
  let cursor: string | undefined;
  do {
    const page =
      from === undefined && to === undefined
        ? await ledger.scan(cursor)
        : await ledger.list({
            ...(from === undefined ? {} : { from }),
            ...(to === undefined ? {} : { to }),
            limit: PAGE,
            ...(cursor === undefined ? {} : { cursor }),
          });
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** Spend of the life of every scope. */
async function readLives({ totals }: Stores): Promise<Map<string, Money>> {
  const lives = new Map<string, Money>();
  for (const kind of TOTAL_KINDS) {
    let cursor: string | undefined;
    do {
      const page = await totals.list(kind, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
      for (const { id, total } of page.items) lives.set(`${kind}#${id}`, (lives.get(`${kind}#${id}`) ?? 0n) + netSpend(total));
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return lives;
}

/** Spend of every scope on every day that lies in the span as a whole. */
async function readDays(
  { totals }: Stores,
  lives: ReadonlyMap<string, Money>,
  span: ReconcileSpan,
): Promise<Map<string, Money>> {
  const days = new Map<string, Money>();
  const from = span.from === undefined ? '0000-01-01' : dayOf(span.from);
  const to = span.to === undefined ? '9999-12-31' : dayOf(span.to - 1);
  await inTurn([...lives.keys()], async (name) => {
    const split = name.indexOf('#');
    const scope = { kind: name.slice(0, split), id: name.slice(split + 1) } as TotalScope;
    let cursor: string | undefined;
    do {
      const page = await totals.days(scope, { from, to }, { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
      for (const { day, total } of page.items) days.set(`${name} ${day}`, (days.get(`${name} ${day}`) ?? 0n) + netSpend(total));
      cursor = page.cursor;
    } while (cursor !== undefined);
  });
  return days;
}

/** Does something for each, some at once. */
async function inTurn<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(from, from + AT_ONCE).map(run))));
  }
  return results;
}
