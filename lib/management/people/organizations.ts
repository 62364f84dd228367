/** `/organization/...`: teams, members and keys under common limits. */
import * as z from 'zod/mini';
import type { Organization } from '../../domain/organization.ts';
import { readAll } from '../../domain/pages.ts';
import type { Member, Team } from '../../domain/team.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { isAdmin, isViewer, seesOrganization, userIdOf } from '../access.ts';
import { chosen, edited } from '../changes.ts';
import type { ManagementDeps } from '../deps.ts';
import { ORGANIZATION, TEAM } from './identity-kinds.ts';
import { keptAfter, readBody, type Body } from '../fields.ts';
import { changeOne, createOne, deleteOne } from '../records/record-kind.ts';
import { buryKeys } from './history.ts';
import { check, flag, freeObject, modelMap, names, ownerId, ownerIds, text, usd } from '../input.ts';
import { changesLimits, LIMIT_FIELDS, withLimits } from '../limit-fields.ts';
import { changeMember, join, leave, MEMBER_LIMITS, memberRow, requireMember, requireUser, WHO } from './membership.ts';
import {
  askedPart,
  contains,
  each,
  newEntity,
  newId,
  ownedBy,
  PAGING,
  readRecord,
  recordsOf,
  sifted,
  type Query,
} from '../records/records.ts';
import { forbidden, requireAbove, visibleOrganization } from './scoping.ts';
import { limitedRow } from '../standing.ts';
import { removeTeam } from './teams.ts';

/** Body of `/organization/new` and `/organization/update`. */
export const organizationBody = z.object({
  organization_id: z.nullish(ownerId()),
  organization_alias: z.nullish(text()),
  models: z.nullish(names),
  model_aliases: z.nullish(modelMap),
  metadata: z.nullish(freeObject),
  blocked: z.nullish(flag),
  ...LIMIT_FIELDS,
});

type Given = Body<z.infer<typeof organizationBody>>;

const organizationAfter = (record: Organization, { fields, kept }: Given, now: number): Organization =>
  edited(withLimits(record, fields, now), {
    kept: undefined,
    ...keptAfter(record.kept, kept),
    alias: chosen(fields.organization_alias, record.alias) ?? record.id,
    models: chosen(fields.models, record.models) ?? [],
    aliases: chosen(fields.model_aliases, record.aliases) ?? {},
    metadata: chosen(fields.metadata, record.metadata) ?? {},
    blocked: chosen(fields.blocked, record.blocked) ?? false,
  });

const rowOf = async (deps: ManagementDeps, record: Organization): Promise<Record<string, unknown>> => ({
  ...ORGANIZATION.row(record, deps.now()),
  ...(await limitedRow(deps, 'organization', record)),
});

const groupOf = (id: string): Member['group'] => ({ kind: 'organization', id });

const teamsOf = (deps: ManagementDeps, id: string): Promise<readonly Team[]> =>
  readAll(ownedBy(deps.teams, { kind: 'organization', id }));

/** The row with members and teams. */
async function wholeRow(deps: ManagementDeps, record: Organization): Promise<JsonObject> {
  const now = deps.now();
  const [row, members, teams] = await Promise.all([
    rowOf(deps, record),
    deps.members.list(groupOf(record.id)),
    teamsOf(deps, record.id),
  ]);
  return {
    ...row,
    members: await each(members, (member) => memberRow(deps, member)),
    teams: teams.map((team) => TEAM.row(team, now)),
  };
}

/**
 * `POST /organization/new`.
 *
 * @throws GatewayError `invalid_request`, `conflict`
 */
export async function newOrganization(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const given = readBody(organizationBody, body);
  const alias = check(text(), given.fields.organization_alias, 'organization_alias');
  const now = deps.now();
  const id = given.fields.organization_id ?? newId(deps);
  const blank = {
    ...newEntity(deps, caller),
    id,
    alias,
    models: [],
    aliases: {},
    blocked: false,
    metadata: {},
    budgetAnchor: now,
  };
  return rowOf(deps, await createOne(deps, caller, ORGANIZATION, organizationAfter(blank, given, now)));
}

/**
 * `PATCH /organization/update`. An org admin changes its name and facts; what it may spend and call is for those above it.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `permission`
 */
export async function updateOrganization(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const given = readBody(organizationBody, body);
  const { fields } = given;
  const { id } = await visibleOrganization(deps, caller, check(ownerId(), fields.organization_id, 'organization_id'));
  await requireAbove(deps, caller, id);
  const isOwnBusiness =
    !changesLimits(fields) && [fields.models, fields.model_aliases, fields.blocked].every((value) => value === undefined);
  if (!isOwnBusiness && !isAdmin(caller)) {
    throw forbidden('Only a proxy admin may change the limits, models and aliases of an organization, or block it.');
  }
  const after = await changeOne(deps, caller, ORGANIZATION, id, (record) => organizationAfter(record, given, deps.now()));
  return rowOf(deps, after);
}

/** Body of `/organization/delete`. */
export const organizationDeletion = z.object({ organization_ids: names });

/**
 * `DELETE /organization/delete`, with its teams, memberships and keys.
 *
 * @throws GatewayError `not_found` when one of them is unknown; none is deleted then
 */
export async function deleteOrganizations(
  deps: ManagementDeps,
  caller: Caller,
  body: JsonObject,
): Promise<readonly JsonObject[]> {
  const { organization_ids: ids } = check(organizationDeletion, body);
  await each(ids, (id) => readRecord(deps.organizations, 'organization', id));
  const rows: JsonObject[] = [];
  for (const id of new Set(ids)) {
    await removeWhatIsOf(deps, caller, id);
    const members = await deps.members.list(groupOf(id));
    for (const { userId } of members) await leave(deps, caller, groupOf(id), userId);
    rows.push(ORGANIZATION.row(await deleteOne(deps, caller, ORGANIZATION, id), deps.now()));
    // Something may have been made meanwhile, and without its organization it would have no limits but its own.
    await removeWhatIsOf(deps, caller, id);
  }
  return rows;
}

