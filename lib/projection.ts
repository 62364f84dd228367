/** Projections of the ledger: what the consumer of its stream keeps up to date. */
import type { LedgerEntry } from './domain/ledger-entry.ts';
import { describeError, type Log } from './log.ts';
import { MOST_APPLIED, type TotalStore } from './stores/totals.ts';

/** What a batch came to. */
export interface Projected {
  readonly applied: number;
  /** Entries that had been applied before: the stream delivers at least once. */
  readonly known: number;
  /** Ids of entries that were not applied and must come again. */
  readonly failed: readonly string[];
}

/** Adds entries to the totals of their keys: those of one key in batches, one after the other, since they share an item. */
export async function project(totals: TotalStore, entries: readonly LedgerEntry[], log: Log): Promise<Projected> {
  const counts = { applied: 0, known: 0 };
  const failed: string[] = [];
  const byKey = Map.groupBy(entries, ({ keyHash }) => keyHash);
  await Promise.all(
    [...byKey.values()].map(async (group) => {
      for (let start = 0; start < group.length; start += MOST_APPLIED) {
        const batch = group.slice(start, start + MOST_APPLIED);
        try {
          const added = await totals.apply(batch);
          counts.applied += added;
          counts.known += batch.length - added;
        } catch (error) {
          const ids = batch.map(({ id }) => id);
          failed.push(...ids);
          log('error', 'entries not projected', { ids, error: describeError(error) });
        }
      }
    }),
  );
  return { ...counts, failed };
}
