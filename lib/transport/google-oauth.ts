/**
 * Access tokens of Google from the JSON an operator gives: a service account's key, a workload identity federation, or a user's
 * refresh token. Hosts come from that JSON only, and only https ones (or loopback).
 *
 * @see https://developers.google.com/identity/protocols/oauth2/service-account#httprest
 * @see https://google.aip.dev/auth/4117 (external accounts)
 */
import { createPrivateKey } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import { FORM, answered, checkTokenUrl, formOf, refused, requestToken, type Lease, type TokenHttp } from './oauth.ts';
import { signV4, type AwsKeys } from './sigv4.ts';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const TOKEN_URL = 'https://oauth2.googleapis.com/token';

/** Life of a signed assertion, seconds; Google takes no more. */
const ASSERTION_LIFE_S = 3600;

/** What an exchange may use. */
export interface GoogleExchange {
  readonly http: TokenHttp;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Reads a subject token's file; absent where files must not be read. */
  readonly readFile?: (path: string) => Promise<string>;
  /** Keys and region of the AWS role this runs as, for federation from AWS. */
  readonly aws?: { readonly keys: AwsKeys; readonly region: string };
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * A token for Google Cloud.
 *
 * @param credential the JSON as Google's console wrote it
 * @throws GatewayError `internal` for a credential that cannot work, `upstream` for an endpoint that fails; no secret in the text
 */
export async function googleToken(credential: string, exchange: GoogleExchange): Promise<Lease<string>> {
  const fields = parsed(credential);
  switch (fields['type']) {
    case 'service_account':
      return serviceAccountToken(fields, exchange);
    case 'external_account':
      return externalAccountToken(fields, exchange);
    case 'authorized_user':
      return userToken(fields, exchange);
    default:
      throw unusable('type: expected service_account, external_account or authorized_user');
  }
}

async function serviceAccountToken(fields: Fields, { http, now }: GoogleExchange): Promise<Lease<string>> {
  const url = optional(fields, 'token_uri') ?? TOKEN_URL;
  const issuedAt = Math.floor(now / 1000);
  const claims = {
    iss: required(fields, 'client_email'),
    scope: SCOPE,
    aud: url,
    iat: issuedAt,
    exp: issuedAt + ASSERTION_LIFE_S,
  };
  const keyId = optional(fields, 'private_key_id');
  const assertion = await signedJwt(claims, required(fields, 'private_key'), keyId);
  const body = formOf({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });
  return requestToken(http, { method: 'POST', url, headers: FORM, body }, now);
}

/** A JSON web token signed with RS256 (RFC 7515). jose comes with the first one: an assertion is made once an hour. */
async function signedJwt(claims: Record<string, unknown>, privateKey: string, keyId: string | undefined): Promise<string> {
  const { SignJWT } = await import('jose');
  const header = { alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) };
  try {
    return await new SignJWT(claims).setProtectedHeader(header).sign(createPrivateKey(privateKey));
  } catch {
    throw unusable('private_key: not a PEM key that can sign');
  }
}

function userToken(fields: Fields, { http, now }: GoogleExchange): Promise<Lease<string>> {
  const body = formOf({
    grant_type: 'refresh_token',
    client_id: required(fields, 'client_id'),
    client_secret: required(fields, 'client_secret'),
    refresh_token: required(fields, 'refresh_token'),
  });
  return requestToken(http, { method: 'POST', url: optional(fields, 'token_uri') ?? TOKEN_URL, headers: FORM, body }, now);
}

async function externalAccountToken(fields: Fields, exchange: GoogleExchange): Promise<Lease<string>> {
  const { http, now } = exchange;
  const body = formOf({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    audience: required(fields, 'audience'),
    scope: SCOPE,
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token_type: required(fields, 'subject_token_type'),
    subject_token: await subjectToken(fields, exchange),
  });
  const call = { method: 'POST', url: required(fields, 'token_url'), headers: FORM, body } as const;
  const federated = await requestToken(http, call, now);
  const impersonation = optional(fields, 'service_account_impersonation_url');
  if (impersonation === undefined) return federated;
  const life = Number(objectIn(fields, 'service_account_impersonation')['token_lifetime_seconds'] ?? ASSERTION_LIFE_S);
  return impersonated({ url: impersonation, token: federated.value, life }, exchange);
}

