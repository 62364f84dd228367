import type { LedgerEntry } from '../domain/ledger-entry.ts';
import type { Page } from './keys.ts';

/** Port: the ledger. Entries are immutable: a second `record` of an id changes nothing and says so. */
export interface LedgerStore {
  record(entry: LedgerEntry): Promise<'recorded' | 'exists'>;
  /** Several in one round trip, each by itself as with `record`; undefined for those that were not taken, or may not have been. */
  recordAll(entries: readonly LedgerEntry[]): Promise<readonly ('recorded' | 'exists' | undefined)[]>;
  get(id: string): Promise<LedgerEntry | undefined>;
  /** The entries there are of these ids, in the order of the ids. */
  getAll(ids: readonly string[]): Promise<readonly LedgerEntry[]>;
  /** Newest first; by key, within a span of time (milliseconds, `from` inclusive, `to` exclusive). */
  list(filter: {
    readonly keyHash?: string;
    readonly from?: number;
    readonly to?: number;
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<Page<LedgerEntry>>;
  /** Every entry there was when the scan began, in no order, page by page. Reads the whole ledger: for rebuilding and reconciling. */
  scan(cursor?: string): Promise<Page<LedgerEntry>>;
}
