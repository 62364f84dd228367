/**
 * The books up to a moment, as a reconciliation found them in order: sums of the ledger that need not be added up again. Amounts in
 * 1e-12 USD.
 */
import type { Money } from './money.ts';

/** Sums over the calls that arrived before a moment. */
export interface Checkpoint {
  /** Milliseconds since the epoch, a start of a day in UTC; calls that arrived then are not in it. */
  readonly at: number;
  /** Whether users' budgets counted calls of team keys: sums made under another rule are of no use. */
  readonly userBudgetsForTeamKeys: boolean;
  readonly entries: number;
  readonly spend: Money;
  readonly unpriced: number;
  /** Of every scope that has totals, as `team#t1`. */
  readonly lives: ReadonlyMap<string, Money>;
  /** Of the meters of budgets whose windows reach beyond the moment: what calls cost, and what of it the meter did not hold. */
  readonly meters: ReadonlyMap<string, MeterSum>;
}

/** What counts on a meter. */
export interface MeterSum {
  readonly ledger: Money;
  readonly unheld: Money;
}
