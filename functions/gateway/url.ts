/**
 * The function URL shell: one request per environment, the answer streamed by middy.
 *
 * Two traps of the runtime shape it (measured with its real client): a body that throws kills the process, so bodies end quietly; and
 * what runs after the handler's promise is frozen, so `requestEnd`, which middy awaits after the last byte, waits for the settlement.
 */
import withMiddleware from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import type { Context, LambdaFunctionURLEvent } from 'aws-lambda';
import { GatewayError } from '../../lib/errors.ts';
import { describeError } from '../../lib/log.ts';
import { replyToEvent, requestOfEvent, type FunctionUrlReply } from '../../lib/transport/function-url.ts';
import { DEADLINE_MARGIN_MS, type ShellDeps } from './shell.ts';

/** The handler. The runtime's global `awslambda` must exist when this is called. */
export function createUrlHandler({ service, log, maxBodyBytes, now = Date.now }: ShellDeps) {
  const settled = new WeakMap<Context, Promise<unknown>>();
  const failed = (message: string) => (error: unknown) => log('error', message, { error: describeError(error) });

  async function answer(event: LambdaFunctionURLEvent, context: Context) {
    const request = requestOfEvent(event);
    if (request.body.byteLength > maxBodyBytes) {
      const error = new GatewayError('too_large', `The request body is larger than the ${maxBodyBytes} bytes allowed.`);
      return service.refuse(request.path, error, request.headers['origin']);
    }
    const receivedAt = now();
    const deadline = receivedAt + context.getRemainingTimeInMillis() - DEADLINE_MARGIN_MS;
    const reply = await service.handle(request, { receivedAt, deadline });
    if (reply.done !== undefined) settled.set(context, reply.done);
    return reply;
  }

  return withMiddleware<LambdaFunctionURLEvent, FunctionUrlReply>({
    executionMode: executionModeStreamifyResponse,
    // Middy's own limit ends with the handler's promise and would not cover the stream; ours does.
    timeoutEarlyInMillis: 0,
    requestEnd: ({ context }) => settled.get(context),
  }).handler(async (event: LambdaFunctionURLEvent, context: Context): Promise<FunctionUrlReply> => {
    const reply = await answer(event, context).catch((error: unknown) => {
      failed('a request failed outside the onion')(error);
      return service.refuse(event.rawPath, GatewayError.from(error), event.headers['origin']);
    });
    return replyToEvent(reply, failed('a body threw'));
  });
}
