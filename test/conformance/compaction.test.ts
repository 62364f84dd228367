/** Conversations made shorter with the official OpenAI SDK: by a provider that does so itself, and with any other model. */
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serveGateway, type Served } from '../support/gateway.ts';
import { aDeployment } from '../support/exchange.ts';
import { heldNow, spentNow } from '../support/money.ts';
import { chatAnswer, messageAnswer, sendJson, startUpstream, type Upstream } from '../support/upstream.ts';

let upstream: Upstream;
let gateway: Served;
let client: OpenAI;
let strangers: readonly OpenAI[];

const DOLLAR = 10n ** 12n;

beforeAll(async () => {
  upstream = await startUpstream();
  const credential = { type: 'value', value: 'upstream-secret' } as const;
  const price = { input_cost_per_token: 1e-6, output_cost_per_token: 1e-6 };
  const at = (id: string, provider: string, apiBase: string, modelName = id) =>
    aDeployment({ id, modelName, provider, model: `${id}-model`, apiBase, credential, price, maxOutputTokens: 1_000 });
  gateway = await serveGateway(upstream.url, {
    deployments: [
      at('chat', 'groq', `${upstream.url}/openai/v1`),
      at('claude', 'anthropic', upstream.url),
      at('native', 'azure', `${upstream.url}/openai/v1`),
      // Dated versions of Azure have no such route.
      at('dated', 'azure', upstream.url),
      ...['a', 'b', 'c'].map((name) => at(`pool-${name}`, 'azure', `${upstream.url}/openai/v1`, 'pool')),
    ],
  });
  await gateway.addKey('sk-one', { maxBudget: DOLLAR });
  await gateway.addKey('sk-two', { maxBudget: DOLLAR });
  await gateway.addKey('sk-poor', { maxBudget: DOLLAR / 1_000n });
  const as = (apiKey: string) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey, maxRetries: 0 });
  client = as('sk-one');
  strangers = [as('sk-two'), as(gateway.masterKey)];
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
beforeEach(() => void upstream.seen.splice(0));

/** What the provider was last sent, and where. */
const sent = (): Record<string, unknown> => upstream.seen.at(-1)?.body ?? {};
const path = (): string => upstream.seen.at(-1)?.path ?? '';

