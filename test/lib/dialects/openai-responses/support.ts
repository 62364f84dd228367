/** What the tests of this dialect share: fixtures, a strict client, a reply context. */
import { readFileSync } from 'node:fs';
import type { Decoding, ReplyContext } from '../../../../lib/dialects/dialect.ts';
import { openaiResponses } from '../../../../lib/dialects/openai-responses/index.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { GenerateEvent, GenerateResponse, Warning } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { createSseParser } from '../../../../lib/transport/sse.ts';

/** Answers told both ways: streamed and whole. */
export const CASES = ['reasoning-and-calls', 'hosted-tools', 'cut-in-a-call', 'refusal'] as const;

const fixture = (name: string): Buffer => readFileSync(new URL(`../../../fixtures/openai-responses/${name}`, import.meta.url));

export const streamFixture = (name: (typeof CASES)[number] | 'failing' | 'odd-server'): Buffer => fixture(`${name}.stream.txt`);

export const responseFixture = (name: (typeof CASES)[number]): JsonObject =>
  JSON.parse(fixture(`${name}.response.json`).toString('utf8')) as JsonObject;

/** Events of a provider's stream, however its bytes were cut. */
export function eventsOf(pieces: readonly Uint8Array[], decoding: Decoding = {}): GenerateEvent[] {
  const parser = createSseParser();
  const decoder = openaiResponses.decodeStream(decoding);
  const frames = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
  return [...frames.flatMap((frame) => [...decoder.push(frame)]), ...decoder.end()];
}

/** Events of a stream told as objects. */
export const eventsOfObjects = (events: readonly JsonObject[], decoding: Decoding = {}): GenerateEvent[] =>
  eventsOf([Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(''))], decoding);

/** The answer in a whole response with these items. */
export const answerOf = (output: readonly JsonObject[], more: JsonObject = {}, decoding: Decoding = {}): GenerateResponse =>
  foldEvents(openaiResponses.decodeResponse({ id: 'resp_1', status: 'completed', output, ...more }, decoding));

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
  const encoder = openaiResponses.encodeStream(context);
  return events.map((event) => encoder.push(event)).join('') + encoder.end();
}

/** The events of a client's stream; each event line must name its type, and the numbers must run from 0. */
export function dataOf(text: string): JsonObject[] {
  const parser = createSseParser();
  return parser.push(Buffer.from(text)).map(({ event, data }, index) => {
    const value = JSON.parse(data) as JsonObject;
    if (value['type'] !== event) throw new Error(`event ${event} carries ${String(value['type'])}`);
    if (value['sequence_number'] !== index) throw new Error(`event ${index} has number ${String(value['sequence_number'])}`);
    return value;
  });
}

/** An item as a client follows it. */
interface Followed {
  readonly id: unknown;
  readonly parts: Map<unknown, string>;
  arguments: string;
  done?: JsonObject;
}

const textFields = ['text', 'refusal', 'arguments', 'input'] as const;

/**
 * The response a client puts together from a stream. Throws on whatever breaks the protocol: items and parts that were not announced,
 * ids that change, ends that differ from their deltas, a final output that differs from the items.
 */
export function responseOf(text: string): JsonObject {
  const events = dataOf(text);
  const types = events.map(({ type }) => type);
  if (types[0] !== 'response.created' || types[1] !== 'response.in_progress') throw new Error(`begins with ${types.join()}`);
  const items = new Map<unknown, Followed>();
  for (const event of events.slice(2, -1)) follow(items, event);
  const last = events.at(-1) as JsonObject;
  const response = last['response'] as JsonObject;
  if (last['type'] !== `response.${String(response['status'])}`) throw new Error(`ends with ${String(last['type'])}`);
  const output = response['output'] as unknown[];
  if (output.length !== items.size) throw new Error(`${items.size} items were told, ${output.length} are in the response`);
  for (const [index, { done }] of items) {
    const same = JSON.stringify(done) === JSON.stringify(output[index as number]);
    if (!same && response['status'] !== 'failed') throw new Error(`item ${String(index)} differs from the response`);
  }
  return response;
}

function follow(items: Map<unknown, Followed>, event: JsonObject): void {
  const type = String(event['type']);
  const index = event['output_index'];
  const item = event['item'] as JsonObject | undefined;
  if (type === 'response.output_item.added') {
    if (items.has(index) || index !== items.size) throw new Error(`item ${String(index)} out of order`);
    items.set(index, { id: item?.['id'], parts: new Map(), arguments: '' });
    return;
  }
  const known = items.get(index);
  if (known === undefined) throw new Error(`${type} of an unknown item`);
  if (type === 'response.output_item.done') {
    if (item?.['id'] !== known.id) throw new Error('the id of an item changed');
    known.done = item as JsonObject;
    return;
  }
  if (event['item_id'] !== known.id) throw new Error(`${type} with another item_id`);
  const part = event['content_index'] ?? event['summary_index'];
  if (type.endsWith('part.added')) known.parts.set(part, '');
  else if (type.endsWith('.delta')) grow(known, part, String(event['delta']));
  else if (type.endsWith('.done') && !type.endsWith('part.done')) {
    const told = part === undefined ? known.arguments : known.parts.get(part);
    const whole = textFields.map((name) => event[name]).find((value) => value !== undefined);
    if (told !== whole) throw new Error(`${type} differs from its deltas`);
  }
}

function grow(item: Followed, part: unknown, delta: string): void {
  if (part === undefined) {
    item.arguments += delta;
    return;
  }
  const told = item.parts.get(part);
  if (told === undefined) throw new Error('a delta of a part that was not announced');
  item.parts.set(part, told + delta);
}

/** A request of a client as the provider gets it. */
export function roundTrip(body: JsonObject): JsonObject {
  const request = openaiResponses.decodeRequest(body);
  return openaiResponses.encodeRequest(request, { model: request.model, structuredOutput: 'native' }).body;
}
