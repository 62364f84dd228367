/** Users as they are looked at: `/user/info`, `/user/list`. */
import { readAll } from '../../domain/pages.ts';
import type { Group } from '../../domain/team.ts';
import type { User } from '../../domain/user.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { isViewer, userIdOf } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { USER } from './identity-kinds.ts';
import { keyRow, standingOf } from '../keys/key-answer.ts';
import { seesKey } from '../keys/key-rights.ts';
import { requireUser } from './membership.ts';
import { contains, each, ownedBy, pageOf, PAGING, recordsOf, select, sorted, type Query } from '../records/records.ts';
import { forbidden, managedOrganizations, teamFilter } from './scoping.ts';
import { teamRow } from './teams.ts';
import { userRow } from './users.ts';

/** A test for the users a caller may see: itself, and those of organizations it administers. */
export async function userFilter(deps: ManagementDeps, caller: Caller): Promise<(user: User) => boolean> {
  if (isViewer(caller)) return () => true;
  const [own, managed] = [userIdOf(caller), await managedOrganizations(deps, caller)];
  return ({ id, organizations }) => id === own || organizations.some((organization) => managed.has(organization));
}

/** The user asked for, or the caller's own. */
async function visibleUser(deps: ManagementDeps, caller: Caller, id: string | undefined): Promise<User> {
  const asked = id ?? userIdOf(caller);
  if (asked === undefined) {
    throw new GatewayError('invalid_request', 'user_id: name a user; the key that asks belongs to none', { param: 'user_id' });
  }
  const user = await deps.users.get(asked, { fresh: true });
  if (user === undefined && isViewer(caller)) return requireUser(deps, { user_id: asked });
  if (user !== undefined && (await userFilter(deps, caller))(user)) return user;
  throw forbidden('You may see only yourself, and users of organizations you administer.');
}

/**
 * `GET /user/info`: a user with keys and teams.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `permission`
 */
export async function userInfo(deps: ManagementDeps, caller: Caller, id: string | undefined): Promise<JsonObject> {
  const user = await visibleUser(deps, caller, id);
  const isSelf = user.id === userIdOf(caller);
  // An org admin may make anybody a member: what a user does elsewhere is not shown for that.
  const isShown = await teamFilter(deps, caller);
  const [row, keys, teams] = await Promise.all([
    userRow(deps, user),
    select(ownedBy(deps.keys, { kind: 'user', id: user.id }), async (key) => isSelf || seesKey(deps, caller, key)),
    each(user.teams, (team) => deps.teams.get(team)),
  ]);
  return {
    user_id: user.id,
    user_info: row,
    keys: await each(keys, async (key) => keyRow(key, await standingOf(deps, key))),
    teams: await each(teams.filter((team) => team !== undefined).filter(isShown), (team) => teamRow(deps, team)),
  };
}

/**
 * `GET /v2/user/info`: the row alone.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `permission`
 */
export async function userInfoV2(deps: ManagementDeps, caller: Caller, id: string | undefined): Promise<JsonObject> {
  return userRow(deps, await visibleUser(deps, caller, id));
}

/** What a listing of users may be narrowed by. */
export const USER_FILTERS: readonly string[] = [
  'role',
  'user_role',
  'user_ids',
  'sso_user_ids',
  'user_email',
  'user_alias',
  'team',
  'organization_id',
];

/** Query of `/user/list`. */
export const USER_LISTING = [...USER_FILTERS, 'page', 'page_size', 'sort_by', 'sort_order'];

const SORTABLE = ['user_id', 'user_email', 'user_alias', 'user_role', 'max_budget', 'created_at', 'updated_at'];

/** Users among whom those asked for are: the fewest that are known to be. */
async function candidatesOf(
  deps: ManagementDeps,
  caller: Caller,
  asked: {
    readonly ids: ReadonlySet<string> | undefined;
    readonly team: string | undefined;
    readonly organization: string | undefined;
  },
): Promise<readonly User[]> {
  const membersOf = async (...groups: readonly Group[]): Promise<readonly string[]> =>
    (await each(groups, (group) => deps.members.list(group))).flat().map(({ userId }) => userId);
  const { ids, team, organization } = asked;
  if (ids !== undefined) return recordsOf(deps.users, ids);
  if (team !== undefined) return recordsOf(deps.users, await membersOf({ kind: 'team', id: team }));
  if (organization !== undefined) {
    return recordsOf(deps.users, await membersOf({ kind: 'organization', id: organization }));
  }
  if (isViewer(caller)) return readAll(deps.users);
  const managed = [...(await managedOrganizations(deps, caller))].map((id) => ({ kind: 'organization', id }) as const);
  return recordsOf(deps.users, [userIdOf(caller) ?? [], await membersOf(...managed)].flat());
}