async function removeWhatIsOf(deps: ManagementDeps, caller: Caller, id: string): Promise<void> {
  for (const team of await teamsOf(deps, id)) await removeTeam(deps, caller, team.id);
  await buryKeys(deps, caller, { kind: 'organization', id });
}

/**
 * `GET /organization/info`.
 *
 * @throws GatewayError `not_found`, `permission`
 */
export async function organizationInfo(deps: ManagementDeps, caller: Caller, id: string | undefined): Promise<JsonObject> {
  return wholeRow(deps, await visibleOrganization(deps, caller, check(ownerId(), id, 'organization_id')));
}

/** Body of `POST /organization/info`. */
export const organizationNames = z.object({ organizations: ownerIds });

/**
 * `POST /organization/info`, LiteLLM's older way: those there are of `organizations`, as far as the caller may see them.
 *
 * @throws GatewayError `invalid_request`
 */
export async function organizationInfos(
  deps: ManagementDeps,
  caller: Caller,
  body: JsonObject,
): Promise<readonly JsonObject[]> {
  const { organizations: ids } = check(organizationNames, body);
  const found = await recordsOf(deps.organizations, ids);
  const seen = await sifted(found, ({ id }) => seesOrganization(deps, caller, id));
  return each(seen, (record) => wholeRow(deps, record));
}

/** Query of `/organization/list`. */
export const ORGANIZATION_LISTING = ['org_id', 'org_alias', ...PAGING];

/** `GET /organization/list`: those the caller may see. */
export async function listOrganizations(deps: ManagementDeps, caller: Caller, query: Query): Promise<readonly JsonObject[]> {
  const userId = userIdOf(caller);
  const user = isViewer(caller) || userId === undefined ? undefined : await deps.users.get(userId, { fresh: true });
  const visible = isViewer(caller)
    ? await readAll(deps.organizations)
    : await recordsOf(deps.organizations, user?.organizations ?? []);
  const asked = visible.filter(
    ({ id, alias }) => (query('org_id') === undefined || query('org_id') === id) && contains(alias, query('org_alias')),
  );
  return each(askedPart(asked, query), (record) => wholeRow(deps, record));
}

const ROLE = z.enum(
  ['org_admin', 'internal_user', 'internal_user_viewer'],
  'expected org_admin, internal_user or internal_user_viewer',
);
const memberInput = z.object({ ...WHO, role: ROLE }, 'expected {user_id or user_email, role}');
const { max_budget: _named, ...LIMITS } = MEMBER_LIMITS;
const IN_ORGANIZATION = { organization_id: ownerId(), max_budget_in_organization: z.nullish(usd), ...LIMITS };

/** Body of `/organization/member_add`. */
export const organizationMemberAddition = z.object({
  member: z.union([memberInput, z.array(memberInput)], 'expected a member or a list of members'),
  ...IN_ORGANIZATION,
});

/** Fields of a membership under the name they have there. */
const limitsOf = <T extends { max_budget_in_organization?: bigint | null | undefined }>({
  max_budget_in_organization: budget,
  ...rest
}: T) => ({ ...rest, ...(budget === undefined ? {} : { max_budget: budget }) });

/**
 * `POST /organization/member_add`: one or several, made where they are unknown.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `permission`
 */
export async function addOrganizationMembers(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { fields } = readBody(organizationMemberAddition, body);
  const { id } = await managedOrganization(deps, caller, fields.organization_id);
  const rows: JsonObject[] = [];
  const users: unknown[] = [];
  for (const who of [fields.member].flat()) {
    const joined = await join(deps, caller, { group: groupOf(id), who, role: who.role, fields: limitsOf(fields) });
    rows.push(await memberRow(deps, joined.member));
    users.push({ user_id: joined.user.id, user_email: joined.user.email ?? null, user_role: joined.user.role });
  }
  return { organization_id: id, updated_users: users, updated_organization_memberships: rows };
}

async function managedOrganization(deps: ManagementDeps, caller: Caller, id: string): Promise<Organization> {
  const organization = await visibleOrganization(deps, caller, id);
  await requireAbove(deps, caller, organization.id);
  return organization;
}

/** Body of `/organization/member_update`. */
export const organizationMemberChange = z.object({ ...WHO, role: z.nullish(ROLE), ...IN_ORGANIZATION });

/**
 * `PATCH /organization/member_update`.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `permission`
 */
export async function updateOrganizationMember(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { fields } = readBody(organizationMemberChange, body);
  const { id } = await managedOrganization(deps, caller, fields.organization_id);
  const user = await requireUser(deps, fields);
  const role = fields.role ?? undefined;
  const member = await changeMember(deps, caller, { group: groupOf(id), userId: user.id }, { fields: limitsOf(fields), role });
  return memberRow(deps, member);
}

/** Body of `/organization/member_delete`. */
export const organizationMemberDeletion = z.object({ organization_id: ownerId(), ...WHO });

/**
 * `DELETE /organization/member_delete`.
 *
 * @throws GatewayError `not_found`, `permission`
 */
export async function deleteOrganizationMember(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { fields } = readBody(organizationMemberDeletion, body);
  const { id } = await managedOrganization(deps, caller, fields.organization_id);
  const user = await requireUser(deps, fields);
  const row = await memberRow(deps, await requireMember(deps, groupOf(id), user.id));
  await leave(deps, caller, groupOf(id), user.id);
  return row;
}
