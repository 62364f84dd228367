import type { LedgerEntry } from '../domain/ledger-entry.ts';
import type { Money } from '../domain/money.ts';

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

/** Port: totals projected by the consumer of the ledger's stream. Applying an entry twice counts once. */
export interface TotalStore {
  apply(entry: LedgerEntry): Promise<'applied' | 'known'>;
  read(keyHash: string): Promise<Total>;
}
