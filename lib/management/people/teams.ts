/** `/team/...`: keys and members under common limits. Members are in `team-members.ts`. */
import * as z from 'zod/mini';
import type { VirtualKey } from '../../domain/key.ts';
import type { Limits } from '../../domain/limits.ts';
import type { Member, Team } from '../../domain/team.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import { defined, type JsonObject } from '../../kinds/json.ts';
import { isViewer, managesOrganization, managesTeam, ownKey, userIdOf } from '../access.ts';
import { openBudgets } from '../budget.ts';
import { chosen, edited } from '../changes.ts';
import type { ManagementDeps } from '../deps.ts';
import { TEAM } from './identity-kinds.ts';
import { keptAfter, readBody, type Body } from '../fields.ts';
import { changeOne, createOne, readOne } from '../records/record-kind.ts';
import { buryKeys, buryTeam } from './history.ts';
import { check, count, flag, freeObject, modelMap, names, ownerId, ownerIds, text, usd } from '../input.ts';
import { keyRow, standingOf } from '../keys/key-answer.ts';
import { changesLimits, duration, LIMIT_FIELDS, withLimits } from '../limit-fields.ts';
import { join, leave, memberRow, WHO } from './membership.ts';
import { each, newEntity, newId, ownedBy, select, undo } from '../records/records.ts';
import {
  forbidden,
  managedTeam,
  referredOrganization,
  requireAbove,
  requireFresh,
  requireManager,
  requireWithin,
  visibleTeam,
} from './scoping.ts';
import { limitedRow, memberScope } from '../standing.ts';

const ROLE = z.enum(['admin', 'user'], 'expected admin or user');

/** Somebody as bodies of teams name them. */
export const teamMember = z.object({ ...WHO, role: z._default(ROLE, 'user') }, 'expected {user_id or user_email, role}');

/** Body of `/team/new`, `/team/update` and `PATCH /team/{id}`. */
export const teamBody = z.object({
  team_id: z.nullish(ownerId()),
  team_alias: z.nullish(text()),
  organization_id: z.nullish(ownerId()),
  models: z.nullish(names),
  model_aliases: z.nullish(modelMap),
  metadata: z.nullish(freeObject),
  tags: z.nullish(ownerIds),
  blocked: z.nullish(flag),
  access_group_ids: z.nullish(names),
  team_member_permissions: z.nullish(names),
  members_with_roles: z.nullish(
    z.array(teamMember, 'expected a list of members').check(z.maxLength(100, 'expected at most 100')),
  ),
  team_member_budget: z.nullish(usd),
  team_member_budget_duration: z.nullish(duration),
  team_member_rpm_limit: z.nullish(count),
  team_member_tpm_limit: z.nullish(count),
  team_member_key_duration: z.nullish(duration),
  ...LIMIT_FIELDS,
});

type Fields = z.infer<typeof teamBody>;
type Given = Body<Fields>;

/** What members may do with keys of the team until somebody says otherwise. */
const DEFAULT_PERMISSIONS = ['/key/info', '/key/health'];

const teamAfter = (team: Team, { fields, kept }: Given, now: number): Team =>
  edited(withLimits(team, fields, now), {
    kept: undefined,
    ...keptAfter(team.kept, kept),
    alias: chosen(fields.team_alias, team.alias),
    organizationId: chosen(fields.organization_id, team.organizationId),
    models: chosen(fields.models, team.models) ?? [],
    aliases: chosen(fields.model_aliases, team.aliases) ?? {},
    metadata: chosen(fields.metadata, team.metadata) ?? {},
    tags: chosen(fields.tags, team.tags) ?? [],
    blocked: chosen(fields.blocked, team.blocked) ?? false,
    accessGroups: chosen(fields.access_group_ids, team.accessGroups) ?? [],
    memberPermissions: chosen(fields.team_member_permissions, team.memberPermissions) ?? [],
    memberDefaults: memberDefaultsAfter(team, fields),
    memberKeyDuration: chosen(fields.team_member_key_duration, team.memberKeyDuration),
  });

function memberDefaultsAfter({ memberDefaults: old = {} }: Team, fields: Fields): Team['memberDefaults'] {
  const defaults = defined({
    maxBudget: chosen(fields.team_member_budget, old.maxBudget),
    budgetDuration: chosen(fields.team_member_budget_duration, old.budgetDuration),
    rpmLimit: chosen(fields.team_member_rpm_limit, old.rpmLimit),
    tpmLimit: chosen(fields.team_member_tpm_limit, old.tpmLimit),
  });
  return Object.keys(defaults).length === 0 ? undefined : defaults;
}

