/** What the tests of this dialect share: fixtures, a strict client, a reply context. */
import { readFileSync } from 'node:fs';
import { bedrockConverse } from '../../../../lib/dialects/bedrock-converse/index.ts';
import type { Decoding, EncodedRequest, ReplyContext, UpstreamTarget } from '../../../../lib/dialects/dialect.ts';
import type { GenerateEvent, GenerateRequest, Message, Part, Warning } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { createEventStreamParser, writeEventStream } from '../../../../lib/transport/aws-event-stream.ts';

export const CASES = ['thinking-and-tools', 'redacted-and-server-tools', 'guardrail', 'image'] as const;

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/bedrock-converse/${name}`, import.meta.url), 'utf8');

/** The bytes of a provider's stream. */
export const streamFixture = (name: (typeof CASES)[number]): Uint8Array => writeEventStream(fixture(`${name}.stream.txt`));

export const jsonFixture = (name: string): JsonObject => JSON.parse(fixture(`${name}.json`)) as JsonObject;

export const responseFixture = (name: (typeof CASES)[number]): JsonObject => jsonFixture(`${name}.response`);

/** Events of a provider's stream, however its bytes were cut. */
export function eventsOf(chunks: readonly Uint8Array[], decoding: Decoding = {}): GenerateEvent[] {
  const parser = createEventStreamParser();
  const decoder = bedrockConverse.decodeStream(decoding);
  const frames = [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()];
  return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

/** Events of a stream told as pairs of event and data. */
export const eventsOfPairs = (pairs: readonly (readonly [string, unknown])[], decoding: Decoding = {}): GenerateEvent[] =>
  eventsOf([writeEventStream(pairs.map(([event, data]) => `${JSON.stringify({ event, data })}\n`).join(''))], decoding);

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
  const encoder = bedrockConverse.encodeStream(context);
  return events.map((event) => encoder.push(event)).join('') + encoder.end();
}

/** The messages of a client's stream. */
export const linesOf = (text: string): { event: string; data: JsonObject }[] =>
  createEventStreamParser()
    .push(writeEventStream(text))
    .map(({ event = '', data }) => ({ event, data: JSON.parse(data) as JsonObject }));

/** A block as a client grows it. */
interface Growing {
  value: JsonObject;
  json?: string;
}

function grow(block: Growing, delta: JsonObject): void {
  const [kind = '', piece] = Object.entries(delta)[0] ?? [];
  const before = block.value[kind] as JsonObject | string | undefined;
  switch (kind) {
    case 'text':
      block.value.text = ((before as string | undefined) ?? '') + String(piece);
      return;
    case 'citation':
      block.value.citations = [...((block.value.citations as unknown[] | undefined) ?? []), piece];
      return;
    case 'toolUse':
      block.json = (block.json ?? '') + String((piece as JsonObject).input);
      return;
    case 'toolResult':
      block.value.toolResult = { ...(before as JsonObject), content: piece };
      return;
    case 'image':
      block.value.image = { ...(before as JsonObject), ...(piece as JsonObject) };
      return;
    case 'reasoningContent': {
      const { text = '', signature, redactedContent } = piece as { text?: string } & JsonObject;
      const known = ((before as JsonObject | undefined)?.reasoningText ?? { text: '' }) as JsonObject;
      block.value.reasoningContent =
        redactedContent === undefined
          ? {
              reasoningText: {
                ...known,
                text: String(known.text) + text,
                ...(signature !== undefined && { signature }),
              },
            }
          : { redactedContent };
      return;
    }
    default:
      throw new Error(`unknown delta ${kind}`);
  }
}

function finished({ value, json }: Growing): JsonObject {
  if (json !== undefined) return { toolUse: { ...(value.toolUse as JsonObject), input: JSON.parse(json) as unknown } };
  if (value.citations === undefined) return value;
  return { citationsContent: { content: [{ text: value.text }], citations: value.citations } };
}

/** The answer a client puts together from a stream. Throws on whatever breaks the protocol. */
export function answerOf(text: string): JsonObject {
  const [first, ...rest] = linesOf(text);
  if (first?.event !== 'messageStart') throw new Error(`the stream begins with ${String(first?.event)}`);
  const blocks: Growing[] = [];
  let open: Growing | undefined;
  let answer: JsonObject | undefined;
  let ended = false;
  for (const { event, data } of rest) {
    if (ended) throw new Error(`${event} after metadata`);
    const { contentBlockIndex: index } = data;
    const next = open === undefined && index === blocks.length;
    if (event === 'contentBlockStart' && next) blocks.push((open = { value: { ...(data.start as JsonObject) } }));
    else if (event === 'contentBlockDelta' && (next || (open !== undefined && index === blocks.length - 1))) {
      if (open === undefined) blocks.push((open = { value: {} }));
      grow(open, data.delta as JsonObject);
    } else if (event === 'contentBlockStop' && open !== undefined && index === blocks.length - 1) open = undefined;
    else if (event === 'messageStop' && open === undefined) answer = data;
    else if (event === 'metadata' && answer !== undefined) {
      answer = { ...answer, ...data };
      ended = true;
    } else throw new Error(`unexpected ${event} at ${String(index)}`);
  }
  if (!ended) throw new Error('the stream has no end');
  return { ...answer, output: { message: { ...first.data, content: blocks.map(finished) } } };
}

export const CLAUDE = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';

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

/** Such a request as a provider gets it: for Claude, unless said otherwise. */
export const encode = (more: Partial<GenerateRequest>, target: Partial<UpstreamTarget> = {}): EncodedRequest =>
  bedrockConverse.encodeRequest(requestOf(more), { model: CLAUDE, structuredOutput: 'native', ...target });

/** The fields a request warns of. */
export const fieldsOf = ({ warnings }: EncodedRequest): string[] => warnings.map(({ field }) => field);

/** Parts of one message as the provider gets them. */
export function contentOf(role: Message['role'], parts: readonly Part[], target: Partial<UpstreamTarget> = {}): JsonObject[] {
  const [message] = encode({ messages: [{ role, parts }] }, target).body.messages as { content: JsonObject[] }[];
  return message?.content ?? [];
}
