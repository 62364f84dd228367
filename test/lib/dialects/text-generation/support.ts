/** What the tests of this dialect share: fixtures, a provider's stream in pieces, requests. */
import { readFileSync } from 'node:fs';
import type { UpstreamTarget } from '../../../../lib/dialects/dialect.ts';
import { textGeneration } from '../../../../lib/dialects/text-generation/index.ts';
import type { GenerateEvent, GenerateRequest } from '../../../../lib/kinds/generate.ts';
import type { SseFrame } from '../../../../lib/transport/message.ts';
import { codecOf } from '../../../../lib/transport/framing.ts';

const folder = new URL('../../../fixtures/text-generation/', import.meta.url);

export const bytesOf = (name: string): Buffer => readFileSync(new URL(name, folder));

export const jsonOf = (name: string): unknown => JSON.parse(bytesOf(name).toString('utf8'));

/** Events of a stream whose frames these are. */
export function decodeFrames(variant: string, frames: readonly SseFrame[]): GenerateEvent[] {
  const decoder = textGeneration(variant).decodeStream({});
  return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

/** Events of a provider's stream that arrives in these pieces. */
export function decodePieces(variant: string, pieces: readonly Uint8Array[]): GenerateEvent[] {
  const parser = codecOf(textGeneration(variant).framing).parser();
  return decodeFrames(variant, [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()]);
}

/** Frames of server-sent events with these objects. */
export const framesOf = (...values: readonly unknown[]): SseFrame[] =>
  values.map((value) => ({ data: typeof value === 'string' ? value : JSON.stringify(value) }));

/** A request of one question, and what a test adds. */
export const requestOf = (over: Partial<GenerateRequest> = {}): GenerateRequest => ({
  model: 'named',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
  sampling: {},
  stream: false,
  includeUsage: false,
  extensions: {},
  ...over,
});

export const TARGET: UpstreamTarget = { model: 'the-model', structuredOutput: 'native' };
