import { describe, expect, it } from 'vitest';
import type { HoldRequest } from '../../../lib/domain/meter.ts';
import { own } from '../../../lib/domain/shard.ts';
import { joinMeters } from '../../../lib/money/joint-meters.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import type { JointHold, MeterStore } from '../../../lib/stores/meters.ts';

const aRequest = (usd: bigint, limit: bigint, over: Partial<HoldRequest> = {}): HoldRequest => ({
  meter: 'key#a#usd#total#0',
  scope: { kind: 'key', id: 'a' },
  window: { name: 'total', start: 0 },
  amounts: { usd },
  limits: { usd: limit },
  swept: true,
  ...over,
});

/** Meters of one lane whose writes are told, and whose joint holds are answered as a test says. */
function aMeterRoom(jointly: (made: JointHold) => JointHold = (made) => made) {
  const { meters } = open();
  const told: string[] = [];
  const watched: MeterStore = {
    ...meters,
    async hold(...given) {
      told.push(`hold ${given[1]}`);
      await pause();
      return meters.hold(...given);
    },
    async settle(...given) {
      told.push(`${given[4] === undefined ? 'settle' : 'bury'} ${given[1]}`);
      await pause();
      return meters.settle(...given);
    },
    async holdAll(orders, change) {
      told.push(`hold ${orders.map(({ holdId }) => holdId).join(' ')}`);
      await pause();
      return jointly(await meters.holdAll(orders, change));
    },
    async settleAll(meter, settlements) {
      told.push(`settle ${settlements.map(({ holdId }) => holdId).join(' ')}`);
      await pause();
      return meters.settleAll(meter, settlements);
    },
  };
  return { meters, joint: joinMeters(watched, { lanes: 1 }), told };
}

const pause = (): Promise<void> => new Promise((done) => void setImmediate(done));
const METER = aRequest(1n, 1n).meter;

describe('holds that come together', () => {
  it('are one write, and each sees the meter as if they had come one by one', async () => {
    const { joint, told } = aMeterRoom();
    const alone = aMeterRoom();
    const requests = [3n, 4n, 5n, 6n].map((usd) => aRequest(usd, 100n));
    const ids = ['one', 'two', 'three', 'four'];

    const together = await Promise.all(requests.map((request, place) => joint.hold(request, ids[place] as string, 500)));
    const oneByOne = [];
    for (const [place, request] of requests.entries())
      oneByOne.push(await alone.meters.hold(request, ids[place] as string, 500));

    expect(told).toEqual(['hold one', 'hold two three four']);
    expect(together).toEqual(oneByOne);
  });

  it('go one by one where they are too much together: none is refused that alone would have had room', async () => {
    const { joint, meters, told } = aMeterRoom();
    const amounts = [10n, 60n, 95n, 20n, 11n];

    const outcomes = await Promise.all(amounts.map((usd, place) => joint.hold(aRequest(usd, 100n), `h${place}`, 500)));

    expect(told).toEqual(['hold h0', 'hold h1 h2 h3 h4', 'hold h1', 'hold h3', 'hold h4']);
    expect(outcomes.map(({ type }) => type)).toEqual(['held', 'held', 'refused', 'held', 'refused']);
    expect((await meters.read(METER))?.committed).toEqual({ usd: 90n });
  });

  it('are refused with the meter, the counter and the reason of a hold that comes alone', async () => {
    const { joint, meters, told } = aMeterRoom();
    const request = aRequest(10n, 100n, { amounts: { requests: 1n, tokens: 8n }, limits: { requests: 9n, tokens: 10n } });
    await meters.hold(request, 'before', 500);

    const outcomes = await Promise.all(['one', 'two', 'three'].map((id) => joint.hold(request, id, 500)));
    const alone = await meters.hold(request, 'alone', 500);

    expect(told).toEqual(['hold one', 'hold two three']);
    expect(alone).toMatchObject({ type: 'refused', counter: 'tokens' });
    for (const outcome of outcomes) expect(outcome).toEqual(alone);
  });

  it('may have limits of their own: each keeps to its own', async () => {
    const { joint, told } = aMeterRoom();
    const limits = [100n, 100n, 12n, 100n];

    const outcomes = await Promise.all(limits.map((limit, place) => joint.hold(aRequest(5n, limit), `h${place}`, 500)));

    expect(told).toEqual(['hold h0', 'hold h1 h2 h3', 'hold h1', 'hold h2', 'hold h3']);
    expect(outcomes.map(({ type }) => type)).toEqual(['held', 'held', 'refused', 'held']);
  });

  it('that take in a grant go alone: what one expects, the other changes', async () => {
    const { joint, meters, told } = aMeterRoom();
    const request = aRequest(5n, 100n, { meter: 'key#a#usd#total#0~1' });
    const grant = {
      add: { usd: 5n, [own('granted', 'usd')]: 10n, [own('room', 'usd')]: 5n },
      equal: { [own('granted', 'usd')]: 0n },
    };
    const fromRoom = { add: { usd: 5n, [own('room', 'usd')]: -5n }, atLeast: { [own('room', 'usd')]: 5n } };
    await meters.change(request.meter, { add: { [own('room', 'usd')]: 50n } });

    const changes = [fromRoom, grant, fromRoom, grant, fromRoom];
    const outcomes = await Promise.all(changes.map((change, place) => joint.hold(request, `h${place}`, 500, change)));

    expect(told).toEqual(['hold h0', 'hold h1 h2 h4', 'hold h3']);
    expect(outcomes.map(({ type }) => type)).toEqual(['held', 'held', 'held', 'missed', 'held']);
  });

  it('are there when the write was repeated after it had come in', async () => {
    const { joint, meters } = aMeterRoom(({ meter }) => ({ done: false, meter, late: true }));

    const outcomes = await Promise.all(['one', 'two', 'three'].map((id) => joint.hold(aRequest(5n, 100n), id, 500)));

    expect(outcomes).toMatchObject([{ type: 'held' }, { type: 'held', late: true }, { type: 'held', late: true }]);
    expect(outcomes.map(({ meter }) => meter.committed.usd)).toEqual([5n, 10n, 15n]);
    expect((await meters.read(METER))?.committed).toEqual({ usd: 15n });
  });

  it('are buried where they are refused and a copy of the write may come, and marked late where they are not', async () => {
    const { joint, meters, told } = aMeterRoom((made) => ({ ...made, late: true }));
    const amounts = [10n, 95n, 50n, 50n];

    const outcomes = await Promise.all(amounts.map((usd, place) => joint.hold(aRequest(usd, 100n), `h${place}`, 500)));

    expect(outcomes).toMatchObject([
      { type: 'held' },
      { type: 'refused', late: true },
      { type: 'held', late: true },
      { type: 'refused', late: true },
    ]);
    expect(told.slice(2).toSorted()).toEqual(['bury h1', 'bury h3', 'hold h2', 'hold h3']);
    expect((await meters.read(METER))?.buried?.map(({ id }) => id).toSorted()).toEqual(['h1', 'h3']);
  });

  it('fail together when the store does, and only with each other', async () => {
    const { joint } = aMeterRoom(() => {
      throw new Error('no answer');
    });

    const outcomes = await Promise.allSettled(['one', 'two', 'three'].map((id) => joint.hold(aRequest(5n, 100n), id, 500)));

    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect((await joint.hold(aRequest(5n, 100n), 'later', 500)).type).toBe('held');
  });
});

