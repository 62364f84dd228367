/** What the gateway weighs before its first request: bundle, import time, time to the ready line. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, BUNDLES } from '../../infra/bundle.ts';
import { NODE_FLAGS, startCommand } from './process.ts';

/** A bundle: KB of code loaded at start, and median milliseconds to import it in a fresh process. */
export interface Bundle {
  readonly name: string;
  readonly kilobytes: number;
  readonly importMs: number;
}

const RUNS = 11;
const STARTS = 5;
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Imports a file in a fresh process with `node:http` loaded, as the Lambda runtime has it. */
function importMs(file: string): number {
  const script = `
    await import('node:http');
    globalThis.awslambda = { streamifyResponse: (handler) => handler, HttpResponseStream: { from: (stream) => stream } };
    const began = performance.now();
    await import(${JSON.stringify(file)});
    process.stdout.write(String(performance.now() - began));
    process.exit(0);`;
  const run = (): number => {
    const env = {
      ...process.env,
      AWS_LAMBDA_FUNCTION_NAME: 'gateway',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      TOLLGATE_MASTER_KEY_SECRET: 'x',
    };
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env });
    if (stdout === '') throw new Error(stderr);
    return Number(stdout);
  };
  return median(Array.from({ length: RUNS }, run));
}

/** Builds everything; imports what Lambda imports (the Web Function and the local server are programs, started and not imported). */
export async function measureBundles(root: string): Promise<readonly Bundle[]> {
  const reports = await Promise.all(BUNDLES.map((spec) => bundle(spec, root)));
  return reports
    .map(({ name, start }) => ({ name, start, file: join(root, 'dist', name, 'index.mjs') }))
    .filter(({ name, file }) => name !== 'local' && existsSync(file))
    .map(({ name, start, file }) => ({ name, kilobytes: start / 1024, importMs: importMs(file) }));
}

/** Median milliseconds from `node functions/local/main.ts` to its ready line: as the first time, and with the compiled code of an earlier start. */
export interface Ready {
  readonly firstMs: number;
  readonly laterMs: number;
}

/** Starts the local server a few times either way. */
export async function measureReady(root: string): Promise<Ready> {
  const first: number[] = [];
  const later: number[] = [];
  for (let run = 0; run < STARTS; run++) {
    first.push(await readyMs(root, { NODE_DISABLE_COMPILE_CACHE: '1' }));
    later.push(await readyMs(root, {}));
  }
  // One of the later ones may have been the first.
  return { firstMs: median(first), laterMs: median(later) };
}

async function readyMs(root: string, env: Record<string, string>): Promise<number> {
  const argv = [process.execPath, ...NODE_FLAGS, join(root, 'functions/local/main.ts'), '--ephemeral', '--port', '4390'];
  const running = await startCommand(argv, { port: 4390, cwd: root, env, ready: /Ready/i });
  await running.stop();
  return running.readyMs;
}
