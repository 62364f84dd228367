/**
 * JSON Schema and Google's `Schema`, a subset of OpenAPI 3.0: the one place where either becomes the other. Source: the `Schema` type of
 * `@google/genai` 3 and Google's page on structured output, checked 2026-11-22. The API refuses what it does not know, so everything
 * else is rewritten or left out: references are written out, unions become `anyOf` or `nullable`, and what cannot be said is named.
 */
import { isObject, type JsonObject } from '../../kinds/json.ts';

/** A schema as the API takes it. */
export interface NormalSchema {
  readonly schema: JsonObject;
  /** Keywords of the original that had to go and meant something, each once, in order of appearance. */
  readonly lost: readonly string[];
}

/** Levels written out; deeper ones are any value. Google names no limit but refuses schemas that are "too complex". */
const DEEPEST = 32;

/** Schemas written out in all: references that fan out would grow without end. */
const MOST = 2000;

const TYPES: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object']);

/** Keywords that go over as they are. */
const KEPT = [
  'title',
  'description',
  'default',
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
] as const;

/** Keywords the walk itself understands. */
const UNDERSTOOD = [
  'type',
  'nullable',
  'format',
  'enum',
  'const',
  'properties',
  'required',
  'items',
  'anyOf',
  'oneOf',
  'allOf',
  '$ref',
];

/** Keywords whose loss changes nothing a model could get wrong. */
const SILENT = [
  '$schema',
  '$id',
  '$anchor',
  '$comment',
  '$defs',
  'definitions',
  'additionalProperties',
  'unevaluatedProperties',
  'example',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  'propertyOrdering',
  'strict',
];

const KNOWN: ReadonlySet<string> = new Set([...KEPT, ...UNDERSTOOD, ...SILENT]);

/** Formats the API takes, by type. */
const FORMATS: Readonly<Record<string, readonly string[]>> = {
  string: ['date-time', 'enum'],
  number: ['float', 'double'],
  integer: ['int32', 'int64'],
};

/** Rewrites a JSON Schema for the API. Never throws; a schema already in that form comes back equal. */
export function normaliseSchema(schema: JsonObject): NormalSchema {
  const walk = new Walk(schema);
  return { schema: walk.schema(schema, []), lost: [...walk.lost] };
}

const ANY_TYPE = ['string', 'number', 'boolean', 'object'];

const anything = (): JsonObject => ({ anyOf: ANY_TYPE.map((type) => ({ type })) });

const ANYTHING = JSON.stringify(anything());

const isAnything = (value: JsonObject): boolean => JSON.stringify(value) === ANYTHING;

/** A schema with none inside. */
const isLeaf = ({ type, properties, items, anyOf, oneOf, allOf, $ref }: JsonObject): boolean =>
  typeof type === 'string' &&
  TYPES.has(type.toLowerCase()) &&
  type.toLowerCase() !== 'array' &&
  [properties, items, anyOf, oneOf, allOf, $ref].every((part) => part === undefined);

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

class Walk {
  readonly lost = new Set<string>();
  readonly #root: JsonObject;
  #written = 0;

  constructor(root: JsonObject) {
    this.#root = root;
  }

  /** @param path References on the way here, one per level; an empty string for a level without. */
  schema(value: unknown, path: readonly string[]): JsonObject {
    if (!isObject(value)) {
      if (value === false) this.lost.add('false');
      return this.#anything();
    }
    this.#written++;
    if ((path.length >= DEEPEST || this.#written > MOST) && !isLeaf(value)) {
      if (!isAnything(value)) this.lost.add('depth');
      return this.#anything();
    }
    const { $ref, ...beside } = value;
    if (typeof $ref !== 'string') return this.#resolved(value, path);
    if (path.includes($ref)) {
      this.lost.add('recursive $ref');
      return typeof beside.description === 'string' ? { type: 'object', description: beside.description } : { type: 'object' };
    }
    const target = this.#target($ref);
    if (target === undefined) this.lost.add('$ref');
    return this.schema({ ...target, ...beside }, [...path, $ref]);
  }

  /** Counted as whoever reads it will: in a schema that was rewritten once, the same place is cut again. */
  #anything(): JsonObject {
    this.#written += 1 + ANY_TYPE.length;
    return anything();
  }

