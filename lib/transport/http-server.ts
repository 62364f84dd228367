/**
 * A plain Node HTTP server in front of the gateway: the Web Function shell and the local server.
 *
 * Lambda sends the whole request before it reads the answer, so behind it every refusal reads and discards the body first, while others
 * are told at once; its connections are kept longer than its idle time; a response that ends before it was finished is the only sign of a
 * client that left.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { GatewayError } from '../errors.ts';
import { DISCARD_LIMIT, refuseEarly, refuseMalformed } from './http-refusal.ts';
import { isStream, type HttpReply, type HttpRequest } from './message.ts';

/** What comes with a request. */
interface RequestContext {
  /** Aborts when the client is gone before the reply is out. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
}

/** Settings of a server. */
export interface HttpServerOptions {
  /** Answers a request; should not reject. `done` is what must end before the process may. */
  readonly handle: (request: HttpRequest, context: RequestContext) => Promise<HttpReply & { readonly done?: Promise<unknown> }>;
  /**
   * An error as the client of this path expects it (body too large, malformed HTTP, a handler that failed); `origin` is that of the page
   * that calls, where one does.
   */
  readonly renderRefusal: (path: string, error: GatewayError, origin?: string) => HttpReply | Promise<HttpReply>;
  /** Largest request body, bytes. */
  readonly maxBodyBytes: number;
  /** Largest request line and headers together, bytes; default 32 KiB. */
  readonly maxHeaderBytes?: number;
  /**
   * Whether Lambda stands before this server, as for a Web Function. It appends the client's address to `x-forwarded-for`, whose earlier
   * values are the client's own words, and it reads no answer before the request is out.
   */
  readonly forwarded?: boolean;
  /** Told of handlers and bodies that threw, which they should not. */
  readonly onError?: (error: unknown) => void;
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: () => number;
}

/** A server that is not listening yet. */
export interface HttpServer {
  readonly server: Server;
  /** Port 0 takes a free one. Rejects when the port is taken or the host is not ours. */
  listen(port: number, host: string): Promise<AddressInfo>;
  /** Takes no more requests, waits for open replies and their `done`; connections still open after `graceMs` are cut. */
  close(graceMs?: number): Promise<void>;
}

/** A server; see `HttpServerOptions`. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { handle, renderRefusal, maxBodyBytes, forwarded = false, onError = () => undefined, now = Date.now } = options;
  const open = new Set<Promise<unknown>>();
  /** Requests not yet answered, by connection (there are several where a client pipelines). */
  const unanswered = new WeakMap<Socket, number>();
  const count = (socket: Socket, change: number): void => void unanswered.set(socket, (unanswered.get(socket) ?? 0) + change);
  const refused = (request: IncomingMessage, error: unknown): HttpReply | Promise<HttpReply> =>
    renderRefusal(targetOf(request).path, GatewayError.from(error), request.headers.origin);

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const receivedAt = now();
    const controller = new AbortController();
    count(request.socket, 1);
    response.on('close', () => {
      count(request.socket, -1);
      if (!response.writableFinished) controller.abort(new GatewayError('client_closed', 'The client closed the connection.'));
    });
    const { path, query } = targetOf(request);
    const body = hasHost(request) ? await readBody(request, maxBodyBytes, forwarded) : NO_HOST;
    if (body === 'gone') return;
    if (body === NO_HOST) response.shouldKeepAlive = false;
    if (body instanceof GatewayError) return refuseEarly(request, response, await refused(request, body));
    const ip = forwarded ? lastForwarded(request) : request.socket.remoteAddress;
    const reply: Awaited<ReturnType<typeof handle>> = await handle(
      {
        method: request.method ?? 'GET',
        path,
        query: new URLSearchParams(query),
        headers: headersOf(request),
        body,
        ...(ip === undefined ? {} : { ip }),
      },
      { signal: controller.signal, receivedAt },
    ).catch((error: unknown) => {
      onError(error);
      return refused(request, error);
    });
    try {
      await writeReply(response, reply);
    } catch (error) {
      onError(error);
      // What was written is still on its way to the socket.
      if (response.headersSent) setImmediate(() => response.destroy());
      else await writeReply(response, await refused(request, error));
    }
    await reply.done;
  }

  const server = createServer(
    {
      maxHeaderSize: options.maxHeaderBytes ?? 32 * 1024,
      joinDuplicateHeaders: true,
      keepAliveTimeout: 75_000,
      headersTimeout: 80_000,
      requestTimeout: 960_000,
      noDelay: true,
      // Node's own refusal has no words: ours has.
      requireHostHeader: false,
    },
    (request, response) => {
      const work = answer(request, response).catch((error: unknown) => {
        onError(error);
        response.destroy();
      });
      open.add(work);
      void work.then(() => open.delete(work));
    },
  );
  server.on(
    'clientError',
    (error, socket) =>
      void refuseMalformed(error, socket as Socket, (unanswered.get(socket as Socket) ?? 0) > 0, renderRefusal),
  );

  return {
    server,
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);
          resolve(server.address() as AddressInfo);
        });
      }),
    async close(graceMs) {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      const timer = graceMs === undefined ? undefined : setTimeout(() => server.closeAllConnections(), graceMs);
      server.closeIdleConnections();
      await Promise.all(open);
      server.closeIdleConnections();
      await closed;
      clearTimeout(timer);
    },
  };
}

