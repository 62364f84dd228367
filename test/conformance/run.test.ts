/** `npm run conformance` told to end, with a scorer and an adapter that only note what becomes of them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const ADAPTER = `import { writeFileSync } from 'node:fs';
export default async () => {
  let end;
  const running = setTimeout(() => process.exit(1), 14_000);
  return {
    start: () => new Promise((_, reject) => { end = reject; console.log('clients started'); }),
    stop: async () => {
      writeFileSync(process.env.NOTES + '/adapter-stopped', '');
      clearTimeout(running);
      end?.(new Error('gateway ended early'));
    },
  };
};
`;
const LONG = `import { writeFileSync } from 'node:fs';
process.once('SIGTERM', () => { writeFileSync(process.env.NOTES + '/scorer-stopped', ''); process.exit(143); });
setTimeout(() => process.exit(1), 14_000);
console.error('scorer started');
`;
const SHORT = `import { writeFileSync } from 'node:fs';
writeFileSync(process.argv[process.argv.indexOf('--json') + 1], '{"results": []}');
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conformance-run-'));
  mkdirSync(join(folder, 'fidelity/adapters'), { recursive: true });
  const file = (name: string, text: string): void => writeFileSync(join(folder, 'fidelity', name), text);
  for (const name of ['compare', 'oracle', 'requests']) file(`${name}.mjs`, '');
  file('fixtures.mjs', 'export const loadCases = () => [];');
  file('replay.mjs', 'export const startReplay = async () => ({ close: async () => {} });');
  file('adapters/tollgate.mjs', ADAPTER);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each([
  ['the scorer runs', LONG, 'scorer started', 'scorer-stopped', 'SIGTERM', 143],
  ['its own clients call', SHORT, 'clients started', 'adapter-stopped', 'SIGINT', 130],
] as const)('told to end while %s, it stops the gateway first', async (_, scorer, sign, note, signal, code) => {
  writeFileSync(join(folder, 'fidelity/score.mjs'), scorer);
  const { npm_lifecycle_event: __, ...environment } = process.env;
  const child = spawn(process.execPath, ['test/conformance/run.ts'], {
    env: { ...environment, TOLLGATE_RECORDINGS: folder, NOTES: folder },
  });
  const exit = once(child, 'exit');
  let output = '';
  const started = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes(sign)) resolve();
      });
    }
  });

  await Promise.race([started, exit]);
  child.kill(signal);

  expect(await exit).toEqual([code, null]);
  expect(existsSync(join(folder, note))).toBe(true);
  expect(output).toContain(`conformance: ended by ${signal}; its gateways are stopped`);
});
