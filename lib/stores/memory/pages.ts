/** Listings in memory. */
import { strangeCursor } from '../../domain/pages.ts';
import type { Page, PageAsked } from '../keys.ts';

/** Where a record stands: the moment it is listed by (milliseconds since the epoch), then its id. */
interface Place {
  readonly at: number;
  readonly id: string;
}

/** Newest first; of one moment in the order of their ids, backwards. */
const order = (one: Place, other: Place): number => other.at - one.at || Number(one.id < other.id) - Number(one.id > other.id);

/** A page, newest first; the cursor says where the last record shown stands, or stood. */
export function pageOf<T>(records: readonly T[], placeOf: (record: T) => Place, { limit, cursor }: PageAsked): Page<T> {
  const all = records.map((record) => ({ record, place: placeOf(record) }));
  const after = cursor === undefined ? undefined : fromCursor(cursor);
  const left = all
    .filter(({ place }) => after === undefined || order(after, place) < 0)
    .toSorted((one, other) => order(one.place, other.place));
  const shown = left.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(({ record }) => record),
    ...(left.length > limit && last !== undefined ? { cursor: toCursor(last.place) } : {}),
  };
}

const toCursor = ({ at, id }: Place): string => Buffer.from(`${at}#${id}`).toString('base64url');

/** @throws GatewayError `invalid_request` for text that is no cursor */
function fromCursor(cursor: string): Place {
  const [, at, id] = /^(\d+)#(.+)$/s.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (at === undefined || id === undefined) throw strangeCursor();
  return { at: Number(at), id };
}
