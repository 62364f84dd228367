/**
 * Calls of AWS's JSON protocols (DynamoDB, Secrets Manager), signed and sent over the house's HTTP client: for what every request needs,
 * where the SDK would take its time to load.
 *
 * @see https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
 */
import { GatewayError } from '../errors.ts';
import type { HttpClient } from './http.ts';
import type { Headers } from './message.ts';
import { signV4, type AwsKeys } from './sigv4.ts';

/** The way onto the wire. */
export interface Wire {
  readonly http: HttpClient;
  /** How long one try may take, from the first byte out to the last byte in, milliseconds. */
  readonly timeoutMs: number;
}

/** An answer of the service, read whole. */
export interface Posted {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** Where a service is, and whose keys sign. */
export interface AwsAddress {
  /** Ends with a slash. */
  readonly url: string;
  readonly region: string;
  readonly keys: AwsKeys;
}

/** One operation. */
export interface AwsCall {
  /** Name the service signs under. */
  readonly service: string;
  /** Version of the protocol. */
  readonly version: '1.0' | '1.1';
  /** `DynamoDB_20120810.GetItem` */
  readonly target: string;
  readonly input: object;
  /** Milliseconds since the epoch, by the clock of the service. */
  readonly now: number;
}

/** Above the 16 MB that DynamoDB answers with at most. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** Signs an operation and sends it once. Throws as `post`. */
export function postSigned(wire: Wire, address: AwsAddress, call: AwsCall): Promise<Posted> {
  const { url, region, keys } = address;
  const body = JSON.stringify(call.input);
  const headers = { 'content-type': `application/x-amz-json-${call.version}`, 'x-amz-target': call.target };
  const signed = signV4({ method: 'POST', url, headers, body }, { keys, region, service: call.service, now: call.now });
  return post(wire, url, { ...headers, ...signed }, body);
}

/**
 * Sends one request, once: a write whose first copy may have got through is told from one that has only one.
 *
 * @throws Error named `TimeoutError`, which the SDK repeats, when there was no whole answer; whether the service acted is unknown then.
 */
export async function post(wire: Wire, url: string, headers: Headers, body: Uint8Array | string): Promise<Posted> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(new GatewayError('timeout', 'AWS did not answer in time.')), wire.timeoutMs);
  try {
    const answer = await wire.http.send({ method: 'POST', url, headers, body, signal: end.signal, once: true });
    return { status: answer.status, headers: answer.headers, bytes: await answer.bytes(MAX_ANSWER_BYTES) };
  } catch (cause) {
    throw lost('AWS could not be reached, or its answer was lost.', cause);
  } finally {
    clearTimeout(timer);
  }
}

/** A try that came to nothing we know of, under the name by which the SDK knows that it may be repeated. */
export const lost = (message: string, cause: unknown): Error =>
  Object.assign(new Error(message, { cause }), { name: 'TimeoutError' });

/** The text of an answer. */
export const textOf = ({ bytes }: Posted): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');

/** The name in an error's `__type`: `ValidationException` of `com.amazonaws.dynamodb.v20120810#ValidationException`. */
export const errorName = (type: string | undefined): string => type?.replace(/^.*#|:.*$/g, '') ?? 'UnknownError';

/** Regions whose services are at `<service>.<region>.amazonaws.com`; those of other partitions have longer names or another end. */
const COMMERCIAL = /^(?!cn-)[a-z]{2}-[a-z]+-\d$/;
/** Settings that lead elsewhere, or to other keys. */
const SETTINGS = [
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_DYNAMODB',
  'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_ACCOUNT_ID',
  'AWS_ACCOUNT_ID_ENDPOINT_MODE',
  'AWS_PROFILE',
  'AWS_CONFIG_FILE',
  'AWS_SHARED_CREDENTIALS_FILE',
];

/**
 * Where the SDK would find a service from inside a Lambda function or Web Function, and with which keys. Undefined where its rules have more to say:
 * outside of Lambda, in other partitions, with settings of its own. Keys are those of the environment's start: when they expire, the
 * service says so and the SDK has the word.
 *
 * @param environment variables of the function
 * @param service as in its address: `dynamodb`
 */
export function lambdaAddress(
  environment: Readonly<Record<string, string | undefined>>,
  service: string,
): AwsAddress | undefined {
  const {
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_HTTP_ENDPOINT: listening,
    AWS_REGION: region = '',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = environment;
  const inLambda = Boolean(name) || Boolean(listening);
  if (!inLambda || !accessKeyId || !secretAccessKey || !COMMERCIAL.test(region)) return undefined;
  if (SETTINGS.some((setting) => environment[setting] !== undefined)) return undefined;
  const keys = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  return { url: `https://${service}.${region}.amazonaws.com/`, region, keys };
}
