/** Named provider credentials: `/credentials`. Values go to the secret store and never come back out; answers mask them. */
import * as z from 'zod/mini';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { providers } from '../../providers/index.ts';
import type { Credential } from '../../stores/credentials.ts';
import { requireAdmin, requireViewer } from '../access.ts';
import { audit } from '../audit.ts';
import { checkBaseUrl, credentialSecretName } from './deployment.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, freeObject, saysNothing, text } from '../input.ts';
import { PARAMETER_FIELDS, SECRET_FIELDS } from './provider-fields.ts';
import { readSecret, writeSecret, type SecretValues } from './secret.ts';

/** What stands for a value in an answer. */
export const MASK = '********';

/** Values that `/model/new` copies into a deployment, so that changing them later needs the models to change too. */
const COPIED_FIELDS: readonly string[] = ['api_base', 'api_version', ...PARAMETER_FIELDS];

/** Values a deployment takes from a credential. */
const VALUE_FIELDS: ReadonlySet<string> = new Set(['api_key', ...SECRET_FIELDS, ...COPIED_FIELDS]);

const valuesInput = z.record(z.string(), z.nullable(z.string()), 'expected an object of texts');
const plainValue = text(16_384);
/** Secrets may be JSON over several lines. */
const SECRET_EXPECTED = 'expected a text of 1 to 16384 characters';
const secretValue = z.string().check(z.minLength(1, SECRET_EXPECTED), z.maxLength(16_384, SECRET_EXPECTED));
const NAME_EXPECTED = 'expected 1 to 128 letters, digits and . _ - characters';
const nameInput = z.string(NAME_EXPECTED).check(z.regex(/^[A-Za-z0-9._-]{1,128}$/, NAME_EXPECTED));

/** The body of `POST /credentials`. */
export const credentialBody = z.looseObject({
  credential_name: nameInput,
  credential_values: valuesInput,
  credential_info: z.nullish(freeObject),
});

/** The body of a change: what is given replaces what is there, null removes it. */
export const credentialChange = z.looseObject({
  credential_values: z.nullish(valuesInput),
  credential_info: z.nullish(freeObject),
});

const notFound = (name: string): GatewayError =>
  new GatewayError('not_found', `No credential '${name}'.`, { type: 'not_found_error', param: 'credential_name' });

/** A credential as answers show it. */
const view = ({ name, fields, info }: Credential): JsonObject => ({
  credential_name: name,
  credential_values: Object.fromEntries(fields.map((field) => [field, MASK])),
  credential_info: info,
});

/** Checks values given; null stands for "remove". */
function readValues(given: unknown): Readonly<Record<string, string | null>> {
  const values = check(valuesInput, given ?? {}, 'credential_values');
  for (const [field, value] of Object.entries(values)) {
    const param = `credential_values.${field}`;
    if (!VALUE_FIELDS.has(field) && value !== null) {
      const fault = `${param}: not supported yet; a credential may hold ${[...VALUE_FIELDS].join(', ')}`;
      throw new GatewayError('invalid_request', fault, { param });
    }
    if (value !== null) check(SECRET_FIELDS.has(field) ? secretValue : plainValue, value, param);
    if (field === 'api_base' && value !== null) checkBaseUrl(value, param);
  }
  return values;
}

const present = (values: Readonly<Record<string, string | null>>): SecretValues =>
  Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== null));

/** Checks `credential_info` and finds the provider it names. */
function readInfo(given: unknown): Pick<Credential, 'info' | 'provider'> {
  const info = check(freeObject, given ?? {}, 'credential_info');
  const provider = info['custom_llm_provider'];
  if (saysNothing(provider)) return { info };
  if (typeof provider === 'string' && providers.has(provider)) return { info, provider };
  const param = 'credential_info.custom_llm_provider';
  throw new GatewayError('invalid_request', `${param}: no such provider; one of ${[...providers.keys()].join(', ')}`, {
    param,
  });
}

/**
 * `POST /credentials`.
 *
 * @throws GatewayError `invalid_request`, `conflict` when the name is taken.
 */
export async function createCredential(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  requireAdmin(caller);
  const name = check(nameInput, body['credential_name'], 'credential_name');
  if (!saysNothing(body['model_id'])) {
    throw new GatewayError('invalid_request', 'model_id: not supported yet; give `credential_values`', { param: 'model_id' });
  }
  const values = present(readValues(body['credential_values']));
  if (Object.keys(values).length === 0) {
    const fault = 'credential_values: expected at least one of api_key, api_base, api_version';
    throw new GatewayError('invalid_request', fault, { param: 'credential_values' });
  }
  const info = readInfo(body['credential_info']);
  if ((await deps.credentials.get(name)) !== undefined) {
    throw new GatewayError('conflict', `credential_name: '${name}' exists already; change it with PATCH /credentials/${name}`, {
      param: 'credential_name',
    });
  }
  const secretName = credentialSecretName(name);
  const now = deps.now();
  await deps.secrets.put(secretName, writeSecret(values));
  const credential = { name, ...info, fields: Object.keys(values), secretName, createdAt: now, updatedAt: now };
  await deps.credentials.put(credential);
  deps.onChange?.();
  await audit(deps, caller, { action: 'created', kind: 'credential', id: name, after: view(credential) });
  return { success: true, message: 'Credential created successfully' };
}

