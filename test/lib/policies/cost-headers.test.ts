import { describe, expect, it } from 'vitest';
import { adjustmentOf } from '../../../lib/domain/price-adjustment.ts';
import { costOf } from '../../../lib/domain/price.ts';
import type { PriceSheet } from '../../../lib/domain/price-types.ts';
import type { Usage } from '../../../lib/kinds/usage.ts';
import { costHeaders } from '../../../lib/policies/cost-headers.ts';

const plain: PriceSheet = {
  source: 'catalog',
  version: 'test',
  prices: { input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 },
};
const used: Usage = { inputTokens: 1000, outputTokens: 500, source: 'provider' };

describe('costHeaders', () => {
  it('say the cost alone where the operator changes nothing', () => {
    expect(costHeaders(costOf(plain, used), plain)).toEqual({ 'x-litellm-response-cost': '0.002' });
  });

  it('say what the price was before discount and margin, and both', () => {
    const adjustment = adjustmentOf({ discounts: { p: 0.05 }, margins: { p: { percentage: 0.1, fixed_amount: 0.001 } } }, [
      'p',
    ]);
    const sheet: PriceSheet = { ...plain, ...(adjustment === undefined ? {} : { adjustment }) };

    expect(costHeaders(costOf(sheet, used), sheet)).toEqual({
      'x-litellm-response-cost': '0.00309',
      'x-litellm-response-cost-original': '0.002',
      'x-litellm-response-cost-discount-amount': '0.0001',
      'x-litellm-response-cost-margin-amount': '0.00119',
      'x-litellm-response-cost-margin-percent': '0.1',
    });
  });
});
