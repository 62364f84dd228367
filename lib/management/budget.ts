/** How spend that happened outside of a scope's budget meters gets into them. */
import { budgetsOf, countsModel, type Budget, type LimitedScope } from '../domain/budget.ts';
import { newCallId } from '../domain/call-id.ts';
import { scopeOf, type VirtualKey } from '../domain/key.ts';
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import type { Limits } from '../domain/limits.ts';
import { pairId, spentOf, type Scope } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import { allOf } from '../domain/pages.ts';
import { dayOf, hasTotals, netSpend } from '../domain/total.ts';
import { bringIn } from '../money/bring-in.ts';
import { entriesOfScope } from '../money/ledger-reading.ts';
import { settlingIn } from '../money/settling.ts';
import { readMeter } from '../money/shards.ts';
import type { ManagementDeps } from './deps.ts';
import { tooBusy } from './records/records.ts';
import { budgeted } from './standing.ts';

const DAY_MS = 86_400_000;

/** How often a meter is tried again that others change. */
const TRIES = 8;

/**
 * Writes spend that a key brings along (LiteLLM `spend` at `/key/generate`) into the ledger, as an entry of kind `adjustment`: the
 * ledger stays the sum of everything a meter counts.
 */
export async function recordStartingSpend(deps: ManagementDeps, key: VirtualKey, spend: Money): Promise<void> {
  const at = deps.now();
  const entry: LedgerEntry = {
    id: newCallId(at, deps.random),
    at,
    endedAt: at,
    status: 'success',
    keyHash: scopeOf(key).id,
    ...(key.alias === undefined ? {} : { keyAlias: key.alias }),
    tags: [],
    kind: 'adjustment',
    // Its owners spent nothing: their meters would not know.
    adjusts: scopeOf(key),
    route: '/key/generate',
    clientDialect: '',
    modelGroup: '',
    stream: false,
    httpStatus: 200,
    cost: spend,
    price: { source: 'operator', rule: 'starting_spend' },
    attempts: 0,
    durationMs: 0,
  };
  await deps.ledger.record(entry);
}

/**
 * Brings the meters of a scope's current budget windows up to what the ledger says was spent in them. Called before a budget comes into
 * force, since calls without a budget write no meter. What cannot be seen yet (calls still open, or admitted within seconds by a gateway
 * that remembers the scope as it was, or not yet in the totals) says in its entry that it held nothing, and is brought in by the
 * nightly reconciliation.
 *
 * @param before the limits so far: budgets that were in force already are left alone
 */
export async function openBudgets(deps: ManagementDeps, limited: LimitedScope, before?: Limits): Promise<void> {
  const now = deps.now();
  const known = new Set(before === undefined ? [] : budgetsOf({ ...limited, limits: before }, now).map(({ meter }) => meter));
  for (const budget of budgetsOf(limited, now)) if (!known.has(budget.meter)) await openBudgetMeter(deps, budget);
}

/**
 * The ledger is read before the meter, so that the meter cannot lack what is only on its way into it, and what open calls will tell it
 * themselves is left to them: what is found missing is missing, whatever goes on meanwhile. Of two who open a budget at once, one brings
 * it in: the count of what was brought in has to be as it was.
 */
async function openBudgetMeter(deps: ManagementDeps, budget: Budget): Promise<void> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const spent = await ledgerSpend(deps, budget);
    const meter = await readMeter(deps.meters, budget.meter);
    // A meter that is there had this window before: it knows what was spent until the budget was taken away.
    const known = meter === undefined ? 0n : spentOf(meter, 'usd') + costOf(await settlingIn(deps.ledger, meter));
    const missing = spent - known;
    if (missing <= 0n) return;
    if (await bringIn(deps.meters, budget, meter, missing)) return;
  }
  throw tooBusy('budget');
}

/**
 * `openBudgets` of a key.
 *
 * @param before the key so far
 */
export async function openBudget(deps: ManagementDeps, key: VirtualKey, before?: VirtualKey): Promise<void> {
  const was = before === undefined ? undefined : await budgeted(deps, before);
  await openBudgets(deps, { scope: scopeOf(key), limits: await budgeted(deps, key) }, was);
}

const costOf = (entries: readonly LedgerEntry[]): Money => entries.reduce((sum, { cost = 0n }) => sum + cost, 0n);

/** Sum of the costs of a budget's calls in its window. */
async function ledgerSpend(deps: ManagementDeps, budget: Budget): Promise<Money> {
  const { start } = budget.window;
  const { scope } = budget;
  // Totals by day know no teams and no organizations of a user, and of a key the ledger itself is as quick.
  if (!hasTotals(scope) || scope.kind === 'key' || scope.kind === 'user') return sumOf(deps, budget, Infinity);
  const tomorrow = startOfDay(start) === start ? start : startOfDay(start) + DAY_MS;
  const days = { from: dayOf(tomorrow), to: dayOf(deps.now() + DAY_MS) };
  let sum = await sumOf(deps, budget, tomorrow);
  for await (const { modelGroup, total } of allOf((page) => deps.totals.days(scope, days, page))) {
    if (countsModel(budget, modelGroup)) sum += netSpend(total);
  }
  return sum;
}

const startOfDay = (at: number): number => Math.floor(at / DAY_MS) * DAY_MS;

/** The same from the entries one by one, for those that arrived before `to`. */
async function sumOf(deps: ManagementDeps, budget: Budget, to: number): Promise<Money> {
  const span = { from: budget.window.start, to: Math.min(to, deps.now() + DAY_MS) };
  let sum = 0n;
  for await (const { cost = 0n, ...entry } of entriesOfScope(deps, budget.scope, span)) {
    if (countsFor(deps, budget.scope, entry) && countsModel(budget, entry.modelGroup)) sum += cost;
  }
  return sum;
}

/** Calls that are listed under a scope's user count for the scope only with the right owner beside. */
function countsFor(deps: ManagementDeps, { kind, id }: Scope, entry: LedgerEntry): boolean {
  if (kind === 'user') return entry.teamId === undefined || deps.userBudgetsForTeamKeys === true;
  if (kind !== 'organization-member') return true;
  return entry.organizationId !== undefined && pairId(entry.organizationId, entry.userId ?? '') === id;
}
