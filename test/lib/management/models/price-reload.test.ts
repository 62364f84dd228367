import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createCatalog, createLiveCatalog } from '../../../../lib/catalog/index.ts';
import { nextReload, PRICE_MAP } from '../../../../lib/domain/price-map.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import {
  changePriceMap,
  reloadDuePrices,
  reloadPrices,
  type ReloadDeps,
} from '../../../../lib/management/models/price-reload.ts';
import { createPriceRefresh } from '../../../../lib/registry/prices.ts';
import { open } from '../../../../lib/stores/memory/index.ts';
import { NOW } from '../../../support/exchange.ts';
import { aMap, anEntry } from '../../../support/price-map.ts';

const HOUR = 3_600_000;
const bundled = createCatalog();
const bytesOf = (map: object): Uint8Array => Buffer.from(JSON.stringify(map));
const mapOf = (price: number) => ({
  'gpt-of-tomorrow': anEntry({ input_cost_per_token: price, output_cost_per_token: price }),
});
/** Over a page, so that tables have several. */
const big = (price: number) =>
  Object.fromEntries(
    Array.from({ length: 2_000 }, (_, at) => [
      `m${at}`,
      anEntry({ input_cost_per_token: price, output_cost_per_token: price }),
    ]),
  );

/** A house with stores, a clock, and gateways that look at the stores. */
function house() {
  const stores = open();
  const clock = { now: NOW };
  let drawn = 0;
  const deps: ReloadDeps = {
    priceMaps: stores.priceMaps,
    pricePages: stores.pricePages,
    bundled,
    fetchMap: async () => bytesOf(aMap),
    now: () => clock.now,
    random: (bytes) => createHash('sha512').update(String(drawn++)).digest().subarray(0, bytes),
    log: () => undefined,
  };
  const gateway = (over: Partial<typeof stores> = {}) => {
    const catalog = createLiveCatalog();
    const warnings: unknown[] = [];
    const refresh = createPriceRefresh({ stores: { ...stores, ...over }, catalog, log: (...line) => void warnings.push(line) });
    const priceOf = async (model: string): Promise<unknown> => {
      await refresh();
      return (await catalog.find('openai', model))?.prices['input_cost_per_token'];
    };
    return { catalog, refresh, priceOf, warnings };
  };
  const record = () => stores.priceMaps.get(PRICE_MAP);
  const pages = async (): Promise<number> => (await stores.pricePages.list({ limit: 100 })).items.length;
  return { stores, clock, deps, gateway, record, pages };
}

