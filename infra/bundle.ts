/**
 * `npm run build`: one bundle per function in `dist/`, with esbuild. Bundling ourselves (and not in CDK's `NodejsFunction`) keeps
 * lazily loaded parts in files of their own and lets the same output run in the tests of the real Lambda runtime.
 *
 * Source maps and the metafile of each bundle go to `dist/reports/<function>/`, outside what is deployed.
 */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type BuildOptions, type Metafile, type OutputFile, type Plugin } from 'esbuild';

/** One deployed function. */
export interface BundleSpec {
  /** Folder in `dist/`. */
  readonly name: string;
  readonly entry: string;
  /** `index.mjs` for the Lambda runtime; a Web Function starts `index.js`. */
  readonly file: 'index.mjs' | 'index.js';
  /** Packages found at run time, if at all. */
  readonly external?: readonly string[];
  /** Folders copied beside the bundle: target -> source. */
  readonly data?: Readonly<Record<string, string>>;
  /** Most KB (1,024 bytes) that may load before the first request: the entry and what it imports statically. */
  readonly budgetKb?: number;
  /** Whether it may run on processors that Lambda does not have. */
  readonly anyProcessor?: boolean;
}

/** `./data` beside the module that reads it, in the sources as in a bundle, whose files all lie in one folder. */
const CATALOG = { data: 'lib/catalog/data' };

/** Everything we deploy, and the local server, which is lighter as a bundle: for whoever runs the gateway on a machine of their own. */
export const BUNDLES: readonly BundleSpec[] = [
  { name: 'gateway', entry: 'functions/gateway/url-entry.ts', file: 'index.mjs', data: CATALOG, budgetKb: 1_000 },
  { name: 'web', entry: 'functions/gateway/web-entry.ts', file: 'index.js', data: CATALOG, budgetKb: 1_000 },
  { name: 'admin', entry: 'functions/admin/index.ts', file: 'index.mjs', data: CATALOG },
  { name: 'keeper', entry: 'functions/keeper/index.ts', file: 'index.mjs', data: CATALOG },
  { name: 'reconciler', entry: 'functions/reconciler/index.ts', file: 'index.mjs' },
  { name: 'ledger', entry: 'functions/ledger/index.ts', file: 'index.mjs' },
  {
    name: 'local',
    entry: 'functions/local/main.ts',
    file: 'index.mjs',
    data: CATALOG,
    external: ['@dynoxide/*'],
    anyProcessor: true,
  },
];

/**
 * Modules of undici that nothing of ours reaches, and what is built in their place. It loads them eagerly, or where a body is a form or a
 * `Blob`; ours are texts and bytes (`HttpCall`), over HTTP/1.1 (`allowH2: false`).
 */
const LEFT_OUT: readonly { readonly filter: RegExp; readonly contents: string }[] = [
  { filter: /\/undici\/lib\/web\//, contents: "throw new Error('undici: fetch is left out of this bundle')" },
  {
    filter: /\/undici\/lib\/dispatcher\/client-h2\.js$/,
    contents: "module.exports = () => { throw new Error('undici: HTTP/2 is left out of this bundle') }",
  },
];
/** The HTTP parser for processors without vector instructions; both kinds that Lambda has bring them. */
const PLAIN_PARSER = {
  filter: /\/undici\/lib\/llhttp\/llhttp-wasm\.js$/,
  contents: "throw new Error('undici: the parser without SIMD is left out of this bundle')",
};

const leaveOut = (modules: typeof LEFT_OUT): Plugin => ({
  name: 'leave out',
  setup(builder) {
    for (const { filter, contents } of modules) builder.onLoad({ filter }, () => ({ contents, loader: 'js' }));
  },
});

/** Sizes of a bundle in bytes. `start` is what loads before the first request, `all` includes the lazy parts. */
export interface BundleReport {
  readonly name: string;
  readonly start: number;
  readonly startGzip: number;
  readonly all: number;
}

/** Relative paths and content hashes only: the same sources give the same bytes on every machine. */
const options = (spec: BundleSpec, root: string): BuildOptions & { write: false; metafile: true } => ({
  absWorkingDir: root,
  entryPoints: [{ in: spec.entry, out: 'index' }],
  outdir: join('dist', spec.name),
  outExtension: { '.js': spec.file === 'index.js' ? '.js' : '.mjs' },
  chunkNames: '[name]-[hash]',
  bundle: true,
  external: [...(spec.external ?? [])],
  splitting: true,
  minify: true,
  sourcemap: 'external',
  sourcesContent: false,
  metafile: true,
  write: false,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // The AWS SDK is a third smaller as ES modules.
  mainFields: ['module', 'main'],
  conditions: ['module'],
  // undici's own switch for bundles: leaves its second HTTP parser out, 160 KB that only an experiment would turn on.
  define: { esbuildDetection: 'true' },
  plugins: [leaveOut(spec.anyProcessor === true ? LEFT_OUT : [...LEFT_OUT, PLAIN_PARSER])],
  // undici and some leaves of the SDK are CommonJS and call `require` for Node's own modules.
  banner: { js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);" },
  legalComments: 'none',
  logLevel: 'warning',
});

/** Files that load before the first request: the entry and, transitively, its static imports. */
export function startFiles(metafile: Metafile, entry: string): readonly string[] {
  const seen = new Set<string>();
  const queue = [entry];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    for (const { path, kind, external } of metafile.outputs[file]?.imports ?? []) {
      if (kind === 'import-statement' && external !== true) queue.push(path);
    }
  }
  return [...seen].toSorted();
}

