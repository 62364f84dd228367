/** What the tests of this dialect share: fixtures, a client, a reply context. */
import { readFileSync } from 'node:fs';
import type { Decoding, ReplyContext, UpstreamTarget } from '../../../../lib/dialects/dialect.ts';
import { gemini } from '../../../../lib/dialects/gemini/index.ts';
import type { GenerateEvent, GenerateRequest, Warning } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { createSseParser } from '../../../../lib/transport/sse.ts';

export const CASES = ['thoughts-and-calls', 'grounded', 'code-and-image', 'blocked', 'two-candidates', 'partial-args'] as const;

export type Case = (typeof CASES)[number];

const fixture = (name: string): Buffer => readFileSync(new URL(`../../../fixtures/gemini/${name}`, import.meta.url));

export const streamFixture = (name: Case): Buffer => fixture(`${name}.stream.txt`);

export const responseFixture = (name: Case): JsonObject =>
  JSON.parse(fixture(`${name}.response.json`).toString('utf8')) as JsonObject;

/** Events of a provider's stream, however its bytes were cut. */
export function eventsOf(chunks: readonly Uint8Array[], decoding: Decoding = {}): GenerateEvent[] {
  const parser = createSseParser();
  const decoder = gemini.decodeStream(decoding);
  const frames = [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()];
  return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

/** Events of a stream told as objects. */
export const eventsOfObjects = (chunks: readonly JsonObject[], decoding: Decoding = {}): GenerateEvent[] =>
  eventsOf([Buffer.from(chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join(''))], decoding);

/** A chunk with one candidate. */
export const chunkOf = (parts: readonly JsonObject[], more: JsonObject = {}): JsonObject => ({
  candidates: [{ content: { role: 'model', parts }, ...more }],
  modelVersion: 'gemini-2.5-flash',
  responseId: 'r',
});

/** A context and the warnings it was told. */
export function contextOf(more: Partial<ReplyContext> = {}): { context: ReplyContext; warnings: Warning[] } {
  const warnings: Warning[] = [];
  const context: ReplyContext = {
    model: 'client-model',
    id: 'CALL',
    created: 1_700_000_000,
    includeUsage: true,
    warn: (warning) => void warnings.push(warning),
    ...more,
  };
  return { context, warnings };
}

/** The text of a client's stream for these events. */
export function streamText(events: readonly GenerateEvent[], context: ReplyContext = contextOf().context): string {
  const encoder = gemini.encodeStream(context);
  return events.map((event) => encoder.push(event)).join('') + encoder.end();
}

/** The chunks of a client's stream. */
export const chunksOf = (text: string): JsonObject[] =>
  createSseParser()
    .push(Buffer.from(text))
    .map(({ data }) => JSON.parse(data) as JsonObject);

/** A small canonical request of a client of another dialect. */
export const requestOf = (more: Partial<GenerateRequest> = {}): GenerateRequest => ({
  model: 'any',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
  sampling: {},
  stream: false,
  includeUsage: false,
  extensions: {},
  ...more,
});

/** A request as a provider gets it, and what could not be said. */
export function sent(
  more: Partial<GenerateRequest>,
  target: Partial<UpstreamTarget> = {},
): { body: JsonObject; warned: string[]; decoding: Decoding } {
  const { body, warnings, decoding } = gemini.encodeRequest(requestOf(more), {
    model: 'gemini-2.5-flash',
    structuredOutput: 'native',
    ...target,
  });
  return { body, warned: warnings.map(({ kind, field }) => `${kind} ${field}`), decoding };
}

/** A client's request, decoded; `asked` as the path says it. */
export const decoded = (body: JsonObject): GenerateRequest =>
  gemini.decodeRequest(body, { model: 'gemini-3-pro', stream: false });
