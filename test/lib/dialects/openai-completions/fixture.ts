import { readFileSync } from 'node:fs';
import type { ReplyContext } from '../../../../lib/dialects/dialect.ts';
import { openaiCompletions } from '../../../../lib/dialects/openai-completions/index.ts';
import type { GenerateEvent, Warning } from '../../../../lib/kinds/generate.ts';
import { isObject, type JsonObject } from '../../../../lib/kinds/json.ts';
import { createSseParser } from '../../../../lib/transport/sse.ts';

const folder = new URL('../../../fixtures/openai-completions/', import.meta.url);

export const bytesOf = (name: string): Buffer => readFileSync(new URL(name, folder));

export const jsonOf = (name: string): JsonObject => {
  const value: unknown = JSON.parse(bytesOf(name).toString('utf8'));
  if (!isObject(value)) throw new TypeError(`${name} holds no object`);
  return value;
};

/** Events of a provider's stream that arrives in these pieces. */
export function decodePieces(...pieces: readonly Uint8Array[]): GenerateEvent[] {
  const parser = createSseParser();
  const decoder = openaiCompletions.decodeStream({});
  const frames = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
  return [...frames.flatMap((frame) => [...decoder.push(frame)]), ...decoder.end()];
}

/** A context whose warnings can be read. */
export function contextOf(more: Partial<ReplyContext> = {}): ReplyContext & { readonly warnings: Warning[] } {
  const warnings: Warning[] = [];
  const warn = (warning: Warning): void => void warnings.push(warning);
  return { model: 'asked', id: 'cmpl-ours', created: 1000, includeUsage: true, warn, ...more, warnings };
}

/** The chunks of a client's stream, without `[DONE]`, which must end it. */
export function chunksOf(events: readonly GenerateEvent[], context: ReplyContext = contextOf()): JsonObject[] {
  const encoder = openaiCompletions.encodeStream(context);
  const text = events.map((event) => encoder.push(event)).join('') + encoder.end();
  const frames = text.split('\n\n');
  if (frames.pop() !== '' || frames.pop() !== 'data: [DONE]') throw new TypeError('the stream does not end with [DONE]');
  return frames.map((frame) => JSON.parse(frame.replace(/^data: /, '')) as JsonObject);
}
