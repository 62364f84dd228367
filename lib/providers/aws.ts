/** Signing for services of AWS: a bearer key, keys of the deployment, or the role this runs as; any of them may assume another role. */
import { GatewayError } from '../errors.ts';
import type { Headers } from '../transport/message.ts';
import { FORM, checkTokenUrl, formOf, refused, type Lease } from '../transport/oauth.ts';
import { signV4, type AwsKeys } from '../transport/sigv4.ts';
import type { AuthContext, Parameter, Provider, SigningRequest } from './provider.ts';

/** LiteLLM's parameters of AWS deployments. */
export const awsParameters = {
  aws_region_name: { env: ['AWS_REGION_NAME', 'AWS_REGION', 'AWS_DEFAULT_REGION'] },
  aws_role_name: {},
  aws_session_name: { fallback: 'tollgate' },
  aws_external_id: {},
  aws_sts_endpoint: {},
} as const satisfies Readonly<Record<string, Parameter>>;

/** Secret fields of AWS deployments. */
export const awsSecrets = {
  aws_access_key_id: {},
  aws_secret_access_key: {},
  aws_session_token: {},
} as const satisfies NonNullable<Provider['secrets']>;

/** Hosts of AWS: the role this runs as signs calls to these. */
const AWS_HOST = /\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$/;

/**
 * Headers that sign for a service. A bearer key was sent by the row's `auth` already, unless the deployment has keys as well.
 *
 * @throws GatewayError `internal` where there are no keys, or the role may not be assumed.
 */
export function awsAuthorizer(service: string): NonNullable<Provider['authorize']> {
  return async (request, context) => {
    const { fields, parameters } = context;
    if (fields['api_key'] !== undefined && fields['aws_access_key_id'] === undefined) return {};
    const region = regionOf(request, context);
    const own = keysOf(request, context);
    const keys = parameters['aws_role_name'] === undefined ? own : await assumedKeys(own, region, context);
    return signV4(request, { keys, region, service, now: context.now() });
  };
}

/** The region of the deployment; else the one that the host names. */
function regionOf({ url }: SigningRequest, { parameters }: AuthContext): string {
  const region = parameters['aws_region_name'] ?? /\.([a-z]{2}(?:-[a-z]+)+-\d)\./.exec(new URL(url).hostname)?.[1];
  if (region === undefined) throw misconfigured('set aws_region_name, or the variable AWS_REGION');
  return region;
}

/** The keys of the deployment, else those of the role this runs as. */
function keysOf({ url }: SigningRequest, context: AuthContext): AwsKeys {
  const { fields, environment, ambient } = context;
  const given = toKeys(fields['aws_access_key_id'], fields['aws_secret_access_key'], fields['aws_session_token']);
  if (given !== undefined) return given;
  if (!ambient && !AWS_HOST.test(new URL(url).hostname)) {
    throw misconfigured('its address is none of AWS, so it needs aws_access_key_id and aws_secret_access_key of its own');
  }
  const role = roleKeys(environment);
  if (role === undefined) throw misconfigured('set aws_access_key_id and aws_secret_access_key, or run it under a role');
  return role;
}

/** Keys of the role this runs as, as Lambda puts them into the environment. */
export const roleKeys = (environment: AuthContext['environment']): AwsKeys | undefined =>
  toKeys(environment['AWS_ACCESS_KEY_ID'], environment['AWS_SECRET_ACCESS_KEY'], environment['AWS_SESSION_TOKEN']);

function toKeys(id: string | undefined, secret: string | undefined, token: string | undefined): AwsKeys | undefined {
  if (id === undefined || id === '' || secret === undefined || secret === '') return undefined;
  return { accessKeyId: id, secretAccessKey: secret, ...(token === undefined || token === '' ? {} : { sessionToken: token }) };
}

/** Keys of the role that the deployment names, kept until they expire. */
function assumedKeys(own: AwsKeys, region: string, context: AuthContext): Promise<AwsKeys> {
  const { aws_role_name: role = '', aws_session_name: session = '', aws_external_id: external } = context.parameters;
  const url = context.parameters['aws_sts_endpoint'] ?? `https://sts.${region}.amazonaws.com/`;
  checkTokenUrl(url);
  return context.token(['sts', url, role, session, external ?? ''], async (): Promise<Lease<AwsKeys>> => {
    const body = formOf({
      Action: 'AssumeRole',
      Version: '2011-06-15',
      RoleArn: role,
      RoleSessionName: session,
      ...(external === undefined ? {} : { ExternalId: external }),
    });
    const headers: Headers = { 'content-type': FORM['content-type'] ?? '' };
    const signed = signV4({ method: 'POST', url, headers, body }, { keys: own, region, service: 'sts', now: context.now() });
    const { status, text } = await context.http({ method: 'POST', url, headers: { ...headers, ...signed }, body });
    if (status >= 400) throw refused(status, url);
    const field = (name: string): string | undefined => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1];
    const value = toKeys(field('AccessKeyId'), field('SecretAccessKey'), field('SessionToken'));
    const expiresAt = Date.parse(field('Expiration') ?? '');
    if (value === undefined || Number.isNaN(expiresAt)) {
      throw new GatewayError('upstream', 'AWS STS answered without keys of the role.');
    }
    return { value, expiresAt };
  });
}

const misconfigured = (fault: string): GatewayError =>
  new GatewayError('internal', `This model of AWS cannot be called: ${fault}.`, { code: 'misconfigured_deployment' });
