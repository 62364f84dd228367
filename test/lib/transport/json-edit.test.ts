import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replaceTopLevel } from '../../../lib/transport/json-edit.ts';

const edit = (text: string, edits: Record<string, unknown>): string =>
  Buffer.from(replaceTopLevel(Buffer.from(text), edits)).toString();

describe('an edit of the top level', () => {
  it.each([
    ['replaces a value', '{"model":"a","stream":true}', { model: 'b' }, '{"model":"b","stream":true}'],
    [
      'keeps spacing and order',
      '{ "z" : 1 ,\n\t"model" : "a" , "b":[ 1 , 2 ] }',
      { model: 'b' },
      '{ "z" : 1 ,\n\t"model" : "b" , "b":[ 1 , 2 ] }',
    ],
    [
      'keeps numbers beyond double precision',
      '{"seed":12345678901234567890,"x":1.50e400,"model":"a"}',
      { model: 'b' },
      '{"seed":12345678901234567890,"x":1.50e400,"model":"b"}',
    ],
    [
      'keeps escapes as they were written',
      '{"a":"\\u00e9\\/\\n","model":"x"}',
      { model: 'é' },
      '{"a":"\\u00e9\\/\\n","model":"é"}',
    ],
    [
      'leaves members of inner objects alone',
      '{"m":{"model":"in"},"l":[{"model":"in"}],"model":"x"}',
      { model: 'y' },
      '{"m":{"model":"in"},"l":[{"model":"in"}],"model":"y"}',
    ],
    ['knows a name written with escapes', '{"mod\\u0065l":"a"}', { model: 'b' }, '{"mod\\u0065l":"b"}'],
    [
      'is not misled by quotes and braces in strings',
      '{"a":"\\"model\\":\\\\","b":"}{][,","model":"x"}',
      { model: 'y' },
      '{"a":"\\"model\\":\\\\","b":"}{][,","model":"y"}',
    ],
    ['replaces a repeated name once', '{"model":"a","x":1,"model":"b"}', { model: 'c' }, '{"x":1,"model":"c"}'],
    ['keeps the last of other repeated names', '{"x":1,"y":0,"\\u0078":2,"z":3}', {}, '{"y":0,"\\u0078":2,"z":3}'],
    ['keeps none of a repeated name that is removed', '{"x":1,"y":0,"x":2}', { x: undefined }, '{"y":0}'],
    ['adds at the end', '{"a":1}', { b: { c: [null] } }, '{"a":1,"b":{"c":[null]}}'],
    ['adds to an empty object', ' { } ', { a: 1, b: 2 }, ' {"a":1,"b":2 } '],
    ['removes the first member', '{"a":1, "b":2}', { a: undefined }, '{"b":2}'],
    ['removes one in the middle', '{"a":1, "b":2, "c":3}', { b: undefined }, '{"a":1, "c":3}'],
    ['removes the last member', '{"a":1, "b":2 }', { b: undefined }, '{"a":1 }'],
    ['removes several', '{"a":1,"b":2,"c":3,"d":4}', { a: undefined, b: undefined, d: undefined }, '{"c":3}'],
    ['removes all', '{"a":1,"b":2}', { a: undefined, b: undefined }, '{}'],
    ['removes all and adds one', '{"a":1,"b":2}', { a: undefined, b: undefined, c: 3 }, '{"c":3}'],
    ['removes what is not there', '{"a":1}', { b: undefined }, '{"a":1}'],
  ])('%s', (_name, before, edits, after) => {
    expect(edit(before, edits)).toBe(after);
  });

  it('returns the same bytes when there is nothing to do', () => {
    const body = Buffer.from('{"a":1}');

    expect(replaceTopLevel(body, {})).toBe(body);
    expect(replaceTopLevel(body, { b: undefined })).toBe(body);
  });

  it.each([
    '',
    '[1]',
    '"x"',
    '{',
    '{"a"',
    '{"a":',
    '{"a":"x',
    '{"a":[1',
    '{"a":1',
    '{"a" 1}',
    '{a:1}',
    '{"a":}',
    '{"a":1 "b":2}',
  ])('refuses what is no JSON object: %s', (text) => {
    expect(() => edit(text, { model: 'x' })).toThrow(SyntaxError);
  });

  it('reads back as the parsed object with the edits applied', () => {
    const name = fc.oneof(fc.constantFrom('model', 'a', 'stream', 'é"\\', ''), fc.string());
    const object = fc.dictionary(name, fc.jsonValue(), { noNullPrototype: true });
    const edits = fc.dictionary(name, fc.option(fc.jsonValue(), { nil: undefined }), { noNullPrototype: true });
    fc.assert(
      fc.property(object, edits, fc.constantFrom(undefined, 1, '\t'), (before, changes, indent) => {
        const expected = new Map(Object.entries(JSON.parse(JSON.stringify(before)) as Record<string, unknown>));
        for (const [key, value] of Object.entries(changes)) {
          if (value === undefined) expected.delete(key);
          else expected.set(key, JSON.parse(JSON.stringify(value)));
        }

        const after = edit(JSON.stringify(before, undefined, indent), changes);

        expect(new Map(Object.entries(JSON.parse(after) as Record<string, unknown>))).toEqual(expected);
      }),
    );
  });

  it('finds the end of any string, long or short', () => {
    const text = fc.array(fc.constantFrom('"', '\\', '\\"', 'a', 'é', 'x'.repeat(63), 'y'.repeat(100)), { maxLength: 20 });
    fc.assert(
      fc.property(text, text, (first, second) => {
        const object = { first: first.join(''), model: 'a', second: [second.join('')] };

        expect(edit(JSON.stringify(object), { model: 'b' })).toBe(JSON.stringify({ ...object, model: 'b' }));
      }),
    );
  });

  it('works on bodies of megabytes', () => {
    const image = Buffer.alloc(3 * 1024 * 1024, 'QUJD').toString();
    const code = '\\"quoted\\" \\\\ '.repeat(50_000);
    const before = `{"messages":[{"image":"${image}","code":"${code}"}],"model":"a"}`;

    expect(edit(before, { model: 'b' })).toBe(before.replace('"model":"a"', '"model":"b"'));
  });
});
