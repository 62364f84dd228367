/**
 * Who may manage what. A route names its audience (`rights.ts`); where that is "own", the functions here narrow a call down to what
 * belongs to the caller: its own key, its user's keys, the teams and organizations it administers.
 */
import { scopeOf, type VirtualKey } from '../domain/key.ts';
import type { Team } from '../domain/team.ts';
import type { Role } from '../domain/user.ts';
import { GatewayError } from '../errors.ts';
import type { Caller } from '../exchange.ts';
import type { MemberStore } from '../stores/members.ts';

/** What looking up memberships needs. */
export interface AccessDeps {
  readonly members: Pick<MemberStore, 'get'>;
}

const forbidden = (message: string): GatewayError => new GatewayError('permission', message, { type: 'auth_error' });

/** The role of a caller in the whole gateway; undefined for a key that belongs to no known user. */
export const roleOf = (caller: Caller): Role | undefined => (caller.type === 'master' ? 'proxy_admin' : caller.user?.role);

/** True for those who may do everything: the master key, and users who are proxy admins. */
export const isAdmin = (caller: Caller): boolean => roleOf(caller) === 'proxy_admin';

/** True for those who may see everything. */
export const isViewer = (caller: Caller): boolean => isAdmin(caller) || roleOf(caller) === 'proxy_admin_viewer';

/** The user behind a caller: of the key, where there is a record of the user. */
export const userIdOf = (caller: Caller): string | undefined => (caller.type === 'key' ? caller.user?.id : undefined);

/** Who did it, for records and the audit log: the user, else the key, else the master. */
export const actorOf = (caller: Caller): string =>
  caller.type === 'master' ? 'master' : (caller.user?.id ?? caller.key.alias ?? caller.key.name);

/**
 * Lets only those pass who may do everything.
 *
 * @throws GatewayError `permission`
 */
export function requireAdmin(caller: Caller): void {
  if (!isAdmin(caller)) throw forbidden('Only a proxy admin may do this: the master key, or a user with the role proxy_admin.');
}

/**
 * Lets only those pass who may see everything.
 *
 * @throws GatewayError `permission`
 */
export function requireViewer(caller: Caller): void {
  if (!isViewer(caller)) throw forbidden('Only a proxy admin or a proxy_admin_viewer may see this.');
}

/**
 * Lets viewers and the key itself pass.
 *
 * @param hash current hash of the key asked for
 * @throws GatewayError `permission` for another virtual key, whether or not the one asked for exists.
 */
export function requireSelf(caller: Caller, hash: string): void {
  if (!isViewer(caller) && (caller.type === 'master' || caller.key.hash !== hash)) {
    throw forbidden('A virtual key may read only its own figures; ask with the master key.');
  }
}

/** The owner whose ledger a virtual key may see; undefined for those who may see all. */
export const ownScope = (caller: Caller): string | undefined =>
  caller.type === 'key' && !isViewer(caller) ? scopeOf(caller.key).id : undefined;

/** The key of a caller that is not the master. */
export const ownKey = (caller: Caller): VirtualKey | undefined => (caller.type === 'key' ? caller.key : undefined);

/** A user who may not change anything, whatever belongs to it. */
export const isReadOnly = (caller: Caller): boolean =>
  ['proxy_admin_viewer', 'internal_user_viewer'].includes(roleOf(caller) ?? '');

/** True for those who may change an organization's teams, members and keys: admins, and its own org admins. */
export async function managesOrganization(deps: AccessDeps, caller: Caller, id: string | undefined): Promise<boolean> {
  if (isAdmin(caller)) return true;
  return id !== undefined && !isReadOnly(caller) && (await roleIn(deps, caller, 'organization', id)) === 'org_admin';
}

/** True for those who may see an organization: viewers and its members. */
export async function seesOrganization(deps: AccessDeps, caller: Caller, id: string): Promise<boolean> {
  return isViewer(caller) || (await roleIn(deps, caller, 'organization', id)) !== undefined;
}

/** True for those who may change a team, its members and keys: admins, org admins of its organization, its own admins. */
export async function managesTeam(
  deps: AccessDeps,
  caller: Caller,
  team: Pick<Team, 'id' | 'organizationId'>,
): Promise<boolean> {
  if (await managesOrganization(deps, caller, team.organizationId)) return true;
  return !isReadOnly(caller) && (await roleIn(deps, caller, 'team', team.id)) === 'admin';
}

/** True for those who may see a team: viewers, org admins of its organization, its members, and its keys. */
export async function seesTeam(deps: AccessDeps, caller: Caller, team: Pick<Team, 'id' | 'organizationId'>): Promise<boolean> {
  if (isViewer(caller) || ownKey(caller)?.teamId === team.id) return true;
  if ((await roleIn(deps, caller, 'team', team.id)) !== undefined) return true;
  return managesOrganization(deps, caller, team.organizationId);
}

/**
 * True when a member of a team may call a management route for it: its admins always, others as the team permits
 * (`team_member_permissions`).
 *
 * @param route the route as LiteLLM names it: `/key/generate`
 */
export async function mayForTeam(
  deps: AccessDeps,
  caller: Caller,
  team: Pick<Team, 'id' | 'organizationId' | 'memberPermissions'>,
  route: string,
): Promise<boolean> {
  if (await managesTeam(deps, caller, team)) return true;
  if (isReadOnly(caller) || !team.memberPermissions.includes(route)) return false;
  return (await roleIn(deps, caller, 'team', team.id)) !== undefined;
}

/**
 * True for those who may see what others do for a team, its keys and its calls: viewers, org admins of its organization, its admins, members
 * as the team permits (`team_member_permissions`), and keys of the team that are nobody's.
 *
 * @param route the route as LiteLLM names it: `/team/daily/activity`
 */
export async function seesWorkOf(
  deps: AccessDeps,
  caller: Caller,
  team: Pick<Team, 'id' | 'organizationId' | 'memberPermissions'>,
  route: string,
): Promise<boolean> {
  if (isViewer(caller)) return true;
  if (userIdOf(caller) === undefined) return ownKey(caller)?.teamId === team.id;
  const role = await roleIn(deps, caller, 'team', team.id);
  if (role === 'admin' || (role !== undefined && team.memberPermissions.includes(route))) return true;
  return managesOrganization(deps, caller, team.organizationId);
}

/** The caller's role in a group; undefined when it is no member. */
async function roleIn(
  deps: AccessDeps,
  caller: Caller,
  kind: 'team' | 'organization',
  id: string,
): Promise<string | undefined> {
  const userId = userIdOf(caller);
  if (userId === undefined) return undefined;
  return (await deps.members.get({ kind, id }, userId, { fresh: true }))?.role;
}

/**
 * Lets a call pass or refuses it, in the same words whether or not the thing exists.
 *
 * @throws GatewayError `permission`
 */
export function requireRight(allowed: boolean, what: string): void {
  if (!allowed) throw forbidden(`You may not ${what}. A proxy admin can.`);
}
