import { describe, expect, it } from 'vitest';
import { allows, inTurn, termsOf, withAdded, type Change } from '../../../lib/domain/change.ts';
import type { Counts, Meter } from '../../../lib/domain/meter.ts';

const aMeter = (usd: bigint, counts: Counts = {}): Meter => ({ id: 'm', committed: { usd }, holds: [], rev: 0, counts });

/** Numbers from 0 up to `below`, the same ones each time. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

/** A change of a few small counts, with any expectations. */
function aChange(roll: (below: number) => number): Change {
  const some = (): Counts =>
    Object.fromEntries(['usd', 'tokens', 'room.usd'].filter(() => roll(3) === 0).map((name) => [name, BigInt(roll(9) - 2)]));
  return { add: some(), equal: roll(4) === 0 ? some() : {}, atMost: some(), atLeast: some() };
}

/** The meter after the changes one by one; undefined when one of them finds it otherwise than it expects. */
const oneByOne = (meter: Meter, changes: readonly Change[]): Meter | undefined =>
  changes.reduce<Meter | undefined>(
    (now, change) => (now !== undefined && allows(now, change) ? withAdded(now, change.add) : undefined),
    meter,
  );

describe('changes in turn', () => {
  it('are allowed exactly where they are one by one, and come to the same', () => {
    const roll = dice(7);
    let done = 0;
    for (let round = 0; round < 20_000; round++) {
      const changes = Array.from({ length: 1 + roll(4) }, () => aChange(roll));
      const meter = aMeter(BigInt(roll(9)), { 'room.usd': BigInt(roll(9)) });

      const all = inTurn(changes);
      const together = all !== undefined && allows(meter, all) ? withAdded(meter, all.add) : undefined;

      const expected = oneByOne(meter, changes);
      const counts = (found: Meter | undefined) => found && { ...found.committed, ...found.counts };
      const zero = { usd: 0n, tokens: 0n, 'room.usd': 0n };
      expect(together && { ...zero, ...counts(together) }).toEqual(expected && { ...zero, ...counts(expected) });
      if (expected !== undefined && changes.length > 1) done++;
    }
    expect(done).toBeGreaterThan(200);
  });

  it('may be put together bit by bit', () => {
    const roll = dice(11);
    for (let round = 0; round < 2_000; round++) {
      const [one, two, three] = [aChange(roll), aChange(roll), aChange(roll)] as const;
      const first = inTurn([one, two]);

      expect(first && inTurn([first, three])).toEqual(first && inTurn([one, two, three]));
    }
  });

  it('of holds need room for their sum, whatever limit each has', () => {
    const all = inTurn([
      termsOf({ amounts: { usd: 2n }, limits: { usd: 10n } }),
      termsOf({ amounts: { usd: 3n }, limits: { usd: 6n } }),
    ]);

    expect(all).toEqual({ add: { usd: 5n }, equal: {}, atMost: { usd: 1n }, atLeast: {} });
  });

  it('that expect what the one before has changed cannot follow it', () => {
    const grant = { add: { 'granted.usd': 5n }, equal: { 'granted.usd': 0n } };

    expect(inTurn([grant, grant])).toBeUndefined();
  });
});
