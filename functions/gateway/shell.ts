/** What both shells of the gateway share. */
import type { GatewayError } from '../../lib/errors.ts';
import type { ShellContext } from '../../lib/gateway.ts';
import type { Log } from '../../lib/log.ts';
import type { HttpReply, HttpRequest } from '../../lib/transport/message.ts';

/** What a shell serves: the gateway, or on one machine the gateway and management behind one address. */
export interface Service {
  handle(request: HttpRequest, context: ShellContext): Promise<HttpReply & { readonly done?: Promise<unknown> }>;
  /** An error for whoever calls `path`, for a page of `origin` where one does. */
  refuse(path: string, error: GatewayError, origin?: string): Promise<HttpReply>;
}

/** What every shell is given. */
export interface ShellDeps {
  readonly service: Service;
  readonly log: Log;
  /** Largest request body, bytes. */
  readonly maxBodyBytes: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/**
 * How long before the platform's limit an answer ends by itself, milliseconds: time for its last event, the ledger entry and the
 * meters, each with a repeat.
 */
export const DEADLINE_MARGIN_MS = 15_000;
