/**
 * Listings that are read on by cursors (`/management/v1/...`). No page costs more than a few reads of about its own size, however much there is:
 * where few of the records match, a page has fewer rows than asked for, or none, and says where to go on.
 *
 * A cursor says where a page ended: in which part of the listing, and there behind which record. It gives no right. Whose rows are shown is decided for
 * each page anew, and a cursor of another caller, listing or filter is refused, since its place would mean nothing there.
 */
import { createHash } from 'node:crypto';
import { scopeOf } from '../../domain/key.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { Page, PageAsked } from '../../stores/keys.ts';
import { userIdOf } from '../access.ts';
import { numberIn } from '../input.ts';
import { hashOf } from '../keys/key-records.ts';
import { each, sifted, type Query } from './records.ts';

/** A part of a listing. */
export interface Part<T> {
  /** Says the same part again when the next page is asked for. */
  readonly name: string;
  readonly page: (asked: PageAsked) => Promise<Page<T>>;
}

/** What to read, for one caller and filter. */
export interface Reading<T> {
  /** One after the other. */
  readonly parts: readonly Part<T>[];
  readonly matches: (record: T) => boolean | Promise<boolean>;
  readonly row: (record: T) => Promise<JsonObject> | JsonObject;
}

/** A request for a page. */
export interface PageRequest {
  readonly caller: Caller;
  readonly path: string;
  readonly query: Query;
  /** Names of the query as sent. */
  readonly names: readonly string[];
}

/** Query of every such listing: LiteLLM says `page_size`. */
export const READING = ['cursor', 'page_size', 'limit'];

/** Filters that are a key's secret or hash. */
const NAMES_OF_KEYS: ReadonlySet<string> = new Set(['api_key', 'key_hash']);

const INITIAL = 50;
const MOST = 100;
/** Reads for one page. */
const MOST_READS = 8;

const invalid = (param: string, message: string): GatewayError =>
  new GatewayError('invalid_request', `${param}: ${message}`, { param });

/** Where a page ended. */
interface Place {
  readonly part: string;
  readonly cursor?: string;
}

/**
 * A page of a listing.
 *
 * @param filters names of the query it knows besides `READING`
 * @throws GatewayError `invalid_request` for a parameter it does not know (left out, a filter would show too much), a wrong size, a cursor that is
 *   none of this listing's
 */
export async function readPage<T>(request: PageRequest, filters: readonly string[], reading: Reading<T>): Promise<JsonObject> {
  const { query, names, path } = request;
  const known = [...filters, ...READING];
  const strange = names.find((name) => !known.includes(name));
  if (strange !== undefined) throw invalid(strange, `this listing does not know it; it knows ${known.join(', ')}`);
  /** A secret may name a key: its hash does so too, and may be told again. */
  const sent = (name: string): string => (NAMES_OF_KEYS.has(name) ? hashOf(query(name) ?? '') : (query(name) ?? ''));
  const param = query('page_size') === undefined ? 'limit' : 'page_size';
  const size = numberIn(query(param), param, INITIAL, MOST);
  const mark = markOf(
    request,
    filters.map((name) => [name, sent(name)]),
  );
  const { found, place } = await read(reading, size, placeOf(query('cursor'), mark));
  const next = place === undefined ? undefined : toCursor(place, mark);
  const linkTo = (cursor: string | undefined): string => {
    const search = new URLSearchParams();
    for (const name of names) if (name !== 'cursor') search.set(name, sent(name));
    if (cursor !== undefined) search.set('cursor', cursor);
    return search.size === 0 ? path : `${path}?${search.toString()}`;
  };
  return {
    data: await each(found, async (record) => reading.row(record)),
    meta: { page_size: size, has_more: next !== undefined, next_cursor: next ?? null },
    links: { self: linkTo(query('cursor')), next: next === undefined ? null : linkTo(next) },
  };
}

async function read<T>(
  { parts, matches }: Reading<T>,
  size: number,
  start: Place | undefined,
): Promise<{ readonly found: readonly T[]; readonly place?: Place }> {
  let at = start === undefined ? 0 : parts.findIndex(({ name }) => name === start.part);
  // What the caller saw there is not the caller's any more.
  if (at < 0) return { found: [] };
  const found: T[] = [];
  let cursor = start?.cursor;
  for (let reads = 0; ; reads++) {
    const part = parts[at];
    if (part === undefined) return { found };
    if (found.length === size || reads === MOST_READS) return { found, place: placeIn(part, cursor) };
    const page = await part.page({ limit: size - found.length, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...(await sifted(page.items, matches)));
    cursor = page.cursor;
    if (cursor === undefined) at++;
  }
}

const placeIn = ({ name }: { readonly name: string }, cursor: string | undefined): Place => ({
  part: name,
  ...(cursor === undefined ? {} : { cursor }),
});

/** What a cursor is bound to: the listing, its filters, and who asks. */
const markOf = ({ caller, path }: PageRequest, asked: readonly (readonly string[])[]): string =>
  createHash('sha256')
    .update(JSON.stringify([path, identityOf(caller), asked]))
    .digest('base64url')
    .slice(0, 12);

const identityOf = (caller: Caller): readonly string[] => {
  if (caller.type === 'master') return ['master'];
  const userId = userIdOf(caller);
  return userId === undefined ? ['key', scopeOf(caller.key).id] : ['user', userId];
};

const toCursor = ({ part, cursor }: Place, mark: string): string =>
  Buffer.from(JSON.stringify([mark, part, ...(cursor === undefined ? [] : [cursor])])).toString('base64url');

function placeOf(given: string | undefined, mark: string): Place | undefined {
  if (given === undefined) return undefined;
  const [of, part, cursor] = fieldsOf(given);
  if (part === undefined) throw invalid('cursor', 'expected the next_cursor of an earlier page, got something else');
  if (of !== mark) {
    throw invalid('cursor', 'it is of another listing; send it as the same caller, with the filters it was made with');
  }
  return placeIn({ name: part }, cursor);
}

/** The fields of a cursor; none of what is no cursor. */
function fieldsOf(given: string): readonly (string | undefined)[] {
  try {
    const fields: unknown = JSON.parse(Buffer.from(given, 'base64url').toString());
    const isOne = Array.isArray(fields) && (fields.length === 2 || fields.length === 3);
    return isOne && fields.every((field) => typeof field === 'string') ? fields : [];
  } catch {
    return [];
  }
}

/** A part of records known by their ids, in the order of these. */
export const partOfIds = <T>(name: string, ids: Iterable<string>, get: (id: string) => Promise<T | undefined>): Part<T> => ({
  name,
  async page({ limit, cursor = '' }) {
    const left = [...new Set(ids)].filter((id) => id > cursor).toSorted();
    const shown = left.slice(0, limit);
    const last = shown.at(-1);
    return {
      items: (await each(shown, get)).filter((record) => record !== undefined),
      ...(left.length > limit && last !== undefined ? { cursor: last } : {}),
    };
  },
});
