/** Prices that were fetched: which of them count, when they are fetched again, and who is at it. */
import type { Entity } from './entity.ts';

/** A set of pages, and what is told of them. */
export interface PriceTable {
  /** Where its pages are: `<id>/0`, `<id>/1`, ... */
  readonly id: string;
  readonly pages: number;
  /** `map-<hash of the file>`: stands beside every cost that these prices make. */
  readonly version: string;
  /** Version of the bundle that the file was compared with. */
  readonly bundle: string;
  /** When the file was last fetched, milliseconds since the epoch. */
  readonly at: number;
  /** Models in the file; models that the bundle has not; models with another price. */
  readonly models: number;
  readonly added: number;
  readonly changed: number;
}

/** The record of it all; there is one. */
export interface PriceMap extends Entity {
  /** The prices that count; absent: those of the release. */
  readonly table?: PriceTable;
  /** The table before: gateways may still be reading it. */
  readonly before?: PriceTable;
  /** Who is fetching, and until when nobody else may begin, milliseconds since the epoch. */
  readonly reload?: { readonly id: string; readonly until: number };
  /** Fetch again every so many hours; `at` is when that was said. */
  readonly schedule?: { readonly hours: number; readonly at: number };
  /** The last fetch, where it came to nothing. */
  readonly failure?: { readonly at: number; readonly reason: string };
}

/** A page: rows of `lib/catalog/overlay.ts`. */
export interface PricePage extends Entity {
  readonly rows: readonly unknown[];
}

/** Id of the record. */
export const PRICE_MAP = 'all';

/** Id of a page. */
export const pageId = (table: Pick<PriceTable, 'id'>, page: number): string => `${table.id}/${page}`;

const HOUR_MS = 3_600_000;
/** How long after a failure the schedule tries again. */
const PATIENCE_MS = 600_000;

/** When the schedule is due next, milliseconds since the epoch; undefined without one. */
export function nextReload({ schedule, table, failure, reload }: Partial<PriceMap>): number | undefined {
  if (schedule === undefined) return undefined;
  const due = table === undefined ? schedule.at : table.at + schedule.hours * HOUR_MS;
  // A reload that was never ended died of it, and the next one might too.
  const failed = Math.max(failure?.at ?? -Infinity, reload?.until ?? -Infinity);
  return Math.max(due, failed + PATIENCE_MS);
}