/** The token of the service account that a federated identity may act as; `life` in seconds, as far as the organization allows. */
async function impersonated(
  { url, token, life }: { readonly url: string; readonly token: string; readonly life: number },
  { http }: GoogleExchange,
): Promise<Lease<string>> {
  checkTokenUrl(url);
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const body = JSON.stringify({ scope: [SCOPE], lifetime: `${life}s` });
  const answer = answered(await http({ method: 'POST', url, headers, body }), url);
  return { value: required(answer, 'accessToken'), expiresAt: Date.parse(required(answer, 'expireTime')) };
}

/** What proves who we are: a file, an answer of a local endpoint, or a signed call that names our AWS role. */
async function subjectToken(fields: Fields, exchange: GoogleExchange): Promise<string> {
  const source = objectIn(fields, 'credential_source');
  if (typeof source['environment_id'] === 'string') return awsSubjectToken(fields, source, exchange);
  const file = optional(source, 'file');
  if (file !== undefined) {
    if (exchange.readFile === undefined) throw unusable('credential_source.file: only a config file may name files');
    return tokenIn(await exchange.readFile(file), source);
  }
  const url = optional(source, 'url');
  if (url === undefined)
    throw unusable('credential_source: expected environment_id (AWS), file or url; nothing else is read here');
  checkTokenUrl(url);
  const headers = Object.fromEntries(
    Object.entries(objectIn(source, 'headers')).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
  const answer = await exchange.http({ method: 'GET', url, headers });
  if (answer.status >= 400) throw refused(answer.status, url);
  return tokenIn(answer.text, source);
}

/** The subject token in a text or, where the source says so, in a field of a JSON object. */
function tokenIn(text: string, source: Fields): string {
  const format = objectIn(source, 'format');
  if (format['type'] !== 'json') return text.trim();
  return required(parsed(text), optional(format, 'subject_token_field_name') ?? 'access_token');
}

/** Hosts at which an AWS role may prove who it is, and at which Google looks at the proof. */
const AWS_STS = /^sts(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?$/;
const GOOGLE = /(^|\.)googleapis\.com$/;

/**
 * A signed `GetCallerIdentity` call that Google makes in our place (AIP-4117, "AWS"). Our own role signs it, and whoever wrote the
 * credential at run time may be another than who runs the gateway: so it says nothing else, and nobody else gets it.
 */
function awsSubjectToken(fields: Fields, source: Fields, { aws, now, readFile }: GoogleExchange): string {
  if (aws === undefined) throw unusable('credential_source.environment_id: there is no AWS role here');
  const verification = required(source, 'regional_cred_verification_url').replaceAll('{region}', aws.region);
  const { href: url, hostname, pathname, searchParams } = new URL(verification);
  const actions = searchParams.getAll('Action');
  if (!AWS_STS.test(hostname) || pathname !== '/' || actions.length !== 1 || actions[0] !== 'GetCallerIdentity') {
    throw unusable('credential_source.regional_cred_verification_url: expected GetCallerIdentity at an AWS STS endpoint');
  }
  if (readFile === undefined && !GOOGLE.test(new URL(required(fields, 'token_url')).hostname)) {
    throw unusable('token_url: only a config file may name a host outside of googleapis.com for the proof of an AWS role');
  }
  const own = { 'x-goog-cloud-target-resource': required(fields, 'audience') };
  const scope = { keys: aws.keys, region: aws.region, service: 'sts', now };
  const signed = signV4({ method: 'POST', url, headers: {}, body: '' }, scope);
  const headers = Object.entries({ ...signed, ...own, host: new URL(url).host }).map(([key, value]) => ({ key, value }));
  return encodeURIComponent(JSON.stringify({ url, method: 'POST', headers }));
}

function parsed(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable('expected the JSON of a service account or a workload identity');
  }
  if (typeof value !== 'object' || value === null) throw unusable('expected a JSON object');
  return value as Fields;
}

function objectIn(fields: Fields, name: string): Fields {
  const value = fields[name];
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function optional(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function required(fields: Fields, name: string): string {
  const value = optional(fields, name);
  if (value === undefined) throw unusable(`${name}: missing`);
  return value;
}

const unusable = (fault: string): GatewayError =>
  new GatewayError('internal', `The Google credential of this model cannot be used: ${fault}.`, {
    code: 'misconfigured_deployment',
  });
