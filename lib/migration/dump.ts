/**
 * A dump of LiteLLM's database as files: one CSV or JSON file a table, a folder of them, or one JSON object of tables. CSV as
 * PostgreSQL writes it (`COPY ... CSV HEADER`), JSON as `json_agg` or an ORM does.
 */
import { parse } from 'csv-parse/sync';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { isObject } from '../kinds/json.ts';
import { ImportError } from './import-error.ts';

/** A row as the file has it: texts where it was CSV, JSON values where it was JSON. Absent and null are the same. */
export type Row = Readonly<Record<string, unknown>>;

/** Rows by the name of their table. */
export type Dump = ReadonlyMap<TableName, readonly Row[]>;

/** Tables that are read (LiteLLM's `schema.prisma`), without their prefix `LiteLLM_`. */
export const TABLES = [
  'BudgetTable',
  'OrganizationTable',
  'TeamTable',
  'ModelTable',
  'UserTable',
  'ProjectTable',
  'EndUserTable',
  'TagTable',
  'AccessGroupTable',
  'VerificationToken',
  'DeprecatedVerificationToken',
  'TeamMembership',
  'OrganizationMembership',
] as const;

/** Name of one of them. */
export type TableName = (typeof TABLES)[number];

const PREFIX = /^litellm_/i;
const NAMES: ReadonlyMap<string, TableName> = new Map(TABLES.map((name) => [name.toLowerCase(), name]));

/** `LiteLLM_TeamTable`, `public."LiteLLM_TeamTable"` and `teamtable` are one table. */
const tableOf = (name: string): TableName | undefined =>
  NAMES.get(
    name
      .replaceAll('"', '')
      .replace(/^public\./, '')
      .replace(PREFIX, '')
      .toLowerCase(),
  );

/**
 * Reads the files. Tables that are no business of ours are named in `ignored`.
 *
 * @throws ImportError for a file that cannot be read, naming it and the reason
 */
export function readDump(paths: readonly string[]): { readonly dump: Dump; readonly ignored: readonly string[] } {
  const dump = new Map<TableName, readonly Row[]>();
  const ignored: string[] = [];
  const add = (name: string, rows: readonly Row[]): void => {
    const table = tableOf(name);
    if (table === undefined) ignored.push(name);
    else dump.set(table, [...(dump.get(table) ?? []), ...rows]);
  };
  for (const file of paths.flatMap(filesAt)) {
    for (const [name, rows] of extname(file).toLowerCase() === '.csv' ? readCsv(file) : readJson(file)) add(name, rows);
  }
  return { dump, ignored };
}

const isDump = (name: string): boolean => /\.(csv|json)$/i.test(name);

/** The dump files of a path: itself, or those in the folder. */
function filesAt(path: string): readonly string[] {
  try {
    if (!statSync(path).isDirectory()) {
      if (isDump(path)) return [path];
      throw new ImportError(`${path}: expected a .yaml, .csv or .json file, or a folder of these`);
    }
    const files = readdirSync(path).filter(isDump);
    if (files.length === 0) throw new ImportError(`${path}: no .csv or .json file in this folder`);
    return files.toSorted().map((name) => join(path, name));
  } catch (error) {
    throw ImportError.from(path, error);
  }
}

const nameOf = (file: string): string => basename(file, extname(file));

function readCsv(file: string): readonly (readonly [string, readonly Row[]])[] {
  try {
    // An unquoted empty field is NULL, a quoted one an empty text.
    const rows: Row[] = parse(readFileSync(file), {
      bom: true,
      columns: true,
      skip_empty_lines: true,
      cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
    });
    return [[nameOf(file), rows]];
  } catch (error) {
    throw ImportError.from(file, error);
  }
}

function readJson(file: string): readonly (readonly [string, readonly Row[]])[] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw error instanceof SyntaxError
      ? new ImportError(`${file}: not valid JSON: ${error.message.replaceAll(/\s+/g, ' ')}`)
      : ImportError.from(file, error);
  }
  if (typeof content !== 'object' || content === null) {
    const got = content === null ? 'null' : `a ${typeof content}`;
    throw new ImportError(`${file}: expected a list of rows, or an object of tables, got ${got}`);
  }
  const tables: Readonly<Record<string, unknown>> = Array.isArray(content) ? { [nameOf(file)]: content } : { ...content };
  return Object.entries(tables).map(([name, rows]) => {
    if (!Array.isArray(rows) || !rows.every(isObject)) {
      throw new ImportError(`${file}: ${name}: expected a list of rows, each an object`);
    }
    return [name, rows] as const;
  });
}
