/** Conversations of the official OpenAI SDK over `previous_response_id`, with providers that keep nothing and one that does. */
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serveGateway, type Served } from '../support/gateway.ts';
import { aDeployment } from '../support/exchange.ts';
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
let stranger: OpenAI;

beforeAll(async () => {
  upstream = await startUpstream();
  const credential = { type: 'value', value: 'upstream-secret' } as const;
  const at = (id: string, provider: string, apiBase: string) =>
    aDeployment({ id, modelName: id, provider, model: `${id}-model`, apiBase, credential });
  gateway = await serveGateway(upstream.url, {
    deployments: [
      at('chat', 'groq', `${upstream.url}/openai/v1`),
      at('claude', 'anthropic', upstream.url),
      // Azure keeps responses; two resources do not share them.
      at('native', 'azure', `${upstream.url}/openai/v1`),
      at('native-two', 'azure', `${upstream.url}/openai/v1`),
    ],
  });
  await gateway.addKey('sk-one');
  await gateway.addKey('sk-two', { maxBudget: 10n ** 12n });
  const as = (apiKey: string) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 });
  client = as('sk-one');
  stranger = as(gateway.masterKey);
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
beforeEach(() => void upstream.seen.splice(0));

/** What the provider was last sent. */
const sent = (): Record<string, unknown> => upstream.seen.at(-1)?.body ?? {};

const input = 'My name is Ada.';

async function firstTurn(model = 'chat', fields: object = {}) {
  upstream.answer(sendJson(model === 'claude' ? messageAnswer('Hello Ada') : chatAnswer('Hello Ada')));
  return client.responses.create({ model, input, ...fields });
}

describe('a second turn', () => {
  it('reaches a chat provider with the first one before it', async () => {
    const first = await firstTurn();
    upstream.answer(sendJson(chatAnswer('Ada')));

    const second = await client.responses.create({
      model: 'chat',
      previous_response_id: first.id,
      instructions: 'Be brief.',
      input: 'What is my name?',
    });

    expect(sent()['messages']).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: input },
      { role: 'assistant', content: 'Hello Ada' },
      { role: 'user', content: 'What is my name?' },
    ]);
    expect(second.output_text).toBe('Ada');
    expect(second.previous_response_id).toBe(first.id);
  });

  it('loses nothing that anybody would have to be warned about', async () => {
    const first = await firstTurn('chat', { store: true, background: false });
    upstream.answer(sendJson(chatAnswer('Ada')));
    const follow = client.responses.create({ model: 'chat', previous_response_id: first.id, store: true, input: 'And?' });
    const { response } = await follow.withResponse();
    expect(response.headers.get('x-tollgate-warnings')).toBeNull();
  });

  it('may go to another provider, in another dialect, and a third one back', async () => {
    const first = await firstTurn();
    upstream.answer(sendJson(messageAnswer('You are Ada')));
    const second = await client.responses.create({ model: 'claude', previous_response_id: first.id, input: 'Who am I?' });
    expect(sent()['messages']).toMatchObject([{ role: 'user' }, { role: 'assistant' }, { role: 'user' }]);

    upstream.answer(sendJson(chatAnswer('Bye')));
    await client.responses.create({ model: 'chat', previous_response_id: second.id, input: 'Bye' });

    const messages = sent()['messages'] as readonly { readonly content: unknown }[];
    expect(messages.map(({ content }) => content)).toEqual([input, 'Hello Ada', 'Who am I?', 'You are Ada', 'Bye']);
  });

  it('branches off from any earlier one', async () => {
    const first = await firstTurn();
    upstream.answer(sendJson(chatAnswer('x')));
    await client.responses.create({ model: 'chat', previous_response_id: first.id, input: 'left' });
    await client.responses.create({ model: 'chat', previous_response_id: first.id, input: 'right' });
    expect(JSON.stringify(sent()['messages'])).not.toContain('left');
  });

  it('carries the result of a tool that the first one called', async () => {
    const calls = [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } }];
    const message = { role: 'assistant', content: null, tool_calls: calls };
    upstream.answer(sendJson(chatAnswer('', { choices: [{ index: 0, message, finish_reason: 'tool_calls' }] })));
    const tools = [
      { type: 'function' as const, name: 'weather', parameters: { type: 'object', properties: {} }, strict: false },
    ];
    const first = await client.responses.create({ model: 'chat', input: 'Weather in Paris?', tools });
    upstream.answer(sendJson(messageAnswer('Sunny')));

    await client.responses.create({
      model: 'claude',
      previous_response_id: first.id,
      tools,
      input: [{ type: 'function_call_output', call_id: 'call_1', output: '22 degrees' }],
    });

    expect(sent()['messages']).toMatchObject([
      { role: 'user' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Paris' } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'call_1' }] },
    ]);
  });

  it('may name items instead of repeating them', async () => {
    const first = await firstTurn();
    upstream.answer(sendJson(chatAnswer('Ada')));
    const [item] = first.output;

    await client.responses.create({
      model: 'chat',
      input: [
        { role: 'user', content: input },
        { type: 'item_reference', id: item?.id ?? '' },
        { role: 'user', content: 'What is my name?' },
      ],
    });

    const messages = sent()['messages'] as readonly { readonly content: unknown }[];
    expect(messages.map(({ content }) => content)).toEqual([input, 'Hello Ada', 'What is my name?']);
  });
});

