/** Streams as one JSON array, element by element: how Google streams to clients that did not ask for server-sent events. */
import { StringDecoder } from 'node:string_decoder';
import type { SseFrame } from './message.ts';
import { createSseParser } from './sse.ts';

/** Bytes in, elements out, however the bytes were split. */
export interface JsonArrayParser {
  push(chunk: Uint8Array): SseFrame[];
  /** An element that was cut off: its reader must notice that it is not whole. */
  end(): SseFrame[];
}

/** Whitespace, brackets of the array and commas: what may stand between elements. */
const BETWEEN = /[\s[\],]/;

/** A parser for one stream. Elements are objects; one that comes without an array around it (an error) is an element too. */
export function createJsonArrayParser(): JsonArrayParser {
  const decoder = new StringDecoder('utf8');
  /** The element so far; empty between elements. */
  let element = '';
  let depth = 0;
  let inString = false;
  let escaped = false;

  function feed(text: string): SseFrame[] {
    const frames: SseFrame[] = [];
    let start = 0;
    for (let position = 0; position < text.length; position++) {
      const character = text[position] as string;
      if (inString) {
        if (escaped) escaped = false;
        else if (character === '\\') escaped = true;
        else if (character === '"') inString = false;
        continue;
      }
      if (depth === 0 && element === '' && start === position && BETWEEN.test(character)) {
        start = position + 1;
      } else if (character === '"') {
        inString = true;
      } else if (character === '{' || character === '[') {
        depth += 1;
      } else if (character === '}' || character === ']') {
        depth -= 1;
        if (depth > 0) continue;
        frames.push({ data: element + text.slice(start, position + 1) });
        element = '';
        depth = 0;
        start = position + 1;
      }
    }
    element += text.slice(start);
    return frames;
  }

  return {
    push: (chunk) => feed(decoder.write(chunk)),
    end() {
      const frames = feed(decoder.end());
      return element.trim() === '' ? frames : [...frames, { data: element }];
    },
  };
}

/** Writes one stream. It has a beginning and an end, so every answer needs a writer of its own. */
export interface JsonArrayWriter {
  /** The data of the events in this text, each an element. Takes whole events only, as encoders write them. */
  write(text: string): Uint8Array;
  /** Closes the array; an answer without elements is an empty one. */
  end(): Uint8Array;
}

/** A writer for one stream: server-sent events in, a JSON array out. */
export function createJsonArrayWriter(): JsonArrayWriter {
  const parser = createSseParser();
  let separator = '[';
  return {
    write(text) {
      let elements = '';
      for (const { data } of parser.push(Buffer.from(text))) {
        elements += separator + data;
        separator = ',\r\n';
      }
      return Buffer.from(elements);
    },
    end: () => Buffer.from(separator === '[' ? '[]' : ']'),
  };
}
