/** `/team/model/add` and `/team/model/delete`. */
import * as z from 'zod/mini';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, names, ownerId } from '../input.ts';
import { requireAbove, visibleTeam } from './scoping.ts';
import { changeTeam, requireWithinOrganization, teamRow } from './teams.ts';

/** Body of `/team/model/add` and `/team/model/delete`. */
export const teamModels = z.object({ team_id: ownerId(), models: names });

/**
 * `POST /team/model/add` and `/team/model/delete`.
 *
 * @throws GatewayError `invalid_request` for models its organization does not have, and for the last one: no models mean all
 */
export async function changeTeamModels(
  deps: ManagementDeps,
  caller: Caller,
  body: JsonObject,
  change: 'add' | 'delete',
): Promise<JsonObject> {
  const { team_id: id, models } = check(teamModels, body);
  await visibleTeam(deps, caller, id);
  const after = await changeTeam(deps, caller, id, async (team) => {
    await requireAbove(deps, caller, team.organizationId);
    const others = team.models.filter((model) => !models.includes(model));
    if (change === 'delete' && others.length === 0 && team.models.length > 0) {
      const fault =
        'models: these are all the models of the team, and a team without models may call every one; block it instead';
      throw new GatewayError('invalid_request', fault, { param: 'models' });
    }
    const changed = { ...team, models: change === 'add' ? [...others, ...new Set(models)] : others };
    await requireWithinOrganization(deps, changed);
    return changed;
  });
  return teamRow(deps, after);
}
