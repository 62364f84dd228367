/** Responses in the background with the official OpenAI SDK: created, asked for until they are there, cancelled, read along. */
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createUrlHandler } from '../../functions/gateway/url.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { aDeployment } from '../support/exchange.ts';
import { heldNow, spentNow } from '../support/money.ts';
import {
  chatAnswer,
  chatChunk,
  messageAnswer,
  sendChunks,
  sendEvents,
  sendJson,
  startUpstream,
  usageChunk,
  type Script,
  type Upstream,
} from '../support/upstream.ts';
import { serveHandler } from '../support/url-front.ts';

let upstream: Upstream;
let gateway: Served;
let client: OpenAI;

beforeAll(async () => {
  upstream = await startUpstream();
  const credential = { type: 'value', value: 'upstream-secret' } as const;
  const at = (id: string, provider: string, apiBase: string) =>
    aDeployment({
      id,
      modelName: id,
      provider,
      model: `${id}-model`,
      apiBase,
      credential,
      price: { input_cost_per_token: 1e-6, output_cost_per_token: 1e-6 },
    });
  gateway = await serveGateway(upstream.url, {
    deployments: [
      at('chat', 'groq', `${upstream.url}/openai/v1`),
      at('claude', 'anthropic', upstream.url),
      at('native', 'azure', `${upstream.url}/openai/v1`),
    ],
  });
  await gateway.addKey('sk-one', { maxBudget: 10n ** 12n });
  client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-one', maxRetries: 0 });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
beforeEach(() => void upstream.seen.splice(0));

const input = 'My name is Ada.';
const WORDS = [
  chatChunk({ role: 'assistant', content: 'Hello ' }),
  chatChunk({ content: 'Ada' }),
  chatChunk({}, 'stop'),
  usageChunk(),
];

/** A stream that waits before its last frames until it is let go. */
function held(): { script: Script; release: () => void; closed: Promise<void> } {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  const script: Script = async (_seen, response) => {
    response.on('close', close);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: ${JSON.stringify(WORDS[0])}\n\n`);
    await Promise.race([released, closed]);
    for (const chunk of WORDS.slice(1)) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
    response.end('data: [DONE]\n\n');
  };
  return { script, release, closed };
}

/** As clients do it: asks until the response is final. */
async function polled(id: string): Promise<OpenAI.Responses.Response> {
  for (let tries = 0; tries < 400; tries++) {
    const response = await client.responses.retrieve(id);
    if (response.status !== 'queued' && response.status !== 'in_progress') return response;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error('the response never ended');
}

describe('a response in the background', () => {
  it('is there at once, and complete later', async () => {
    const { script, release } = held();
    upstream.answer(script);

    const begun = await client.responses.create({ model: 'chat', input, background: true, metadata: { a: 'b' } });
    expect(begun).toMatchObject({ status: 'in_progress', background: true, output: [], metadata: { a: 'b' }, model: 'chat' });
    expect(await client.responses.retrieve(begun.id)).toMatchObject({ id: begun.id, status: 'in_progress' });
    await expect(client.responses.create({ model: 'chat', previous_response_id: begun.id, input })).rejects.toMatchObject({
      status: 400,
    });
    release();
    const final = await polled(begun.id);

    expect(final).toMatchObject({ id: begun.id, status: 'completed', background: true, output_text: 'Hello Ada' });
    expect(final.usage).toMatchObject({ input_tokens: 10, output_tokens: 5 });
    expect(upstream.seen[0]?.body).toMatchObject({ stream: true });
    expect((await client.responses.inputItems.list(begun.id)).data).toMatchObject([{ role: 'user' }]);
  });

  it('does not exist for another key of the same user and team, while it is made and afterwards', async () => {
    const { script, release } = held();
    upstream.answer(script);
    const owners = { userId: 'u', teamId: 't' };
    await gateway.addKey('sk-ours', owners);
    await gateway.addKey('sk-theirs', owners);
    const as = (apiKey: string) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 });
    const [ours, theirs] = [as('sk-ours'), as('sk-theirs')];
    const { id } = await ours.responses.create({ model: 'chat', input, background: true });
    const refused = { status: 404 };
    const tried = async (): Promise<void> => {
      for (const one of [theirs, as(gateway.masterKey)]) {
        await expect(one.responses.retrieve(id)).rejects.toMatchObject(refused);
        await expect(one.responses.retrieve(id, { stream: true })).rejects.toMatchObject(refused);
        await expect(one.responses.inputItems.list(id)).rejects.toMatchObject(refused);
        await expect(one.responses.cancel(id)).rejects.toMatchObject(refused);
        await expect(one.responses.delete(id)).rejects.toMatchObject(refused);
        await expect(one.responses.create({ model: 'chat', previous_response_id: id, input })).rejects.toMatchObject(refused);
      }
    };

    await tried();
    release();
    await expect.poll(async () => (await ours.responses.retrieve(id)).status).toBe('completed');
    await tried();

    expect((await ours.responses.retrieve(id)).output_text).toBe('Hello Ada');
  });

  it('can be gone on from, with another provider', async () => {
    upstream.answer(sendChunks(WORDS));
    const begun = await client.responses.create({ model: 'chat', input, background: true });
    await polled(begun.id);
    upstream.answer(sendJson(messageAnswer('Ada')));
    await client.responses.create({ model: 'claude', previous_response_id: begun.id, input: 'Who am I?' });
    expect(upstream.seen.at(-1)?.body['messages']).toMatchObject([{ role: 'user' }, { role: 'assistant' }, { role: 'user' }]);
  });

  it('costs what it used, once', async () => {
    const before = await spentNow(gateway.stores, 'sk-one');
    upstream.answer(sendChunks(WORDS));
    const begun = await client.responses.create({ model: 'chat', input, background: true });
    await polled(begun.id);
    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
    expect((await spentNow(gateway.stores, 'sk-one')) - before).toBe(15_000_000n);
  });

  it('is complete too where the provider answers whole', async () => {
    upstream.answer(sendJson(chatAnswer('Hello Ada')));
    const begun = await client.responses.create({ model: 'chat', input, background: true });
    expect(await polled(begun.id)).toMatchObject({ status: 'completed', output_text: 'Hello Ada' });
  });

  it('fails as the provider did, and costs nothing', async () => {
    const before = await spentNow(gateway.stores, 'sk-one');
    upstream.answer(sendJson({ error: { message: 'No such thing.', type: 'invalid_request_error' } }, 400));
    const begun = await client.responses.create({ model: 'chat', input, background: true });
    const final = await polled(begun.id);
    expect(final).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('No such thing.') } });
    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
    expect((await spentNow(gateway.stores, 'sk-one')) - before).toBe(0n);
  });

  it('is refused at once where the call is: the budget, the model', async () => {
    await gateway.addKey('sk-poor', { maxBudget: 1n });
    const poor = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-poor', maxRetries: 0 });
    await expect(poor.responses.create({ model: 'chat', input, background: true })).rejects.toMatchObject({ status: 429 });
    await expect(client.responses.create({ model: 'nothing', input, background: true })).rejects.toMatchObject({ status: 404 });
    expect(upstream.seen).toHaveLength(0);
  });

  it('is cancelled: the provider is left, what it wrote is paid', async () => {
    const before = await spentNow(gateway.stores, 'sk-one');
    const { script, closed } = held();
    upstream.answer(script);
    const begun = await client.responses.create({ model: 'chat', input, background: true });

    expect(await client.responses.cancel(begun.id)).toMatchObject({ id: begun.id, status: 'cancelled' });
    expect(await client.responses.retrieve(begun.id)).toMatchObject({ status: 'cancelled' });
    await closed;

    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
    expect(await client.responses.retrieve(begun.id)).toMatchObject({ status: 'cancelled' });
    expect(await client.responses.cancel(begun.id)).toMatchObject({ status: 'cancelled' });
    expect((await spentNow(gateway.stores, 'sk-one')) - before).toBeGreaterThan(0n);
  });

  it('is stopped when its client deletes it, and does not come back', async () => {
    const { script, closed } = held();
    upstream.answer(script);
    const begun = await client.responses.create({ model: 'chat', input, background: true });
    await client.responses.delete(begun.id);
    await closed;
    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
    await expect(client.responses.retrieve(begun.id)).rejects.toMatchObject({ status: 404 });
  });

  it('can be read along, under the id that stays', async () => {
    upstream.answer(sendChunks(WORDS));
    const stream = await client.responses.create({ model: 'chat', input, background: true, stream: true });
    const events: OpenAI.Responses.ResponseStreamEvent[] = [];
    for await (const event of stream) events.push(event);

    expect(events.map(({ sequence_number: number }) => number)).toEqual(events.map((_, index) => index));
    const last = events.at(-1);
    expect(last).toMatchObject({ type: 'response.completed', response: { background: true, status: 'completed' } });
    const id = last?.type === 'response.completed' ? last.response.id : '';
    // At once: it was kept before its end went out.
    expect(await client.responses.retrieve(id)).toMatchObject({ status: 'completed', output_text: 'Hello Ada' });
  });

  it('is read on from where a client left, by the numbers of its events, while it is made and afterwards', async () => {
    const { script, release } = held();
    upstream.answer(script);
    const stream = await client.responses.create({ model: 'chat', input, background: true, stream: true });
    const seen: OpenAI.Responses.ResponseStreamEvent[] = [];
    for await (const event of stream) {
      seen.push(event);
      if (event.type === 'response.output_text.delta') break;
    }
    const id = seen[0]?.type === 'response.created' ? seen[0].response.id : '';
    const after = seen.at(-1)?.sequence_number ?? 0;

    const rest = await client.responses.retrieve(id, { stream: true, starting_after: after });
    release();
    const read: OpenAI.Responses.ResponseStreamEvent[] = [];
    for await (const event of rest) read.push(event);

    const numbers = [...seen, ...read].map(({ sequence_number: number }) => number);
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(read.at(-1)).toMatchObject({ type: 'response.completed', response: { id, status: 'completed' } });
    const again = await client.responses.retrieve(id, { stream: true });
    expect(await Array.fromAsync(again)).toEqual([...seen, ...read]);
  });

  it('is not waited for longer than a request may take', async () => {
    const { script, release } = held();
    upstream.answer(script);
    const stream = await client.responses.create({ model: 'chat', input, background: true, stream: true });
    let id = '';
    for await (const event of stream) {
      if (event.type === 'response.created') id = event.response.id;
      if (event.type === 'response.output_text.delta') break;
    }
    const hasty = await serveGateway(upstream.url, { stores: gateway.stores, deadlineMs: 1_300 });
    onTestFinished(() => hasty.close());
    const other = new OpenAI({ baseURL: `${hasty.url}/v1`, apiKey: 'sk-one', maxRetries: 0 });

    const events = await Array.fromAsync(await other.responses.retrieve(id, { stream: true }));

    expect(events[0]).toMatchObject({ type: 'response.created' });
    expect(events.at(-1)?.type).not.toBe('response.completed');
    release();
    await polled(id);
  });

  it('has no events when nobody asked for a stream', async () => {
    upstream.answer(sendChunks(WORDS));
    const begun = await client.responses.create({ model: 'chat', input, background: true });
    await expect(client.responses.retrieve(begun.id, { stream: true })).rejects.toMatchObject({ status: 400, param: 'stream' });
    await expect(client.responses.retrieve('resp_nowhere', { stream: true })).rejects.toMatchObject({ status: 404 });
    await polled(begun.id);
  });

  it('goes on when a client that read along leaves', async () => {
    const { script, release } = held();
    upstream.answer(script);
    const stream = await client.responses.create({ model: 'chat', input, background: true, stream: true });
    let id = '';
    for await (const event of stream) {
      if (event.type === 'response.created') id = event.response.id;
      if (event.type === 'response.output_text.delta') break;
    }
    release();
    expect(await polled(id)).toMatchObject({ status: 'completed', output_text: 'Hello Ada' });
  });
});

describe('on a function URL', () => {
  it('the client is answered while the invocation goes on, until the response is kept', async () => {
    const { script, release } = held();
    upstream.answer(script);
    const handler = createUrlHandler({ service: gateway.gateway, log: () => {}, maxBodyBytes: 1_000_000 });
    const front = await serveHandler(handler);
    onTestFinished(() => front.stop());
    const url = new OpenAI({ baseURL: `${front.url}/v1`, apiKey: 'sk-one', maxRetries: 0 });

    const begun = await url.responses.create({ model: 'chat', input, background: true });
    const ended = front.idle();
    expect(await client.responses.retrieve(begun.id)).toMatchObject({ status: 'in_progress' });
    release();
    await ended;

    expect(await client.responses.retrieve(begun.id)).toMatchObject({ status: 'completed', output_text: 'Hello Ada' });
    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
  });

  it('ends in time: what was written by the deadline is paid, and the response says why it failed', async () => {
    const { script } = held();
    upstream.answer(script);
    const handler = createUrlHandler({ service: gateway.gateway, log: () => {}, maxBodyBytes: 1_000_000 });
    // Fifteen seconds are kept back for the end.
    const front = await serveHandler(handler, 15_300);
    onTestFinished(() => front.stop());
    const url = new OpenAI({ baseURL: `${front.url}/v1`, apiKey: 'sk-one', maxRetries: 0 });
    const before = await spentNow(gateway.stores, 'sk-one');

    const begun = await url.responses.create({ model: 'chat', input, background: true });
    await front.idle();

    const final = await client.responses.retrieve(begun.id);
    expect(final).toMatchObject({ status: 'failed', error: { message: expect.stringContaining('longer') as string } });
    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
    expect((await spentNow(gateway.stores, 'sk-one')) - before).toBeGreaterThan(0n);
  });
});

describe('a provider that speaks the Responses API and keeps them', () => {
  const answer = (id: string, status = 'completed') => ({
    id,
    object: 'response',
    created_at: 1_760_000_000,
    status,
    background: false,
    model: 'native-model',
    output: status === 'completed' ? [{ type: 'message', id: 'msg_n', role: 'assistant', status, content: [] }] : [],
    usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
  });

  it('makes it as a stream of ours, and is later named the response by its own id', async () => {
    const created = { type: 'response.created', response: answer('resp_native', 'in_progress') };
    const completed = { type: 'response.completed', response: answer('resp_native') };
    upstream.answer(sendEvents([created, completed]));
    const begun = await client.responses.create({ model: 'native', input, background: true });
    const final = await polled(begun.id);
    expect(final).toMatchObject({ id: begun.id, status: 'completed', background: true, model: 'native-model' });
    expect(begun.id).not.toBe('resp_native');
    expect(upstream.seen[0]?.body).toEqual({ model: 'native-model', input, stream: true, max_output_tokens: 16_384 });
    upstream.answer(sendJson(answer('resp_native_2')));

    await client.responses.create({ model: 'native', previous_response_id: begun.id, input: 'And?' });

    expect(upstream.seen.at(-1)?.body).toEqual({
      model: 'native-model',
      previous_response_id: 'resp_native',
      input: 'And?',
      max_output_tokens: 16_384,
    });
  });
});
