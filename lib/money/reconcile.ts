/**
 * Reconciliation: the ledger is the truth, and everything that was derived from it must say the same, to the last 1e-12 USD.
 *
 * - A **meter** of a budget in force must have spent (committed less held) what the calls that arrived in its window cost, where they
 *   count for its scope and model: calls without a budget are brought in when one opens (`management/budget`), and those that could not be
 *   seen then are brought in here. Windows of the past are judged as long as their meters exist. Sessions are found by their calls.
 * - The **life** of a scope in the totals must be the sum of all its calls, each of its **days** the sum of that day's.
 *
 * What is counted is read before the ledger, so it can only be behind: by what ended shortly before, and, where a process died, by what the
 * keeper settles when the lease of its hold ends. A difference within that is work under way and no difference.
 *
 * Books that were in order up to a moment need not be added up again: sums up to it are carried on as a **checkpoint**.
 */
import { bringIn, broughtInto } from './bring-in.ts';
import { budgetsSince, limitedScopes } from './budgeted-scopes.ts';
import type { Budget } from '../domain/budget.ts';
import type { Checkpoint } from '../domain/checkpoint.ts';
import { spentOf, type Meter } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import { entriesOf, entriesOfScope, inTurn, isListed, readDays, readLives, type OpenSpan } from './ledger-reading.ts';
import { LedgerSums, nameOf, Sum } from './ledger-sums.ts';
import type { ScopeSettings } from '../policies/scopes.ts';
import { settlingIn } from './settling.ts';
import { SessionSums } from './session-sums.ts';
import type { Stores } from '../stores/stores.ts';

/** What it looks at. */
export interface ReconcileDeps {
  readonly stores: Stores;
  /** A meter as one, however it is stored. */
  readonly readMeter: (id: string) => Promise<Meter | undefined>;
  readonly settings: ScopeSettings;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Spend that a meter did not hold, and that its opening could not see, is brought into it. */
  readonly bringsIn?: boolean;
}

/**
 * Which part of the books; everything by default. Whole days in UTC, as milliseconds since the epoch, `from` inclusive and `to` exclusive.
 * Meters whose windows reach beyond it are left out, and so are lives.
 */
export interface ReconcileSpan extends OpenSpan {
  /** Goes on from here: everything is compared, and the ledger is read from here on alone. Instead of `from` and `to`. */
  readonly since?: Checkpoint;
  /** Closes the books up to this moment, a start of a day, for the next one to go on from. Not with `from` or `to`. */
  readonly closeAt?: number;
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
  /** What was spent of `ledger` that may not have been counted yet. */
  readonly underWay: Money;
  /** Counted less ledger; 0 where the rest is under way. */
  readonly difference: Money;
}

/** What came of it. */
export interface Reconciliation {
  readonly checks: readonly Check[];
  /** Entries of the ledger that were added up, those of the checkpoint included, and what they cost. */
  readonly entries: number;
  readonly spend: Money;
  /** Calls whose price is unknown: they cost something that nobody counts. */
  readonly unpriced: number;
  /** What was brought into meters, which then agree. */
  readonly broughtIn: Money;
  /** Sum of all differences, each without its sign: 0 is the only pass. */
  readonly difference: Money;
  /** One of so many parts of the sessions was judged; 1 unless there were too many for one night. */
  readonly sessionParts: number;
  /** The books up to `closeAt`; only where they are in order. */
  readonly closed?: Checkpoint;
}

/** How long an entry may take to be counted everywhere, milliseconds: settlement at once, the stream within a minute or so. */
const UNDER_WAY_MS = 180_000;

const DAY_MS = 86_400_000;
/** Days that stay open behind a checkpoint: every window of a month or less is in them as a whole. */
const OPEN_DAYS = 35;

/** Up to when the books may be closed at a moment, milliseconds since the epoch: the start of a day. */
export const closingDay = (now: number): number => (Math.floor(now / DAY_MS) - OPEN_DAYS) * DAY_MS;

