/** Claude's clients of Bedrock (InvokeModel), against providers of other dialects: what is on the wire, bytes and checksums included. */
import { createAmazonBedrockAnthropic } from '@ai-sdk/amazon-bedrock/anthropic';
import { generateText, streamText } from 'ai';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createEventStreamParser } from '../../lib/transport/aws-event-stream.ts';
import { aDeployment } from '../support/exchange.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import {
  chatAnswer,
  chatChunk,
  messageAnswer,
  sendChunks,
  sendEvents,
  sendJson,
  startUpstream,
  usageChunk,
  type Upstream,
} from '../support/upstream.ts';

let upstream: Upstream;
let gateway: Served;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await serveGateway(upstream.url);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const thinking = { type: 'enabled', budget_tokens: 1024 };
const tools = [{ name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }];
const signed = { type: 'thinking', thinking: 'Sun?', signature: 'c2lnbmVk' };
const messages = [
  { role: 'user', content: [{ type: 'text', text: 'What is the weather in Paris?' }] },
  { role: 'assistant', content: [signed, { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Paris' } }] },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'sun' }] },
];
const ask = { anthropic_version: 'bedrock-2023-05-31', max_tokens: 2000, messages, tools };

const post = (path: string, body: object, { url, masterKey } = gateway): Promise<Response> =>
  fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${masterKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

type Event = { readonly type: string } & Record<string, unknown>;

/** The frames of a stream; a wrong checksum throws. */
async function framesOf(response: Response): Promise<{ readonly event: string; readonly data: Record<string, unknown> }[]> {
  expect(response.headers.get('content-type')).toBe('application/vnd.amazon.eventstream');
  const frames = createEventStreamParser().push(new Uint8Array(await response.arrayBuffer()));
  return frames.map(({ event = '', data }) => ({ event, data: JSON.parse(data) as Record<string, unknown> }));
}

async function eventsOf(response: Response): Promise<Event[]> {
  const frames = await framesOf(response);
  expect(new Set(frames.map(({ event }) => event))).toEqual(new Set(['chunk']));
  return frames.map(({ data }) => JSON.parse(Buffer.from(String(data['bytes']), 'base64').toString('utf8')) as Event);
}

describe('invoke', () => {
  it('asks an Anthropic provider for what the client asked, betas and signed thinking included', async () => {
    upstream.answer(sendJson(messageAnswer('Sunny')));

    const answer = await post('/model/claude/invoke', { ...ask, thinking, anthropic_beta: ['context-1m'] });

    expect(await answer.json()).toMatchObject({ type: 'message', content: [{ type: 'text', text: 'Sunny' }] });
    const seen = upstream.seen.at(-1);
    expect(seen?.path).toBe('/v1/messages');
    expect(seen?.headers['anthropic-beta']).toBe('context-1m');
    expect(seen?.body).toEqual({ model: 'claude-sonnet-4-5', max_tokens: 2000, messages, tools, thinking });
  });

  it('is answered as a message by an OpenAI provider', async () => {
    upstream.answer(sendJson(chatAnswer('Sunny')));

    const answer = await post('/bedrock/model/gpt-4o-mini/invoke', ask);

    expect(await answer.json()).toMatchObject({
      type: 'message',
      role: 'assistant',
      content: [{ type: 'text', text: 'Sunny' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 10, output_tokens: 5 },
    });
    expect(upstream.seen.at(-1)?.body).not.toHaveProperty('stream', true);
  });

  it("takes the API of Messages where a provider's first one is another", async () => {
    const credential = { type: 'value', value: 'secret' } as const;
    const deployment = aDeployment({ modelName: 'llama', provider: 'meta', apiBase: `${upstream.url}/v1`, credential });
    const meta = await serveGateway(upstream.url, { deployments: [deployment] });
    onTestFinished(() => meta.close());
    upstream.answer(sendJson(messageAnswer('Sunny')));

    const answer = await post('/model/llama/invoke', ask, meta);

    expect(answer.status).toBe(200);
    expect(upstream.seen.at(-1)?.path).toBe('/v1/messages');
  });

  it.each([
    ['of no vendor', { text: 'Hi' }, 'Known: Claude'],
    ['that several vendors answer differently', { prompt: 'Hi', max_tokens: 5 }, 'max_gen_len'],
  ])('refuses a body %s, and says which there are', async (_name, body, said) => {
    const answer = await post('/model/gpt-4o-mini/invoke', body);

    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      __type: 'ValidationException',
      message: expect.stringContaining(said) as string,
    });
  });
});

describe('invoke-with-response-stream', () => {
  it("carries an Anthropic provider's events", async () => {
    const events = [
      { type: 'message_start', message: { ...messageAnswer(), content: [], stop_reason: null } },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Sun?' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'c2lnbmVk' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Sunny ☀' } },
      { type: 'content_block_stop', index: 1 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 5 } },
      { type: 'message_stop' },
    ];
    upstream.answer(sendEvents(events));

    const told = await eventsOf(await post('/model/claude/invoke-with-response-stream', ask));

    expect(told.slice(1, -2)).toEqual(events.slice(1, -2));
    expect(told.at(-2)).toMatchObject({ delta: { stop_reason: 'end_turn' }, usage: { input_tokens: 10, output_tokens: 5 } });
    expect(upstream.seen.at(-1)?.body).toMatchObject({ model: 'claude-sonnet-4-5', stream: true });
  });

  it("tells an OpenAI provider's answer as Anthropic's events", async () => {
    upstream.answer(
      sendChunks([
        chatChunk({ role: 'assistant', content: 'Sun' }),
        chatChunk({ content: 'ny' }),
        chatChunk({}, 'stop'),
        usageChunk(),
      ]),
    );

    const told = await eventsOf(await post('/model/gpt-4o-mini/invoke-with-response-stream', ask));

    expect(told.map(({ type }) => type)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(told.at(-2)).toMatchObject({ usage: { input_tokens: 10, output_tokens: 5 } });
  });

  it('ends with an exception when the provider breaks off', async () => {
    upstream.answer(sendChunks([chatChunk({ role: 'assistant', content: 'Half' })], { destroy: true }));

    const frames = await framesOf(await post('/model/gpt-4o-mini/invoke-with-response-stream', ask));

    expect(frames.at(0)?.event).toBe('chunk');
    expect(frames.at(-1)?.event).toBe('exception:modelStreamErrorException');
    expect(frames.at(-1)?.data['message']).toBeTruthy();
  });
});

describe("the AI SDK's Claude on Bedrock", () => {
  const model = () => createAmazonBedrockAnthropic({ baseURL: gateway.url, apiKey: gateway.masterKey })('gpt-4o-mini');

  it('gets an answer', async () => {
    upstream.answer(sendJson(chatAnswer('Sunny')));

    const { text, finishReason, usage } = await generateText({
      model: model(),
      prompt: 'Hi',
      maxOutputTokens: 100,
      maxRetries: 0,
    });

    expect({ text, finishReason }).toEqual({ text: 'Sunny', finishReason: 'stop' });
    expect(usage).toMatchObject({ inputTokens: 10, outputTokens: 5 });
  });

  it('gets a stream', async () => {
    upstream.answer(
      sendChunks([
        chatChunk({ role: 'assistant', content: 'Sun' }),
        chatChunk({ content: 'ny' }),
        chatChunk({}, 'stop'),
        usageChunk(),
      ]),
    );

    const answer = streamText({ model: model(), prompt: 'Hi', maxOutputTokens: 100, maxRetries: 0 });

    expect(await answer.text).toBe('Sunny');
    expect(await answer.finishReason).toBe('stop');
  });
});
