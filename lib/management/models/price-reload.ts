/**
 * A reload of prices: the map is fetched, compared with the release, written in pages, and then counts, all at once. One reload runs at a
 * time, under a lease in the record that says which prices count; one that loses its lease changes nothing. Pages that never came to count
 * are deleted by the next reload.
 */
import type { Catalog } from '../../catalog/index.ts';
import type { PriceRow } from '../../catalog/overlay.ts';
import { NoPriceMap, readPriceMap, type PriceMapReading } from '../../catalog/price-map.ts';
import { allOf, pagesOfBytes } from '../../domain/pages.ts';
import { PRICE_MAP, nextReload, pageId, type PriceMap, type PricePage, type PriceTable } from '../../domain/price-map.ts';
import { GatewayError } from '../../errors.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { describeError, type Log } from '../../log.ts';
import type { EntityStore } from '../../stores/entities.ts';
import { writeRecord, type FieldsOf } from '../records/records.ts';

/** What the record of prices is changed with. */
export interface PriceMapDeps {
  readonly priceMaps: EntityStore<PriceMap>;
  readonly pricePages: EntityStore<PricePage>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
  readonly log: Log;
  /** Called when other prices count, so that a gateway in the same process brings them. */
  readonly onChange?: () => void;
}

/** What a reload works with. */
export interface ReloadDeps extends PriceMapDeps {
  /** The catalog of the release. */
  readonly bundled: Catalog;
  /** Throws GatewayError `upstream`. */
  readonly fetchMap: () => Promise<Uint8Array>;
}

/** What came of it. */
export interface Reloaded {
  readonly table: PriceTable;
  readonly before: PriceTable | undefined;
  readonly reading: PriceMapReading;
}

/** What the audit says of prices. */
export const tableRow = (table: PriceTable | undefined): JsonObject => ({
  version: table?.version ?? null,
  new_models: table?.added ?? 0,
  changed_models: table?.changed ?? 0,
});

/** How long a reload may take before another one may begin, milliseconds: longer than any function that does it. */
const LEASE_MS = 120_000;
/** Bytes of rows in a page; an item takes 400 KB. */
const PAGE_BYTES = 250_000;

/** Changes the record: `writeRecord`. */
export const changePriceMap = async (
  deps: Pick<PriceMapDeps, 'priceMaps' | 'now'>,
  by: string,
  edit: (record: PriceMap | undefined) => FieldsOf<PriceMap> | undefined,
): Promise<PriceMap | undefined> =>
  (await writeRecord(deps, by, { store: deps.priceMaps, kind: 'price map', id: PRICE_MAP }, edit))?.after;

const isHeld = ({ reload }: Partial<PriceMap>, now: number): boolean => reload !== undefined && reload.until > now;

/**
 * Fetches prices now.
 *
 * @throws GatewayError `conflict` while another reload runs, `upstream` when the map cannot be fetched or is none
 */
export async function reloadPrices(deps: ReloadDeps, by: string): Promise<Reloaded> {
  const reloaded = await reloadIf(deps, by, (record) => !isHeld(record, deps.now()));
  if (reloaded !== undefined) return reloaded;
  throw new GatewayError('conflict', 'Prices are being reloaded already; repeat the call when that is done.', {
    retryable: true,
  });
}

/** Fetches prices where the schedule says so and nobody else does; undefined where there is nothing to do. Throws as `reloadPrices` does. */
export async function reloadDuePrices(deps: ReloadDeps, by: string): Promise<Reloaded | undefined> {
  const isDue = (record: Partial<PriceMap>): boolean =>
    !isHeld(record, deps.now()) && (nextReload(record) ?? Infinity) <= deps.now();
  // A look that costs little: most of the time there is nothing to do.
  if (!isDue((await deps.priceMaps.get(PRICE_MAP)) ?? {})) return undefined;
  return reloadIf(deps, by, isDue);
}

async function reloadIf(
  deps: ReloadDeps,
  by: string,
  may: (record: Partial<PriceMap>) => boolean,
): Promise<Reloaded | undefined> {
  const id = Buffer.from(deps.random(16)).toString('hex');
  const claimed = await changePriceMap(deps, by, (record) =>
    may(record ?? {}) ? { reload: { id, until: deps.now() + LEASE_MS } } : undefined,
  );
  if (claimed === undefined) return undefined;
  try {
    await sweep(deps, claimed);
    const reading = await readPriceMap(await deps.fetchMap(), deps.bundled);
    return await commit(deps, { id, by, reading, known: claimed.table });
  } catch (error) {
    const failure = failureOf(error);
    await release(deps, { id, by, reason: failure.message });
    throw failure;
  }
}

function failureOf(error: unknown): GatewayError {
  if (error instanceof NoPriceMap) return new GatewayError('upstream', `What was fetched is no price map: ${error.message}`);
  return GatewayError.from(error);
}

interface Reloading {
  readonly id: string;
  readonly by: string;
}

/** Writes the pages, then lets them count. What is as before needs no pages. */
async function commit(
  deps: ReloadDeps,
  { id, by, reading, known }: Reloading & { readonly reading: PriceMapReading; readonly known: PriceTable | undefined },
): Promise<Reloaded> {
  const { version, bundle, models, added, changed, rows } = reading;
  const same = known !== undefined && known.version === version && known.bundle === bundle;
  const pages = same ? [] : pagesOfBytes(rows, PAGE_BYTES);
  for (const [page, content] of pages.entries()) await writePage(deps, pageId({ id }, page), content);
  const table = same
    ? { ...known, at: deps.now() }
    : { id, pages: pages.length, version, bundle, at: deps.now(), models, added, changed };
  const before = same ? {} : { before: known };
  let counts = false;
  const done = await changePriceMap(deps, by, (record) => {
    // An answer that was lost on the way: it counts already.
    counts = !same && record?.table?.id === id;
    if (counts || record?.reload?.id !== id) return undefined;
    return { table, ...before, reload: undefined, failure: undefined };
  });
  if (done === undefined && !counts) {
    throw new GatewayError('conflict', 'The reload took too long, and another one began; the prices are that one’s.', {
      retryable: true,
    });
  }
  deps.onChange?.();
  return { table, before: known, reading };
}

async function writePage({ pricePages, now }: ReloadDeps, id: string, rows: readonly PriceRow[]): Promise<void> {
  const at = now();
  const page: PricePage = { id, rows, createdAt: at, updatedAt: at, metadata: {}, rev: 1 };
  // It exists where the answer to a first try was lost: ids are never used twice.
  await pricePages.create(page);
}

/** Says why nothing came of it, and lets others begin. What cannot be said now ends with the lease. */
async function release(deps: ReloadDeps, { id, by, reason }: Reloading & { readonly reason: string }): Promise<void> {
  try {
    await changePriceMap(deps, by, (record) =>
      record?.reload?.id === id ? { reload: undefined, failure: { at: deps.now(), reason } } : undefined,
    );
  } catch (error) {
    deps.log('warn', 'a reload of prices could not be ended', { error: describeError(error) });
  }
}

/** Deletes pages of tables that are neither in force nor the ones before. The lease keeps others from writing any meanwhile. */
async function sweep({ pricePages, log }: ReloadDeps, { table, before }: PriceMap): Promise<void> {
  try {
    const kept = new Set([table?.id, before?.id]);
    const stray: string[] = [];
    for await (const { id } of allOf((page) => pricePages.list(page))) if (!kept.has(id.split('/')[0])) stray.push(id);
    for (const id of stray) await pricePages.delete(id);
  } catch (error) {
    log('warn', 'old prices could not be deleted', { error: describeError(error) });
  }
}
