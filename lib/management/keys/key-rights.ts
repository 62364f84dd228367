/**
 * Who may do what with which key: admins everything, those who manage its team or organization too; members of its team what the team
 * permits them; users what is theirs.
 */
import type { VirtualKey } from '../../domain/key.ts';
import { onlyCalls } from '../../domain/routes.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import {
  actorOf,
  isAdmin,
  isReadOnly,
  isViewer,
  managesOrganization,
  managesTeam,
  mayForTeam,
  seesWorkOf,
  userIdOf,
} from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { referredOrganization, referredTeam } from '../people/scoping.ts';
import { readRecord } from '../records/records.ts';
import type { KeyFields } from './key-input.ts';

const refuse = (message: string, param?: string): GatewayError =>
  new GatewayError('permission', message, { type: 'auth_error', ...(param === undefined ? {} : { param }) });

/**
 * Lets those pass who may manage keys at all: admins and users. A key that belongs to nobody can only look at itself.
 *
 * @throws GatewayError `permission`
 */
export function requireUser(caller: Caller): void {
  if (isAdmin(caller) || userIdOf(caller) !== undefined) return;
  throw refuse('Only admins and users manage keys. A virtual key may read its own /key/info and /spend/logs.');
}

/** As what a caller deals with a key. */
export type KeyRight = 'manager' | 'member' | 'owner';

/** Owners of a key. */
type Owned = Pick<VirtualKey, 'userId' | 'teamId' | 'organizationId' | 'projectId'>;

/**
 * The right of a caller to use a route on a key; undefined when there is none.
 *
 * @param route as LiteLLM names it: `/key/update`
 */
export async function keyRight(deps: ManagementDeps, caller: Caller, key: Owned, route: string): Promise<KeyRight | undefined> {
  if (isAdmin(caller)) return 'manager';
  if (isReadOnly(caller)) return undefined;
  const userId = userIdOf(caller);
  if (key.teamId !== undefined) {
    const team = await deps.teams.get(key.teamId, { fresh: true });
    if (team === undefined) return undefined;
    if (await managesTeam(deps, caller, team)) return 'manager';
    return (await mayForTeam(deps, caller, team, route)) ? 'member' : undefined;
  }
  if (key.organizationId !== undefined && (await managesOrganization(deps, caller, key.organizationId))) return 'manager';
  return userId !== undefined && key.userId === userId ? 'owner' : undefined;
}

/**
 * Lets those pass who may use the route on the key.
 *
 * @throws GatewayError `permission`
 */
export async function requireKeyRight(deps: ManagementDeps, caller: Caller, key: Owned, route: string): Promise<KeyRight> {
  const right = await keyRight(deps, caller, key, route);
  if (right === undefined)
    throw refuse(`You may not call ${route} for this key: it is neither yours nor of a team that lets you.`);
  return right;
}

/** True for those who may see a key: viewers, the key itself, its user, its team as far as that permits, who manages its organization. */
export async function seesKey(deps: ManagementDeps, caller: Caller, key: VirtualKey): Promise<boolean> {
  if (isViewer(caller) || (caller.type === 'key' && caller.key.hash === key.hash)) return true;
  const userId = userIdOf(caller);
  if (userId !== undefined && key.userId === userId) return true;
  const team = key.teamId === undefined ? undefined : await deps.teams.get(key.teamId, { fresh: true });
  if (team !== undefined && userId !== undefined && (await seesWorkOf(deps, caller, team, '/key/info'))) return true;
  return key.organizationId !== undefined && managesOrganization(deps, caller, key.organizationId);
}

/**
 * Checks a new key, or a changed one, against what its maker may do.
 *
 * @param before the key so far; absent for a new one
 * @throws GatewayError `permission`; of an admin `invalid_request` or `not_found` for an owner that is not there
 */
export async function requireChange(
  deps: ManagementDeps,
  caller: Caller,
  {
    before,
    after,
    fields,
    route,
  }: { readonly before?: VirtualKey; readonly after: VirtualKey; readonly fields: KeyFields; readonly route: string },
): Promise<void> {
  if (isAdmin(caller)) return requireOwners(deps, after, before);
  const right = await requireKeyRight(deps, caller, after, route);
  if (before !== undefined) await requireKeyRight(deps, caller, before, route);
  const own = userIdOf(caller);
  requireNoDisguise(own, { before, after, route });
  const isService = route === '/key/service-account/generate' && after.userId === undefined;
  if (right !== 'manager' && after.userId !== own && !isService) {
    throw refuse('user_id: you may make and change keys for yourself only', 'user_id');
  }
  requireOnTeam(own, after);
  await requireOneLine(deps, caller, before, after);
  if (after.userId !== own && (after.userId !== before?.userId || after.teamId !== before?.teamId)) {
    await requireColleague(deps, after);
  }
  if (before?.blocked === true && !after.blocked && right !== 'manager') {
    throw refuse('blocked: only those who manage this key may unblock it', 'blocked');
  }
  if (right === 'manager' || before === undefined || before.createdBy === actorOf(caller)) return;
  const touched = Object.entries(fields).find(([name, value]) => value !== undefined && !isHarmless(name, value));
  if (touched !== undefined) {
    throw refuse(`${touched[0]}: this key was made by others; ask whoever manages it`, touched[0]);
  }
}

