/** Every cap on spend that is in force, and which calls count against it: what admission decides call by call, seen from the books. */
import { coversName } from '../domain/access.ts';
import { budgetsOf, countsModel, type Budget, type LimitedScope } from '../domain/budget.ts';
import type { SharedBudget } from '../domain/customer.ts';
import { scopeOf } from '../domain/key.ts';
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import { withDefaults, type Limits } from '../domain/limits.ts';
import type { Money } from '../domain/money.ts';
import { pairId, type ScopeKind } from '../domain/meter.ts';
import type { Group } from '../domain/team.ts';
import { alignedAnchor } from '../domain/window.ts';
import type { ScopeSettings } from '../policies/scopes.ts';
import type { Page } from '../stores/keys.ts';
import type { Stores } from '../stores/stores.ts';

/** Records read at once. */
const PAGE = 500;
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
  const add = (kind: ScopeKind, id: string, limits: Limits): void => void scopes.push({ scope: { kind, id }, limits });
  for await (const key of allOf((page) => stores.keys.list(page))) {
    // The record of an old secret: the key that took its place has the last word.
    if (key.supersededBy !== undefined) continue;
    add('key', scopeOf(key).id, await budgeted(key));
    if (key.sessionBudget !== undefined) sessions.set(scopeOf(key).id, key.sessionBudget);
  }
  for await (const team of allOf((page) => stores.teams.list(page))) {
    add('team', team.id, await budgeted(team));
    await addMembers({ kind: 'team', id: team.id }, 'member', team.memberDefaults);
  }
  for await (const organization of allOf((page) => stores.organizations.list(page))) {
    add('organization', organization.id, await budgeted(organization));
    await addMembers({ kind: 'organization', id: organization.id }, 'organization-member');
  }
  for await (const user of allOf((page) => stores.users.list(page))) add('user', user.id, await budgeted(user));
  for await (const project of allOf((page) => stores.projects.list(page))) {
    add('project', project.id, await budgeted(project));
  }
  for await (const customer of allOf((page) => stores.customers.list(page))) {
    add('customer', customer.id, await budgeted(customer));
  }
  for await (const tag of allOf((page) => stores.tags.list(page))) add('tag', tag.id, await budgeted(tag));
  const { modelLimits = {}, ...gateway } = settings.global ?? { budgetAnchor: 0 };
  for (const [id, limits] of Object.entries(modelLimits)) {
    add('model', id, { ...limits, budgetAnchor: alignedAnchor(limits.budgetDuration, 0) });
  }
  add('global', GATEWAY, gateway);
  return { scopes, sessions };

  /** With the limits of the shared budget, if there is one. */
  async function budgeted<T extends Limits>(record: T): Promise<T> {
    const { budgetId } = record;
    if (budgetId === undefined) return record;
    const budget = shared.get(budgetId) ?? stores.budgets.get(budgetId);
    shared.set(budgetId, budget);
    return withDefaults(record, await budget);
  }

  async function addMembers(group: Group, kind: ScopeKind, defaults?: Partial<Limits>): Promise<void> {
    for (const member of await stores.members.list(group)) {
      add(kind, pairId(group.id, member.userId), withDefaults(await budgeted(member), defaults));
    }
  }
}

async function* allOf<T>(list: (page: { limit: number; cursor?: string }) => Promise<Page<T>>): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const page = await list({ limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    yield* page.items;
    cursor = page.cursor;
  } while (cursor !== undefined);
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
