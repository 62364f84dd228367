/** The official SDKs where text is completed and tokens are counted: the OpenAI SDK's completions, the Anthropic SDK's counter. */
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
let openai: OpenAI;
let anthropic: Anthropic;

beforeAll(async () => {
  upstream = await startUpstream();
  const credential = { type: 'value', value: 'upstream-secret' } as const;
  gateway = await serveGateway(upstream.url, {
    deployments: [
      aDeployment({ apiBase: `${upstream.url}/v1`, credential }),
      aDeployment({
        id: 'deployment-2',
        modelName: 'claude',
        provider: 'anthropic',
        model: 'claude-sonnet-4-5',
        apiBase: upstream.url,
        credential,
      }),
      aDeployment({
        id: 'deployment-3',
        modelName: 'instruct',
        provider: 'text-completion-openai',
        model: 'gpt-3.5-turbo-instruct',
        apiBase: `${upstream.url}/v1`,
        credential,
      }),
      aDeployment({
        id: 'deployment-4',
        modelName: 'fim',
        provider: 'text-completion-codestral',
        model: 'codestral-latest',
        apiBase: upstream.url,
        credential,
      }),
    ],
  });
  openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: gateway.masterKey, maxRetries: 0 });
  anthropic = new Anthropic({ baseURL: gateway.url, apiKey: gateway.masterKey, maxRetries: 0 });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const completion = (text: string, over: Record<string, unknown> = {}): Record<string, unknown> => ({
  id: 'cmpl-1',
  object: 'text_completion',
  created: 1_760_000_000,
  model: 'gpt-3.5-turbo-instruct:20230824-v2',
  choices: [{ text, index: 0, logprobs: null, finish_reason: 'stop' }],
  usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 },
  ...over,
});
const textOf = (chunks: readonly OpenAI.Completion[]): string =>
  chunks.flatMap(({ choices }) => choices.map(({ text }) => text)).join('');

describe('a completion', () => {
  const asked = { prompt: 'The harbour at dawn', max_tokens: 20 };

  it('passes through a provider of completions, whatever the prompt is made of', async () => {
    upstream.answer(sendJson(completion(' was calm.')));
    const prompts = ['The harbour', ['one', 'two'], [1, 2, 3], [[1, 2], [3]]];
    for (const prompt of prompts) {
      const answer = await openai.completions.create({ model: 'instruct', prompt, suffix: ' End' });
      expect(answer).toMatchObject(completion(' was calm.'));
      expect(upstream.seen.at(-1)).toMatchObject({
        path: '/v1/completions',
        body: { model: 'gpt-3.5-turbo-instruct', prompt, suffix: ' End' },
      });
    }
  });

  it.each([
    ['gpt-4o-mini', chatAnswer(' was calm.'), '/v1/chat/completions'],
    ['claude', messageAnswer(' was calm.'), '/v1/messages'],
  ])('comes from %s, which chats', async (model, answer, path) => {
    upstream.answer(sendJson(answer));
    const { data, response } = await openai.completions.create({ model, ...asked, suffix: ' End' }).withResponse();
    expect(data.object).toBe('text_completion');
    expect(data.choices).toEqual([{ text: ' was calm.', index: 0, logprobs: null, finish_reason: 'stop' }]);
    expect(data.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 });
    expect(response.headers.get('x-tollgate-warnings')).toBe('dropped suffix');
    expect(upstream.seen.at(-1)?.path).toBe(path);
    expect(JSON.stringify(upstream.seen.at(-1)?.body['messages'])).toContain('The harbour at dawn');
  });

  it('has the default length of the API where a model chats, and the limit of the provider where none does', async () => {
    upstream.answer(sendJson(chatAnswer('x')));
    await openai.completions.create({ model: 'gpt-4o-mini', prompt: 'x' });
    expect(upstream.seen.at(-1)?.body).toMatchObject({ max_completion_tokens: 16 });
    upstream.answer(sendJson(completion('x')));
    await openai.completions.create({ model: 'instruct', prompt: 'x' });
    expect(upstream.seen.at(-1)?.body).not.toHaveProperty('max_tokens', 16);
  });

  it.each([
    ['token ids', [1, 2, 3]],
    ['several prompts', ['one', 'two']],
  ])('of %s is refused where a model chats', async (_, prompt) => {
    const before = upstream.seen.length;
    const failure = openai.completions.create({ model: 'claude', prompt });
    await expect(failure).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(failure).rejects.toMatchObject({ param: 'prompt' });
    expect(upstream.seen.length).toBe(before);
  });

  it('is what a chat client gets from a provider of completions', async () => {
    upstream.answer(sendJson(completion(' Calm.')));
    const answer = await openai.chat.completions.create({
      model: 'instruct',
      messages: [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: 'How is the sea?' },
      ],
    });
    expect(answer.choices[0]?.message.content).toBe(' Calm.');
    expect(upstream.seen.at(-1)?.body['prompt']).toBe('Be short.\n\nUser: How is the sea?\n\nAssistant:');
  });
});

