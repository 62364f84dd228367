/** Members of teams: `/team/member_add` and the like. */
import * as z from 'zod/mini';
import type { VirtualKey } from '../../domain/key.ts';
import type { Team } from '../../domain/team.ts';
import type { User } from '../../domain/user.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { isViewer, requireAdmin, userIdOf } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { USER } from './identity-kinds.ts';
import { readBody } from '../fields.ts';
import { buryKeys } from './history.ts';
import { check, flag, usd } from '../input.ts';
import {
  changeMember,
  join,
  leave,
  MEMBER_LIMITS,
  memberRow,
  requireMember,
  requireUser,
  WHO,
  type MemberFields,
  type Who,
} from './membership.ts';
import { select } from '../records/records.ts';
import { managedTeam, visibleTeam } from './scoping.ts';
import { groupOf, teamMember, teamName, teamRow } from './teams.ts';

const { max_budget: _named, ...LIMITS } = MEMBER_LIMITS;
const IN_TEAM = { ...teamName.shape, max_budget_in_team: z.nullish(usd), ...LIMITS };
const MOST = 500;
const list = z.array(teamMember, 'expected a list of members').check(z.maxLength(MOST, `expected at most ${MOST} members`));

/** Body of `/team/member_add`. */
export const teamMemberAddition = z.object({
  member: z.union([teamMember, list], 'expected {user_id or user_email, role}, or a list of them'),
  ...IN_TEAM,
});

/** Fields of a membership under the name they have there. */
function limitsOf<T extends { max_budget_in_team?: bigint | null | undefined }>({ max_budget_in_team: budget, ...rest }: T) {
  return { ...rest, ...(budget === undefined ? {} : { max_budget: budget }) };
}

/**
 * `POST /team/member_add`: one or several, made where they are unknown.
 *
 * @throws GatewayError `invalid_request` for who is a member already, `not_found`, `permission`
 */
export async function addTeamMembers(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { fields } = readBody(teamMemberAddition, body);
  const team = await managedTeam(deps, caller, fields.team_id);
  return addAll(deps, caller, { team, members: [fields.member].flat(), fields: limitsOf(fields) });
}

/** Body of `/team/bulk_member_add`. */
export const teamBulkAddition = z.object({ members: z.nullish(list), all_users: z.nullish(flag), ...IN_TEAM });

/**
 * `POST /team/bulk_member_add`: a list, or, for proxy admins, every user there is. Who is a member already is told, the others are added.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `permission`
 */
export async function bulkAddTeamMembers(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { fields } = readBody(teamBulkAddition, body);
  const team = await managedTeam(deps, caller, fields.team_id);
  // The answer names them all.
  if (fields.all_users === true) requireAdmin(caller);
  const members: readonly (Who & { readonly role: string })[] =
    fields.all_users === true
      ? (await select(deps.users, () => true)).map(({ id }) => ({ user_id: id, role: 'user' }))
      : (fields.members ?? []);
  if (members.length === 0) {
    throw new GatewayError('invalid_request', 'members: expected at least one member, or all_users', { param: 'members' });
  }
  const results: JsonObject[] = [];
  for (const who of members) {
    const named = { user_id: who.user_id ?? null, user_email: who.user_email ?? null };
    try {
      const added = await join(deps, caller, { group: groupOf(team.id), who, role: who.role, fields: limitsOf(fields) });
      results.push({ ...named, user_id: added.user.id, success: true, error: null });
    } catch (thrown) {
      const error = GatewayError.from(thrown);
      if (error.kind !== 'invalid_request') throw thrown;
      results.push({ ...named, success: false, error: error.message });
    }
  }
  const successful = results.filter(({ success }) => success === true).length;
  return {
    team_id: team.id,
    results,
    total_requested: members.length,
    successful_additions: successful,
    failed_additions: members.length - successful,
    updated_team: await teamRow(deps, team),
  };
}

