/** One address for the data plane and management, which are two functions on AWS. */
import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import type { GatewayError } from '../errors.ts';
import type { Gateway, ShellContext } from '../gateway.ts';
import type { HttpReply, HttpRequest } from '../transport/message.ts';

/** The two sides. */
export interface Sides {
  readonly gateway: Pick<Gateway, 'handle' | 'refuse'>;
  /** The management function as deployed: a function URL event (payload 2.0) in, its result out. */
  readonly admin: (event: APIGatewayProxyEventV2, context: Context) => Promise<APIGatewayProxyStructuredResultV2>;
  /** Whether a path, percent-encoded, belongs to management. */
  readonly isManagement: (path: string) => boolean;
}

/** Both sides as one service. */
export interface Dispatcher {
  handle(request: HttpRequest, context: ShellContext): Promise<HttpReply & { readonly done?: Promise<unknown> }>;
  refuse(path: string, error: GatewayError): Promise<HttpReply>;
}

/** Sends each request to the side its path belongs to. */
export function createDispatcher({ gateway, admin, isManagement }: Sides): Dispatcher {
  return {
    refuse: (path, error) => gateway.refuse(path, error),
    async handle(request, context) {
      if (!isManagement(request.path)) return gateway.handle(request, context);
      const event = eventOfRequest(request, context.receivedAt);
      return replyOfResult(await admin(event, contextOf(event, context.deadline)));
    },
  };
}

/**
 * A request as a function URL hands it over.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
 */
export function eventOfRequest(request: HttpRequest, receivedAt: number): APIGatewayProxyEventV2 {
  const { cookie, ...headers } = request.headers;
  const host = headers['host'] ?? 'localhost';
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: request.path,
    rawQueryString: request.query.toString(),
    ...(cookie === undefined ? {} : { cookies: cookie.split('; ') }),
    headers,
    queryStringParameters: Object.fromEntries(request.query),
    requestContext: {
      accountId: 'anonymous',
      apiId: 'local',
      domainName: host,
      domainPrefix: host.split('.', 1)[0] ?? host,
      http: {
        method: request.method,
        path: request.path,
        protocol: 'HTTP/1.1',
        sourceIp: request.ip ?? '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: new Date(receivedAt).toISOString(),
      timeEpoch: receivedAt,
    },
    body: Buffer.from(request.body).toString('base64'),
    isBase64Encoded: true,
  };
}

function contextOf(event: APIGatewayProxyEventV2, deadline: number): Context {
  return {
    callbackWaitsForEmptyEventLoop: false,
    functionName: 'local-admin',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:local-admin',
    memoryLimitInMB: '0',
    awsRequestId: event.requestContext.requestId,
    logGroupName: 'local',
    logStreamName: 'local',
    getRemainingTimeInMillis: () => deadline - Date.now(),
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}

/** What a function URL makes of a result. */
function replyOfResult(result: APIGatewayProxyStructuredResultV2): HttpReply {
  const headers = Object.entries(result.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return {
    status: result.statusCode ?? 200,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: Buffer.from(result.body ?? '', result.isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}
