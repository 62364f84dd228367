/**
 * One provider that speaks four dialects, does to each call what its words ask for, and keeps its own bill: what it answered in full, and how
 * many tokens that was. It writes no more than it is allowed to.
 */
import type { ServerResponse } from 'node:http';
import { chatAnswer, chatChunk, messageAnswer, usageChunk, type Script, type Seen } from '../support/upstream.ts';

/**
 * What becomes of a call. `left`: its client goes away before the end; `refused`: 400; `failing`: 500, however often it is tried;
 * `retried`: 503 once, then an answer; `broken`: the answer breaks off in its middle, and so does the next one.
 */
export const FATES = ['answered', 'left', 'answered', 'refused', 'retried', 'answered', 'broken', 'failing'] as const;
/** One of them. */
export type Fate = (typeof FATES)[number];

/** What the client says: everything the provider has to know. */
export const wordsOf = (call: number, fate: Fate, tokens: number): string => `call=${call} fate=${fate} tokens=${tokens}`;

/** Tokens of a prompt, whatever it says. */
const INPUT = 5;

/** A full answer, as the provider bills it. */
export interface Billed {
  readonly call: number;
  readonly tokens: number;
}

/** The provider. */
export interface MixedProvider {
  readonly script: Script;
  /** Answers that went out to their last byte. */
  readonly bills: readonly Billed[];
  /** Resolves when the first request of a call has come in. */
  arrived(call: number): Promise<void>;
}

/** A provider without a history. */
export function createMixedProvider(): MixedProvider {
  const bills: Billed[] = [];
  const tries = new Map<number, number>();
  const arrivals = new Map<number, PromiseWithResolvers<void>>();
  const arrivalOf = (call: number): PromiseWithResolvers<void> => {
    const known = arrivals.get(call) ?? Promise.withResolvers<void>();
    arrivals.set(call, known);
    return known;
  };

  const script: Script = (seen, response) => {
    const [, number, fate, wish] = /call=(\d+) fate=(\w+) tokens=(\d+)/.exec(seen.text) ?? [];
    const call = Number(number);
    const attempt = (tries.get(call) ?? 0) + 1;
    tries.set(call, attempt);
    arrivalOf(call).resolve();
    if (fate === 'refused') return fail(response, 400);
    if (fate === 'failing') return fail(response, 500);
    if (fate === 'retried' && attempt === 1) return fail(response, 503);
    const output = Math.min(Number(wish), capOf(seen));
    const [head, ...frames] = isStream(seen) ? streamOf(seen, output) : wholeOf(seen, output);
    const half = Math.ceil(frames.length / 2);
    response.writeHead(200, { 'content-type': isStream(seen) ? 'text/event-stream' : 'application/json' });
    if (fate === 'left') return void (isStream(seen) && response.write(`${head}${frames.slice(0, half).join('')}`));
    if (fate === 'broken') {
      return void response.write(`${head}${frames.slice(0, half).join('')}`, () => response.destroy());
    }
    bills.push({ call, tokens: INPUT + output });
    response.end(`${head}${frames.join('')}`);
  };
  return { script, bills, arrived: (call) => arrivalOf(call).promise };
}

function fail(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { message: 'no', type: 'trouble', code: status, status: 'TROUBLE' } }));
}

const isStream = ({ body, path }: Seen): boolean => body['stream'] === true || path.includes(':streamGenerateContent');

/** The most that a request lets the model write, by whichever name its dialect has for it. */
function capOf({ body }: Seen): number {
  const config = body['generationConfig'] as { readonly maxOutputTokens?: number } | undefined;
  const caps = [body['max_tokens'], body['max_completion_tokens'], body['max_output_tokens'], config?.maxOutputTokens];
  return Math.min(...caps.filter((cap) => typeof cap === 'number'));
}

/** What it says: a word for about every token. */
const textOf = (output: number): string => 'word '.repeat(output);

/** A whole answer in two pieces, so that it can break. */
function wholeOf(seen: Seen, output: number): readonly string[] {
  const text = JSON.stringify(answerOf(seen, output));
  return [text.slice(0, 20), text.slice(20, 60), text.slice(60)];
}

function answerOf({ path }: Seen, output: number): object {
  const text = textOf(output);
  if (path.endsWith('/messages')) return messageAnswer(text, { usage: { input_tokens: INPUT, output_tokens: output } });
  if (path.endsWith('/responses')) return responseOf(text, output);
  if (path.includes(':generateContent')) return contentOf(text, output, true);
  const usage = { prompt_tokens: INPUT, completion_tokens: output, total_tokens: INPUT + output };
  return chatAnswer(text, { usage });
}

/** The frames of a stream; what was used comes with the last ones. */
function streamOf({ path }: Seen, output: number): readonly string[] {
  const words = Array.from({ length: output }, () => 'word ');
  const data = (value: object): string => `data: ${JSON.stringify(value)}\n\n`;
  const event = (type: string, fields: object = {}): string => `event: ${type}\n${data({ type, ...fields })}`;
  if (path.endsWith('/messages')) {
    const usage = { input_tokens: INPUT, output_tokens: 1 };
    return [
      event('message_start', { message: messageAnswer('', { content: [], stop_reason: null, usage }) }),
      event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
      ...words.map((text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })),
      event('content_block_stop', { index: 0 }),
      event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: output } }),
      event('message_stop'),
    ];
  }
  if (path.endsWith('/responses')) {
    const item = { type: 'message', id: 'msg_1', role: 'assistant', status: 'in_progress', content: [] };
    const part = { type: 'output_text', text: '', annotations: [] };
    const at = { item_id: 'msg_1', output_index: 0, content_index: 0 };
    return [
      event('response.created', { response: { ...responseOf('', 0), status: 'in_progress', output: [] } }),
      event('response.output_item.added', { output_index: 0, item }),
      event('response.content_part.added', { ...at, part }),
      ...words.map((delta) => event('response.output_text.delta', { ...at, delta })),
      event('response.completed', { response: responseOf(textOf(output), output) }),
    ];
  }
  if (path.includes(':streamGenerateContent')) {
    return [...words.map((text) => data(contentOf(text, 1, false))), data(contentOf('', output, true))];
  }
  return [
    data(chatChunk({ role: 'assistant', content: '' })),
    ...words.map((content) => data(chatChunk({ content }))),
    data(chatChunk({}, 'stop')),
    data(usageChunk(INPUT, output)),
    'data: [DONE]\n\n',
  ];
}

function responseOf(text: string, output: number): object {
  const content = [{ type: 'output_text', text, annotations: [] }];
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1_760_000_000,
    status: 'completed',
    model: 'gpt-4o-mini',
    output: [{ type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content }],
    usage: { input_tokens: INPUT, output_tokens: output, total_tokens: INPUT + output },
  };
}

const contentOf = (text: string, output: number, isLast: boolean): object => ({
  candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] }, ...(isLast && { finishReason: 'STOP' }) }],
  usageMetadata: { promptTokenCount: INPUT, candidatesTokenCount: output, totalTokenCount: INPUT + output },
  modelVersion: 'gemini-2.5-flash',
  responseId: 'r',
});
