import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SseFrame } from '../../../lib/transport/message.ts';
import {
  createFrameBatcher,
  createFrameCutter,
  createSseParser,
  type FrameBatch,
  type RawFrame,
} from '../../../lib/transport/sse.ts';

const parse = (pieces: readonly Uint8Array[]): SseFrame[] => {
  const parser = createSseParser();
  return [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
};

const cut = (pieces: readonly Uint8Array[]): RawFrame[] => {
  const cutter = createFrameCutter();
  return [...pieces.flatMap((piece) => cutter.push(piece)), ...cutter.end()];
};

const batch = (pieces: readonly Uint8Array[]): FrameBatch[] => {
  const batcher = createFrameBatcher();
  return [...pieces.map((piece) => batcher.push(piece)), batcher.end()];
};

const bytesOf = (text: string): Buffer => Buffer.from(text);
const rawText = (frames: readonly RawFrame[]): string => Buffer.concat(frames.map(({ raw }) => raw)).toString();
const withData = (frames: readonly RawFrame[]): SseFrame[] =>
  frames.flatMap(({ frame }) => (frame === undefined ? [] : [frame]));

/** Every way to cut the bytes in two, and one byte at a time. */
function splits(bytes: Uint8Array): Uint8Array[][] {
  const inTwo = Array.from(bytes, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  return [...inTwo, Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))];
}

const STREAMS = {
  plain: 'data: {"a":1}\n\ndata: {"a":2}\n\ndata: [DONE]\n\n',
  'named events': 'event: message_start\ndata: {"x":"é"}\n\nevent: ping\ndata: {}\n\n',
  CRLF: 'event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n',
  CR: 'event: a\rdata: 1\r\rdata: 2\r\r',
  'mixed line ends': 'data: 1\r\r\ndata: 2\n\r\ndata: 3\r\n\ndata: 4\n\n',
  'comments, ids and retry': ': OPENROUTER PROCESSING\n\nid: 7\nretry: 100\ndata: 1\n\n: end\n\n',
  'a byte order mark': '\uFEFFdata: 1\n\ndata: 2\n\n',
  'several data lines': 'data: {\ndata: "a":1\ndata: }\n\n',
  'no space after the colon': 'data:{"a":1}\n\nevent:x\ndata:y\n\n',
  'characters of two, three and four bytes': 'data: é € 😀 \u2028\n\ndata: 😀\n\n',
  'no blank line at the end': 'data: 1\n\ndata: {"usage":1}',
  'a line end at the end': 'data: 1\n\ndata: [DONE]\n',
  'empty data': 'data:\n\ndata\n\n',
  'blank lines': '\n\n\ndata: 1\n\n\n\ndata: 2\n\n',
} as const;

/** Any text, split anywhere. */
const anyPieces = fc
  .tuple(
    fc.array(
      fc.constantFrom('data: ', 'data', '\uFEFF', 'event: x', ': c', '\n', '\r', '\r\n', '\n\n', '{"a":"é😀"}', 'id: 1', ' '),
      {
        maxLength: 30,
      },
    ),
    fc.array(fc.nat(20), { maxLength: 30 }),
  )
  .map(([fragments, sizes]) => {
    const bytes = bytesOf(fragments.join(''));
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (const size of sizes) pieces.push(bytes.subarray(at, (at += size)));
    pieces.push(bytes.subarray(at));
    return pieces;
  });

describe('the parser', () => {
  it.each([
    ['plain', [{ data: '{"a":1}' }, { data: '{"a":2}' }, { data: '[DONE]' }]],
    [
      'named events',
      [
        { event: 'message_start', data: '{"x":"é"}' },
        { event: 'ping', data: '{}' },
      ],
    ],
    ['CRLF', [{ event: 'a', data: '1' }, { data: '2' }]],
    ['CR', [{ event: 'a', data: '1' }, { data: '2' }]],
    ['mixed line ends', [{ data: '1' }, { data: '2' }, { data: '3' }, { data: '4' }]],
    ['comments, ids and retry', [{ data: '1' }]],
    ['a byte order mark', [{ data: '1' }, { data: '2' }]],
    ['several data lines', [{ data: '{\n"a":1\n}' }]],
    ['no space after the colon', [{ data: '{"a":1}' }, { event: 'x', data: 'y' }]],
    ['no blank line at the end', [{ data: '1' }, { data: '{"usage":1}' }]],
    ['a line end at the end', [{ data: '1' }, { data: '[DONE]' }]],
    ['empty data', [{ data: '' }, { data: '' }]],
  ] as const)('reads %s', (name, frames) => {
    expect(parse([bytesOf(STREAMS[name])])).toEqual(frames);
  });

  it.each(Object.entries(STREAMS))('reads the same frames wherever the bytes are split: %s', (_name, text) => {
    const bytes = bytesOf(text);
    const whole = parse([bytes]);

    for (const pieces of splits(bytes)) expect(parse(pieces)).toEqual(whole);
  });

  it('has no frames in an empty stream', () => {
    expect(parse([])).toEqual([]);
    expect(parse([bytesOf(''), bytesOf('\n')])).toEqual([]);
  });

  it('does not stumble over bytes that are no UTF-8', () => {
    expect(parse([Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xc3, 0x0a, 0x0a])])).toHaveLength(1);
  });
});

