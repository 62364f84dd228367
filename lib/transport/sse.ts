/** Server-sent events: cuts bytes into frames (HTML standard, section 9.2). */
import { StringDecoder } from 'node:string_decoder';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { SseFrame } from './message.ts';

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

/** A cutter for one stream, for passthrough where some frames are taken out or edited. */
export function createFrameCutter(): FrameCutter {
  const parser = createSseParser();
  /** Bytes of the frame that is not complete yet. */
  let kept: Uint8Array[] = [];
  let lineIsEmpty = true;
  /** A CR ended the last chunk: an LF that follows belongs to it. `cut`: its line was blank, so the frame ends after that LF. */
  let afterCr: 'no' | 'line' | 'cut' = 'no';

  function cut(tail: Uint8Array): RawFrame {
    const raw = kept.length === 0 ? tail : Buffer.concat([...kept, tail]);
    kept = [];
    lineIsEmpty = true;
    const [frame] = parser.push(raw);
    return frame === undefined ? { raw } : { raw, frame };
  }

  return {
    push(chunk) {
      const frames: RawFrame[] = [];
      let start = 0;
      let position = 0;
      if (afterCr !== 'no' && chunk.length > 0) {
        if (chunk[0] === LF) position = 1;
        if (afterCr === 'cut') {
          frames.push(cut(chunk.subarray(0, position)));
          start = position;
        }
        afterCr = 'no';
      }
      let nextLf = chunk.indexOf(LF, position);
      let nextCr = chunk.indexOf(CR, position);
      while (nextLf !== -1 || nextCr !== -1) {
        const lineEnd = nextCr === -1 || (nextLf !== -1 && nextLf < nextCr) ? nextLf : nextCr;
        const blank = lineIsEmpty && lineEnd === position;
        const isCr = lineEnd === nextCr;
        lineIsEmpty = true;
        position = lineEnd + 1;
        if (isCr && position === chunk.length) {
          afterCr = blank ? 'cut' : 'line';
          break;
        }
        if (isCr && chunk[position] === LF) position += 1;
        if (blank) {
          frames.push(cut(chunk.subarray(start, position)));
          start = position;
        }
        if (nextLf !== -1 && nextLf < position) nextLf = chunk.indexOf(LF, position);
        if (nextCr !== -1 && nextCr < position) nextCr = chunk.indexOf(CR, position);
      }
      if (position < chunk.length) lineIsEmpty = false;
      if (start < chunk.length) kept.push(chunk.subarray(start));
      return frames;
    },
    end() {
      if (kept.length === 0) return [];
      const raw = Buffer.concat(kept);
      kept = [];
      const [frame] = [...parser.push(raw), ...parser.end()];
      return [frame === undefined ? { raw } : { raw, frame }];
    },
  };
}
