import { beforeEach, describe, expect, it } from 'vitest';
import type { Amounts, HoldRequest } from '../../../lib/domain/meter.ts';
import { openHolds, openLease, takeHolds, type AdmissionDeps } from '../../../lib/policies/admission.ts';
import { refusalError } from '../../../lib/policies/refusal.ts';
import { createShardHints } from '../../../lib/money/shards.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import type { Stores } from '../../../lib/stores/stores.ts';
import { NOW } from '../../support/exchange.ts';

const LEASE = NOW + 120_000;
const money: HoldRequest = {
  meter: 'key#k#usd#1d#0',
  scope: { kind: 'key', id: 'k' },
  window: { name: '1d', start: NOW - 1000, end: NOW + 90_000 },
  amounts: { usd: 10_000_000_000n },
  limits: { usd: 15_000_000_000n },
  swept: true,
};
const rate: HoldRequest = {
  meter: 'key#k#rate#minute#0',
  scope: money.scope,
  window: { name: 'minute', start: NOW - 18_500, end: NOW + 41_500 },
  amounts: { requests: 1n, tokens: 100n },
  limits: { requests: 2n, tokens: 1_000n },
  swept: false,
};
const slot: HoldRequest = {
  meter: 'key#k#parallel#total#0',
  scope: money.scope,
  window: { name: 'total', start: 0 },
  amounts: { parallel: 1n },
  limits: { parallel: 1n },
  swept: true,
};

let stores: Stores;
beforeEach(() => {
  stores = open();
});

const deps = (over: Partial<AdmissionDeps> = {}): AdmissionDeps => ({
  meters: stores.meters,
  ledger: stores.ledger,
  now: () => NOW,
  log: () => {},
  expired: 'hold',
  hints: createShardHints(),
  ...over,
});
const take = (id: string, requests: readonly HoldRequest[], over: Partial<AdmissionDeps> = {}) =>
  takeHolds(deps(over), requests, openLease(id, 1, LEASE));
const refusalsOf = async (id: string, requests: readonly HoldRequest[]) => {
  const taken = await take(id, requests);
  return taken.type === 'refused' ? taken.refusals : [];
};

describe('admission', () => {
  it('takes every hold', async () => {
    const taken = await take('one', [money, rate, slot]);

    expect(taken).toMatchObject({
      type: 'held',
      holds: [
        { request: money },
        { request: rate },
        {
          request: slot,
          hold: { id: 'one', late: false },
          meter: { id: slot.meter, holds: [{ id: 'one', expiresAt: LEASE }] },
        },
      ],
    });
  });

  it('takes nothing when there is nothing to take', async () => {
    expect(await take('one', [])).toEqual({ type: 'held', holds: [] });
  });

  it('leaves nothing behind when one meter refuses', async () => {
    await take('one', [slot]);

    const taken = await take('two', [money, rate, slot]);

    expect(taken).toMatchObject({ type: 'refused', refusals: [{ counter: 'parallel' }] });
    expect(await stores.meters.read(money.meter)).toMatchObject({ committed: { usd: 0n }, holds: [] });
    expect(await stores.meters.read(rate.meter)).toMatchObject({ committed: { requests: 0n, tokens: 0n }, holds: [] });
  });

  it('has taken back what others gave when it refuses', async () => {
    await take('one', [slot]);
    const slow: Stores['meters'] = {
      ...stores.meters,
      settle: async (...given) => {
        await new Promise((resolve) => void setImmediate(resolve));
        return stores.meters.settle(...given);
      },
    };

    expect(await take('two', [money, rate, slot], { meters: slow })).toMatchObject({ type: 'refused' });

    expect(await stores.meters.read(money.meter)).toMatchObject({ holds: [] });
  });

  it('names every limit in the way, in the order of the requests', async () => {
    await take('one', [money, slot]);

    const refusals = await refusalsOf('two', [money, rate, slot]);

    expect(refusals.map(({ counter }) => counter)).toEqual(['usd', 'parallel']);
  });

  it('settles expired holds that stand in the way and asks once more', async () => {
    await stores.meters.hold(money, 'lost', NOW);
    await stores.meters.hold(slot, 'lost', NOW);

    const taken = await take('two', [money, slot], { expired: 'zero' });

    expect(taken.type).toBe('held');
    expect(await stores.ledger.get('lost')).toMatchObject({ status: 'expired', cost: 0n });
  });

  it('refuses as the limit says when an expired hold cannot be settled now', async () => {
    await stores.meters.hold(slot, 'lost', NOW);
    const settle = (meter: string, id: string, ...amounts: [Amounts, Amounts]) =>
      id === 'lost' ? Promise.reject(new Error('down')) : stores.meters.settle(meter, id, ...amounts);

    const taken = await take('two', [slot], { meters: { ...stores.meters, settle } });

    expect(taken).toMatchObject({ type: 'refused', refusals: [{ counter: 'parallel' }] });
  });

  it('still refuses when what was lost is booked in full', async () => {
    await stores.meters.hold(money, 'lost', NOW);

    const taken = await take('two', [money]);

    expect(taken).toMatchObject({ type: 'refused', refusals: [{ meter: { committed: { usd: 10_000_000_000n }, holds: [] } }] });
  });

  it('leaves leases alone that have not ended', async () => {
    await stores.meters.hold(money, 'open', NOW + 1);

    expect((await take('two', [money])).type).toBe('refused');
    expect((await stores.meters.read(money.meter))?.holds).toHaveLength(1);
  });

  it('fails with the error of the store', async () => {
    const meters = { ...stores.meters, hold: () => Promise.reject(new Error('secret detail')) };

    await expect(take('one', [money], { meters })).rejects.toMatchObject({ name: 'GatewayError', kind: 'internal' });
  });
});

