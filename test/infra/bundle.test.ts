import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bundle, BUNDLES, compile, startFiles, startSources, type BundleSpec } from '../../infra/bundle.ts';

const HERE = new URL('../..', import.meta.url).pathname;
const SPEC: BundleSpec = { name: 'probe', entry: 'entry.ts', file: 'index.mjs' };

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tollgate-bundle-'));
  mkdirSync(join(root, 'facts'));
  writeFileSync(join(root, 'facts/one.json'), '{"one":1}');
  writeFileSync(join(root, 'always.ts'), `export const always: string = '${'a'.repeat(2_000)}';`);
  writeFileSync(join(root, 'later.ts'), `export const later: string = '${'b'.repeat(5_000)}';`);
  writeFileSync(
    join(root, 'entry.ts'),
    `import { always } from './always.ts';
     export const handler = async (): Promise<number> => always.length + (await import('./later.ts')).later.length;`,
  );
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const filesOf = (folder: string): Record<string, string> =>
  Object.fromEntries(readdirSync(join(root, folder)).map((name) => [name, readFileSync(join(root, folder, name), 'utf8')]));

describe('bundle', () => {
  test('makes a module that runs, with lazy parts in files of their own', async () => {
    await bundle(SPEC, root);

    const built = (await import(pathToFileURL(join(root, 'dist/probe/index.mjs')).href)) as { handler: () => Promise<number> };

    expect(await built.handler()).toBe(7_000);
    expect(Object.keys(filesOf('dist/probe')).some((name) => name.startsWith('later-'))).toBe(true);
  });

  test('counts what loads at the start apart from what loads later', async () => {
    const { start, startGzip, all } = await bundle(SPEC, root);

    expect(start).toBeGreaterThan(2_000);
    expect(start).toBeLessThan(5_000);
    expect(startGzip).toBeLessThan(start);
    expect(all).toBeGreaterThan(7_000);
  });

  test('fails when the start is over its budget, and says by how much', async () => {
    await expect(bundle({ ...SPEC, budgetKb: 1 }, root)).rejects.toThrow(/probe: 2 KB load at start, the budget is 1 KB/);
  });

  test('gives the same bytes for the same sources', async () => {
    await bundle(SPEC, root);
    const first = filesOf('dist/probe');
    await bundle(SPEC, root);

    expect(filesOf('dist/probe')).toEqual(first);
  });

  test('leaves nothing of an earlier build behind', async () => {
    await bundle(SPEC, root);
    writeFileSync(join(root, 'dist/probe/old-chunk.mjs'), '');
    await bundle(SPEC, root);

    expect(existsSync(join(root, 'dist/probe/old-chunk.mjs'))).toBe(false);
  });

  test('keeps maps and metafile out of what is deployed', async () => {
    await bundle(SPEC, root);

    expect(Object.keys(filesOf('dist/probe')).every((name) => name.endsWith('.mjs'))).toBe(true);
    expect(Object.keys(filesOf('dist/reports/probe'))).toEqual(expect.arrayContaining(['index.mjs.map', 'metafile.json']));
  });

  test('starts a Web Function from index.js as a module, with data beside it', async () => {
    await bundle({ ...SPEC, file: 'index.js', data: { data: 'facts' } }, root);

    expect(readFileSync(join(root, 'dist/probe/package.json'), 'utf8')).toBe('{"type":"module"}\n');
    expect(existsSync(join(root, 'dist/probe/index.js'))).toBe(true);
    expect(readFileSync(join(root, 'dist/probe/data/one.json'), 'utf8')).toBe('{"one":1}');
  });
});

describe('startFiles', () => {
  test('follows static imports to their end, also in a circle, and no lazy ones', () => {
    const output = (...imports: { path: string; kind: 'import-statement' | 'dynamic-import'; external?: boolean }[]) => ({
      bytes: 0,
      inputs: {},
      exports: [],
      imports,
    });
    const outputs = {
      'index.mjs': output({ path: 'a.mjs', kind: 'import-statement' }, { path: 'lazy.mjs', kind: 'dynamic-import' }),
      'a.mjs': output(
        { path: 'b.mjs', kind: 'import-statement' },
        { path: 'node:fs', kind: 'import-statement', external: true },
      ),
      'b.mjs': output({ path: 'a.mjs', kind: 'import-statement' }),
      'lazy.mjs': output(),
    };

    expect(startFiles({ inputs: {}, outputs }, 'index.mjs')).toEqual(['a.mjs', 'b.mjs', 'index.mjs']);
  });
});

