import { describe, expect, it } from 'vitest';
import { addTotals, NO_TOTAL, totalOf } from '../../../lib/domain/total.ts';
import { anEntry } from '../stores/contract.ts';

describe('totals', () => {
  it('add cost, requests and tokens of entries', () => {
    const one = totalOf(anEntry({ cost: 5n, usage: { inputTokens: 3, outputTokens: 4, source: 'provider' } }));

    expect(addTotals(addTotals(NO_TOTAL, one), one)).toEqual({
      spend: 10n,
      requests: 2,
      unpriced: 0,
      inputTokens: 6,
      outputTokens: 8,
    });
  });

  it('count entries without a cost apart', () => {
    const { cost: _, usage: __, ...unpriced } = anEntry();

    expect(totalOf(unpriced)).toEqual({ spend: 0n, requests: 1, unpriced: 1, inputTokens: 0, outputTokens: 0 });
  });
});
