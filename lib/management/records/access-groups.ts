/**
 * Access groups, names for lists of models: `/access_group/...` in LiteLLM's older form and `/v1/access_group` in its newer one. They
 * are the same groups here: a group is known by its name, which is its id too.
 */
import * as z from 'zod/mini';
import type { AccessGroup } from '../../domain/customer.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { audit } from '../audit.ts';
import type { ManagementDeps } from '../deps.ts';
import { chosen, edited } from '../changes.ts';
import { names, text } from '../input.ts';
import { readBody } from '../fields.ts';
import { changeOne, createOne, deleteOne, historyRow, readOne, type RecordKind } from './record-kind.ts';
import { TEAM } from '../people/identity-kinds.ts';
import { auditRow } from '../keys/key-answer.ts';
import { changeKey, existingKey } from '../keys/key-records.ts';
import { askedPart, each, newEntity, select, type Query } from './records.ts';

const unifiedRow = (group: AccessGroup): JsonObject => ({
  access_group_id: group.id,
  access_group_name: group.id,
  description: group.description ?? null,
  access_model_names: group.models,
  access_mcp_server_ids: [],
  access_agent_ids: [],
  ...historyRow(group),
});

const GROUP: RecordKind<AccessGroup> = {
  name: 'access group',
  idField: 'access_group',
  store: ({ accessGroups }) => accessGroups,
  row: unifiedRow,
};

const row = (group: AccessGroup): JsonObject => ({ access_group: group.id, model_names: group.models });

/** The body of `/access_group/new`. */
export const groupBody = z.object({ access_group: text(), model_names: names });
/** The body of `/access_group/{name}/update`. */
export const modelsBody = z.object({ model_names: names });

/**
 * `POST /access_group/new`.
 *
 * @throws GatewayError `invalid_request`, `conflict`
 */
export async function newAccessGroup(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { access_group: id, model_names: models } = readBody(groupBody, body).fields;
  return row(await createOne(deps, caller, GROUP, { ...newEntity(deps, caller), id, metadata: {}, models }));
}

/**
 * `PUT /access_group/{name}/update`.
 *
 * @throws GatewayError `invalid_request`, `not_found`
 */
export async function updateAccessGroup(
  deps: ManagementDeps,
  caller: Caller,
  id: string,
  body: JsonObject,
): Promise<JsonObject> {
  const { model_names: models } = readBody(modelsBody, body).fields;
  return row(await changeOne(deps, caller, GROUP, id, (group) => ({ ...group, models })));
}

/**
 * `GET /access_group/{name}/info`.
 *
 * @throws GatewayError `not_found`
 */
export const accessGroupInfo = async (deps: ManagementDeps, id: string): Promise<JsonObject> =>
  row(await readOne(deps, GROUP, id));

/** `GET /access_group/list`. */
export const listAccessGroups = async (deps: ManagementDeps, query: Query): Promise<JsonObject> => ({
  access_groups: askedPart(await select(deps.accessGroups, () => true), query).map(row),
});

/**
 * `DELETE /access_group/{name}/delete`. Lists that name the group lose its models.
 *
 * @throws GatewayError `not_found`
 */
export async function deleteAccessGroup(deps: ManagementDeps, caller: Caller, id: string): Promise<JsonObject> {
  await deleteOne(deps, caller, GROUP, id);
  return { message: `Access group ${id} deleted`, access_group: id };
}

const unifiedShape = {
  description: z.nullish(text(1024)),
  access_model_names: z.nullish(names),
  assigned_team_ids: z.nullish(names),
  assigned_key_ids: z.nullish(names),
} as const;
/** The body of `POST /v1/access_group`. */
export const unifiedBody = z.object({ ...unifiedShape, access_group_name: text() });
/** The body of `PUT /v1/access_group/{id}`. */
export const unifiedChange = z.object({ ...unifiedShape, access_group_name: z.nullish(text()) });

type Unified = z.infer<typeof unifiedChange>;

const changed = (group: AccessGroup, body: Unified): AccessGroup =>
  edited(group, {
    description: chosen(body.description, group.description),
    models: chosen(body.access_model_names, group.models) ?? [],
  });

/** Rows with the teams and keys that have the groups. */
async function unifiedRows(deps: ManagementDeps, groups: readonly AccessGroup[]): Promise<readonly JsonObject[]> {
  const has = ({ accessGroups = [] }: { readonly accessGroups?: readonly string[] }): boolean => accessGroups.length > 0;
  const [teams, keys] = await Promise.all([select(deps.teams, has), select(deps.keys, has)]);
  return groups.map((group) => ({
    ...unifiedRow(group),
    assigned_team_ids: teams.filter(({ accessGroups }) => accessGroups.includes(group.id)).map(({ id }) => id),
    assigned_key_ids: keys.filter(({ accessGroups = [] }) => accessGroups.includes(group.id)).map(({ hash }) => hash),
  }));
}

