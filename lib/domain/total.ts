/** What a key used over its whole life, as sums over the ledger. */
import type { LedgerEntry } from './ledger-entry.ts';
import type { Money } from './money.ts';

/** Spend of one key over its whole life, projected from the ledger. */
export interface Total {
  /** 1e-12 USD. */
  readonly spend: Money;
  readonly requests: number;
  /** Requests whose price was unknown: their cost is missing from `spend`. */
  readonly unpriced: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Nothing used yet. */
export const NO_TOTAL: Total = { spend: 0n, requests: 0, unpriced: 0, inputTokens: 0, outputTokens: 0 };

/** What one entry adds. */
export function totalOf(entry: LedgerEntry): Total {
  return {
    spend: entry.cost ?? 0n,
    requests: 1,
    unpriced: entry.cost === undefined ? 1 : 0,
    inputTokens: entry.usage?.inputTokens ?? 0,
    outputTokens: entry.usage?.outputTokens ?? 0,
  };
}

/** The sum of two totals. */
export function addTotals(one: Total, other: Total): Total {
  return {
    spend: one.spend + other.spend,
    requests: one.requests + other.requests,
    unpriced: one.unpriced + other.unpriced,
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
  };
}
