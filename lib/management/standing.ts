/** Where a scope stands: what it spent and holds, from its meter where it has a budget, else from its totals. */
import { budgetsOf, type LimitedScope } from '../domain/budget.ts';
import { withDefaults, type Limits } from '../domain/limits.ts';
import { heldOf, pairId, spentOf, type ScopeKind } from '../domain/meter.ts';
import { toUsdNumber } from '../domain/money.ts';
import type { Member } from '../domain/team.ts';
import { hasTotals, netSpend } from '../domain/total.ts';
import { GatewayError } from '../errors.ts';
import { readMeter } from '../money/shards.ts';
import type { ManagementDeps } from './deps.ts';
import { limitRow } from './limit-fields.ts';

/** A record with the limits of its shared budget filled in. */
export async function budgeted<T extends Limits>(deps: Pick<ManagementDeps, 'budgets'>, record: T): Promise<T> {
  if (record.budgetId === undefined) return record;
  return withDefaults(record, await deps.budgets.get(record.budgetId, { fresh: true }));
}

/**
 * Refuses a shared budget that is not there: its holder would have no limits at all.
 *
 * @param before the record so far: what it had already is left alone
 * @throws GatewayError `invalid_request`
 */
export async function requireBudget(
  deps: Pick<ManagementDeps, 'budgets'>,
  { budgetId }: Partial<Limits>,
  before?: Partial<Limits>,
): Promise<void> {
  if (budgetId === undefined || budgetId === before?.budgetId) return;
  if ((await deps.budgets.get(budgetId, { fresh: true })) !== undefined) return;
  const fault = `budget_id: budget not found: '${budgetId}' does not exist; make it with POST /budget/new first`;
  throw new GatewayError('invalid_request', fault, { param: 'budget_id' });
}

/** The scope of a membership, with what it leaves open filled in. */
export async function memberScope(
  deps: Pick<ManagementDeps, 'budgets'>,
  member: Member,
  defaults: Partial<Limits> | undefined,
): Promise<LimitedScope> {
  const { group, userId } = member;
  const kind = group.kind === 'team' ? 'member' : 'organization-member';
  return { scope: { kind, id: pairId(group.id, userId) }, limits: withDefaults(await budgeted(deps, member), defaults) };
}

/** The scope of a record. */
export async function scopeOfRecord(
  deps: Pick<ManagementDeps, 'budgets'>,
  kind: ScopeKind,
  record: Limits & { readonly id: string },
): Promise<LimitedScope> {
  return { scope: { kind, id: record.id }, limits: await budgeted(deps, record) };
}

/**
 * Figures of a scope for its row, in USD: `spend` in the current budget window, over the whole life without a budget. `total_spend` (what it
 * ever cost), `held` and `unpriced_requests` are Tollgate's own; what nobody counts is null.
 */
export async function figuresOf(deps: ManagementDeps, limited: LimitedScope): Promise<Record<string, unknown>> {
  const { scope } = limited;
  const budget = budgetsOf(limited, deps.now()).find(({ model, max }) => model === undefined && max !== undefined);
  const [meter, total, ofModels] = await Promise.all([
    budget === undefined ? undefined : readMeter(deps.meters, budget.meter),
    hasTotals(scope) ? deps.totals.read(scope) : undefined,
    modelSpend(deps, limited),
  ]);
  return {
    spend:
      budget === undefined
        ? total === undefined
          ? null
          : toUsdNumber(netSpend(total))
        : meter === undefined
          ? 0
          : toUsdNumber(spentOf(meter, 'usd')),
    total_spend: total === undefined ? null : toUsdNumber(total.spend),
    held: meter === undefined ? 0 : toUsdNumber(heldOf(meter, 'usd')),
    unpriced_requests: total?.unpriced ?? null,
    model_spend: ofModels,
  };
}

/** What is spent of each budget of a model in its current window, USD, by the names that `model_max_budget` has for them. */
export async function modelSpend(
  deps: Pick<ManagementDeps, 'meters' | 'now'>,
  { scope, limits }: LimitedScope,
): Promise<Record<string, number>> {
  const budgets = Object.entries(limits.modelLimits ?? {}).flatMap(([name, own]) =>
    budgetsOf({ scope, limits: { ...limits, modelLimits: { [name]: own } } }, deps.now())
      .filter(({ model }) => model !== undefined)
      .map(({ meter }) => ({ name, meter })),
  );
  const spent = await Promise.all(
    budgets.map(async ({ name, meter: id }) => {
      const meter = await readMeter(deps.meters, id);
      return [name, meter === undefined ? 0 : toUsdNumber(spentOf(meter, 'usd'))] as const;
    }),
  );
  return Object.fromEntries(spent);
}

/**
 * The part of a row that tells limits and figures: the record's own limits side by side, those in force, with a shared budget's filled
 * in, as `litellm_budget_table`.
 */
export async function limitedRow(
  deps: ManagementDeps,
  kind: ScopeKind,
  record: Limits & { readonly id: string },
): Promise<Record<string, unknown>> {
  const limited = await scopeOfRecord(deps, kind, record);
  return {
    ...limitRow(record, deps.now()),
    litellm_budget_table: budgetTable(limited.limits, deps.now()),
    ...(await figuresOf(deps, limited)),
  };
}

/** Limits in force as LiteLLM's rows nest them; null where there are none. */
export function budgetTable(limits: Limits, now: number): Record<string, unknown> | null {
  const row = limitRow(limits, now);
  const table = Object.fromEntries(TABLE.map((name) => [name, row[name]]));
  return Object.entries(table).every(([name, value]) => value === null || name === 'model_max_budget') ? null : table;
}

const TABLE = [
  'budget_id',
  'max_budget',
  'soft_budget',
  'budget_duration',
  'budget_reset_at',
  'max_parallel_requests',
  'tpm_limit',
  'rpm_limit',
  'model_max_budget',
];
