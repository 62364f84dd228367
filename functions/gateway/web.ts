/**
 * The HTTP server shell: the Lambda Web Function, and every other place where the gateway is a plain Node server. Many requests share
 * the process, so it refuses what it could not serve well, before the platform sends more than it can carry.
 */
import { GatewayError } from '../../lib/errors.ts';
import { describeError } from '../../lib/log.ts';
import { createHttpServer } from '../../lib/transport/http-server.ts';
import { DEADLINE_MARGIN_MS, type ShellDeps } from './shell.ts';

/** How to start. */
export interface WebOptions extends ShellDeps {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Longest request, milliseconds; default 15 minutes. */
  readonly timeoutMs?: number;
  /** Whether the platform appends the client's address to `x-forwarded-for`. */
  readonly forwarded?: boolean;
  /** Requests under way at once; more are answered 503 with `retry-after`. Default: no limit. */
  readonly maxConcurrent?: number;
}

/** A listening server. */
export interface WebServer {
  readonly port: number;
  /** Takes no more requests and waits for the open ones; cuts what is left after `graceMs`. */
  stop(graceMs?: number): Promise<void>;
}

const FIFTEEN_MINUTES = 900_000;

/** Starts listening. Rejects when the address is taken. */
export async function startWeb(options: WebOptions): Promise<WebServer> {
  const { service, log, maxBodyBytes, host, port, now = Date.now } = options;
  const { timeoutMs = FIFTEEN_MINUTES, maxConcurrent = Number.POSITIVE_INFINITY } = options;
  let underWay = 0;

  const server = createHttpServer({
    maxBodyBytes,
    now,
    forwarded: options.forwarded ?? false,
    renderRefusal: (path, error, origin) => service.refuse(path, error, origin),
    onError: (error) => log('error', 'a request failed outside the onion', { error: describeError(error) }),
    async handle(request, { signal, receivedAt }) {
      if (underWay >= maxConcurrent) return service.refuse(request.path, busy(maxConcurrent), request.headers['origin']);
      underWay++;
      const leave = (): void => void underWay--;
      try {
        const reply = await service.handle(request, {
          receivedAt,
          signal,
          deadline: receivedAt + timeoutMs - DEADLINE_MARGIN_MS,
        });
        void (reply.done ?? Promise.resolve()).then(leave, leave);
        return reply;
      } catch (error) {
        leave();
        throw error;
      }
    },
  });
  const address = await server.listen(port, host);
  return { port: address.port, stop: (graceMs) => server.close(graceMs) };
}

const busy = (limit: number): GatewayError =>
  new GatewayError('overloaded', `This environment is serving ${limit} requests already; try again.`, {
    code: 'busy',
    retryAfter: '1',
  });
