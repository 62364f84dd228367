/** The performance page. */
import { cpus } from 'node:os';
import type { AdmissionCost, Projection } from './admission.ts';
import { ASSUMED, costLines, dollars } from './cost.ts';
import type { Bundle, Ready } from './footprint.ts';
import { NODE_FLAGS } from './process.ts';

/** Names of what is compared. */
export const CEILING = 'mock provider alone';
export const BARE = 'bare Node proxy';
export const PLAIN = 'Tollgate, no keys';
export const FULL = 'Tollgate, key + hold + ledger';
export const FREE = 'the same, free database';

/** One target in one scenario. CPU in seconds per 1,000 requests. */
export interface Row {
  readonly name: string;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuPer1k: number;
  readonly databaseCpuPer1k: number;
  readonly peakMiB: number;
  /** Cores the load generator used meanwhile. */
  readonly generatorShare: number;
}

/** All targets under one kind of load. */
export interface Scenario {
  readonly stream: boolean;
  readonly concurrency: number;
  readonly rows: readonly Row[];
}

/** Everything measured. */
export interface Report {
  readonly scenarios: readonly Scenario[];
  readonly admission: { readonly costs: readonly AdmissionCost[]; readonly projection: Projection };
  readonly causes: readonly (readonly [cause: string, share: number])[];
  readonly bundles: readonly Bundle[];
  readonly ready: Ready;
  readonly rounds: number;
  readonly seconds: number;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

function scenarioTable({ stream, concurrency, rows }: Scenario): string {
  const bare = rows.find(({ name }) => name === BARE)?.perSecond ?? Number.NaN;
  return [
    `### ${stream ? 'Streams of 20 chunks' : 'Whole answers'}, ${concurrency} at a time`,
    '',
    table(
      [
        '',
        'per second',
        'of the bare proxy',
        'p50 ms',
        'p99 ms',
        'CPU s per 1,000',
        'database CPU s per 1,000',
        'peak MiB',
        'generator cores',
      ],
      rows.map((row) => [
        row.name,
        row.perSecond.toFixed(0),
        `${((100 * row.perSecond) / bare).toFixed(0)} %`,
        row.p50.toFixed(2),
        row.p99.toFixed(2),
        row.cpuPer1k.toFixed(3),
        row.databaseCpuPer1k === 0 ? '-' : row.databaseCpuPer1k.toFixed(3),
        row.peakMiB.toFixed(0),
        row.generatorShare.toFixed(2),
      ]),
    ),
    '',
  ].join('\n');
}

const inSeconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;

function reading({ scenarios, admission, bundles, ready }: Report): string {
  const share = (stream: boolean, name: string): string => {
    const rows = scenarios.find((one) => one.stream === stream && one.concurrency === 16)?.rows ?? [];
    const rate = (of: string): number => rows.find((row) => row.name === of)?.perSecond ?? Number.NaN;
    return `${((100 * rate(name)) / rate(BARE)).toFixed(0)} %`;
  };
  const peak = (name: string): number =>
    Math.max(...scenarios.flatMap(({ rows }) => rows.filter((row) => row.name === name).map(({ peakMiB }) => peakMiB)));
  const gateway = bundles.find(({ name }) => name === 'gateway');
  const one = admission.costs.find(({ scopes }) => scopes.length === 1);
  return [
    table(
      ['what it should show', 'bar', 'measured'],
      [
        ['answers per second without keys, 16 at a time, of the bare proxy', '>= 50 %', share(false, PLAIN)],
        ['streams per second without keys, 16 at a time, of the bare proxy', '>= 50 %', share(true, PLAIN)],
        [
          'the same with key, hold and ledger, database not counted',
          '>= 60 %',
          `${share(false, FREE)} and ${share(true, FREE)}`,
        ],
        ['the same with the emulated database on the same core', 'reported', `${share(false, FULL)} and ${share(true, FULL)}`],
        ['round trips before the provider is asked, key with a budget', '1', String(one?.tripsBefore)],
        ['write units of such a call', '<= 5', String(one?.writeUnits)],
        ['peak memory without keys', '<= 160 MiB', `${peak(PLAIN).toFixed(0)} MiB`],
        ['peak memory with key, hold and ledger', 'reported', `${peak(FULL).toFixed(0)} MiB`],
        ['gateway bundle', '<= 1,000 KB', gateway === undefined ? 'not built' : `${gateway.kilobytes.toFixed(0)} KB`],
        ['import of the gateway bundle', '<= 60 ms', gateway === undefined ? 'not built' : `${gateway.importMs.toFixed(0)} ms`],
        [
          'ready after the first start, and after a later one',
          '< 1 s',
          `${inSeconds(ready.firstMs)} and ${inSeconds(ready.laterMs)}`,
        ],
      ],
    ),
    '',
  ].join('\n');
}

function admissionTable({ costs, projection }: Report['admission']): string {
  return [
    'A warm call, by the number of its limited scopes (a budget each). *Trips* are turns to the database: calls under way together are one.',
    'Write units as DynamoDB bills them, indexes included; counted by the emulator. CPU of the gateway without its HTTP shell, over a database',
    'that costs nothing, 16 calls at a time.',
    '',
    table(
      ['limited scopes', 'trips before the provider', 'trips after the last byte', 'calls', 'write units', 'CPU ms'],
      costs.map(({ scopes, tripsBefore, tripsAfter, calls, writeUnits, cpuMs }) => [
        scopes.length === 0 ? '0' : `${scopes.length}: ${scopes.join(', ')}`,
        ...[tripsBefore, tripsAfter, calls, writeUnits].map(String),
        cpuMs.toFixed(2),
      ]),
    ),
    '',
    'Per scope one write before and one after; for the entry one write and its two index entries. The consumer of the stream adds its totals:',
    `${projection.alone} write units for an entry that comes alone, ${projection.batched.toFixed(1)} in a batch of 20 of one key.`,
    '',
  ].join('\n');
}

/** The cost sheet: `npm run bench -- cost` prints it alone. */
export function costSheet({ costs, projection }: Report['admission']): string {
  return [
    `USD for a million calls on AWS: ${ASSUMED}.`,
    'Data out, logs and the model itself are not counted. A function URL is billed by time, and models are slow; a Web Function by CPU and by',
    'the memory of environments that many calls share, at unit prices that no public page states: its column is the CPU to be paid.',
    '',
    table(
      ['limited scopes', 'DynamoDB', 'function URL, answers', 'function URL, streams', 'Web Function'],
      costLines(costs).map(({ scopes, dynamodb, answers, streams, cpuSeconds }) => [
        String(scopes),
        `$${dynamodb.toFixed(2)}`,
        `$${answers.toFixed(2)}`,
        `$${streams.toFixed(2)}`,
        `$${dynamodb.toFixed(2)} and ${cpuSeconds.toFixed(0)} CPU s`,
      ]),
    ),
    '',
    `The consumer of the ledger's stream adds its totals: $${dollars(projection.batched).toFixed(2)} where entries come in batches of 20 of one key,`,
    `$${dollars(projection.alone).toFixed(2)} where each comes alone, which is where calls are few.`,
    '',
  ].join('\n');
}

/** The page as Markdown. */
export function render(report: Report): string {
  const { scenarios, admission, causes, bundles, rounds, seconds } = report;
  return [
    '# Performance',
    '',
    'Written by `npm run bench`; do not edit. Every target runs in the same session, interleaved (A B C, C B A, ...), each gateway on one core,',
    'the mock provider and the load generator on the other. Absolute figures belong to the machine; ratios carry over.',
    '',
    `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), ${rounds} rounds of ${seconds} s per scenario.`,
    '',
    '## In short',
    '',
    reading(report),
    '## How to read it',
    '',
    '- *mock provider alone* is the ceiling: the same load without anything between. It must lie above every gateway, and the generator must not',
    '  be at one core, or the figures would show them instead. Where a row comes near the ceiling, compare CPU seconds, not rates.',
    '- *bare Node proxy* forwards and does nothing else; it is what Node itself costs.',
    '- Tollgate runs as its built server (`npm run build`, `dist/local`); `npm start` runs the same from source, 50 MiB heavier. All processes run with',
    `  \`MALLOC_ARENA_MAX=1\` and Tollgate with \`${NODE_FLAGS.join(' ')}\`, the flags of \`npm start\`.`,
    '- *no keys* is Tollgate with the master key and no ledger; *key + hold + ledger* authenticates a virtual key with a budget, holds its worst case',
    '  in DynamoDB before the call, and writes the ledger entry and the settlement after the last byte. The database is emulated on the same',
    '  core, so its CPU slows the gateway here and would not on AWS; it has a column of its own. The stream consumer runs there as well.',
    '- *the same, free database* is the same server over a stand-in on the other core that speaks the protocol and says yes to every write: what',
    "  the gateway itself can do when the database is somebody else's machine, as on AWS. Nothing is proven about money with it.",
    '',
    '## Load',
    '',
    ...scenarios.map(scenarioTable),
    '## What limits cost',
    '',
    admissionTable(admission),
    '## What a million calls cost',
    '',
    costSheet(admission),
    '## Where the CPU goes with key, hold and ledger',
    '',
    'Busy time of the gateway process by cause, from a V8 profile of a run of its own (answers, 16 at a time, free database).',
    '',
    table(
      ['cause', 'share'],
      causes.map(([cause, share]) => [cause, `${(share * 100).toFixed(1)} %`]),
    ),
    '',
    '## Bundles',
    '',
    'KB of the entry file and median milliseconds of its import in a fresh process.',
    '',
    table(
      ['function', 'KB', 'import ms'],
      bundles.map(({ name, kilobytes, importMs }) => [name, kilobytes.toFixed(0), importMs.toFixed(1)]),
    ),
    '',
  ].join('\n');
}
