import { describe, expect, it } from 'vitest';
import { meterId } from '../../../lib/domain/meter.ts';
import { familyOf, isShard, meterOfShard, roomChanges, shardId, shardsOf, wholeMeter } from '../../../lib/domain/shard.ts';

const meter = meterId({ kind: 'customer', id: 'a~1#x' }, 'usd', { name: '1d', start: -86_400_000 });

describe('the id of a shard', () => {
  it('leads back to its meter, whatever the scope is called', () => {
    expect(shardId(meter, 0)).toBe(meter);
    expect(isShard(meter)).toBe(false);
    expect(isShard(shardId(meter, 12))).toBe(true);
    expect(meterOfShard(shardId(meter, 12))).toBe(meter);
    expect(meterOfShard(meter)).toBe(meter);
  });

  it('shares its family with every window of the limit', () => {
    const next = meterId({ kind: 'customer', id: 'a~1#x' }, 'usd', { name: '1d', start: 0 });

    expect(familyOf(next)).toBe(familyOf(meter));
    expect(familyOf(meterId({ kind: 'customer', id: 'b' }, 'usd', { name: '1d', start: 0 }))).not.toBe(familyOf(meter));
  });
});

describe('room', () => {
  it('pays for what is added to a shard, and is nothing elsewhere', () => {
    expect(roomChanges(shardId(meter, 1), { usd: -4n, tokens: 3n })).toEqual({ 'room.usd': 4n, 'room.tokens': -3n });
    expect(roomChanges(meter, { usd: -4n })).toEqual({});
  });
});

describe('a meter and its shards as one', () => {
  it('counts what was spent and is held, and nothing that is on its way', () => {
    const hold = { id: 'h', amounts: { usd: 3n }, expiresAt: 1 };
    const counts = { 'g1.usd': 50n, 'b1.usd': 10n, 'g3.usd': 20n };
    const root = { id: meter, committed: { usd: 65n }, holds: [], rev: 1, counts };
    const first = { id: shardId(meter, 1), committed: { usd: 12n }, holds: [hold], rev: 1, counts: { 'granted.usd': 50n } };

    expect(shardsOf(root)).toEqual([1, 3]);
    // 65 less the 60 that are out, and 12 of those were used; shard 3 never heard of its 20.
    expect(wholeMeter(root, [first, undefined])).toMatchObject({
      committed: { usd: 17n },
      holds: [{ id: 'h', shard: first.id }],
    });
  });

  it('is the meter itself where it has no shards', () => {
    const root = { id: meter, committed: { usd: 65n }, holds: [], rev: 1 };

    expect(wholeMeter(root, [])).toEqual(root);
  });
});
