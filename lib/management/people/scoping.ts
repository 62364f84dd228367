/** What belongs to a caller, and what a parent allows its children. */
import { coversName } from '../../domain/access.ts';
import { addDuration, parseDuration } from '../../domain/duration.ts';
import type { VirtualKey } from '../../domain/key.ts';
import type { Limits } from '../../domain/limits.ts';
import { formatUsd } from '../../domain/money.ts';
import type { Organization } from '../../domain/organization.ts';
import type { RecordOwner } from '../../domain/owned.ts';
import { allOf } from '../../domain/pages.ts';
import type { Team } from '../../domain/team.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import {
  isAdmin,
  isReadOnly,
  isViewer,
  managesOrganization,
  managesTeam,
  ownKey,
  seesOrganization,
  seesTeam,
  userIdOf,
} from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { notFound, ownedBy, taken } from '../records/records.ts';
import { budgeted } from '../standing.ts';

/** The refusal of something that is not the caller's. */
export const forbidden = (message: string): GatewayError => new GatewayError('permission', message, { type: 'auth_error' });

/**
 * A team the caller may see, as of now.
 *
 * @throws GatewayError `not_found` for those who see everything, `permission` for others, whether or not it exists
 */
export async function visibleTeam(deps: ManagementDeps, caller: Caller, id: string): Promise<Team> {
  const team = await deps.teams.get(id, { fresh: true });
  if (team === undefined && isViewer(caller)) throw notFound('team', id);
  if (team !== undefined && (await seesTeam(deps, caller, team))) return team;
  throw forbidden('You may see only teams you are a member of, and those of organizations you administer.');
}

/**
 * A team the caller may change, as of now.
 *
 * @throws GatewayError `not_found`, `permission`
 */
export async function managedTeam(deps: ManagementDeps, caller: Caller, id: string): Promise<Team> {
  const team = await visibleTeam(deps, caller, id);
  await requireManager(deps, caller, team);
  return team;
}

/**
 * Lets those pass who may change a team.
 *
 * @throws GatewayError `permission`
 */
export async function requireManager(deps: ManagementDeps, caller: Caller, team: Team): Promise<void> {
  if (await managesTeam(deps, caller, team)) return;
  throw forbidden('Only admins of the team, org admins of its organization and proxy admins may do this.');
}

/**
 * Lets those pass who stand above a team: proxy admins, and org admins of its organization.
 *
 * @throws GatewayError `permission`
 */
export async function requireAbove(deps: ManagementDeps, caller: Caller, organizationId: string | undefined): Promise<void> {
  if (await managesOrganization(deps, caller, organizationId)) return;
  throw forbidden('Only org admins of its organization and proxy admins may do this.');
}

/**
 * An organization the caller may see, as of now.
 *
 * @throws GatewayError `not_found`, `permission`
 */
export async function visibleOrganization(deps: ManagementDeps, caller: Caller, id: string): Promise<Organization> {
  const organization = await deps.organizations.get(id, { fresh: true });
  if (organization === undefined && isViewer(caller)) throw notFound('organization', id);
  if (organization !== undefined && (await seesOrganization(deps, caller, id))) return organization;
  throw forbidden('You may see only organizations you are a member of.');
}

/**
 * An organization that a record refers to, as of now.
 *
 * @throws GatewayError `invalid_request`
 */
export async function referredOrganization(deps: ManagementDeps, id: string): Promise<Organization> {
  const organization = await deps.organizations.get(id, { fresh: true });
  if (organization !== undefined) return organization;
  throw referredAbsent('organization', id);
}

/**
 * A team that a record refers to, as of now.
 *
 * @throws GatewayError `invalid_request`
 */
export async function referredTeam(deps: ManagementDeps, id: string): Promise<Team> {
  const team = await deps.teams.get(id, { fresh: true });
  if (team !== undefined) return team;
  throw referredAbsent('team', id);
}

const referredAbsent = (kind: 'organization' | 'team', id: string): GatewayError =>
  new GatewayError('invalid_request', `${kind}_id: ${kind} not found: '${id}' does not exist`, { param: `${kind}_id` });

/** The organizations whose teams, members and keys a caller may change; not for proxy admins, who may change all. */
export async function managedOrganizations(deps: ManagementDeps, caller: Caller): Promise<ReadonlySet<string>> {
  const userId = userIdOf(caller);
  if (userId === undefined || isReadOnly(caller)) return new Set();
  const ids = (await deps.users.get(userId, { fresh: true }))?.organizations ?? [];
  const managed = await Promise.all(ids.map((id) => managesOrganization(deps, caller, id)));
  return new Set(ids.filter((_, index) => managed[index]));
}