const conversation: OpenAI.Responses.ResponseInput = [
  { role: 'user', content: 'My name is Ada. What is the weather in Paris?' },
  { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Paris"}' },
  { type: 'function_call_output', call_id: 'call_1', output: '22 degrees' },
  { role: 'assistant', content: 'Sunny, 22 degrees.' },
];

/** Items as a client sends them back. */
const back = (output: readonly OpenAI.Responses.ResponseOutputItem[]) => output as unknown as OpenAI.Responses.ResponseInput;

const native = (id: string) => ({
  id,
  object: 'response.compaction',
  created_at: 1_760_000_000,
  output: [
    { type: 'message', id: 'msg_1', role: 'user', status: 'completed', content: [{ type: 'input_text', text: 'Hello' }] },
    { type: 'compaction', id: `cmp_of_${id}`, encrypted_content: 'gAAAA-sealed', created_by: 'x' },
  ],
  usage: {
    input_tokens: 139,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 438,
    output_tokens_details: { reasoning_tokens: 64 },
    total_tokens: 577,
  },
});

async function summarized(model = 'claude', fields: object = {}) {
  const summary = 'Ada asked for the weather in Paris: 22 degrees.';
  upstream.answer(sendJson(model === 'claude' ? messageAnswer(summary) : chatAnswer(summary)));
  return client.responses.compact({ model, input: conversation, ...fields });
}

describe('a conversation with a model that does not compact', () => {
  it('is summarized by it: the user messages stay, one item stands for the rest', async () => {
    const made = { instructions: 'Be brief.', image: { context_compression: 'enabled' } } as const;
    upstream.answer(sendJson(messageAnswer('Ada asked for the weather in Paris: 22 degrees.')));
    const { data: compacted, response } = await client.responses
      .compact({ model: 'claude', input: conversation, ...made })
      .withResponse();
    expect(response.headers.get('x-tollgate-warnings')).toContain('image');

    expect(compacted).toMatchObject({
      object: 'response.compaction',
      output: [
        { type: 'message', role: 'user', status: 'completed', content: [{ type: 'input_text' }] },
        { type: 'compaction', id: expect.stringMatching(/^cmp_/) },
      ],
      usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
    });
    expect(compacted.id).toMatch(/^resp_/);
    expect(JSON.stringify(compacted)).not.toContain('22 degrees');
    expect(path()).toBe('/v1/messages');
    expect(sent()['system']).toEqual([{ type: 'text', text: 'Be brief.' }]);
    expect(sent()['tools']).toBeUndefined();
    const asked = JSON.stringify(sent()['messages']);
    for (const text of ['My name is Ada', 'Tool call: weather(', 'Result of weather:', '22 degrees', 'summarize it']) {
      expect(asked).toContain(text);
    }
  });

  it.each(['claude', 'chat', 'native', 'dated'])('goes on from the summary with %s', async (model) => {
    const { output } = await summarized();
    upstream.answer(sendJson(model === 'claude' ? messageAnswer('Ada') : model === 'chat' ? chatAnswer('Ada') : answer('r')));

    const next = await client.responses.create({
      model,
      input: [...back(output), { role: 'user', content: 'What is my name?' }],
      store: false,
    });

    expect(next.output_text).toBe('Ada');
    const text = JSON.stringify(sent());
    expect(text).toContain('Ada asked for the weather in Paris: 22 degrees.');
    expect(text).not.toMatch(/compaction|tollgate/);
    expect(text.indexOf('Ada asked')).toBeLessThan(text.indexOf('What is my name?'));
  });

  it('goes on for as many turns as one likes, by id too, and is compacted again', async () => {
    const first = await summarized();
    upstream.answer(sendJson(chatAnswer('Ada')));
    const second = await client.responses.create({ model: 'chat', previous_response_id: first.id, input: 'My name?' });
    upstream.answer(sendJson(chatAnswer('Bye')));
    await client.responses.create({ model: 'chat', previous_response_id: second.id, input: 'Bye' });
    expect(sent()['messages']).toMatchObject([
      { content: expect.stringContaining('My name is Ada') },
      { content: expect.stringContaining('Ada asked for the weather') },
      { content: 'My name?' },
      { content: 'Ada' },
      { content: 'Bye' },
    ]);

    upstream.answer(sendJson(messageAnswer('Second summary')));
    const again = await client.responses.compact({ model: 'claude', previous_response_id: second.id });

    expect(JSON.stringify(sent())).toContain('Ada asked for the weather');
    expect(again.output.map((item) => item.type)).toEqual(['message', 'message', 'compaction']);
    expect(JSON.stringify(again.output)).not.toContain('Summary of the conversation');
  });

  it('does not exist for another owner, nor once it is deleted', async () => {
    const { id, output } = await summarized();
    const item = output.slice(-1);
    const gone = { status: 404, code: 'compaction_not_found', param: 'input' };
    const before = upstream.seen.length;
    for (const stranger of strangers) {
      for (const model of ['claude', 'native']) {
        await expect(stranger.responses.create({ model, input: back(item) })).rejects.toMatchObject(gone);
      }
      await expect(stranger.responses.compact({ model: 'claude', input: back(item) })).rejects.toMatchObject(gone);
      await expect(stranger.responses.retrieve(id)).rejects.toMatchObject({ status: 404 });
    }

    await client.responses.delete(id);
    await expect(client.responses.create({ model: 'claude', input: back(item) })).rejects.toMatchObject(gone);
    expect(upstream.seen).toHaveLength(before);
  });

  it.each([
    ['a stream', { stream: true }, 'stream'],
    ['work in the background', { background: true }, 'background'],
    ['a summary that may not be kept', { store: false }, 'store'],
    ['nothing to shorten', { input: [] }, 'input'],
    ['a result of no call', { input: [{ type: 'function_call_output', call_id: 'x', output: '' }] }, 'input'],
  ])('is no %s', async (_name, fields, param) => {
    await expect(summarized('claude', fields)).rejects.toMatchObject({ status: 400, param });
    expect(upstream.seen).toHaveLength(0);
  });
});

const answer = (id: string) => ({
  id: `resp_${id}`,
  object: 'response',
  created_at: 1_760_000_000,
  status: 'completed',
  model: 'native-model',
  output: [
    {
      type: 'message',
      id: `msg_${id}`,
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'Ada', annotations: [] }],
    },
  ],
  usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
});

