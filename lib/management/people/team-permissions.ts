/** What members of a team may do for it. */
import * as z from 'zod/mini';
import { readAll } from '../../domain/pages.ts';
import type { Team } from '../../domain/team.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, flag, names, ownerId } from '../input.ts';
import { each, notFound } from '../records/records.ts';
import { managedTeam, requireManager, visibleTeam } from './scoping.ts';
import { changeTeam, teamRow } from './teams.ts';

/** Everything members may be permitted. */
const PERMISSIONS = [
  '/key/generate',
  '/key/service-account/generate',
  '/key/update',
  '/key/bulk_update',
  '/key/delete',
  '/key/info',
  '/key/list',
  '/key/aliases',
  '/key/health',
  '/key/regenerate',
  '/key/{key_id}/regenerate',
  '/key/{key_id}/reset_spend',
  '/key/block',
  '/key/unblock',
  '/team/daily/activity',
  '/spend/logs',
];

/**
 * `GET /team/permissions_list`: what members who are no admins may do for the team.
 *
 * @throws GatewayError `not_found`, `permission`
 */
export async function teamPermissions(deps: ManagementDeps, caller: Caller, id: string | undefined): Promise<JsonObject> {
  const team = await visibleTeam(deps, caller, check(ownerId(), id, 'team_id'));
  return {
    team_id: team.id,
    team_member_permissions: team.memberPermissions,
    all_available_permissions: PERMISSIONS,
  };
}

/** Refuses what is no permission. */
function requirePermissions(permissions: readonly string[], param: string): void {
  const strange = permissions.find((permission) => !PERMISSIONS.includes(permission));
  if (strange === undefined) return;
  throw new GatewayError('invalid_request', `${param}: '${strange}' is none; allowed: ${PERMISSIONS.join(', ')}`, { param });
}

/** Body of `/team/permissions_update`. */
export const teamPermissionsChange = z.object({ team_id: ownerId(), team_member_permissions: names });

/**
 * `POST /team/permissions_update`.
 *
 * @throws GatewayError `invalid_request` for what is no permission, `not_found`, `permission`
 */
export async function updateTeamPermissions(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { team_id: id, team_member_permissions: memberPermissions } = check(teamPermissionsChange, body);
  await managedTeam(deps, caller, id);
  requirePermissions(memberPermissions, 'team_member_permissions');
  const edit = async (team: Team): Promise<Team> => {
    await requireManager(deps, caller, team);
    return { ...team, memberPermissions };
  };
  return teamRow(deps, await changeTeam(deps, caller, id, edit));
}

/** Body of `/team/permissions_bulk_update`. */
export const permissionsOfTeams = z.object({
  permissions: names,
  team_ids: z.nullish(names),
  apply_to_all_teams: z.nullish(flag),
});

/**
 * `POST /team/permissions_bulk_update`: gives the members of teams more rights; what they have stays.
 *
 * @throws GatewayError `invalid_request` for what is no permission, `not_found`; then no team is changed
 */
export async function addPermissions(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { permissions, team_ids: ids, apply_to_all_teams: all } = check(permissionsOfTeams, body);
  if ((ids === null || ids === undefined) === (all !== true)) {
    throw new GatewayError('invalid_request', 'team_ids: name teams, or set apply_to_all_teams to true, not both', {
      param: 'team_ids',
    });
  }
  requirePermissions(permissions, 'permissions');
  const asked = [...new Set(ids ?? (await readAll(deps.teams)).map(({ id }) => id))];
  const found = await each(asked, async (id) => ((await deps.teams.get(id, { fresh: true })) === undefined ? id : undefined));
  const missing = found.find((id) => id !== undefined);
  if (missing !== undefined) throw notFound('team', missing);
  await each(asked, (id) =>
    changeTeam(deps, caller, id, (team) => ({
      ...team,
      memberPermissions: [...new Set([...team.memberPermissions, ...permissions])],
    })),
  );
  return {
    message: `Permissions were added to ${asked.length} teams`,
    teams_updated: asked.length,
    permissions_appended: [...new Set(permissions)],
  };
}
