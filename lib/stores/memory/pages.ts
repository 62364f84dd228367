/** Listings in memory. */
import type { Page, PageAsked } from '../keys.ts';

/**
 * A page, newest first; the cursor is the id of the last record shown.
 *
 * @param placeOf the id of a record, and the moment it is listed by (milliseconds since the epoch)
 */
export function pageOf<T>(
  records: readonly T[],
  placeOf: (record: T) => { readonly id: string; readonly at: number },
  { limit, cursor }: PageAsked,
): Page<T> {
  const newestFirst = records.toSorted((one, other) => placeOf(other).at - placeOf(one).at);
  const from = cursor === undefined ? 0 : newestFirst.findIndex((record) => placeOf(record).id === cursor) + 1;
  const items = newestFirst.slice(from, from + limit);
  const last = items.at(-1);
  return { items, ...(from + limit < newestFirst.length && last !== undefined ? { cursor: placeOf(last).id } : {}) };
}
