import { describe, expect, it } from 'vitest';
import { budgetMeter, hasLimits, holdRequests } from '../../../lib/domain/budget.ts';
import { aKey, NOW } from '../../support/exchange.ts';

const call = {
  owner: { keyHash: 'k', tags: [] },
  at: NOW,
  kind: 'generate',
  route: '/v1/messages',
  clientDialect: 'anthropic-messages',
  modelGroup: 'm',
  stream: false,
};
const demand = { usd: 7n, tokens: 120, call };
const minute = Math.floor(NOW / 60_000) * 60_000;

describe('holds of a key', () => {
  it('are none without limits', () => {
    expect(hasLimits(aKey())).toBe(false);
    expect(holdRequests(aKey(), NOW, demand)).toEqual([]);
  });

  it.each([{ maxBudget: 0n }, { rpmLimit: 0 }, { tpmLimit: 1 }, { maxParallelRequests: 1 }])('count %o as a limit', (limit) => {
    expect(hasLimits(aKey(limit))).toBe(true);
  });

  it('hold money in the meter of the budget window, with what a lost call must leave behind', () => {
    const key = aKey({ hash: 'k', maxBudget: 100n, budgetDuration: '1d', budgetAnchor: 0 });
    const start = Math.floor(NOW / 86_400_000) * 86_400_000;

    expect(holdRequests(key, NOW, demand)).toEqual([
      {
        meter: `key#k#usd#1d#${start}`,
        scope: { kind: 'key', id: 'k' },
        window: { name: '1d', start, end: start + 86_400_000 },
        amounts: { usd: 7n },
        limits: { usd: 100n },
        swept: true,
        call,
      },
    ]);
    expect(budgetMeter(key, NOW).meter).toBe(`key#k#usd#1d#${start}`);
  });

  it('hold no money for a request that can cost nothing, or whose cost was not asked for', () => {
    const key = aKey({ maxBudget: 100n });

    expect(holdRequests(key, NOW, { ...demand, usd: 0n })).toEqual([]);
    expect(holdRequests(key, NOW, { tokens: 1, call })).toEqual([]);
  });

  it('count requests and tokens in one meter a minute, which nobody sweeps', () => {
    const [hold, ...others] = holdRequests(aKey({ hash: 'k', rpmLimit: 3, tpmLimit: 500 }), NOW, demand);

    expect(others).toEqual([]);
    expect(hold).toMatchObject({
      meter: `key#k#rate#minute#${minute}`,
      amounts: { requests: 1n, tokens: 120n },
      limits: { requests: 3n, tokens: 500n },
      swept: false,
    });
  });

  it('count only the rates that are limited', () => {
    expect(holdRequests(aKey({ rpmLimit: 3 }), NOW, demand)[0]?.amounts).toEqual({ requests: 1n });
    expect(holdRequests(aKey({ tpmLimit: 3 }), NOW, demand)[0]?.amounts).toEqual({ tokens: 120n });
  });

  it('hold a parallel slot that has no window', () => {
    expect(holdRequests(aKey({ hash: 'k', maxParallelRequests: 2 }), NOW, demand)).toMatchObject([
      { meter: 'key#k#parallel#total#0', amounts: { parallel: 1n }, limits: { parallel: 2n }, swept: true },
    ]);
  });

  it('stay under the first hash of a key with a new secret', () => {
    const key = aKey({ hash: 'new', origin: 'old', maxParallelRequests: 2 });

    expect(holdRequests(key, NOW, demand)[0]?.meter).toBe('key#old#parallel#total#0');
  });
});
