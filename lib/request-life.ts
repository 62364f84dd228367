/** How long a request lives: until its client leaves, the deadline comes, or somebody ends it. */
import { GatewayError } from './errors.ts';
import type { Life } from './exchange.ts';

/** What bounds a request. */
interface LimitedContext {
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** Aborts when the client left, where the shell can tell. */
  readonly signal?: AbortSignal;
}

/** When a request ends, if not by itself. */
export interface Limit {
  /** The shell's signal and the deadline, as one. */
  readonly signal: AbortSignal;
  readonly life: Life;
  /** Takes timer and listener away once the request is over. */
  readonly release: () => void;
}

/** Starts the clock of a request. `now`: milliseconds since the epoch. */
export function limitedSignal(now: () => number, context: LimitedContext): Limit {
  const controller = new AbortController();
  const expire = (): void =>
    controller.abort(new GatewayError('timeout', 'The answer took longer than this gateway may run; it was cut here.'));
  const leave = (): void => controller.abort(new GatewayError('client_closed', 'The client closed the connection.'));
  const timer = setTimeout(expire, Math.max(0, context.deadline - now()));
  timer.unref();
  if (context.signal?.aborted === true) leave();
  context.signal?.addEventListener('abort', leave, { once: true });
  const outlive = (): void => context.signal?.removeEventListener('abort', leave);
  return {
    signal: controller.signal,
    life: { outlive, end: (reason) => controller.abort(reason) },
    release: () => {
      clearTimeout(timer);
      outlive();
    },
  };
}
