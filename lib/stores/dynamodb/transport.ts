/** How bytes get to DynamoDB and back: over the house's HTTP client, for the SDK and for the short way alike, so they share connections. */
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { GatewayError } from '../../errors.ts';
import type { HttpClient } from '../../transport/http.ts';
import type { Headers } from '../../transport/message.ts';

/** An answer of the service, read whole. */
export interface Posted {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** Above the 16 MB that DynamoDB answers with at most. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** The way onto the wire. */
export interface Wire {
  readonly http: HttpClient;
  /** How long one try may take, from the first byte out to the last byte in, milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Sends one request.
 *
 * @throws Error named `TimeoutError`, which the SDK repeats, when there was no whole answer; whether the service acted is unknown then.
 */
export async function post(wire: Wire, url: string, headers: Headers, body: Uint8Array | string): Promise<Posted> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(new GatewayError('timeout', 'DynamoDB did not answer in time.')), wire.timeoutMs);
  try {
    const answer = await wire.http.send({ method: 'POST', url, headers, body, signal: end.signal });
    return { status: answer.status, headers: answer.headers, bytes: await answer.bytes(MAX_ANSWER_BYTES) };
  } catch (cause) {
    throw lost('DynamoDB could not be reached, or its answer was lost.', cause);
  } finally {
    clearTimeout(timer);
  }
}

/** A try that came to nothing we know of, under the name by which the SDK knows that it may be repeated. */
export const lost = (message: string, cause: unknown): Error =>
  Object.assign(new Error(message, { cause }), { name: 'TimeoutError' });

/** The part of the SDK's request that is used. */
interface SdkRequest {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Headers;
  readonly body: Uint8Array | string;
}

/** The SDK's way onto the wire. `onAddress` is told where the SDK's rules send a request: `https://dynamodb.eu-west-1.amazonaws.com/`. */
export const sdkTransport = (
  wire: Wire,
  onAddress: (url: string) => void,
): NonNullable<DynamoDBClientConfig['requestHandler']> => ({
  async handle({ protocol, hostname, port, path, headers, body }: SdkRequest) {
    const url = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`;
    onAddress(url);
    const posted = await post(wire, url, headers, body);
    return { response: { statusCode: posted.status, headers: posted.headers, body: posted.bytes } };
  },
  destroy: () => void wire.http.close(),
  updateHttpClientConfig: () => undefined,
  httpHandlerConfigs: () => ({}),
});
