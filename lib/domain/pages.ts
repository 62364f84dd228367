/** Listings that come page by page. */
import { GatewayError } from '../errors.ts';

/** A listing: each page names the next by a cursor, the last one none. */
export interface Listing<T> {
  list(page: {
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<{ readonly items: readonly T[]; readonly cursor?: string }>;
}

/** Records asked for at once; a page of DynamoDB ends by its bytes as well. */
const PAGE = 1_000;

/** Everything that a listing gives, in its order, page by page. */
export async function* allOf<T>(list: Listing<T>['list']): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const page = await list({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** Every item of a listing, in its order. */
export const readAll = <T>(listing: Listing<T>): Promise<readonly T[]> => Array.fromAsync(allOf((page) => listing.list(page)));

/** Items in their order, in pages that have at most so many bytes as JSON lists; an item that is larger has a page of its own. */
export function pagesOfBytes<T>(items: readonly T[], most: number): readonly (readonly T[])[] {
  const pages: T[][] = [];
  let bytes = Infinity;
  for (const item of items) {
    const size = Buffer.byteLength(JSON.stringify(item)) + 1;
    bytes += size;
    if (bytes > most) {
      pages.push([]);
      bytes = size;
    }
    pages.at(-1)?.push(item);
  }
  return pages;
}

/** Longest sort key of DynamoDB, bytes. */
const LONGEST_SORT_KEY = 1_024;

/** True for text that a key of a stored item can be. */
export const isKeyText = (text: string, most = LONGEST_SORT_KEY): boolean =>
  text !== '' && text.isWellFormed() && Buffer.byteLength(text) <= most;

/** The error for text that is no cursor of the listing. */
export const strangeCursor = (cause?: unknown): GatewayError =>
  new GatewayError('invalid_request', 'cursor: expected the cursor of an earlier page.', { param: 'cursor', cause });