async function addAll(
  deps: ManagementDeps,
  caller: Caller,
  { team, members, fields }: { team: Team; members: readonly (Who & { role: string })[]; fields: MemberFields },
): Promise<JsonObject> {
  const users: JsonObject[] = [];
  const memberships: JsonObject[] = [];
  for (const who of members) {
    const { user, member } = await join(deps, caller, { group: groupOf(team.id), who, role: who.role, fields });
    users.push(isViewer(caller) ? USER.row(user, deps.now()) : shortRow(user));
    memberships.push(await memberRow(deps, member, team.memberDefaults));
  }
  return { ...(await teamRow(deps, team)), updated_users: users, updated_team_memberships: memberships };
}

/** What somebody who adds a user may know of it. */
const shortRow = (user: User): JsonObject => ({
  user_id: user.id,
  user_email: user.email ?? null,
  user_alias: user.alias ?? null,
  user_role: user.role,
});

/** Body of `/team/member_update`. */
export const teamMemberChange = z.object({ ...WHO, role: z.nullish(teamMember.shape.role.def.innerType), ...IN_TEAM });

/**
 * `POST /team/member_update`: role and limits within the team.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `permission`
 */
export async function updateTeamMember(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { fields } = readBody(teamMemberChange, body);
  const team = await managedTeam(deps, caller, fields.team_id);
  const user = await requireUser(deps, fields);
  const member = await changeMember(
    deps,
    caller,
    { group: groupOf(team.id), userId: user.id, defaults: team.memberDefaults },
    { fields: limitsOf(fields), role: fields.role ?? undefined },
  );
  const row = await memberRow(deps, member, team.memberDefaults);
  return { ...row, max_budget_in_team: row['max_budget'] };
}

/** Body of `/team/member_delete`. */
export const teamMemberDeletion = z.object({ ...teamName.shape, ...WHO });

/**
 * `POST /team/member_delete`, with the keys the user has for the team.
 *
 * @throws GatewayError `not_found`, `permission`
 */
export async function deleteTeamMember(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { fields } = readBody(teamMemberDeletion, body);
  const team = await managedTeam(deps, caller, fields.team_id);
  const user = await requireUser(deps, fields);
  await requireMember(deps, groupOf(team.id), user.id);
  const ofTeam = ({ teamId }: VirtualKey): boolean => teamId === team.id;
  await buryKeys(deps, caller, { kind: 'user', id: user.id }, ofTeam);
  await leave(deps, caller, groupOf(team.id), user.id);
  // One may have been made meanwhile, and a key without its membership would have no limits of a member.
  await buryKeys(deps, caller, { kind: 'user', id: user.id }, ofTeam);
  return teamRow(deps, team);
}

/**
 * `GET /team/{id}/members/me`: the caller's own membership.
 *
 * @throws GatewayError `not_found`, `permission`
 */
export async function ownMembership(deps: ManagementDeps, caller: Caller, id: string): Promise<JsonObject> {
  const userId = userIdOf(caller);
  if (userId === undefined) {
    throw new GatewayError('invalid_request', 'The key that asks belongs to no user, and so to no member of a team.');
  }
  const team = await visibleTeam(deps, caller, id);
  return memberRow(deps, await requireMember(deps, groupOf(team.id), userId), team.memberDefaults);
}

/** Body of a route that resets spend. */
export const spendReset = z.object({ reset_to: z.nullish(usd) });

/**
 * `POST /team/{id}/member/{user}/reset_spend`: the member's budget windows begin anew, now. The ledger keeps what was spent.
 *
 * @throws GatewayError `invalid_request` for another amount than 0: a meter never shows what nobody spent
 */
export async function resetMemberSpend(
  deps: ManagementDeps,
  caller: Caller,
  { team: teamId, user: userId, body }: { readonly team: string; readonly user: string; readonly body: JsonObject },
): Promise<JsonObject> {
  const team = await managedTeam(deps, caller, teamId);
  if ((check(spendReset, body).reset_to ?? 0n) !== 0n) {
    throw new GatewayError(
      'invalid_request',
      'reset_to: expected 0; spend is what the ledger says, a window can only begin anew',
      {
        param: 'reset_to',
      },
    );
  }
  const target = { group: groupOf(team.id), userId, defaults: team.memberDefaults };
  const member = await changeMember(deps, caller, target, { budgetAnchor: deps.now() });
  return memberRow(deps, member, team.memberDefaults);
}
