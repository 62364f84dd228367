import { describe, expect, test } from 'vitest';
import { createKeeper } from '../../../functions/keeper/handler.ts';
import type { HoldRequest } from '../../../lib/domain/meter.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { NOW } from '../../support/exchange.ts';

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
});
