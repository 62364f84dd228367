import { expect, test } from 'vitest';
import { windowAt } from '../../../lib/domain/window.ts';
import { readEnv } from '../../../lib/env.ts';
import { gatewayLimits } from '../../../lib/money/gateway-limits.ts';

const at = (text: string): number => Date.parse(text);

test('windows of the gateway turn with the calendar, in every process alike', () => {
  const limits = gatewayLimits(readEnv({ TOLLGATE_MAX_BUDGET: '5', TOLLGATE_BUDGET_DURATION: '1w' }));

  expect(limits.maxBudget).toBe(5_000_000_000_000n);
  expect(windowAt({ duration: '1w', anchor: limits.budgetAnchor, now: at('2026-11-28T12:00:00Z') })).toMatchObject({
    start: at('2026-11-23T00:00:00Z'),
    end: at('2026-11-30T00:00:00Z'),
  });
});

test('models have limits in the words of the domain', () => {
  const models = '{"gpt-*": {"max_budget": 1, "tpm_limit": 5}, "o3": {}}';

  expect(gatewayLimits(readEnv({ TOLLGATE_MODEL_LIMITS: models })).modelLimits).toEqual({
    'gpt-*': { maxBudget: 1_000_000_000_000n, tpmLimit: 5 },
    o3: {},
  });
});