/** The group of a team. */
export const groupOf = (id: string): Member['group'] => ({ kind: 'team', id });

/** The row of a team: LiteLLM's, with figures and members. */
export async function teamRow(deps: ManagementDeps, team: Team): Promise<JsonObject> {
  const [limits, members] = await Promise.all([limitedRow(deps, 'team', team), deps.members.list(groupOf(team.id))]);
  return {
    ...TEAM.row(team, deps.now()),
    ...limits,
    members_with_roles: members.map(({ userId, email, role }) => ({ user_id: userId, user_email: email ?? null, role })),
  };
}

/** @throws GatewayError `invalid_request` for a team that would exceed its organization */
export async function requireWithinOrganization(deps: ManagementDeps, team: Team): Promise<void> {
  if (team.organizationId === undefined) return;
  const record = await referredOrganization(deps, team.organizationId);
  await requireWithin(deps, { name: 'organization', record }, team);
}

/**
 * `POST /team/new`. Whoever makes a team becomes its admin.
 *
 * @throws GatewayError `invalid_request`, `conflict`, `permission`
 */
export async function newTeam(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const given = readBody(teamBody, body);
  const { fields } = given;
  await requireAbove(deps, caller, fields.organization_id ?? undefined);
  const now = deps.now();
  const blank: Team = {
    ...newEntity(deps, caller),
    id: fields.team_id ?? newId(deps),
    models: [],
    aliases: {},
    tags: [],
    blocked: false,
    memberPermissions: DEFAULT_PERMISSIONS,
    accessGroups: [],
    metadata: {},
    budgetAnchor: now,
  };
  const team = teamAfter(blank, given, now);
  await requireWithinOrganization(deps, team);
  await requireFresh(deps, caller, { kind: 'team', id: team.id });
  await createOne(deps, caller, TEAM, team);
  const creator = userIdOf(caller);
  const members = [...(fields.members_with_roles ?? [])];
  if (creator !== undefined && !members.some(({ user_id: id }) => id === creator))
    members.push({ user_id: creator, role: 'admin' });
  try {
    for (const who of members) await join(deps, caller, { group: groupOf(team.id), who, role: who.role });
    return await teamRow(deps, team);
  } catch (error) {
    // Whoever asked repeats the whole call.
    await undo(deps, 'team', () => removeTeam(deps, caller, team.id));
    throw error;
  }
}

/**
 * True for a change that is the business of those above the team: what it may spend and call, where it belongs. Tags have limits, and a team's
 * models let pass what an alias makes of a name of theirs.
 */
const isOfAbove = (fields: Fields): boolean =>
  changesLimits(fields) ||
  [fields.models, fields.model_aliases, fields.organization_id, fields.blocked, fields.access_group_ids, fields.tags].some(
    (value) => value !== undefined,
  );

/**
 * `POST /team/update` and `PATCH /team/{id}`: null clears a field, an absent one stays. Admins of the team change its name, facts
 * and what concerns its members; its own limits, models and their aliases are for those above it.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `permission`
 */
export async function updateTeam(deps: ManagementDeps, caller: Caller, body: JsonObject, pathId?: string): Promise<JsonObject> {
  const given = readBody(teamBody, body);
  const { fields } = given;
  const known = await managedTeam(deps, caller, check(ownerId(), pathId ?? fields.team_id, 'team_id'));
  if (fields.members_with_roles !== undefined && fields.members_with_roles !== null) {
    throw new GatewayError('invalid_request', 'members_with_roles: change members with /team/member_add and the like', {
      param: 'members_with_roles',
    });
  }
  const after = await changeTeam(deps, caller, known.id, async (team) => {
    await requireManager(deps, caller, team);
    if (isOfAbove(fields) && !(await managesOrganization(deps, caller, team.organizationId))) {
      throw forbidden('Only those above a team may change its limits, models and organization, or block it.');
    }
    if (fields.organization_id !== undefined && fields.organization_id !== team.organizationId) {
      await requireAbove(deps, caller, fields.organization_id ?? undefined);
    }
    const changed = teamAfter(team, given, deps.now());
    await requireWithinOrganization(deps, changed);
    return changed;
  });
  return teamRow(deps, after);
}