/**
 * Refuses owners that are not there: their limits would not be there either. Only admins can name them, see `requireOneLine`. Statuses are
 * LiteLLM's (2026), which refuses an unknown team from others than admins only. A `user_id` may be a name and nothing more.
 */
async function requireOwners(deps: ManagementDeps, after: Owned, before: Owned | undefined): Promise<void> {
  const { teamId, organizationId, projectId } = after;
  const isNew = (name: keyof Owned): boolean => after[name] !== before?.[name];
  if (organizationId !== undefined && isNew('organizationId')) await referredOrganization(deps, organizationId);
  if (teamId !== undefined && isNew('teamId')) await referredTeam(deps, teamId);
  if (projectId !== undefined && isNew('projectId')) await readRecord(deps.projects, 'project', projectId);
}

/** A key takes from its user's own rates: whoever manages a team takes from its members only. */
async function requireColleague(deps: ManagementDeps, { userId, teamId: id }: Owned): Promise<void> {
  if (userId === undefined || id === undefined) return;
  if ((await deps.members.get({ kind: 'team', id }, userId, { fresh: true })) !== undefined) return;
  // An id that nobody has is a name and nothing more.
  if ((await deps.users.get(userId, { fresh: true })) === undefined) return;
  throw refuse('user_id: expected a member of the team of the key', 'user_id');
}

/**
 * A key of a user on no team spends the user's own budget, which is no organization's: who manages one makes and changes keys of others on
 * its teams alone.
 */
function requireOnTeam(own: string | undefined, { userId, teamId }: Owned): void {
  if (userId === undefined || userId === own || teamId !== undefined) return;
  throw refuse(
    'team_id: a key for another user has to be on a team of your organization, since on none it spends the budget of that user; ' +
      'only a proxy admin may make or change such a key',
    'team_id',
  );
}

/** Owners of a key lie one above the other. A key whose organization is not that of its team would not meet the limits of the team's. */
async function requireOneLine(
  deps: ManagementDeps,
  caller: Caller,
  before: Owned | undefined,
  after: VirtualKey,
): Promise<void> {
  const { teamId, organizationId, projectId } = after;
  const moves = before?.teamId !== teamId;
  if (organizationId !== undefined && (moves || organizationId !== before?.organizationId)) {
    const team = teamId === undefined ? undefined : await deps.teams.get(teamId, { fresh: true });
    const isOfTeam = teamId === undefined || team?.organizationId === organizationId;
    if (!isOfTeam || !(await managesOrganization(deps, caller, organizationId))) {
      throw refuse('organization_id: expected the organization of its team, or one whose keys you may make', 'organization_id');
    }
  }
  if (projectId !== undefined && (moves || projectId !== before?.projectId)) {
    const project = await deps.projects.get(projectId, { fresh: true });
    if (project?.teamId === undefined || project.teamId !== teamId) {
      throw refuse('project_id: expected a project of the team of the key', 'project_id');
    }
  }
}

/**
 * A key acts for its user, with the user's role. Whoever holds its secret is that user to the management API: so those who manage a team may
 * hold keys of others only if these can do nothing but call models.
 */
function requireNoDisguise(
  own: string | undefined,
  { before, after, route }: { readonly before?: VirtualKey | undefined; readonly after: VirtualKey; readonly route: string },
): void {
  if (after.userId === undefined || after.userId === own || onlyCalls(after)) return;
  const tellsSecret = before === undefined || route === '/key/regenerate';
  const gains = before === undefined || before.userId !== after.userId || onlyCalls(before);
  if (!tellsSecret && !gains) return;
  throw refuse(
    'user_id: a key for somebody else has to be of key_type llm_api; only a proxy admin may let it do more',
    'user_id',
  );
}

/**
 * What the owner of a key may change that others made: its name, and to block it. Everything else may be there to bound it; an alias too,
 * since a key's models let pass what an alias makes of a name of theirs.
 */
const isHarmless = (name: string, value: unknown): boolean =>
  name === 'key_alias' ||
  (name === 'blocked' && value === true) ||
  (name === 'kept' && Object.keys(value as object).length === 0);
