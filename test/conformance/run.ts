/**
 * `npm run conformance`: replays recordings of real providers behind the running gateway, lets an independent scorer judge every field of
 * what a client hears, and writes docs/reference/conformance.md. Recordings and scorer are not part of this project; without them a
 * line says so and nothing is written.
 *
 * Where they are: TOLLGATE_RECORDINGS, a folder with `fidelity/score.mjs` and `fixtures/`; default `../shared`.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { renderReport, type Result, type Run } from './report.ts';

const root = resolve(import.meta.dirname, '../..');
const recordings = resolve(root, process.env['TOLLGATE_RECORDINGS'] ?? '../shared');
const scorer = join(recordings, 'fidelity/score.mjs');

const CLIENTS = ['openai-chat', 'anthropic-messages', 'openai-responses'];

/** Three ways to send the same bytes: an event at a time, many clients at once, cut at random places. */
const RUNS = [
  { name: 'one write per event', flags: ['--mode', 'event', '--concurrency', '1'] },
  { name: '8 clients at a time', flags: ['--mode', 'event', '--concurrency', '8'] },
  { name: 'cut at random byte boundaries', flags: ['--mode', 'split', '--seed', '7', '--concurrency', '4'] },
];

function score(flags: readonly string[], out: string, port: number): Promise<void> {
  const args = [
    scorer,
    '--adapter',
    join(recordings, 'fidelity/adapters/tollgate.mjs'),
    '--fixtures',
    join(recordings, 'fixtures'),
    '--clients',
    CLIENTS.join(','),
    '--origins',
    'all',
    '--json',
    out,
    '--quiet',
    ...flags,
    '--',
    '--project',
    root,
    '--port',
    String(port),
  ];
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    child.once('error', fail);
    child.once('exit', (code) => (code === 0 ? done() : fail(new Error(`the scorer ended with code ${code}`))));
  });
}

async function main(): Promise<void> {
  if (!existsSync(scorer)) {
    console.log(
      `conformance: skipped. No recordings at ${recordings} (set TOLLGATE_RECORDINGS); docs/reference/conformance.md is unchanged.`,
    );
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-conformance-'));
  const runs: Run[] = [];
  try {
    for (const [index, { name, flags }] of RUNS.entries()) {
      console.log(`conformance: ${name} ...`);
      const out = join(folder, `${index}.json`);
      await score(flags, out, 4100 + index);
      const { results } = JSON.parse(readFileSync(out, 'utf8')) as { results: Result[] };
      runs.push({ name, results });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const { text, failed } = renderReport(runs);
  writeFileSync(join(root, 'docs/reference/conformance.md'), text);
  console.log(text.split('\n## Every')[0]);
  console.log('conformance: written to docs/reference/conformance.md');
  if (failed) process.exitCode = 1;
}

await main();
