/** The SDK's requests over the house's HTTP client, so that it shares connections with those that go without it. */
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { post, type Wire } from '../../transport/aws-json.ts';
import type { Headers } from '../../transport/message.ts';

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
