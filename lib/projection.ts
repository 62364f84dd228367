/** Projections of the ledger: what the consumer of its stream keeps up to date. */
import type { LedgerEntry } from './domain/ledger-entry.ts';
import { describeError, type Log } from './log.ts';
import type { TotalStore } from './stores/totals.ts';

/** What a batch came to. */
export interface Projected {
  readonly applied: number;
  /** Entries that had been applied before: the stream delivers at least once. */
  readonly known: number;
  /** Ids of entries that were not applied and must come again. */
  readonly failed: readonly string[];
}

/**
 * Adds entries to the totals of their keys. Entries of one key go one after the other, since they share an item; keys go side by side.
 */
export async function project(totals: TotalStore, entries: readonly LedgerEntry[], log: Log): Promise<Projected> {
  const counts = { applied: 0, known: 0 };
  const failed: string[] = [];
  const byKey = Map.groupBy(entries, ({ keyHash }) => keyHash);
  await Promise.all(
    [...byKey.values()].map(async (group) => {
      for (const entry of group) {
        try {
          counts[await totals.apply(entry)]++;
        } catch (error) {
          failed.push(entry.id);
          log('error', 'entry not projected', { id: entry.id, error: describeError(error) });
        }
      }
    }),
  );
  return { ...counts, failed };
}
