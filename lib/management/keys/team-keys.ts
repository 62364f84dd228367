/** One change for many keys of a team. */
import * as z from 'zod/mini';
import { readAll } from '../../domain/pages.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, flag, freeObject, ownerId, text } from '../input.ts';
import { managedTeam } from '../people/scoping.ts';
import { ownedBy } from '../records/records.ts';
import { hashOf } from './key-records.ts';
import { updateKeys } from './keys.ts';

/** What belongs to one key alone, or says whose it is and what it may do: never for many at once. */
const OWN = [
  'key',
  'key_alias',
  'team_id',
  'user_id',
  'organization_id',
  'project_id',
  'allowed_routes',
  'key_type',
  'permissions',
];

/** The body of `/team/key/bulk_update`. */
export const teamKeysChange = z.object({
  team_id: ownerId(),
  key_ids: z.nullish(z.array(text(512), 'expected a list of keys').check(z.maxLength(500, 'expected at most 500 keys'))),
  all_keys_in_team: z.nullish(flag),
  update_fields: freeObject,
});

/**
 * `POST /team/key/bulk_update`: the same fields for the keys named, or for every key of the team. Each is changed by itself; those that
 * fail are told with the reason.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `permission`
 */
export async function updateTeamKeys(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { team_id: teamId, key_ids: ids, all_keys_in_team: all, update_fields: fields } = check(teamKeysChange, body);
  if ((ids === null || ids === undefined) === (all !== true)) {
    throw new GatewayError('invalid_request', 'key_ids: name keys, or set all_keys_in_team to true, not both', {
      param: 'key_ids',
    });
  }
  const own = OWN.find((name) => name in fields);
  if (own !== undefined) {
    const fault = `update_fields.${own}: not for many keys at once; change it with /key/update`;
    throw new GatewayError('invalid_request', fault, { param: `update_fields.${own}` });
  }
  await managedTeam(deps, caller, teamId);
  const ofTeam = new Set((await readAll(ownedBy(deps.keys, { kind: 'team', id: teamId }))).map(({ hash }) => hash));
  const asked = ids?.map(hashOf) ?? [...ofTeam];
  const strange = asked.find((hash) => !ofTeam.has(hash));
  if (strange !== undefined) {
    throw new GatewayError('invalid_request', `key_ids: '${strange}' is no key of the team; none was changed`, {
      param: 'key_ids',
    });
  }
  return updateKeys(deps, caller, { keys: asked.map((key) => ({ ...fields, key })) });
}
