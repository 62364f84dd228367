/**
 * Limits in LiteLLM's words, for every kind of record: what clients send, what it changes, and how answers show it. Null clears a field,
 * an absent one stays as it is.
 */
import { defined } from '../kinds/json.ts';
import * as z from 'zod/mini';
import { budgetsOf } from '../domain/budget.ts';
import { parseDuration } from '../domain/duration.ts';
import type { BudgetWindow, Limits, ModelLimits } from '../domain/limits.ts';
import { toUsdNumber, type Money } from '../domain/money.ts';
import { alignedAnchor } from '../domain/window.ts';
import { GatewayError } from '../errors.ts';
import { chosen, edited } from './changes.ts';
import { count, flag, ownerId, text, usd } from './input.ts';

const DURATION_EXPECTED = 'expected a whole number above zero and a unit: 30s, 15m, 12h, 30d, 1w, 1mo, at most 100 years';

/** A duration such as `30d`. */
export const duration: z.ZodMiniType<string> = text(16).check(z.refine(isDuration, DURATION_EXPECTED));

function isDuration(value: string): boolean {
  try {
    parseDuration(value);
    return true;
  } catch {
    return false;
  }
}

const TIME_EXPECTED = 'expected a moment such as 2026-12-24T18:00:00Z';
/** A moment in ISO 8601, as milliseconds since the epoch; without a zone it is UTC. */
const moment: z.ZodMiniType<number> = z.pipe(
  z.string(TIME_EXPECTED).check(
    z.regex(/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/, TIME_EXPECTED),
    z.refine((value) => !Number.isNaN(timeOf(value)), TIME_EXPECTED),
  ),
  z.transform(timeOf),
);

function timeOf(value: string): number {
  const hasZone = /(Z|[+-]\d{2}:?\d{2})$/.test(value) && value.length > 10;
  return Date.parse(value.length === 10 || hasZone ? value : `${value.replace(' ', 'T')}Z`);
}

const PER_MODEL_EXPECTED =
  'expected an object from models to an amount in USD or {max_budget, budget_duration, rpm_limit, tpm_limit}';
/** One entry of `model_max_budget`; LiteLLM has two names for most of its fields. */
const modelBudget = z.union(
  [
    usd,
    z.strictObject({
      max_budget: z.nullish(usd),
      budget_limit: z.nullish(usd),
      budget_duration: z.nullish(duration),
      time_period: z.nullish(duration),
      rpm_limit: z.nullish(count),
      tpm_limit: z.nullish(count),
    }),
  ],
  PER_MODEL_EXPECTED,
);
const perModel = <T>(value: z.ZodMiniType<T>, expected: string) => z.nullish(z.record(ownerId(), value, expected));
const RATES_EXPECTED = 'expected an object from models to whole numbers';

const budgetLimit = z.object(
  { budget_duration: z.optional(duration), duration: z.optional(duration), max_budget: z.optional(usd), max: z.optional(usd) },
  'expected {budget_duration, max_budget}',
);

/** Fields of limits, for the schema of a family. */
export const LIMIT_FIELDS = {
  max_budget: z.nullish(usd),
  soft_budget: z.nullish(usd),
  budget_duration: z.nullish(duration),
  /** Tollgate's own: `calendar` counts windows from the first of the month, Monday, midnight; `creation`, the default, from now. */
  budget_alignment: z.nullish(z.enum(['calendar', 'creation'], 'expected calendar or creation')),
  budget_limits: z.nullish(
    z
      .array(budgetLimit, 'expected a list of {budget_duration, max_budget}')
      .check(z.maxLength(10, 'expected a list of at most 10 budgets')),
  ),
  model_max_budget: perModel(modelBudget, PER_MODEL_EXPECTED),
  model_rpm_limit: perModel(count, RATES_EXPECTED),
  model_tpm_limit: perModel(count, RATES_EXPECTED),
  rpm_limit: z.nullish(count),
  tpm_limit: z.nullish(count),
  /** Which tokens count for `tpm_limit` (a setting of the whole gateway in LiteLLM). */
  token_rate_limit_type: z.nullish(z.enum(['total', 'input', 'output'], 'expected total, input or output')),
  max_parallel_requests: z.nullish(count),
  temp_budget_increase: z.nullish(usd),
  temp_budget_expiry: z.nullish(moment),
  throttle_on_budget_exceeded: z.nullish(flag),
  budget_id: z.nullish(text()),
} as const;

const schema = z.object(LIMIT_FIELDS);

/** Checked fields of limits. */
export type LimitFields = z.infer<typeof schema>;

