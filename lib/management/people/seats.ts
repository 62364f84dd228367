/** `GET /user/available_users`: how many users and teams there are. */
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { select } from '../records/records.ts';

/** LiteLLM sells seats and counts down to their end; here nothing ends, so what is left is null. */
export async function availableUsers(deps: ManagementDeps): Promise<JsonObject> {
  const [users, teams] = await Promise.all([select(deps.users, () => true), select(deps.teams, () => true)]);
  return {
    total_users: null,
    total_users_used: users.length,
    total_users_remaining: null,
    total_teams: null,
    total_teams_used: teams.length,
    total_teams_remaining: null,
  };
}
