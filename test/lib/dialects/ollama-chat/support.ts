/** What the tests of this dialect share: fixtures, a provider's stream in pieces, the lines of a client's stream. */
import { readFileSync } from 'node:fs';
import type { ReplyContext } from '../../../../lib/dialects/dialect.ts';
import { ollamaChat } from '../../../../lib/dialects/ollama-chat/index.ts';
import type { GenerateEvent } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { createNdjsonParser } from '../../../../lib/transport/ndjson.ts';

const folder = new URL('../../../fixtures/ollama-chat/', import.meta.url);

export const bytesOf = (name: string): Buffer => readFileSync(new URL(name, folder));

export const jsonOf = (name: string): JsonObject => JSON.parse(bytesOf(name).toString('utf8')) as JsonObject;

/** Events of a provider's stream that arrives in these pieces. */
export function decodePieces(...pieces: readonly Uint8Array[]): GenerateEvent[] {
  const parser = createNdjsonParser();
  const decoder = ollamaChat.decodeStream({});
  const frames = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
  return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

/** Text of a client's stream. */
export function encodeEvents(events: readonly GenerateEvent[], context: ReplyContext): string {
  const encoder = ollamaChat.encodeStream(context);
  return events.map((event) => encoder.push(event)).join('') + encoder.end();
}

/** The lines of a client's stream, each of which must end. */
export function linesOf(text: string): JsonObject[] {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new TypeError('the stream does not end with a line end');
  return lines.map((line) => JSON.parse(line) as JsonObject);
}
