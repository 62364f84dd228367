/** `/team/{id}/callback` and `/team/{id}/disable_logging`: calls of a team are sent to nobody, and kept only where somebody wants it. */
import * as z from 'zod/mini';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, saysNothing, text, unsupported } from '../input.ts';
import { managedTeam, requireManager, visibleTeam } from './scoping.ts';
import { changeTeam, teamRow } from './teams.ts';

/** What LiteLLM lists of a team's callbacks: here there are none. */
const NO_CALLBACKS = { success_callbacks: [], failure_callbacks: [] } as const;

/**
 * `GET /team/{id}/callback`.
 *
 * @throws GatewayError `not_found`, `permission`
 */
export async function teamCallbacks(deps: ManagementDeps, caller: Caller, id: string): Promise<JsonObject> {
  const team = await visibleTeam(deps, caller, id);
  return { status: 'success', data: { team_id: team.id, ...NO_CALLBACKS, callback_vars: {} } };
}

/** Body of `POST /team/{id}/callback`. */
export const teamCallback = z.looseObject({
  callback_name: z.nullish(z.union([z.literal(''), text()], 'expected the name of a callback')),
});

/**
 * `POST /team/{id}/callback`: refused, since whoever adds one relies on it. A body that names none is accepted, and changes nothing.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `permission`
 */
export async function addTeamCallback(deps: ManagementDeps, caller: Caller, id: string, body: JsonObject): Promise<JsonObject> {
  const team = await managedTeam(deps, caller, id);
  check(teamCallback, body);
  const param = ['callback_name', 'callback_vars'].find((name) => !saysNothing(body[name]));
  if (param !== undefined) throw unsupported(param, 'there are no logging callbacks yet');
  return { status: 'success', data: await teamRow(deps, team) };
}

/**
 * `POST /team/{id}/disable_logging`: from now on nothing that is asked or answered is kept for the team, whatever the operator keeps of others.
 * Nothing was ever sent anywhere. As with LiteLLM a key that says something for itself has the last word.
 *
 * @throws GatewayError `not_found`, `permission`, `conflict`
 */
export async function disableTeamLogging(deps: ManagementDeps, caller: Caller, id: string): Promise<JsonObject> {
  await managedTeam(deps, caller, id);
  const { id: team } = await changeTeam(deps, caller, id, async (record) => {
    await requireManager(deps, caller, record);
    return { ...record, metadata: { ...record.metadata, store_prompts_in_spend_logs: false } };
  });
  return { status: 'success', message: `Logging disabled for team ${team}`, data: { team_id: team, ...NO_CALLBACKS } };
}