describe('a streamed turn', () => {
  it.each([
    [
      'chat',
      sendChunks([
        chatChunk({ role: 'assistant', content: 'Hello' }),
        chatChunk({ content: ' Ada' }),
        chatChunk({}, 'stop'),
        usageChunk(),
      ]),
    ],
    [
      'claude',
      sendEvents([
        { type: 'message_start', message: messageAnswer('', { content: [], stop_reason: null }) } as { type: string },
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as { type: string },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello Ada' } } as { type: string },
        { type: 'content_block_stop', index: 0 } as { type: string },
        { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } } as { type: string },
        { type: 'message_stop' },
      ]),
    ],
  ])('of %s is there as soon as its end is seen', async (model, script) => {
    upstream.answer(script);
    const stream = await client.responses.create({ model, input, stream: true });
    let kept: OpenAI.Responses.Response | undefined;
    for await (const event of stream) {
      if (event.type === 'response.completed') kept = await client.responses.retrieve(event.response.id);
    }
    expect(kept?.output_text).toBe('Hello Ada');
    expect(kept?.status).toBe('completed');

    upstream.answer(sendJson(chatAnswer('Ada')));
    await client.responses.create({ model: 'chat', previous_response_id: kept?.id ?? '', input: 'And?' });
    expect(JSON.stringify(sent()['messages'])).toContain('Hello Ada');
  });

  it('that broke off is not kept', async () => {
    upstream.answer(sendChunks([chatChunk({ role: 'assistant', content: 'Hel' })], { destroy: true }));
    const stream = await client.responses.create({ model: 'chat', input, stream: true });
    const ids: string[] = [];
    await (async () => {
      for await (const event of stream) if (event.type === 'response.created') ids.push(event.response.id);
    })().catch(() => undefined);
    expect(ids).toHaveLength(1);
    await expect(client.responses.retrieve(ids[0] ?? '')).rejects.toMatchObject({ status: 404 });
  });
});

describe('a kept response', () => {
  it('can be read, with its input, and deleted', async () => {
    const first = await firstTurn();

    const { output_text: _, ...read } = await client.responses.retrieve(first.id);
    expect(first).toMatchObject(read);
    const items = await client.responses.inputItems.list(first.id);
    expect(items.data).toMatchObject([{ type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] }]);

    await client.responses.delete(first.id);
    await expect(client.responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 });
    await expect(client.responses.create({ model: 'chat', previous_response_id: first.id, input: 'x' })).rejects.toMatchObject({
      status: 404,
      code: 'previous_response_not_found',
      param: 'previous_response_id',
    });
  });

  it('does not exist for another owner', async () => {
    const first = await firstTurn();
    const before = upstream.seen.length;
    const follow = { model: 'chat', previous_response_id: first.id, input: 'Who am I?' };

    await expect(stranger.responses.create(follow)).rejects.toMatchObject({ status: 404 });
    await expect(stranger.responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 });
    await expect(stranger.responses.delete(first.id)).rejects.toMatchObject({ status: 404 });
    await expect(stranger.responses.inputItems.list(first.id)).rejects.toMatchObject({ status: 404 });
    const reference = [{ type: 'item_reference' as const, id: first.output[0]?.id ?? '' }];
    await expect(stranger.responses.create({ model: 'native', input: reference })).rejects.toMatchObject({ status: 404 });

    expect(upstream.seen).toHaveLength(before);
    expect((await client.responses.retrieve(first.id)).id).toBe(first.id);
  });

  it('is none when the client says store: false', async () => {
    const first = await firstTurn('chat', { store: false });
    await expect(client.responses.retrieve(first.id)).rejects.toMatchObject({ status: 404 });
  });

  it('cannot be cancelled', async () => {
    const first = await firstTurn();
    await expect(client.responses.cancel(first.id)).rejects.toMatchObject({ status: 400 });
  });
});

