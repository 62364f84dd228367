import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normaliseSchema, toJsonSchema } from '../../../../lib/dialects/gemini/schema.ts';
import { isObject, type JsonObject } from '../../../../lib/kinds/json.ts';

const ALLOWED: ReadonlySet<string> = new Set([
  'type',
  'format',
  'title',
  'description',
  'default',
  'nullable',
  'enum',
  'properties',
  'required',
  'items',
  'anyOf',
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
]);
const TYPES = ['string', 'number', 'integer', 'boolean', 'array', 'object'];

/** What the API would refuse in a schema; empty when it would take it. */
function faults(schema: unknown, depth = 0): string[] {
  if (!isObject(schema)) return ['no object'];
  if (depth > 40) return ['too deep'];
  const { type, anyOf, items, properties, required, enum: choices } = schema;
  const found = Object.keys(schema).filter((name) => !ALLOWED.has(name));
  if (Array.isArray(anyOf)) {
    if (Object.keys(schema).length > 1) found.push('fields beside anyOf');
    return [...found, ...anyOf.flatMap((branch: unknown) => faults(branch, depth + 1))];
  }
  if (!TYPES.includes(String(type))) found.push(`type ${String(type)}`);
  if (type === 'array') found.push(...faults(items, depth + 1));
  else if (items !== undefined) found.push('items of no array');
  if (choices !== undefined && (!Array.isArray(choices) || choices.length === 0 || choices.includes(''))) found.push('enum');
  if (properties !== undefined) {
    if (type !== 'object' || !isObject(properties) || Object.keys(properties).length === 0) found.push('properties');
    else {
      found.push(...Object.values(properties).flatMap((member) => faults(member, depth + 1)));
      for (const name of Array.isArray(required) ? (required as string[]) : []) {
        if (!Object.hasOwn(properties, name)) found.push(`required ${name}`);
      }
    }
  } else if (required !== undefined) found.push('required without properties');
  return found;
}

const REFS = ['#/$defs/a', '#/$defs/b', '#/definitions/a', '#', '#/nowhere', 'https://elsewhere'];

/** Any schema a client might write, references and nonsense included. */
const { schema: anySchema } = fc.letrec<{ schema: unknown; object: JsonObject }>((tie) => ({
  object: fc.record(
    {
      type: fc.oneof(
        fc.constantFrom(...TYPES, 'null', 'OBJECT', 'nonsense'),
        fc.subarray([...TYPES, 'null'], { minLength: 0, maxLength: 3 }),
      ),
      description: fc.string(),
      format: fc.constantFrom('date-time', 'email', 'int32'),
      enum: fc.array(fc.oneof(fc.string(), fc.integer(), fc.constant(null))),
      const: fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
      properties: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('schema')),
      required: fc.subarray(['a', 'b', 'z']),
      items: fc.oneof(tie('schema'), fc.array(tie('schema'), { maxLength: 2 })),
      prefixItems: fc.array(tie('schema'), { maxLength: 2 }),
      additionalProperties: fc.oneof(fc.boolean(), tie('schema')),
      anyOf: fc.array(tie('schema'), { maxLength: 3 }),
      oneOf: fc.array(tie('schema'), { maxLength: 3 }),
      allOf: fc.array(tie('schema'), { maxLength: 2 }),
      $ref: fc.constantFrom(...REFS),
      $defs: fc.dictionary(fc.constantFrom('a', 'b'), tie('schema')),
      nullable: fc.boolean(),
      default: fc.jsonValue(),
      exclusiveMinimum: fc.integer(),
    },
    { requiredKeys: [] },
  ),
  schema: fc.oneof({ depthSize: 'small', maxDepth: 3, withCrossShrink: true }, fc.boolean(), tie('object')),
}));

