import { describe, expect, it } from 'vitest';
import { project } from '../../lib/projection.ts';
import { open } from '../../lib/stores/memory/index.ts';
import { anEntry } from './stores/contract.ts';

describe('the projection of the ledger', () => {
  it('adds entries to the totals of their keys, each once', async () => {
    const { totals } = open();
    const [one, two, other] = [
      anEntry({ keyHash: 'a', cost: 1n }),
      anEntry({ keyHash: 'a', cost: 2n }),
      anEntry({ keyHash: 'b' }),
    ];

    const counts = await project(totals, [one, other, two, one], () => {});

    expect(counts).toEqual({ applied: 3, known: 1, failed: [] });
    expect((await totals.read('a')).spend).toBe(3n);
  });

  it('names the entries that must come again', async () => {
    const { totals } = open();
    const [good, bad] = [anEntry(), anEntry({ keyHash: 'another' })];
    const lines: string[] = [];
    const failing = {
      ...totals,
      apply: (entries: readonly (typeof good)[]) =>
        entries.includes(bad) ? Promise.reject(new Error('down')) : totals.apply(entries),
    };

    const counts = await project(failing, [good, bad], (level, message) => void lines.push(`${level} ${message}`));

    expect(counts).toEqual({ applied: 1, known: 0, failed: [bad.id] });
    expect(lines).toEqual(['error entries not projected']);
  });
});
