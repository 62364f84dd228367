/** The smallest JSON value a schema accepts, for the demo model's structured answers and tool arguments. */
import { isObject, type JsonObject } from '../kinds/json.ts';

/** References that lead in circles end here. */
const MAX_DEPTH = 12;

/**
 * A value that fits the schema: what the schema itself offers (`const`, `default`, `examples`, `enum`) first, else the shortest of
 * its type, with required members only. Keywords of JSON Schema that models are given are honoured, exotic ones are not.
 *
 * @param word used for strings that are free to be anything
 * @example instanceOf({ type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }, 'Paris') // { city: 'Paris' }
 */
export function instanceOf(schema: unknown, word: string): unknown {
  return instance(schema, { root: schema, word, depth: 0 });
}

interface Place {
  readonly root: unknown;
  readonly word: string;
  readonly depth: number;
}

function instance(schema: unknown, place: Place): unknown {
  if (!isObject(schema) || place.depth > MAX_DEPTH) return null;
  const inner: Place = { ...place, depth: place.depth + 1 };
  if (typeof schema['$ref'] === 'string') return instance(referenced(schema['$ref'], place.root), inner);
  if ('const' in schema) return schema['const'];
  if ('default' in schema) return schema['default'];
  for (const name of ['examples', 'enum']) {
    const offered = schema[name];
    if (Array.isArray(offered) && offered.length > 0) return offered[0] as unknown;
  }
  for (const name of ['anyOf', 'oneOf']) {
    const options = schema[name];
    if (Array.isArray(options) && options.length > 0) return instance(options[0], inner);
  }
  if (Array.isArray(schema['allOf'])) return instance(merged(schema['allOf'], place.root), inner);
  return ofType(schema, inner);
}

function ofType(schema: JsonObject, place: Place): unknown {
  const { type } = schema;
  switch (Array.isArray(type) ? (type[0] as unknown) : (type ?? (isObject(schema['properties']) ? 'object' : 'string'))) {
    case 'object':
      return objectOf(schema, place);
    case 'array':
      return Array.from({ length: numberOr(schema['minItems'], 0) }, () => instance(schema['items'], place));
    case 'integer':
      return Math.ceil(lowest(schema, 1));
    case 'number':
      return lowest(schema, 0.5);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return textOf(schema, place.word);
  }
}

function objectOf(schema: JsonObject, place: Place): JsonObject {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'].map(String) : [];
  return Object.fromEntries(required.map((name) => [name, instance(properties[name] ?? {}, place)]));
}

/** The number nearest to zero that the limits allow. */
function lowest(schema: JsonObject, step: number): number {
  const least = Math.max(numberOr(schema['minimum'], -Infinity), numberOr(schema['exclusiveMinimum'], -Infinity) + step);
  const most = Math.min(numberOr(schema['maximum'], Infinity), numberOr(schema['exclusiveMaximum'], Infinity) - step);
  return Math.min(Math.max(0, least), most);
}

/** Formats whose values have a shape; any other string may be the word. */
const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-01',
  'date-time': '2026-01-01T00:00:00Z',
  time: '00:00:00Z',
  email: 'demo@example.com',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
};

function textOf(schema: JsonObject, word: string): string {
  const format = typeof schema['format'] === 'string' ? FORMATS[schema['format']] : undefined;
  return (format ?? word).padEnd(numberOr(schema['minLength'], 0), '.').slice(0, numberOr(schema['maxLength'], Infinity));
}

/** Follows `#/$defs/name` within the schema. */
function referenced(pointer: string, root: unknown): unknown {
  const steps = pointer
    .replace(/^#\/?/, '')
    .split('/')
    .filter((step) => step !== '');
  return steps.reduce<unknown>(
    (at, step) => (isObject(at) ? at[step.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined),
    root,
  );
}

/** Object schemas of an `allOf` as one. */
function merged(parts: readonly unknown[], root: unknown): JsonObject {
  const schemas = parts
    .map((part) => (isObject(part) && typeof part['$ref'] === 'string' ? referenced(part['$ref'], root) : part))
    .filter(isObject);
  return {
    ...Object.assign({}, ...schemas),
    properties: Object.assign({}, ...schemas.map((schema) => schema['properties'] ?? {})) as JsonObject,
    required: schemas.flatMap((schema) => (Array.isArray(schema['required']) ? (schema['required'] as unknown[]) : [])),
  };
}

const numberOr = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);