/** Path and query as sent; proxies may send the absolute form (RFC 9112, section 3.2.2). */
function targetOf(request: IncomingMessage): { path: string; query: string } {
  const target = request.url ?? '/';
  const start = target.startsWith('/') ? 0 : Math.max(target.indexOf('/', target.indexOf('://') + 3), 0);
  const mark = target.indexOf('?', start);
  return mark === -1
    ? { path: target.slice(start), query: '' }
    : { path: target.slice(start, mark), query: target.slice(mark + 1) };
}

/** Node joins repeated headers by commas as asked, all but `set-cookie`, which no request has. */
const headersOf = (request: IncomingMessage): Record<string, string> => request.headers as Record<string, string>;

const NO_HOST = new GatewayError('invalid_request', 'The request has no Host header, which HTTP/1.1 asks for.');

/** RFC 9112, section 3.2. */
const hasHost = ({ headers, httpVersion }: IncomingMessage): boolean => headers.host !== undefined || httpVersion !== '1.1';

function lastForwarded({ headers }: IncomingMessage): string | undefined {
  const values = headers['x-forwarded-for'];
  const last = (Array.isArray(values) ? values.join(',') : values)?.split(',').at(-1)?.trim();
  return last === '' ? undefined : last;
}

/**
 * The body; `gone` when the sender left in the middle. One that is over the limit is an error as soon as that is known, or else, `heardOut`,
 * once all of it was read and thrown away.
 */
function readBody(request: IncomingMessage, limit: number, heardOut: boolean): Promise<Uint8Array | GatewayError | 'gone'> {
  return new Promise((resolve) => {
    let chunks: Buffer[] = [];
    let size = 0;
    let tooLarge = false;
    const refuse = (): void =>
      resolve(new GatewayError('too_large', `The request body is larger than the ${limit} bytes allowed.`));
    const outgrow = (): void => {
      tooLarge = true;
      chunks = [];
      if (!heardOut) refuse();
    };
    if (Number(request.headers['content-length'] ?? 0) > limit) outgrow();
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (!tooLarge && size > limit) outgrow();
      if (!tooLarge) chunks.push(chunk);
      else if (size > limit + DISCARD_LIMIT) refuse();
    });
    request.on('end', () => {
      if (tooLarge) refuse();
      else resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size));
    });
    request.on('close', () => resolve('gone'));
  });
}

async function writeReply(response: ServerResponse, reply: HttpReply): Promise<void> {
  const { status, headers, body } = reply;
  if (!isStream(body)) {
    const bodiless = status === 204 || status === 304;
    response.writeHead(status, bodiless ? headers : { ...headers, 'content-length': String(body.byteLength) });
    return finish(response, body);
  }
  try {
    response.writeHead(status, headers);
  } catch (error) {
    await drain(body);
    throw error;
  }
  // The head leaves with the first chunk where that is here already, one packet for both; else by itself.
  const head = setImmediate(() => response.flushHeaders());
  for await (const chunk of body) {
    if (response.destroyed) break;
    clearImmediate(head);
    if (!response.write(chunk)) await writable(response);
  }
  clearImmediate(head);
  await finish(response);
}

/** Lets a body that cannot be sent run to its end, where its costs are counted. */
async function drain(body: AsyncIterable<Uint8Array>): Promise<void> {
  const iterator = body[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}

/** Until the buffer is empty, or nobody is there to empty it. */
function writable(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      response.off('drain', settle);
      response.off('close', settle);
      resolve();
    };
    response.on('drain', settle);
    response.on('close', settle);
  });
}

/** Ends the reply; resolves when its last byte is handed over, or nobody is there to take it. */
function finish(response: ServerResponse, last?: Uint8Array): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    response.on('close', resolve);
    response.end(last);
  });
}
