import { describe, expect, it } from 'vitest';
import { instanceOf } from '../../../lib/local/demo-schema.ts';

const example = (schema: unknown): unknown => instanceOf(schema, 'Paris');

describe('the smallest value of a schema', () => {
  it.each<[unknown, unknown]>([
    [{ type: 'string' }, 'Paris'],
    [{ type: 'string', minLength: 7 }, 'Paris..'],
    [{ type: 'string', maxLength: 3 }, 'Par'],
    [{ type: 'string', format: 'date-time' }, '2026-01-01T00:00:00Z'],
    [{ type: 'string', enum: ['celsius', 'fahrenheit'] }, 'celsius'],
    [{ const: 7 }, 7],
    [{ type: 'string', default: 'x' }, 'x'],
    [{ type: 'string', examples: ['y'] }, 'y'],
    [{ type: 'integer' }, 0],
    [{ type: 'integer', minimum: 3 }, 3],
    [{ type: 'integer', exclusiveMinimum: 3 }, 4],
    [{ type: 'integer', maximum: -2 }, -2],
    [{ type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 }, 0.5],
    [{ type: 'boolean' }, true],
    [{ type: 'null' }, null],
    [{ type: ['integer', 'null'] }, 0],
    [{ type: 'array', items: { type: 'string' } }, []],
    [{ type: 'array', items: { type: 'string' }, minItems: 2 }, ['Paris', 'Paris']],
    [{ type: 'object' }, {}],
    [
      { properties: { a: { type: 'integer' }, b: {} }, required: ['a', 'c'] },
      { a: 0, c: 'Paris' },
    ],
    [{ anyOf: [{ type: 'integer' }, { type: 'null' }] }, 0],
    [{ oneOf: [{ type: 'null' }] }, null],
    [{ $ref: '#/$defs/a~1b', $defs: { 'a/b': { type: 'boolean' } } }, true],
    [{ $ref: '#/nowhere' }, null],
    [
      {
        allOf: [{ properties: { a: { type: 'integer' } }, required: ['a'] }, { $ref: '#/$defs/b' }],
        $defs: { b: { type: 'object', properties: { b: { type: 'boolean' } }, required: ['b'] } },
      },
      { a: 0, b: true },
    ],
    [undefined, null],
  ])('%j', (schema, value) => {
    expect(example(schema)).toEqual(value);
  });

  it('ends where a schema contains itself', () => {
    const node = { type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] };

    expect(JSON.stringify(example(node))).toMatch(/^(\{"next":)+null\}+$/);
  });
});
