import type { LedgerEntry } from '../domain/ledger-entry.ts';
import type { Page } from './keys.ts';

/** Port: the ledger. Entries are immutable: a second `record` of an id changes nothing and says so. */
export interface LedgerStore {
  record(entry: LedgerEntry): Promise<'recorded' | 'exists'>;
  get(id: string): Promise<LedgerEntry | undefined>;
  /** Newest first; by key, within a span of time (milliseconds, `from` inclusive, `to` exclusive). */
  list(filter: {
    readonly keyHash?: string;
    readonly from?: number;
    readonly to?: number;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<Page<LedgerEntry>>;
}
