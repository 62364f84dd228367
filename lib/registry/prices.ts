/** Brings the prices that were fetched into the catalog of this process. */
import type { LiveCatalog, PriceRows } from '../catalog/index.ts';
import { PRICE_MAP, pageId, type PriceMap, type PricePage, type PriceTable } from '../domain/price-map.ts';
import { describeError, type Log } from '../log.ts';
import type { EntityStore } from '../stores/entities.ts';

/** What it works with. */
export interface PricesDeps {
  readonly stores: {
    readonly priceMaps: Pick<EntityStore<PriceMap>, 'get'>;
    readonly pricePages: Pick<EntityStore<PricePage>, 'get'>;
  };
  readonly catalog: Pick<LiveCatalog, 'adopt'>;
  readonly log: Log;
}

/**
 * A function that looks whether other prices count than those it brought last, and brings them. It never rejects: prices that cannot be
 * read now leave those of before, whole, and are looked for again the next time.
 */
export function createPriceRefresh({ stores, catalog, log }: PricesDeps): () => Promise<void> {
  let held: string | undefined;
  return async () => {
    try {
      const table = (await stores.priceMaps.get(PRICE_MAP))?.table;
      if (table?.id === held) return;
      catalog.adopt(table === undefined ? undefined : await rowsOf(table, stores.pricePages));
      held = table?.id;
    } catch (error) {
      log('warn', 'prices could not be read again; the last known ones are used', { error: describeError(error) });
    }
  };
}

/** All rows of a table. Throws when a page is not there: half a table is none. */
async function rowsOf(table: PriceTable, pages: PricesDeps['stores']['pricePages']): Promise<PriceRows> {
  const found = await Promise.all(
    Array.from({ length: table.pages }, async (_, page) => {
      const one = await pages.get(pageId(table, page), { fresh: true });
      if (one === undefined) throw new Error(`page ${page} of ${table.pages} is missing`);
      return one.rows as PriceRows['rows'];
    }),
  );
  return { version: table.version, bundle: table.bundle, rows: found.flat() };
}