/** `GET /credentials`. */
export async function listCredentials(deps: ManagementDeps, caller: Caller): Promise<JsonObject> {
  requireViewer(caller);
  return { success: true, credentials: (await deps.credentials.list()).map(view) };
}

/**
 * `GET /credentials/{name}` and `/credentials/by_name/{name}`.
 *
 * @throws GatewayError `not_found`.
 */
export async function readCredential(deps: ManagementDeps, caller: Caller, name: string): Promise<JsonObject> {
  requireViewer(caller);
  return view(await existing(deps, name));
}

async function existing(deps: ManagementDeps, name: string): Promise<Credential> {
  const credential = await deps.credentials.get(check(nameInput, name, 'credential_name'));
  if (credential === undefined) throw notFound(name);
  return credential;
}

/**
 * `PATCH /credentials/{name}`: fields given replace those held, null removes one. `credential_info` is merged.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `conflict` for a changed address while models use it.
 */
export async function updateCredential(
  deps: ManagementDeps,
  caller: Caller,
  name: string,
  body: JsonObject,
): Promise<JsonObject> {
  requireAdmin(caller);
  const credential = await existing(deps, name);
  const given = readValues(body['credential_values']);
  const info = readInfo({ ...credential.info, ...check(freeObject, body['credential_info'] ?? {}, 'credential_info') });
  const held = readSecret((await deps.secrets.get(credential.secretName, { fresh: true })) ?? '{}');
  const moved = COPIED_FIELDS.find((field) => given[field] !== undefined && given[field] !== (held[field] ?? null));
  if (moved !== undefined) await refuseWhileUsed(deps, credential, moved);
  const values = present({ ...held, ...given });
  await deps.secrets.put(credential.secretName, writeSecret(values));
  const { provider: _replaced, ...rest } = credential;
  const changed = { ...rest, ...info, fields: Object.keys(values), updatedAt: deps.now() };
  await deps.credentials.put(changed);
  deps.onChange?.();
  await audit(deps, caller, {
    action: 'updated',
    kind: 'credential',
    id: name,
    before: view(credential),
    after: view(changed),
  });
  return { success: true, message: 'Credential updated successfully' };
}

async function refuseWhileUsed(deps: ManagementDeps, { name, secretName }: Credential, field: string): Promise<void> {
  const users = (await deps.models.list()).filter(
    ({ credential }) => credential.type === 'secret' && credential.name === secretName,
  );
  if (users.length === 0) return;
  const models = users.map(({ modelName }) => modelName).join(', ');
  const fault = `credential_values.${field}: '${name}' is used by ${models}, which copied it; change it there with /model/update`;
  throw new GatewayError('conflict', fault, { param: `credential_values.${field}` });
}

/**
 * `DELETE /credentials/{name}`. Models that refer to it fail from then on, by a clear error.
 *
 * @throws GatewayError `not_found`.
 */
export async function deleteCredential(deps: ManagementDeps, caller: Caller, name: string): Promise<JsonObject> {
  requireAdmin(caller);
  const credential = await existing(deps, name);
  await deps.credentials.delete(credential.name);
  await deps.secrets.delete(credential.secretName);
  deps.onChange?.();
  await audit(deps, caller, { action: 'deleted', kind: 'credential', id: name, before: view(credential) });
  return { success: true, message: 'Credential deleted successfully' };
}

/**
 * The secret name of a credential and the values a deployment copies from it.
 *
 * @throws GatewayError `invalid_request` when there is no such credential.
 */
export async function credentialForModel(deps: ManagementDeps, name: string): Promise<SecretValues> {
  const credential = await deps.credentials.get(name);
  if (credential === undefined) {
    const param = 'litellm_params.litellm_credential_name';
    throw new GatewayError('invalid_request', `${param}: no credential '${name}'; create it with POST /credentials`, { param });
  }
  const values = readSecret((await deps.secrets.get(credential.secretName)) ?? '{}');
  return Object.fromEntries(COPIED_FIELDS.flatMap((field) => (values[field] === undefined ? [] : [[field, values[field]]])));
}