const unified = async (deps: ManagementDeps, group: AccessGroup): Promise<JsonObject> =>
  (await unifiedRows(deps, [group]))[0] ?? {};

/** What a list becomes; undefined when it stays. */
function moved(groups: readonly string[], id: string, wanted: boolean): readonly string[] | undefined {
  if (groups.includes(id) === wanted) return undefined;
  return wanted ? [...groups, id] : groups.filter((group) => group !== id);
}

/** Gives the group to the teams and keys named, and takes it from all others. Absent lists change nothing. */
async function assign(
  deps: ManagementDeps,
  caller: Caller,
  id: string,
  { assigned_team_ids: teams, assigned_key_ids: keys }: Unified,
): Promise<void> {
  const has = ({ accessGroups = [] }: { readonly accessGroups?: readonly string[] }): boolean => accessGroups.includes(id);
  if (teams !== undefined) {
    const touched = new Set([...(teams ?? []), ...(await select(deps.teams, has)).map((team) => team.id)]);
    for (const team of touched) {
      await changeOne(deps, caller, TEAM, team, (known) => ({
        ...known,
        accessGroups: moved(known.accessGroups, id, (teams ?? []).includes(team)) ?? known.accessGroups,
      }));
    }
  }
  if (keys === undefined) return;
  // Whoever names an old secret means the key that took its place.
  const wanted = new Set((await each(keys ?? [], (hash) => existingKey(deps, hash))).map(({ hash }) => hash));
  const touched = new Set([...wanted, ...(await select(deps.keys, has)).map(({ hash }) => hash)]);
  for (const hash of touched) {
    const { before, after } = await changeKey(deps, hash, (key) => {
      const own = key.accessGroups ?? [];
      return { ...key, accessGroups: moved(own, id, wanted.has(hash)) ?? own };
    });
    if (has(before) === has(after)) continue;
    await audit(deps, caller, { action: 'updated', kind: 'key', id: hash, before: auditRow(before), after: auditRow(after) });
  }
}

/** Refuses teams and keys that do not exist, before anything is changed. */
async function requireHolders(
  deps: ManagementDeps,
  { assigned_team_ids: teams, assigned_key_ids: keys }: Unified,
): Promise<void> {
  await each(teams ?? [], (team) => readOne(deps, TEAM, team));
  await each(keys ?? [], (hash) => existingKey(deps, hash));
}

/**
 * `POST /v1/access_group`.
 *
 * @throws GatewayError `invalid_request`, `conflict`
 */
export async function newUnifiedGroup(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const fields = readBody(unifiedBody, body).fields;
  await requireHolders(deps, fields);
  const blank = { ...newEntity(deps, caller), id: fields.access_group_name, metadata: {}, models: [] };
  const group = await createOne(deps, caller, GROUP, changed(blank, fields));
  await assign(deps, caller, group.id, fields);
  return unified(deps, group);
}

/**
 * `PUT /v1/access_group/{id}`: null clears a field, an absent one stays.
 *
 * @throws GatewayError `invalid_request` for another name, `not_found`
 */
export async function updateUnifiedGroup(
  deps: ManagementDeps,
  caller: Caller,
  id: string,
  body: JsonObject,
): Promise<JsonObject> {
  const fields = readBody(unifiedChange, body).fields;
  if (typeof fields.access_group_name === 'string' && fields.access_group_name !== id) {
    const fault = 'access_group_name: lists name a group by its name, so it stays; make a new group instead';
    throw new GatewayError('invalid_request', fault, { param: 'access_group_name' });
  }
  const group = await changeOne(deps, caller, GROUP, id, (known) => changed(known, fields));
  await assign(deps, caller, id, fields);
  return unified(deps, group);
}

/**
 * `GET /v1/access_group/{id}`.
 *
 * @throws GatewayError `not_found`
 */
export const unifiedGroup = async (deps: ManagementDeps, id: string): Promise<JsonObject> =>
  unified(deps, await readOne(deps, GROUP, id));

/** `GET /v1/access_group`. */
export const listUnifiedGroups = async (deps: ManagementDeps, query: Query): Promise<readonly JsonObject[]> =>
  unifiedRows(deps, askedPart(await select(deps.accessGroups, () => true), query));
