/** What a function URL makes of an HTTP request: payload format 2.0 (AWS Lambda developer guide, "Invoking Lambda function URLs"). */
import type { IncomingMessage } from 'node:http';
import type { LambdaFunctionURLEvent } from 'aws-lambda';

const DOMAIN = 'abc.lambda-url.eu-central-1.on.aws';
const TEXT = /^(text\/|application\/(json|javascript|xml|x-www-form-urlencoded|[^;]*\+(json|xml)))/;
const CONNECTION_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host']);

/** Lower-case names; repeated headers joined by commas; cookies apart. */
function headersOf(rawHeaders: readonly string[]): { headers: Record<string, string>; cookies: string[] } {
  const headers: Record<string, string> = { host: DOMAIN, 'x-forwarded-proto': 'https', 'x-forwarded-for': '127.0.0.1' };
  const cookies: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const value = rawHeaders[index + 1] ?? '';
    if (name === 'cookie') cookies.push(...value.split(/;\s*/));
    if (CONNECTION_HEADERS.has(name)) continue;
    headers[name] = headers[name] === undefined ? value : `${headers[name]},${value}`;
  }
  return { headers, cookies };
}

/** The event for a request whose body was read. */
export function functionUrlEvent(
  request: IncomingMessage,
  body: Buffer,
  requestId: string,
  now: number,
  iam?: Readonly<Record<string, string | null>>,
): LambdaFunctionURLEvent {
  const url = new URL(request.url ?? '/', `https://${DOMAIN}`);
  const { headers, cookies } = headersOf(request.rawHeaders);
  const query: Record<string, string> = {};
  for (const [name, value] of url.searchParams) query[name] = query[name] === undefined ? value : `${query[name]},${value}`;
  const isBase64Encoded = body.length > 0 && !TEXT.test(headers['content-type'] ?? '');
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    headers,
    ...(cookies.length === 0 ? {} : { cookies }),
    ...(url.search === '' ? {} : { queryStringParameters: query }),
    requestContext: {
      accountId: 'anonymous',
      // What Lambda adds where the URL has AuthType AWS_IAM.
      ...(iam === undefined ? {} : { authorizer: { iam } }),
      apiId: 'abc',
      domainName: DOMAIN,
      domainPrefix: 'abc',
      http: {
        method: request.method ?? 'GET',
        path: url.pathname,
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId,
      routeKey: '$default',
      stage: '$default',
      time: new Date(now).toUTCString(),
      timeEpoch: now,
    },
    ...(body.length === 0 ? {} : { body: body.toString(isBase64Encoded ? 'base64' : 'utf8') }),
    isBase64Encoded,
  };
}
