import { describe, expect, it } from 'vitest';
import { MOST_BYTES, MOST_TURNS, type StoredResponse } from '../../../lib/domain/conversation.ts';
import type { Exchange } from '../../../lib/exchange.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { readerOf, remember, resume, type ConversationDeps } from '../../../lib/policies/conversation.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { aDeployment, aKey, anExchange, aReply, NOW } from '../../support/exchange.ts';

const key = aKey();
const caller = { type: 'key', key } as const;

const stored = (id: string, over: Partial<StoredResponse> = {}): StoredResponse => ({
  id,
  owner: key.hash,
  createdAt: NOW,
  expiresAt: NOW + 1000,
  earlier: [],
  bytes: 10,
  input: [{ type: 'message', id: `q_${id}`, role: 'user', content: id }],
  response: { id, output: [{ type: 'message', id: `a_${id}`, role: 'assistant', content: [] }] },
  model: 'gpt',
  ...over,
});

/** Completes `body` over a store that has `records`. */
async function resumed(body: JsonObject, records: readonly StoredResponse[] = [], over: Partial<Exchange> = {}) {
  const { conversations: store } = open();
  for (const record of records) await store.put(record);
  const exchange = anExchange({ dialect: 'openai-responses', caller, body, ...over });
  const whole = await resume({ store, now: () => NOW, ttlMs: 1000 })(exchange, body);
  return { exchange, whole };
}

const idsOf = (body: JsonObject): unknown[] => (body['input'] as readonly JsonObject[]).map(({ id, content }) => id ?? content);

describe('going on from a response', () => {
  it('puts the turns before the new one, oldest first', async () => {
    const records = [stored('one'), stored('two', { earlier: ['one'] })];
    const body = { model: 'gpt', previous_response_id: 'two', input: 'new' };

    const { exchange, whole } = await resumed(body, records);

    expect(idsOf(whole)).toEqual(['q_one', 'a_one', 'q_two', 'a_two', 'new']);
    expect(whole['previous_response_id']).toBeUndefined();
    expect(exchange.turn).toEqual({ asSent: body, added: [{ role: 'user', content: 'new' }], previous: records[1] });
  });

  it('sends the same to a provider, without the id and without ids of others', async () => {
    const { exchange } = await resumed({ model: 'gpt', previous_response_id: 'one', input: 'new' }, [stored('one')]);

    expect(exchange.body).toEqual({
      model: 'gpt',
      input: [
        { type: 'message', role: 'user', content: 'one' },
        { type: 'message', role: 'assistant', content: [] },
        { role: 'user', content: 'new' },
      ],
    });
  });

  it('names the deployment whose provider keeps it', async () => {
    const { exchange } = await resumed({ previous_response_id: 'one', input: [] }, [stored('one', { deploymentId: 'd' })]);
    expect(exchange.turn?.keptBy).toBe('d');
  });

  it('goes on without turns that are gone, and says so', async () => {
    const { exchange, whole } = await resumed({ previous_response_id: 'two', input: 'new' }, [
      stored('two', { earlier: ['one'] }),
    ]);
    expect(idsOf(whole)).toEqual(['q_two', 'a_two', 'new']);
    expect(exchange.warnings).toMatchObject([{ kind: 'dropped', field: 'previous_response_id' }]);
  });

  it.each([
    ['is unknown', stored('other')],
    ['is of another owner', stored('one', { owner: 'master' })],
    ['has expired', stored('one', { expiresAt: NOW })],
  ])('fails when it %s', async (_name, record) => {
    await expect(resumed({ previous_response_id: 'one', input: 'new' }, [record])).rejects.toMatchObject({
      status: 404,
      message: "Previous response with id 'one' not found.",
      detail: { param: 'previous_response_id', code: 'previous_response_not_found' },
    });
  });

  it.each([
    ['previous_response_id', { previous_response_id: 7 }, 400],
    ['previous_response_id', { previous_response_id: 'no id' }, 404],
    ['background', { background: true, store: false }, 400],
    ['conversation', { conversation: 'conv_1' }, 404],
    ['conversation', { conversation: 'resp_1' }, 404],
    ['conversation', { conversation: 7 }, 400],
    ['previous_response_id', { conversation: 'conv_1', previous_response_id: 'one' }, 400],
    ['background', { conversation: 'conv_1', background: true }, 400],
  ])('refuses a wrong %s: %j', async (param, body, status) => {
    await expect(resumed({ input: 'new', ...body })).rejects.toMatchObject({ status, detail: { param } });
  });

  it.each([
    ['turns', stored('one', { earlier: Array.from({ length: MOST_TURNS }, (_, turn) => `t${turn}`) })],
    ['bytes', stored('one', { bytes: MOST_BYTES + 1 })],
  ])('ends after too many %s', async (_name, record) => {
    await expect(resumed({ previous_response_id: 'one', input: 'new' }, [record])).rejects.toMatchObject({
      status: 400,
      detail: { code: 'conversation_too_long' },
    });
  });
});

