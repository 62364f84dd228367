/** `/user/...`: people who own keys and manage things. Listings are in `user-list.ts`. */
import * as z from 'zod/mini';
import { ownersOfUser } from '../../domain/owned.ts';
import { readAll } from '../../domain/pages.ts';
import { PLAIN_USER, type User } from '../../domain/user.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { isAdmin, userIdOf } from '../access.ts';
import { chosen, edited } from '../changes.ts';
import type { ManagementDeps } from '../deps.ts';
import { USER } from './identity-kinds.ts';
import { keptAfter, readBody, type Body } from '../fields.ts';
import { changeOne, createOne, deleteOne } from '../records/record-kind.ts';
import { buryKeys } from './history.ts';
import { check, flag, freeObject, idFault, modelMap, names, ownerId, ownerIds, text, usd } from '../input.ts';
import { generateKey } from '../keys/keys.ts';
import { duration, LIMIT_FIELDS, withLimits } from '../limit-fields.ts';
import { join, leave, requireUser, requireUserId, WHO } from './membership.ts';
import { each, newEntity, newId, ownedBy, select, undo } from '../records/records.ts';
import { forbidden, managedOrganizations, referredOrganization, requireFresh } from './scoping.ts';
import { limitedRow } from '../standing.ts';

const ROLE = z.enum(
  ['proxy_admin', 'proxy_admin_viewer', 'internal_user', 'internal_user_viewer'],
  'expected proxy_admin, proxy_admin_viewer, internal_user or internal_user_viewer',
);

const teamOfUser = z.object({
  team_id: ownerId(),
  max_budget_in_team: z.nullish(usd),
  user_role: z.nullish(z.enum(['admin', 'user'], 'expected admin or user')),
});

/** Fields of a user that can be set. */
const FIELDS = {
  user_alias: z.nullish(text()),
  user_role: z.nullish(ROLE),
  sso_user_id: z.nullish(text()),
  models: z.nullish(names),
  aliases: z.nullish(modelMap),
  metadata: z.nullish(freeObject),
  blocked: z.nullish(flag),
  ...LIMIT_FIELDS,
};

/** Body of `/user/new`. What only a key has goes to the key that is made with the user. */
export const userBody = z.object({
  ...WHO,
  ...FIELDS,
  teams: z.nullish(
    z.array(
      z.union([ownerId(), teamOfUser], {
        error: idFault('expected ids of teams, or {team_id, user_role, max_budget_in_team}'),
      }),
    ),
  ),
  team_id: z.nullish(ownerId()),
  organizations: z.nullish(ownerIds),
  auto_create_key: z.nullish(flag),
  key_alias: z.nullish(text()),
  duration: z.nullish(duration),
});

type Fields = z.infer<z.ZodMiniObject<typeof FIELDS>>;

const userAfter = (
  user: User,
  { fields, kept }: Body<Fields & { readonly user_email?: string | null | undefined }>,
  now: number,
): User =>
  edited(withLimits(user, fields, now), {
    kept: undefined,
    ...keptAfter(user.kept, kept),
    alias: chosen(fields.user_alias, user.alias),
    email: chosen(fields.user_email, user.email) || undefined,
    ssoUserId: chosen(fields.sso_user_id, user.ssoUserId),
    role: chosen(fields.user_role, user.role) ?? 'internal_user',
    models: chosen(fields.models, user.models) ?? [],
    aliases: chosen(fields.aliases, user.aliases) ?? {},
    metadata: chosen(fields.metadata, user.metadata) ?? {},
    blocked: chosen(fields.blocked, user.blocked) ?? false,
  });

/** The row of a user: LiteLLM's, with figures. */
export async function userRow(deps: ManagementDeps, user: User): Promise<JsonObject> {
  return { ...USER.row(user, deps.now()), ...(await limitedRow(deps, 'user', user)) };
}

/** Refuses an e-mail or an id at the identity provider that somebody else has: people are found by them. */
async function requireUnique(deps: ManagementDeps, user: User): Promise<void> {
  const same = await each(ownersOfUser(user), (owner) => readAll(ownedBy(deps.users, owner)));
  const other = same.flat().find(({ id }) => id !== user.id);
  if (other === undefined) return;
  const param = other.ssoUserId !== undefined && other.ssoUserId === user.ssoUserId ? 'sso_user_id' : 'user_email';
  throw new GatewayError('conflict', `${param}: another user has it already`, { param });
}