/** Names of the fields of limits. */
export const LIMIT_NAMES: readonly string[] = Object.keys(LIMIT_FIELDS);

/** True when a body says anything about limits. */
export const changesLimits = (fields: LimitFields): boolean =>
  LIMIT_NAMES.some((name) => fields[name as keyof LimitFields] !== undefined);

/**
 * Limits with fields changed. A changed `budget_duration` starts new budget windows at `now` (aligned, where that was asked for), a
 * removed one makes the window the life of the record.
 *
 * @param record.createdAt where windows without a duration begin, milliseconds since the epoch
 * @throws GatewayError `invalid_request` where fields contradict each other
 */
export function applyLimits(record: { readonly createdAt: number } & Limits, fields: LimitFields, now: number): Limits {
  const budgetDuration = chosen(fields.budget_duration, record.budgetDuration);
  const maxBudget = chosen(fields.max_budget, record.maxBudget);
  const softBudget = chosen(fields.soft_budget, record.softBudget);
  if (maxBudget !== undefined && softBudget !== undefined && softBudget > maxBudget) {
    throw new GatewayError('invalid_request', 'soft_budget: expected at most max_budget', { param: 'soft_budget' });
  }
  return {
    budgetAnchor: anchorAfter(record, fields, budgetDuration, now),
    ...defined({
      maxBudget,
      softBudget,
      budgetDuration,
      budgetWindows: windowsAfter(record, fields),
      modelLimits: modelLimitsAfter(record.modelLimits ?? {}, fields),
      temporaryIncrease: increaseAfter(record, fields),
      throttled: chosen(fields.throttle_on_budget_exceeded, record.throttled) === true ? true : undefined,
      rpmLimit: chosen(fields.rpm_limit, record.rpmLimit),
      tpmLimit: chosen(fields.tpm_limit, record.tpmLimit),
      tokenRateType: chosen(fields.token_rate_limit_type, record.tokenRateType),
      maxParallelRequests: chosen(fields.max_parallel_requests, record.maxParallelRequests),
      budgetId: chosen(fields.budget_id, record.budgetId),
    }),
  };
}

/** True when windows are counted from where the calendar begins them. */
const isAligned = ({ budgetDuration, budgetAnchor }: Limits): boolean =>
  budgetDuration !== undefined && alignedAnchor(budgetDuration, budgetAnchor) === budgetAnchor;

function anchorAfter(
  record: { readonly createdAt: number } & Limits,
  { budget_alignment: asked }: LimitFields,
  budgetDuration: string | undefined,
  now: number,
): number {
  if (budgetDuration === undefined) return record.budgetDuration === undefined ? record.budgetAnchor : record.createdAt;
  const aligned = asked === undefined || asked === null ? isAligned(record) : asked === 'calendar';
  const stays = budgetDuration === record.budgetDuration && aligned === isAligned(record);
  if (stays) return record.budgetAnchor;
  return aligned ? alignedAnchor(budgetDuration, now) : now;
}

function windowsAfter(record: Limits, { budget_limits: given }: LimitFields): readonly BudgetWindow[] | undefined {
  if (given === undefined) return record.budgetWindows;
  const windows = (given ?? []).map((entry, index) => {
    const [length, max] = [entry.budget_duration ?? entry.duration, entry.max_budget ?? entry.max];
    if (length !== undefined && max !== undefined) return { duration: length, max };
    const param = `budget_limits[${index}]`;
    throw new GatewayError('invalid_request', `${param}: expected {budget_duration, max_budget}`, { param });
  });
  return windows.length === 0 ? undefined : windows;
}

function increaseAfter(
  record: Limits,
  { temp_budget_increase: amount, temp_budget_expiry: until }: LimitFields,
): Limits['temporaryIncrease'] {
  if (amount === undefined && until === undefined) return record.temporaryIncrease;
  const isCleared = (amount ?? undefined) === undefined && (until ?? undefined) === undefined;
  if (isCleared) return undefined;
  if (typeof amount === 'bigint' && typeof until === 'number') return { amount, until };
  const fault = 'temp_budget_increase: expected together with temp_budget_expiry';
  throw new GatewayError('invalid_request', fault, { param: 'temp_budget_increase' });
}

