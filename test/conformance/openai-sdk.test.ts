/** The official OpenAI SDK as a client, against providers of both dialects. */
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
let client: OpenAI;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await serveGateway(upstream.url);
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.masterKey, maxRetries: 0 });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const messages = [{ role: 'user' as const, content: 'What is the weather in Paris?' }];
const tools = [
  {
    type: 'function' as const,
    function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
  },
];

const anthropicToolStream = [
  {
    type: 'message_start',
    message: messageAnswer('', { content: [], stop_reason: null, usage: { input_tokens: 20, output_tokens: 1 } }),
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Let me look.' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} } },
  { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '{"city":' } },
  { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '"Paris"}' } },
  { type: 'content_block_stop', index: 1 },
  { type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage: { output_tokens: 30 } },
  { type: 'message_stop' },
];

describe('a chat', () => {
  it('comes through from an OpenAI provider', async () => {
    upstream.answer(sendJson(chatAnswer('Sunny')));
    const answer = await client.chat.completions.create({ model: 'gpt-4o-mini', messages });
    expect(answer.choices[0]?.message.content).toBe('Sunny');
    expect(answer.usage?.total_tokens).toBe(15);
    expect(upstream.seen.at(-1)?.headers.authorization).toBe('Bearer upstream-secret');
  });

  it('comes through from an Anthropic provider', async () => {
    upstream.answer(
      sendJson(messageAnswer('Sunny', { usage: { input_tokens: 10, cache_read_input_tokens: 30, output_tokens: 5 } })),
    );
    const answer = await client.chat.completions.create({ model: 'claude', messages });
    expect(answer.choices[0]?.message.content).toBe('Sunny');
    expect(answer.usage).toMatchObject({
      prompt_tokens: 40,
      completion_tokens: 5,
      total_tokens: 45,
      prompt_tokens_details: { cached_tokens: 30 },
    });
    expect(upstream.seen.at(-1)).toMatchObject({ path: '/v1/messages' });
  });

  it('carries call id, model id and cost in its headers', async () => {
    upstream.answer(sendJson(chatAnswer()));
    const { response } = await client.chat.completions.create({ model: 'gpt-4o-mini', messages }).withResponse();
    expect(response.headers.get('x-litellm-call-id')).toMatch(/^[0-9a-z]{26}$/);
    expect(response.headers.get('x-litellm-model-id')).toBe('deployment-1');
    expect(Number(response.headers.get('x-litellm-response-cost'))).toBeGreaterThan(0);
  });
});

describe('a stream', () => {
  it('comes through from an OpenAI provider, without the usage nobody asked for', async () => {
    upstream.answer(
      sendChunks([
        chatChunk({ role: 'assistant', content: 'Sun' }),
        chatChunk({ content: 'ny' }),
        chatChunk({}, 'stop'),
        usageChunk(),
      ]),
    );
    const chunks = await Array.fromAsync(
      await client.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true }),
    );
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('Sunny');
    expect(chunks.every((chunk) => chunk.choices.length > 0)).toBe(true);
    expect(upstream.seen.at(-1)?.body['stream_options']).toEqual({ include_usage: true });
  });

  it('has the usage for a client that asked', async () => {
    upstream.answer(sendChunks([chatChunk({ role: 'assistant', content: 'Sunny' }), chatChunk({}, 'stop'), usageChunk(12, 3)]));
    const stream = await client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await Array.fromAsync(stream);
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 3 });
  });

  it.each(['gpt-4o-mini', 'claude'])('has the cost in its usage for a client that asked: %s', async (model) => {
    upstream.answer(
      model === 'claude'
        ? sendEvents(anthropicToolStream)
        : sendChunks([chatChunk({ role: 'assistant', content: 'x' }), chatChunk({}, 'stop'), usageChunk()]),
    );
    const stream = await client.chat.completions.create(
      { model, messages, stream: true, stream_options: { include_usage: true } },
      { headers: { 'x-tollgate-include-cost': 'true' } },
    );
    const chunks = await Array.fromAsync(stream);
    expect(chunks.at(-1)?.usage).toMatchObject({ cost: expect.any(Number) });
  });

  it('of tool calls comes through from an Anthropic provider', async () => {
    upstream.answer(sendEvents(anthropicToolStream));
    const answer = await client.chat.completions.stream({ model: 'claude', messages, tools }).finalChatCompletion();
    const [choice] = answer.choices;
    expect(choice?.message.content).toBe('Let me look.');
    expect(choice?.message.tool_calls?.[0]).toMatchObject({
      id: 'toolu_1',
      function: { name: 'weather', arguments: '{"city":"Paris"}' },
    });
    expect(choice?.finish_reason).toBe('tool_calls');
  });
});

