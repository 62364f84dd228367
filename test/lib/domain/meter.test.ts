import { describe, expect, it } from 'vitest';
import { firstWithoutRoom, heldOf, meterId, scopeOfMeter, spentOf, type Meter } from '../../../lib/domain/meter.ts';

const meter: Meter = {
  id: 'm',
  committed: { usd: 10n, requests: 2n },
  holds: [
    { id: 'a', amounts: { usd: 3n }, expiresAt: 1 },
    { id: 'b', amounts: { usd: 4n, requests: 1n }, expiresAt: 1 },
  ],
  rev: 2,
};

describe('a meter', () => {
  it('tells held from spent', () => {
    expect([heldOf(meter, 'usd'), spentOf(meter, 'usd')]).toEqual([7n, 3n]);
    expect([heldOf(meter, 'tokens'), spentOf(meter, 'tokens')]).toEqual([0n, 0n]);
  });

  it('names the first limit without room', () => {
    const amounts = { usd: 5n, requests: 1n };

    expect(firstWithoutRoom(meter, { amounts, limits: { usd: 15n, requests: 3n } })).toBeUndefined();
    expect(firstWithoutRoom(meter, { amounts, limits: { usd: 15n, requests: 2n } })).toBe('requests');
    expect(firstWithoutRoom(meter, { amounts, limits: { usd: 14n, requests: 2n } })).toBe('usd');
    expect(firstWithoutRoom(meter, { amounts, limits: { tokens: 0n } })).toBeUndefined();
  });

  it('says whose it is by its id, whatever characters the owner has', () => {
    const scope = { kind: 'tag', id: 'a#b/ü' } as const;

    const id = meterId(scope, 'usd', { name: '30d', start: 5 });

    expect(id).toBe('tag#a%23b%2F%C3%BC#usd#30d#5');
    expect(scopeOfMeter(id)).toEqual(scope);
  });
});
