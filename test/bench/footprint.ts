/** What the gateway weighs before its first request: bundle, import time, time to the ready line. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startCommand } from './process.ts';

/** A bundle: KB of code loaded at start, and median milliseconds to import it in a fresh process. */
export interface Bundle {
  readonly name: string;
  readonly kilobytes: number;
  readonly importMs: number;
}

const RUNS = 11;
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** Imports a file in a fresh process with `node:http` loaded, as the Lambda runtime has it; minus an empty import. */
function importMs(file: string): number {
  const script = `
    await import('node:http');
    globalThis.awslambda = { streamifyResponse: (handler) => handler, HttpResponseStream: { from: (stream) => stream } };
    const began = performance.now();
    await import(${JSON.stringify(file)});
    process.stdout.write(String(performance.now() - began));
    process.exit(0);`;
  const run = (): number => {
    const env = { ...process.env, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' };
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env });
    if (stdout === '') throw new Error(stderr);
    return Number(stdout);
  };
  return median(Array.from({ length: RUNS }, run));
}

/** Builds, then measures the function URL bundle of the gateway. */
export function measureBundles(root: string): readonly Bundle[] {
  const built = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`${built.stdout}${built.stderr}`);
  const dist = join(root, 'dist');
  return readdirSync(dist)
    .map((name) => ({ name, file: join(dist, name, 'index.mjs') }))
    .filter(({ file }) => existsSync(file))
    .map(({ name, file }) => ({ name, kilobytes: statSync(file).size / 1024, importMs: importMs(file) }));
}

/** Median milliseconds from `node functions/local/main.ts` to its ready line. */
export async function measureReady(root: string): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 5; run++) {
    const running = await startCommand(
      [process.execPath, join(root, 'functions/local/main.ts'), '--ephemeral', '--port', '4390'],
      {
        port: 4390,
        cwd: root,
        ready: /Ready/i,
      },
    );
    times.push(running.readyMs);
    await running.stop();
  }
  return median(times);
}