  /** What a reference within the schema means. */
  #target(ref: string): JsonObject | undefined {
    if (!ref.startsWith('#')) return undefined;
    let at: unknown = this.#root;
    for (const step of ref.slice(1).split('/').slice(1)) {
      const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
      at = isObject(at) && Object.hasOwn(at, name) ? at[name] : Array.isArray(at) ? (at as unknown[])[Number(name)] : undefined;
    }
    return isObject(at) ? at : undefined;
  }

  #resolved(value: JsonObject, path: readonly string[]): JsonObject {
    const { allOf, anyOf, oneOf, ...base } = value;
    if (Array.isArray(allOf)) {
      const whole = allOf.reduce<JsonObject>((sum, part) => merged(sum, this.#dereferenced(part, path)), base);
      return this.schema({ ...whole, ...defined({ anyOf: whole.anyOf ?? anyOf, oneOf: whole.oneOf ?? oneOf }) }, [...path, '']);
    }
    const union = Array.isArray(anyOf) ? anyOf : oneOf;
    if (Array.isArray(union)) return this.#union(union, base, path);
    if (Array.isArray(base.type)) {
      const { type, ...rest } = base;
      return this.#union(
        (type as unknown[]).map((one) => ({ type: one })),
        rest,
        path,
      );
    }
    return this.#plain(base, path);
  }

  #dereferenced(part: unknown, path: readonly string[]): JsonObject {
    if (!isObject(part)) return {};
    const { $ref, ...beside } = part;
    if (typeof $ref !== 'string' || path.includes($ref)) return part;
    const target = this.#target($ref);
    if (target === undefined) this.lost.add('$ref');
    return merged(this.#dereferenced(target, [...path, $ref]), beside);
  }

  /** What stands beside a union holds for each of its branches: the API wants `anyOf` alone. */
  #union(branches: readonly unknown[], base: JsonObject, path: readonly string[]): JsonObject {
    const isNull = (branch: unknown): boolean => isObject(branch) && (branch.type === 'null' || branch.const === null);
    const real = branches.filter((branch) => !isNull(branch));
    const nullable = base.nullable === true || real.length < branches.length;
    const { nullable: _, default: standard, ...common } = base;
    const written = real.map((branch) => this.schema(merged(common, this.#dereferenced(branch, path)), [...path, '']));
    const flat = written.flatMap((one) => (Array.isArray(one.anyOf) ? (one.anyOf as JsonObject[]) : [one]));
    const [only, ...more] = flat;
    const one = only ?? this.#plain(common, path);
    const schema =
      more.length > 0 ? { anyOf: flat } : { ...one, ...(one.anyOf === undefined && defined({ default: standard })) };
    return nullable ? orNull(schema) : schema;
  }

  #plain(value: JsonObject, path: readonly string[]): JsonObject {
    for (const name of Object.keys(value)) if (!KNOWN.has(name)) this.lost.add(name);
    if (isObject(value.additionalProperties)) this.lost.add('additionalProperties');
    const type = this.#type(value);
    if (type === undefined) {
      this.#written += ANY_TYPE.length;
      return ofAnyType(value);
    }
    const kept = Object.fromEntries(KEPT.filter((name) => value[name] !== undefined).map((name) => [name, value[name]]));
    return {
      type,
      ...kept,
      ...(value.nullable === true && { nullable: true }),
      ...this.#format(value, type),
      ...this.#choices(value, type),
      ...(type === 'object' && this.#members(value, path)),
      ...(type === 'array' && { items: this.#items(value, path) }),
    };
  }

  #type(value: JsonObject): string | undefined {
    const named = typeof value.type === 'string' ? value.type.toLowerCase() : undefined;
    if (named !== undefined && TYPES.has(named)) return named;
    if (named !== undefined) this.lost.add('type');
    if (isObject(value.properties)) return 'object';
    if (value.items !== undefined || value.prefixItems !== undefined) return 'array';
    const samples = 'const' in value ? [value.const] : asList(value.enum).filter((one) => one !== null);
    const [first] = samples;
    const kind = Array.isArray(first) ? 'array' : typeof first;
    return TYPES.has(kind) && samples.every((one) => typeof one === typeof first) ? kind : undefined;
  }

  #format({ format }: JsonObject, type: string): JsonObject {
    if (format === undefined) return {};
    if (FORMATS[type]?.some((known) => known === format) === true) return { format };
    this.lost.add('format');
    return {};
  }

  /** The API lists choices of strings only; others are told in words. */
  #choices(value: JsonObject, type: string): JsonObject {
    const all = 'const' in value ? [value.const] : asList(value.enum);
    if (all.length === 0) return {};
    const choices = all.filter((one) => one !== null);
    const nullable = choices.length < all.length ? { nullable: true } : {};
    const texts = choices.filter((one) => typeof one === 'string' && one !== '');
    if (type === 'string' && texts.length > 0) {
      if (texts.length < choices.length) this.lost.add('enum');
      return { ...nullable, enum: texts };
    }
    if (choices.length === 0) return nullable;
    this.lost.add('const' in value ? 'const' : 'enum');
    const words = `One of: ${choices.map((one) => JSON.stringify(one)).join(', ')}.`;
    return { ...nullable, description: typeof value.description === 'string' ? `${value.description} ${words}` : words };
  }

  /** Required members must exist; an object of no known members says nothing of them. */
  #members({ properties, required }: JsonObject, path: readonly string[]): JsonObject {
    const members = isObject(properties) ? Object.entries(properties) : [];
    if (members.length === 0) return {};
    const written = Object.fromEntries(members.map(([name, member]) => [name, this.schema(member, [...path, ''])]));
    const names = asList(required).filter((name) => typeof name === 'string' && Object.hasOwn(written, name));
    return { properties: written, ...(names.length > 0 && { required: names }) };
  }

  #items({ items, prefixItems }: JsonObject, path: readonly string[]): JsonObject {
    const tuple = Array.isArray(items) ? items : prefixItems;
    if (!Array.isArray(tuple)) return this.schema(items ?? true, [...path, '']);
    this.lost.add('prefixItems');
    return this.schema({ anyOf: [...tuple, ...(isObject(items) ? [items] : [])] }, [...path, '']);
  }
}

