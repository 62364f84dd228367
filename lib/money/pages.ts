/** Listings of the stores as one run of records. */
import type { Page } from '../stores/keys.ts';

/** Records read at once. */
const PAGE = 1_000;

/** Everything that a listing gives, in its order, page by page. */
export async function* allOf<T>(
  list: (page: { readonly limit: number; readonly cursor?: string }) => Promise<Page<T>>,
): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const page: Page<T> = await list({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
}
