/** The keeper's part in prices: fetches them when they are due. Loaded where the operator has a price map. */
import { randomBytes } from 'node:crypto';
import type { Catalog } from '../../lib/catalog/index.ts';
import { PRICE_MAP } from '../../lib/domain/price-map.ts';
import type { Log } from '../../lib/log.ts';
import { auditAs, KEEPER } from '../../lib/management/audit.ts';
import { fetchPriceMap } from '../../lib/management/models/price-fetch.ts';
import { reloadDuePrices, tableRow } from '../../lib/management/models/price-reload.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import type { HttpClient } from '../../lib/transport/http.ts';

/** What it needs. */
export interface PriceWork {
  readonly url: string;
  readonly stores: Pick<Stores, 'priceMaps' | 'pricePages' | 'audit'>;
  /** The catalog of the release. */
  readonly bundled: Catalog;
  readonly http: Pick<HttpClient, 'send'>;
  readonly log: Log;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly random?: (bytes: number) => Uint8Array;
  /** Called when other prices count, so that a gateway in the same process brings them. */
  readonly onChange?: () => void;
}

/** Fetches prices where the schedule says so and nobody else does. Rejects when that fails; the next run tries again after a while. */
export async function keepPrices(work: PriceWork): Promise<void> {
  const { url, stores, bundled, http, log, now = Date.now, random = randomBytes, onChange } = work;
  const deps = {
    ...stores,
    bundled,
    log,
    now,
    random,
    fetchMap: () => fetchPriceMap(http, url),
    ...(onChange === undefined ? {} : { onChange }),
  };
  const done = await reloadDuePrices(deps, 'keeper');
  if (done === undefined) return;
  const { table, before, reading } = done;
  const { refused } = reading;
  log(refused.length === 0 ? 'info' : 'warn', 'prices were reloaded', {
    ...tableRow(table),
    refused: refused.length,
    ...(refused.length === 0 ? {} : { first: refused[0] }),
  });
  await auditAs(
    deps,
    { action: 'updated', kind: 'price map', id: PRICE_MAP, before: tableRow(before), after: tableRow(table) },
    KEEPER,
  );
}
