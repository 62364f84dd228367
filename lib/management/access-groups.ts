/**
 * Access groups, names for lists of models: `/access_group/...` in LiteLLM's older form and `/v1/access_group` in its newer one. They
 * are the same groups here: a group is known by its name, which is its id too.
 */
import * as z from 'zod/mini';
import type { AccessGroup } from '../domain/customer.ts';
import type { VirtualKey } from '../domain/key.ts';
import { GatewayError } from '../errors.ts';
import type { Caller } from '../exchange.ts';
import type { JsonObject } from '../kinds/json.ts';
import type { KeyStore } from '../stores/keys.ts';
import type { ManagementDeps } from './deps.ts';
import { chosen, edited } from './changes.ts';
import { names, text } from './input.ts';
import { readBody } from './fields.ts';
import { changeOne, createOne, deleteOne, historyRow, readOne, type RecordKind } from './record-kind.ts';
import { newEntity, select } from './records.ts';

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
export const listAccessGroups = async (deps: ManagementDeps): Promise<JsonObject> => ({
  access_groups: (await select(deps.accessGroups, () => true)).map(row),
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

/** The row with the teams and keys that have the group. */
async function unified(deps: ManagementDeps, group: AccessGroup): Promise<JsonObject> {
  const [teams, keys] = await Promise.all([select(deps.teams, () => true), allKeys(deps.keys)]);
  const has = ({ accessGroups }: { readonly accessGroups?: readonly string[] }) => accessGroups?.includes(group.id) === true;
  return {
    ...unifiedRow(group),
    assigned_team_ids: teams.filter(has).map(({ id }) => id),
    assigned_key_ids: keys.filter(has).map(({ hash }) => hash),
  };
}

async function allKeys(store: KeyStore): Promise<readonly VirtualKey[]> {
  const keys: VirtualKey[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ limit: 500, ...(cursor === undefined ? {} : { cursor }) });
    keys.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return keys;
}

/** Gives the group to the teams and keys named, and takes it from all others. Absent lists change nothing. */
async function assign(deps: ManagementDeps, id: string, { assigned_team_ids: teams, assigned_key_ids: keys }: Unified) {
  const moved = (groups: readonly string[], wanted: boolean): readonly string[] | undefined => {
    if (groups.includes(id) === wanted) return undefined;
    return wanted ? [...groups, id] : groups.filter((group) => group !== id);
  };
  for (const team of teams === undefined ? [] : await select(deps.teams, () => true)) {
    const accessGroups = moved(team.accessGroups, (teams ?? []).includes(team.id));
    if (accessGroups !== undefined) requireDone(await deps.teams.replace({ ...team, accessGroups, rev: team.rev + 1 }));
  }
  for (const key of keys === undefined ? [] : await allKeys(deps.keys)) {
    const accessGroups = moved(key.accessGroups ?? [], (keys ?? []).includes(key.hash));
    if (accessGroups !== undefined) requireDone(await deps.keys.replace({ ...key, accessGroups, rev: key.rev + 1 }));
  }
}

function requireDone(outcome: string): void {
  if (outcome === 'replaced') return;
  const fault = 'A team or key was changed by others at the same time; repeat the call.';
  throw new GatewayError('conflict', fault, { retryable: true });
}

/**
 * `POST /v1/access_group`.
 *
 * @throws GatewayError `invalid_request`, `conflict`
 */
export async function newUnifiedGroup(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const fields = readBody(unifiedBody, body).fields;
  const blank = { ...newEntity(deps, caller), id: fields.access_group_name, metadata: {}, models: [] };
  const group = await createOne(deps, caller, GROUP, changed(blank, fields));
  await assign(deps, group.id, fields);
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
  await assign(deps, id, fields);
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
export const listUnifiedGroups = async (deps: ManagementDeps): Promise<readonly JsonObject[]> =>
  Promise.all((await select(deps.accessGroups, () => true)).map((group) => unified(deps, group)));