describe('filling in the middle', () => {
  it('reaches a provider that answers in the shape of chat', async () => {
    upstream.answer(sendJson(chatAnswer('return a + b')));
    const asked = { model: 'fim', prompt: 'def add(a, b):', suffix: '# end', seed: 7, n: 1 };
    const answer = await openai.completions.create(asked);
    expect(answer).toMatchObject({ object: 'text_completion', choices: [{ text: 'return a + b', finish_reason: 'stop' }] });
    expect(upstream.seen.at(-1)).toMatchObject({ path: '/v1/fim/completions' });
    expect(upstream.seen.at(-1)?.body).toEqual({
      model: 'codestral-latest',
      prompt: 'def add(a, b):',
      suffix: '# end',
      random_seed: 7,
    });
  });

  it('streams in the shape of completions all the same, with usage only when asked', async () => {
    const last = chatChunk({ content: ' + b' }, 'stop', {
      usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
    });
    upstream.answer(sendChunks([chatChunk({ role: 'assistant', content: 'return a' }), last]));
    const asked = { model: 'fim', prompt: 'def add(a, b):', stream: true } as const;
    const chunks = await Array.fromAsync(await openai.completions.create(asked));
    const counted = await Array.fromAsync(
      await openai.completions.create({ ...asked, stream_options: { include_usage: true } }),
    );
    expect(textOf(chunks)).toBe('return a + b');
    expect(chunks.some((chunk) => chunk.usage != null)).toBe(false);
    expect(counted.at(-1)?.usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 4 });
  });

  it('serves clients of other dialects too', async () => {
    upstream.answer(sendJson(chatAnswer('return a + b')));
    const messages = [{ role: 'user' as const, content: 'def add(a, b):' }];
    const chat = await openai.chat.completions.create({ model: 'fim', messages });
    const message = await anthropic.messages.create({ model: 'fim', max_tokens: 20, messages });
    expect(chat.choices[0]?.message.content).toBe('return a + b');
    expect(message.content).toMatchObject([{ type: 'text', text: 'return a + b' }]);
    expect(upstream.seen.at(-1)?.body).toEqual({ model: 'codestral-latest', prompt: 'def add(a, b):', max_tokens: 20 });
  });
});