/**
 * Changes a team; members whose defaults come into force by it find what they spent.
 *
 * @param edit looks at the rights of the caller too: the team may have changed hands since they were looked at first
 */
export function changeTeam(
  deps: ManagementDeps,
  caller: Caller,
  id: string,
  edit: (team: Team) => Promise<Team> | Team,
  action: 'updated' | 'blocked' | 'unblocked' = 'updated',
): Promise<Team> {
  return changeOne(
    deps,
    caller,
    TEAM,
    id,
    async (team) => {
      const changed = await edit(team);
      if (changesMembers(team.memberDefaults, changed.memberDefaults)) {
        await each(await deps.members.list(groupOf(id)), async (member) => {
          const [was, is] = await Promise.all(
            [team, changed].map(({ memberDefaults }) => memberScope(deps, member, memberDefaults)),
          );
          if (was !== undefined && is !== undefined) await openBudgets(deps, is, was.limits);
        });
      }
      return changed;
    },
    action,
  );
}

/** True when budgets of members may come into force. */
const changesMembers = (was: Partial<Limits> = {}, is: Partial<Limits> = {}): boolean =>
  was.maxBudget !== is.maxBudget || was.budgetDuration !== is.budgetDuration;

/** Body of `/team/delete`. */
export const teamDeletion = z.object({ team_ids: names });

/**
 * `POST /team/delete`, with its memberships and keys; a copy of each stays in the history.
 *
 * @throws GatewayError `not_found` when one of them is unknown, `permission`; none is deleted then
 */
export async function deleteTeams(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { team_ids: ids } = check(teamDeletion, body);
  for (const id of ids) {
    const team = await visibleTeam(deps, caller, id);
    await requireAbove(deps, caller, team.organizationId);
  }
  for (const id of new Set(ids)) await removeTeam(deps, caller, id);
  return { deleted_teams: ids };
}

/**
 * Deletes a team and what belongs to it. Its keys go first: should this be cut off, nobody calls for a team that is half gone. They are
 * looked for once more when the team is gone: one may have been made meanwhile, and a key without its team would have no limits but its own.
 */
export async function removeTeam(deps: ManagementDeps, caller: Caller, id: string): Promise<void> {
  await buryKeys(deps, caller, { kind: 'team', id });
  for (const { userId } of await deps.members.list(groupOf(id))) await leave(deps, caller, groupOf(id), userId);
  await buryTeam(deps, caller, await readOne(deps, TEAM, id));
  await buryKeys(deps, caller, { kind: 'team', id });
}

/**
 * `GET /team/info`: the team with its keys and memberships. Keys are shown to those who may change them, and to their owners.
 *
 * @throws GatewayError `not_found`, `permission`
 */
export async function teamInfo(deps: ManagementDeps, caller: Caller, id: string | undefined): Promise<JsonObject> {
  const asked = id ?? ownKey(caller)?.teamId;
  const team = await visibleTeam(deps, caller, check(ownerId(), asked, 'team_id'));
  const seesKeys = isViewer(caller) || (await managesTeam(deps, caller, team));
  const isShown = ({ hash, userId }: VirtualKey): boolean =>
    seesKeys || hash === ownKey(caller)?.hash || (userId !== undefined && userId === userIdOf(caller));
  const [row, members, keys] = await Promise.all([
    teamRow(deps, team),
    deps.members.list(groupOf(team.id)),
    select(ownedBy(deps.keys, { kind: 'team', id: team.id }), isShown),
  ]);
  return {
    team_id: team.id,
    team_info: row,
    keys: await each(keys, async (key) => keyRow(key, await standingOf(deps, key))),
    team_memberships: await each(members, (member) => memberRow(deps, member, team.memberDefaults)),
  };
}

/** Body of `/team/block` and `/team/unblock`. */
export const teamName = z.object({ team_id: ownerId() });

/**
 * `POST /team/block` and `/team/unblock`.
 *
 * @throws GatewayError `not_found`, `permission`
 */
export async function setTeamBlocked(
  deps: ManagementDeps,
  caller: Caller,
  body: JsonObject,
  blocked: boolean,
): Promise<JsonObject> {
  const { team_id: id } = check(teamName, body);
  await visibleTeam(deps, caller, id);
  const action = blocked ? 'blocked' : 'unblocked';
  const edit = async (known: Team): Promise<Team> => {
    await requireAbove(deps, caller, known.organizationId);
    return { ...known, blocked };
  };
  return teamRow(deps, await changeTeam(deps, caller, id, edit, action));
}