/** More than stands in for a module that is left out. */
const STAND_IN_BYTES = 200;
/** What many requests do without, and so none should wait for. */
const LATER = [
  { what: 'the AWS SDK', path: /node_modules\/(@aws-sdk|@smithy|@aws)\// },
  {
    what: "undici's fetch and HTTP/2",
    path: /undici\/lib\/(web|api|mock|handler|interceptor|cache|llhttp\/llhttp-wasm)\b|parser-h1/,
  },
  { what: 'token counting, tokens of identity providers', path: /node_modules\/(gpt-tokenizer|jose)\// },
  { what: 'a wire format before a request speaks it', path: /lib\/dialects\/[\w-]+\/(request|response|stream)\.ts$/ },
  { what: 'management and migration', path: /lib\/(management\/(?!keys\/key-rules)|migration\/|local\/)/ },
];

describe('what is bundled', () => {
  test("holds one of undici's parsers, not both", async () => {
    writeFileSync(join(root, 'entry.ts'), `export { createAgent } from '${join(HERE, 'lib/transport/undici.ts')}';`);
    await bundle(SPEC, root);

    const { inputs } = JSON.parse(readFileSync(join(root, 'dist/reports/probe/metafile.json'), 'utf8')) as { inputs: object };
    expect(Object.keys(inputs).filter((path) => path.includes('llhttp_simd'))).toHaveLength(1);
    expect(Object.keys(inputs).filter((path) => path.includes('milo'))).toEqual([]);
  });

  test('sends texts and bytes without the parts of undici that are left out', async () => {
    writeFileSync(join(root, 'entry.ts'), `export { createHttpClient } from '${join(HERE, 'lib/transport/http.ts')}';`);
    await bundle(SPEC, root);
    const built = (await import(
      pathToFileURL(join(root, 'dist/probe/index.mjs')).href
    )) as typeof import('../../lib/transport/http.ts');
    const echo = createServer((request, response) => void request.pipe(response)).listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const url = `http://127.0.0.1:${(echo.address() as AddressInfo).port}/`;
    const client = built.createHttpClient();

    const bodies = ['text', Buffer.from('bytes'), new Uint8Array([1, 2]), undefined];
    const answers: string[] = [];
    for (const body of bodies) {
      const answer = await client.send({ url, method: 'POST', headers: {}, ...(body === undefined ? {} : { body }) });
      answers.push(Buffer.from(await answer.bytes(100)).toString('latin1'));
    }

    expect(answers).toEqual(['text', 'bytes', '\x01\x02', '']);
    await client.close();
    echo.close();
  });

  describe.each(BUNDLES.filter(({ name }) => name === 'gateway' || name === 'web').map((spec) => [spec.name, spec] as const))(
    'before the first request of %s',
    (_, spec) => {
      let loaded: readonly string[];
      beforeAll(async () => {
        const { metafile } = await compile(spec, HERE);
        const sources = startSources(metafile, join('dist', spec.name, spec.file));
        loaded = [...sources].filter(([, bytes]) => bytes > STAND_IN_BYTES).map(([path]) => path);
      });

      test.each(LATER)('nothing loads of $what', ({ path }) => {
        expect(loaded.length).toBeGreaterThan(100);
        expect(loaded.filter((source) => path.test(source))).toEqual([]);
      });
    },
  );

  test('keeps the description of the API out of what management loads at its start', async () => {
    const [spec] = BUNDLES.filter(({ name }) => name === 'admin');
    if (spec === undefined) throw new Error('no such bundle');
    const { metafile } = await compile(spec, HERE);
    const loaded = [...startSources(metafile, join('dist', spec.name, spec.file)).keys()];
    const described = /functions\/admin\/(answers\/|openapi|parameters|refusals)/;

    expect(Object.keys(metafile.inputs).filter((source) => described.test(source)).length).toBeGreaterThan(10);
    expect(loaded.length).toBeGreaterThan(100);
    expect(loaded.filter((source) => described.test(source))).toEqual([]);
  });

  test.each(BUNDLES.map((spec) => [spec.name, spec] as const))('%s has its entry and data in the sources', (_, spec) => {
    for (const path of [spec.entry, ...Object.values(spec.data ?? {})]) expect(existsSync(join(HERE, path)), path).toBe(true);
  });
});
