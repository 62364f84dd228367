/** The `model_list` of a LiteLLM config, entry by entry. */
import { createHash } from 'node:crypto';
import type { Deployment } from '../../domain/model.ts';
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { deploymentOf } from '../../management/models/deployment.ts';
import { saysNothing } from '../../management/input.ts';
import { providers } from '../../providers/index.ts';
import { environmentDeployments } from '../environment.ts';
import { StartError } from '../start-error.ts';
import type { Notes } from './notes.ts';
import { type Environment, referenceOf, resolveReferences, variable } from './references.ts';
import type { YamlFile } from './yaml-file.ts';

const SECTION = 'model_list';
const ENTRY_KEYS: ReadonlySet<string> = new Set(['model_name', 'litellm_params', 'model_info']);

/** Parameters that say where a call goes: without the one that was meant, it would go somewhere else. */
const VITAL_PARAMS = ['api_base', 'base_url', 'model', 'custom_llm_provider'];

/** What entries are read with. */
export interface ModelReading {
  readonly environment: Environment;
  readonly notes: Notes;
  /** Ids given so far, over all files. */
  readonly ids: Set<string>;
}

/**
 * The deployments of one file. An entry of a provider we do not know, or one that lacks its address, is left out and noted.
 *
 * @throws StartError naming file and line of the first value that is wrong.
 */
export function readModels(file: YamlFile, reading: ModelReading): readonly Deployment[] {
  const list = file.content[SECTION] ?? [];
  if (!Array.isArray(list)) throw new StartError(`${file.at([SECTION])}: ${SECTION}: expected a list of models`);
  return list.flatMap((entry: unknown, index) => readEntry(file, index, entry, reading));
}

function readEntry(file: YamlFile, index: number, entry: unknown, reading: ModelReading): readonly Deployment[] {
  const { environment, notes } = reading;
  const at = (path: readonly (string | number)[]): string => file.at([SECTION, index, ...path]);
  if (!isObject(entry))
    throw new StartError(`${at([])}: ${SECTION}[${index}]: expected a mapping with model_name and litellm_params`);
  const { model_name: modelName, litellm_params: params, model_info: info } = entry;
  for (const [key, value] of Object.entries(entry)) {
    if (!ENTRY_KEYS.has(key) && !saysNothing(value)) notes.unsupported(`${SECTION}[].${key}`, at([key]));
  }
  if (isObject(params) && modelName === '*' && params['model'] === '*') return everyProvider(reading, at(['litellm_params']));

  const id = idOf(entry, reading.ids, at(['model_info', 'id']));
  const name = `model ${JSON.stringify(modelName)}`;
  const missing = new Set<string>();
  const resolved = resolveParams(params, environment, (variableName, path) => {
    notes.missing(variableName, at(['litellm_params', ...path]));
    missing.add(String(path[0]));
  });
  const vital = VITAL_PARAMS.filter((param) => missing.has(param));
  if (vital.length > 0) {
    notes.add(`${at([])}: ${name} is left out, for want of its ${vital.join(' and ')}`);
    return [];
  }
  try {
    const { deployment, unsupported } = deploymentOf({ modelName, params: resolved, info, source: 'config', id });
    for (const path of unsupported) notes.unsupported(path, at(path.split('.')));
    return [
      withCredential(deployment, environment, (variableName) => notes.missing(variableName, at(['litellm_params', 'api_key']))),
    ];
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const place = at(pathOf(error.detail.param ?? ''));
    if (!isUnusable(error, params)) throw new StartError(`${place}: ${SECTION}[${index}]: ${error.message}`);
    notes.add(`${place}: ${name} is left out: ${error.message}`);
    return [];
  }
}

/** An `api_key` stays a reference, which the gateway follows when it calls; everything else is needed now. */
function resolveParams(
  params: unknown,
  environment: Environment,
  onMissing: (name: string, path: readonly (string | number)[]) => void,
): unknown {
  if (!isObject(params)) return params;
  const { api_key: key, ...others } = params;
  const resolved = resolveReferences(others, environment, onMissing) as JsonObject;
  return key === undefined ? resolved : { ...resolved, api_key: key };
}

/** True for an entry that is well written, but names a provider that is not here or lacks an address: others still work. */
function isUnusable(error: GatewayError, params: unknown): boolean {
  if (!isObject(params)) return false;
  const name = (error.detail.param ?? '').replace(/^litellm_params\./, '');
  if (name === 'api_base') return params['api_base'] === undefined;
  return (name === 'model' || name === 'custom_llm_provider') && typeof params[name] === 'string' && params[name] !== '';
}

/** `litellm_params.extra_headers[0]` as keys. */
const pathOf = (param: string): (string | number)[] =>
  param
    .split(/[.[\]]+/)
    .filter((part) => part !== '')
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));

/** LiteLLM's `*` over `*`: every provider whose key is in the environment, under its own prefix. */
function everyProvider({ environment, notes, ids }: ModelReading, place: string): readonly Deployment[] {
  const { deployments } = environmentDeployments(environment);
  if (deployments.length === 0) notes.add(`${place}: model "*" is left out: no provider's key is in the environment`);
  return deployments
    .filter(({ id }) => !ids.has(id))
    .map((deployment) => {
      ids.add(deployment.id);
      return { ...deployment, source: 'config' };
    });
}

/**
 * LiteLLM takes an absent `api_key` from the provider's own variable. So do we, but only for calls to the provider's own host, or
 * where it has none: a key does not follow a foreign address.
 */
function withCredential(deployment: Deployment, environment: Environment, onMissing: (name: string) => void): Deployment {
  const { credential } = deployment;
  if (credential.type === 'env' && variable(environment, credential.name) === undefined) onMissing(credential.name);
  if (credential.type !== 'none' || !isOwnHost(deployment)) return deployment;
  const name = providers.get(deployment.provider)?.envKeys.find((key) => variable(environment, key) !== undefined);
  return name === undefined ? deployment : { ...deployment, credential: { type: 'env', name } };
}

function isOwnHost({ provider, apiBase }: Deployment): boolean {
  const base = providers.get(provider)?.base;
  if (base === undefined || apiBase === undefined) return true;
  return URL.parse(apiBase)?.host === URL.parse(base)?.host;
}

const SECRET_NAME = /key|token|secret|password|credential|headers/i;

/** The id in `model_info`, or a hash of name and parameters without their secrets, counted up where two entries are the same. */
function idOf(entry: JsonObject, ids: Set<string>, place: string): string {
  const info = entry['model_info'];
  const given = isObject(info) ? info['id'] : undefined;
  if (typeof given === 'string' && given !== '') {
    if (ids.has(given)) throw new StartError(`${place}: model_info.id: ${JSON.stringify(given)} is the id of another model`);
    ids.add(given);
    return given;
  }
  const known = JSON.stringify([entry['model_name'], withoutSecrets(entry['litellm_params'])]);
  for (let occurrence = 0; ; occurrence++) {
    const id = createHash('sha256').update(`${occurrence} ${known}`).digest('hex').slice(0, 32);
    if (ids.has(id)) continue;
    ids.add(id);
    return id;
  }
}

function withoutSecrets(value: unknown): unknown {
  if (!isObject(value)) return value;
  const shown = Object.entries(value).filter(([name, field]) => !SECRET_NAME.test(name) || referenceOf(field) !== undefined);
  return Object.fromEntries(
    shown.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, field]) => [name, withoutSecrets(field)]),
  );
}
