/** What the tests of this dialect share: fixtures, a strict client, a reply context. */
import { readFileSync } from 'node:fs';
import { anthropicMessages } from '../../../../lib/dialects/anthropic-messages/index.ts';
import type { Decoding, ReplyContext } from '../../../../lib/dialects/dialect.ts';
import type { GenerateEvent, GenerateRequest, Warning } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { createSseParser } from '../../../../lib/transport/sse.ts';

export const CASES = ['thinking-and-tools', 'redacted-thinking', 'server-tools', 'refusal'] as const;

const fixture = (name: string): Buffer =>
  readFileSync(new URL(`../../../fixtures/anthropic-messages/${name}`, import.meta.url));

export const streamFixture = (name: (typeof CASES)[number]): Buffer => fixture(`${name}.stream.txt`);

export const responseFixture = (name: (typeof CASES)[number]): JsonObject =>
  JSON.parse(fixture(`${name}.response.json`).toString('utf8')) as JsonObject;

/** Events of a provider's stream, however its bytes were cut. */
export function eventsOf(chunks: readonly Uint8Array[], decoding: Decoding = {}): GenerateEvent[] {
  const parser = createSseParser();
  const decoder = anthropicMessages.decodeStream(decoding);
  const frames = [...chunks.flatMap((chunk) => parser.push(chunk)), ...parser.end()];
  return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

/** Events of a stream told as objects. */
export const eventsOfObjects = (events: readonly JsonObject[], decoding: Decoding = {}): GenerateEvent[] =>
  eventsOf(
    [Buffer.from(events.map((event) => `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`).join(''))],
    decoding,
  );

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
  const encoder = anthropicMessages.encodeStream(context);
  return events.map((event) => encoder.push(event)).join('') + encoder.end();
}

/** The data of each event in a client's stream; the event line must name its type. */
export function dataOf(text: string): JsonObject[] {
  const parser = createSseParser();
  return parser.push(Buffer.from(text)).map(({ event, data }) => {
    const value = JSON.parse(data) as JsonObject;
    if (value.type !== event) throw new Error(`event ${event} carries ${String(value.type)}`);
    return value;
  });
}

type Block = JsonObject & { json?: string };

const joined = (block: Block, field: string, delta: unknown): void => {
  const before = block[field];
  block[field] = (typeof before === 'string' ? before : '') + String(delta);
};

function grow(block: Block, delta: JsonObject): void {
  switch (delta.type) {
    case 'text_delta':
      return joined(block, 'text', delta.text);
    case 'thinking_delta':
      return joined(block, 'thinking', delta.thinking);
    case 'signature_delta':
      return joined(block, 'signature', delta.signature);
    case 'input_json_delta':
      return joined(block, 'json', delta.partial_json);
    case 'citations_delta':
      block.citations = [...((block.citations as unknown[] | undefined) ?? []), delta.citation];
      return undefined;
    default:
      throw new Error(`unknown delta ${String(delta.type)}`);
  }
}

/** The message a client puts together from a stream. Throws on whatever breaks the protocol. */
export function messageOf(text: string): JsonObject {
  const events = dataOf(text);
  const [first, ...rest] = events;
  if (first?.type !== 'message_start') throw new Error(`the stream begins with ${String(first?.type)}`);
  if (rest.at(-1)?.type !== 'message_stop') throw new Error(`the stream ends with ${String(rest.at(-1)?.type)}`);
  const message = { ...(first.message as JsonObject) };
  const content: Block[] = [];
  let open: Block | undefined;
  let ended = false;
  for (const event of rest.slice(0, -1)) {
    const type = String(event.type);
    if (ended) throw new Error(`${type} after message_delta`);
    if (type === 'content_block_start') {
      if (open !== undefined || event.index !== content.length) throw new Error(`block ${String(event.index)} out of order`);
      open = { ...(event.content_block as Block) };
      content.push(open);
    } else if (type === 'content_block_delta' && open !== undefined && event.index === content.length - 1) {
      grow(open, event.delta as JsonObject);
    } else if (type === 'content_block_stop' && open !== undefined && event.index === content.length - 1) {
      if (open.json !== undefined) open.input = JSON.parse(open.json);
      delete open.json;
      open = undefined;
    } else if (type === 'message_delta' && open === undefined) {
      Object.assign(message, event.delta);
      message.usage = event.usage;
      ended = true;
    } else {
      throw new Error(`unexpected ${type}`);
    }
  }
  return { ...message, content };
}

/** A request of a client as the provider gets it. */
export function roundTrip(body: JsonObject): JsonObject {
  const request = anthropicMessages.decodeRequest(body);
  return anthropicMessages.encodeRequest(request, { model: request.model, structuredOutput: 'native' }).body;
}

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
