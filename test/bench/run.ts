/**
 * `npm run bench`: the mock provider alone, a bare Node proxy, and Tollgate without and with keys and ledger, interleaved in one run on one
 * core each, then what limits cost, and writes docs/performance.md. Ratios count; absolute figures belong to the machine. `--quick` takes a
 * minute and a half; `cost` prints the cost sheet alone.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readFlags } from '../../lib/local/flags.ts';
import { StartError } from '../../lib/local/start-error.ts';
import { measureAdmission } from './admission.ts';
import { measureBundles, measureReady } from './footprint.ts';
import { runLoad, type Measured } from './load.ts';
import {
  CALLER_CORE,
  commandOf,
  cpuOf,
  forgetPeak,
  GATEWAY_CORE,
  NODE_FLAGS,
  peakOf,
  startCommand,
  startScript,
  treeOf,
  type Running,
} from './process.ts';
import { splitByCause } from './profile.ts';
import { BARE, CEILING, costSheet, FREE, FULL, PLAIN, render, type Row, type Scenario } from './report.ts';

const here = import.meta.dirname;
const root = resolve(here, '../..');
const USAGE = `Usage: npm run bench -- [--quick] [cost]

  --quick  a minute and a half instead of a quarter of an hour
  cost     the cost sheet alone, printed

Without cost it writes docs/performance.md.`;
const { quick, help, positionals } = flags();
const ROUNDS = quick ? 2 : 4;
const SECONDS = quick ? 1 : 3;
const CONCURRENCIES = [1, 16, 64];
const MASTER_KEY = 'sk-bench-master';

interface Target {
  readonly name: string;
  readonly running: Running;
  readonly path: string;
  readonly headers: Record<string, string>;
}

function flags() {
  try {
    const options = { quick: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } as const;
    const { values, positionals } = readFlags({ options, allowPositionals: true });
    const [strange] = positionals.filter((word) => word !== 'cost');
    if (strange !== undefined) throw new StartError(`expected cost or nothing, got ${JSON.stringify(strange)}`);
    return { ...values, positionals };
  } catch (error) {
    console.error(`bench: ${error instanceof StartError ? error.message : String(error)}`);
    process.exit(1);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
const started: Running[] = [];
const keep = <T extends Running>(running: T): T => {
  started.push(running);
  return running;
};

const configFor = (upstreamPort: number, ledger: boolean): string => {
  const file = join(folder, `config-${ledger}.yaml`);
  writeFileSync(
    file,
    [
      'model_list:',
      '  - model_name: gpt-4o-mini',
      '    litellm_params:',
      '      model: openai/gpt-4o-mini',
      `      api_base: http://127.0.0.1:${upstreamPort}/v1`,
      '      api_key: upstream',
      'general_settings:',
      `  master_key: ${MASTER_KEY}`,
      `  disable_spend_logs: ${!ledger}`,
      '',
    ].join('\n'),
  );
  return file;
};

/** A program that starts the database that costs nothing, on the callers' core, in the place of the emulator. */
function freeDatabase(): string {
  const file = join(folder, 'free-database');
  const command = `taskset -c ${CALLER_CORE} ${process.execPath} ${join(here, 'free-database.ts')}`;
  writeFileSync(file, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
  return file;
}

interface Settings {
  readonly port: number;
  readonly upstreamPort: number;
  readonly ledger: boolean;
  /** The database costs nothing. */
  readonly free?: boolean;
  /** Runs from source, with these flags of Node. */
  readonly profiled?: readonly string[];
}

async function startTollgate({ port, upstreamPort, ledger, free = false, profiled }: Settings) {
  const program = profiled === undefined ? 'dist/local/index.mjs' : 'functions/local/main.ts';
  const flags = ['--ephemeral', '--port', String(port), '--config', configFor(upstreamPort, ledger)];
  return keep(
    await startCommand([process.execPath, ...NODE_FLAGS, ...(profiled ?? []), join(root, program), ...flags], {
      port,
      core: GATEWAY_CORE,
      cwd: root,
      // Request lines would measure the terminal.
      env: { TOLLGATE_LOG_LEVEL: 'warn', ...(free ? { DYNOXIDE_BIN: freeDatabase() } : {}) },
      ready: /Ready/i,
    }),
  );
}

/** A key with every kind of limit, none of which the load reaches. */
async function makeKey(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/key/generate`, {
    method: 'POST',
    headers: { authorization: `Bearer ${MASTER_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ max_budget: 1_000_000 }),
  });
  if (!response.ok) throw new Error(`no key: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { key: string }).key;
}

/** The process that serves, and the emulated database beside it. */
function cpuParts(pid: number): { own: number; database: number } {
  const parts = { own: 0, database: 0 };
  for (const one of treeOf(pid)) {
    try {
      if (one !== pid && /dynoxide|DynamoDB|free-database/i.test(commandOf(one))) parts.database += cpuOf(one);
      else parts.own += cpuOf(one);
    } catch {
      // It ended meanwhile.
    }
  }
  return parts;
}

async function slice(
  target: Target,
  stream: boolean,
  concurrency: number,
): Promise<{ measured: Measured; own: number; database: number; peak: number }> {
  const { running, path, headers } = target;
  forgetPeak(running.pid);
  const before = cpuParts(running.pid);
  const measured = await runLoad({
    port: running.port,
    path,
    headers,
    stream,
    concurrency,
    seconds: SECONDS,
    warmupSeconds: 0,
  });
  const after = cpuParts(running.pid);
  return { measured, own: after.own - before.own, database: after.database - before.database, peak: peakOf(running.pid) };
}

async function measure(targets: readonly Target[]): Promise<readonly Scenario[]> {
  const scenarios: Scenario[] = [];
  console.log('warming up ...');
  for (const stream of [false, true]) {
    for (const { running, path, headers } of targets) {
      await runLoad({ port: running.port, path, headers, stream, concurrency: 16, seconds: quick ? 1 : 4, warmupSeconds: 0 });
    }
  }
  for (const stream of [false, true]) {
    for (const concurrency of CONCURRENCIES) {
      const pooled = new Map(targets.map(({ name }) => [name, [] as Awaited<ReturnType<typeof slice>>[]]));
      for (let round = 0; round < ROUNDS; round++) {
        // A B C, C B A, ...: slow drift of the machine cancels out.
        for (const target of round % 2 === 0 ? targets : targets.toReversed())
          pooled.get(target.name)?.push(await slice(target, stream, concurrency));
      }
      const rows = [...pooled].map(([name, slices]) => rowOf(name, slices));
      scenarios.push({ stream, concurrency, rows });
      console.log(
        `${stream ? 'streams' : 'answers'} x${concurrency}: ${rows.map((row) => `${row.name} ${row.perSecond.toFixed(0)}/s`).join(' · ')}`,
      );
    }
  }
  return scenarios;
}

function rowOf(name: string, slices: readonly Awaited<ReturnType<typeof slice>>[]): Row {
  const sum = (of: (one: (typeof slices)[number]) => number): number => slices.reduce((total, one) => total + of(one), 0);
  const answers = sum(({ measured }) => measured.answers);
  const failure = slices.find(({ measured }) => measured.firstFailure !== undefined)?.measured.firstFailure;
  if (failure !== undefined) throw new Error(`${name}: ${failure}`);
  const median = (of: (one: (typeof slices)[number]) => number): number =>
    slices.map(of).toSorted((a, b) => a - b)[Math.floor(slices.length / 2)] ?? 0;
  return {
    name,
    perSecond: answers / sum(({ measured }) => measured.seconds),
    p50: median(({ measured }) => measured.p50),
    p99: median(({ measured }) => measured.p99),
    cpuPer1k: (sum(({ own }) => own) / answers) * 1000,
    databaseCpuPer1k: (sum(({ database }) => database) / answers) * 1000,
    peakMiB: Math.max(...slices.map(({ peak }) => peak)),
    generatorShare: sum(({ measured }) => measured.ownCpuSeconds) / sum(({ measured }) => measured.seconds),
  };
}

/** Where the CPU goes with keys and ledger on, over a database that costs nothing: one profiled run of its own, so that the profiler slows nothing that is compared. */
async function profile(upstreamPort: number) {
  const running = await startTollgate({
    port: 4391,
    upstreamPort,
    ledger: true,
    free: true,
    profiled: ['--cpu-prof', `--cpu-prof-dir=${folder}`],
  });
  const authorization = `Bearer ${await makeKey(running.port)}`;
  await runLoad({
    port: running.port,
    path: '/v1/chat/completions',
    headers: { authorization },
    stream: false,
    concurrency: 16,
    seconds: quick ? 3 : 8,
    warmupSeconds: 1,
  });
  await running.stop();
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'));
  return file === undefined ? [] : splitByCause(join(folder, file));
}

async function printCosts(): Promise<void> {
  const upstream = keep(await startScript(join(here, 'upstream.ts'), [], CALLER_CORE));
  console.log(costSheet(await measureAdmission(upstream.port, ROUNDS, SECONDS)));
}

async function main(): Promise<void> {
  console.log('footprint ...');
  const bundles = await measureBundles(root);
  const ready = await measureReady(root);
  const upstream = keep(await startScript(join(here, 'upstream.ts'), [], CALLER_CORE));
  const bare = keep(await startScript(join(here, 'bare-proxy.ts'), [String(upstream.port)], GATEWAY_CORE));
  const upstreamPort = upstream.port;
  const without = await startTollgate({ port: 4392, upstreamPort, ledger: false });
  const withKeys = await startTollgate({ port: 4393, upstreamPort, ledger: true });
  const onFree = await startTollgate({ port: 4394, upstreamPort, ledger: true, free: true });
  const path = '/v1/chat/completions';
  const targets: readonly Target[] = [
    { name: CEILING, running: upstream, path, headers: {} },
    { name: BARE, running: bare, path, headers: {} },
    { name: PLAIN, running: without, path, headers: { authorization: `Bearer ${MASTER_KEY}` } },
    { name: FULL, running: withKeys, path, headers: { authorization: `Bearer ${await makeKey(withKeys.port)}` } },
    { name: FREE, running: onFree, path, headers: { authorization: `Bearer ${await makeKey(onFree.port)}` } },
  ];
  const scenarios = await measure(targets);
  for (const running of [without, withKeys, onFree]) await running.stop();
  console.log('admission ...');
  const admission = await measureAdmission(upstreamPort, ROUNDS, SECONDS);
  console.log('profile ...');
  const causes = await profile(upstreamPort);
  const text = render({ scenarios, admission, causes, bundles, ready, rounds: ROUNDS, seconds: SECONDS });
  writeFileSync(join(root, 'docs/performance.md'), text);
  console.log(text);
}

try {
  if (help) console.log(USAGE);
  else await (positionals.includes('cost') ? printCosts() : main());
} finally {
  await Promise.all(started.map((running) => running.stop().catch(() => {})));
  rmSync(folder, { recursive: true, force: true });
}
