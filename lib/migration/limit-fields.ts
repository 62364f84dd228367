/** Limits of LiteLLM's rows. */
import { addDuration, parseDuration } from '../domain/duration.ts';
import type { BudgetWindow, Limits, ModelLimits } from '../domain/limits.ts';
import { parseUsd, type Money } from '../domain/money.ts';
import { defined, isObject, type JsonObject } from '../kinds/json.ts';
import type { Fields } from './fields.ts';

/**
 * The limits a row states. Windows go on as LiteLLM left them: the current one ends at `budget_reset_at`.
 *
 * @param now where windows begin to count when the row does not say, milliseconds since the epoch
 */
export function limitsOf(row: Fields, now: number): Limits {
  const metadata = row.object('metadata');
  const budgetDuration = row.text('budget_duration');
  return {
    budgetAnchor: anchorOf(budgetDuration, row.time('budget_reset_at'), row.time('created_at') ?? now),
    ...defined({
      maxBudget: row.money('max_budget'),
      budgetDuration,
      softBudget: row.money('soft_budget'),
      budgetWindows: windowsOf(row),
      modelLimits: modelLimitsOf(row, metadata),
      rpmLimit: row.number('rpm_limit'),
      tpmLimit: row.number('tpm_limit'),
      maxParallelRequests: row.number('max_parallel_requests'),
      budgetId: row.text('budget_id'),
    }),
  };
}

function anchorOf(duration: string | undefined, resetAt: number | undefined, otherwise: number): number {
  if (duration === undefined || resetAt === undefined) return otherwise;
  return addDuration(resetAt, parseDuration(duration, 'budget_duration'), -1);
}

/** `budget_limits`: a list of {budget_duration, max_budget} in the newest releases. */
function windowsOf(row: Fields): readonly BudgetWindow[] | undefined {
  const given = row.json('budget_limits');
  if (!Array.isArray(given) || given.length === 0) return undefined;
  return given.filter(isObject).flatMap((window) => {
    const [max, duration] = [amountOf(window['max_budget']), window['budget_duration']];
    return max === undefined || typeof duration !== 'string' ? [] : [{ max, duration }];
  });
}

/** `model_max_budget` with what stands beside it: rates by model are columns of some tables and metadata of others. */
function modelLimitsOf(row: Fields, metadata: JsonObject): Readonly<Record<string, ModelLimits>> | undefined {
  const limits: Record<string, ModelLimits> = {};
  const add = (model: string, more: ModelLimits): void => void (limits[model] = { ...limits[model], ...more });
  for (const [model, budget] of Object.entries(row.object('model_max_budget'))) add(model, modelBudgetOf(budget));
  for (const [name, field] of [
    ['model_rpm_limit', 'rpmLimit'],
    ['model_tpm_limit', 'tpmLimit'],
  ] as const) {
    const rates = { ...(isObject(metadata[name]) ? metadata[name] : {}), ...row.object(name) };
    for (const [model, rate] of Object.entries(rates)) if (typeof rate === 'number') add(model, { [field]: rate });
  }
  return Object.keys(limits).length === 0 ? undefined : limits;
}

/** {budget_limit, time_period} of older releases, {max_budget, budget_duration, tpm_limit, rpm_limit} of newer ones, or a bare amount. */
function modelBudgetOf(budget: unknown): ModelLimits {
  if (!isObject(budget)) return defined({ maxBudget: amountOf(budget) });
  const duration = budget['budget_duration'] ?? budget['time_period'];
  return defined({
    maxBudget: amountOf(budget['max_budget'] ?? budget['budget_limit']),
    budgetDuration: typeof duration === 'string' ? duration : undefined,
    rpmLimit: typeof budget['rpm_limit'] === 'number' ? budget['rpm_limit'] : undefined,
    tpmLimit: typeof budget['tpm_limit'] === 'number' ? budget['tpm_limit'] : undefined,
  });
}

const amountOf = (value: unknown): Money | undefined =>
  typeof value === 'number' || (typeof value === 'string' && value !== '') ? parseUsd(value) : undefined;
