/** Which key a token's claim (`/jwt/key/mapping/...`, LiteLLM's) or an AWS role (`/iam/mapping/...`) stands for. */
import * as z from 'zod/mini';
import { hashSecret } from '../../domain/key.ts';
import { claimId, isPrincipalPattern, type ClaimMapping, type RoleMapping } from '../../domain/mapping.ts';
import { readAll } from '../../domain/pages.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { EntityStore } from '../../stores/entities.ts';
import { actorOf } from '../access.ts';
import { audit, type Change } from '../audit.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, flag, text } from '../input.ts';

const keyFields = { key: z.nullish(text(512)), token_id: z.nullish(text(64)), description: z.nullish(text(1024)) };
/** Body of `/jwt/key/mapping/new`. */
export const claimInput = z.strictObject({
  jwt_claim_name: text(),
  jwt_claim_value: text(),
  ...keyFields,
  is_active: z.nullish(flag),
});
/** Body of `/jwt/key/mapping/update`. */
export const claimUpdate = z.strictObject({ id: text(64), ...keyFields, is_active: z.nullish(flag) });
/** Characters: names of roles have 64, paths 512. */
const LONGEST_ARN = 1024;
const ARN_EXPECTED = 'expected arn:aws:iam::<account>:role/<name> or user/<name>, where * may stand in the name';
/** Body of `/iam/mapping/new`. */
export const roleInput = z.strictObject({
  arn: text(LONGEST_ARN).check(z.refine(isPrincipalPattern, ARN_EXPECTED)),
  ...keyFields,
});

const isoOf = (time: number): string => new Date(time).toISOString();

const notFound = (): GatewayError =>
  new GatewayError('not_found', 'No such mapping.', { type: 'not_found_error', param: 'id' });

/** Hash of the key that is named, which has to be there. */
async function namedKey(
  deps: ManagementDeps,
  { key, token_id: hash }: { readonly key?: string | null | undefined; readonly token_id?: string | null | undefined },
): Promise<string> {
  const given = hash ?? key;
  if (given === undefined || given === null)
    throw new GatewayError('invalid_request', 'key: name the key it stands for', { param: 'key' });
  const found = await deps.keys.get(given.startsWith('sk-') ? hashSecret(given) : given, { fresh: true });
  if (found === undefined)
    throw new GatewayError('not_found', 'No key with this secret or hash.', { type: 'not_found_error', param: 'key' });
  return found.hash;
}

const claimView = (mapping: ClaimMapping): JsonObject => ({
  id: mapping.id,
  jwt_claim_name: mapping.claim,
  jwt_claim_value: mapping.value,
  token_id: mapping.keyHash,
  description: mapping.description ?? null,
  is_active: mapping.active,
  created_at: isoOf(mapping.createdAt),
  updated_at: isoOf(mapping.updatedAt),
  created_by: mapping.createdBy ?? null,
  updated_by: mapping.updatedBy ?? null,
});

const roleView = (mapping: RoleMapping): JsonObject => ({
  id: mapping.id,
  arn: mapping.arn,
  token_id: mapping.keyHash,
  description: mapping.description ?? null,
  created_at: isoOf(mapping.createdAt),
  created_by: mapping.createdBy ?? null,
});

/** What every new record has. */
const newRecord = (id: string, keyHash: string, caller: Caller, now: number) => ({
  id,
  keyHash,
  createdAt: now,
  updatedAt: now,
  createdBy: actorOf(caller),
  updatedBy: actorOf(caller),
  metadata: {},
  rev: 1,
});

/**
 * `POST /jwt/key/mapping/new`.
 *
 * @throws GatewayError `invalid_request`, `not_found` for the key, `conflict` when the claim's value is mapped already
 */
export async function newClaimMapping(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const input = check(claimInput, body);
  const { jwt_claim_name: claim, jwt_claim_value: value, description } = input;
  const mapping: ClaimMapping = {
    ...newRecord(claimId(claim, value), await namedKey(deps, input), caller, deps.now()),
    claim,
    value,
    active: input.is_active ?? true,
    ...(typeof description === 'string' ? { description } : {}),
  };
  if ((await deps.claimMappings.create(mapping)) === 'exists') {
    throw new GatewayError('conflict', 'jwt_claim_value: a key is mapped to this value already', { param: 'jwt_claim_value' });
  }
  return changed(deps, caller, { action: 'created', kind: 'jwt-mapping', id: mapping.id, after: claimView(mapping) });
}

