/** Starts what is measured, and reads its CPU and memory from /proc. Linux only. */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import manifest from '../../package.json' with { type: 'json' };

/**
 * Flags of Node that `npm start` gives. They bound garbage, not what is needed: a full collection once the heap is 60 % above what the last
 * one left, where V8 would let it quadruple (168 MiB at 64 streams instead of 138), and a nursery in which a stream's objects can die.
 */
export const NODE_FLAGS: readonly string[] = manifest.scripts.start.split(' ').filter((word) => word.startsWith('--'));

/** For every process alike: one arena of glibc's allocator; more of them keep memory that V8's compiler threads gave back. */
const ENVIRONMENT = { MALLOC_ARENA_MAX: '1' };

/** The gateways run on one core, the provider, the callers and databases that cost nothing on the other. */
export const GATEWAY_CORE = 0;
export const CALLER_CORE = 1;

/** A running process. */
export interface Running {
  readonly pid: number;
  readonly port: number;
  stop(): Promise<void>;
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((done) => (child.exitCode === null ? child.once('exit', () => done()) : done()));

/** Binds a process and its children to one processor, where the machine has `taskset`. */
const pinned = (core: number, argv: readonly string[]): readonly string[] => ['taskset', '-c', String(core), ...argv];

/** A script of this folder that reports its port by message. */
export async function startScript(path: string, args: readonly string[], core: number): Promise<Running> {
  const child = fork(path, [...args], {
    env: { ...process.env, ...ENVIRONMENT },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  pin(child, core);
  const { port } = await new Promise<{ port: number }>((done, fail) => {
    child.once('message', (message) => done(message as { port: number }));
    child.once('exit', (code) => fail(new Error(`${path} ended with ${code}`)));
  });
  child.disconnect();
  return {
    pid: child.pid ?? 0,
    port,
    stop: () => {
      child.kill('SIGKILL');
      return ended(child);
    },
  };
}

function pin(child: ChildProcess, core: number): void {
  spawn('taskset', ['-a', '-c', '-p', String(core), String(child.pid)], { stdio: 'ignore' }).on('error', () => {});
}

/** A command that is ready once `ready` matches its output. Resolves with the milliseconds that took. */
export async function startCommand(
  argv: readonly string[],
  options: {
    readonly port: number;
    readonly core?: number;
    readonly env?: Record<string, string>;
    readonly ready: RegExp;
    readonly cwd?: string;
  },
): Promise<Running & { readonly output: string; readonly readyMs: number }> {
  const began = performance.now();
  const [file = '', ...args] = options.core === undefined ? argv : pinned(options.core, argv);
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: { ...process.env, ...ENVIRONMENT, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  await new Promise<void>((done, fail) => {
    const read = (data: Buffer): void => {
      output += data.toString('utf8');
      if (options.ready.test(output)) done();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => fail(new Error(`${argv.join(' ')} ended with ${code}:\n${output}`)));
  });
  const readyMs = performance.now() - began;
  child.stdout.removeAllListeners('data').resume();
  child.stderr.removeAllListeners('data').resume();
  return {
    pid: child.pid ?? 0,
    port: options.port,
    output,
    readyMs,
    stop: async () => {
      child.kill('SIGTERM');
      await Promise.race([ended(child), new Promise((done) => setTimeout(done, 8000))]);
      child.kill('SIGKILL');
      await ended(child);
    },
  };
}

/** A process and its descendants. */
export function treeOf(pid: number): readonly number[] {
  const found = [pid];
  for (const one of found) {
    try {
      for (const thread of readdirSync(`/proc/${one}/task`)) {
        const children = readFileSync(`/proc/${one}/task/${thread}/children`, 'utf8').trim();
        if (children !== '') found.push(...children.split(' ').map(Number));
      }
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/** CPU seconds so far, user and system, of one process. */
export function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Command of a process. */
export const commandOf = (pid: number): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');

/** Forgets the peak of resident memory. */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** Peak of resident memory since it was forgotten, MiB. */
export const peakOf = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