/** Sources that load before the first request, with the bytes they take. */
export const startSources = (metafile: Metafile, entry: string): ReadonlyMap<string, number> =>
  new Map(
    startFiles(metafile, entry).flatMap((file) =>
      Object.entries(metafile.outputs[file]?.inputs ?? {}).map(([path, { bytesInOutput }]) => [path, bytesInOutput] as const),
    ),
  );

/** Compiles one function and writes nothing. */
export const compile = (spec: BundleSpec, root: string) => build(options(spec, root));

function reportOf(spec: BundleSpec, root: string, metafile: Metafile, files: readonly OutputFile[]): BundleReport {
  const code = new Map(
    files.filter((file) => !file.path.endsWith('.map')).map((file) => [relative(root, file.path), file.contents]),
  );
  const start = startFiles(metafile, join('dist', spec.name, spec.file));
  const sum = (names: Iterable<string>, weigh: (bytes: Uint8Array) => number) =>
    [...names].reduce((total, name) => total + weigh(code.get(name) ?? new Uint8Array()), 0);
  return {
    name: spec.name,
    start: sum(start, (bytes) => bytes.length),
    startGzip: sum(start, (bytes) => gzipSync(bytes).length),
    all: sum(code.keys(), (bytes) => bytes.length),
  };
}

async function write(path: string, contents: Uint8Array | string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, contents);
}

/**
 * Builds one function.
 *
 * @param root the checkout: sources are read below it and `dist/` is written there
 * @throws Error when a source does not resolve or the start of the bundle is over its budget
 */
export async function bundle(spec: BundleSpec, root: string): Promise<BundleReport> {
  const out = join(root, 'dist', spec.name);
  const reports = join(root, 'dist', 'reports', spec.name);
  const { metafile, outputFiles } = await compile(spec, root);
  const report = reportOf(spec, root, metafile, outputFiles);
  await Promise.all([out, reports].map((folder) => rm(folder, { recursive: true, force: true })));
  for (const file of outputFiles) {
    const folder = file.path.endsWith('.map') ? reports : out;
    await write(join(folder, relative(out, file.path)), file.contents);
  }
  await write(join(reports, 'metafile.json'), JSON.stringify(metafile));
  if (spec.file === 'index.js') await write(join(out, 'package.json'), '{"type":"module"}\n');
  for (const [target, source] of Object.entries(spec.data ?? {})) {
    await cp(join(root, source), join(out, target), { recursive: true });
  }
  if (spec.budgetKb !== undefined && report.start > spec.budgetKb * 1_024) {
    throw new Error(
      `${spec.name}: ${kilobytes(report.start)} KB load at start, the budget is ${spec.budgetKb} KB. ` +
        `dist/reports/${spec.name}/metafile.json says what grew; import it lazily or leave it out.`,
    );
  }
  return report;
}

const kilobytes = (bytes: number): string => (bytes / 1_024).toFixed(0);

/** Builds everything, or only the functions named, and prints a line for each. */
export async function bundleAll(
  root: string,
  names: readonly string[] = [],
  print: (line: string) => void = console.log,
): Promise<void> {
  const unknown = names.filter((name) => !BUNDLES.some((spec) => spec.name === name));
  if (unknown.length > 0)
    throw new Error(`no such function: ${unknown.join(', ')}; there are ${BUNDLES.map(({ name }) => name).join(', ')}`);
  for (const spec of BUNDLES.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const { start, startGzip, all } = await bundle(spec, root);
    print(
      `${spec.name.padEnd(8)} ${kilobytes(start).padStart(5)} KB at start (${kilobytes(startGzip)} KB gz), ${kilobytes(all)} KB in all`,
    );
  }
}

if (import.meta.main) {
  try {
    await bundleAll(resolve(import.meta.dirname, '..'), process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
