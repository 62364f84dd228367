import type { LedgerEntry } from '../domain/ledger-entry.ts';
import type { Total } from '../domain/total.ts';

export type { Total } from '../domain/total.ts';

/** Port: totals projected by the consumer of the ledger's stream. Applying an entry twice counts once. */
export interface TotalStore {
  apply(entry: LedgerEntry): Promise<'applied' | 'known'>;
  read(keyHash: string): Promise<Total>;
}
