/** The official Anthropic SDK as a client, against providers of both dialects. */
import Anthropic from '@anthropic-ai/sdk';
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
let client: Anthropic;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await serveGateway(upstream.url);
  client = new Anthropic({ baseURL: gateway.url, apiKey: gateway.masterKey, maxRetries: 0 });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const ask = { max_tokens: 200, messages: [{ role: 'user' as const, content: 'What is the weather in Paris?' }] };
const tools = [{ name: 'weather', input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } } }];
const call = (index: number, id: string, name: string | undefined, text: string) => ({
  tool_calls: [
    {
      index,
      ...(id === '' ? {} : { id, type: 'function' }),
      function: { ...(name === undefined ? {} : { name }), arguments: text },
    },
  ],
});

describe('a message', () => {
  it('comes through from an Anthropic provider', async () => {
    upstream.answer(sendJson(messageAnswer('Sunny')));
    const answer = await client.messages.create({ model: 'claude', ...ask });
    expect(answer.content).toEqual([{ type: 'text', text: 'Sunny' }]);
    expect(upstream.seen.at(-1)?.headers['x-api-key']).toBe('upstream-secret');
  });

  it('comes through from an OpenAI provider', async () => {
    upstream.answer(
      sendJson(
        chatAnswer('Sunny', {
          usage: { prompt_tokens: 40, completion_tokens: 5, total_tokens: 45, prompt_tokens_details: { cached_tokens: 30 } },
        }),
      ),
    );
    const answer = await client.messages.create({ model: 'gpt-4o-mini', ...ask });
    expect(answer.content[0]).toMatchObject({ type: 'text', text: 'Sunny' });
    expect(answer.stop_reason).toBe('end_turn');
    expect(answer.usage).toMatchObject({ input_tokens: 10, cache_read_input_tokens: 30, output_tokens: 5 });
    expect(upstream.seen.at(-1)?.path).toBe('/v1/chat/completions');
  });

  it('keeps the reasoning of an OpenAI-like provider', async () => {
    upstream.answer(
      sendJson(
        chatAnswer('x', {
          choices: [
            { index: 0, message: { role: 'assistant', content: 'Sunny', reasoning_content: 'Think.' }, finish_reason: 'stop' },
          ],
        }),
      ),
    );
    const answer = await client.messages.create({ model: 'gpt-4o-mini', ...ask });
    expect(answer.content.map(({ type }) => type)).toEqual(['thinking', 'text']);
  });
});

describe('a stream', () => {
  it('with parallel tool calls comes through from an OpenAI provider', async () => {
    upstream.answer(
      sendChunks([
        chatChunk({ role: 'assistant', content: 'Let me look.' }),
        chatChunk(call(0, 'call_1', 'weather', '')),
        chatChunk(call(1, 'call_2', 'weather', '{"city":')),
        chatChunk(call(0, '', undefined, '{"city":"Paris"}')),
        chatChunk(call(1, '', undefined, '"Rome"}')),
        chatChunk({}, 'tool_calls'),
        usageChunk(20, 30),
      ]),
    );
    const answer = await client.messages.stream({ model: 'gpt-4o-mini', tools, ...ask }).finalMessage();
    expect(answer.content).toMatchObject([
      { type: 'text', text: 'Let me look.' },
      { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Paris' } },
      { type: 'tool_use', id: 'call_2', name: 'weather', input: { city: 'Rome' } },
    ]);
    expect(answer.stop_reason).toBe('tool_use');
    expect(answer.usage).toMatchObject({ input_tokens: 20, output_tokens: 30 });
  });

  it('of an Anthropic provider passes byte for byte', async () => {
    const events = [
      { type: 'message_start', message: messageAnswer('', { content: [], stop_reason: null }) },
      { type: 'ping' },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Hm.' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'c2ln' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '', field_of_tomorrow: 1 } },
      { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Sunny' } },
      { type: 'content_block_stop', index: 1 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 9 } },
      { type: 'message_stop' },
    ];
    upstream.answer(sendEvents(events));
    const response = await fetch(`${gateway.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': gateway.masterKey },
      body: JSON.stringify({ model: 'claude', stream: true, ...ask }),
    });
    const expected = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
    expect(await response.text()).toBe(expected);
  });
});

describe('a request that passes through', () => {
  it('keeps every byte but the model, and the headers of the dialect', async () => {
    upstream.answer(sendJson(messageAnswer()));
    const body =
      '{ "max_tokens":5,"seed":12345678901234567890, "model" : "claude","messages":[{"role":"user","content":"\\u00e9"}], "new_field":{"a":1} }';
    await fetch(`${gateway.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': gateway.masterKey, 'anthropic-beta': 'context-1m', 'content-type': 'application/json' },
      body,
    });
    expect(upstream.seen.at(-1)?.text).toBe(body.replace('"claude"', '"claude-sonnet-4-5"'));
    expect(upstream.seen.at(-1)?.headers['anthropic-beta']).toBe('context-1m');
  });
});

describe('fields for the gateway', () => {
  it('do not reach the provider, whose request is otherwise byte for byte the one of the client', async () => {
    upstream.answer(sendJson(messageAnswer()));
    const response = await fetch(`${gateway.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': gateway.masterKey },
      body: '{"model":"claude", "fallbacks":["x"], "max_tokens":5,"messages":[{"role":"user","content":"x"}]}',
    });
    expect(JSON.parse(upstream.seen.at(-1)?.text ?? '')).toEqual({
      model: 'claude-sonnet-4-5',
      max_tokens: 5,
      messages: [{ role: 'user', content: 'x' }],
    });
    expect(response.headers.get('x-tollgate-warnings')).toBe('dropped fallbacks');
  });
});

describe('an error', () => {
  it.each([
    [400, Anthropic.BadRequestError],
    [401, Anthropic.AuthenticationError],
    [403, Anthropic.PermissionDeniedError],
    [404, Anthropic.NotFoundError],
    [429, Anthropic.RateLimitError],
    [529, Anthropic.InternalServerError],
  ])('of status %i from either provider is the class the SDK has for it', async (status, kind) => {
    for (const model of ['gpt-4o-mini', 'claude']) {
      upstream.answer(sendJson({ error: { message: 'It failed.', type: 'some_error' } }, status));
      const failure = client.messages.create({ model, ...ask });
      await expect(failure).rejects.toBeInstanceOf(kind);
      await expect(failure).rejects.toThrow('It failed.');
    }
  });
});

describe('models', () => {
  it('are listed in the shape of the SDK', async () => {
    const list = await Array.fromAsync(client.models.list());
    expect(list.map(({ id, type }) => [type, id])).toEqual([
      ['model', 'claude'],
      ['model', 'gpt-4o-mini'],
    ]);
  });
});