describe('settlements that come together', () => {
  const held = { usd: 10n };

  it('are one write', async () => {
    const { joint, meters, told } = aMeterRoom();
    for (const id of ['one', 'two', 'three']) await meters.hold(aRequest(10n, 100n), id, 500);

    const outcomes = await Promise.all(
      ['one', 'two', 'three'].map((id, place) => joint.settle(METER, id, held, { usd: BigInt(place) })),
    );

    expect(outcomes).toEqual(['settled', 'settled', 'settled']);
    expect(told).toEqual(['settle one', 'settle two three']);
    expect(await meters.read(METER)).toMatchObject({ committed: { usd: 3n }, holds: [] });
  });

  it('go one by one where one of the holds is gone, and each is settled or was', async () => {
    const { joint, meters, told } = aMeterRoom();
    for (const id of ['one', 'two', 'three']) await meters.hold(aRequest(10n, 100n), id, 500);
    await meters.settle(METER, 'two', held, { usd: 7n });

    const outcomes = await Promise.all(['one', 'two', 'three'].map((id) => joint.settle(METER, id, held, { usd: 1n })));

    expect(outcomes).toEqual(['settled', 'absent', 'settled']);
    expect(told).toEqual(['settle one', 'settle two three', 'settle two', 'settle three']);
    expect(await meters.read(METER)).toMatchObject({ committed: { usd: 9n }, holds: [] });
  });

  it.each([
    ['alone', ['one', 'two', 'two', 'two'], ['settled', 'settled', 'absent', 'absent']],
    ['beside others', ['one', 'two', 'two', 'three'], ['settled', 'settled', 'absent', 'settled']],
  ])('of the same hold settle it once, %s', async (_, ids, expected) => {
    const { joint, meters } = aMeterRoom();
    for (const id of new Set(ids)) await meters.hold(aRequest(10n, 100n), id, 500);

    const outcomes = await Promise.all(ids.map((id) => joint.settle(METER, id, held, { usd: 4n })));

    expect(outcomes).toEqual(expected);
    expect(await meters.read(METER)).toMatchObject({ committed: { usd: 4n * BigInt(new Set(ids).size) }, holds: [] });
  });

  it('bury what is to be buried, there or not', async () => {
    const { joint, meters } = aMeterRoom();
    for (const id of ['one', 'two']) await meters.hold(aRequest(10n, 100n), id, 500);

    await Promise.all(['one', 'two', 'never'].map((id) => joint.settle(METER, id, held, {}, 900)));

    const meter = await meters.read(METER);
    expect(meter).toMatchObject({ committed: { usd: 0n }, holds: [] });
    expect(meter?.buried?.map(({ id }) => id).toSorted()).toEqual(['never', 'one', 'two']);
  });
});
