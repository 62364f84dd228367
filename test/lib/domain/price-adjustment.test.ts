import { describe, expect, it } from 'vitest';
import { adjustmentOf, type CostSettings } from '../../../lib/domain/price-adjustment.ts';
import { formatUsd, parseUsd } from '../../../lib/domain/money.ts';
import type { PriceSheet } from '../../../lib/domain/price-types.ts';
import { affordableOutput, costOf, worstCase } from '../../../lib/domain/price.ts';
import type { Usage } from '../../../lib/kinds/usage.ts';

const prices = { input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 };
const used: Usage = { inputTokens: 1000, outputTokens: 500, source: 'provider' };

function adjusted(settings: Partial<CostSettings>, provider = 'openai'): PriceSheet {
  const adjustment = adjustmentOf({ discounts: {}, margins: {}, ...settings }, [provider]);
  return { source: 'catalog', version: 'test', prices, ...(adjustment === undefined ? {} : { adjustment }) };
}

/** What each part comes to, in USD. */
const partsOf = (sheet: PriceSheet): Record<string, string> => {
  const { parts, total } = costOf(sheet, used);
  return Object.fromEntries(
    [...Object.entries(parts), ['total', total] as const].map(([name, amount]) => [name, formatUsd(amount)]),
  );
};

describe('discounts and margins', () => {
  it('take a share off as a negative part', () => {
    const parts = partsOf(adjusted({ discounts: { openai: 0.05 } }));

    expect(parts).toEqual({ input: '0.001', output: '0.001', discount: '-0.0001', total: '0.0019' });
  });

  it('add a share, an amount, or both, on the discounted price', () => {
    expect(partsOf(adjusted({ margins: { openai: 0.1 } }))).toMatchObject({ margin: '0.0002', total: '0.0022' });
    expect(partsOf(adjusted({ margins: { openai: { fixed_amount: 0.001 } } }))).toMatchObject({
      margin: '0.001',
      total: '0.003',
    });
    const both = adjusted({ discounts: { openai: 0.5 }, margins: { openai: { percentage: 0.08, fixed_amount: 0.0005 } } });
    expect(partsOf(both)).toMatchObject({ discount: '-0.001', margin: '0.00058', total: '0.00158' });
  });

  it('let a provider of its own stand before the global margin', () => {
    const margins = { global: 0.05, openai: 0.1 };

    expect(partsOf(adjusted({ margins })).total).toBe('0.0022');
    expect(partsOf(adjusted({ margins }, 'groq')).total).toBe('0.0021');
  });

  it('are nothing for other providers', () => {
    expect(adjustmentOf({ discounts: { openai: 0.1 }, margins: { groq: 0.1 } }, ['anthropic'])).toBeUndefined();
    expect(adjustmentOf({ discounts: {}, margins: { global: 0 } }, ['constructor'])).toBeUndefined();
  });

  it('are found by any name of the provider, the first one first', () => {
    expect(adjustmentOf({ discounts: { vertex_ai: 1 }, margins: {} }, ['vertex_ai_beta', 'vertex_ai'])?.kept).toBe(0n);
  });

  it('bound the hold and the clamp alike', () => {
    const sheet = adjusted({ discounts: { openai: 0.05 }, margins: { openai: { percentage: 0.1, fixed_amount: 0.001 } } });

    expect(formatUsd(worstCase(sheet, { inputTokens: 1000, outputTokens: 500 }))).toBe('0.00309');
    expect(affordableOutput(sheet, { inputTokens: 1000, headroom: parseUsd('0.00309') })).toBe(500);
    expect(affordableOutput(sheet, { inputTokens: 1000, headroom: parseUsd('0.00309') - 1n })).toBe(499);
    expect(affordableOutput(sheet, { inputTokens: 0, headroom: parseUsd('0.0009') })).toBe(0); // less than the fixed margin
    const free = adjusted({ discounts: { openai: 1 } });
    expect(affordableOutput(free, { inputTokens: 1000, headroom: 0n })).toBe(Number.MAX_SAFE_INTEGER);
  });
});
