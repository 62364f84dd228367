/** A ledger to which calls that end together go together: docs/decisions/0016-joint-writes.md. */
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import type { LedgerStore } from '../stores/ledger.ts';
import { createTurns, type TurnOptions } from './turns.ts';

/** Most entries of one request (API reference, BatchExecuteStatement). */
const MOST = 25;

/** The same ledger for the calls of one process. */
export function joinLedger(ledger: LedgerStore, options: Pick<TurnOptions, 'lanes'> = {}): LedgerStore {
  const record = createTurns<LedgerEntry, 'recorded' | 'exists'>(
    async (_, entries) => {
      const [only] = entries;
      if (entries.length === 1) return [await ledger.record(only)];
      const outcomes = await ledger.recordAll(entries);
      // What was not taken goes the way of a call on its own, with its own patience.
      return entries.map((entry, index) => outcomes[index] ?? ledger.record(entry));
    },
    { most: MOST, ...options },
  );
  return { ...ledger, record: (entry) => record('', entry) };
}
