/** Newline-delimited JSON: one value a line (the framing of Ollama's streams). */
import { StringDecoder } from 'node:string_decoder';
import type { SseFrame } from './message.ts';
import type { FrameCutter, RawFrame } from './sse.ts';

/** Bytes in, one frame a line out, however the bytes were split. */
export interface NdjsonParser {
  push(chunk: Uint8Array): SseFrame[];
  /** A last line that lacks its line end. */
  end(): SseFrame[];
}

/**
 * A parser for one stream. UTF-8 may be split inside a character; line ends may be LF or CRLF; blank lines are left out. Lines are not
 * looked into, but for one habit of proxies that print a value over several lines: from a lone `{` to a lone `}` is one frame.
 */
export function createNdjsonParser(): NdjsonParser {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let printed: string[] | undefined;

  function frame(line: string): SseFrame[] {
    const data = line.endsWith('\r') ? line.slice(0, -1) : line;
    if (printed === undefined && data === '{') {
      printed = [data];
      return [];
    }
    if (printed === undefined) return data.trim() === '' ? [] : [{ data }];
    printed.push(data);
    return data === '}' ? flush() : [];
  }

  function flush(): SseFrame[] {
    const lines = printed;
    printed = undefined;
    return lines === undefined ? [] : [{ data: lines.join('\n') }];
  }

  return {
    push(chunk) {
      const text = decoder.write(chunk);
      // The rest is not looked through again: a line of megabytes comes in a thousand pieces.
      if (!text.includes('\n')) {
        rest += text;
        return [];
      }
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      return lines.flatMap(frame);
    },
    end() {
      const last = rest + decoder.end();
      rest = '';
      return [...frame(last), ...flush()];
    },
  };
}

const LF = 10;

/** Cuts a stream into its lines without touching a byte, for passthrough where some are edited. A blank line stays with the next one. */
export function createNdjsonCutter(): FrameCutter {
  const parser = createNdjsonParser();
  let kept: Uint8Array[] = [];

  function cut(frame: SseFrame | undefined): RawFrame {
    const raw = Buffer.concat(kept);
    kept = [];
    return frame === undefined ? { raw } : { raw, frame };
  }

  return {
    push(chunk) {
      const frames: RawFrame[] = [];
      for (let start = 0; start < chunk.length;) {
        const lineEnd = chunk.indexOf(LF, start);
        const piece = chunk.subarray(start, lineEnd === -1 ? chunk.length : lineEnd + 1);
        kept.push(piece);
        start += piece.length;
        const [frame] = parser.push(piece);
        if (frame !== undefined) frames.push(cut(frame));
      }
      return frames;
    },
    end: () => (kept.length === 0 ? [] : [cut(parser.end()[0])]),
  };
}
