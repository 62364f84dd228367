import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codecOf, isStreamOf } from '../../../lib/transport/framing.ts';
import { createNdjsonCutter, createNdjsonParser } from '../../../lib/transport/ndjson.ts';

const framesOf = (...chunks: readonly Uint8Array[]): string[] => {
  const parser = createNdjsonParser();
  return [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()].map(({ data }) => data);
};

describe('createNdjsonParser', () => {
  it.each([
    ['line feeds', '{"a":1}\n{"b":2}\n', ['{"a":1}', '{"b":2}']],
    ['carriage returns', '{"a":1}\r\n{"b":2}\r\n', ['{"a":1}', '{"b":2}']],
    ['a last line without its end', '{"a":1}\n{"b":2}', ['{"a":1}', '{"b":2}']],
    ['blank lines', '\n{"a":1}\n\n \n', ['{"a":1}']],
    ['a value over several lines', '{"a":1}\n{\n "b": {\n }\n}\n{"c":3}\n', ['{"a":1}', '{\n "b": {\n }\n}', '{"c":3}']],
    ['a value over several lines that breaks off', '{\n "b": 1', ['{\n "b": 1']],
    ['nothing', '', []],
  ])('reads %s', (_, text, expected) => {
    expect(framesOf(Buffer.from(text)).map((data) => data.trimEnd())).toEqual(expected);
  });

  it('gives the same frames however the bytes were cut', () => {
    const bytes = Buffer.from('{"text":"Zürich 🧀"}\r\n\n{\n "more": "…"\n}\n{"done":true}');
    const whole = framesOf(bytes);

    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: bytes.length }), { maxLength: 12 }), (cuts) => {
        const points = [0, ...cuts.toSorted((left, right) => left - right), bytes.length];
        const pieces = points.slice(1).map((end, index) => bytes.subarray(points[index], end));
        expect(framesOf(...pieces)).toEqual(whole);
      }),
    );
  });
});

describe('createNdjsonCutter', () => {
  it('gives every byte back, with the frame that a line holds', () => {
    const bytes = Buffer.from('{"a":"ä"}\n\n{"b":2}\r\n{\n"c":3\n}\n{"d":4}');

    for (let size = 1; size <= bytes.length; size++) {
      const cutter = createNdjsonCutter();
      const cut = [];
      for (let at = 0; at < bytes.length; at += size) cut.push(...cutter.push(bytes.subarray(at, at + size)));
      cut.push(...cutter.end());

      expect(Buffer.concat(cut.map(({ raw }) => raw))).toEqual(bytes);
      expect(cut.map(({ frame }) => frame?.data)).toEqual(['{"a":"ä"}', '{"b":2}', '{\n"c":3\n}', '{"d":4}']);
    }
  });

  it('gives trailing blank lines back without a frame', () => {
    const cutter = createNdjsonCutter();

    expect([...cutter.push(Buffer.from('{"a":1}\n\n')), ...cutter.end()].map(({ raw, frame }) => [raw.length, frame])).toEqual([
      [8, { data: '{"a":1}' }],
      [1, undefined],
    ]);
  });
});

describe('a line of megabytes', () => {
  it('is read once, however many pieces it comes in', () => {
    const pieces = Array.from({ length: 2_048 }, () => Buffer.alloc(16_384, 'a'));

    const began = performance.now();
    const [line, ...others] = framesOf(...pieces, Buffer.from('\n'));

    expect(line).toHaveLength(2_048 * 16_384);
    expect(others).toEqual([]);
    // Tens of milliseconds; looked through anew with each piece, tens of seconds.
    expect(performance.now() - began).toBeLessThan(3_000);
  });
});

describe('the framing', () => {
  it.each([
    ['application/x-ndjson', false, true],
    ['Application/X-NDJSON; charset=utf-8', true, true],
    ['application/stream+json', false, true],
    ['application/json; charset=utf-8', true, true],
    ['application/json', false, false],
    ['text/html', true, false],
    [undefined, true, false],
  ])('takes %s (asked for a stream: %s) for a stream: %s', (type, asked, expected) => {
    expect(isStreamOf('ndjson', type, asked)).toBe(expected);
  });

  it('writes text as it is, and an edited frame as a line', () => {
    const { writer, editing } = codecOf('ndjson');

    expect(Buffer.from(writer('{"a":"ä"}\n')).toString()).toBe('{"a":"ä"}\n');
    expect(editing?.text({ data: '{}' })).toBe('{}\n');
  });
});
