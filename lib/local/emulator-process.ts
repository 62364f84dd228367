/** A child process that serves HTTP on a loopback port, is started again when it dies, and never outlives us. */
import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { writeAtomically } from './atomic-file.ts';
import { isAlive, markOf } from './process-identity.ts';
import { StartError } from './start-error.ts';
import { readMark, unusableState } from './state-folder.ts';

/** What to run and how to speak of it. */
export interface EmulatorOptions {
  /** For messages: `dynoxide`. */
  readonly name: string;
  readonly command: string;
  /** Arguments for the port it is to listen on. */
  readonly arguments: (port: number) => readonly string[];
  /** Where the process is remembered, so that a later start can end one that was left behind; absent remembers nothing. */
  readonly markFile?: string;
  /** Milliseconds it may take to answer its first request. */
  readonly startTimeoutMs: number;
  /** Told in one line when it died, and when it is back. */
  readonly onIncident: (line: string) => void;
  /** Called after it was started again, before `onIncident` says that it is back. */
  readonly onRestart?: (() => Promise<void>) | undefined;
}

/** A running emulator. */
export interface Emulator {
  /** `http://127.0.0.1:<port>`, the same after a restart. */
  readonly url: string;
  /** Process id of the current child. */
  pid(): number | undefined;
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
/** How often a start is tried on another port: a free port can be gone a moment later. */
const PORT_TRIES = 3;
/** Deaths in a row, each within the quiet time after a restart, before we give up. */
const MAX_DEATHS = 5;
const QUIET_MS = 10_000;
const STOP_GRACE_MS = 2_000;
const POLL_MS = 5;
const STDERR_KEPT = 2_000;

/**
 * On POSIX the child is started by a line of shell: a watcher waits for the end of a pipe that only we hold open, and kills the child
 * then, so that it goes with us even when we are killed with SIGKILL. `exec` gives the child the process id we know; its files are
 * for their owner alone.
 */
const LIFELINE = 'umask 077; (read -r _ <&3; kill -9 $$) >/dev/null 2>&1 & exec "$@" 3<&-';

interface Child {
  readonly process: ChildProcess;
  readonly exited: Promise<string>;
}

/**
 * Starts the emulator on a free port and waits until it answers.
 *
 * @throws StartError with the reason it gave, when it does not come up.
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  if (options.markFile !== undefined) await endLeftover(options.markFile);
  let { port, child } = await startOnFreePort(options);
  let closing = false;
  let deaths = 0;

  async function supervise(): Promise<void> {
    const startedAt = performance.now();
    const reason = await child.exited;
    if (closing) return;
    deaths = performance.now() - startedAt < QUIET_MS ? deaths + 1 : 1;
    if (deaths > MAX_DEATHS) {
      options.onIncident(
        `${options.name} died ${deaths} times in a row and stays down (${reason}); stop Tollgate and look at the cause`,
      );
      return;
    }
    options.onIncident(`${options.name} died (${reason}); starting it again`);
    child = launch(options, port);
    try {
      await untilReady(child, port, options);
      await options.onRestart?.();
      options.onIncident(`${options.name} is back`);
    } catch (error) {
      if (!closing) options.onIncident(error instanceof Error ? error.message : String(error));
    }
    return supervise();
  }
  void supervise();

  return {
    url: `http://${LOOPBACK}:${port}`,
    pid: () => child.process.pid,
    async close() {
      closing = true;
      child.process.kill('SIGTERM');
      const timer = setTimeout(() => child.process.kill('SIGKILL'), STOP_GRACE_MS);
      await child.exited;
      clearTimeout(timer);
      if (options.markFile !== undefined) rmSync(options.markFile, { force: true });
    },
  };
}

async function startOnFreePort(options: EmulatorOptions): Promise<{ port: number; child: Child }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const child = launch(options, port);
    try {
      await untilReady(child, port, options);
      return { port, child };
    } catch (error) {
      child.process.kill('SIGKILL');
      if (attempt === PORT_TRIES || !(error instanceof Error && /in use/i.test(error.message))) throw error;
    }
  }
}

function launch(options: EmulatorOptions, port: number): Child {
  const command = [options.command, ...options.arguments(port)];
  const [file = '', ...rest] = process.platform === 'win32' ? command : ['sh', '-c', LIFELINE, 'tollgate', ...command];
  // A group of its own: Ctrl-C in a terminal reaches us alone, and open requests can still be settled.
  const child = spawn(file, rest, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' });
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaint = `${complaint}${chunk.toString()}`.slice(-STDERR_KEPT)));
  child.stdio[3]?.on('error', () => undefined);
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', () => child.stdio[3]?.destroy());
    child.once('close', (code, signal) => {
      resolve(signal ?? (complaint.trim() === '' ? `exit code ${code}` : complaint.trim().replaceAll(/\s*\n\s*/g, '; ')));
    });
  });
  if (options.markFile !== undefined && child.pid !== undefined) {
    try {
      writeAtomically(options.markFile, `${JSON.stringify(markOf(child.pid))}\n`);
    } catch (error) {
      child.kill('SIGKILL');
      throw unusableState(options.markFile, error);
    }
  }
  return { process: child, exited };
}

async function untilReady(child: Child, port: number, options: EmulatorOptions): Promise<void> {
  const deadline = performance.now() + options.startTimeoutMs;
  let dead: string | undefined;
  void child.exited.then((reason) => (dead = reason));
  while (!(await answers(port))) {
    if (dead !== undefined) throw new StartError(`${options.name} did not start: ${dead}`);
    if (performance.now() > deadline)
      throw new StartError(`${options.name} did not answer within ${options.startTimeoutMs} ms`);
    await wait(POLL_MS);
  }
}

/** True when something speaks HTTP there. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = request({ host: LOOPBACK, port, agent: false }, (response) => {
      response.resume();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
    probe.end();
  });
}

/** A port nobody listens on at this moment. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, LOOPBACK, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Ends an emulator that an earlier Tollgate left behind, so that it does not hold our file; any other process is left alone. */
async function endLeftover(markFile: string): Promise<void> {
  const mark = readMark(markFile);
  if (mark === undefined || !isAlive(mark)) return;
  process.kill(mark.pid, 'SIGTERM');
  const deadline = performance.now() + STOP_GRACE_MS;
  while (isAlive(mark)) {
    if (performance.now() > deadline) process.kill(mark.pid, 'SIGKILL');
    await wait(POLL_MS);
  }
}
