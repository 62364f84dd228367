/**
 * A function URL in this process: events in, streamed answers out, through a stand-in for the runtime's `awslambda`. Kinder than the
 * real runtime, where an error of the stream ends the process: `npm run test:ric` has that one.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { Context, LambdaFunctionURLEvent } from 'aws-lambda';
import { functionUrlEvent } from './function-url-event.ts';

interface Prelude {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
}

/** The response stream of the runtime: whoever wraps it tells the head first. */
class ResponseStream extends Writable {
  prelude: Prelude | undefined;
}

type StreamHandler = (event: LambdaFunctionURLEvent, stream: ResponseStream, context: Context) => Promise<unknown>;

Object.assign(globalThis, {
  awslambda: {
    streamifyResponse: (handler: StreamHandler) => handler,
    HttpResponseStream: {
      from(stream: ResponseStream, prelude: Prelude) {
        stream.prelude = prelude;
        return stream;
      },
    },
  },
});

/** A front on loopback. */
export interface UrlFront {
  readonly url: string;
  /** Resolves when every invocation so far has ended, what it does after the last byte included. */
  idle(): Promise<void>;
  stop(): void;
}

/**
 * Puts a streaming handler behind HTTP. `remainingMs` is the time the function has for a request; `iam` is who signed it, where the URL
 * checks signatures.
 */
export async function serveHandler(
  handler: unknown,
  remainingMs = 900_000,
  iam?: Readonly<Record<string, string | null>>,
): Promise<UrlFront> {
  const running = new Set<Promise<unknown>>();
  async function invoke(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const event = functionUrlEvent(request, await buffer(request), 'request-1', Date.now(), iam);
    const stream = new ResponseStream({
      write(chunk, _encoding, done) {
        if (!response.headersSent) {
          response.writeHead(stream.prelude?.statusCode ?? 200, { ...stream.prelude?.headers });
          response.flushHeaders();
        }
        if (chunk.length === 0) done();
        else response.write(chunk, () => done());
      },
      final(done) {
        response.end(() => done());
      },
    });
    const invocation = (handler as StreamHandler)(event, stream, { getRemainingTimeInMillis: () => remainingMs } as Context);
    running.add(invocation);
    await invocation.finally(() => running.delete(invocation));
  }
  const server = createServer((request, response) => void invoke(request, response));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    idle: async () => void (await Promise.all(running)),
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
