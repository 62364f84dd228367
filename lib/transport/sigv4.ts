/**
 * AWS Signature Version 4 of one request, with the payload's hash in the signature. Our own, since the signer of the SDK brings more
 * code than all of its work here.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import type { Headers } from './message.ts';

/** Keys of AWS. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary keys: roles have one. */
  readonly sessionToken?: string;
}

/** What is signed. */
export interface SignableRequest {
  readonly method: string;
  /** Absolute; path and query percent-encoded as they will be sent. */
  readonly url: string;
  /** Lower-case names. Content type and `x-amz-*` are signed, others are not: a proxy may change them. */
  readonly headers: Headers;
  readonly body: Uint8Array | string;
}

/** Whose keys sign, for which service of which region, and when (milliseconds since the epoch). */
export interface SigningScope {
  readonly keys: AwsKeys;
  readonly region: string;
  /** Name the service signs under: `bedrock`, `sts`. */
  readonly service: string;
  readonly now: number;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * The headers that sign a request: `authorization`, `x-amz-date` and, with temporary keys, `x-amz-security-token`.
 *
 * @example { ...headers, ...signV4({ method: 'POST', url, headers, body }, { keys, region: 'eu-west-1', service: 'bedrock', now }) }
 */
export function signV4(request: SignableRequest, scope: SigningScope): Record<string, string> {
  const { keys, region, service } = scope;
  const url = new URL(request.url);
  const moment = new Date(scope.now).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = moment.slice(0, 8);
  const added: Record<string, string> = {
    'x-amz-date': moment,
    ...(keys.sessionToken === undefined ? {} : { 'x-amz-security-token': keys.sessionToken }),
  };
  const signed = Object.entries({ ...request.headers, ...added, host: url.host })
    .filter(([name]) => name === 'host' || name === 'content-type' || name.startsWith('x-amz-'))
    .toSorted(byText);
  const names = signed.map(([name]) => name).join(';');
  const canonical = [
    request.method,
    canonicalPath(url),
    canonicalQuery(url),
    ...signed.map(([name, value]) => `${name}:${value.trim().replace(/\s+/g, ' ')}`),
    '',
    names,
    sha256(request.body),
  ].join('\n');
  const credentialScope = `${day}/${region}/${service}/aws4_request`;
  const text = [ALGORITHM, moment, credentialScope, sha256(canonical)].join('\n');
  const signature = hmac(signingKey(keys.secretAccessKey, day, region, service), text).toString('hex');
  return {
    ...added,
    authorization: `${ALGORITHM} Credential=${keys.accessKeyId}/${credentialScope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

/** Keys derived so far: the same one signs all day, and deriving it costs more than the rest of a signature. */
const derived = new Map<string, KeyObject>();
/** More than the credentials of one process; beyond, the map starts anew. */
const MOST_DERIVED = 100;

function signingKey(secret: string, day: string, region: string, service: string): KeyObject {
  const steps = [day, region, service, 'aws4_request'];
  const name = [secret, ...steps].join('\n');
  const known = derived.get(name);
  if (known !== undefined) return known;
  const key = createSecretKey(steps.reduce<string | Buffer>(hmac, `AWS4${secret}`) as Buffer);
  if (derived.size >= MOST_DERIVED) derived.clear();
  derived.set(name, key);
  return key;
}

const sha256 = (data: Uint8Array | string): string => hash('sha256', data);

const hmac = (key: string | Buffer | KeyObject, data: string): Buffer => createHmac('sha256', key).update(data).digest();

const byText = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : a > b ? 1 : 0);

/** Percent-encoding of RFC 3986, stricter than `encodeURIComponent`. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** Every service but S3 wants the path, encoded as it is sent, encoded once more. */
const canonicalPath = ({ pathname }: URL): string => pathname.split('/').map(encoded).join('/');

/** Sorted by name, then by value, both as encoded. */
const canonicalQuery = ({ searchParams }: URL): string =>
  [...searchParams]
    .map(([name, value]): [string, string] => [encoded(name), encoded(value)])
    .toSorted((a, b) => byText(a, b) || byText([a[1], ''], [b[1], '']))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