describe('items named by id', () => {
  it('are filled in from the responses that hold them', async () => {
    const body = { input: [{ type: 'item_reference', id: 'a_one' }, { id: 'a_two' }, { role: 'user', content: 'new' }] };

    const { exchange, whole } = await resumed(body, [stored('one', { deploymentId: 'd' }), stored('two')]);

    expect(idsOf(whole)).toEqual(['a_one', 'a_two', 'new']);
    expect(idsOf(exchange.body)).toEqual([[], [], 'new']);
    expect(exchange.turn?.added.map(({ type }) => type)).toEqual(['message', 'message', undefined]);
    expect(exchange.turn?.keptBy).toBeUndefined();
  });

  it('may be items of the conversation, its input included', async () => {
    const body = { previous_response_id: 'one', input: [{ type: 'item_reference', id: 'q_one' }] };
    const { whole } = await resumed(body, [stored('one', { deploymentId: 'd' })]);
    expect(idsOf(whole)).toEqual(['q_one', 'a_one', 'q_one']);
  });

  it('stay with the deployment that keeps all of them', async () => {
    const both = [stored('one', { deploymentId: 'd' }), stored('two', { deploymentId: 'd' })];
    const { exchange } = await resumed({ previous_response_id: 'one', input: [{ id: 'a_two' }] }, both);
    expect(exchange.turn?.keptBy).toBe('d');
  });

  it('must exist, and belong to the caller', async () => {
    const body = { input: [{ type: 'item_reference', id: 'a_one' }] };
    const refused = { status: 404, message: "Item with id 'a_one' not found." };
    await expect(resumed(body)).rejects.toMatchObject(refused);
    await expect(resumed(body, [stored('one', { owner: 'master' })])).rejects.toMatchObject(refused);
  });
});

describe('a request that goes on from nothing', () => {
  it('stays as it is', async () => {
    const body = { model: 'gpt', input: 'new', previous_response_id: null, store: true, background: false };
    const { exchange, whole } = await resumed(body);
    expect(whole).toEqual({ model: 'gpt', input: 'new' });
    expect(exchange.body).toBe(body);
    expect(exchange.turn).toEqual({ asSent: body, added: [{ role: 'user', content: 'new' }] });
  });

  it('is left to its dialect when its input is unreadable', async () => {
    const { exchange } = await resumed({ input: 7, previous_response_id: 'one' });
    expect(exchange.turn).toBeUndefined();
  });

  it('is none of our business in other dialects', async () => {
    const { exchange } = await resumed({ background: true, input: 'new' }, [], { dialect: 'openai-chat' });
    expect(exchange.turn).toBeUndefined();
  });
});

describe('a request in the background', () => {
  it('reaches its provider as a stream, and nothing else of it is said', async () => {
    const body = { model: 'gpt', input: 'new', background: true };
    const { exchange, whole } = await resumed(body);
    expect(whole).toEqual({ model: 'gpt', input: 'new' });
    expect(exchange.body).toEqual({ model: 'gpt', input: 'new', stream: true });
    expect(exchange.turn).toMatchObject({ asSent: body, forKeeper: exchange.body, background: { streams: false } });
  });

  it('names an earlier response to the provider that keeps it as that provider does', async () => {
    const previous = stored('one', { deploymentId: 'd', upstreamId: 'resp_theirs' });
    const { exchange } = await resumed({ previous_response_id: 'one', input: 'new' }, [previous]);
    expect(exchange.turn).toMatchObject({ keptBy: 'd', forKeeper: { previous_response_id: 'resp_theirs', input: 'new' } });
  });

  it('cannot be kept where nothing is', async () => {
    const exchange = anExchange({ dialect: 'openai-responses', caller });
    const { conversations: store } = open();
    const refused = resume({ store, now: () => NOW, ttlMs: 0 })(exchange, { input: 'new', background: true });
    await expect(refused).rejects.toMatchObject({ status: 400, detail: { param: 'background' } });
  });

  it.each(['in_progress', 'failed', 'cancelled'])('does not go on from a response that is %s', async (status) => {
    const previous = stored('one', { response: { id: 'one', status, output: [] } });
    await expect(resumed({ previous_response_id: 'one', input: 'new' }, [previous])).rejects.toMatchObject({
      status: 400,
      detail: { code: 'previous_response_not_ready' },
    });
  });
});