describe('a tool round trip', () => {
  it('reaches an Anthropic provider as its own blocks', async () => {
    upstream.answer(sendJson(messageAnswer('18 degrees')));
    await client.chat.completions.create({
      model: 'claude',
      tools,
      messages: [
        ...messages,
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } }],
        },
        { role: 'tool', tool_call_id: 'call_1', content: '18 C' },
      ],
    });
    expect(upstream.seen.at(-1)?.body['messages']).toEqual([
      { role: 'user', content: expect.anything() },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Paris' } }] },
      { role: 'user', content: [expect.objectContaining({ type: 'tool_result', tool_use_id: 'call_1' })] },
    ]);
  });
});

describe('an error', () => {
  it.each([
    [400, OpenAI.BadRequestError],
    [401, OpenAI.AuthenticationError],
    [403, OpenAI.PermissionDeniedError],
    [404, OpenAI.NotFoundError],
    [429, OpenAI.RateLimitError],
    [500, OpenAI.InternalServerError],
  ])('of status %i from either provider is the class the SDK has for it', async (status, kind) => {
    for (const model of ['gpt-4o-mini', 'claude']) {
      upstream.answer(
        sendJson(
          model === 'claude'
            ? { type: 'error', error: { type: 'x', message: 'It failed.' } }
            : { error: { message: 'It failed.' } },
          status,
        ),
      );
      const failure = client.chat.completions.create({ model, messages });
      await expect(failure).rejects.toBeInstanceOf(kind);
      await expect(failure).rejects.toThrow('It failed.');
    }
  });

  it('in the middle of a stream reaches the client', async () => {
    upstream.answer(
      sendChunks([chatChunk({ role: 'assistant', content: 'Half' }), { error: { message: 'It broke.', code: 500 } }]),
    );
    const stream = await client.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true });
    await expect(Array.fromAsync(stream)).rejects.toThrow('It broke.');
  });
});

describe('models', () => {
  it('are listed and found by ids with slashes', async () => {
    const list = await Array.fromAsync(client.models.list());
    expect(list.map(({ id }) => id)).toEqual(['claude', 'gpt-4o-mini']);
    expect((await client.models.retrieve('claude')).id).toBe('claude');
    await expect(client.models.retrieve('openai/none')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });
});

describe('aliases of the route', () => {
  it.each(['', '/openai/v1', '/engines/gpt-4o-mini', '/openai/deployments/gpt-4o-mini'])(
    '%s/chat/completions works',
    async (prefix) => {
      upstream.answer(sendJson(chatAnswer('Sunny')));
      const other = new OpenAI({ baseURL: gateway.url + prefix, apiKey: gateway.masterKey, maxRetries: 0 });
      const answer = await other.chat.completions.create({ model: 'gpt-4o-mini', messages });
      expect(answer.choices[0]?.message.content).toBe('Sunny');
    },
  );
});

describe('a provider that reports no usage', () => {
  it.each(['openai-chat', 'anthropic-messages'])(
    'is estimated for a client of the other dialect: %s',
    async (upstreamDialect) => {
      const claude = upstreamDialect === 'anthropic-messages';
      const { usage: _, ...message } = messageAnswer('Sunny');
      upstream.answer(sendJson(claude ? message : chatAnswer('Sunny', { usage: null })));
      const usage = claude
        ? (await client.chat.completions.create({ model: 'claude', messages })).usage
        : await fetch(`${gateway.url}/v1/messages`, {
            method: 'POST',
            headers: { 'x-api-key': gateway.masterKey },
            body: JSON.stringify({ model: 'gpt-4o-mini', max_tokens: 9, messages }),
          })
            .then(async (response) => ((await response.json()) as { usage: Record<string, number> }).usage)
            .then(({ input_tokens, output_tokens }) => ({
              prompt_tokens: input_tokens ?? 0,
              completion_tokens: output_tokens ?? 0,
            }));
      expect(usage?.prompt_tokens).toBeGreaterThan(0);
      expect(usage?.completion_tokens).toBeGreaterThan(0);
    },
  );

  it('is estimated at the end of a stream too', async () => {
    const silent = [
      { type: 'message_start', message: { ...messageAnswer('', { content: [], stop_reason: null }), usage: undefined } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Sunny' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null } },
      { type: 'message_stop' },
    ];
    upstream.answer(sendEvents(silent));
    const stream = await client.chat.completions.create({
      model: 'claude',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await Array.fromAsync(stream);
    expect(chunks.at(-1)?.usage?.completion_tokens).toBeGreaterThan(0);
  });
});
