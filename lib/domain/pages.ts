/** Listings that come page by page. */
import { GatewayError } from '../errors.ts';

/** A listing: each page names the next by a cursor, the last one none. */
export interface Listing<T> {
  list(page: {
    readonly limit: number;
    readonly cursor?: string;
  }): Promise<{ readonly items: readonly T[]; readonly cursor?: string }>;
}

const PAGE = 500;

/** Every item of a listing, in its order. */
export async function readAll<T>(listing: Listing<T>): Promise<readonly T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await listing.list({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    all.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return all;
}

/** Longest sort key of DynamoDB, bytes. */
const LONGEST_SORT_KEY = 1_024;

/** True for text that a key of a stored item can be. */
export const isKeyText = (text: string, most = LONGEST_SORT_KEY): boolean =>
  text !== '' && text.isWellFormed() && Buffer.byteLength(text) <= most;

/** The error for text that is no cursor of the listing. */
export const strangeCursor = (cause?: unknown): GatewayError =>
  new GatewayError('invalid_request', 'cursor: expected the cursor of an earlier page.', { param: 'cursor', cause });