/** Adds up the ledger and compares. Reads every entry of the span; without one, the whole ledger, or what came since the checkpoint. */
export async function reconcile(deps: ReconcileDeps, span: ReconcileSpan = {}): Promise<Reconciliation> {
  const { stores, settings, now } = deps;
  const start = now();
  const settled = start - UNDER_WAY_MS;
  const { scopes, sessions: limitedSessions } = await limitedScopes(stores, settings);
  const models = scopes.filter(({ scope }) => scope.kind === 'model').map(({ scope }) => scope.id);
  const since = span.since?.userBudgetsForTeamKeys === (settings.userBudgetsForTeamKeys === true) ? span.since : undefined;
  const from = since?.at ?? span.from;

  const candidates = scopes
    .flatMap((scope) => budgetsSince(scope, from ?? -Infinity, start, since !== undefined))
    .filter(({ window }) => span.to === undefined || (window.end ?? Infinity) <= span.to);
  const found = await inTurn(candidates, async (budget) => ({ budget, meter: await deps.readMeter(budget.meter) }));
  // A window of the past without a meter is none to judge: the budget came later, or the meter has gone since.
  const judged = found.filter(({ budget, meter }) => meter !== undefined || (budget.window.end ?? Infinity) > start);
  const budgets = judged.map(({ budget }) => budget);
  const unknown = since === undefined ? [] : budgets.filter((budget) => reachesBack(budget, since));
  // Nothing lists the calls of a model or of everything: a budget of those that is new and began long ago takes the whole ledger once.
  if (!unknown.every(({ scope }) => isListed(scope))) return reconcile(deps, without(span, 'since'));
  const lives = await readLives(stores);
  const days = await readDays(stores, lives.keys(), { ...span, ...(from === undefined ? {} : { from }) });

  const summed = { budgets, settings, models, settled };
  const [all, closing] = [new LedgerSums(summed, since), new LedgerSums(summed, since)];
  const sessions = new SessionSums(limitedSessions, start, settled);
  for await (const entry of entriesOf(stores, { ...span, ...(from === undefined ? {} : { from }) })) {
    all.add(entry);
    sessions.add(entry);
    if (entry.at < (span.closeAt ?? 0)) closing.add(entry);
  }
  for (const budget of unknown) {
    const before = { from: Math.max(0, budget.window.start), to: from ?? 0 };
    for await (const entry of entriesOfScope(stores, budget.scope, before)) {
      for (const sums of [all, closing]) sums.addToMeters(entry, budget.meter);
    }
  }

  const named = await sessions.judged(stores, deps.readMeter, from);
  const counted = [
    ...judged.map(({ budget, meter }) => ({ budget, meter, sum: all.meters.get(budget.meter) ?? new Sum() })),
    ...named,
  ];
  const scanned = from === undefined && span.to === undefined;
  const meters = await inTurn(counted, (one) => compareMeter(deps, one, { scanned, settled }));
  const whole = since !== undefined || (span.from === undefined && span.to === undefined);
  const checks = [
    ...meters.map(({ check }) => check),
    ...(whole
      ? namesOf(all.lives, lives).map((name) => compare('life', name, 'life', all.lives.get(name), lives.get(name)))
      : []),
    ...namesOf(all.days, days).map((name) => {
      const split = name.lastIndexOf(' ');
      return compare('day', name.slice(0, split), name.slice(split + 1), all.days.get(name), days.get(name));
    }),
  ];
  const difference = checks.reduce((sum, check) => sum + absolute(check.difference), 0n);
  return {
    checks,
    entries: all.entries,
    spend: all.spend,
    unpriced: all.unpriced,
    broughtIn: meters.reduce((sum, { broughtIn }) => sum + broughtIn, 0n),
    difference,
    sessionParts: sessions.parts,
    ...(span.closeAt === undefined || difference !== 0n ? {} : { closed: closing.closedAt(span.closeAt) }),
  };
}

/** True where a budget counts calls of before a checkpoint that does not know it. */
const reachesBack = ({ meter, window }: Budget, { at, meters }: Checkpoint): boolean => window.start < at && !meters.has(meter);

const without = <T extends object, K extends keyof T>(whole: T, name: K): Omit<T, K> => {
  const { [name]: _, ...rest } = whole;
  return rest;
};

const absolute = (amount: Money): Money => (amount < 0n ? -amount : amount);
const namesOf = (one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>): readonly string[] => [
  ...new Set([...one.keys(), ...other.keys()]),
];

/** A budget, its meter as it was read before the ledger, and what the ledger says of it. */
interface Counted {
  readonly budget: Budget;
  readonly meter: Meter | undefined;
  readonly sum: Sum;
}

/**
 * Compares a meter. What it lacks because its calls did not hold there is brought in, where that is wanted: never more than it takes to
 * reach the ledger. What was brought in and should not have been, since the totals did not know yet that it was taken back, is taken out
 * again: never below the ledger.
 *
 * @param reading `scanned`: all of the ledger was read, consistently: an index may not have what was brought in a moment ago. `settled`:
 *   what ended at or after this moment is under way anyway, milliseconds since the epoch
 */
async function compareMeter(
  { stores, bringsIn }: ReconcileDeps,
  { budget, meter, sum }: Counted,
  { scanned, settled }: { readonly scanned: boolean; readonly settled: number },
): Promise<{ readonly check: Check; readonly broughtIn: Money }> {
  const spent = meter === undefined ? 0n : spentOf(meter, 'usd');
  const missing = sum.unheld - broughtInto(meter);
  const isRight = missing > 0n ? spent + missing <= sum.spend : scanned && missing < 0n && spent + missing >= sum.spend;
  const broughtIn = bringsIn === true && isRight && (await bringIn(stores.meters, budget, meter, missing)) ? missing : 0n;
  const compared = (): Check => compare('meter', nameOf(budget.scope), budget.meter, sum, spent + broughtIn);
  const check = compared();
  if (check.difference === 0n || meter === undefined) return { check, broughtIn };
  // Its process died before it could settle: the keeper does, once the lease has ended. Not much later: then nobody keeps.
  const holds = meter.holds.filter(({ expiresAt }) => expiresAt >= settled);
  for (const entry of await settlingIn(stores.ledger, { ...meter, holds })) {
    if (entry.endedAt < settled) sum.addUnderWay(entry);
  }
  return { check: compared(), broughtIn };
}

function compare(what: Check['what'], scope: string, of: string, sum = new Sum(), counted: Money = 0n): Check {
  const { spend: ledger, underWay, backUnderWay } = sum;
  const missing = ledger - counted;
  const difference = missing >= backUnderWay && missing <= underWay ? 0n : -missing;
  return { what, scope, of, ledger, counted, underWay, difference };
}
