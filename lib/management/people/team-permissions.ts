/** What members of many teams may do. */
import * as z from 'zod/mini';
import { readAll } from '../../domain/pages.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, flag, names } from '../input.ts';
import { each, notFound } from '../records/records.ts';
import { changeTeam, requirePermissions } from './teams.ts';

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
