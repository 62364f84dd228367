/** The ledger and its totals in memory. */
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { addTotals, NO_TOTAL, totalOf, type Total } from '../../domain/total.ts';
import type { LedgerStore } from '../ledger.ts';
import type { TotalStore } from '../totals.ts';

/** The ledger in memory. */
export function createLedgerStore(): LedgerStore {
  const entries = new Map<string, LedgerEntry>();
  return {
    async record(entry) {
      if (entries.has(entry.id)) return 'exists';
      entries.set(entry.id, entry);
      return 'recorded';
    },

    get: async (id) => entries.get(id),

    async list({ keyHash, from = 0, to = Infinity, limit, cursor }) {
      const matches = [...entries.values()]
        .filter((entry) => (keyHash === undefined || entry.keyHash === keyHash) && entry.at >= from && entry.at < to)
        .toSorted((one, other) => other.at - one.at || (one.id < other.id ? 1 : -1));
      const start = cursor === undefined ? 0 : matches.findIndex(({ id }) => id === cursor) + 1;
      const items = matches.slice(start, start + limit);
      const last = items.at(-1);
      return { items, ...(start + limit < matches.length && last !== undefined ? { cursor: last.id } : {}) };
    },
  };
}

/** Totals in memory. */
export function createTotalStore(): TotalStore {
  const totals = new Map<string, Total>();
  const applied = new Set<string>();
  return {
    async apply(entries) {
      let added = 0;
      for (const entry of entries) {
        if (applied.has(entry.id)) continue;
        applied.add(entry.id);
        totals.set(entry.keyHash, addTotals(totals.get(entry.keyHash) ?? NO_TOTAL, totalOf(entry)));
        added++;
      }
      return added;
    },
    read: async (keyHash) => totals.get(keyHash) ?? NO_TOTAL,
  };
}