describe('the owner', () => {
  it('is the key, whatever its secret is now, or the master', () => {
    const regenerated = aKey({ hash: 'b'.repeat(64), origin: key.hash });
    expect(readerOf({ caller: { type: 'key', key: regenerated } }, NOW)).toEqual({ owner: key.hash, now: NOW });
    expect(readerOf({ caller: { type: 'master' } }, NOW)).toEqual({ owner: 'master', now: NOW });
  });
});

/** Answers a request with `response` and tells what is kept of it. */
async function answered(over: Partial<Exchange>, deps: Partial<ConversationDeps> = {}, response: JsonObject = { id: 'new' }) {
  const { conversations: store } = open();
  const lines: string[] = [];
  const exchange = anExchange({ caller, dialect: 'openai-responses', modelName: 'gpt', ...over });
  const record: ConversationDeps['record'] = async (reply, keep) => {
    await keep(response, 5);
    return reply;
  };
  const log: ConversationDeps['log'] = (_level, message) => void lines.push(message);
  const policy = remember({ store, ttlMs: 1000, now: () => NOW, log, record, ...deps });
  const reply = await policy(exchange, async () => aReply());
  const kept = await store.get(['new'], { owner: key.hash, now: NOW });
  return { exchange, reply, kept, lines };
}

describe('remembering', () => {
  const turn = { asSent: { previous_response_id: 'one' }, added: [{ role: 'user', content: 'Hi' }] };

  it('keeps the answer with what led to it', async () => {
    const previous = stored('one', { earlier: ['zero'], bytes: 10 });
    const request = { ...anExchange().request, body: new Uint8Array(7) };

    const { kept } = await answered({ turn: { ...turn, previous }, request });

    expect(kept).toEqual([
      {
        id: 'new',
        owner: key.hash,
        createdAt: NOW,
        expiresAt: NOW + 1000,
        earlier: ['zero', 'one'],
        bytes: 22,
        input: [
          {
            type: 'message',
            id: 'msg_01testcall00000000000000000',
            role: 'user',
            content: [{ type: 'input_text', text: 'Hi' }],
          },
        ],
        response: { id: 'new', previous_response_id: 'one' },
        model: 'gpt',
      },
    ]);
  });

  it('notes the deployment whose provider keeps it too', async () => {
    const target = { deployment: aDeployment({ id: 'd' }), model: 'gpt' };
    expect((await answered({ turn, target, keptUpstream: true })).kept).toMatchObject([{ deploymentId: 'd' }]);
    expect((await answered({ turn, target, keptUpstream: false })).kept[0]?.deploymentId).toBeUndefined();
  });

  it.each([
    ['says store: false', { turn: { ...turn, asSent: { store: false } } }, {}, {}],
    ['is of another dialect', {}, {}, {}],
    ['comes when nothing is kept', { turn }, { ttlMs: 0 }, {}],
    ['gets an answer without an id', { turn }, {}, { id: 7 }],
  ])('keeps nothing when the request %s', async (_name, over, deps, response) => {
    expect((await answered(over, deps, { id: 'new', ...response })).kept).toEqual([]);
  });

  it('lets the answer through when the store fails, and says so', async () => {
    const store = { ...open().conversations, put: () => Promise.reject(new Error('away')) };
    const { reply, exchange, lines } = await answered({ turn }, { store });
    expect(reply.status).toBe(200);
    expect(exchange.warnings).toMatchObject([{ kind: 'dropped', field: 'store' }]);
    expect(lines).toEqual(['a response could not be kept']);
  });
});
