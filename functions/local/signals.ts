/** How a local run ends: told by a signal, or left alone by the `npm start` it came from. */

/** The part of `process` that is used; tests bring their own. */
export interface Host {
  on(event: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): void;
}

/** One Ctrl-C can come twice: from the terminal, and again from npm. Milliseconds. */
const ECHO_MS = 500;
/** How often we look whether npm is still there, milliseconds. */
const LOOK_MS = 250;

/** The first SIGINT or SIGTERM ends the run in order, exit code 0; the second at once. */
export function stopOnSignals(
  stop: () => Promise<void>,
  say: (line: string) => void,
  host: Host = process,
  now: () => number = () => performance.now(),
): void {
  let stoppingSince: number | undefined;
  const onSignal = (): void => {
    if (stoppingSince !== undefined) {
      if (now() - stoppingSince > ECHO_MS) host.exit(1);
      return;
    }
    stoppingSince = now();
    say('stopping: open answers may end; once more to stop at once');
    void stop().then(
      () => host.exit(0),
      (error: unknown) => {
        say(error instanceof Error ? error.message : String(error));
        host.exit(1);
      },
    );
  };
  host.on('SIGINT', onSignal);
  host.on('SIGTERM', onSignal);
}

/**
 * Runs `left` once when the parent process is gone. npm hands a SIGTERM to its shell alone: that ends, and we would stay behind on our
 * port with nobody to end us.
 *
 * @param parent the current parent's process id.
 */
export function whenOrphaned(left: () => void, parent: () => number = () => process.ppid, everyMs = LOOK_MS): void {
  const first = parent();
  const looking = setInterval(() => {
    if (parent() === first) return;
    clearInterval(looking);
    left();
  }, everyMs);
  looking.unref();
}
