import { describe, expect, it } from 'vitest';
import { budgetsOf } from '../../../lib/domain/budget.ts';
import { LedgerSums } from '../../../lib/money/ledger-sums.ts';
import { anEntry } from '../stores/contract.ts';

const AT = Date.UTC(2026, 10, 22);

describe('sums that are closed', () => {
  it('go on with what meters did not hold, so that the next night knows what was brought in for it', () => {
    const budgets = budgetsOf({ scope: { kind: 'key', id: 'k' }, limits: { budgetAnchor: 0, maxBudget: 100n } }, AT);
    const meter = budgets[0]?.meter ?? '';
    const summed = { budgets, settings: {}, models: [], settled: AT };
    const sums = new LedgerSums(summed);
    sums.add(anEntry({ keyHash: 'k', at: AT - 1, endedAt: AT - 1, cost: 5n, heldIn: [] }));

    const next = new LedgerSums(summed, sums.closedAt(AT));

    expect(sums.closedAt(AT).meters.get(meter)).toEqual({ ledger: 5n, unheld: 5n });
    expect(next.meters.get(meter)).toMatchObject({ spend: 5n, unheld: 5n });
    expect(next).toMatchObject({ entries: 1, spend: 5n });
  });
});
