/** The fields of a row, in the forms that CSV and JSON dumps of PostgreSQL give them. */
import { parse as parseArray } from 'postgres-array';
import { parseUsd, type Money } from '../domain/money.ts';
import { isObject, type JsonObject } from '../kinds/json.ts';
import type { Row } from './dump.ts';
import { ImportError } from './import-error.ts';

/** Says that a field of a row has no place here. */
export type Note = (place: string, field: string) => void;

/** Reads the fields of one row; every fault names the row and the field. */
export interface Fields {
  /** Undefined for null and absent. */
  readonly text: (name: string) => string | undefined;
  /** @throws ImportError when there is none */
  readonly id: (name: string) => string;
  readonly number: (name: string) => number | undefined;
  /** 1e-12 USD. */
  readonly money: (name: string) => Money | undefined;
  /** Milliseconds since the epoch. A time without a zone is UTC, as Prisma writes it. */
  readonly time: (name: string) => number | undefined;
  readonly flag: (name: string) => boolean;
  readonly list: (name: string) => readonly string[];
  readonly object: (name: string) => JsonObject;
  /** A JSON value as it is. */
  readonly json: (name: string) => unknown;
}

/**
 * @param place names the row in errors: `VerificationToken, row 3`
 */
export function fieldsOf(row: Row, place: string): Fields {
  const fault = (name: string, expected: string): ImportError =>
    new ImportError(`${place}: ${name}: expected ${expected}, got ${JSON.stringify(row[name])?.slice(0, 60)}`);
  const given = (name: string): unknown => row[name] ?? undefined;
  const text = (name: string): string | undefined => {
    const value = given(name);
    if (value === undefined) return undefined;
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw fault(name, 'a text');
  };
  const parsed = (name: string): unknown => {
    const value = given(name);
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value);
    } catch {
      throw fault(name, 'JSON');
    }
  };

  return {
    text,
    id(name) {
      const value = text(name);
      if (value === undefined || value === '') throw fault(name, 'a name');
      return value;
    },
    number(name) {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = Number(value);
      if (!Number.isFinite(number)) throw fault(name, 'a number');
      return number;
    },
    money(name) {
      const value = text(name);
      if (value === undefined) return undefined;
      try {
        return parseUsd(value);
      } catch {
        throw fault(name, 'an amount in USD');
      }
    },
    time(name) {
      const value = text(name);
      if (value === undefined) return undefined;
      const zoned = /(?:Z|[+-]\d\d(?::?\d\d)?)$/i.test(value) ? value : `${value}Z`;
      const time = Date.parse(zoned.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'));
      if (Number.isNaN(time)) throw fault(name, 'a time');
      return time;
    },
    flag: (name) => ['t', 'true', '1'].includes((text(name) ?? '').toLowerCase()),
    list(name) {
      const value = given(name);
      if (value === undefined) return [];
      const items: unknown = typeof value === 'string' && value.startsWith('{') ? parseArray(value) : parsed(name);
      if (!Array.isArray(items)) throw fault(name, 'a list');
      return items.map(String);
    },
    json: parsed,
    object(name) {
      const value = parsed(name);
      if (value === undefined || value === null) return {};
      if (!isObject(value)) throw fault(name, 'an object');
      return value;
    },
  };
}