describe('a provider that compacts itself', () => {
  it('is asked to, and its answer stays as it is', async () => {
    upstream.answer(sendJson(native('resp_n1')));
    const before = await spentNow(gateway.stores, 'sk-one');

    const compacted = await client.responses.compact({ model: 'native', input: conversation, prompt_cache_key: 'k' });

    expect(path()).toBe('/openai/v1/responses/compact');
    expect(sent()).toEqual({ model: 'native-model', input: conversation, prompt_cache_key: 'k' });
    expect(compacted).toEqual(native('resp_n1'));
    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
    expect((await spentNow(gateway.stores, 'sk-one')) - before).toBe(577n * 10n ** 6n);
  });

  it('is sent the whole conversation that another one has, and the id of the one it has itself', async () => {
    upstream.answer(sendJson(chatAnswer('Hello Ada')));
    const elsewhere = await client.responses.create({ model: 'chat', input: 'I am Ada.' });
    upstream.answer(sendJson(native('resp_n2')));
    await client.responses.compact({ model: 'native', previous_response_id: elsewhere.id });
    expect(JSON.stringify(sent()['input'])).toContain('Hello Ada');
    expect(sent()['previous_response_id']).toBeUndefined();

    upstream.answer(sendJson(answer('own')));
    const own = await client.responses.create({ model: 'native', input: 'I am Ada.' });
    upstream.answer(sendJson(native('resp_n3')));
    await client.responses.compact({ model: 'native', previous_response_id: own.id });
    expect(sent()).toEqual({ model: 'native-model', previous_response_id: 'resp_own' });
  });

  it('gets back what it sealed, whichever of several deployments that was', async () => {
    upstream.answer(sendJson(native('resp_n4')));
    const { output } = await client.responses.compact({ model: 'pool', input: conversation });
    const maker = sent()['model'];
    upstream.answer(sendJson(answer('n5')));
    for (let turn = 0; turn < 8; turn++) {
      await client.responses.create({ model: 'pool', input: [...back(output), { role: 'user', content: 'And?' }] });
      expect(sent()['model']).toBe(maker);
      expect(sent()['input']).toEqual([...output, { role: 'user', content: 'And?' }]);
    }
    await client.responses.create({ model: 'pool', previous_response_id: 'resp_n4', input: 'And?' });
    expect(sent()).toEqual({ model: maker, input: [...withoutId(output), { role: 'user', content: 'And?' }] });
  });

  it.each(['claude', 'chat'])('cannot be read by %s, which is said before anything is lost', async (model) => {
    const sealed = back(native('resp_n6').output as unknown as OpenAI.Responses.ResponseOutputItem[]);
    const refused = { status: 400, code: 'unreadable_compaction', param: 'input' };
    await expect(client.responses.create({ model, input: sealed })).rejects.toMatchObject(refused);
    await expect(client.responses.compact({ model, input: sealed })).rejects.toMatchObject(refused);
    await expect(
      client.responses.create({ model, input: [{ role: 'user', content: 'x' }, { type: 'compaction_trigger' }] }),
    ).rejects.toMatchObject(refused);
    expect(upstream.seen).toHaveLength(0);
    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
  });

  it('is not needed for what it sealed while it answered: the turns before are here', async () => {
    const [said] = answer('auto').output;
    const seal = { type: 'compaction', id: 'cmp_auto', encrypted_content: 'gAAAA-sealed' };
    upstream.answer(sendJson({ ...answer('auto'), output: [seal, said] }));
    const first = await client.responses.create({
      model: 'native',
      input: 'I am Ada.',
      context_management: [{ type: 'compaction', compact_threshold: 1_000 }],
    });
    upstream.answer(sendJson(messageAnswer('Ada')));
    await client.responses.create({ model: 'claude', previous_response_id: first.id, input: 'Who am I?' });
    expect(sent()['messages']).toMatchObject([{ role: 'user' }, { role: 'assistant' }, { role: 'user' }]);

    upstream.answer(sendJson(answer('auto2')));
    await client.responses.create({ model: 'native', previous_response_id: first.id, input: 'Who am I?' });
    expect(sent()).toEqual({ model: 'native-model', previous_response_id: first.id, input: 'Who am I?' });
  });

  it('is not asked to where its address has no such route', async () => {
    upstream.answer(sendJson({ ...answer('d'), output: [{ ...answer('d').output[0] }] }));
    const { output } = await client.responses.compact({ model: 'dated', input: conversation });
    expect(path()).toMatch(/^\/openai\/responses\?api-version=/);
    expect(sent()).toMatchObject({ model: 'dated-model', store: false });
    expect(sent()['input']).toMatchObject([{}, {}, {}, {}, { role: 'user', content: expect.stringContaining('summarize') }]);
    expect(output.at(-1)).toMatchObject({ type: 'compaction', encrypted_content: expect.stringMatching(/^tollgate:resp_/) });
  });
});

