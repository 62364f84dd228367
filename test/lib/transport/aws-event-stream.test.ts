import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../lib/errors.ts';
import {
  createEventStreamCutter,
  createEventStreamParser,
  encodeMessage,
  writeEventStream,
} from '../../../lib/transport/aws-event-stream.ts';
import { codecOf, isStreamOf } from '../../../lib/transport/framing.ts';
import type { SseFrame } from '../../../lib/transport/message.ts';

const LINES = [
  { event: 'messageStart', data: { role: 'assistant' } },
  { event: 'contentBlockDelta', data: { delta: { text: 'Zürich – 東京 ✓' }, contentBlockIndex: 0 } },
  { event: 'exception:throttlingException', data: { message: 'slow down' } },
];
const TEXT = LINES.map((line) => `${JSON.stringify(line)}\n`).join('');
const FRAMES = LINES.map(({ event, data }) => ({ event, data: JSON.stringify(data) }));

function framesOf(chunks: readonly Uint8Array[]): SseFrame[] {
  const parser = createEventStreamParser();
  return [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()];
}

/** A message with headers of any type, built by hand. */
function message(headers: readonly Buffer[], payload: string): Buffer {
  const head = Buffer.concat(headers);
  const body = Buffer.from(payload);
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(16 + head.length + body.length, 0);
  prelude.writeUInt32BE(head.length, 4);
  const checked = Buffer.concat([prelude, checksum(prelude), head, body]);
  return Buffer.concat([checked, checksum(checked)]);
}

function checksum(bytes: Uint8Array): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum;
}

const header = (name: string, type: number, value: readonly number[]): Buffer =>
  Buffer.from([name.length, ...Buffer.from(name), type, ...value]);
const text = (name: string, value: string): Buffer => header(name, 7, [0, value.length, ...Buffer.from(value)]);
const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);

describe('an AWS event stream', () => {
  it('is written and read back, wherever its bytes are split', () => {
    const bytes = writeEventStream(TEXT);

    expect(framesOf([bytes])).toEqual(FRAMES);
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(framesOf([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(FRAMES);
    }
    expect(framesOf(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(FRAMES);
  });

  it('gives back any events in random pieces', () => {
    const event = fc.record({ event: fc.stringMatching(/^[a-zA-Z]{1,30}$/), data: fc.dictionary(fc.string(), fc.jsonValue()) });
    fc.assert(
      fc.property(fc.array(event), fc.array(fc.nat()), (events, cuts) => {
        const bytes = writeEventStream(events.map((line) => `${JSON.stringify(line)}\n`).join(''));
        const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((left, right) => left - right), bytes.length];
        const pieces = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
        expect(framesOf(pieces)).toEqual(events.map(({ event: name, data }) => ({ event: name, data: JSON.stringify(data) })));
      }),
    );
  });

  it('survives a reader that uses its buffer again', () => {
    const bytes = writeEventStream(TEXT);
    const parser = createEventStreamParser();
    const chunk = Buffer.alloc(7);
    const frames: SseFrame[] = [];
    for (let at = 0; at < bytes.length; at += 7) {
      const length = Math.min(7, bytes.length - at);
      chunk.set(bytes.subarray(at, at + length));
      frames.push(...parser.push(chunk.subarray(0, length)));
      chunk.fill(0xff);
    }
    expect(frames).toEqual(FRAMES);
  });

  it('skips headers of every other type', () => {
    const bytes = message(
      [
        header('yes', 0, []),
        header('no', 1, []),
        header('byte', 2, zeros(1)),
        header('short', 3, zeros(2)),
        header('int', 4, zeros(4)),
        header('long', 5, zeros(8)),
        header('bytes', 6, [0, 3, 1, 2, 3]),
        header('time', 8, zeros(8)),
        header('uuid', 9, zeros(16)),
        text(':event-type', 'chunk'),
      ],
      '{"bytes":"AA=="}',
    );
    expect(framesOf([bytes])).toEqual([{ event: 'chunk', data: '{"bytes":"AA=="}' }]);
  });

  it('tells events, exceptions and errors apart', () => {
    const modelled = encodeMessage(
      { ':message-type': 'exception', ':exception-type': 'validationException' },
      Buffer.from('{}'),
    );
    const error = encodeMessage(
      { ':message-type': 'error', ':error-code': 'InternalFailure', ':error-message': 'broke' },
      Buffer.alloc(0),
    );
    const bare = encodeMessage({ ':message-type': 'error' }, Buffer.alloc(0));
    const nameless = [encodeMessage({ ':message-type': 'exception' }, Buffer.from('{}')), encodeMessage({}, Buffer.from('{}'))];

    expect(framesOf([modelled, error, bare, ...nameless])).toEqual([
      { event: 'exception:validationException', data: '{}' },
      { event: 'error:InternalFailure', data: '{"message":"broke"}' },
      { event: 'error:', data: '{"message":""}' },
      { event: 'exception:', data: '{}' },
      { event: '', data: '{}' },
    ]);
  });

  it('refuses every single flipped bit', () => {
    const bytes = encodeMessage({ ':event-type': 'metadata' }, Buffer.from('{"usage":{}}'));
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(() => framesOf([damaged])).toThrow(GatewayError);
    }
  });

  it.each([
    ['a message too long to be one', () => Buffer.from([0x7f, 0, 0, 0, 0, 0, 0, 0])],
    ['headers longer than their message', () => Buffer.from([0, 0, 0, 20, 0, 0, 0, 9])],
  ])('refuses %s as soon as its prelude is known', (_, lengths) => {
    const prelude = Buffer.concat([lengths(), checksum(lengths())]);
    expect(() => framesOf([prelude])).toThrow(/event stream is damaged: a message of/);
  });

  it.each([
    ['of an unknown type', header('x', 42, [])],
    ['that is cut off', Buffer.from([9, 1])],
  ])('refuses a header %s', (_, bad) => {
    expect(() => framesOf([message([bad], '{}')])).toThrow(/a header/);
  });

  it('says nothing of a message that was cut off', () => {
    const bytes = writeEventStream(TEXT);
    expect(framesOf([bytes.subarray(0, -1)])).toEqual(FRAMES.slice(0, -1));
  });

  it('is cut into the very bytes of its whole messages', () => {
    const bytes = writeEventStream(TEXT);
    for (let cut = 0; cut < bytes.length; cut++) {
      const cutter = createEventStreamCutter();
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut, -1)].flatMap((chunk) => cutter.push(chunk));
      const raw = Buffer.concat([...pieces, ...cutter.end()].map((piece) => piece.raw));

      expect(pieces.map(({ frame }) => frame)).toEqual(FRAMES.slice(0, -1));
      expect(raw.equals(bytes.subarray(0, raw.length))).toBe(true);
    }
  });

  it('writes an edited message as it was', () => {
    const { writer, editing } = codecOf('aws-event-stream');
    const text = FRAMES.map((frame) => editing?.text(frame) ?? '').join('');
    expect(framesOf([writer(text)])).toEqual(FRAMES);
  });

  it('is a framing like the others', () => {
    const codec = codecOf('aws-event-stream');

    expect(isStreamOf('aws-event-stream', 'application/vnd.amazon.eventstream', false)).toBe(true);
    expect(isStreamOf('aws-event-stream', 'application/json', true)).toBe(false);
    expect(codec.parser().push(codec.writer(TEXT))).toEqual(FRAMES);
  });
});
