/** OpenAI's conversations with its official SDK: kept here, gone on with by every provider. */
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hashSecret } from '../../lib/domain/key.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { aDeployment } from '../support/exchange.ts';
import {
  chatAnswer,
  chatChunk,
  messageAnswer,
  sendChunks,
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
      at('native', 'azure', `${upstream.url}/openai/v1`),
    ],
  });
  await gateway.addKey('sk-one');
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

const hello: OpenAI.Responses.ResponseInputItem = { type: 'message', role: 'user', content: 'My name is Ada.' };

describe('a conversation', () => {
  it('is made, read, renamed and deleted', async () => {
    const made = await client.conversations.create({ metadata: { topic: 'demo' } });
    expect(made).toMatchObject({ object: 'conversation', metadata: { topic: 'demo' } });
    expect(made.id).toMatch(/^conv_/);
    expect(await client.conversations.retrieve(made.id)).toEqual(made);

    const renamed = await client.conversations.update(made.id, { metadata: { topic: 'other' } });
    expect(renamed).toEqual({ ...made, metadata: { topic: 'other' } });
    expect(await client.conversations.retrieve(made.id)).toEqual(renamed);

    await client.conversations.items.create(made.id, { items: [hello] });
    const reader = { owner: hashSecret('sk-one'), now: Date.now() };
    const part = () => gateway.stores.conversations.get([`${made.id}:0`], reader);
    expect(await part()).toHaveLength(1);
    expect(await client.conversations.delete(made.id)).toEqual({ id: made.id, object: 'conversation.deleted', deleted: true });
    await expect(client.conversations.retrieve(made.id)).rejects.toMatchObject({ status: 404, code: 'conversation_not_found' });
    expect(await part()).toEqual([]);
  });

  it('has items that are added, listed in pages, read and taken away', async () => {
    const { id } = await client.conversations.create({ items: [hello] });
    const more = await client.conversations.items.create(id, {
      items: [
        { role: 'assistant', content: 'Hello Ada.' },
        { role: 'user', content: 'Bye.' },
      ],
    });
    expect(more.data).toMatchObject([{ role: 'assistant', status: 'completed' }, { role: 'user' }]);

    const page = await client.conversations.items.list(id, { limit: 2 });
    expect(page.data).toMatchObject([{ role: 'user' }, { role: 'assistant' }]);
    const all: unknown[] = [];
    for await (const item of client.conversations.items.list(id, { limit: 2, order: 'asc' })) all.push(item);
    expect(all).toMatchObject([
      { content: [{ text: 'My name is Ada.' }] },
      { role: 'assistant' },
      { content: [{ text: 'Bye.' }] },
    ]);

    const item = more.data[0]?.id ?? '';
    const where = { conversation_id: id };
    expect(await client.conversations.items.retrieve(item, where)).toEqual(more.data[0]);
    expect(await client.conversations.items.delete(item, where)).toMatchObject({ id, object: 'conversation' });
    await expect(client.conversations.items.retrieve(item, where)).rejects.toMatchObject({
      status: 404,
      code: 'item_not_found',
    });
    expect((await client.conversations.items.list(id)).data).toHaveLength(2);
  });

  it('does not exist for another owner', async () => {
    const { id } = await client.conversations.create({ items: [hello] });
    const gone = { status: 404 };
    await expect(stranger.conversations.retrieve(id)).rejects.toMatchObject(gone);
    await expect(stranger.conversations.update(id, { metadata: {} })).rejects.toMatchObject(gone);
    await expect(stranger.conversations.items.list(id)).rejects.toMatchObject(gone);
    await expect(stranger.conversations.items.create(id, { items: [hello] })).rejects.toMatchObject(gone);
    await expect(stranger.conversations.delete(id)).rejects.toMatchObject(gone);
    await expect(stranger.responses.create({ model: 'chat', conversation: id, input: 'x' })).rejects.toMatchObject(gone);
    await expect(stranger.responses.retrieve(id)).rejects.toMatchObject(gone);
    await expect(client.responses.retrieve(id)).rejects.toMatchObject(gone);
    await expect(client.responses.retrieve(`${id}:0`)).rejects.toMatchObject(gone);
    await expect(client.responses.create({ model: 'chat', previous_response_id: `${id}:0`, input: 'x' })).rejects.toMatchObject(
      gone,
    );
    expect(upstream.seen).toHaveLength(0);
    expect((await client.conversations.items.list(id)).data).toHaveLength(1);
  });

  it.each([
    ['no items', { items: [{ role: 'nobody', content: 'x' }] }, undefined],
    ['too many', { items: Array.from({ length: 21 }, () => hello) }, 'items'],
    ['references', { items: [{ type: 'item_reference', id: 'msg_1' }] }, 'items'],
    ['metadata that is none', { metadata: { a: 1 } }, 'metadata'],
    ['too much of it', { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`n${n}`, ''])) }, 'metadata'],
  ])('is not made of %s', async (_name, body, param) => {
    const creating = client.conversations.create(body as OpenAI.Conversations.ConversationCreateParams);
    await expect(creating).rejects.toMatchObject({ status: 400, ...(param === undefined ? {} : { param }) });
  });
});

