/**
 * Readers for the fields of a client's request. Each takes the object, the name of the field and the path of the object, and
 * throws `invalid_request` with the path as `param`, worded as Anthropic words it: `messages.0.role: Field required`. A `null` is an
 * absent field, as in the SDK's types.
 */
import { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';

/** `messages` + 0 -> `messages.0`. The path of the body itself is empty. */
export const at = (path: string, key: string | number): string => (path === '' ? String(key) : `${path}.${key}`);

/** The error for what is wrong at `path`. */
export const invalid = (path: string, problem: string): GatewayError =>
  new GatewayError('invalid_request', `${path}: ${problem}`, { param: path });

const nameOf = (value: unknown): string => {
  if (Array.isArray(value)) return 'an array';
  if (isObject(value)) return 'an object';
  return typeof value === 'string' ? 'a string' : `a ${typeof value}`;
};

/** A field that must be there, of a kind that `is` recognises. */
function required<T>(holder: JsonObject, key: string, path: string, is: (value: unknown) => value is T, kind: string): T {
  const value = holder[key];
  if (is(value)) return value;
  if (value === undefined || value === null) throw invalid(at(path, key), 'Field required');
  throw invalid(at(path, key), `Input should be ${kind}, not ${nameOf(value)}`);
}

/** Makes a reader of a field that may be absent from one that must be there. */
const optional =
  <T>(read: (holder: JsonObject, key: string, path: string) => T) =>
  (holder: JsonObject, key: string, path: string): T | undefined =>
    holder[key] === undefined || holder[key] === null ? undefined : read(holder, key, path);

const isText = (value: unknown): value is string => typeof value === 'string';
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/** A string. */
export const readText = (holder: JsonObject, key: string, path: string): string =>
  required(holder, key, path, isText, 'a valid string');

/** An object. */
export const readObject = (holder: JsonObject, key: string, path: string): JsonObject =>
  required(holder, key, path, isObject, 'a valid dictionary');

/** An array. */
export const readList = (holder: JsonObject, key: string, path: string): readonly unknown[] =>
  required(holder, key, path, isList, 'a valid list');

/** A whole number from 0. */
export const readCount = (holder: JsonObject, key: string, path: string): number =>
  required(holder, key, path, isCount, 'a whole number of at least 0');

/** A string, or nothing. */
export const readOptionalText = optional(readText);
/** An object, or nothing. */
export const readOptionalObject = optional(readObject);
/** An array, or nothing. */
export const readOptionalList = optional(readList);
/** A whole number from 0, or nothing. */
export const readOptionalCount = optional(readCount);
/** A boolean, or nothing. */
export const readOptionalFlag = optional((holder, key, path) => required(holder, key, path, isFlag, 'a valid boolean'));

/** A number from 0 to 1, or nothing. */
export const readOptionalShare = optional((holder, key, path) => {
  const value = required(holder, key, path, isNumber, 'a valid number');
  if (value >= 0 && value <= 1) return value;
  throw invalid(at(path, key), `Input should be between 0 and 1, not ${value}`);
});

/** One of a few words. */
export function readWord<T extends string>(holder: JsonObject, key: string, path: string, words: readonly T[]): T {
  const text = readText(holder, key, path);
  const word = words.find((candidate) => candidate === text);
  if (word !== undefined) return word;
  const allowed = words.map((candidate) => `'${candidate}'`).join(', ');
  throw invalid(at(path, key), `Input should be ${words.length > 1 ? 'one of ' : ''}${allowed}, not '${text.slice(0, 60)}'`);
}

/** One of a few words, or nothing. */
export const readOptionalWord = <T extends string>(
  holder: JsonObject,
  key: string,
  path: string,
  words: readonly T[],
): T | undefined => optional((object, name, where) => readWord(object, name, where, words))(holder, key, path);

/** An item of an array, which must be an object. */
export function asObject(value: unknown, path: string): JsonObject {
  if (isObject(value)) return value;
  throw invalid(path, `Input should be a valid dictionary, not ${value === null ? 'null' : nameOf(value)}`);
}

/** An item of an array, which must be a string. */
export function asText(value: unknown, path: string): string {
  if (isText(value)) return value;
  throw invalid(path, `Input should be a valid string, not ${value === null ? 'null' : nameOf(value)}`);
}