describe('admission in turn', () => {
  const team: HoldRequest = { ...money, meter: 'team#t#usd#1d#0', scope: { kind: 'team', id: 't' } };

  /** A key whose room another call holds until somebody looks, and takes for good before this one's turn if it is faster. */
  async function behindAnother(isFaster: boolean) {
    await stores.meters.hold(money, 'other', LEASE);
    const asked: string[] = [];
    const meters: Stores['meters'] = {
      ...stores.meters,
      async read(id) {
        await stores.meters.settle(money.meter, 'other', money.amounts, { usd: 0n });
        return stores.meters.read(id);
      },
      async hold(request, id, ...given) {
        asked.push(`${request.scope.kind} ${id}`);
        const isTurn = asked.filter((hold) => hold.startsWith(request.scope.kind)).length > 1;
        if (isFaster && isTurn && request.meter === money.meter)
          await stores.meters.change(money.meter, { add: money.amounts });
        return stores.meters.hold(request, id, ...given);
      },
    };
    return { asked, meters };
  }

  it('asks the widest first, under ids that no try had before', async () => {
    const { asked, meters } = await behindAnother(false);

    expect(await takeHolds(deps({ meters }), [money, team], openLease('one', 1, LEASE))).toMatchObject({ type: 'held' });

    expect(asked.map((hold) => hold.split(' ')[0])).toEqual(['key', 'team', 'team', 'key']);
    await takeHolds(deps({ meters }), [team], openLease('one', 2, LEASE));
    const ofTeam = asked.filter((hold) => hold.startsWith('team'));
    expect(new Set(ofTeam).size).toBe(3);
  });

  it('leaves nothing behind where one refuses after all', async () => {
    const { asked, meters } = await behindAnother(true);

    const taken = await takeHolds(deps({ meters }), [money, team], openLease('one', 1, LEASE));

    expect(taken).toMatchObject({ type: 'refused', refusals: [{ request: money }] });
    expect(asked).toHaveLength(4);
    expect(await stores.meters.read(team.meter)).toMatchObject({ committed: { usd: 0n }, holds: [] });
  });
});

