import { describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../lib/domain/ledger-entry.ts';
import { SessionSums, type SessionSum } from '../../../lib/money/session-sums.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import type { Stores } from '../../../lib/stores/stores.ts';
import { anEntry } from '../stores/contract.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 22, 3);
const LIMITED = new Map([['k', 1_000n]]);

/** Two calls of each session, some way apart, as a scan may bring them. */
const entriesOf = (sessions: number): readonly LedgerEntry[] =>
  [1n, 2n].flatMap((cost) =>
    Array.from({ length: sessions }, (_, session) =>
      anEntry({ keyHash: 'k', sessionId: `s${session}`, at: NOW - 2 * DAY, endedAt: NOW - 2 * DAY, cost, heldIn: [] }),
    ),
  );

/** The sessions that a night judges, each with a meter of its own. */
async function judgedAt(
  start: number,
  entries: readonly LedgerEntry[],
  most?: number,
  stores: Stores = open(),
): Promise<{ readonly parts: number; readonly judged: readonly SessionSum[] }> {
  const sums = new SessionSums(LIMITED, start, start, most);
  for (const entry of entries) sums.add(entry);
  const judged = await sums.judged(stores, async (id) => ({ id, committed: { usd: 3n }, holds: [], rev: 2 }), undefined);
  return { parts: sums.parts, judged };
}

describe('the sessions of a night', () => {
  it('are all judged where there is room for them', async () => {
    const { parts, judged } = await judgedAt(NOW, entriesOf(50), 50);

    expect(parts).toBe(1);
    expect(judged.map(({ sum }) => sum.unheld)).toEqual(judged.map(() => 3n));
    expect(judged).toHaveLength(50);
  });

  it('are a part of them where there is not, with sums of all their calls; each has its turn once in as many nights', async () => {
    const entries = entriesOf(100);
    const turns = new Map<string, number>();
    const nights = (await judgedAt(NOW, entries, 30)).parts;

    for (let night = 0; night < nights; night++) {
      const { parts, judged } = await judgedAt(NOW + night * DAY, entries, 30);
      expect(parts).toBe(nights);
      expect(judged.length).toBeLessThanOrEqual(30);
      for (const { budget, sum } of judged) {
        expect(sum.spend).toBe(3n);
        turns.set(budget.scope.id, (turns.get(budget.scope.id) ?? 0) + 1);
      }
    }

    expect(nights).toBeGreaterThanOrEqual(4);
    expect([...turns.values()]).toEqual(Array.from({ length: 100 }, () => 1));
  });

  it('are as many as they were when what came in meanwhile is added', async () => {
    const stores = open();
    const late = (sessionId: string): LedgerEntry =>
      anEntry({ keyHash: 'k', sessionId, at: NOW - 1_000, endedAt: NOW, cost: 5n, heldIn: [] });
    for (const session of ['s0', 'new']) await stores.ledger.record(late(session));

    const { parts, judged } = await judgedAt(NOW, entriesOf(1), 1, stores);

    expect(parts).toBe(1);
    expect(judged.map(({ budget, sum }) => [budget.scope.id, sum.spend])).toEqual([['k/s0', 8n]]);
  });
});

describe('a session that calls of long ago belong to', () => {
  it('is the one of its key alone, though other keys named theirs the same', async () => {
    const stores = open();
    const earlier = ['k', 'other'].map((keyHash) =>
      anEntry({
        keyHash,
        sessionId: 's',
        at: NOW - 50 * DAY,
        endedAt: NOW - 50 * DAY,
        cost: keyHash === 'k' ? 1n : 9n,
        heldIn: [],
      }),
    );
    for (const entry of earlier) await stores.ledger.record(entry);
    await stores.totals.apply(earlier);
    const sums = new SessionSums(LIMITED, NOW, NOW);
    sums.add(anEntry({ keyHash: 'k', sessionId: 's', at: NOW - 2 * DAY, endedAt: NOW - 2 * DAY, cost: 2n, heldIn: [] }));
    const meterOf = async (id: string) => ({ id, committed: { usd: 3n }, holds: [], rev: 2 });

    const [judged] = await sums.judged(stores, meterOf, NOW - 35 * DAY);

    expect(judged?.sum).toMatchObject({ spend: 3n, unheld: 3n });
  });
});
