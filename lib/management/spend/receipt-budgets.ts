/** The budgets a call counted against, as they stand now: in the windows in which the call arrived. */
import { budgetsOf, countsModel, type LimitedScope } from '../../domain/budget.ts';
import { isOwned, mayName, type Belonging } from '../../domain/customer.ts';
import { scopeOf } from '../../domain/key.ts';
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { withDefaults, type Limits } from '../../domain/limits.ts';
import { heldOf, pairId, spentOf, type ScopeKind } from '../../domain/meter.ts';
import { formatUsd } from '../../domain/money.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { readMeter } from '../../money/shards.ts';
import { isViewer, ownKey } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';

/**
 * One object per budget: whose, its window, and what of it is spent, held and left, in USD.
 *
 * @param caller who asks: its key may have got another secret since
 */
export async function budgetsOfEntry(deps: ManagementDeps, entry: LedgerEntry, caller: Caller): Promise<readonly JsonObject[]> {
  const scopes = await limitedScopesOf(deps, entry, caller);
  const budgets = scopes
    .flatMap((limited) => budgetsOf(limited, entry.at))
    .filter((budget) => countsModel(budget, entry.modelGroup));
  return Promise.all(
    budgets.map(async ({ meter: id, scope, window, max, model }) => {
      const meter = await readMeter(deps.meters, id);
      const [spent, held] = meter === undefined ? [0n, 0n] : [spentOf(meter, 'usd'), heldOf(meter, 'usd')];
      return {
        scope: scope.kind,
        id: scope.id,
        ...(model === undefined ? {} : { model }),
        window: window.name,
        window_start: new Date(window.start).toISOString(),
        resets_at: window.end === undefined ? null : new Date(window.end).toISOString(),
        limit: max === undefined ? null : formatUsd(max),
        spent: formatUsd(spent),
        held: formatUsd(held),
        left: max === undefined ? null : formatUsd(max - spent - held),
      };
    }),
  );
}

/**
 * The owners of an entry with their limits, as admission meets them; a user's budget counts calls of the user's own keys. Customers and tags
 * that are nobody's are shown to those who see everything: what others did with them is not the caller's to know.
 */
async function limitedScopesOf(deps: ManagementDeps, entry: LedgerEntry, caller: Caller): Promise<readonly LimitedScope[]> {
  const own = ownKey(caller);
  const shown = <T extends Belonging>(record: T | undefined): T | undefined =>
    record !== undefined && (isViewer(caller) || (isOwned(record) && mayName(entry, record))) ? record : undefined;
  const { keyHash, teamId, userId, organizationId, projectId, endUser, tags } = entry;
  const of = <T>(store: { get(id: string): Promise<T | undefined> }, id: string | undefined): Promise<T | undefined> =>
    id === undefined ? Promise.resolve(undefined) : store.get(id);
  const member = (kind: 'team' | 'organization', id: string | undefined) =>
    id === undefined || userId === undefined ? undefined : deps.members.get({ kind, id }, userId);
  const [key, team, user, organization, project, customer, ofTeam, ofOrganization, tagged] = await Promise.all([
    own !== undefined && scopeOf(own).id === keyHash ? own : deps.keys.get(keyHash),
    of(deps.teams, teamId),
    of(deps.users, teamId === undefined ? userId : undefined),
    of(deps.organizations, organizationId),
    of(deps.projects, projectId),
    of(deps.customers, endUser),
    member('team', teamId),
    member('organization', organizationId),
    Promise.all(tags.map((tag) => deps.tags.get(tag))),
  ]);
  const found: readonly (readonly [ScopeKind, string, Limits | undefined])[] = [
    ['key', key === undefined ? keyHash : scopeOf(key).id, key],
    ['team', teamId ?? '', team],
    ['member', pairId(teamId ?? '', userId ?? ''), ofTeam && withDefaults(ofTeam, team?.memberDefaults)],
    ['user', userId ?? '', user],
    ['project', projectId ?? '', project],
    ['organization-member', pairId(organizationId ?? '', userId ?? ''), ofOrganization],
    ['organization', organizationId ?? '', organization],
    ['customer', endUser ?? '', shown(customer)],
    ...tagged.map((tag) => ['tag', tag?.id ?? '', shown(tag)] as const),
  ];
  const scopes = await Promise.all(
    found.map(async ([kind, id, limits]) => {
      if (limits === undefined) return undefined;
      return { scope: { kind, id }, limits: withDefaults(limits, await of(deps.budgets, limits.budgetId)) };
    }),
  );
  return scopes.filter((scope) => scope !== undefined);
}
