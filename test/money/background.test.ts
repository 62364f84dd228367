/** Work in the background under faults: whatever happens to it, its hold is settled once and its response ends. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VirtualKey } from '../../lib/domain/key.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Exchange, Outcome, Reply } from '../../lib/exchange.ts';
import { compose } from '../../lib/pipeline.ts';
import { background, type BackgroundDeps } from '../../lib/policies/background.ts';
import { readerOf, remember } from '../../lib/policies/conversation.ts';
import { followResponse } from '../../lib/response-follower.ts';
import { answerStored } from '../../lib/stored-responses.ts';
import type { ConversationStore } from '../../lib/stores/conversations.ts';
import { startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { NOW } from '../support/exchange.ts';
import { aCall, aCappedKey, admitOn, aTarget, booksOf, keep, TOKEN, used } from './calls.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

const CAP = TOKEN * 100n;
const HELD = TOKEN * 10n;

const frame = (type: string, id: string, fields: object = {}): Uint8Array =>
  Buffer.from(
    `data: ${JSON.stringify({ type, response: { id, background: true, status: 'in_progress', output: [], ...fields } })}\n\n`,
  );

/** A call in the background whose provider a test plays. */
function aBackgroundCall(over: Partial<Exchange> = {}) {
  const key = aCappedKey({ maxBudget: CAP, maxParallelRequests: 2 });
  const controller = new AbortController();
  const exchange = aCall(key, 10, {
    dialect: 'openai-responses',
    turn: { asSent: {}, added: [], background: { streams: false } },
    signal: controller.signal,
    life: { outlive: () => {}, end: (reason) => controller.abort(reason) },
    ...over,
  });
  return { key, exchange, id: `resp_${exchange.id}` };
}

/** The provider: streams a response of this many tokens. */
const answering = (exchange: Exchange, outcome: Outcome | Promise<Outcome>) => async (): Promise<Reply> => {
  exchange.target = aTarget();
  async function* body(): AsyncGenerator<Uint8Array> {
    yield frame('response.created', `resp_${exchange.id}`);
    if ((await outcome).status === 'success') yield frame('response.completed', `resp_${exchange.id}`, { status: 'completed' });
  }
  return { status: 200, headers: {}, body: body(), done: Promise.resolve(outcome) };
};

/** Answers when the exchange's signal aborts, as the relay does. */
const cutShort = (exchange: Exchange, tokens: number): Promise<Outcome> =>
  new Promise((resolve) => {
    exchange.signal.addEventListener('abort', () => resolve(used(tokens, 'aborted')));
  });

/** Runs the call; `faults` replace steps of the store. The watch wakes as often as the event loop turns. */
function run(exchange: Exchange, provider: () => Promise<Reply>, faults: Partial<ConversationStore> = {}): Promise<Reply> {
  const store = { ...emulator.stores.conversations, ...faults };
  const conversations: Omit<BackgroundDeps, 'told'> = {
    store,
    ttlMs: 10_000_000,
    follow: followResponse,
    sleep: () => new Promise((done) => setTimeout(done, 1)),
    now: () => NOW,
    log: () => {},
  };
  const told = (_: Exchange, error?: GatewayError): Uint8Array =>
    error === undefined
      ? frame('response.created', '')
      : frame('response.failed', '', { status: 'failed', error: { code: 'x', message: error.message } });
  const policies = [
    remember({ ...conversations, record: async (reply) => reply }),
    admitOn(emulator.stores),
    background({ ...conversations, told }),
  ];
  return compose(policies, provider)(exchange);
}

/** What the client is told of the response, at this moment. */
const seen = (exchange: Exchange, now = NOW, rest = '') =>
  answerStored(emulator.stores.conversations, {
    method: rest === '' ? 'GET' : 'POST',
    route: `/v1/responses/{id}${rest}`,
    id: `resp_${exchange.id}`,
    query: new URLSearchParams(),
    reader: readerOf(exchange, now),
  });

const settled = (key: VirtualKey, tokens: bigint) =>
  expect(booksOf(emulator.stores, key)).resolves.toMatchObject({
    committed: TOKEN * tokens,
    held: 0n,
    openHolds: 0,
    slots: 0n,
    ledger: TOKEN * tokens,
    entries: [expect.anything()],
  });

const away = (): Promise<never> => Promise.reject(new Error('away'));

