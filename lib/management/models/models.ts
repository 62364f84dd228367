/** Deployments the operator adds at run time: `/model/...`. Their `api_key` goes to the secret store, never into a table. */
import * as z from 'zod/mini';
import type { CredentialRef, Deployment } from '../../domain/model.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { requireAdmin } from '../access.ts';
import { audit } from '../audit.ts';
import { credentialForModel } from './credentials.ts';
import { deploymentOf, infoSchema, isPriceField, modelSecretName, type DeploymentResult, paramsSchema } from './deployment.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, saysNothing, text } from '../input.ts';
import { infoOf, modelRow, paramsOf } from './model-answer.ts';
import { SECRET_FIELDS } from './provider-fields.ts';
import { readSecret, writeSecret } from './secret.ts';

const ID_EXPECTED = 'expected 1 to 128 letters, digits and . _ - : characters';
const idInput = z.string(ID_EXPECTED).check(z.regex(/^[A-Za-z0-9._:-]{1,128}$/, ID_EXPECTED));

/** The body of `/model/new`. */
export const modelBody = z.looseObject({
  model_name: text(),
  litellm_params: paramsSchema,
  model_info: z.nullish(infoSchema),
});

/** The body of a change: what is given replaces what is there. */
export const modelChange = z.looseObject({
  model_name: z.nullish(text()),
  litellm_params: z.nullish(z.partial(paramsSchema)),
  model_info: z.nullish(infoSchema),
});

/** The body of `/model/delete`. */
export const modelId = z.looseObject({ id: text() });

/** The error for an id that no deployment has. */
export const noModel = (id: string): GatewayError =>
  new GatewayError('not_found', `No model with id '${id}'.`, { type: 'not_found_error', param: 'id' });

/** The object in a field of the body; absent and null count as empty. */
function part(body: JsonObject, name: string): JsonObject {
  const value = body[name] ?? {};
  if (isObject(value)) return value;
  throw new GatewayError('invalid_request', `${name}: expected an object`, { param: name });
}

/** Reads a deployment for the store; nothing in it may be without effect. */
function readDeployment(modelName: unknown, params: unknown, info: JsonObject, id: string): DeploymentResult {
  const result = deploymentOf({ modelName, params, info, source: 'store', id });
  const [param] = result.unsupported;
  if (param === undefined) return result;
  throw new GatewayError('invalid_request', `${result.unsupported.join(', ')}: not supported yet; leave it out`, { param });
}

/** Parameters with the values a named credential brings along; the parameters' own win. */
async function withCredential(deps: ManagementDeps, params: JsonObject): Promise<JsonObject> {
  const name = params['litellm_credential_name'];
  return typeof name === 'string' ? { ...(await credentialForModel(deps, name)), ...params } : params;
}

/** The entry of `/model/info` for a deployment. */
async function rowOf(deps: ManagementDeps, deployment: Deployment): Promise<JsonObject> {
  return modelRow(deployment, await deps.facts(deployment, deployment.model));
}

/**
 * `POST /model/new`.
 *
 * @throws GatewayError `invalid_request`, `conflict` when the id of `model_info` is taken.
 */
export async function newModel(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  requireAdmin(caller);
  const info = part(body, 'model_info');
  const given = info['id'] ?? undefined;
  const id = given === undefined ? Buffer.from(deps.random(16)).toString('hex') : check(idInput, given, 'model_info.id');
  const params = await withCredential(deps, part(body, 'litellm_params'));
  const { deployment, secrets } = readDeployment(body['model_name'], params, info, id);
  const taken = (await deps.deployments()).some((known) => known.id === id);
  const now = deps.now();
  const stored: Deployment = { ...deployment, createdAt: now, updatedAt: now, rev: 1 };
  // The row first: a second `new` of one id is refused before it could overwrite the first one's secret.
  if (taken || (await deps.models.put(stored, 'new')) === 'conflict') {
    throw new GatewayError('conflict', `model_info.id: '${id}' exists already`, { param: 'model_info.id' });
  }
  if (secrets !== undefined) {
    try {
      await deps.secrets.put(modelSecretName(id), writeSecret(secrets));
    } catch (error) {
      await deps.models.delete(id);
      throw error;
    }
  }
  return told(deps, caller, { action: 'created', id, after: stored });
}

/** Tells gateway and audit of a change; the answer is the row. */
async function told(
  deps: ManagementDeps,
  caller: Caller,
  { action, id, before, after }: { action: 'created' | 'updated'; id: string; before?: Deployment; after: Deployment },
): Promise<JsonObject> {
  deps.onChange?.();
  const was = before === undefined ? {} : { before: modelRow(before, undefined) };
  await audit(deps, caller, { action, kind: 'model', id, ...was, after: modelRow(after, undefined) });
  return { model_id: id, ...(await rowOf(deps, after)) };
}

