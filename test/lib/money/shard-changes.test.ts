/** Each write that moves room is conditional on a count that never comes back: a copy of it that arrives late changes nothing. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Change } from '../../../lib/domain/change.ts';
import type { HoldRequest, Meter } from '../../../lib/domain/meter.ts';
import { granted, own, returned, shardId } from '../../../lib/domain/shard.ts';
import { acknowledgement, emptyMeter, grantOf, outOfRoom, returnOf, takeGrant } from '../../../lib/money/shard-changes.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import type { Stores } from '../../../lib/stores/stores.ts';

const METER = 'key#k#usd#total#0';
const SHARD = shardId(METER, 1);
const LEASE = 1_000;
const wanting = (usd: bigint, limit = 80n): HoldRequest => ({
  meter: METER,
  scope: { kind: 'key', id: 'k' },
  window: { name: 'total', start: 0 },
  amounts: { usd },
  limits: { usd: limit },
  swept: true,
});

let meters: Stores['meters'];
beforeEach(() => {
  ({ meters } = open());
});

const seen = async (id: string): Promise<Meter> => (await meters.read(id)) ?? emptyMeter(id);
const hold = (id: string, change: Change, request = wanting(10n)) =>
  meters.hold({ ...request, meter: SHARD }, id, LEASE, change);
const given = <T>(change: T | undefined): T => {
  if (change === undefined) throw new Error('there is nothing to change');
  return change;
};

/** A grant to the shard, and a hold out of it; gives the second of its writes. */
async function granting(id = 'one', usd = 10n): Promise<Change> {
  const request = wanting(usd);
  const shard = { number: 1, image: await seen(SHARD), shards: 1 };
  expect(await meters.change(METER, given(grantOf(await seen(METER), request, shard)))).toMatchObject({ done: true });
  const taking = takeGrant(await seen(METER), request, shard);
  expect(await hold(id, taking, request)).toMatchObject({ type: 'held' });
  return taking;
}

describe('a copy that arrives late', () => {
  it('of a grant that was taken changes nothing', async () => {
    await granting();
    const taking = await granting('two', 20n);
    const before = await seen(SHARD);

    expect(await hold('copy', taking, wanting(20n))).toMatchObject({ type: 'missed' });

    expect(await seen(SHARD)).toEqual(before);
  });

  it('of a return changes nothing, although the room is as it was', async () => {
    await granting();
    const room = (await seen(SHARD)).counts?.[own('room', 'usd')] ?? 0n;
    const returning = given(returnOf(await seen(METER), { number: 1, image: await seen(SHARD) }));
    expect(await meters.change(SHARD, returning)).toMatchObject({ done: true });
    // An open hold gives back what makes the room what it was.
    await meters.settle(SHARD, 'one', { usd: 10n }, { usd: 0n });
    expect(await seen(SHARD)).toMatchObject({ counts: { [own('room', 'usd')]: room } });

    expect(await meters.change(SHARD, returning)).toMatchObject({ done: false });
  });

  it('of what a meter gets back frees nothing twice', async () => {
    await granting();
    await meters.change(SHARD, given(returnOf(await seen(METER), { number: 1, image: await seen(SHARD) })));
    const freeing = given(acknowledgement(await seen(METER), { number: 1, image: await seen(SHARD) }));
    expect(await meters.change(METER, freeing)).toMatchObject({ done: true });
    expect(await seen(METER)).toMatchObject({ committed: { usd: 10n } });

    expect(await meters.change(METER, freeing)).toMatchObject({ done: false });

    expect(await seen(METER)).toMatchObject({ committed: { usd: 10n } });
    expect(acknowledgement(await seen(METER), { number: 1, image: await seen(SHARD) })).toBeUndefined();
  });

  it('of a grant is one more, as long as the limit has room', async () => {
    const change = given(grantOf(await seen(METER), wanting(60n), { number: 1, image: emptyMeter(SHARD), shards: 1 }));
    expect(await meters.change(METER, change)).toMatchObject({ done: true });

    expect(await meters.change(METER, change)).toMatchObject({ done: false });

    expect(await seen(METER)).toMatchObject({ committed: { usd: 60n }, counts: { [granted(1, 'usd')]: 60n } });
    expect((await seen(METER)).counts?.[returned(1, 'usd')]).toBeUndefined();
  });
});

describe('room that was decided on under another limit', () => {
  it('is given to nobody until the meter was asked', async () => {
    await granting();

    expect(await hold('same', outOfRoom(wanting(1n)), wanting(1n))).toMatchObject({ type: 'held' });
    expect(await hold('lower', outOfRoom(wanting(1n, 79n)), wanting(1n, 79n))).toMatchObject({ type: 'missed' });
  });
});
