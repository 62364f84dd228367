import { describe, expect, it } from 'vitest';
import { budgetMeter, budgetsOf, hasLimits, holdRequests, type Demand, type LimitedScope } from '../../../lib/domain/budget.ts';
import { scopeOf, type VirtualKey } from '../../../lib/domain/key.ts';
import type { Limits } from '../../../lib/domain/limits.ts';
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
const demand: Demand = { model: 'gpt-4o', usd: 7n, tokens: { total: 120, input: 20, output: 100 }, call };
const ofKey = (key: VirtualKey): LimitedScope => ({ scope: scopeOf(key), limits: key });
const ofTeam = (limits: Partial<Limits>): LimitedScope => ({
  scope: { kind: 'team', id: 't' },
  limits: { budgetAnchor: 0, ...limits },
  name: 'Team',
});
const minute = Math.floor(NOW / 60_000) * 60_000;

describe('holds of a key', () => {
  it('are none without limits', () => {
    expect(hasLimits(aKey())).toBe(false);
    expect(holdRequests(ofKey(aKey()), NOW, demand)).toEqual([]);
  });

  it.each([{ maxBudget: 0n }, { rpmLimit: 0 }, { tpmLimit: 1 }, { maxParallelRequests: 1 }])('count %o as a limit', (limit) => {
    expect(hasLimits(aKey(limit))).toBe(true);
  });

  it('hold money in the meter of the budget window, with what a lost call must leave behind', () => {
    const key = aKey({ hash: 'k', maxBudget: 100n, budgetDuration: '1d', budgetAnchor: 0 });
    const start = Math.floor(NOW / 86_400_000) * 86_400_000;

    expect(holdRequests(ofKey(key), NOW, demand)).toEqual([
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

    expect(holdRequests(ofKey(key), NOW, { ...demand, usd: 0n })).toEqual([]);
    expect(holdRequests(ofKey(key), NOW, { model: 'm', tokens: demand.tokens, call })).toEqual([]);
  });

  it('count requests and tokens in one meter a minute, which nobody sweeps', () => {
    const [hold, ...others] = holdRequests(ofKey(aKey({ hash: 'k', rpmLimit: 3, tpmLimit: 500 })), NOW, demand);

    expect(others).toEqual([]);
    expect(hold).toMatchObject({
      meter: `key#k#rate#minute#${minute}`,
      amounts: { requests: 1n, tokens: 120n },
      limits: { requests: 3n, tokens: 500n },
      swept: false,
    });
  });

  it('count only the rates that are limited', () => {
    expect(holdRequests(ofKey(aKey({ rpmLimit: 3 })), NOW, demand)[0]?.amounts).toEqual({ requests: 1n });
    expect(holdRequests(ofKey(aKey({ tpmLimit: 3 })), NOW, demand)[0]?.amounts).toEqual({ tokens: 120n });
  });

  it('hold a parallel slot that has no window', () => {
    expect(holdRequests(ofKey(aKey({ hash: 'k', maxParallelRequests: 2 })), NOW, demand)).toMatchObject([
      { meter: 'key#k#parallel#total#0', amounts: { parallel: 1n }, limits: { parallel: 2n }, swept: true },
    ]);
  });

  it('stay under the first hash of a key with a new secret', () => {
    const key = aKey({ hash: 'new', origin: 'old', maxParallelRequests: 2 });

    expect(holdRequests(ofKey(key), NOW, demand)[0]?.meter).toBe('key#old#parallel#total#0');
  });
});

describe('holds of any scope', () => {
  const day = Math.floor(NOW / 86_400_000) * 86_400_000;
  const metersOf = (limits: Partial<Limits>, over: Partial<Demand> = {}) =>
    holdRequests(ofTeam(limits), NOW, { ...demand, ...over }).map(({ meter }) => meter);

  it('say whose they are', () => {
    expect(holdRequests(ofTeam({ maxBudget: 5n, rpmLimit: 1 }), NOW, demand)).toMatchObject([
      { scope: { kind: 'team', id: 't' }, name: 'Team', meter: 'team#t#usd#total#0' },
      { scope: { kind: 'team', id: 't' }, name: 'Team', meter: `team#t#rate#minute#${minute}` },
    ]);
  });

  it('count in each budget window side by side', () => {
    const holds = holdRequests(
      ofTeam({ maxBudget: 50n, budgetDuration: '30d', budgetWindows: [{ max: 9n, duration: '1d' }] }),
      NOW,
      demand,
    );

    expect(holds.map(({ window, limits }) => [window.name, limits.usd])).toEqual([
      ['30d', 50n],
      ['1d', 9n],
    ]);
  });

  it('become one hold under the tightest limit where two limits share a meter', () => {
    const holds = holdRequests(
      ofTeam({ maxBudget: 50n, budgetDuration: '1d', budgetWindows: [{ max: 9n, duration: '1d' }] }),
      NOW,
      demand,
    );

    expect(holds).toMatchObject([{ meter: `team#t#usd#1d#${day}`, amounts: { usd: 7n }, limits: { usd: 9n } }]);
  });

  it('count a model where it is limited, by name and by every pattern that covers it', () => {
    const modelLimits = {
      'gpt-4o': { maxBudget: 3n, budgetDuration: '1d', rpmLimit: 2 },
      'gpt-*': { maxBudget: 4n },
      claude: { maxBudget: 1n, tpmLimit: 1 },
    };

    expect(metersOf({ modelLimits })).toEqual([
      `team#t#usd@gpt-4o#1d#${day}`,
      'team#t#usd@gpt-*#total#0',
      `team#t#rate@gpt-4o#minute#${minute}`,
    ]);
    expect(metersOf({ modelLimits }, { model: 'o3' })).toEqual([]);
    expect(holdRequests(ofTeam({ modelLimits }), NOW, demand)[0]).toMatchObject({ model: 'gpt-4o', limits: { usd: 3n } });
  });

  it.each([
    ['total', 'tokens', 120n],
    ['input', 'input_tokens', 20n],
    ['output', 'output_tokens', 100n],
  ] as const)('count %s tokens as %s', (tokenRateType, counter, amount) => {
    expect(holdRequests(ofTeam({ tpmLimit: 500, tokenRateType }), NOW, demand)).toMatchObject([
      { amounts: { [counter]: amount }, limits: { [counter]: 500n } },
    ]);
  });

  it('count a model where it is limited by a name the scope has for it', () => {
    const team: LimitedScope = {
      scope: { kind: 'team', id: 't' },
      limits: { budgetAnchor: 0, aliases: { fast: 'gpt-4o' }, modelLimits: { fast: { maxBudget: 10n, rpmLimit: 2 } } },
    };

    const holds = holdRequests(team, NOW, demand);

    expect(holds.map(({ meter, model }) => [meter, model])).toEqual([
      ['team#t#usd@gpt-4o#total#0', 'gpt-4o'],
      [`team#t#rate@gpt-4o#minute#${minute}`, 'gpt-4o'],
    ]);
    expect(holdRequests(team, NOW, { ...demand, model: 'gpt-4o-mini' })).toEqual([]);
  });

  it('have more room while a budget is raised', () => {
    const raised = (until: number) => ofTeam({ maxBudget: 5n, temporaryIncrease: { amount: 10n, until } });

    expect(holdRequests(raised(NOW + 1), NOW, demand)[0]?.limits).toEqual({ usd: 15n });
    expect(holdRequests(raised(NOW), NOW, demand)[0]?.limits).toEqual({ usd: 5n });
  });

  it('count spend without a limit where there is only a soft budget', () => {
    expect(holdRequests(ofTeam({ softBudget: 5n }), NOW, demand)).toMatchObject([{ amounts: { usd: 7n }, limits: {} }]);
  });

  it("let a session's meter go, although its window never ends", () => {
    const session: LimitedScope = { scope: { kind: 'session', id: 'k/s' }, limits: { maxBudget: 5n, budgetAnchor: 0 } };

    expect(holdRequests(session, NOW, demand)).toMatchObject([
      { meter: 'session#k%2Fs#usd#total#0', keepUntil: expect.any(Number) },
    ]);
  });

  it('are listed with their meters for whoever reads them', () => {
    const budgets = budgetsOf(
      ofTeam({ maxBudget: 50n, softBudget: 40n, modelLimits: { claude: { maxBudget: 1n }, o3: { rpmLimit: 1 } } }),
      NOW,
    );

    expect(budgets).toMatchObject([
      { meter: 'team#t#usd#total#0', max: 50n, soft: 40n },
      { meter: 'team#t#usd@claude#total#0', max: 1n, model: 'claude' },
    ]);
  });
});