describe('what stands of a lease', () => {
  it('is forbidden to come late where somebody sweeps it', () => {
    const standing = (request: HoldRequest, late: boolean) => {
      const lease = openLease('one', 1, LEASE);
      lease.standing.set('one', { meter: request.meter, id: 'one', request, late });
      return openHolds(lease)[0]?.buryUntil;
    };

    expect([standing(money, true), standing(money, false), standing(rate, true)]).toEqual([LEASE, undefined, undefined]);
  });
});

describe('a refusal', () => {
  it('of a budget names scope, window, limit, spent, held, the need and the reset', async () => {
    await take('one', [money]);
    const [refusal] = await refusalsOf('two', [money]);
    if (refusal === undefined) throw new Error('expected a refusal');

    const error = refusalError(refusal, NOW);

    expect(error).toMatchObject({ kind: 'budget_exceeded', status: 429, retryable: false });
    expect(error.message).toBe(
      'Budget has been exceeded! The key may spend 0.015 USD per 1d: 0 USD are spent, 0.01 USD are held by open requests, ' +
        'and this request may cost 0.01 USD. It resets at 2026-11-22T12:01:30.000Z.',
    );
    expect(error.detail).toMatchObject({
      type: 'budget_exceeded',
      facts: {
        scope: 'key',
        limit_type: 'budget',
        window: '1d',
        limit: 0.015,
        used: 0,
        held: 0.01,
        resets_at: '2026-11-22T12:01:30.000Z',
      },
    });
  });

  it('of a budget for life says that it does not reset', async () => {
    const forLife = { ...money, window: { name: 'total', start: 0 }, limits: { usd: 1n } };
    const [refusal] = await refusalsOf('one', [forLife]);
    if (refusal === undefined) throw new Error('expected a refusal');

    const error = refusalError(refusal, NOW);

    expect(error.message).toContain('for its whole life');
    expect(error.message).toContain('It does not reset.');
    expect(error.detail.facts).toMatchObject({ resets_at: null });
  });

  it('of a rate says when to come back, in seconds and in headers', async () => {
    await take('one', [rate]);
    await take('two', [rate]);
    const [refusal] = await refusalsOf('three', [rate]);
    if (refusal === undefined) throw new Error('expected a refusal');

    const error = refusalError(refusal, NOW);

    expect(error).toMatchObject({ kind: 'rate_limit', status: 429, retryable: true });
    expect(error.message).toContain(
      'the key may have 2 requests per minute; 0 used, 2 held by open requests. Try again in 42 s.',
    );
    expect(error.detail).toMatchObject({
      retryAfter: '42',
      headers: {
        rate_limit_type: 'requests',
        reset_at: '2026-11-22T12:00:41.500Z',
        'x-ratelimit-limit-requests': '2',
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': '42s',
        'x-ratelimit-limit-tokens': '1000',
        'x-ratelimit-remaining-tokens': '800',
      },
      facts: { scope: 'key', limit_type: 'requests', limit: 2, used: 0, held: 2, resets_at: '2026-11-22T12:00:41.500Z' },
    });
  });

  it('of a request that is larger than the whole limit does not invite a repeat', async () => {
    const [refusal] = await refusalsOf('one', [{ ...rate, limits: { tokens: 50n } }]);
    if (refusal === undefined) throw new Error('expected a refusal');

    const error = refusalError(refusal, NOW);

    expect(error.retryable).toBe(false);
    expect(error.detail.retryAfter).toBeUndefined();
    expect(error.message).toContain('This request alone needs 100');
  });

  it('of a slot says to try again in a second', async () => {
    await take('one', [slot]);
    const [refusal] = await refusalsOf('two', [slot]);
    if (refusal === undefined) throw new Error('expected a refusal');

    const error = refusalError(refusal, NOW);

    expect(error.detail).toMatchObject({
      retryAfter: '1',
      facts: { limit_type: 'max_parallel_requests', limit: 1, used: 0, held: 1, resets_at: null },
    });
    expect(error.detail.headers).toEqual({ rate_limit_type: 'max_parallel_requests' });
  });
});
