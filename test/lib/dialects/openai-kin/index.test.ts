import { describe, expect, it } from 'vitest';
import { openaiKin } from '../../../../lib/dialects/openai-kin/index.ts';
import { plainSchema } from '../../../../lib/dialects/openai-kin/plain-schema.ts';

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
  it('has its references written out, and choices decided for what is not null', () => {
    expect(
      plainSchema({
        $schema: 'x',
        type: 'object',
        properties: {
          anyOf: { $ref: '#/$defs/a~1b' },
          maybe: { description: 'd', oneOf: [{ type: 'null' }, { type: 'array', items: { $ref: '#/$defs/a~1b' } }] },
          nowhere: { $ref: '#/$defs/gone' },
        },
        $defs: { 'a/b': { type: 'string' } },
      }),
    ).toEqual({
      type: 'object',
      properties: {
        anyOf: { type: 'string' },
        maybe: { type: 'array', items: { type: 'string' }, description: 'd' },
        nowhere: {},
      },
    });
  });

  it('of something that holds itself ends', () => {
    const tree = plainSchema({ $ref: '#/$defs/node', $defs: { node: { properties: { next: { $ref: '#/$defs/node' } } } } });

    expect(JSON.stringify(tree).length).toBeLessThan(2000);
  });
});
