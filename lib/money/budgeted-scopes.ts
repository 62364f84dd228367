/** Every cap on spend that is in force, and which calls count against it: what admission decides call by call, seen from the books. */
import { coversName } from '../domain/access.ts';
import { budgetsOf, countsModel, type Budget, type LimitedScope } from '../domain/budget.ts';
import type { SharedBudget } from '../domain/customer.ts';
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import { withDefaults, type Limits } from '../domain/limits.ts';
import type { Money } from '../domain/money.ts';
import { pairId, type ScopeKind } from '../domain/meter.ts';
import { alignedAnchor } from '../domain/window.ts';
import type { ScopeSettings } from '../policies/scopes.ts';
import type { Stores } from '../stores/stores.ts';
import { limitHolders } from './limit-holders.ts';

/** Windows looked back at, per budget: a bound for budgets by the second. */
const MOST_WINDOWS = 100;
/** As in `policies/scopes`. */
const GATEWAY = 'gateway';

/** What limits there are. */
export interface Limited {
  readonly scopes: readonly LimitedScope[];
  /** What each session of a key may spend, by the hash in the key's scope, 1e-12 USD: sessions have no records. */
  readonly sessions: ReadonlyMap<string, Money>;
}

/** Every scope that has a record with limits, those of shared budgets and defaults filled in; and keys whose sessions have one. */
export async function limitedScopes(stores: Stores, settings: ScopeSettings): Promise<Limited> {
  const sessions = new Map<string, Money>();
  const shared = new Map<string, Promise<SharedBudget | undefined>>();
  const scopes: LimitedScope[] = [];
  for await (const { scope, limits, defaults, sessionBudget } of limitHolders(stores)) {
    scopes.push({ scope, limits: withDefaults(await budgeted(limits), defaults) });
    if (sessionBudget !== undefined) sessions.set(scope.id, sessionBudget);
  }
  const { modelLimits = {}, ...gateway } = settings.global ?? { budgetAnchor: 0 };
  for (const [id, limits] of Object.entries(modelLimits)) {
    const anchored = { ...limits, budgetAnchor: alignedAnchor(limits.budgetDuration, 0) };
    scopes.push({ scope: { kind: 'model', id }, limits: anchored });
  }
  scopes.push({ scope: { kind: 'global', id: GATEWAY }, limits: gateway });
  return { scopes, sessions };

  /** With the limits of the shared budget, if there is one. */
  async function budgeted<T extends Limits>(record: T): Promise<T> {
    const { budgetId } = record;
    if (budgetId === undefined) return record;
    const budget = shared.get(budgetId) ?? stores.budgets.get(budgetId);
    shared.set(budgetId, budget);
    return withDefaults(record, await budget);
  }
}

/**
 * The budgets of a scope whose windows begin at or after `from`: the current ones, and those before them.
 *
 * @param reachingBack those too that began earlier and reach beyond it
 */
export function budgetsSince(limited: LimitedScope, from: number, now: number, reachingBack = false): readonly Budget[] {
  const isIn = ({ start, end = Infinity }: Budget['window']): boolean => (reachingBack ? end > from : start >= from);
  const budgets = new Map<string, Budget>();
  for (const budget of budgetsOf(limited, now)) {
    let one: Budget | undefined = budget;
    for (let windows = 0; one !== undefined && isIn(one.window) && windows < MOST_WINDOWS; windows++) {
      budgets.set(one.meter, one);
      one = one.window.end === undefined ? undefined : sameBefore(limited, one);
    }
  }
  return [...budgets.values()];
}

/** The window before a budget's; none before the budget's own beginning. */
function sameBefore(limited: LimitedScope, { window, model }: Budget): Budget | undefined {
  if (window.start <= limited.limits.budgetAnchor) return undefined;
  return budgetsOf(limited, window.start - 1).find(
    (other) => other.window.name === window.name && other.window.end === window.start && other.model === model,
  );
}

/** The scopes whose meters an entry counts on, as `kind#id`, whether or not they have limits. Models come from `models`. */
export function meteredScopes(entry: LedgerEntry, settings: ScopeSettings, models: readonly string[]): readonly string[] {
  const { adjusts, keyHash, sessionId, teamId, userId, projectId, organizationId, endUser, tags, modelGroup } = entry;
  if (adjusts !== undefined) return [`${adjusts.kind}#${adjusts.id}`];
  const isPersonal = teamId === undefined || settings.userBudgetsForTeamKeys === true;
  const named: readonly (readonly [ScopeKind, string | undefined])[] = [
    ['key', keyHash === 'master' ? undefined : keyHash],
    ['session', sessionId === undefined ? undefined : pairId(keyHash, sessionId)],
    ['team', teamId],
    ['member', teamId === undefined || userId === undefined ? undefined : pairId(teamId, userId)],
    ['user', isPersonal ? userId : undefined],
    ['project', projectId],
    ['organization', organizationId],
    ['organization-member', organizationId === undefined || userId === undefined ? undefined : pairId(organizationId, userId)],
    ['customer', endUser],
    ...tags.map((tag) => ['tag', tag] as const),
    ...models.filter((pattern) => coversName(pattern, modelGroup)).map((pattern) => ['model', pattern] as const),
    ['global', GATEWAY],
  ];
  return named.flatMap(([kind, id]) => (id === undefined ? [] : [`${kind}#${id}`]));
}

/** True when an entry counts on the meter of one of its scopes: by window, and by model where the meter is of one. */
export const countsOn = (budget: Budget, { at, modelGroup }: LedgerEntry): boolean =>
  at >= budget.window.start && at < (budget.window.end ?? Infinity) && countsModel(budget, modelGroup);
