/** The ledger in memory. */
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import type { LedgerStore } from '../ledger.ts';
import { pageOf } from './pages.ts';

/** The ledger in memory. */
export function createLedgerStore(): LedgerStore {
  const entries = new Map<string, LedgerEntry>();
  const record = (entry: LedgerEntry): 'recorded' | 'exists' => {
    if (entries.has(entry.id)) return 'exists';
    entries.set(entry.id, entry);
    return 'recorded';
  };
  return {
    record: async (entry) => record(entry),
    recordAll: async (several) => several.map(record),

    get: async (id) => entries.get(id),
    getAll: async (ids) => ids.map((id) => entries.get(id)).filter((entry) => entry !== undefined),
    scan: async () => ({ items: [...entries.values()] }),

    async list({ keyHash, from = 0, to = Infinity, ...page }) {
      const matches = [...entries.values()].filter(
        (entry) => (keyHash === undefined || entry.keyHash === keyHash) && entry.at >= from && entry.at < to,
      );
      return pageOf(matches, (entry) => entry, page);
    },
  };
}