/**
 * `GET /user/list`: those the caller may see, by page, newest first where no order is asked for.
 *
 * @throws GatewayError `invalid_request`
 */
export async function listUsers(deps: ManagementDeps, caller: Caller, query: Query): Promise<JsonObject> {
  const isVisible = await userFilter(deps, caller);
  const asked = askedUsers(query);
  const users = (await candidatesOf(deps, caller, asked)).filter((user) => isVisible(user) && asked.matches(user));
  const byId = new Map(users.map((user) => [user.id, user]));
  const rows = sorted(
    users.map((user) => USER.row(user, deps.now())),
    { by: query('sort_by'), order: query('sort_order') },
    SORTABLE,
  );
  const { items, total, page, size, pages } = pageOf(rows, { page: query('page'), size: query('page_size') }, { initial: 25 });
  const shown = items.flatMap(({ user_id: id }) => byId.get(String(id)) ?? []);
  return {
    users: await each(shown, (user) => listedUser(deps, user)),
    total,
    page,
    page_size: size,
    total_pages: pages,
  };
}

/** A user as lists have it: the row, and how many keys there are. */
export async function listedUser(deps: ManagementDeps, user: User): Promise<JsonObject> {
  const keys = await readAll(ownedBy(deps.keys, { kind: 'user', id: user.id }));
  return { ...(await userRow(deps, user)), key_count: keys.length };
}

/** Users asked for: by ids, by group, and by what else is said of them. */
export function askedUsers(query: Query): {
  readonly ids: ReadonlySet<string> | undefined;
  readonly team: string | undefined;
  readonly organization: string | undefined;
  readonly matches: (user: User) => boolean;
} {
  const role = query('role') ?? query('user_role');
  const listed = (name: string): ReadonlySet<string> | undefined => {
    const value = query(name);
    return value === undefined ? undefined : new Set(value.split(',').map((part) => part.trim()));
  };
  const [ids, ssoIds] = [listed('user_ids'), listed('sso_user_ids')];
  const [team, organization] = [query('team'), query('organization_id')];
  const matches = (user: User): boolean =>
    (role === undefined || user.role === role) &&
    (ids === undefined || ids.has(user.id)) &&
    (ssoIds === undefined || ssoIds.has(user.ssoUserId ?? '')) &&
    (team === undefined || user.teams.includes(team)) &&
    (organization === undefined || user.organizations.includes(organization)) &&
    contains(user.email, query('user_email')) &&
    contains(user.alias, query('user_alias'));
  return { ids, team, organization, matches };
}

/** Query of `/user/filter/ui`. */
export const USER_SEARCH = ['user_id', 'user_email', 'search', ...PAGING];

/**
 * `GET /user/filter/ui`: ids and addresses of users to choose from, by parts of them; those the caller may see.
 *
 * @throws GatewayError `invalid_request`
 */
export async function searchUsers(deps: ManagementDeps, caller: Caller, query: Query): Promise<readonly JsonObject[]> {
  const isVisible = await userFilter(deps, caller);
  const candidates = await candidatesOf(deps, caller, { ids: undefined, team: undefined, organization: undefined });
  const found = candidates.filter(
    (user) =>
      isVisible(user) &&
      contains(user.id, query('user_id')) &&
      contains(user.email, query('user_email')) &&
      (contains(user.id, query('search')) || contains(user.email, query('search')) || contains(user.alias, query('search'))),
  );
  const { items } = pageOf(found, { page: query('page'), size: query('page_size') });
  return items.map(({ id, email, alias }) => ({ user_id: id, user_email: email ?? null, user_alias: alias ?? null }));
}

/** `GET /user/available_roles`: what the roles may do, for people. */
export const availableRoles = (): JsonObject => ({
  proxy_admin: { description: 'Sees and changes everything.', ui_label: 'Admin (all permissions)' },
  proxy_admin_viewer: { description: 'Sees everything, changes nothing.', ui_label: 'Admin (view only)' },
  internal_user: { description: 'Makes, sees and deletes own keys; sees own spend.', ui_label: 'Internal user' },
  internal_user_viewer: { description: 'Sees own keys and own spend.', ui_label: 'Internal user (view only)' },
});
