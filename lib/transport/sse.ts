/** Server-sent events: cuts bytes into frames (HTML standard, section 9.2). */
import { StringDecoder } from 'node:string_decoder';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { joined, type SseFrame } from './message.ts';

/** Bytes in, frames out, however the bytes were split. */
export interface SseParser {
  /** Frames completed by this chunk. Comments, `id` and `retry` are left out. */
  push(chunk: Uint8Array): SseFrame[];
  /** A last frame that lacks its blank line. Some providers end their stream like that. */
  end(): SseFrame[];
}

/** A parser for one stream. UTF-8 may be split inside a character; line ends may be LF, CRLF or CR. */
export function createSseParser(): SseParser {
  const decoder = new StringDecoder('utf8');
  let frames: SseFrame[] = [];
  const parser = createParser({
    onEvent: (message) => {
      frames.push(frameOf(message));
    },
  });
  function feed(text: string): SseFrame[] {
    frames = [];
    parser.feed(text);
    return frames;
  }
  return {
    push: (chunk) => feed(decoder.write(chunk)),
    end: () => feed(`${decoder.end()}\n\n`),
  };
}

const frameOf = ({ event, data }: EventSourceMessage): SseFrame => (event === undefined ? { data } : { event, data });

/** A frame with the very bytes it came in, blank line included. `frame` is absent when they hold no data (a comment, a blank line). */
export interface RawFrame {
  readonly raw: Uint8Array;
  readonly frame?: SseFrame;
}

/** Cuts a stream into frames without touching a byte: the `raw` parts, joined, are the stream. */
export interface FrameCutter {
  push(chunk: Uint8Array): RawFrame[];
  /** What is left: a frame without its blank line, or nothing. */
  end(): RawFrame[];
}

const LF = 10;
const CR = 13;

/** Whole frames, as they came. */
export interface FrameBatch {
  /** Their bytes; may be none. */
  readonly raw: Uint8Array;
  /** What they say. */
  readonly frames: readonly SseFrame[];
  /** The batch taken apart: its frames in order, and the bytes between them. */
  readonly parts: () => readonly RawFrame[];
}

/** Hands a stream on in whole frames without touching a byte: the `raw` bytes, joined, are the stream. */
export interface FrameBatcher {
  push(chunk: Uint8Array): FrameBatch;
  /** What is left: a frame without its end, or nothing. */
  end(): FrameBatch;
}

/** Batches of what a cutter cuts. */
export function batched(cutter: FrameCutter): FrameBatcher {
  const batchOf = (parts: readonly RawFrame[]): FrameBatch => ({
    raw: joined(parts.map(({ raw }) => raw)),
    frames: parts.flatMap(({ frame }) => frame ?? []),
    parts: () => parts,
  });
  return { push: (chunk) => batchOf(cutter.push(chunk)), end: () => batchOf(cutter.end()) };
}

const NO_FRAMES: FrameBatch = { raw: new Uint8Array(), frames: [], parts: () => [] };

/**
 * A batcher for one stream: everything up to the last blank line of a chunk is parsed at once, and taken apart only where it is to be
 * edited. A stream with CR as a line end is cut frame by frame.
 */
export function createFrameBatcher(): FrameBatcher {
  const parser = createSseParser();
  /** Bytes of the frame that is not complete yet. */
  let kept: Uint8Array[] = [];
  let careful: FrameBatcher | undefined;
  let begun = false;

  function takeCare(): FrameBatcher {
    const cutter = createFrameCutter(parser);
    for (const piece of kept) cutter.push(piece);
    return batched(cutter);
  }

  return {
    push(chunk) {
      if (careful === undefined && chunk.includes(CR)) careful = takeCare();
      if (careful !== undefined) return careful.push(chunk);
      const end = lastFrameEnd(chunk, kept.length === 0 || kept.at(-1)?.at(-1) === LF);
      if (end === 0) {
        if (chunk.length > 0) kept.push(chunk);
        return NO_FRAMES;
      }
      const whole = end === chunk.length ? chunk : chunk.subarray(0, end);
      const raw = kept.length === 0 ? whole : Buffer.concat([...kept, whole]);
      kept = end === chunk.length ? [] : [chunk.subarray(end)];
      // A byte order mark is one at the very beginning only, which a parser that has read something is past.
      const again = begun ? parser : undefined;
      begun = true;
      return { raw, frames: parser.push(raw), parts: () => createFrameCutter(again).push(raw) };
    },
    end() {
      if (careful !== undefined) return careful.end();
      if (kept.length === 0) return NO_FRAMES;
      const raw = joined(kept);
      kept = [];
      const frames = [...parser.push(raw), ...parser.end()];
      return { raw, frames, parts: () => [partOf(raw, frames[0])] };
    },
  };
}

const partOf = (raw: Uint8Array, frame: SseFrame | undefined): RawFrame => (frame === undefined ? { raw } : { raw, frame });

/** Where the last blank line of a chunk ends; 0 when it has none. `atLineStart`: the bytes before it end a line. */
function lastFrameEnd(chunk: Uint8Array, atLineStart: boolean): number {
  let lf = chunk.lastIndexOf(LF);
  while (lf > 0 && chunk[lf - 1] !== LF) lf = chunk.lastIndexOf(LF, lf - 1);
  return lf > 0 || (lf === 0 && atLineStart) ? lf + 1 : 0;
}

/** Where the line ends whose bytes begin here; the chunk's length when it does not. */
function lineEndIn(chunk: Uint8Array, from: number): number {
  let at = from;
  while (at < chunk.length && chunk[at] !== LF && chunk[at] !== CR) at++;
  return at;
}

/** A cutter for one stream. @param parser one that has read nothing yet, or whole frames */
export function createFrameCutter(parser = createSseParser()): FrameCutter {
  /** Bytes of the frame that is not complete yet. */
  let kept: Uint8Array[] = [];
  let lineIsEmpty = true;
  let previous = 0;
  /** A CR ended a blank line: the frame ends here, or after the LF that belongs to it. */
  let isDue = false;

  function cut(tail: Uint8Array): RawFrame {
    const raw = kept.length === 0 ? tail : Buffer.concat([...kept, tail]);
    kept = [];
    isDue = false;
    return partOf(raw, parser.push(raw)[0]);
  }

  return {
    push(chunk) {
      const frames: RawFrame[] = [];
      let start = 0;
      const cutAt = (end: number): void => {
        frames.push(cut(chunk.subarray(start, end)));
        start = end;
      };
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at] as number;
        const isSecondHalf = byte === LF && previous === CR;
        previous = byte;
        if (isDue) cutAt(isSecondHalf ? at + 1 : at);
        if (isSecondHalf) continue;
        const endsLine = byte === LF || byte === CR;
        if (endsLine && lineIsEmpty) {
          if (byte === LF) cutAt(at + 1);
          else isDue = true;
        }
        lineIsEmpty = endsLine;
        if (!endsLine) at = lineEndIn(chunk, at) - 1;
      }
      if (start < chunk.length) kept.push(chunk.subarray(start));
      return frames;
    },
    end() {
      if (kept.length === 0) return [];
      const raw = Buffer.concat(kept);
      kept = [];
      return [partOf(raw, [...parser.push(raw), ...parser.end()][0])];
    },
  };
}