/** Ids of the teams a caller belongs to: its user's, and that of its key. */
export async function ownTeams(deps: ManagementDeps, caller: Caller): Promise<ReadonlySet<string>> {
  const userId = userIdOf(caller);
  const user = userId === undefined ? undefined : await deps.users.get(userId, { fresh: true });
  const ofKey = ownKey(caller)?.teamId;
  return new Set([...(user?.teams ?? []), ...(ofKey === undefined ? [] : [ofKey])]);
}

/** A test for the teams a caller may see. */
export async function teamFilter(
  deps: ManagementDeps,
  caller: Caller,
): Promise<(team: Pick<Team, 'id' | 'organizationId'>) => boolean> {
  if (isViewer(caller)) return () => true;
  const own = await ownTeams(deps, caller);
  const organizations = await managedOrganizations(deps, caller);
  return ({ id, organizationId }) => own.has(id) || (organizationId !== undefined && organizations.has(organizationId));
}

/**
 * Refuses a new record whose id was somebody's before: what was spent under it, and keys that still name it, would be the business of whoever
 * makes it. Proxy admins may.
 *
 * @throws GatewayError `conflict`
 */
export async function requireFresh(
  deps: ManagementDeps,
  caller: Caller,
  owner: RecordOwner<'team' | 'user' | 'project'>,
): Promise<void> {
  if (isAdmin(caller)) return;
  if ((await deps.totals.read(owner)).requests > 0) throw taken(owner.kind, owner.id);
  for await (const _ of allOf(ownedBy(deps.keys, owner).list)) throw taken(owner.kind, owner.id);
}

/** Words that stand for whatever the parent has. */
const INHERITED: ReadonlySet<string> = new Set(['all-team-models', 'all-org-models', 'no-default-models']);

/** Numbers of a child that may not exceed those of its parent. */
const CAPPED = [
  ['maxBudget', 'max_budget'],
  ['rpmLimit', 'rpm_limit'],
  ['tpmLimit', 'tpm_limit'],
] as const;

/**
 * Refuses what exceeds the parent: models it does not have, higher numbers than its own. Names of access groups pass, they are judged
 * call by call.
 *
 * @param parent.name in words: `organization`
 * @throws GatewayError `invalid_request`
 */
export async function requireWithin(
  deps: ManagementDeps,
  parent: { readonly name: string; readonly record: Limits & { readonly id: string; readonly models: readonly string[] } },
  child: Partial<Limits> & { readonly models: readonly string[] },
): Promise<void> {
  const { name, record } = parent;
  const { models } = record;
  const isOpen = models.length === 0 || models.includes('all-proxy-models');
  const [strange] = isOpen ? [] : child.models.filter((model) => !INHERITED.has(model) && !isWithin(models, model));
  if (strange !== undefined && (await deps.accessGroups.get(strange)) === undefined) {
    throw new GatewayError(
      'invalid_request',
      `models: '${strange}' is not among the models of the ${name}: ${models.join(', ')}`,
      {
        param: 'models',
      },
    );
  }
  const limits = await budgeted(deps, record);
  for (const [field, param] of CAPPED) {
    const [own, most] = [child[field], limits[field]];
    if (own === undefined || most === undefined || own <= most) continue;
    const shown = typeof most === 'bigint' ? formatUsd(most) : String(most);
    throw new GatewayError('invalid_request', `${param}: expected at most that of the ${name}, ${shown}`, { param });
  }
}

/**
 * Refuses a key with models its team does not have. Its limits may exceed those of the team, which count as well.
 *
 * @param before the key so far: what it had already is left alone
 */
export async function requireKeyWithinTeam(deps: ManagementDeps, key: VirtualKey, before?: VirtualKey): Promise<void> {
  const stays = before !== undefined && before.teamId === key.teamId && before.models === key.models;
  if (stays || key.teamId === undefined || key.models.length === 0) return;
  const record = await deps.teams.get(key.teamId, { fresh: true });
  if (record !== undefined) await requireWithin(deps, { name: 'team', record }, { models: key.models });
}

/**
 * A key of a team's member, which lives no longer than the team lets keys of members live (`team_member_key_duration`).
 *
 * @param now milliseconds since the epoch, from when a life counts
 */
export async function withTeamLife(deps: ManagementDeps, key: VirtualKey, now: number): Promise<VirtualKey> {
  const { teamId, userId, expiresAt } = key;
  if (teamId === undefined || userId === undefined) return key;
  const duration = (await deps.teams.get(teamId, { fresh: true }))?.memberKeyDuration;
  if (duration === undefined) return key;
  const latest = addDuration(now, parseDuration(duration));
  return expiresAt !== undefined && expiresAt <= latest ? key : { ...key, duration, expiresAt: latest };
}

/** True when a name, or a pattern, lies within a list. */
const isWithin = (models: readonly string[], model: string): boolean =>
  models.some((allowed) => allowed === model || coversName(allowed, model));
