import { describe, expect, it } from 'vitest';
import { openaiKin } from '../../../../lib/dialects/openai-kin/index.ts';
import { plainSchema } from '../../../../lib/dialects/openai-kin/plain-schema.ts';
import type { Warning } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';

describe('a relative of OpenAI’s chat', () => {
  it('has a name', () => {
    expect(() => openaiKin('nobody')).toThrow(/no variant nobody/);
    expect(() => openaiKin(undefined)).toThrow(/without a name/);
    expect(() => openaiKin('toString')).toThrow(/no variant/);
  });

  it('answers with an object', () => {
    expect(() => openaiKin('sap').decodeResponse([], {})).toThrow(/not an object/);
  });
});

describe('a plain schema', () => {
  const write = (schema: JsonObject) => {
    const warnings: Warning[] = [];
    return { schema: plainSchema(schema, 'tools', (warning) => warnings.push(warning)), warnings };
  };

  it('has its references written out, and choices decided for what is not null', () => {
    const { schema, warnings } = write({
      $schema: 'x',
      type: 'object',
      properties: {
        anyOf: { $ref: '#/$defs/a~1b' },
        maybe: { description: 'd', oneOf: [{ type: 'null' }, { type: 'array', items: { $ref: '#/$defs/a~1b' } }] },
        nowhere: { $ref: '#/$defs/gone' },
      },
      $defs: { 'a/b': { type: 'string' } },
    });

    expect(warnings).toEqual([]);
    expect(schema).toEqual({
      type: 'object',
      properties: {
        anyOf: { type: 'string' },
        maybe: { type: 'array', items: { type: 'string' }, description: 'd' },
        nowhere: {},
      },
    });
  });

  it('tells once that it leaves choices out', () => {
    const either = { anyOf: [{ type: 'string' }, { type: 'integer' }] };
    const { schema, warnings } = write({ properties: { a: either, b: either } });

    expect(schema).toEqual({ properties: { a: { type: 'string' }, b: { type: 'string' } } });
    expect(warnings).toMatchObject([{ kind: 'changed', field: 'tools' }]);
  });

  it.each([1, 2, 30])('of something that holds itself %i times ends soon, and tells so', (times) => {
    const properties = Object.fromEntries(Array.from({ length: times }, (_, index) => [`p${index}`, { $ref: '#/$defs/node' }]));
    const { schema, warnings } = write({ $ref: '#/$defs/node', $defs: { node: { type: 'object', properties } } });

    expect(JSON.stringify(schema).length).toBeLessThan(400_000);
    expect(warnings).toMatchObject([{ kind: 'changed', field: 'tools' }]);
  });

  it('ends however deep its lists are', () => {
    const { schema, warnings } = write({ enum: JSON.parse(`${'['.repeat(50_000)}${']'.repeat(50_000)}`) });

    expect(JSON.stringify(schema).length).toBeLessThan(100);
    expect(warnings).toHaveLength(1);
  });

  it('does not repeat a large one for every reference to it', () => {
    const large = { enum: Array.from({ length: 20_000 }, (_, index) => `value ${index}`) };
    const properties = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`p${index}`, { $ref: '#/$defs/large' }]));
    const { schema, warnings } = write({ properties, $defs: { large } });

    expect(schema['properties']).toMatchObject({ p0: large, p499: {} });
    expect(JSON.stringify(schema).length).toBeLessThan(1_000_000);
    expect(warnings).toHaveLength(1);
  });
});
