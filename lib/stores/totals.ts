import type { LedgerEntry } from '../domain/ledger-entry.ts';
import type { Total } from '../domain/total.ts';

export type { Total } from '../domain/total.ts';

/** Most entries one `apply` takes: a transaction has room for a hundred writes. */
export const MOST_APPLIED = 99;

/** Port: totals projected by the consumer of the ledger's stream. Applying an entry twice counts once. */
export interface TotalStore {
  /**
   * Adds entries of one key, at most `MOST_APPLIED` of them, all or none.
   *
   * @returns how many were new: entries applied before count once.
   */
  apply(entries: readonly LedgerEntry[]): Promise<number>;
  read(keyHash: string): Promise<Total>;
}