describe('money of a response in the background', () => {
  it('is held when the client gets its id, and settled when the work is done', async () => {
    const { key, exchange } = aBackgroundCall();
    const { promise: outcome, resolve: finish } = Promise.withResolvers<Outcome>();
    const reply = await run(exchange, answering(exchange, outcome));

    expect(await seen(exchange)).toMatchObject({ status: 'in_progress' });
    expect(await booksOf(emulator.stores, key)).toMatchObject({ committed: HELD, held: HELD, entries: [] });
    finish(used(4));
    await reply.done;

    expect(await seen(exchange)).toMatchObject({ status: 'completed' });
    await settled(key, 4n);
  });

  it('is what was written until it was cancelled, or deleted', async () => {
    for (const end of ['cancel', 'delete'] as const) {
      const { key, exchange, id } = aBackgroundCall();
      const reply = await run(exchange, answering(exchange, cutShort(exchange, 3)));
      if (end === 'cancel') expect(await seen(exchange, NOW, '/cancel')).toMatchObject({ status: 'cancelled' });
      else await emulator.stores.conversations.delete(id, readerOf(exchange, NOW));
      await reply.done;

      if (end === 'cancel') expect(await seen(exchange)).toMatchObject({ status: 'cancelled' });
      else await expect(seen(exchange)).rejects.toMatchObject({ status: 404 });
      await settled(key, 3n);
    }
  });

  it('is all of it when the end and the cancellation race, and both sides say the same of the response', async () => {
    for (let round = 0; round < 10; round++) {
      const { key, exchange } = aBackgroundCall();
      const { promise: outcome, resolve: finish } = Promise.withResolvers<Outcome>();
      const reply = await run(exchange, answering(exchange, outcome));
      const cancelling = seen(exchange, NOW, '/cancel');
      finish(used(5));
      await Promise.all([cancelling, reply.done]);

      const told = (await cancelling)['status'];
      const final = (await seen(exchange))['status'];
      expect(final).toBe(told === 'cancelled' ? 'cancelled' : 'completed');
      await settled(key, 5n);
    }
  });

  it('is what was written until the deadline, or the provider broke off', async () => {
    const { key, exchange } = aBackgroundCall();
    const reply = await run(exchange, answering(exchange, cutShort(exchange, 2)));
    exchange.life.end(new GatewayError('timeout', 'Too long.'));
    await reply.done;
    expect(await seen(exchange)).toMatchObject({ status: 'failed' });
    await settled(key, 2n);
  });

  it('is nothing when the provider refuses', async () => {
    const { key, exchange } = aBackgroundCall();
    const reply = await run(exchange, () => Promise.reject(new GatewayError('invalid_request', 'No such thing.')));
    await reply.done;
    expect(await seen(exchange)).toMatchObject({ status: 'failed', error: { message: 'No such thing.' } });
    await settled(key, 0n);
  });

  it('goes through the keeper when the process is lost, and the response reads as failed', async () => {
    const { key, exchange } = aBackgroundCall();
    await run(exchange, () => new Promise(() => {}));
    const afterwards = exchange.deadline + 60_000;

    expect(await seen(exchange, afterwards)).toMatchObject({ status: 'failed', error: { code: 'server_error' } });
    await keep(emulator.stores);

    await settled(key, 10n);
  });

  it.each(['begin', 'put'] as const)('is given back when the store fails to %s: nothing is called', async (step) => {
    const { key, exchange } = aBackgroundCall();
    let called = false;
    const provider = () => ((called = true), away());
    await expect(run(exchange, provider, { [step]: away })).rejects.toThrow('away');
    expect(called).toBe(false);
    await settled(key, 0n);
  });

  it.each(['decide', 'fate'] as const)('is settled when the store fails to %s later on', async (step) => {
    const { key, exchange } = aBackgroundCall();
    const reply = await run(exchange, answering(exchange, used(6)), { [step]: away });
    await reply.done;
    const status = step === 'fate' ? 'completed' : 'failed';
    expect(await seen(exchange, exchange.deadline + 60_000)).toMatchObject({ status });
    await settled(key, 6n);
  });

  it('is settled when the store keeps no events, and the response is there without them', async () => {
    const { key, exchange } = aBackgroundCall({ turn: { asSent: {}, added: [], background: { streams: true } } });
    const reply = await run(exchange, answering(exchange, used(6)), { append: away });
    const [live] = await Promise.all([Array.fromAsync(reply.body as AsyncIterable<Uint8Array>), reply.done]);
    expect(Buffer.concat(live).toString()).toContain('response.completed');
    expect(await seen(exchange)).toMatchObject({ status: 'completed' });
    await settled(key, 6n);
  });

  it('is settled when the store keeps the draft and not the end; a fault that passes does no harm', async () => {
    for (const faults of [1, 9]) {
      const { key, exchange } = aBackgroundCall();
      const { conversations } = emulator.stores;
      let puts = 0;
      const failing: ConversationStore['put'] = (stored) =>
        puts++ > 0 && puts <= 1 + faults ? away() : conversations.put(stored);
      const reply = await run(exchange, answering(exchange, used(7)), { put: failing });
      await reply.done;
      const status = faults === 1 ? 'completed' : 'failed';
      expect(await seen(exchange, exchange.deadline + 60_000)).toMatchObject({ status });
      await settled(key, 7n);
    }
  });
});
