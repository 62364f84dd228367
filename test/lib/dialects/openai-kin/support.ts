/** What the tests of this dialect share. */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import { openaiKin } from '../../../../lib/dialects/openai-kin/index.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { GenerateEvent, GenerateRequest, GenerateResponse } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { codecOf } from '../../../../lib/transport/framing.ts';
import { requestOf, TARGET } from '../text-generation/support.ts';

const text = (words: string) => ({ type: 'text', text: words }) as const;

/** A conversation with a call that was answered, and a picture. */
export const TALK: GenerateRequest = requestOf({
  messages: [
    { role: 'system', parts: [text('Be kind.')] },
    { role: 'user', parts: [text('Weather?')] },
    {
      role: 'assistant',
      parts: [text('Let me look.'), { type: 'tool-call', id: 'c1', name: 'weather', arguments: '{"city":"Bern"}' }],
    },
    { role: 'tool', parts: [{ type: 'tool-result', callId: 'c1', parts: [text('sunny')] }] },
  ],
  tools: [
    {
      type: 'function',
      name: 'weather',
      description: 'Tells the weather.',
      parameters: {
        type: 'object',
        properties: { city: { $ref: '#/$defs/city' }, days: { anyOf: [{ type: 'integer' }, { type: 'null' }] } },
        required: ['city'],
        $defs: { city: { type: 'string', enum: ['Bern', 'Chur'] } },
      },
    },
  ],
  toolChoice: { type: 'auto' },
  sampling: { temperature: 0.5, topP: 0.9, seed: 7, stop: ['END'] },
  maxOutputTokens: 64,
  stream: true,
});

export const encode = (variant: string, request: GenerateRequest, model = 'the-model') =>
  openaiKin(variant).encodeRequest(request, { ...TARGET, model });

export const whole = (variant: string, body: unknown): GenerateResponse =>
  foldEvents(openaiKin(variant).decodeResponse(body, {}));

/** A stream of these objects. */
export const sse = (...values: readonly unknown[]): string =>
  values.map((value) => `data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`).join('');

function decode(variant: string, pieces: readonly Uint8Array[]): GenerateEvent[] {
  const dialect = openaiKin(variant);
  const parser = codecOf(dialect.framing).parser();
  const decoder = dialect.decodeStream({});
  const frames = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
  return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

/** The answer of a stream. */
export const streamed = (variant: string, stream: string): GenerateResponse =>
  foldEvents(decode(variant, [Buffer.from(stream)]));

/** Proves that a stream gives the same events wherever it is cut, and an error when it ends early. */
export function provesCuts(variant: string, stream: string): void {
  const bytes = Buffer.from(stream);
  const events = decode(variant, [bytes]);
  for (const at of bytes.keys()) {
    expect(decode(variant, [bytes.subarray(0, at), bytes.subarray(at)])).toEqual(events);
  }
  fc.assert(
    fc.property(fc.subarray([...bytes.keys()], { maxLength: 30 }), (cuts) => {
      const points = [0, ...cuts, bytes.length];
      expect(
        decode(
          variant,
          points.slice(1).map((end, index) => bytes.subarray(points[index], end)),
        ),
      ).toEqual(events);
    }),
    { numRuns: 20 },
  );
  const firstEvent = stream.slice(0, stream.indexOf('\n\n') + 2);
  expect(foldEvents(decode(variant, [Buffer.from(firstEvent)])).error?.kind).toBe('upstream');
  expect(foldEvents(decode(variant, [])).error?.kind).toBe('upstream');
}

/** Fields of an object by a path of names. */
export const at = (value: unknown, ...path: readonly string[]): JsonObject =>
  path.reduce((found: unknown, name) => (found as JsonObject)[name], value) as JsonObject;
