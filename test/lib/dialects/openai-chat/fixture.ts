import { readFileSync } from 'node:fs';
import type { Decoding, ReplyContext } from '../../../../lib/dialects/dialect.ts';
import { openaiChat } from '../../../../lib/dialects/openai-chat/index.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { GenerateEvent, GenerateResponse, Warning } from '../../../../lib/kinds/generate.ts';
import { isObject, type JsonObject } from '../../../../lib/kinds/json.ts';
import { createSseParser } from '../../../../lib/transport/sse.ts';

const folder = new URL('../../../fixtures/openai-chat/', import.meta.url);

export const bytesOf = (name: string): Buffer => readFileSync(new URL(name, folder));

export const jsonOf = (name: string): JsonObject => {
  const value: unknown = JSON.parse(bytesOf(name).toString('utf8'));
  if (!isObject(value)) throw new TypeError(`${name} holds no object`);
  return value;
};

/** Events of a provider's stream that arrives in these pieces. */
export function decodePieces(pieces: readonly Uint8Array[], decoding: Decoding = {}): GenerateEvent[] {
  const parser = createSseParser();
  const decoder = openaiChat.decodeStream(decoding);
  const frames = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
  return [...frames.flatMap((frame) => [...decoder.push(frame)]), ...decoder.end()];
}

/** The stream of these chunks, ended by `[DONE]`. */
export const streamOf = (...chunks: readonly JsonObject[]): Buffer =>
  Buffer.from([...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'].map((data) => `data: ${data}\n\n`).join(''));

/** A chunk with one choice. */
export const chunkOf = (delta: JsonObject, finish: string | null = null): JsonObject => ({
  id: 'chatcmpl-1',
  model: 'm',
  created: 5,
  choices: [{ index: 0, delta, finish_reason: finish }],
});

/** What a stream says, as one answer. */
export const answerOf = (bytes: Uint8Array, decoding?: Decoding): GenerateResponse =>
  foldEvents(decodePieces([bytes], decoding));

export interface Told extends ReplyContext {
  readonly warnings: Warning[];
}

/** A context whose warnings can be read. */
export function contextOf(more: Partial<ReplyContext> = {}): Told {
  const warnings: Warning[] = [];
  return {
    model: 'asked',
    id: 'chatcmpl-ours',
    created: 1000,
    includeUsage: true,
    warn: (warning) => void warnings.push(warning),
    ...more,
    warnings,
  };
}

/** Text of a client's stream. */
export function encodeEvents(events: readonly GenerateEvent[], context: ReplyContext = contextOf()): string {
  const encoder = openaiChat.encodeStream(context);
  return events.map((event) => encoder.push(event)).join('') + encoder.end();
}

/** The chunks of a client's stream, without `[DONE]`, which must end it. */
export function chunksOf(text: string): JsonObject[] {
  const frames = text.split('\n\n');
  if (frames.pop() !== '' || frames.pop() !== 'data: [DONE]') throw new TypeError('the stream does not end with [DONE]');
  return frames.map((frame) => {
    const chunk: unknown = JSON.parse(frame.replace(/^data: /, ''));
    if (!isObject(chunk)) throw new TypeError(`not an object: ${frame}`);
    return chunk;
  });
}

/** Deltas of the first choice. */
export const deltasOf = (text: string): JsonObject[] =>
  chunksOf(text).flatMap(({ choices }) =>
    Array.isArray(choices) ? choices.filter(isObject).flatMap(({ delta }) => (isObject(delta) ? [delta] : [])) : [],
  );