function modelLimitsAfter(old: Readonly<Record<string, ModelLimits>>, fields: LimitFields): Limits['modelLimits'] {
  const { model_max_budget: budgets, model_rpm_limit: rpm, model_tpm_limit: tpm } = fields;
  const names = new Set([budgets, rpm, tpm, old].flatMap((map) => Object.keys(map ?? {})));
  const next = [...names].map((name) => {
    const was = old[name] ?? {};
    const given = budgets?.[name];
    const money = typeof given === 'bigint' ? { max_budget: given } : given;
    return [
      name,
      defined({
        maxBudget: budgets === undefined ? was.maxBudget : (money?.max_budget ?? money?.budget_limit ?? undefined),
        budgetDuration:
          budgets === undefined ? was.budgetDuration : (money?.budget_duration ?? money?.time_period ?? undefined),
        rpmLimit: rpm === undefined ? (money?.rpm_limit ?? was.rpmLimit) : (rpm?.[name] ?? money?.rpm_limit ?? undefined),
        tpmLimit: tpm === undefined ? (money?.tpm_limit ?? was.tpmLimit) : (tpm?.[name] ?? money?.tpm_limit ?? undefined),
      }),
    ] as const;
  });
  const limited = next.filter(([, limits]) => Object.keys(limits).length > 0);
  return limited.length === 0 ? undefined : Object.fromEntries(limited);
}

const usdOf = (amount: Money | undefined): number | null => (amount === undefined ? null : toUsdNumber(amount));

/** A moment as answers show it. */
export const isoOf = (time: number | undefined): string | null => (time === undefined ? null : new Date(time).toISOString());

/** A map without the models that have nothing of the kind; null where none has. */
function byModel<T>(limits: Limits, pick: (own: ModelLimits) => T | undefined): Record<string, T> | null {
  const entries = Object.entries(limits.modelLimits ?? {}).flatMap(([name, own]) => {
    const value = pick(own);
    return value === undefined ? [] : [[name, value] as const];
  });
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

/**
 * Limits as rows show them, under LiteLLM's names. Amounts in USD.
 *
 * @param now milliseconds since the epoch: windows end after it
 */
export function limitRow(limits: Limits, now: number): Record<string, unknown> {
  const windows = budgetsOf({ scope: { kind: 'key', id: '' }, limits }, now);
  const endOf = (name: string): string | null =>
    isoOf(windows.find(({ window, model }) => model === undefined && window.name === name)?.window.end);
  return {
    max_budget: usdOf(limits.maxBudget),
    soft_budget: usdOf(limits.softBudget),
    budget_duration: limits.budgetDuration ?? null,
    budget_reset_at: limits.budgetDuration === undefined ? null : endOf(limits.budgetDuration.trim()),
    ...(isAligned(limits) ? { budget_alignment: 'calendar' } : {}),
    budget_limits:
      limits.budgetWindows?.map(({ duration, max }) => ({
        budget_duration: duration,
        max_budget: toUsdNumber(max),
        reset_at: endOf(duration.trim()),
      })) ?? null,
    model_max_budget:
      byModel(limits, ({ maxBudget, budgetDuration }) =>
        maxBudget === undefined ? undefined : { max_budget: toUsdNumber(maxBudget), budget_duration: budgetDuration ?? null },
      ) ?? {},
    model_rpm_limit: byModel(limits, ({ rpmLimit }) => rpmLimit),
    model_tpm_limit: byModel(limits, ({ tpmLimit }) => tpmLimit),
    rpm_limit: limits.rpmLimit ?? null,
    tpm_limit: limits.tpmLimit ?? null,
    ...(limits.tokenRateType === undefined ? {} : { token_rate_limit_type: limits.tokenRateType }),
    max_parallel_requests: limits.maxParallelRequests ?? null,
    temp_budget_increase: usdOf(limits.temporaryIncrease?.amount),
    temp_budget_expiry: isoOf(limits.temporaryIncrease?.until),
    throttle_on_budget_exceeded: limits.throttled ?? false,
    budget_id: limits.budgetId ?? null,
  };
}

const NO_LIMITS: { readonly [K in Exclude<keyof Limits, 'budgetAnchor'>]: undefined } = {
  maxBudget: undefined,
  budgetDuration: undefined,
  softBudget: undefined,
  budgetWindows: undefined,
  modelLimits: undefined,
  temporaryIncrease: undefined,
  throttled: undefined,
  rpmLimit: undefined,
  tpmLimit: undefined,
  tokenRateType: undefined,
  maxParallelRequests: undefined,
  budgetId: undefined,
};

/** A record with fields of its limits changed, see `applyLimits`. */
export const withLimits = <T extends { readonly createdAt: number } & Limits>(record: T, given: LimitFields, now: number): T =>
  edited<Limits>(record, { ...NO_LIMITS, ...applyLimits(record, given, now) }) as T;
