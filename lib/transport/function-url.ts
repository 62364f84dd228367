/**
 * The Lambda function URL shell's vocabulary (payload version 2.0) to ours and back.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads
 */
import { Readable } from 'node:stream';
import type { LambdaFunctionURLEvent } from 'aws-lambda';
import { isStream, type HttpReply, type HttpRequest, type IamIdentity } from './message.ts';

/** A reply as middy's streaming mode writes it: head first, then the body as it comes. */
export interface FunctionUrlReply {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly cookies?: string[];
  readonly body: string | Readable;
}

/** Facts of the caller of a function URL with `AWS_IAM`, as Lambda checked them. */
interface IamAuthorizer {
  readonly iam?: {
    readonly userArn?: string | null;
    readonly accountId?: string | null;
    readonly callerId?: string | null;
    readonly principalOrgId?: string | null;
  };
}

/**
 * Who signed the request. The event is made by Lambda, and nothing a client sends gets into `requestContext`. Whoever may invoke the function
 * past its URL could write any identity there: callers get `lambda:InvokeFunction` on condition of `lambda:InvokedViaFunctionUrl` only.
 */
function identityOf({ requestContext }: LambdaFunctionURLEvent): IamIdentity | undefined {
  const { iam } = ((requestContext as { authorizer?: IamAuthorizer }).authorizer ?? {}) satisfies IamAuthorizer;
  if (typeof iam?.userArn !== 'string' || typeof iam.accountId !== 'string') return undefined;
  return {
    userArn: iam.userArn,
    accountId: iam.accountId,
    callerId: iam.callerId ?? '',
    ...(typeof iam.principalOrgId === 'string' ? { principalOrgId: iam.principalOrgId } : {}),
  };
}

/** The request in an event. Lambda has already lower-cased and joined the headers; cookies come apart from them. */
export function requestOfEvent(event: LambdaFunctionURLEvent): HttpRequest {
  const { http } = event.requestContext;
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(event.headers)) if (value !== undefined) headers[name.toLowerCase()] = value;
  if (event.cookies !== undefined && event.cookies.length > 0) headers['cookie'] = event.cookies.join('; ');
  const iam = identityOf(event);
  return {
    method: http.method,
    path: event.rawPath,
    query: new URLSearchParams(event.rawQueryString),
    headers,
    body: Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8'),
    ip: http.sourceIp,
    ...(iam === undefined ? {} : { iam }),
  };
}

/**
 * A reply for middy. Bytes are wrapped, since middy takes text and streams only.
 *
 * @param onError told of a body that throws. It must not, and an error of this stream would kill the Lambda process: the stream ends.
 */
export function replyToEvent(reply: HttpReply, onError: (error: unknown) => void): FunctionUrlReply {
  const { 'set-cookie': cookie, ...headers } = reply.headers;
  return {
    statusCode: reply.status,
    headers,
    ...(cookie === undefined ? {} : { cookies: [cookie] }),
    body: isStream(reply.body) ? Readable.from(quiet(reply.body, onError)) : wholeBody(reply.body),
  };
}

const wholeBody = (body: Uint8Array): string | Readable => (body.byteLength === 0 ? '' : Readable.from([body]));

async function* quiet(body: AsyncIterable<Uint8Array>, onError: (error: unknown) => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    onError(error);
  }
}
