import { describe, expect, it } from 'vitest';
import { project, rebuildTotals } from '../../../lib/money/projection.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import type { TotalStore } from '../../../lib/stores/totals.ts';
import { anEntry } from '../stores/contract.ts';

const quiet = (): void => {};

describe('the projection of the ledger', () => {
  it('adds entries to the totals of their scopes, each once', async () => {
    const { totals } = open();
    const [one, two, other] = [
      anEntry({ keyHash: 'a', teamId: 't', cost: 1n }),
      anEntry({ keyHash: 'a', cost: 2n }),
      anEntry({ keyHash: 'b', teamId: 't', cost: 4n }),
    ];

    const counts = await project(totals, [one, other, two, one], quiet);

    expect(counts).toEqual({ applied: 3, known: 1, failed: [] });
    expect((await totals.read({ kind: 'key', id: 'a' })).spend).toBe(3n);
    expect((await totals.read({ kind: 'team', id: 't' })).spend).toBe(5n);
  });

  it('lets one bad entry fail alone, and names it', async () => {
    const { totals } = open();
    const [good, bad, last] = [anEntry(), anEntry({ keyHash: 'another' }), anEntry()];
    const lines: string[] = [];
    const failing: TotalStore = {
      ...totals,
      apply: (entries) => (entries.includes(bad) ? Promise.reject(new Error('down')) : totals.apply(entries)),
    };

    const counts = await project(failing, [good, bad, last], (level, message) => void lines.push(`${level} ${message}`));

    expect(counts).toEqual({ applied: 2, known: 0, failed: [bad.id] });
    expect(lines).toEqual([
      'warn a batch was not projected whole; trying its entries one by one',
      'error an entry was not projected',
    ]);
  });

  it('asks a store that is down no more than a few times', async () => {
    let calls = 0;
    const down: TotalStore = { ...open().totals, apply: () => (calls++, Promise.reject(new Error('down'))) };
    const entries = Array.from({ length: 50 }, () => anEntry());

    const counts = await project(down, entries, quiet);

    expect(counts.failed).toEqual(entries.map(({ id }) => id));
    expect(calls).toBe(4);
  });
});

describe('a rebuild', () => {
  it('writes every total anew from the ledger, and may be started again', async () => {
    const { totals, ledger } = open();
    const entries = Array.from({ length: 5 }, (_, place) => anEntry({ keyHash: 'r', cost: BigInt(place) }));
    for (const entry of entries) await ledger.record(entry);
    const pages: number[] = [];
    const cut = rebuildTotals({ totals, ledger: { scan: () => Promise.reject(new Error('cut')) } }, async () => {});
    await expect(cut).rejects.toThrow('cut');

    const done = await rebuildTotals(
      { totals, ledger },
      async () => {},
      (read) => void pages.push(read),
    );

    expect(done).toMatchObject({ entries: 5, added: 5 });
    expect(pages).toEqual([5]);
    expect(await totals.read({ kind: 'key', id: 'r' })).toMatchObject({ spend: 10n, requests: 5 });
    expect(await rebuildTotals({ totals, ledger }, async () => {})).toMatchObject({ entries: 5, added: 5 });
    expect(await totals.read({ kind: 'key', id: 'r' })).toMatchObject({ spend: 10n, requests: 5 });
  });
});

describe('a rebuild', () => {
  it('reads every page of the ledger, and says how far it is', async () => {
    const { totals } = open();
    const pages = [
      [anEntry({ keyHash: 'a', cost: 1n })],
      [anEntry({ keyHash: 'a', cost: 2n }), anEntry({ keyHash: 'a', cost: 4n })],
    ];
    const scan = async (cursor?: string) => ({
      items: pages[Number(cursor ?? 0)] ?? [],
      ...(cursor === undefined ? { cursor: '1' } : {}),
    });
    const told: number[] = [];

    const done = await rebuildTotals(
      { totals, ledger: { scan } },
      async () => {},
      (entries) => void told.push(entries),
    );

    expect(done).toMatchObject({ entries: 3, added: 3 });
    expect(told).toEqual([1, 3]);
    expect((await totals.read({ kind: 'key', id: 'a' })).spend).toBe(7n);
  });
});
