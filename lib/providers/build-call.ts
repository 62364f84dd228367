/** From a deployment to the address and headers of one call. */
import type { Deployment } from '../domain/model.ts';
import { GatewayError } from '../errors.ts';
import { faultOfBase, joinUrl } from './address.ts';
import type { Address, Api, Provider } from './provider.ts';

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
  /** For base URLs and versions that rows name variables for. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Address and headers of a call. Content type and the like are the caller's. */
export interface BuiltCall {
  readonly url: string;
  /** Lower-case names. */
  readonly headers: Record<string, string>;
}

/**
 * Where the call goes and what signs it. The deployment's own headers come last, so an operator may override any.
 *
 * @throws GatewayError `internal` when the operator's settings cannot work: no base URL, a malformed one, no credential. The text
 * says what to set and holds neither address nor secret.
 */
export function buildCall(parts: CallParts): BuiltCall {
  const { provider, deployment } = parts;
  const headers: Record<string, string> = { ...provider.headers };
  sign(headers, parts);
  if (provider.organizationHeader !== undefined && deployment.organization !== undefined) {
    headers[provider.organizationHeader] = deployment.organization;
  }
  for (const [name, value] of Object.entries(deployment.extraHeaders ?? {})) headers[name.toLowerCase()] = value;
  return { url: urlOf(parts), headers };
}

function urlOf({ provider, deployment, model, api, stream, environment }: CallParts): string {
  const base = deployment.apiBase ?? firstOf(environment, provider.envBases) ?? provider.base;
  if (base === undefined) {
    const variables = provider.envBases.length === 0 ? '' : ` or the variable ${provider.envBases.join(' or ')}`;
    throw misconfigured(deployment, `provider ${provider.id} has no address of its own: set api_base${variables}`);
  }
  const fault = faultOfBase(base);
  if (fault !== undefined) throw misconfigured(deployment, `api_base: ${fault}`);
  const version = deployment.apiVersion ?? (provider.envVersion === undefined ? undefined : environment[provider.envVersion]);
  const address: Address = { base, model, api, stream, ...(version === undefined ? {} : { apiVersion: version }) };
  return provider.url === undefined ? joinUrl(base, api.path) : provider.url(address);
}

function sign(headers: Record<string, string>, { provider, deployment, credential }: CallParts): void {
  const { auth } = provider;
  if (auth.type === 'none') return;
  if (credential === undefined || credential === '') {
    if (auth.optional === true) return;
    throw misconfigured(
      deployment,
      `provider ${provider.id} wants a credential: set api_key, or ${provider.envKeys.join(' or ')}`,
    );
  }
  const { credential: reference } = deployment;
  if (provider.sign !== undefined) provider.sign(headers, credential, reference.type === 'env' ? reference.name : undefined);
  else if (auth.type === 'bearer') headers['authorization'] = `Bearer ${credential}`;
  else headers[auth.name] = `${auth.prefix ?? ''}${credential}`;
}

const firstOf = (environment: CallParts['environment'], names: readonly string[]): string | undefined =>
  names.map((name) => environment[name]).find((value) => value !== undefined && value !== '');

const misconfigured = (deployment: Deployment, fault: string): GatewayError =>
  new GatewayError('internal', `The deployment '${deployment.id}' cannot be called: ${fault}.`, {
    code: 'misconfigured_deployment',
  });