/** Messages without their ids: the conversation is told anew. */
const withoutId = (items: readonly object[]) =>
  items.map((item) => {
    const { id, ...rest } = item as { id: string; type: string };
    return rest.type === 'message' ? rest : { id, ...rest };
  });

describe('the money', () => {
  it('of a summary is held, settled once, and in the ledger under its route', async () => {
    const before = await spentNow(gateway.stores, 'sk-one');
    const compacted = await summarized();
    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
    expect((await spentNow(gateway.stores, 'sk-one')) - before).toBe(15n * 10n ** 6n);
    const { items } = await gateway.stores.ledger.list({ limit: 1 });
    expect(items).toMatchObject([
      { id: compacted.id.replace('resp_', ''), route: '/v1/responses/compact', cost: 15n * 10n ** 6n, status: 'success' },
    ]);
  });

  it('of a provider that fails comes back', async () => {
    const before = await spentNow(gateway.stores, 'sk-one');
    for (const model of ['claude', 'native']) {
      upstream.answer(sendJson({ error: { type: 'api_error', message: 'down' } }, 500));
      await expect(client.responses.compact({ model, input: conversation })).rejects.toMatchObject({ status: 500 });
    }
    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
    expect(await spentNow(gateway.stores, 'sk-one')).toBe(before);
  });

  it.each([
    ['cut off', messageAnswer('Half of', { stop_reason: 'max_tokens' })],
    ['empty', messageAnswer('', { content: [] })],
  ])('of a summary that is %s is spent, and nothing is lost unseen', async (_name, answered) => {
    const before = await spentNow(gateway.stores, 'sk-one');
    upstream.answer(sendJson(answered));
    await expect(client.responses.compact({ model: 'claude', input: conversation })).rejects.toMatchObject({
      status: 502,
      code: 'compaction_failed',
    });
    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
    expect((await spentNow(gateway.stores, 'sk-one')) - before).toBe(15n * 10n ** 6n);
  });

  it('of a client that leaves is settled with what was sent', async () => {
    const before = await spentNow(gateway.stores, 'sk-one');
    const leaving = new AbortController();
    upstream.answer(async (_seen, response) => {
      const closed = new Promise((done) => response.on('close', done));
      leaving.abort();
      await closed;
    });
    const compacting = client.responses.compact({ model: 'claude', input: conversation }, { signal: leaving.signal });
    await expect(compacting).rejects.toThrow();
    expect(await heldNow(gateway.stores, 'sk-one')).toBe(0n);
    expect(await spentNow(gateway.stores, 'sk-one')).toBeGreaterThan(before);
  });

  it('that does not pay for all a provider may write itself pays for a summary', async () => {
    const poor = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-poor', maxRetries: 0 });
    upstream.answer(sendJson(answer('poor')));
    const compacted = await poor.responses.compact({ model: 'native', input: conversation });
    expect(path()).toBe('/openai/v1/responses');
    expect(sent()['max_output_tokens']).toBeLessThan(1_000);
    expect(compacted.output.at(-1)).toMatchObject({ encrypted_content: expect.stringMatching(/^tollgate:/) });
  });

  it('is none where the budget is spent', async () => {
    await gateway.addKey('sk-broke', { maxBudget: 1n });
    const broke = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'sk-broke', maxRetries: 0 });
    await expect(broke.responses.compact({ model: 'claude', input: conversation })).rejects.toMatchObject({ status: 429 });
    expect(upstream.seen).toHaveLength(0);
  });
});
