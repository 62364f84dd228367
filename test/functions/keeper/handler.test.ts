import { describe, expect, test } from 'vitest';
import { createKeeper } from '../../../functions/keeper/handler.ts';
import { keepPrices } from '../../../functions/keeper/prices.ts';
import { createCatalog } from '../../../lib/catalog/index.ts';
import type { HoldRequest } from '../../../lib/domain/meter.ts';
import { changePriceMap } from '../../../lib/management/models/price-reload.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { NOW } from '../../support/exchange.ts';
import { aMap, anEntry, serving } from '../../support/price-map.ts';

const METER = `key#${'a'.repeat(64)}#usd#total#0`;

const aHold: HoldRequest = {
  meter: METER,
  scope: { kind: 'key', id: 'a'.repeat(64) },
  window: { name: 'total', start: 0 },
  amounts: { usd: 300n },
  limits: { usd: 1_000n },
  swept: true,
};

const quiet = (): void => undefined;

describe('keeper', () => {
  test('settles a hold whose lease has ended, by the declared rule', async () => {
    const stores = open();
    await stores.meters.hold(aHold, 'lost-call', NOW - 1);

    const done = await createKeeper({ env: { TOLLGATE_EXPIRED_HOLD: 'hold' }, stores, log: quiet, now: () => NOW })();

    expect(done).toMatchObject({ meters: 1, booked: 1, failed: 0 });
    expect(await stores.meters.read(METER)).toMatchObject({ committed: { usd: 300n }, holds: [] });
    expect(await stores.ledger.get('lost-call')).toMatchObject({ status: 'expired' });
  });

  test('leaves a hold whose lease still runs', async () => {
    const stores = open();
    await stores.meters.hold(aHold, 'open-call', NOW + 60_000);

    const done = await createKeeper({ env: { TOLLGATE_EXPIRED_HOLD: 'hold' }, stores, log: quiet, now: () => NOW })();

    expect(done).toMatchObject({ meters: 0 });
    expect((await stores.meters.read(METER))?.holds).toHaveLength(1);
  });

  test('fails its invocation when a meter could not be settled, so that the alarm sees it', async () => {
    const stores = open();
    await stores.meters.hold(aHold, 'lost-call', NOW - 1);
    const meters = { ...stores.meters, checked: () => Promise.reject(new Error('no')) };

    const keep = createKeeper({
      env: { TOLLGATE_EXPIRED_HOLD: 'hold' },
      stores: { ...stores, meters },
      log: quiet,
      now: () => NOW,
    });

    await expect(keep()).rejects.toThrow('1 of 1 meters could not be settled');
  });

  test('settles holds although prices cannot be fetched, and fails its invocation then', async () => {
    const stores = open();
    await stores.meters.hold(aHold, 'lost-call', NOW - 1);
    const prices = () => Promise.reject(new Error('no prices'));

    const keep = createKeeper({ env: { TOLLGATE_EXPIRED_HOLD: 'hold' }, stores, prices, log: quiet, now: () => NOW });

    await expect(keep()).rejects.toThrow('no prices');
    expect(await stores.ledger.get('lost-call')).toMatchObject({ status: 'expired' });
  });
});

describe("the keeper's part in prices", () => {
  const worker = (served: () => unknown) => {
    const stores = open();
    const lines: unknown[] = [];
    const log = (...line: unknown[]): void => void lines.push(line);
    const http = serving(served);
    const work = { url: 'https://prices.example/map.json', stores, bundled: createCatalog(), http, log, now: () => NOW };
    const schedule = () =>
      changePriceMap({ ...stores, now: () => NOW }, 'ada', () => ({
        schedule: { hours: 6, at: NOW },
      }));
    return { stores, lines, schedule, keep: () => keepPrices(work) };
  };

  test('is to fetch them when they are due, and to say so in log and audit', async () => {
    const { stores, lines, schedule, keep } = worker(() => aMap);
    await keep();
    expect(lines).toEqual([]);
    await schedule();

    await Promise.all([keep(), keep(), keep()]);

    expect(lines).toEqual([['info', 'prices were reloaded', expect.objectContaining({ new_models: 1, refused: 0 })]]);
    const { items } = await stores.audit.list({ limit: 9 });
    expect(items).toMatchObject([{ kind: 'price map', changedBy: 'keeper', after: { new_models: 1 } }]);
  });

  test('is to warn of what was not taken, and to fail where there is nothing to take', async () => {
    const { lines, schedule, keep } = worker(() => ({ ...aMap, 'gpt-4o': anEntry({ input_cost_per_token: 0 }) }));
    await schedule();
    await keep();
    expect(lines).toMatchObject([['warn', 'prices were reloaded', { refused: 1, first: { model: 'gpt-4o' } }]]);

    const broken = worker(() => []);
    await broken.schedule();
    await expect(broken.keep()).rejects.toThrow('no price map');
  });
});
