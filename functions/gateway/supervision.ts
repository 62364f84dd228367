/** The end of a server process: told to go, or broken. */
import { setTimeout as wait } from 'node:timers/promises';
import { describeError, type Log } from '../../lib/log.ts';
import type { WebServer } from './web.ts';

/** The part of `process` that is used; tests bring their own. */
export interface Host {
  on(event: 'SIGTERM' | 'uncaughtException' | 'unhandledRejection', listener: (cause: unknown) => void): unknown;
  exit(code: number): void;
}

/** A Web Function is killed one second after SIGTERM, milliseconds. */
const SIGTERM_GRACE_MS = 700;
/** After a fault that nobody caught, open streams may end for this long, milliseconds. */
const FAULT_GRACE_MS = 30_000;
/** After streams were cut, their settlement may take this long, milliseconds; then the keeper has it. */
const LAST_WORDS_MS = 250;

/**
 * Ends the process in order, once. On SIGTERM what does not end in time is cut: its holds are settled by the keeper. After an
 * uncaught fault the state of the process is unknown: it takes no more requests, but does not tear down those of others.
 */
export function supervise(server: WebServer, log: Log, host: Host = process): void {
  let ending = false;
  const end = (code: number, graceMs: number): void => {
    if (ending) return;
    ending = true;
    const limit = wait(graceMs + LAST_WORDS_MS, undefined, { ref: false });
    void Promise.race([server.stop(graceMs).catch(() => undefined), limit]).then(() => host.exit(code));
  };
  host.on('SIGTERM', () => {
    log('info', 'SIGTERM: no more requests');
    end(0, SIGTERM_GRACE_MS);
  });
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    host.on(event, (cause) => {
      log('error', `${event}: no more requests`, { error: describeError(cause) });
      end(1, FAULT_GRACE_MS);
    });
  }
}