/**
 * `POST /jwt/key/mapping/update`: key, description, whether it counts.
 *
 * @throws GatewayError `not_found`, `conflict` when somebody else changed it meanwhile
 */
export async function updateClaimMapping(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const input = check(claimUpdate, body);
  const found = await deps.claimMappings.get(input.id, { fresh: true });
  if (found === undefined) throw notFound();
  const { description } = input;
  const next: ClaimMapping = {
    ...found,
    ...(input.key === undefined && input.token_id === undefined ? {} : { keyHash: await namedKey(deps, input) }),
    ...(typeof description === 'string' ? { description } : {}),
    active: input.is_active ?? found.active,
    updatedAt: deps.now(),
    updatedBy: actorOf(caller),
    rev: found.rev + 1,
  };
  if ((await deps.claimMappings.replace(next)) !== 'replaced') {
    throw new GatewayError('conflict', 'The mapping was changed by others at the same time; repeat the call.', {
      retryable: true,
    });
  }
  const change = {
    action: 'updated',
    kind: 'jwt-mapping',
    id: next.id,
    before: claimView(found),
    after: claimView(next),
  } as const;
  return changed(deps, caller, change);
}

/** `GET /jwt/key/mapping/info`. Throws GatewayError `not_found`. */
export async function claimMappingInfo(deps: ManagementDeps, id: string | undefined): Promise<JsonObject> {
  const found = await deps.claimMappings.get(check(text(64), id, 'id'), { fresh: true });
  if (found === undefined) throw notFound();
  return claimView(found);
}

/** `POST /iam/mapping/new`. Throws GatewayError `invalid_request`, `not_found` for the key, `conflict`. */
export async function newRoleMapping(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const input = check(roleInput, body);
  const { arn, description } = input;
  const mapping: RoleMapping = {
    ...newRecord(arn, await namedKey(deps, input), caller, deps.now()),
    arn,
    ...(typeof description === 'string' ? { description } : {}),
  };
  if ((await deps.roleMappings.create(mapping)) === 'exists') {
    throw new GatewayError('conflict', 'arn: a key is mapped to it already', { param: 'arn' });
  }
  return changed(deps, caller, { action: 'created', kind: 'iam-mapping', id: mapping.id, after: roleView(mapping) });
}

/** The body of the routes that forget. */
export const mappingId = z.looseObject({ id: text(LONGEST_ARN) });

const idIn = (body: JsonObject): string => check(text(LONGEST_ARN), body['id'] ?? body['arn'], 'id');

/** `POST /jwt/key/mapping/delete`. Throws GatewayError `not_found`. */
export async function deleteClaimMapping(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const gone = await deps.claimMappings.delete(idIn(body));
  if (gone === undefined) throw notFound();
  return changed(deps, caller, { action: 'deleted', kind: 'jwt-mapping', id: gone.id, before: claimView(gone) });
}

/** `POST /iam/mapping/delete`. Throws GatewayError `not_found`. */
export async function deleteRoleMapping(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const gone = await deps.roleMappings.delete(idIn(body));
  if (gone === undefined) throw notFound();
  return changed(deps, caller, { action: 'deleted', kind: 'iam-mapping', id: gone.id, before: roleView(gone) });
}

/** Tells gateway and audit of a change; the answer shows what is there now, or what was. */
async function changed(deps: ManagementDeps, caller: Caller, change: Change): Promise<JsonObject> {
  deps.onChange?.();
  await audit(deps, caller, change);
  return { ...(change.after ?? change.before) };
}

/** `GET /jwt/key/mapping/list`. */
export async function listClaimMappings(deps: ManagementDeps): Promise<JsonObject> {
  const mappings = (await readAll(deps.claimMappings)).map(claimView);
  return { mappings, total_count: mappings.length };
}

/** `GET /iam/mapping/list`. */
export async function listRoleMappings(deps: ManagementDeps): Promise<JsonObject> {
  const mappings = (await readAll(deps.roleMappings)).map(roleView);
  return { mappings, total_count: mappings.length };
}

/** Lets the mappings of a key follow it to its new hash: to be called when its secret was regenerated. */
export async function moveMappings(
  stores: Pick<ManagementDeps, 'claimMappings' | 'roleMappings'>,
  from: string,
  to: string,
): Promise<void> {
  for (const store of [stores.claimMappings, stores.roleMappings] as readonly EntityStore<ClaimMapping | RoleMapping>[]) {
    for (const mapping of await readAll(store)) {
      if (mapping.keyHash === from) await store.replace({ ...mapping, keyHash: to, rev: mapping.rev + 1 });
    }
  }
}