/** The stored deployment of an id. */
async function storedModel(deps: ManagementDeps, id: string): Promise<Deployment> {
  const stored = await deps.models.get(id);
  if (stored !== undefined) return stored;
  if ((await deps.deployments()).every((deployment) => deployment.id !== id)) throw noModel(id);
  throw new GatewayError('invalid_request', `id: '${id}' comes from a config file or the environment; change it there`, {
    param: 'id',
  });
}

/**
 * `POST /model/update` (id in `model_info.id`) and `PATCH /model/{id}/update`: fields of `litellm_params` and `model_info` given
 * replace those held, null removes one.
 *
 * @throws GatewayError `invalid_request`, `not_found`.
 */
export async function updateModel(
  deps: ManagementDeps,
  caller: Caller,
  body: JsonObject,
  pathId?: string,
): Promise<JsonObject> {
  requireAdmin(caller);
  const info = part(body, 'model_info');
  const id = check(idInput, pathId ?? info['id'] ?? body['model_id'], pathId === undefined ? 'model_info.id' : 'id');
  const old = await storedModel(deps, id);
  const change = await withCredential(deps, part(body, 'litellm_params'));
  const read = readDeployment(
    body['model_name'] ?? old.modelName,
    mergedParams(old, change, info),
    { ...infoOf(old), ...('max_tokens' in info ? { max_output_tokens: null } : {}), ...info },
    id,
  );
  const stored: Deployment = {
    ...read.deployment,
    credential: await credentialAfter(deps, old, change, read),
    ...(old.createdAt === undefined ? {} : { createdAt: old.createdAt }),
    updatedAt: deps.now(),
    rev: (old.rev ?? 0) + 1,
  };
  if ((await deps.models.put(stored, 'existing')) === 'conflict') throw noModel(id);
  await dropSecret(deps, old, stored);
  return told(deps, caller, { action: 'updated', id, before: old, after: stored });
}

/** Parameters with a change laid over them. What the change says under its other name must not lose against what was there. */
function mergedParams(old: Deployment, change: JsonObject, info: JsonObject): JsonObject {
  return {
    ...paramsOf(old),
    ...Object.fromEntries(Object.entries(info).filter(([name]) => isPriceField(name))),
    ...('base_url' in change ? { api_base: null } : {}),
    ...change,
  };
}

/** Fields that say what the credential is. */
const CREDENTIAL_FIELDS = ['api_key', 'litellm_credential_name', ...SECRET_FIELDS];

/** The credential of a changed deployment. Its own secrets are written with the change laid over them; null removes one. */
async function credentialAfter(
  deps: ManagementDeps,
  old: Deployment,
  change: JsonObject,
  { deployment: { credential }, secrets = {} }: DeploymentResult,
): Promise<CredentialRef> {
  if (!CREDENTIAL_FIELDS.some((name) => name in change)) return old.credential;
  const name = modelSecretName(old.id);
  const isOwn = (ref: CredentialRef): boolean => ref.type === 'secret' && ref.name === name;
  if (credential.type !== 'none' && !isOwn(credential)) return credential;
  const held = isOwn(old.credential) ? readSecret((await deps.secrets.get(name, { fresh: true })) ?? '{}') : {};
  const kept = Object.fromEntries(Object.entries(held).filter(([field]) => change[field] !== null));
  const values = { ...kept, ...secrets };
  if (Object.keys(values).length === 0) return credential;
  await deps.secrets.put(name, writeSecret(values));
  return { type: 'secret', name };
}

/** Deletes a deployment's own secret once nothing refers to it. */
async function dropSecret(deps: ManagementDeps, old: Deployment, now?: Deployment): Promise<void> {
  const own = modelSecretName(old.id);
  const refers = (deployment: Deployment | undefined): boolean =>
    deployment?.credential.type === 'secret' && deployment.credential.name === own;
  if (refers(old) && !refers(now)) await deps.secrets.delete(own);
}

/**
 * `POST /model/delete`.
 *
 * @throws GatewayError `invalid_request`, `not_found`.
 */
export async function deleteModel(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  requireAdmin(caller);
  const id = check(idInput, saysNothing(body['id']) ? body['model_id'] : body['id'], 'id');
  const old = await storedModel(deps, id);
  if ((await deps.models.delete(id)) === undefined) throw noModel(id);
  await dropSecret(deps, old);
  deps.onChange?.();
  await audit(deps, caller, { action: 'deleted', kind: 'model', id, before: modelRow(old, undefined) });
  return { message: `Model: ${id} deleted successfully` };
}