describe('a provider that keeps responses itself', () => {
  const reasoning = { type: 'reasoning', id: 'rs_native', summary: [] };
  const message = {
    type: 'message',
    id: 'msg_native',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text: 'Hello Ada', annotations: [] }],
  };
  const answer = (id: string) => ({
    id,
    object: 'response',
    created_at: 1_760_000_000,
    status: 'completed',
    model: 'native-model',
    output: [reasoning, message],
    usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
  });

  it('is sent the id of what it keeps, and nothing twice', async () => {
    upstream.answer(sendJson(answer('resp_native_1')));
    const first = await client.responses.create({ model: 'native', input });
    expect(first.id).toBe('resp_native_1');
    upstream.answer(sendJson(answer('resp_native_2')));

    await client.responses.create({ model: 'native', previous_response_id: first.id, input: 'Who am I?' });

    expect(sent()).toEqual({ model: 'native-model', previous_response_id: 'resp_native_1', input: 'Who am I?' });
  });

  it('has its streams kept here too', async () => {
    const created = { type: 'response.created', sequence_number: 0, response: { ...answer('resp_native_6'), output: [] } };
    const completed = { type: 'response.completed', sequence_number: 1, response: answer('resp_native_6') };
    upstream.answer(sendEvents([created, completed]));
    const stream = await client.responses.create({ model: 'native', input, stream: true });
    const types: string[] = [];
    for await (const event of stream) types.push(event.type);
    expect(types).toEqual(['response.created', 'response.completed']);
    expect((await client.responses.retrieve('resp_native_6')).output_text).toBe('Hello Ada');
  });

  it('gets the whole conversation when another one has kept it, without ids it has never given', async () => {
    upstream.answer(sendJson(answer('resp_native_3')));
    await client.responses.create({ model: 'native', input });
    upstream.answer(sendJson(answer('resp_native_4')));

    await client.responses.create({ model: 'native-two', previous_response_id: 'resp_native_3', input: 'Who am I?' });

    expect(sent()).toEqual({
      model: 'native-two-model',
      input: [
        { type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] },
        { type: 'message', role: 'assistant', status: 'completed', content: message.content },
        { role: 'user', content: 'Who am I?' },
      ],
    });
  });

  it('is left for a provider that keeps nothing', async () => {
    upstream.answer(sendJson(answer('resp_native_5')));
    await client.responses.create({ model: 'native', input });
    upstream.answer(sendJson(messageAnswer('Ada')));

    await client.responses.create({ model: 'claude', previous_response_id: 'resp_native_5', input: 'Who am I?' });

    expect(sent()['messages']).toMatchObject([{ role: 'user' }, { role: 'assistant' }, { role: 'user' }]);
  });

  it('never sees an id that we do not know', async () => {
    const follow = { model: 'native', previous_response_id: 'resp_of_somebody', input: 'Who am I?' };
    await expect(client.responses.create(follow)).rejects.toMatchObject({ status: 404 });
    expect(upstream.seen).toHaveLength(0);
  });
});

describe('the input of a turn', () => {
  it('counts with the turns before it', async () => {
    const long = await firstTurn('chat', { input: 'word '.repeat(2_000) });
    const alone = await client.responses.inputTokens.count({ model: 'chat', input: 'Hi' });
    const after = await client.responses.inputTokens.count({ model: 'chat', input: 'Hi', previous_response_id: long.id });
    expect(alone.object).toBe('response.input_tokens');
    expect(after.input_tokens).toBeGreaterThan(alone.input_tokens + 1_000);
  });
});