describe('the cutter', () => {
  it.each(Object.entries(STREAMS))('keeps every byte and finds the parser’s frames: %s', (_name, text) => {
    const bytes = bytesOf(text);
    const frames = parse([bytes]);

    for (const pieces of [[bytes], ...splits(bytes)]) {
      const found = cut(pieces);
      expect(rawText(found)).toBe(text);
      expect(withData(found)).toEqual(frames);
    }
  });

  it('hands a frame over as soon as its blank line is in', () => {
    const cutter = createFrameCutter();

    expect(cutter.push(bytesOf('data: 1\n'))).toEqual([]);
    expect(cutter.push(bytesOf('\ndata: 2'))).toEqual([{ raw: bytesOf('data: 1\n\n'), frame: { data: '1' } }]);
    expect(cutter.end()).toEqual([{ raw: bytesOf('data: 2'), frame: { data: '2' } }]);
  });

  it('keeps a comment as bytes without a frame', () => {
    expect(cut([bytesOf(': ping\n\ndata: 1\n\n')])).toEqual([
      { raw: bytesOf(': ping\n\n') },
      { raw: bytesOf('data: 1\n\n'), frame: { data: '1' } },
    ]);
  });

  it('does not leave half a line end behind when a frame is taken out', () => {
    for (const pieces of splits(bytesOf('data: 1\r\n\r\ndata: 2\r\n\r\ndata: 3\r\n\r\n'))) {
      const rest = cut(pieces).filter(({ frame }) => frame?.data !== '2');
      expect(rawText(rest)).toBe('data: 1\r\n\r\ndata: 3\r\n\r\n');
    }
  });

  it('agrees with the parser on any text, split anywhere', () => {
    fc.assert(
      fc.property(anyPieces, (pieces) => {
        const found = cut(pieces);
        expect(rawText(found)).toBe(Buffer.concat(pieces).toString());
        expect(withData(found)).toEqual(parse(pieces));
      }),
    );
  });
});

describe('the batcher', () => {
  it.each(Object.entries(STREAMS))('keeps every byte and finds the parser’s frames: %s', (_name, text) => {
    const bytes = bytesOf(text);
    const frames = parse([bytes]);

    for (const pieces of [[bytes], ...splits(bytes)]) {
      const found = batch(pieces);
      expect(rawText(found)).toBe(text);
      expect(found.flatMap((one) => one.frames)).toEqual(frames);
      expect(found.flatMap(({ parts }) => withData(parts()))).toEqual(frames);
    }
  });

  it('agrees with the parser on any text, split anywhere, and takes its batches apart', () => {
    fc.assert(
      fc.property(anyPieces, (pieces) => {
        const batcher = createFrameBatcher();
        for (const next of [...pieces.map((piece) => () => batcher.push(piece)), () => batcher.end()]) {
          const { raw, frames, parts } = next();
          const apart = parts();
          expect(rawText(apart)).toBe(Buffer.from(raw).toString());
          expect(withData(apart)).toEqual(frames);
        }
        const found = batch(pieces);
        expect(rawText(found)).toBe(Buffer.concat(pieces).toString());
        expect(found.flatMap((one) => one.frames)).toEqual(parse(pieces));
      }),
    );
  });

  it('hands on whole frames as soon as they are in', () => {
    const batcher = createFrameBatcher();

    expect(batcher.push(bytesOf('data: 1\n\ndata: 2\n')).frames).toEqual([{ data: '1' }]);
    expect(batcher.push(bytesOf('\ndata: 3')).raw).toEqual(bytesOf('data: 2\n\n'));
    expect(batcher.end().frames).toEqual([{ data: '3' }]);
  });
});
