/** The plan of the house, executable: rooms, who may import whom, file sizes, and words that must not appear. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { providers } from '../lib/providers/index.ts';

const root = resolve(import.meta.dirname, '..');
const GENERATED = new Set(['node_modules', 'dist', 'cdk.out', 'coverage', '.git', '.tollgate']);

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (GENERATED.has(entry.name)) return [];
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

const sources = ['lib', 'functions', 'infra'].flatMap(filesBelow).filter((path) => path.endsWith('.ts'));
/** Each file is read and parsed once. */
const texts = new Map<string, string>();
function read(path: string): string {
  const known = texts.get(path);
  if (known !== undefined) return known;
  const text = readFileSync(join(root, path), 'utf8');
  texts.set(path, text);
  return text;
}

interface Import {
  readonly to: string;
  readonly typeOnly: boolean;
}
const imports = new Map<string, readonly Import[]>();

/** Imports of a file: paths inside the project relative to its root, packages by name. `typeOnly` for erased ones. */
function importsOf(path: string): readonly Import[] {
  const known = imports.get(path) ?? readImports(path);
  imports.set(path, known);
  return known;
}

function readImports(path: string): readonly Import[] {
  const source = ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, false);
  const found: { to: string; typeOnly: boolean }[] = [];
  const add = (specifier: string, typeOnly: boolean): void => {
    const to = specifier.startsWith('.')
      ? relative(root, resolve(root, dirname(path), specifier))
          .split(sep)
          .join('/')
      : specifier;
    found.push({ to, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const clause = node.importClause;
      const named = clause?.namedBindings;
      const everyNameIsType =
        named !== undefined &&
        ts.isNamedImports(named) &&
        named.elements.length > 0 &&
        named.elements.every((e) => e.isTypeOnly) &&
        clause?.name === undefined;
      add(node.moduleSpecifier.text, clause?.isTypeOnly === true || everyNameIsType);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
      add(node.moduleSpecifier.text, node.isTypeOnly);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteral(argument)) add(argument.text, false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The room of a file: `lib/domain`, `lib/stores/dynamodb`, `functions/admin`; files directly in `lib` are rooms of their own. */
function roomOf(path: string): string {
  const parts = path.split('/');
  if (parts[0] !== 'lib') return parts[0] ?? path;
  if (parts.length === 2) return path;
  if (parts[1] === 'stores' && parts.length > 3) return `lib/stores/${parts[2]}`;
  return `lib/${parts[1]}`;
}

/** Who may import whom. `errors` and `log` are open to all of `lib`. A `type:` entry allows erased imports only. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'lib/domain': ['lib/kinds'],
  'lib/auth': ['lib/domain', 'lib/kinds', 'type:lib/exchange.ts', 'type:lib/transport'],
  'lib/kinds': [],
  'lib/transport': [],
  'lib/catalog': ['lib/domain', 'lib/kinds'],
  'lib/dialects': ['lib/kinds', 'type:lib/transport'],
  'lib/providers': ['lib/dialects', 'lib/kinds', 'lib/transport', 'type:lib/domain'],
  'lib/endpoints': ['lib/kinds', 'lib/dialects'],
  'lib/policies': ['lib/domain', 'lib/kinds', 'type:lib/exchange.ts', 'type:lib/stores', 'type:lib/transport', 'lib/money'],
  'lib/money': ['lib/domain', 'type:lib/env.ts', 'type:lib/policies', 'type:lib/stores'],
  'lib/registry': [
    'lib/domain',
    'lib/kinds',
    'type:lib/catalog',
    'type:lib/endpoints',
    'type:lib/exchange.ts',
    'lib/policies',
    'type:lib/stores',
    'type:lib/transport',
  ],
  'lib/counting': [
    'lib/dialects',
    'lib/domain',
    'lib/kinds',
    'lib/providers',
    'type:lib/endpoints',
    'type:lib/exchange.ts',
    'type:lib/management',
    'lib/outbound.ts',
  ],
  'lib/responses': ['lib/domain', 'lib/kinds', 'lib/transport', 'type:lib/exchange.ts', 'type:lib/policies', 'type:lib/stores'],
  'lib/migration': ['lib/domain', 'lib/kinds', 'lib/local', 'lib/money', 'type:lib/stores'],
  'lib/stores': ['type:lib/domain'],
  // Its hot commands are signed and sent by the house's own parts.
  'lib/stores/dynamodb': ['type:lib/stores', 'lib/domain', 'type:lib/kinds', 'lib/transport'],
  'lib/stores/memory': ['type:lib/stores', 'lib/domain', 'type:lib/kinds'],
  // Reads secrets by the house's own parts.
  'lib/stores/secrets-manager': ['type:lib/stores', 'lib/transport'],
  'lib/stores/s3': ['type:lib/stores'],
  'lib/management': [
    'lib/money',
    'lib/domain',
    'lib/kinds',
    'type:lib/stores',
    'lib/catalog',
    'lib/providers',
    'type:lib/exchange.ts',
    'type:lib/transport',
  ],
};

/** Rooms where the AWS SDK may appear. */
const AWS_ROOMS = new Set([
  'lib/stores/dynamodb',
  'lib/stores/secrets-manager',
  'lib/stores/s3',
  'lib/local',
  'functions',
  'infra',
]);
const OPEN = new Set(['lib/errors.ts', 'lib/log.ts']);

describe('the house', () => {
  it('has sources to judge', () => {
    expect(sources.length).toBeGreaterThan(60);
  });

  it('keeps every import within the table', () => {
    const breaches = sources.flatMap((path) => {
      const room = roomOf(path);
      const allowed = MAY_IMPORT[room];
      if (allowed === undefined) return [];
      return importsOf(path)
        .filter(({ to }) => to.startsWith('lib/') || to.startsWith('functions/') || to.startsWith('infra/'))
        .filter(({ to }) => !OPEN.has(to) && roomOf(to) !== room)
        .filter(({ to, typeOnly }) => !allowed.includes(roomOf(to)) && !(typeOnly && allowed.includes(`type:${roomOf(to)}`)))
        .map(({ to, typeOnly }) => `${path} -> ${to}${typeOnly ? ' (type)' : ''}`);
    });
    expect(breaches).toEqual([]);
  });

  it('lets lib know nothing of functions and infra, and infra only the names of the environment', () => {
    const breaches = sources.flatMap((path) =>
      importsOf(path)
        .filter(({ to }) => {
          if (path.startsWith('lib/')) return to.startsWith('functions/') || to.startsWith('infra/');
          if (path.startsWith('infra/')) return (to.startsWith('lib/') && to !== 'lib/env.ts') || to.startsWith('functions/');
          return to.startsWith('infra/');
        })
        .map(({ to }) => `${path} -> ${to}`),
    );
    expect(breaches).toEqual([]);
  });

  it('lets a deployed function import no other one', () => {
    const folder = (path: string): string | undefined => /^functions\/([^/]+)\//.exec(path)?.[1];
    const breaches = sources
      .filter((path) => folder(path) !== undefined && folder(path) !== 'local')
      .flatMap((path) =>
        importsOf(path)
          .filter(({ to }) => folder(to) !== undefined && folder(to) !== folder(path))
          .map(({ to }) => `${path} -> ${to}`),
      );
    expect(breaches).toEqual([]);
  });

  it('keeps the AWS SDK in its rooms', () => {
    const breaches = sources.flatMap((path) =>
      importsOf(path)
        .filter(({ to }) => to.startsWith('@aws-sdk/') || to.startsWith('@smithy/'))
        .filter(() => !AWS_ROOMS.has(roomOf(path)))
        .map(({ to }) => `${path} -> ${to}`),
    );
    expect(breaches).toEqual([]);
  });

  it('lets the stores on DynamoDB do without the SDK until one file loads it', () => {
    const breaches = sources
      .filter((path) => path.startsWith('lib/stores/dynamodb/') && path !== 'lib/stores/dynamodb/sdk-client.ts')
      .filter((path) => importsOf(path).some(({ to, typeOnly }) => to.startsWith('@aws-sdk/') && !typeOnly));
    expect(breaches, 'take commands from ./commands.ts').toEqual([]);
  });

  it('imports undici in one file and zod only as zod/mini', () => {
    const breaches = sources.flatMap((path) =>
      importsOf(path)
        .filter(({ to }) => (to.startsWith('undici') && path !== 'lib/transport/undici.ts') || to === 'zod')
        .map(({ to }) => `${path} -> ${to}`),
    );
    expect(breaches).toEqual([]);
  });

  it('gives every dialect the same six files', () => {
    const folders = readdirSync(join(root, 'lib/dialects')).filter((name) =>
      statSync(join(root, 'lib/dialects', name)).isDirectory(),
    );
    expect(folders.length).toBeGreaterThan(1);
    for (const folder of folders) {
      const files = readdirSync(join(root, 'lib/dialects', folder));
      expect(files, folder).toEqual(
        expect.arrayContaining(['error.ts', 'index.ts', 'request.ts', 'response.ts', 'stream.ts', 'wire.ts']),
      );
    }
  });

  it('compares with a provider name nowhere outside lib/providers', () => {
    // A dialect may have the name of the provider that made it.
    const dialects = readdirSync(join(root, 'lib/dialects'));
    // `custom` is a word of OpenAI's tools too.
    const words = new Set([...dialects, 'custom']);
    const names = [...providers.keys()].filter((name) => !words.has(name)).join('|');
    const branch = new RegExp(`(?:[!=]==?|case)\\s*['"](?:${names})['"]`);
    const breaches = sources.filter((path) => !path.startsWith('lib/providers/')).filter((path) => branch.test(read(path)));
    expect(breaches).toEqual([]);
  });

  it('reads process.env in the environment module and in the entries that hand it on', () => {
    const allowed = new Set(['lib/env.ts', 'infra/app.ts', 'infra/bundle.ts']);
    const breaches = sources.filter(
      (path) => !allowed.has(path) && !path.startsWith('functions/') && /process\.env/.test(read(path)),
    );
    expect(breaches).toEqual([]);
  });

  it('keeps built-in fetch and web streams off the request path', () => {
    const breaches = sources
      .filter((path) => path.startsWith('lib/') && !path.startsWith('lib/local/'))
      .filter((path) => /\bfetch\(|new (?:Readable|Writable|Transform)Stream\b/.test(read(path)));
    expect(breaches).toEqual([]);
  });

  it('has a doc comment on every export of lib', () => {
    const undocumented = sources
      .filter((path) => path.startsWith('lib/'))
      .flatMap((path) => {
        const source = ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true);
        return source.statements
          .filter(
            (statement) =>
              ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword),
          )
          .filter((statement) => !/\/\*\*/.test(statement.getFullText().slice(0, statement.getLeadingTriviaWidth(source))))
          .filter((statement) => !followsAnOverload(statement))
          .map((statement) => `${path}: ${statement.getText().split('\n')[0]}`);
      });
    expect(undocumented).toEqual([]);
  });

  it('keeps files near the size of a page', () => {
    const long = sources
      .map((path) => ({ path, lines: read(path).trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > 400);
    // Each of these is one table or one grammar that reads worse in pieces; a new entry wants a reason in review.
    const excused = new Set<string>();
    expect(long.filter(({ path }) => !excused.has(path))).toEqual([]);
  });

  it('mirrors the tree in test', () => {
    const strays = filesBelow('test')
      .map((path) => path.split(sep).join('/'))
      .filter((path) => /^test\/(lib|functions|infra)\/.*\.test\.ts$/.test(path))
      .map((path) =>
        path
          .replace(/^test\//, '')
          .split('/')
          .slice(0, 2)
          .join('/'),
      )
      .filter((folder) => !statSync(join(root, folder.replace(/\.test\.ts$/, '.ts')), { throwIfNoEntry: false }));
    expect([...new Set(strays)]).toEqual([]);
  });
});

/** Exported types that continue a documented group (`export type X = z.infer<typeof schema>` right after its schema) still need a comment; overloads do not. */
function followsAnOverload(statement: ts.Statement): boolean {
  if (!ts.isFunctionDeclaration(statement) || statement.name === undefined) return false;
  const siblings = statement.parent as ts.SourceFile;
  const index = siblings.statements.indexOf(statement);
  const before = siblings.statements[index - 1];
  return before !== undefined && ts.isFunctionDeclaration(before) && before.name?.text === statement.name.text;
}