describe('a response in a conversation', () => {
  it('goes on with all of it, with any provider, and is added to it', async () => {
    const { id } = await client.conversations.create({ items: [hello] });
    upstream.answer(sendJson(chatAnswer('Hello Ada')));
    const first = await client.responses.create({ model: 'chat', conversation: id, input: 'Who am I?' });
    expect(first.conversation).toEqual({ id });
    expect(sent()['messages']).toMatchObject([{ content: 'My name is Ada.' }, { content: 'Who am I?' }]);

    upstream.answer(sendJson(messageAnswer('Ada')));
    await client.responses.create({ model: 'claude', conversation: { id }, input: 'Again?', store: false });
    upstream.answer(
      sendJson({
        id: 'resp_n',
        object: 'response',
        status: 'completed',
        output: [],
        usage: { input_tokens: 1, output_tokens: 1 },
      }),
    );
    const native = client.responses.create({ model: 'native', conversation: id, input: 'Bye' });
    expect((await native.withResponse()).response.headers.get('x-tollgate-warnings')).toBeNull();

    expect(Object.keys(sent())).toEqual(['model', 'input']);
    const input = sent()['input'] as readonly { readonly id?: string }[];
    expect(input.map(({ id: itemId }) => itemId)).toEqual(input.map(() => undefined));
    const { data } = await client.conversations.items.list(id, { order: 'asc' });
    expect(data.map((item) => (item as { role?: string }).role)).toEqual([
      'user',
      'user',
      'assistant',
      'user',
      'assistant',
      'user',
    ]);
  });

  it('is there as soon as the end of its stream is seen', async () => {
    const { id } = await client.conversations.create();
    upstream.answer(sendChunks([chatChunk({ role: 'assistant', content: 'Hello' }), chatChunk({}, 'stop'), usageChunk()]));
    const stream = await client.responses.create({ model: 'chat', conversation: id, input: 'Hi', stream: true });
    let seen = 0;
    for await (const event of stream) {
      if (event.type === 'response.completed') seen = (await client.conversations.items.list(id)).data.length;
    }
    expect(seen).toBe(2);
  });

  it('that fails is not', async () => {
    const { id } = await client.conversations.create();
    upstream.answer(sendJson({ error: { message: 'down' } }, 500));
    await expect(client.responses.create({ model: 'chat', conversation: id, input: 'Hi' })).rejects.toMatchObject({
      status: 500,
    });
    expect((await client.conversations.items.list(id)).data).toEqual([]);
  });

  it('loses no turn when two are made at once', async () => {
    const { id } = await client.conversations.create();
    upstream.answer(sendJson(chatAnswer('Hello')));
    const texts = ['one', 'two', 'three'];
    await Promise.all(texts.map((input) => client.responses.create({ model: 'chat', conversation: id, input })));
    const { data } = await client.conversations.items.list(id);
    expect(data).toHaveLength(6);
    for (const text of texts) expect(JSON.stringify(data)).toContain(text);
  });

  it('can be gone on from by its own id, with the conversation before it', async () => {
    const { id } = await client.conversations.create({ items: [hello] });
    upstream.answer(sendJson(chatAnswer('Hello Ada')));
    const first = await client.responses.create({ model: 'chat', conversation: id, input: 'Who am I?' });
    await client.responses.create({ model: 'chat', previous_response_id: first.id, input: 'Branch' });
    expect(sent()['messages']).toMatchObject([
      { content: 'My name is Ada.' },
      {},
      { content: 'Hello Ada' },
      { content: 'Branch' },
    ]);
    expect((await client.conversations.items.list(id)).data).toHaveLength(3);
  });

  it('reads a compaction that was put into it', async () => {
    upstream.answer(sendJson(messageAnswer('All about Ada.')));
    const compacted = await client.responses.compact({ model: 'claude', input: [hello] });
    const { id } = await client.conversations.create({ items: compacted.output as OpenAI.Responses.ResponseInputItem[] });
    upstream.answer(sendJson(chatAnswer('Ada')));
    await client.responses.create({ model: 'chat', conversation: id, input: 'Who am I?' });
    expect(sent()['messages']).toMatchObject([
      { content: 'My name is Ada.' },
      { content: expect.stringContaining('All about Ada.') },
      {},
    ]);
  });
});
