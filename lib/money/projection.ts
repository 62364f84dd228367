/** Projections of the ledger: what the consumer of its stream keeps up to date, and how all of it is written anew. */
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import { describeError, type Log } from '../log.ts';
import type { LedgerStore } from '../stores/ledger.ts';
import type { TotalStore } from '../stores/totals.ts';

/** What a batch came to. */
export interface Projected {
  readonly applied: number;
  /** Entries that had been applied before: the stream delivers at least once. */
  readonly known: number;
  /** Ids of entries that were not applied and must come again. */
  readonly failed: readonly string[];
}

/** Failures in a row after which the store is taken for down, and not for unable to take one entry. */
const MOST_FAILURES = 3;

/** Adds entries to the totals of their scopes: all together; where that fails, one by one, so that one bad entry fails alone. */
export async function project(totals: TotalStore, entries: readonly LedgerEntry[], log: Log): Promise<Projected> {
  try {
    const applied = await totals.apply(entries);
    return { applied, known: entries.length - applied, failed: [] };
  } catch (error) {
    log('warn', 'a batch was not projected whole; trying its entries one by one', { error: describeError(error) });
  }
  let applied = 0;
  const failed: string[] = [];
  let failures = 0;
  for (const [index, entry] of entries.entries()) {
    if (failures === MOST_FAILURES) {
      failed.push(...entries.slice(index).map(({ id }) => id));
      break;
    }
    try {
      applied += await totals.apply([entry]);
      failures = 0;
    } catch (error) {
      failures++;
      failed.push(entry.id);
      log('error', 'an entry was not projected', { id: entry.id, error: describeError(error) });
    }
  }
  return { applied, known: entries.length - applied - failed.length, failed };
}

/** What a rebuild did. */
export interface Rebuilt {
  readonly generation: number;
  /** Entries read from the ledger. */
  readonly entries: number;
  /** Entries that were new to the generation: the others came by the stream meanwhile, or from a rebuild that was cut short. */
  readonly added: number;
  /** Items of older generations that were deleted. */
  readonly swept: number;
}

/**
 * Writes all totals anew from the ledger, beside those in use, then switches over. The stream is followed all the while: an entry that
 * comes by both ways counts once. May be stopped and started again; started again within two days it goes on with what there is.
 *
 * @param settle waits until no reader remembers the old generation: half a minute
 * @param onPage told how many entries were read so far
 */
export async function rebuildTotals(
  { totals, ledger }: { readonly totals: TotalStore; readonly ledger: Pick<LedgerStore, 'scan'> },
  settle: () => Promise<unknown>,
  onPage: (entries: number) => void = () => undefined,
): Promise<Rebuilt> {
  const generation = await totals.rebuild.begin();
  let [entries, added] = [0, 0];
  let cursor: string | undefined;
  do {
    const page = await ledger.scan(cursor);
    added += await totals.rebuild.fill(generation, page.items);
    entries += page.items.length;
    onPage(entries);
    cursor = page.cursor;
  } while (cursor !== undefined);
  await totals.rebuild.finish(generation);
  await settle();
  return { generation, entries, added, swept: await totals.rebuild.sweep() };
}