describe('a reload', () => {
  it('lets prices count in every gateway at its next look', async () => {
    const { deps, gateway, record } = house();
    const [one, other] = [gateway(), gateway()];
    expect(await one.priceOf('gpt-of-tomorrow')).toBeUndefined();
    const { table } = await reloadPrices(deps, 'master');
    expect(await one.priceOf('gpt-of-tomorrow')).toBe(1e-6);
    expect(await other.priceOf('gpt-4o-mini')).toBe(3e-7);
    expect(await record()).toMatchObject({ table: { version: table.version, added: 1, changed: 1 }, updatedBy: 'master' });
    expect((await record())?.reload).toBeUndefined();
  });

  it('writes nothing but its time where the map is as before', async () => {
    const { deps, clock, record, pages } = house();
    await reloadPrices(deps, 'master');
    const first = await record();
    clock.now += HOUR;
    await reloadPrices(deps, 'master');
    expect(await pages()).toBe(1);
    expect(await record()).toMatchObject({ table: { ...first?.table, at: NOW + HOUR } });
  });

  it('keeps the pages of two tables: gateways may still be reading the one before', async () => {
    const { deps, pages, gateway } = house();
    for (const price of [1, 2, 3, 4]) await reloadPrices({ ...deps, fetchMap: async () => bytesOf(big(price)) }, 'master');
    const one = (await pages()) / 3;
    await reloadPrices({ ...deps, fetchMap: async () => bytesOf(mapOf(5)) }, 'master');
    expect(one).toBeGreaterThan(1);
    expect(await pages()).toBe(2 * one + 1);
    expect(await gateway().priceOf('gpt-of-tomorrow')).toBe(5);
  });

  it.each([
    ['the fetch fails', { fetchMap: () => Promise.reject(new GatewayError('upstream', 'it answered 500')) }, 'answered 500'],
    ['the map is cut in the middle', { fetchMap: async () => bytesOf(aMap).subarray(0, 200) }, 'no price map'],
    ['the map is something else', { fetchMap: async () => bytesOf({ message: 'hello' }) }, 'no price map'],
    [
      'the prices of the release cannot be read',
      { bundled: createCatalog({ load: () => Promise.reject(new Error('no disk')) }) },
      '',
    ],
  ])('leaves all as it was when %s, says why, and lets the next one begin', async (_what, over, reason) => {
    const { deps, record, gateway, pages } = house();
    await reloadPrices({ ...deps, fetchMap: async () => bytesOf(mapOf(7)) }, 'master');
    const before = await record();
    await expect(reloadPrices({ ...deps, ...over }, 'master')).rejects.toThrow(GatewayError);
    expect(await record()).toMatchObject({
      table: before?.table,
      failure: { reason: expect.stringContaining(reason) as string },
    });
    expect(await gateway().priceOf('gpt-of-tomorrow')).toBe(7);
    await reloadPrices({ ...deps, fetchMap: async () => bytesOf(mapOf(8)) }, 'master');
    expect(await gateway().priceOf('gpt-of-tomorrow')).toBe(8);
    expect((await record())?.failure).toBeUndefined();
    expect(await pages()).toBe(2);
  });

  it('that fails between its pages lets none of them count, and the next one deletes them', async () => {
    const { deps, stores, gateway, record } = house();
    await reloadPrices({ ...deps, fetchMap: async () => bytesOf(big(1)) }, 'master');
    const { pages = 0 } = (await record())?.table ?? {};
    expect(pages).toBeGreaterThan(1);
    for (let written = 0; written < pages; written++) {
      let left = written;
      const create: typeof stores.pricePages.create = (page) =>
        left-- > 0 ? stores.pricePages.create(page) : Promise.reject(new Error('throttled'));
      const failing = { ...deps, pricePages: { ...stores.pricePages, create }, fetchMap: async () => bytesOf(big(2)) };
      await expect(reloadPrices(failing, 'master')).rejects.toThrow();
      expect(await gateway().priceOf('m7')).toBe(1);
    }
    await reloadPrices({ ...deps, fetchMap: async () => bytesOf(big(3)) }, 'master');
    expect(await gateway().priceOf('m1999')).toBe(3);
    const left = (await stores.pricePages.list({ limit: 100 })).items.length;
    expect(left).toBe(2 * pages);
  });

  it('whose last write was answered by a failure counts whole, or not at all', async () => {
    for (const lands of [true, false]) {
      const { deps, stores, gateway } = house();
      let writes = 0;
      const replace: typeof stores.priceMaps.replace = async (map) => {
        if (++writes !== 1) return stores.priceMaps.replace(map);
        if (lands) await stores.priceMaps.replace(map);
        throw new Error('timeout');
      };
      await reloadPrices({ ...deps, priceMaps: { ...stores.priceMaps, replace } }, 'master').catch(() => undefined);
      expect(await gateway().priceOf('gpt-of-tomorrow')).toBe(lands ? 1e-6 : undefined);
      await reloadPrices({ ...deps, fetchMap: async () => bytesOf(mapOf(4)) }, 'master');
      expect(await gateway().priceOf('gpt-of-tomorrow')).toBe(4);
    }
  });

  it('that counts already when a repeated write is refused says so', async () => {
    const { deps, stores } = house();
    let writes = 0;
    // A client that repeats a write whose answer was lost is told that others were faster.
    const replace: typeof stores.priceMaps.replace = async (map) =>
      (await stores.priceMaps.replace(map)) === 'replaced' && ++writes === 1 ? 'stale' : 'replaced';
    expect(await reloadPrices({ ...deps, priceMaps: { ...stores.priceMaps, replace } }, 'master')).toMatchObject({
      table: { added: 1 },
    });
  });

  it('is refused while another one runs, and one of two at once does it', async () => {
    const { deps, gateway } = house();
    const both = await Promise.allSettled(
      [1, 2].map((price) => reloadPrices({ ...deps, fetchMap: async () => bytesOf(mapOf(price)) }, 'master')),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { kind: 'conflict' } });
    expect([1, 2]).toContain(await gateway().priceOf('gpt-of-tomorrow'));
  });

  it('that slept through its lease changes nothing', async () => {
    const { deps, clock, gateway, record } = house();
    const late = reloadPrices(
      {
        ...deps,
        fetchMap: async () => {
          clock.now += 10 * 60_000;
          await reloadPrices({ ...deps, fetchMap: async () => bytesOf(mapOf(2)) }, 'master');
          return bytesOf(mapOf(1));
        },
      },
      'master',
    );
    await expect(late).rejects.toMatchObject({ kind: 'conflict' });
    expect(await gateway().priceOf('gpt-of-tomorrow')).toBe(2);
    expect((await record())?.failure).toBeUndefined();
  });

  it('goes on where the one before died', async () => {
    const { deps, clock, gateway } = house();
    const dead = reloadPrices({ ...deps, fetchMap: () => new Promise(() => undefined) }, 'master');
    void dead;
    await expect(reloadPrices(deps, 'master')).rejects.toMatchObject({ kind: 'conflict' });
    clock.now += 10 * 60_000;
    await reloadPrices(deps, 'master');
    expect(await gateway().priceOf('gpt-of-tomorrow')).toBe(1e-6);
  });
});