describe('a schema for the API', () => {
  it('is one the API takes, whatever it was', () => {
    fc.assert(
      fc.property(anySchema.filter(isObject), (schema) => {
        expect(faults(normaliseSchema(schema).schema)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  it('comes back equal when it was one already', () => {
    fc.assert(
      fc.property(anySchema.filter(isObject), (schema) => {
        const once = normaliseSchema(schema).schema;

        expect(normaliseSchema(once)).toEqual({ schema: once, lost: [] });
      }),
      { numRuns: 100 },
    );
  });

  it('is the same schema in the words of others, and back', () => {
    fc.assert(
      fc.property(anySchema.filter(isObject), (schema) => {
        const once = normaliseSchema(schema).schema;

        expect(normaliseSchema(toJsonSchema(once)).schema).toEqual(once);
      }),
      { numRuns: 100 },
    );
  });

  it('is cut at the same place again where it goes deeper than the API takes', () => {
    const once = normaliseSchema({ prefixItems: [{ $ref: '#', type: [], anyOf: [] }, false] });

    expect(once.lost).toContain('depth');
    expect(normaliseSchema(once.schema)).toEqual({ schema: once.schema, lost: [] });
    expect(normaliseSchema(toJsonSchema(once.schema)).schema).toEqual(once.schema);
  });

  it('does not grow without end where references fan out', () => {
    const defs = Object.fromEntries(
      Array.from({ length: 40 }, (_, level) => {
        const next = { $ref: `#/$defs/d${level + 1}` };
        return [`d${level}`, { type: 'object', properties: { a: next, b: next } }];
      }),
    );
    const { schema, lost } = normaliseSchema({ $ref: '#/$defs/d0', $defs: defs });

    expect(JSON.stringify(schema).length).toBeLessThan(2_000_000);
    expect(lost).toContain('depth');
  });

  it('cuts what refers to itself and says so', () => {
    const node = { type: 'object', properties: { next: { $ref: '#/$defs/node', description: 'More' } } };

    expect(normaliseSchema({ $ref: '#/$defs/node', $defs: { node } })).toEqual({
      schema: { type: 'object', properties: { next: { type: 'object', description: 'More' } } },
      lost: ['recursive $ref'],
    });
  });

  it.each<[string, JsonObject, JsonObject, string[]]>([
    ['a nullable type', { type: ['string', 'null'] }, { type: 'string', nullable: true }, []],
    ['a nullable union', { anyOf: [{ type: 'integer' }, { type: 'null' }] }, { type: 'integer', nullable: true }, []],
    [
      'several types',
      { type: ['string', 'number', 'null'], description: 'D' },
      {
        anyOf: [
          { type: 'string', description: 'D', nullable: true },
          { type: 'number', description: 'D', nullable: true },
        ],
      },
      [],
    ],
    ['one constant', { const: 'x' }, { type: 'string', enum: ['x'] }, []],
    ['numbers to choose from', { type: 'integer', enum: [1, 2] }, { type: 'integer', description: 'One of: 1, 2.' }, ['enum']],
    ['a list of anything', { type: 'array' }, { type: 'array', items: expect.any(Object) as JsonObject }, []],
    [
      'an open object',
      { type: 'object', additionalProperties: { type: 'string' } },
      { type: 'object' },
      ['additionalProperties'],
    ],
    ['a closed object', { type: 'object', properties: {}, additionalProperties: false }, { type: 'object' }, []],
    ['another format', { type: 'string', format: 'uuid' }, { type: 'string' }, ['format']],
    ['a known format', { type: 'string', format: 'date-time' }, { type: 'string', format: 'date-time' }, []],
    ['a rule it does not know', { type: 'number', multipleOf: 2 }, { type: 'number' }, ['multipleOf']],
    [
      'parts that hold together',
      {
        allOf: [{ $ref: '#/$defs/a' }, { properties: { b: { type: 'number' } }, required: ['b'] }],
        $defs: { a: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] } },
      },
      { type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } }, required: ['a', 'b'] },
      [],
    ],
    [
      'a tuple',
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] },
      { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'number' }] } },
      ['prefixItems'],
    ],
    ['a reference by pointer', { $ref: '#/$defs/x~1y/0', $defs: { 'x/y': [{ type: 'boolean' }] } }, { type: 'boolean' }, []],
  ])('has %s', (_, schema, expected, lost) => {
    expect(normaliseSchema(schema)).toEqual({ schema: expected, lost });
  });
});
