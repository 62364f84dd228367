import { beforeEach, describe, expect, it } from 'vitest';
import type { HoldRequest } from '../../../lib/domain/meter.ts';
import { granted, own, shardId } from '../../../lib/domain/shard.ts';
import { sweep, type KeeperDeps } from '../../../lib/money/keeper.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import type { Stores } from '../../../lib/stores/stores.ts';

const LEASE = 1_000;
const aHold = (id: string): HoldRequest => ({
  meter: `key#${id}#usd#total#0`,
  scope: { kind: 'key', id },
  window: { name: 'total', start: 0 },
  amounts: { usd: 10n },
  limits: { usd: 100n },
  swept: true,
});

let stores: Stores;
let lines: { level: string; message: string; fields: unknown }[];
beforeEach(() => {
  stores = open();
  lines = [];
});

const keeper = (now: number, over: Partial<KeeperDeps> = {}) =>
  sweep({
    meters: stores.meters,
    ledger: stores.ledger,
    now: () => now,
    policy: 'hold',
    limit: 100,
    log: (level, message, fields) => void lines.push({ level, message, fields }),
    ...over,
  });

describe('the keeper', () => {
  it('leaves leases alone that have not ended', async () => {
    await stores.meters.hold(aHold('a'), 'one', LEASE);

    expect(await keeper(LEASE - 1)).toEqual({ meters: 0, settled: 0, booked: 0, absent: 0, failed: 0 });
  });

  it('settles what is expired, once, and says what it did', async () => {
    await stores.meters.hold(aHold('a'), 'one', LEASE);
    await stores.meters.hold(aHold('b'), 'two', LEASE);

    const [one, other] = await Promise.all([keeper(LEASE), keeper(LEASE)]);

    expect(one.booked + one.settled + other.booked + other.settled).toBe(2);
    expect(await stores.meters.due(LEASE, 10)).toEqual([]);
    expect(lines[0]).toMatchObject({ level: 'info', message: 'keeper sweep', fields: { meters: 2 } });
  });

  it('puts a meter with open leases back for the earliest of them', async () => {
    await stores.meters.hold(aHold('a'), 'one', LEASE);
    await stores.meters.hold(aHold('a'), 'three', 3 * LEASE);
    await stores.meters.hold(aHold('a'), 'two', 2 * LEASE);

    await keeper(LEASE);

    expect(await stores.meters.due(2 * LEASE - 1, 10)).toEqual([]);
    expect(await stores.meters.due(2 * LEASE, 10)).toMatchObject([{ holds: [{ id: 'three' }, { id: 'two' }] }]);
  });

  it('takes a meter off the index whose calls were all settled in time', async () => {
    await stores.meters.hold(aHold('a'), 'one', LEASE);
    await stores.meters.settle(aHold('a').meter, 'one', { usd: 10n }, { usd: 1n });

    expect(await keeper(LEASE)).toMatchObject({ meters: 1, booked: 0 });

    expect(await stores.meters.due(LEASE, 10)).toEqual([]);
  });

  it('keeps a meter on the index that got a hold while it was looked at', async () => {
    await stores.meters.hold(aHold('a'), 'one', LEASE);
    const racing = {
      ...stores.meters,
      settle: async (...step: Parameters<Stores['meters']['settle']>) => {
        await stores.meters.hold(aHold('a'), 'two', LEASE);
        return stores.meters.settle(...step);
      },
    };

    await keeper(LEASE, { meters: racing });

    expect(await keeper(LEASE)).toMatchObject({ meters: 1, booked: 1 });
  });

  it('goes on with the other meters when one fails, and comes back to it', async () => {
    await stores.meters.hold(aHold('a'), 'one', LEASE);
    await stores.meters.hold(aHold('b'), 'two', LEASE);
    const failing = {
      ...stores.ledger,
      get: (id: string) => (id === 'one' ? Promise.reject(new Error('down')) : stores.ledger.get(id)),
    };

    expect(await keeper(LEASE, { ledger: failing })).toMatchObject({ meters: 2, booked: 1, failed: 1 });

    expect(lines[0]).toMatchObject({ level: 'error', fields: { meter: 'key#a#usd#total#0' } });
    expect(await keeper(LEASE)).toMatchObject({ meters: 1, booked: 1 });
  });

  it('settles the other holds of a meter when one cannot be', async () => {
    for (const id of ['bad', 'good']) await stores.meters.hold(aHold('a'), id, LEASE);
    const failing = {
      ...stores.ledger,
      get: (id: string) => (id === 'bad' ? Promise.reject(new Error('down')) : stores.ledger.get(id)),
    };

    expect(await keeper(LEASE, { ledger: failing })).toMatchObject({ meters: 1, booked: 1, failed: 1 });

    expect(await keeper(LEASE)).toMatchObject({ meters: 1, booked: 1, failed: 0 });
  });

  it('keeps what forbids a late copy until none can come any more', async () => {
    const { meter, amounts } = aHold('a');
    await stores.meters.hold(aHold('a'), 'open', LEASE);
    await stores.meters.hold(aHold('a'), 'late', 2 * LEASE);
    await stores.meters.settle(meter, 'late', amounts, {}, 2 * LEASE);
    const marks = async () => (await stores.meters.read(meter))?.buried ?? [];

    await keeper(LEASE);
    expect(await marks()).toEqual([{ id: 'late', until: 2 * LEASE }]);

    await stores.meters.hold(aHold('a'), 'next', 2 * LEASE);
    await keeper(2 * LEASE);
    expect(await marks()).toEqual([]);
  });

  it('charges a meter for what its shard overspent, where the call died before it did', async () => {
    const { meter, amounts } = aHold('a');
    const shard = shardId(meter, 1);
    await stores.meters.change(meter, { add: { usd: 10n, [granted(1, 'usd')]: 10n } });
    await stores.meters.change(shard, { add: { [own('granted', 'usd')]: 10n, [own('room', 'usd')]: 10n } });
    const taken = { add: { usd: 10n, [own('room', 'usd')]: -10n } };
    await stores.meters.hold({ ...aHold('a'), meter: shard }, 'dear', LEASE, taken);
    await stores.meters.settle(shard, 'dear', amounts, { usd: 17n });
    expect(await stores.meters.read(meter)).toMatchObject({ committed: { usd: 10n } });

    await keeper(LEASE);

    expect(await stores.meters.read(meter)).toMatchObject({ committed: { usd: 17n } });
    expect(await stores.meters.read(shard)).toMatchObject({ counts: { [own('room', 'usd')]: 0n } });
  });

  it('looks at no more meters than it may', async () => {
    for (const id of ['a', 'b', 'c']) await stores.meters.hold(aHold(id), 'one', LEASE);

    expect(await keeper(LEASE, { limit: 2 })).toMatchObject({ meters: 2 });
  });
});