/** Who may make users: proxy admins all, org admins internal users of their organizations. */
async function requireMaker(deps: ManagementDeps, caller: Caller, fields: z.infer<typeof userBody>): Promise<void> {
  if (isAdmin(caller)) return;
  const managed = await managedOrganizations(deps, caller);
  const organizations = fields.organizations ?? [];
  const isOwn = organizations.length > 0 && organizations.every((id) => managed.has(id));
  const role = fields.user_role ?? 'internal_user';
  const asksMore = (fields.teams ?? []).length > 0 || Boolean(fields.team_id) || fields.auto_create_key === true;
  if (isOwn && role.startsWith('internal_user') && !asksMore) return;
  throw forbidden('Only proxy admins make users, and org admins internal users of the organizations they administer.');
}

/**
 * `POST /user/new`, with a key unless `auto_create_key` is false. Org admins make keys with `/key/generate`.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `conflict`, `permission`
 */
export async function newUser(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const given = readBody(userBody, body);
  const { fields } = given;
  await requireMaker(deps, caller, fields);
  const now = deps.now();
  const id = fields.user_id || newId(deps);
  requireUserId(id);
  await requireFresh(deps, caller, { kind: 'user', id });
  const blank: User = {
    ...newEntity(deps, caller),
    id,
    ...PLAIN_USER,
    budgetAnchor: now,
  };
  const user = userAfter(blank, given, now);
  const teams = teamsOf(fields);
  await requireUnique(deps, user);
  await Promise.all((fields.organizations ?? []).map((organization) => referredOrganization(deps, organization)));
  for (const { team_id: team } of teams) if ((await deps.teams.get(team, { fresh: true })) === undefined) throw noTeam(team);
  await createOne(deps, caller, USER, user);
  try {
    await enrol(deps, caller, id, { teams, organizations: fields.organizations ?? [], role: user.role });
    const key = isAdmin(caller) && fields.auto_create_key !== false ? await keyFor(deps, caller, id, fields) : { key: '' };
    return { ...key, ...(await userRow(deps, await requireUser(deps, { user_id: id }))) };
  } catch (error) {
    // Whoever asked repeats the whole call.
    await undo(deps, 'user', () => deleteUsers(deps, caller, { user_ids: [id] }));
    throw error;
  }
}

/** Makes a new user a member of all the groups it was made for. */
async function enrol(
  deps: ManagementDeps,
  caller: Caller,
  id: string,
  groups: {
    readonly teams: readonly z.infer<typeof teamOfUser>[];
    readonly organizations: readonly string[];
    readonly role: string;
  },
): Promise<void> {
  for (const { team_id: team, user_role: role, max_budget_in_team: budget } of groups.teams) {
    const limits = budget === undefined ? {} : { max_budget: budget };
    await join(deps, caller, { group: { kind: 'team', id: team }, who: { user_id: id }, role: role ?? 'user', fields: limits });
  }
  for (const organization of groups.organizations) {
    await join(deps, caller, {
      group: { kind: 'organization', id: organization },
      who: { user_id: id },
      role: groups.role,
    });
  }
}

const noTeam = (id: string): GatewayError =>
  new GatewayError('invalid_request', `teams: team not found: '${id}' does not exist`, { param: 'teams' });

/** The teams a body names, in all the ways it may. */
function teamsOf({ teams, team_id: one }: z.infer<typeof userBody>): readonly z.infer<typeof teamOfUser>[] {
  const named = (teams ?? []).map((team) => (typeof team === 'string' ? { team_id: team } : team));
  return one && !named.some(({ team_id: team }) => team === one) ? [...named, { team_id: one }] : named;
}

/** A first key for a new user; its limits are the user's. */
async function keyFor(
  deps: ManagementDeps,
  caller: Caller,
  userId: string,
  { key_alias: alias, duration: life }: { key_alias?: string | null | undefined; duration?: string | null | undefined },
): Promise<JsonObject> {
  const body = { user_id: userId, ...(alias ? { key_alias: alias } : {}), ...(life ? { duration: life } : {}) };
  const made = await generateKey(deps, caller, body);
  const { key, token, token_id: tokenId, key_name: name, key_alias: shown, expires } = made;
  return { key, token, token_id: tokenId, key_name: name, key_alias: shown, expires };
}

