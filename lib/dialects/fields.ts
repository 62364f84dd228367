/** Reads fields of a client's request strictly, with messages that name the field, what was seen and what is allowed. */
import { GatewayError } from '../errors.ts';
import { isObject, type JsonObject } from '../kinds/json.ts';

/** A value in words, short enough for a message. */
function seen(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value === 'string') return value === '' ? 'an empty string' : `the string ${JSON.stringify(value.slice(0, 40))}`;
  if (typeof value === 'object') return 'an object';
  return typeof value === 'number' || typeof value === 'boolean' ? `the ${typeof value} ${value}` : typeof value;
}

/** The error for a field that is not what it should be. */
export const wrong = (path: string, expected: string, value: unknown): GatewayError =>
  new GatewayError('invalid_request', `${path}: expected ${expected}, got ${seen(value)}.`, { param: path });

/** The error for fields that contradict each other. */
export const contradiction = (path: string, message: string): GatewayError =>
  new GatewayError('invalid_request', message, { param: path });

/** `"a", "b" or "c"`. */
export const oneOf = (words: readonly string[]): string =>
  words
    .map((word) => JSON.stringify(word))
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1');

/**
 * One JSON object of a request. Each method reads a field, treats `null` as absent (as OpenAI does), throws `invalid_request` for
 * another type, and remembers the name: `rest()` gives what nobody asked for.
 *
 * @example const fields = new Fields(body, ''); const seed = fields.integer('seed'); const extensions = fields.rest();
 */
export class Fields {
  readonly #object: JsonObject;
  readonly #path: string;
  readonly #read = new Set<string>();

  /** `path` stands before the names in messages: empty at the top, else `messages[0]`. */
  constructor(object: JsonObject, path: string) {
    this.#object = object;
    this.#path = path;
  }

  /** Path of a field of this object. */
  at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  /** The value as it is; `null` is absent. */
  any(name: string): unknown {
    const value = this.#object[name] ?? undefined;
    // What is absent is in no rest: most fields that are asked for are.
    if (value !== undefined) this.#read.add(name);
    return value;
  }

  /** The value without marking it as read: it stays in `rest()`. */
  peek(name: string): unknown {
    return this.#object[name] ?? undefined;
  }

  string(name: string): string | undefined {
    const value = this.any(name);
    if (value === undefined || typeof value === 'string') return value;
    throw wrong(this.at(name), 'a string', value);
  }

  /** A string that must be there and not be empty. */
  name(name: string): string {
    const value = this.any(name);
    if (typeof value === 'string' && value !== '') return value;
    throw wrong(this.at(name), 'a non-empty string', value);
  }

  number(name: string): number | undefined {
    const value = this.any(name);
    if (value === undefined || (typeof value === 'number' && Number.isFinite(value))) return value;
    throw wrong(this.at(name), 'a number', value);
  }

  integer(name: string, least = Number.MIN_SAFE_INTEGER): number | undefined {
    const value = this.any(name);
    if (value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= least)) return value;
    throw wrong(this.at(name), least === Number.MIN_SAFE_INTEGER ? 'an integer' : `an integer of at least ${least}`, value);
  }

  boolean(name: string): boolean | undefined {
    const value = this.any(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw wrong(this.at(name), 'true or false', value);
  }

  object(name: string): JsonObject | undefined {
    const value = this.any(name);
    if (value === undefined || isObject(value)) return value;
    throw wrong(this.at(name), 'an object', value);
  }

  array(name: string): readonly unknown[] | undefined {
    const value = this.any(name);
    if (value === undefined || Array.isArray(value)) return value;
    throw wrong(this.at(name), 'an array', value);
  }

  /** A nested object that must be there, ready to be read. */
  inner(name: string): Fields {
    const value = this.any(name);
    if (isObject(value)) return new Fields(value, this.at(name));
    throw wrong(this.at(name), 'an object', value);
  }

  /** All fields but these, read or not. */
  without(...names: readonly string[]): JsonObject {
    return Object.fromEntries(Object.entries(this.#object).filter(([key]) => !names.includes(key)));
  }

  /** Fields that were not read and hold something; undefined when there are none. */
  rest(): JsonObject | undefined {
    let rest: JsonObject | undefined;
    for (const key in this.#object) {
      const value = this.#object[key];
      if (value === null || value === undefined || this.#read.has(key)) continue;
      rest ??= {};
      rest[key] = value;
    }
    return rest;
  }
}

/** An element of an array that must be an object, ready to be read. */
export function fieldsOf(value: unknown, path: string): Fields {
  if (isObject(value)) return new Fields(value, path);
  throw wrong(path, 'an object', value);
}
