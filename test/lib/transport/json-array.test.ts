import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createJsonArrayParser, createJsonArrayWriter } from '../../../lib/transport/json-array.ts';

const read = (chunks: readonly Uint8Array[]): unknown[] => {
  const parser = createJsonArrayParser();
  return [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()].map(({ data }) => JSON.parse(data) as unknown);
};

describe('a stream as a JSON array', () => {
  it('gives its elements wherever the bytes are split', () => {
    const elements = [{ text: 'Zürich ✓ "]},{[" \\' }, { list: [[1], { deep: {} }] }, {}];
    const bytes = Buffer.from(`[${elements.map((element) => JSON.stringify(element, null, 2)).join('\n,\r\n')}\n]\n`);

    for (let cut = 0; cut <= bytes.length; cut++) {
      expect(read([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(elements);
    }
    expect(read(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(elements);
  });

  it('reads any objects back that a writer wrote', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), fc.boolean(), (elements, atOnce) => {
        const writer = createJsonArrayWriter();
        const events = elements.map((element) => `data: ${JSON.stringify(element)}\n\n`);
        const chunks = [...(atOnce ? [events.join('')] : events).map((text) => writer.write(text)), writer.end()];
        const plain = JSON.parse(JSON.stringify(elements)) as unknown;

        expect(JSON.parse(Buffer.concat(chunks).toString('utf8'))).toEqual(plain);
        expect(read(chunks)).toEqual(plain);
      }),
    );
  });

  it('gives an object that has no array around it', () => {
    expect(read([Buffer.from('{"error":{"code":404}}\n')])).toEqual([{ error: { code: 404 } }]);
  });

  it('gives an element that was cut off as it is', () => {
    const parser = createJsonArrayParser();

    expect(parser.push(Buffer.from('[{"a":1},{"b":"tr'))).toEqual([{ data: '{"a":1}' }]);
    expect(parser.end()).toEqual([{ data: '{"b":"tr' }]);
  });

  it('gives what is no JSON at all as it is', () => {
    const parser = createJsonArrayParser();

    expect(parser.push(Buffer.from('<html>'))).toEqual([]);
    expect(parser.end()).toEqual([{ data: '<html>' }]);
  });

  it('writes an empty array for a stream without events', () => {
    expect(Buffer.from(createJsonArrayWriter().end()).toString()).toBe('[]');
  });
});
