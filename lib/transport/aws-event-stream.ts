/**
 * AWS event streams: binary messages with a prelude, headers, a payload and two checksums. Source: "Event stream encoding" in the
 * Amazon Transcribe and Smithy documentation (`application/vnd.amazon.eventstream`), checked 2026-11-22.
 *
 * A message is: total length (4 bytes), length of the headers (4), CRC32 of those eight (4), headers, payload, CRC32 of all before it
 * (4); all big-endian. A header is: length of its name (1), name, type (1), value.
 */
import { crc32 } from 'node:zlib';
import { GatewayError } from '../errors.ts';
import type { SseFrame } from './message.ts';
import type { FrameCutter, RawFrame } from './sse.ts';

/** Bytes around headers and payload. */
const PRELUDE = 12;
const CHECKSUM = 4;

/** Longest message taken, bytes: the format allows 16 MiB of payload and 128 KiB of headers. */
const MESSAGE_LIMIT = 17 * 1024 * 1024;

/** Types of header values. Frames are told by strings; the others are skipped by their length. */
const BYTES = 6;
const STRING = 7;

/** Bytes of a value by type: true, false, byte, short, int, long, (bytes, string: told by a length), timestamp, uuid. */
const VALUE_LENGTHS: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 };

/** Marks the `event` of a frame that is a modelled exception, before its type; and of an error that is not modelled, before its code. */
const EXCEPTION = 'exception:';
const ERROR = 'error:';

const broken = (what: string): GatewayError => new GatewayError('upstream', `The provider's event stream is damaged: ${what}.`);

/** Cuts bytes into frames, however they were split. */
export interface EventStreamParser {
  /**
   * Frames completed by this chunk: `event` is the `:event-type`, or `exception:` and the `:exception-type`, or `error:` and the
   * `:error-code`; `data` is the payload as text.
   *
   * @throws GatewayError `upstream` for a wrong checksum or an impossible length
   */
  push(chunk: Uint8Array): readonly SseFrame[];
  /** A message that was cut off tells nothing. */
  end(): readonly SseFrame[];
}

/** A parser for one stream. */
export function createEventStreamParser(): EventStreamParser {
  const cutter = createEventStreamCutter();
  return {
    push: (chunk) => cutter.push(chunk).flatMap(({ frame }) => frame ?? []),
    end: () => [],
  };
}

/**
 * Cuts a stream into messages without touching a byte. A message that was cut off is left out, so that another can follow.
 *
 * @throws GatewayError as the parser does
 */
export function createEventStreamCutter(): FrameCutter {
  let kept: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      const bytes = kept.length === 0 ? bufferOf(chunk) : Buffer.concat([kept, chunk]);
      const cut: RawFrame[] = [];
      let at = 0;
      while (bytes.length - at >= PRELUDE) {
        const total = messageLength(bytes, at);
        if (bytes.length - at < total) break;
        const raw = bytes.subarray(at, at + total);
        cut.push({ raw, frame: frameOf(raw) });
        at += total;
      }
      // A copy: the chunk's memory may be used again by whoever read it.
      kept = Buffer.from(bytes.subarray(at));
      return cut;
    },
    end: () => [],
  };
}

const bufferOf = (chunk: Uint8Array): Buffer => Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);

/** Checks the prelude before its lengths are believed. */
function messageLength(bytes: Buffer, at: number): number {
  if (crc32(bytes.subarray(at, at + 8)) !== bytes.readUInt32BE(at + 8)) throw broken('the checksum of a prelude is wrong');
  const total = bytes.readUInt32BE(at);
  const headers = bytes.readUInt32BE(at + 4);
  if (total > MESSAGE_LIMIT || total < PRELUDE + headers + CHECKSUM) {
    throw broken(`a message of ${total} bytes with ${headers} bytes of headers`);
  }
  return total;
}

function frameOf(message: Buffer): SseFrame {
  const end = message.length - CHECKSUM;
  if (crc32(message.subarray(0, end)) !== message.readUInt32BE(end)) throw broken('the checksum of a message is wrong');
  const headersEnd = PRELUDE + message.readUInt32BE(4);
  const headers = textHeaders(message.subarray(PRELUDE, headersEnd));
  const payload = message.toString('utf8', headersEnd, end);
  const { ':message-type': kind, ':event-type': event = '', ':exception-type': exception = '' } = headers;
  if (kind === 'exception') return { event: EXCEPTION + exception, data: payload };
  if (kind !== 'error') return { event, data: payload };
  const { ':error-code': code = '', ':error-message': words = '' } = headers;
  return { event: ERROR + code, data: JSON.stringify({ message: words }) };
}

/** The headers whose values are strings. */
function textHeaders(bytes: Buffer): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  try {
    for (let at = 0; at < bytes.length;) {
      const nameEnd = at + 1 + bytes.readUInt8(at);
      const type = bytes.readUInt8(nameEnd);
      const told = type === BYTES || type === STRING;
      const start = nameEnd + (told ? 3 : 1);
      const length = told ? bytes.readUInt16BE(nameEnd + 1) : VALUE_LENGTHS[type];
      if (length === undefined) throw broken(`a header of the unknown type ${type}`);
      if (type === STRING) headers[bytes.toString('utf8', at + 1, nameEnd)] = bytes.toString('utf8', start, start + length);
      at = start + length;
    }
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw broken('a header is cut off');
  }
  return headers;
}

/**
 * One message.
 *
 * @param headers strings of at most 65,535 bytes
 */
export function encodeMessage(headers: Readonly<Record<string, string>>, payload: Uint8Array): Buffer {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => headerBytes(name, value)));
  const message = Buffer.alloc(PRELUDE + head.length + payload.length + CHECKSUM);
  message.writeUInt32BE(message.length, 0);
  message.writeUInt32BE(head.length, 4);
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  message.set(head, PRELUDE);
  message.set(payload, PRELUDE + head.length);
  const end = message.length - CHECKSUM;
  message.writeUInt32BE(crc32(message.subarray(0, end)), end);
  return message;
}

function headerBytes(name: string, value: string): Buffer {
  const nameBytes = Buffer.from(name);
  const valueBytes = Buffer.from(value);
  const bytes = Buffer.alloc(4 + nameBytes.length + valueBytes.length);
  bytes.writeUInt8(nameBytes.length, 0);
  bytes.set(nameBytes, 1);
  bytes.writeUInt8(STRING, 1 + nameBytes.length);
  bytes.writeUInt16BE(valueBytes.length, 2 + nameBytes.length);
  bytes.set(valueBytes, 4 + nameBytes.length);
  return bytes;
}

/**
 * An encoder's text as messages: one JSON line `{"event", "data"}` each, where an `event` that begins with `exception:` is an
 * exception.
 *
 * @example writeEventStream('{"event":"messageStart","data":{"role":"assistant"}}\n')
 */
export function writeEventStream(text: string): Uint8Array {
  const lines = text.split('\n').filter((line) => line !== '');
  return Buffer.concat(
    lines.map((line) => {
      const { event, data } = JSON.parse(line) as { readonly event: string; readonly data: unknown };
      const kind = event.startsWith(EXCEPTION)
        ? { ':exception-type': event.slice(EXCEPTION.length), ':message-type': 'exception' }
        : { ':event-type': event, ':message-type': 'event' };
      return encodeMessage({ ...kind, ':content-type': 'application/json' }, Buffer.from(JSON.stringify(data)));
    }),
  );
}
