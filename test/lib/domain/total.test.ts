import { describe, expect, it } from 'vitest';
import {
  addTotals,
  agentOf,
  dimensionsOf,
  listedUnder,
  netSpend,
  NO_TOTAL,
  scopesOf,
  totalOf,
} from '../../../lib/domain/total.ts';
import { anEntry } from '../stores/contract.ts';

describe('totals', () => {
  it('add cost, requests and tokens of entries', () => {
    const one = totalOf(
      anEntry({ cost: 5n, usage: { inputTokens: 3, cacheWriteTokens: 2, outputTokens: 4, source: 'provider' }, durationMs: 7 }),
    );

    expect(addTotals(addTotals(NO_TOTAL, one), one)).toEqual({
      spend: 10n,
      takenBack: 0n,
      requests: 2,
      failed: 0,
      unpriced: 0,
      inputTokens: 6,
      outputTokens: 8,
      cacheReadTokens: 0,
      cacheWriteTokens: 4,
      durationMs: 14,
    });
  });

  it('count entries without a cost apart, and those that failed', () => {
    const { cost: _, usage: __, ...unpriced } = anEntry({ status: 'aborted' });

    expect(totalOf(unpriced)).toMatchObject({ spend: 0n, requests: 1, failed: 1, unpriced: 1, inputTokens: 0 });
  });

  it('take an adjustment as spend without a request', () => {
    expect(totalOf(anEntry({ kind: 'adjustment', cost: 5n }))).toMatchObject({ spend: 5n, requests: 0, failed: 0 });
  });

  it('keep what calls cost beside what was taken back', () => {
    const taken = totalOf(anEntry({ kind: 'adjustment', cost: -3n }));

    expect(taken).toMatchObject({ spend: 0n, takenBack: 3n, requests: 0 });
    expect(netSpend(addTotals(totalOf(anEntry({ cost: 5n })), taken))).toBe(2n);
  });
});

describe('the scopes of an entry', () => {
  it('are the one that an adjustment is about', () => {
    const team = { kind: 'team', id: 't' } as const;
    const entry = anEntry({ keyHash: 'k', teamId: 't', userId: 'u', adjusts: team });

    expect(scopesOf(entry)).toEqual([team]);
    expect(listedUnder(entry)).toEqual([team]);
    expect(scopesOf({ ...entry, adjusts: { kind: 'session', id: 's' } })).toEqual([]);
  });

  it('are its owners, each once, and everything', () => {
    const entry = anEntry({ keyHash: 'k', userId: 'u', teamId: 't', endUser: '', tags: ['x', 'x', 'y'] });

    expect(scopesOf(entry)).toEqual([
      { kind: 'key', id: 'k' },
      { kind: 'user', id: 'u' },
      { kind: 'team', id: 't' },
      { kind: 'member', id: 't/u' },
      { kind: 'tag', id: 'x' },
      { kind: 'tag', id: 'y' },
      { kind: 'global', id: '' },
    ]);
    expect(listedUnder({ ...entry, sessionId: 's' }).map(({ kind }) => kind)).toEqual([
      'user',
      'team',
      'member',
      'tag',
      'tag',
      'session',
    ]);
  });

  it('have days in UTC by arrival, and say nothing of what no provider was reached for', () => {
    expect(dimensionsOf(anEntry({ at: Date.UTC(2026, 10, 22, 23, 59) }))).toMatchObject({
      day: '2026-11-22',
      model: '',
      provider: '',
      agent: '',
    });
  });

  it.each([
    ['OpenAI/Python 1.99.1', 'OpenAI/Python'],
    ['claude-cli/2.0.1 (external, cli)', 'claude-cli'],
    ['Mozilla/5.0 (X11)', 'Mozilla'],
    ['curl', 'curl'],
    ['', ''],
    [undefined, ''],
  ])('name the program of %j as %j', (userAgent, agent) => {
    expect(agentOf(userAgent)).toBe(agent);
  });
});