/** Body of `/user/update`. */
export const userChange = z.object({ ...WHO, ...FIELDS });

/** What users may change of themselves. Not the e-mail: whoever is made a member by e-mail has to be who it belongs to. */
const OWN_FIELDS: ReadonlySet<string> = new Set(['user_id', 'user_alias', 'metadata']);

/**
 * `POST /user/update`: by id, or by e-mail where there is no id. Users change their own name and facts.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `conflict`, `permission`
 */
export async function updateUser(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const given = readBody(userChange, body);
  const { fields } = given;
  if (!isAdmin(caller)) {
    const isSelf = userIdOf(caller) !== undefined && fields.user_id === userIdOf(caller);
    const own = caller.type === 'key' ? caller.user?.email : undefined;
    const isSame = !fields.user_email || fields.user_email === own;
    // Limits may hide in `metadata`, from where they are read too.
    const named = [...Object.keys(body), ...Object.keys(fields)];
    const strange = named.find((name) => !OWN_FIELDS.has(name) && !(name === 'user_email' && isSame));
    if (!isSelf || strange !== undefined) {
      throw forbidden('Only a proxy admin may do this; users may change their own user_alias and metadata.');
    }
  }
  const known = await requireUser(deps, fields);
  // An e-mail that said who is meant is no change of it.
  const { user_email: email, ...rest } = fields;
  const change = { fields: fields.user_id && email ? { ...rest, user_email: email } : rest, kept: given.kept };
  const after = await changeOne(deps, caller, USER, known.id, async (user) => {
    const changed = userAfter(user, change, deps.now());
    if (changed.email !== user.email || changed.ssoUserId !== user.ssoUserId) await requireUnique(deps, changed);
    return changed;
  });
  return { user_id: after.id, data: await userRow(deps, after) };
}

/** Body of `/user/bulk_update`. */
export const userBulkChange = z.object({
  users: z.nullish(z.array(freeObject, 'expected a list of users').check(z.maxLength(500, 'expected at most 500 users'))),
  all_users: z.nullish(flag),
  user_updates: z.nullish(freeObject),
});

/**
 * `POST /user/bulk_update`: each for itself; what fails is told beside what was changed.
 *
 * @throws GatewayError `invalid_request`
 */
export async function bulkUpdateUsers(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { users, all_users: all, user_updates: updates } = check(userBulkChange, body);
  const changes =
    all === true ? (await select(deps.users, () => true)).map(({ id }) => ({ ...updates, user_id: id })) : (users ?? []);
  if (changes.length === 0) {
    throw new GatewayError('invalid_request', 'users: expected at least one user, or all_users with user_updates', {
      param: 'users',
    });
  }
  const results: JsonObject[] = [];
  for (const change of changes as readonly JsonObject[]) {
    const named = { user_id: change['user_id'] ?? null, user_email: change['user_email'] ?? null };
    try {
      const { data } = await updateUser(deps, caller, change);
      results.push({ ...named, success: true, error: null, updated_user: data });
    } catch (thrown) {
      const error = GatewayError.from(thrown);
      if (error.status >= 500) throw thrown;
      results.push({ ...named, success: false, error: error.message, updated_user: null });
    }
  }
  const successful = results.filter(({ success }) => success === true).length;
  return {
    results,
    total_requested: changes.length,
    successful_updates: successful,
    failed_updates: changes.length - successful,
  };
}

/** Body of `/user/delete`. */
export const userDeletion = z.object({ user_ids: names });

/**
 * `POST /user/delete`, with keys and memberships.
 *
 * @returns how many were deleted
 * @throws GatewayError `not_found` when one of them is unknown; none is deleted then
 */
export async function deleteUsers(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<number> {
  const { user_ids: ids } = check(userDeletion, body);
  const users = await Promise.all([...new Set(ids)].map((id) => requireUser(deps, { user_id: id })));
  for (const user of users) {
    await buryKeys(deps, caller, { kind: 'user', id: user.id });
    for (const id of user.teams) await leave(deps, caller, { kind: 'team', id }, user.id);
    for (const id of user.organizations) await leave(deps, caller, { kind: 'organization', id }, user.id);
    await deleteOne(deps, caller, USER, user.id);
    // One may have been made meanwhile, and a key without its user would have no limits but its own.
    await buryKeys(deps, caller, { kind: 'user', id: user.id });
  }
  return users.length;
}
