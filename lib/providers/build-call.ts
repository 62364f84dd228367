/** From a deployment to the address and headers of one call. */
import type { Deployment } from '../domain/model.ts';
import { GatewayError } from '../errors.ts';
import { faultOfBase, fillHost, fillPath, joinUrl } from './address.ts';
import { placeOf, quirksOf } from './api-choice.ts';
import { fieldsOf } from './credential.ts';
import type { Address, Api, Provider, Quirk, Values } from './provider.ts';
import { fixed } from './quirks.ts';

/** What a call is built from. */
export interface CallParts {
  readonly provider: Provider;
  readonly deployment: Deployment;
  /** The provider's name of the model, wildcards filled in. */
  readonly model: string;
  /** The secret itself; undefined when the deployment has none. */
  readonly credential: string | undefined;
  readonly api: Api;
  readonly stream: boolean;
  /** For base URLs, versions and parameters that rows name variables for. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Address and headers of a call. Content type and the like are the caller's. */
export interface BuiltCall {
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Record<string, string>;
}

/**
 * Where the call goes and what signs it, but for what the row's `authorize` adds. The deployment's own headers come last, so an
 * operator may override any.
 *
 * @throws GatewayError `internal` when the operator's settings cannot work: no base URL, a malformed one, no credential. The text
 * says what to set and holds neither address nor secret.
 */
export function buildCall(parts: CallParts): BuiltCall {
  const { provider, deployment, api } = parts;
  const headers: Record<string, string> = { ...provider.headers, ...api.headers };
  const key = sign(headers, parts);
  if (provider.organizationHeader !== undefined && deployment.organization !== undefined) {
    headers[provider.organizationHeader] = deployment.organization;
  }
  for (const [name, value] of Object.entries(deployment.extraHeaders ?? {})) headers[name.toLowerCase()] = value;
  const url = addressOf(parts);
  return { url: key === undefined || provider.auth.type !== 'query' ? url : withQuery(url, provider.auth.name, key), headers };
}

/** The values of a row's parameters: the deployment's, what the model's name says, the environment's, the row's. */
export function parametersOf({
  provider,
  deployment,
  model,
  environment,
}: Omit<CallParts, 'credential' | 'api' | 'stream'>): Values {
  const named = placeOf(provider, model).parameters;
  const values: Record<string, string> = {};
  for (const [name, { env = [], fallback }] of Object.entries(provider.parameters ?? {})) {
    const value = deployment.parameters?.[name] ?? named[name] ?? firstOf(environment, env) ?? fallback;
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** All edits of the body of a call: the quirks, and the parameters that are fields of it. */
export function bodyEdits(parts: Omit<CallParts, 'credential' | 'stream'>): readonly Quirk[] {
  const quirks = quirksOf(parts.provider, parts.api);
  const { bodyParameters } = parts.api;
  if (bodyParameters === undefined) return quirks;
  const values = parametersOf(parts);
  const filled = Object.entries(bodyParameters).flatMap(([field, name]) => {
    const value = values[name];
    return value === undefined ? [] : [fixed(field, value)];
  });
  return [...quirks, ...filled];
}

type AddressParts = Omit<CallParts, 'credential'>;

/** Of each deployment, the last address of its streams and of its whole answers: most calls go where the one before them went. */
const last = { streams: new WeakMap<Deployment, Known>(), wholes: new WeakMap<Deployment, Known>() };

interface Known extends Pick<AddressParts, 'provider' | 'model' | 'api' | 'environment'> {
  readonly address: string;
}

/**
 * The address of a call, before anything signs it. All that it depends on is in `parts`, and records do not change: so it is remembered.
 *
 * @throws GatewayError `internal` when the operator's settings lead nowhere
 */
export function addressOf(parts: AddressParts): string {
  const { provider, deployment, model, api, stream, environment } = parts;
  const known = (stream ? last.streams : last.wholes).get(deployment);
  const isSame =
    known?.model === model && known.api === api && known.provider === provider && known.environment === environment;
  if (isSame) return known.address;
  const address = makeAddress(parts);
  (stream ? last.streams : last.wholes).set(deployment, { provider, model, api, environment, address });
  return address;
}

function makeAddress(parts: AddressParts): string {
  const { provider, deployment, api, stream, environment } = parts;
  const { model } = placeOf(provider, parts.model);
  const parameters = parametersOf(parts);
  const missing = (name: string): GatewayError => {
    const variables = (provider.parameters?.[name]?.env ?? []).map((variable) => `, or the variable ${variable}`).join('');
    return misconfigured(deployment, `provider ${provider.id} wants ${name}${variables}`);
  };
  const given = deployment.apiBase ?? firstOf(environment, provider.envBases);
  const base = given ?? provider.baseOf?.(parameters) ?? (provider.base && fillHost(provider.base, parameters, missing));
  if (base === undefined) {
    const variables = provider.envBases.length === 0 ? '' : ` or the variable ${provider.envBases.join(' or ')}`;
    throw misconfigured(deployment, `provider ${provider.id} has no address of its own: set api_base${variables}`);
  }
  const fault = faultOfBase(base);
  if (fault !== undefined) throw misconfigured(deployment, `api_base: ${fault}`);
  const version = deployment.apiVersion ?? (provider.envVersion === undefined ? undefined : environment[provider.envVersion]);
  const path = fillPath((stream ? api.streamPath : undefined) ?? api.path, { ...parameters, model }, missing);
  const address: Address = { base, model, api, stream, path, ...(version === undefined ? {} : { apiVersion: version }) };
  return provider.url === undefined ? joinUrl(base, path) : provider.url(address);
}

/** Adds the headers of `auth`; returns the key, where there is one. */
function sign(headers: Record<string, string>, { provider, deployment, credential }: CallParts): string | undefined {
  const { auth } = provider;
  if (auth.type === 'none') return undefined;
  const key = provider.secrets === undefined ? credential : fieldsOf(credential)['api_key'];
  if (key === undefined || key === '') {
    // Where the row signs by itself, it knows best what it lacks.
    if (auth.optional === true || provider.authorize !== undefined) return undefined;
    throw misconfigured(
      deployment,
      `provider ${provider.id} wants a credential: set api_key, or ${provider.envKeys.join(' or ')}`,
    );
  }
  const { credential: reference } = deployment;
  if (provider.sign !== undefined) provider.sign(headers, key, reference.type === 'env' ? reference.name : undefined);
  else if (auth.type === 'bearer') headers['authorization'] = `Bearer ${key}`;
  else if (auth.type === 'basic') headers['authorization'] = `Basic ${Buffer.from(key).toString('base64')}`;
  else if (auth.type === 'header') headers[auth.name] = `${auth.prefix ?? ''}${key}`;
  return key;
}

function withQuery(address: string, name: string, value: string): string {
  const url = new URL(address);
  url.searchParams.set(name, value);
  return url.href;
}

/** The first variable that is set. */
export const firstOf = (environment: CallParts['environment'], names: readonly string[]): string | undefined =>
  names.map((name) => environment[name]).find((value) => value !== undefined && value !== '');

const misconfigured = (deployment: Deployment, fault: string): GatewayError =>
  new GatewayError('internal', `The deployment '${deployment.id}' cannot be called: ${fault}.`, {
    code: 'misconfigured_deployment',
  });
