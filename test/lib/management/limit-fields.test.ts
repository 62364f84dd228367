import * as z from 'zod/mini';
import { describe, expect, it } from 'vitest';
import type { Limits } from '../../../lib/domain/limits.ts';
import { parseUsd } from '../../../lib/domain/money.ts';
import { check } from '../../../lib/management/input.ts';
import { applyLimits, changesLimits, LIMIT_FIELDS, limitRow } from '../../../lib/management/limit-fields.ts';

const schema = z.object(LIMIT_FIELDS);
const NOW = Date.parse('2026-11-28T12:30:00Z');
const DAY = 86_400_000;
const blank = { createdAt: NOW - DAY, budgetAnchor: NOW - DAY };
const apply = (body: object, record: { createdAt: number } & Limits = blank): { createdAt: number } & Limits => ({
  createdAt: record.createdAt,
  ...applyLimits(record, check(schema, body), NOW),
});

describe('limits as clients send them', () => {
  it('come back as they were sent', () => {
    const body = {
      max_budget: 10,
      soft_budget: 8,
      budget_duration: '30d',
      budget_limits: [{ budget_duration: '1d', max_budget: 2 }],
      model_max_budget: { 'gpt-4o': { max_budget: 1, budget_duration: '1d' }, 'openai/*': 0.5 },
      model_rpm_limit: { 'gpt-4o': 5 },
      model_tpm_limit: { 'gpt-4o': 500 },
      rpm_limit: 60,
      tpm_limit: 1000,
      token_rate_limit_type: 'output',
      max_parallel_requests: 3,
      temp_budget_increase: 5,
      temp_budget_expiry: '2026-12-01',
      throttle_on_budget_exceeded: true,
      budget_id: 'b',
    };
    expect(limitRow(apply(body), NOW)).toMatchObject({
      ...body,
      budget_reset_at: new Date(NOW + 30 * DAY).toISOString(),
      budget_limits: [{ budget_duration: '1d', max_budget: 2, reset_at: new Date(NOW + DAY).toISOString() }],
      model_max_budget: { 'gpt-4o': body.model_max_budget['gpt-4o'], 'openai/*': { max_budget: 0.5, budget_duration: null } },
      temp_budget_expiry: '2026-12-01T00:00:00.000Z',
    });
  });

  it('of one kind leave the others alone, null clears', () => {
    const first = apply({
      max_budget: 10,
      rpm_limit: 5,
      model_max_budget: { a: 1 },
      model_rpm_limit: { a: 2, b: 3 },
      budget_limits: [{ duration: '1d', max: 1 }],
    });
    const second = apply({ rpm_limit: null, model_rpm_limit: { b: 4 }, budget_limits: [] }, first);
    expect(second).toMatchObject({
      maxBudget: parseUsd(10),
      modelLimits: { a: { maxBudget: parseUsd(1) }, b: { rpmLimit: 4 } },
    });
    expect(second).not.toHaveProperty('rpmLimit');
    expect(second).not.toHaveProperty('budgetWindows');
    expect(second.modelLimits?.['a']).not.toHaveProperty('rpmLimit');
  });

  it('begin windows when their length changes, and only then', () => {
    const first = apply({ max_budget: 1, budget_duration: '7d' });
    expect(first.budgetAnchor).toBe(NOW);
    const older = { ...first, budgetAnchor: NOW - 3 * DAY };
    expect(apply({ max_budget: 2 }, older).budgetAnchor).toBe(NOW - 3 * DAY);
    expect(apply({ budget_duration: '7d' }, older).budgetAnchor).toBe(NOW - 3 * DAY);
    expect(apply({ budget_duration: '1d' }, older).budgetAnchor).toBe(NOW);
    expect(apply({ budget_duration: null }, older).budgetAnchor).toBe(blank.createdAt);
  });

  it('follow the calendar where that was asked for, and go on doing so', () => {
    const monthly = apply({ max_budget: 1, budget_duration: '1mo', budget_alignment: 'calendar' });
    expect(monthly.budgetAnchor).toBe(Date.parse('2026-11-01'));
    expect(limitRow(monthly, NOW)).toMatchObject({ budget_reset_at: '2026-12-01T00:00:00.000Z', budget_alignment: 'calendar' });
    expect(apply({ budget_duration: '1d' }, monthly).budgetAnchor).toBe(Date.parse('2026-11-28'));
  });

  it.each([
    [{ max_budget: -1 }, 'max_budget'],
    [{ budget_duration: '1 fortnight' }, 'budget_duration'],
    [{ max_budget: 1, soft_budget: 2 }, 'soft_budget'],
    [{ temp_budget_increase: 2 }, 'temp_budget_increase'],
    [{ temp_budget_increase: 2, temp_budget_expiry: 'soon' }, 'temp_budget_expiry'],
    [{ budget_limits: [{ max_budget: 1 }] }, 'budget_limits[0]'],
    [{ model_max_budget: { a: 'much' } }, 'model_max_budget.a'],
    [{ model_rpm_limit: { a: 1.5 } }, 'model_rpm_limit.a'],
    [{ token_rate_limit_type: 'all' }, 'token_rate_limit_type'],
  ])('%j is refused, naming %s', (body, param) => {
    expect(() => apply(body)).toThrow(
      expect.objectContaining({ kind: 'invalid_request', detail: expect.objectContaining({ param }) }),
    );
  });

  it('say whether they change anything', () => {
    expect(changesLimits(check(schema, {}))).toBe(false);
    expect(changesLimits(check(schema, { rpm_limit: null }))).toBe(true);
  });
});
