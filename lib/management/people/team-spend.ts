/** `POST /team/reset_budget`: what a team spent is taken back, by an adjustment in the ledger and the same amount in the team's meters. */
import { toUsdNumber, type Money } from '../../domain/money.ts';
import type { Team } from '../../domain/team.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { countedSpend } from '../../money/adjustment.ts';
import type { ManagementDeps } from '../deps.ts';
import { check } from '../input.ts';
import { scopeOfRecord } from '../standing.ts';
import { takeBackFrom } from '../taking-back.ts';
import { requireAbove, visibleTeam } from './scoping.ts';
import { teamName, teamRow } from './teams.ts';

/** Stands for the key of entries that belong to no key. */
const NO_KEY = 'operator';

/**
 * Sets what a team has spent in its budget windows (over its life, without a budget) to 0. Its keys, members and whoever is above it are left
 * as they are: their budgets were spent. May be repeated; a call that stopped in between is finished by the next one.
 *
 * @throws GatewayError `not_found`, `permission`, `conflict` where others take back from the team at the same time
 */
export async function resetTeamBudget(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { team_id: id } = check(teamName, body);
  const team = await visibleTeam(deps, caller, id);
  await requireAbove(deps, caller, team.organizationId);
  const taken = await takeBackFromTeam(deps, caller, team, '/team/reset_budget');
  deps.onChange?.();
  // Totals follow the ledger by seconds.
  const left = await countedSpend(deps, await scopeOfRecord(deps, 'team', team));
  return { ...(await teamRow(deps, team)), spend: toUsdNumber(left), previous_spend: toUsdNumber(left + taken) };
}

/** Takes back all that counts as spent by a team. Gives what was taken, 1e-12 USD. */
export async function takeBackFromTeam(deps: ManagementDeps, caller: Caller, team: Team, route: string): Promise<Money> {
  const limited = await scopeOfRecord(deps, 'team', team);
  const owner = { keyHash: NO_KEY, teamId: team.id, tags: [] };
  return takeBackFrom(deps, caller, { kind: 'team', id: team.id, limited, owner, target: 0n, route });
}
