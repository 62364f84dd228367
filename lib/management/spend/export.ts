/** Rows as a table of comma-separated values (RFC 4180), for spreadsheets. */
import { isObject, type JsonObject } from '../../kinds/json.ts';

/** An answer that is no JSON but a table. */
export class Table {
  readonly csv: string;
  /** Name of the file it is offered as. */
  readonly name: string;

  constructor(name: string, rows: readonly JsonObject[]) {
    this.name = name;
    this.csv = csvOf(rows);
  }
}

/** Cells that begin so are formulas to a spreadsheet: what a client named itself must not be run. */
const FORMULA = /^[=+\-@\t\r]/;

/** The columns are those of all rows, in the order they turn up; what is nested gets names such as `metadata.status`. */
export function csvOf(rows: readonly JsonObject[]): string {
  const flat = rows.map((row) => new Map(flatten(row, '')));
  const columns = [...new Set(flat.flatMap((row) => [...row.keys()]))];
  const lines = [columns.map(cell), ...flat.map((row) => columns.map((column) => cell(row.get(column))))];
  return lines.map((line) => `${line.join(',')}\r\n`).join('');
}

/** Rows with lists of objects in them as one row for each of these, with what stands around it; its totals stand for themselves no more. */
export function unfold(row: JsonObject): readonly JsonObject[] {
  const nested = Object.entries(row).find(([, value]) => Array.isArray(value) && value.length > 0 && value.every(isObject));
  if (nested === undefined) return [row];
  const around = Object.fromEntries(Object.entries(row).filter(([name]) => name !== nested[0] && !name.startsWith('total_')));
  return (nested[1] as readonly JsonObject[]).flatMap(unfold).map((inner) => ({ ...around, ...inner }));
}

function flatten(value: unknown, path: string): readonly (readonly [string, unknown])[] {
  if (!isObject(value)) return [[path, value]];
  return Object.entries(value).flatMap(([name, inner]) => flatten(inner, path === '' ? name : `${path}.${name}`));
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  const safe = typeof value === 'string' && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