describe('a gateway', () => {
  it('goes on with the whole table it has while another one cannot be read', async () => {
    const { deps, stores, gateway } = house();
    await reloadPrices({ ...deps, fetchMap: async () => bytesOf(big(1)) }, 'master');
    const state = { failing: false };
    const get: typeof stores.pricePages.get = (id, options) =>
      state.failing && id.endsWith('/1') ? Promise.resolve(undefined) : stores.pricePages.get(id, options);
    const stale = gateway({ pricePages: { ...stores.pricePages, get } });
    expect(await stale.priceOf('m7')).toBe(1);
    await reloadPrices({ ...deps, fetchMap: async () => bytesOf(big(2)) }, 'master');
    state.failing = true;
    expect(await stale.priceOf('m7')).toBe(1);
    expect(await stale.priceOf('m1999')).toBe(1);
    expect(stale.warnings).toHaveLength(2);
    state.failing = false;
    expect(await stale.priceOf('m7')).toBe(2);
  });

  it('has the prices of the release while the store does not answer', async () => {
    const { stores, gateway } = house();
    const down = gateway({ priceMaps: { ...stores.priceMaps, get: () => Promise.reject(new Error('down')) } });
    expect(await down.priceOf('gpt-4o-mini')).toBe(1.5e-7);
    expect(down.warnings).toHaveLength(1);
  });

  it('reads pages when prices change, and only then', async () => {
    const { deps, stores, gateway } = house();
    let reads = 0;
    const get: typeof stores.pricePages.get = (id, options) => (reads++, stores.pricePages.get(id, options));
    const one = gateway({ pricePages: { ...stores.pricePages, get } });
    await reloadPrices(deps, 'master');
    for (let look = 0; look < 3; look++) await one.refresh();
    expect(reads).toBe(1);
  });
});

describe('the schedule', () => {
  const schedule = (deps: ReloadDeps, hours: number) =>
    changePriceMap(deps, 'master', () => ({ schedule: { hours, at: deps.now() } }));

  it('is carried out when it is due, once, by however many keepers', async () => {
    const { deps, clock, record } = house();
    expect(await reloadDuePrices(deps, 'keeper')).toBeUndefined();
    await schedule(deps, 6);
    const keepers = (count: number) => Promise.all(Array.from({ length: count }, () => reloadDuePrices(deps, 'keeper')));
    expect((await keepers(5)).filter((done) => done !== undefined)).toHaveLength(1);
    expect(await keepers(5)).toEqual(Array.from({ length: 5 }));
    clock.now += 6 * HOUR - 1;
    expect(await reloadDuePrices(deps, 'keeper')).toBeUndefined();
    clock.now += 1;
    expect((await keepers(5)).filter((done) => done !== undefined)).toHaveLength(1);
    expect(nextReload((await record()) ?? {})).toBe(clock.now + 6 * HOUR);
  });

  it('is tried again a while after a failure, and no sooner', async () => {
    const { deps, clock } = house();
    await schedule(deps, 1);
    let fetched = 0;
    const failing = { ...deps, fetchMap: () => (fetched++, Promise.reject(new GatewayError('upstream', 'no'))) };
    await expect(reloadDuePrices(failing, 'keeper')).rejects.toThrow('no');
    for (let minute = 0; minute < 9; minute++) {
      clock.now += 60_000;
      expect(await reloadDuePrices(failing, 'keeper')).toBeUndefined();
    }
    clock.now += 60_000;
    await expect(reloadDuePrices(failing, 'keeper')).rejects.toThrow('no');
    expect(fetched).toBe(2);
  });

  it('waits as long after a reload that died: the next one might too', async () => {
    const { deps, clock } = house();
    await schedule(deps, 1);
    const dying = { ...deps, fetchMap: () => new Promise<never>(() => undefined) };
    void reloadDuePrices(dying, 'keeper');
    await reloadDuePrices(deps, 'keeper');
    clock.now += 11 * 60_000;
    expect(await reloadDuePrices(deps, 'keeper')).toBeUndefined();
    clock.now += 60_000;
    expect(await reloadDuePrices(deps, 'keeper')).toBeDefined();
  });

  it('is no more once it was cancelled', async () => {
    const { deps } = house();
    await schedule(deps, 1);
    await changePriceMap(deps, 'master', () => ({ schedule: undefined }));
    expect(await reloadDuePrices(deps, 'keeper')).toBeUndefined();
  });
});