const defined = (fields: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** A value of any type, with its description. */
function ofAnyType({ description, nullable }: JsonObject): JsonObject {
  const { anyOf } = anything() as { anyOf: JsonObject[] };
  const schema = { anyOf: anyOf.map((branch) => ({ ...branch, ...defined({ description }) })) };
  return nullable === true ? orNull(schema) : schema;
}

/** The same schema, or null. */
const orNull = (schema: JsonObject): JsonObject =>
  Array.isArray(schema.anyOf)
    ? { anyOf: (schema.anyOf as JsonObject[]).map((branch) => ({ ...branch, nullable: true })) }
    : { ...schema, nullable: true };

/** Both schemas at once: members and requirements of both, else the later one's word. */
function merged(first: JsonObject, second: JsonObject): JsonObject {
  const both = { ...first, ...second };
  if (isObject(first.properties) && isObject(second.properties)) {
    both.properties = { ...first.properties, ...second.properties };
  }
  if (Array.isArray(first.required) && Array.isArray(second.required)) {
    both.required = [...new Set<unknown>([...(first.required as unknown[]), ...(second.required as unknown[])])];
  }
  return both;
}

/** A whole number the API may write as text. */
const COUNTS: ReadonlySet<string> = new Set([
  'minItems',
  'maxItems',
  'minLength',
  'maxLength',
  'minProperties',
  'maxProperties',
]);

/** A client's `Schema` as JSON Schema: lower-case types, `null` as a type, no keywords that only Google has. */
export function toJsonSchema(schema: unknown, depth = 0): JsonObject {
  if (!isObject(schema) || depth > DEEPEST) return {};
  const { type, nullable, properties, items, anyOf, propertyOrdering: _, ...rest } = schema;
  const plain: JsonObject = {};
  const word = typeof type === 'string' && type !== 'TYPE_UNSPECIFIED' ? type.toLowerCase() : undefined;
  if (word !== undefined) plain.type = nullable === true ? [word, 'null'] : word;
  for (const [name, value] of Object.entries(rest)) {
    plain[name] = COUNTS.has(name) && typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  }
  if (nullable === true && Array.isArray(plain.enum)) plain.enum = [...(plain.enum as unknown[]), null];
  if (isObject(properties)) {
    plain.properties = Object.fromEntries(
      Object.entries(properties).map(([name, member]) => [name, toJsonSchema(member, depth + 1)]),
    );
  }
  if (items !== undefined) plain.items = toJsonSchema(items, depth + 1);
  if (Array.isArray(anyOf)) {
    const branches = anyOf.map((branch: unknown) => toJsonSchema(branch, depth + 1));
    plain.anyOf = nullable === true && word === undefined ? [...branches, { type: 'null' }] : branches;
  }
  return plain;
}
