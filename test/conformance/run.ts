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
import { whenOrphaned } from '../../functions/local/signals.ts';
import { readFlags } from '../../lib/local/flags.ts';
import { StartError } from '../../lib/local/start-error.ts';
import { scoreClients } from './clients.ts';
import { renderReport, type Result, type Run } from './report.ts';

const root = resolve(import.meta.dirname, '../..');
const recordings = resolve(root, process.env['TOLLGATE_RECORDINGS'] ?? '../shared');
const scorer = join(recordings, 'fidelity/score.mjs');

/** Dialects of the scorer's own clients; those of clients.ts come beside them. */
const CLIENTS = ['openai-chat', 'anthropic-messages', 'openai-responses'];

interface Way {
  readonly name: string;
  readonly mode: 'event' | 'split';
  readonly seed: number;
  readonly concurrency: number;
}

/** Three ways to send the same bytes: an event at a time, many clients at once, cut at random places. */
const WAYS: readonly Way[] = [
  { name: 'one write per event', mode: 'event', seed: 1, concurrency: 1 },
  { name: '8 clients at a time', mode: 'event', seed: 1, concurrency: 8 },
  { name: 'cut at random byte boundaries', mode: 'split', seed: 7, concurrency: 4 },
];

const FIRST_PORT = 4100;

/** One way through the scorer, which stops its gateway when it is told to end. */
function score({ mode, seed, concurrency }: Way, out: string, port: number, ending: AbortSignal): Promise<void> {
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
    '--mode',
    mode,
    '--seed',
    String(seed),
    '--concurrency',
    String(concurrency),
    '--',
    '--project',
    root,
    '--port',
    String(port),
  ];
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const end = (): void => void child.kill('SIGTERM');
    ending.addEventListener('abort', end);
    child.once('error', fail);
    child.once('exit', () => ending.removeEventListener('abort', end));
    child.once('exit', (code) => (code === 0 ? done() : fail(new Error(`the scorer ended with code ${code}`))));
  });
}

async function main(ending: AbortSignal): Promise<void> {
  const { values } = readFlags({ options: { help: { type: 'boolean' } } });
  if (values.help === true) {
    console.log(
      'Usage: npm run conformance: takes minutes, and writes docs/reference/conformance.md. TOLLGATE_RECORDINGS names the recordings.',
    );
    return;
  }
  // Calls that nobody books are not counted again: a provider's counter, asked after the last byte, would meet the next recording.
  process.env['TOLLGATE_DISABLE_LEDGER'] = 'true';
  if (!existsSync(scorer)) {
    console.log(
      `conformance: skipped. No recordings at ${recordings} (set TOLLGATE_RECORDINGS); docs/reference/conformance.md is unchanged.`,
    );
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-conformance-'));
  const runs: Run[] = [];
  try {
    for (const [index, way] of WAYS.entries()) {
      console.log(`conformance: ${way.name} ...`);
      const out = join(folder, `${index}.json`);
      const port = FIRST_PORT + 2 * index;
      await score(way, out, port, ending);
      const { results } = JSON.parse(readFileSync(out, 'utf8')) as { results: Result[] };
      const others = await scoreClients({ ...way, recordings, project: root, port: port + 1, ending });
      ending.throwIfAborted();
      runs.push({ name: way.name, results: [...results, ...others] });
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

/** What is told to end ends its gateways first; told again, it ends at once. */
const ending = new AbortController();
const CODES = { SIGINT: 130, SIGTERM: 143 } as const;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort(signal));
if (process.env['npm_lifecycle_event'] !== undefined) whenOrphaned(() => ending.abort('SIGTERM'));

try {
  await main(ending.signal);
} catch (error) {
  const reason: unknown = ending.signal.reason;
  if (reason === 'SIGINT' || reason === 'SIGTERM') {
    console.error(`conformance: ended by ${reason}; its gateways are stopped`);
    process.exitCode = CODES[reason];
  } else {
    console.error(`conformance: ${error instanceof StartError ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
