/** Reads a V8 CPU profile and sums its self time by what the code belongs to. */
import { readFileSync } from 'node:fs';

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
}
interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Causes, first match wins. */
const CAUSES: readonly (readonly [string, RegExp])[] = [
  ['AWS SDK (repeats, rare calls)', /node_modules\/(@aws-sdk|@smithy|@aws-crypto|fast-xml-parser)/],
  ['signing (SigV4)', /lib\/transport\/sigv4|^node:internal\/crypto/],
  ['undici (calls to the provider and to the database)', /node_modules\/undici/],
  ['other packages', /node_modules/],
  ['dialects and stream framing', /lib\/(dialects|kinds|relay|transport\/sse)/],
  ['money: admission, settlement, stores', /lib\/(policies\/ad|money|stores|domain)/],
  ['the rest of Tollgate', /\/(lib|functions)\//],
  ['Node: sockets, HTTP parsing, streams', /^node:/],
];

/** Share of busy time per cause, largest first; idle time is left out. */
export function splitByCause(file: string): readonly (readonly [cause: string, share: number])[] {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const micros = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const frame = frames.get(id);
    const delta = timeDeltas[index] ?? 0;
    if (frame === undefined || frame.functionName === '(idle)') continue;
    const cause =
      frame.functionName === '(garbage collector)'
        ? 'garbage collection'
        : frame.url === ''
          ? 'native code (JSON, crypto, system calls)'
          : (CAUSES.find(([, pattern]) => pattern.test(frame.url))?.[0] ?? 'other');
    micros.set(cause, (micros.get(cause) ?? 0) + delta);
    busy += delta;
  }
  return [...micros].map(([cause, time]): readonly [string, number] => [cause, time / busy]).toSorted(([, a], [, b]) => b - a);
}
