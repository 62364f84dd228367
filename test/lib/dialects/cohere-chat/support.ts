/** What the tests of this dialect share: fixtures, a provider's stream in pieces, a client that puts a stream together. */
import { readFileSync } from 'node:fs';
import { cohereChat } from '../../../../lib/dialects/cohere-chat/index.ts';
import type { Decoding, ReplyContext } from '../../../../lib/dialects/dialect.ts';
import type { GenerateEvent } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { createSseParser } from '../../../../lib/transport/sse.ts';

const folder = new URL('../../../fixtures/cohere-chat/', import.meta.url);

export const bytesOf = (name: string): Buffer => readFileSync(new URL(name, folder));

export const jsonOf = (name: string): JsonObject => JSON.parse(bytesOf(name).toString('utf8')) as JsonObject;

/** Events of a provider's stream that arrives in these pieces. */
export function decodePieces(pieces: readonly Uint8Array[], decoding: Decoding = {}): GenerateEvent[] {
  const parser = createSseParser();
  const decoder = cohereChat.decodeStream(decoding);
  const frames = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
  return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

/** The stream of these events. */
export const streamOf = (...events: readonly JsonObject[]): Buffer =>
  Buffer.from(events.map((event) => `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`).join(''));

/** Text of a client's stream. */
export function encodeEvents(events: readonly GenerateEvent[], context: ReplyContext): string {
  const encoder = cohereChat.encodeStream(context);
  return events.map((event) => encoder.push(event)).join('') + encoder.end();
}

/** The events of a client's stream; each must carry its own name, and `[DONE]` must end them. */
export function eventsOf(text: string): JsonObject[] {
  const frames = createSseParser().push(Buffer.from(text));
  if (frames.pop()?.data !== '[DONE]') throw new TypeError('the stream does not end with [DONE]');
  return frames.map(({ event, data }) => {
    const value = JSON.parse(data) as JsonObject;
    if (value.type !== event) throw new TypeError(`event ${event} carries ${String(value.type)}`);
    return value;
  });
}