describe('a streamed completion', () => {
  const asked = { prompt: 'The harbour', max_tokens: 20, stream: true, stream_options: { include_usage: true } } as const;

  it('passes through a provider of completions', async () => {
    const chunk = (text: string, finish: string | null = null) =>
      completion('', { choices: [{ text, index: 0, logprobs: null, finish_reason: finish }], usage: null });
    const last = completion('', { choices: [] });
    upstream.answer(sendChunks([chunk(' was'), chunk(' calm', 'stop'), last]));
    const chunks = await Array.fromAsync(await openai.completions.create({ model: 'instruct', ...asked }));
    expect(textOf(chunks)).toBe(' was calm');
    expect(chunks.at(-1)?.usage?.total_tokens).toBe(6);
  });

  it('comes from an OpenAI provider that chats', async () => {
    upstream.answer(
      sendChunks([chatChunk({ content: ' was' }), chatChunk({ content: ' calm' }), chatChunk({}, 'length'), usageChunk()]),
    );
    const chunks = await Array.fromAsync(await openai.completions.create({ model: 'gpt-4o-mini', ...asked }));
    expect(textOf(chunks)).toBe(' was calm');
    expect(chunks.flatMap(({ choices }) => choices).at(-1)?.finish_reason).toBe('length');
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 });
  });

  it('comes from an Anthropic provider', async () => {
    const events = [
      { type: 'message_start', message: messageAnswer('', { content: [], stop_reason: null }) },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ' was calm' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 9 } },
      { type: 'message_stop' },
    ];
    upstream.answer(sendEvents(events));
    const chunks = await Array.fromAsync(await openai.completions.create({ model: 'claude', ...asked }));
    expect(textOf(chunks)).toBe(' was calm');
    expect(chunks.at(-1)?.usage).toMatchObject({ completion_tokens: 9 });
  });

  it('that breaks off is an error to the SDK', async () => {
    upstream.answer(sendChunks([chatChunk({ content: ' was' })], { open: true }));
    const stream = await openai.completions.create({ model: 'gpt-4o-mini', ...asked });
    await expect(Array.fromAsync(stream)).rejects.toBeInstanceOf(OpenAI.APIError);
  });
});

describe('an error', () => {
  it.each([
    [400, OpenAI.BadRequestError],
    [401, OpenAI.AuthenticationError],
    [429, OpenAI.RateLimitError],
    [500, OpenAI.InternalServerError],
  ])('of status %i is the class the SDK has for it', async (status, kind) => {
    upstream.answer(sendJson({ error: { message: 'It failed.', type: 'some_error' } }, status));
    for (const model of ['instruct', 'claude']) {
      const failure = openai.completions.create({ model, prompt: 'x' });
      await expect(failure).rejects.toBeInstanceOf(kind);
      await expect(failure).rejects.toThrow('It failed.');
    }
  });
});

describe('counting with the Anthropic SDK', () => {
  const messages = [{ role: 'user' as const, content: 'How is the sea today, at the harbour?' }];

  it('asks the provider that has a counter', async () => {
    upstream.answer(sendJson({ input_tokens: 17 }));
    const { data, response } = await anthropic.messages
      .countTokens({ model: 'claude', system: 'Be short.', messages })
      .withResponse();
    expect(data).toEqual({ input_tokens: 17 });
    expect(response.headers.get('x-tollgate-token-source')).toBe('provider');
    expect(upstream.seen.at(-1)).toMatchObject({
      path: '/v1/messages/count_tokens',
      body: { model: 'claude-sonnet-4-5', system: 'Be short.', messages },
    });
  });

  it('counts with the tokenizer of the model where the provider has no counter', async () => {
    const before = upstream.seen.length;
    const { data, response } = await anthropic.messages.countTokens({ model: 'gpt-4o-mini', messages }).withResponse();
    expect(data.input_tokens).toBeGreaterThan(8);
    expect(data.input_tokens).toBeLessThan(30);
    expect(response.headers.get('x-tollgate-token-source')).toBe('counted');
    expect(upstream.seen.length).toBe(before);
  });

  it('gets errors it knows', async () => {
    const failure = anthropic.messages.countTokens({ model: 'nobody', messages });
    await expect(failure).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    const empty = anthropic.messages.countTokens({ model: 'claude', messages: [] });
    await expect(empty).rejects.toBeInstanceOf(Anthropic.BadRequestError);
  });
});
