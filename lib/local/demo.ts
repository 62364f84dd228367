/** The demo provider: an upstream on this machine that speaks OpenAI's chat API, so that everything can be tried without a key. */
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../errors.ts';
import { isObject, type JsonObject } from '../kinds/json.ts';
import { createHttpServer } from '../transport/http-server.ts';
import type { HttpReply, HttpRequest } from '../transport/message.ts';
import { demoAnswer, wordsOf, type DemoAnswer, type DemoChoice } from './demo-model.ts';

/** A running demo upstream. */
export interface DemoUpstream {
  /** Base URL for a deployment's `apiBase`: `http://127.0.0.1:49152/v1`. */
  readonly url: string;
  close(): Promise<void>;
}

/** Settings of the demo upstream. */
export interface DemoOptions {
  /** Waits between two words of a stream; default 12 ms. A rejection ends the stream: the client left and the signal fired. */
  readonly pause?: (signal: AbortSignal) => Promise<unknown>;
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Largest request the demo model reads, bytes. */
const MAX_BODY = 64 * 1024 * 1024;

/** Starts the demo upstream on a free port of 127.0.0.1. */
export async function startDemoUpstream(options: DemoOptions = {}): Promise<DemoUpstream> {
  const { pause = (signal) => sleep(12, undefined, { signal }), now = Date.now } = options;
  let served = 0;

  const server = createHttpServer({
    maxBodyBytes: MAX_BODY,
    renderRefusal: (_path, error) => refusal(error),
    handle: async (request, { signal }) => {
      try {
        if (request.path.endsWith('/models'))
          return json(200, { object: 'list', data: [{ id: 'demo', object: 'model', created: 0, owned_by: 'tollgate' }] });
        const body = bodyOf(request);
        const envelope: Envelope = {
          id: `chatcmpl-demo-${(served += 1)}`,
          created: Math.floor(now() / 1000),
          model: String(body['model']),
        };
        const answer = demoAnswer(body);
        if (body['stream'] !== true) return json(200, completion(envelope, answer));
        const asked = body['stream_options'];
        const usage = isObject(asked) && asked['include_usage'] === true;
        return {
          status: 200,
          headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' },
          body: stream(envelope, answer, usage, () => pause(signal)),
        };
      } catch (error) {
        return refusal(GatewayError.from(error));
      }
    },
  });
  const { port } = await server.listen(0, '127.0.0.1');
  return { url: `http://127.0.0.1:${port}/v1`, close: () => server.close(0) };
}

interface Envelope {
  readonly id: string;
  readonly created: number;
  readonly model: string;
}

function bodyOf(request: HttpRequest): JsonObject {
  if (!request.path.endsWith('/chat/completions') || request.method !== 'POST') {
    throw new GatewayError('not_found', 'The demo model answers POST /v1/chat/completions only.');
  }
  let body: unknown;
  try {
    body = JSON.parse(Buffer.from(request.body).toString('utf8'));
  } catch {
    throw new GatewayError('invalid_request', 'The demo model could not parse the body as JSON.');
  }
  if (!isObject(body) || !Array.isArray(body['messages']) || !body['messages'].every(isObject)) {
    throw new GatewayError('invalid_request', "The demo model expects 'messages': a list of objects.", { param: 'messages' });
  }
  return body;
}

const json = (status: number, value: unknown): HttpReply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(value)),
});

const refusal = (error: GatewayError): HttpReply =>
  json(error.status, {
    error: { message: error.message, type: 'invalid_request_error', param: error.detail.param ?? null, code: null },
  });

function completion(envelope: Envelope, answer: DemoAnswer): JsonObject {
  return {
    ...envelope,
    object: 'chat.completion',
    choices: answer.choices.map((choice, index) => ({
      index,
      message: {
        role: 'assistant',
        content: choice.toolCalls.length > 0 ? null : choice.text,
        refusal: null,
        ...(choice.toolCalls.length > 0 ? { tool_calls: toolCalls(envelope, choice, index) } : {}),
      },
      logprobs: null,
      finish_reason: choice.finish,
    })),
    usage: usageOf(answer),
  };
}

const toolCalls = (envelope: Envelope, choice: DemoChoice, index: number): JsonObject[] =>
  choice.toolCalls.map(({ name, arguments: text }, at) => ({
    id: `call_${envelope.id.slice('chatcmpl-'.length)}-${index}-${at}`,
    type: 'function',
    function: { name, arguments: text },
  }));

const usageOf = ({ promptTokens, completionTokens }: DemoAnswer): JsonObject => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
});

async function* stream(
  envelope: Envelope,
  answer: DemoAnswer,
  withUsage: boolean,
  pause: () => Promise<unknown>,
): AsyncGenerator<Uint8Array> {
  const frame = (choices: readonly JsonObject[], usage?: JsonObject): Uint8Array => {
    const chunk = { ...envelope, object: 'chat.completion.chunk', choices, ...(withUsage ? { usage: usage ?? null } : {}) };
    return Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  for (const [index, choice] of answer.choices.entries()) {
    for (const delta of deltasOf(envelope, choice, index)) {
      yield frame([{ index, delta, logprobs: null, finish_reason: null }]);
      try {
        await pause();
      } catch {
        return;
      }
    }
    yield frame([{ index, delta: {}, logprobs: null, finish_reason: choice.finish }]);
  }
  if (withUsage) yield frame([], usageOf(answer));
  yield Buffer.from('data: [DONE]\n\n');
}

/** What a choice says, piece by piece: the role, then words, then each tool call with its arguments in parts. */
function* deltasOf(envelope: Envelope, choice: DemoChoice, index: number): Generator<JsonObject> {
  yield { role: 'assistant', content: choice.toolCalls.length > 0 ? null : '', refusal: null };
  for (const word of wordsOf(choice.text)) yield { content: word };
  for (const [at, call] of toolCalls(envelope, choice, index).entries()) {
    const { name, arguments: text } = call['function'] as { name: string; arguments: string };
    yield { tool_calls: [{ ...call, index: at, function: { name, arguments: '' } }] };
    for (const part of text.match(/.{1,8}/gsu) ?? []) yield { tool_calls: [{ index: at, function: { arguments: part } }] };
  }
}
