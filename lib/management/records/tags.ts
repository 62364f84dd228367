/** Tags: labels on calls with limits and models of their own: `/tag/...`. */
import * as z from 'zod/mini';
import type { Tag } from '../../domain/customer.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { chosen, edited } from '../changes.ts';
import { check, names, ownerId, text } from '../input.ts';
import { BELONGING_FIELDS, belongingAfter, belongingRow, requireOwners } from './belonging.ts';
import { LIMIT_FIELDS, limitRow, withLimits } from '../limit-fields.ts';
import { keptAfter, readBody } from '../fields.ts';
import { changeOne, createOne, deleteOne, historyRow, type RecordKind } from './record-kind.ts';
import { askedPart, contains, each, newEntity, PAGING, select, type Query } from './records.ts';
import { limitedRow } from '../standing.ts';

/** The body of `/tag/new` and `/tag/update`. */
export const tagBody = z.object({
  ...LIMIT_FIELDS,
  name: ownerId(),
  description: z.nullish(text(1024)),
  models: z.nullish(names),
  ...BELONGING_FIELDS,
});

const row = (tag: Tag, now: number): JsonObject => ({
  name: tag.id,
  description: tag.description ?? null,
  models: tag.models,
  ...belongingRow(tag),
  model_info: null,
  ...limitRow(tag, now),
  ...tag.kept,
  ...historyRow(tag),
});

const TAG: RecordKind<Tag> = {
  name: 'tag',
  idField: 'name',
  store: ({ tags }) => tags,
  row,
  scope: ({ id }) => ({ kind: 'tag', id }),
};

const answer = async (deps: ManagementDeps, tag: Tag): Promise<JsonObject> => ({
  ...row(tag, deps.now()),
  ...(await limitedRow(deps, 'tag', tag)),
});

const changed = (tag: Tag, body: z.infer<typeof tagBody>, kept: JsonObject, now: number): Tag =>
  edited(withLimits(tag, body, now), {
    kept: undefined,
    ...keptAfter(tag.kept, kept),
    description: chosen(body.description, tag.description),
    models: chosen(body.models, tag.models) ?? [],
    ...belongingAfter(tag, body),
  });

/**
 * `POST /tag/new`.
 *
 * @throws GatewayError `invalid_request`, `conflict`
 */
export async function newTag(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { fields, kept } = readBody(tagBody, body);
  await requireOwners(deps, fields);
  const entity = { ...newEntity(deps, caller), id: fields.name };
  const blank: Tag = { ...entity, metadata: {}, models: [], budgetAnchor: entity.createdAt };
  const tag = await createOne(deps, caller, TAG, changed(blank, fields, kept, entity.createdAt));
  return { message: `Tag ${tag.id} created successfully`, tag: await answer(deps, tag) };
}

/**
 * `POST /tag/update`: null clears a field, an absent one stays.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `conflict`
 */
export async function updateTag(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { fields, kept } = readBody(tagBody, body);
  await requireOwners(deps, fields);
  const tag = await changeOne(deps, caller, TAG, fields.name, (tag) => changed(tag, fields, kept, deps.now()));
  return { message: `Tag ${tag.id} updated successfully`, tag: await answer(deps, tag) };
}

/** The body of `/tag/info`. */
export const tagsBody = z.object({ names });

/** `POST /tag/info`: the tags there are of those in `names`, by name. */
export async function tagInfo(deps: ManagementDeps, body: JsonObject): Promise<JsonObject> {
  const { names: asked } = check(tagsBody, body);
  const found = await each(asked, (name) => deps.tags.get(name, { fresh: true }));
  const rows = await each(
    found.filter((tag) => tag !== undefined),
    (tag) => answer(deps, tag),
  );
  return Object.fromEntries(rows.map((row) => [String(row['name']), row]));
}

/** Query of `/tag/list`. */
export const TAG_LISTING = ['name', ...PAGING];

/** `GET /tag/list`; `name` is a part of the name. */
export async function listTags(deps: ManagementDeps, query: Query): Promise<readonly JsonObject[]> {
  const tags = await select(deps.tags, ({ id }) => contains(id, query('name')));
  return each(askedPart(tags, query), (tag) => answer(deps, tag));
}

/** The body of `/tag/delete`. */
export const tagDeletion = z.object({ name: ownerId() });

/**
 * `POST /tag/delete`. Calls keep the label; its limits are gone.
 *
 * @throws GatewayError `not_found`
 */
export async function deleteTag(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const tag = await deleteOne(deps, caller, TAG, check(tagDeletion, body).name);
  return { message: `Tag ${tag.id} deleted successfully` };
}
