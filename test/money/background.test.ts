/** Work in the background under faults: whatever happens to it, its hold is settled once and its response ends. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VirtualKey } from '../../lib/domain/key.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Exchange, Outcome, Reply } from '../../lib/exchange.ts';
import { readerOf } from '../../lib/policies/conversation.ts';
import { answerStored } from '../../lib/responses/stored-responses.ts';
import type { ConversationStore } from '../../lib/stores/conversations.ts';
import { startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { NOW } from '../support/exchange.ts';
import { aBackgroundCall, answeringInBackground, cutShort, runInBackground } from './background-calls.ts';
import { aCappedKey, booksOf, keep, TOKEN, used } from './calls.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

const CAP = TOKEN * 100n;
const HELD = TOKEN * 10n;

/** A call of a key that nobody else has. */
function aCallOf(over: Partial<Exchange> = {}) {
  const key = aCappedKey({ maxBudget: CAP, maxParallelRequests: 2 });
  return { key, ...aBackgroundCall(key, over) };
}

const run = (exchange: Exchange, provider: () => Promise<Reply>, faults: Partial<ConversationStore> = {}): Promise<Reply> =>
  runInBackground(emulator.stores, exchange, provider, faults);

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
    const { key, exchange } = aCallOf();
    const { promise: outcome, resolve: finish } = Promise.withResolvers<Outcome>();
    const reply = await run(exchange, answeringInBackground(exchange, outcome));

    expect(await seen(exchange)).toMatchObject({ status: 'in_progress' });
    expect(await booksOf(emulator.stores, key)).toMatchObject({ committed: HELD, held: HELD, entries: [] });
    finish(used(4));
    await reply.done;

    expect(await seen(exchange)).toMatchObject({ status: 'completed' });
    await settled(key, 4n);
  });

  it('is what was written until it was cancelled, or deleted', async () => {
    for (const end of ['cancel', 'delete'] as const) {
      const { key, exchange, id } = aCallOf();
      const reply = await run(exchange, answeringInBackground(exchange, cutShort(exchange, 3)));
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
      const { key, exchange } = aCallOf();
      const { promise: outcome, resolve: finish } = Promise.withResolvers<Outcome>();
      const reply = await run(exchange, answeringInBackground(exchange, outcome));
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
    const { key, exchange } = aCallOf();
    const reply = await run(exchange, answeringInBackground(exchange, cutShort(exchange, 2)));
    exchange.life.end(new GatewayError('timeout', 'Too long.'));
    await reply.done;
    expect(await seen(exchange)).toMatchObject({ status: 'failed' });
    await settled(key, 2n);
  });

  it('is nothing when the provider refuses', async () => {
    const { key, exchange } = aCallOf();
    const reply = await run(exchange, () => Promise.reject(new GatewayError('invalid_request', 'No such thing.')));
    await reply.done;
    expect(await seen(exchange)).toMatchObject({ status: 'failed', error: { message: 'No such thing.' } });
    await settled(key, 0n);
  });

  it('goes through the keeper when the process is killed, and the response reads as failed', async () => {
    const { key, exchange } = aCallOf();
    const json = JSON.stringify(key, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    const script = fileURLToPath(new URL('lost-background.ts', import.meta.url));
    const child = spawn(process.execPath, [script, emulator.endpoint, json], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    const [id] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const lost = { ...exchange, id };
    expect(await seen(lost)).toMatchObject({ status: 'in_progress' });
    child.kill('SIGKILL');
    await exit;

    expect(await seen(lost, exchange.deadline + 60_000)).toMatchObject({ status: 'failed', error: { code: 'server_error' } });
    await Promise.all([keep(emulator.stores), keep(emulator.stores)]);
    await settled(key, 10n);
  });

  it.each(['begin', 'put'] as const)('is given back when the store fails to %s: nothing is called', async (step) => {
    const { key, exchange } = aCallOf();
    let called = false;
    const provider = () => ((called = true), away());
    await expect(run(exchange, provider, { [step]: away })).rejects.toThrow('away');
    expect(called).toBe(false);
    await settled(key, 0n);
  });

  it.each(['decide', 'fate'] as const)('is settled when the store fails to %s later on', async (step) => {
    const { key, exchange } = aCallOf();
    const reply = await run(exchange, answeringInBackground(exchange, used(6)), { [step]: away });
    await reply.done;
    const status = step === 'fate' ? 'completed' : 'failed';
    expect(await seen(exchange, exchange.deadline + 60_000)).toMatchObject({ status });
    await settled(key, 6n);
  });

  it('is settled when the store keeps no events, and the response is there without them', async () => {
    const { key, exchange } = aCallOf({ turn: { asSent: {}, added: [], background: { streams: true } } });
    const reply = await run(exchange, answeringInBackground(exchange, used(6)), { append: away });
    const [live] = await Promise.all([Array.fromAsync(reply.body as AsyncIterable<Uint8Array>), reply.done]);
    expect(Buffer.concat(live).toString()).toContain('response.completed');
    expect(await seen(exchange)).toMatchObject({ status: 'completed' });
    await settled(key, 6n);
  });

  it('is settled when the store keeps the draft and not the end; a fault that passes does no harm', async () => {
    for (const faults of [1, 9]) {
      const { key, exchange } = aCallOf();
      const { conversations } = emulator.stores;
      let puts = 0;
      const failing: ConversationStore['put'] = (stored) =>
        puts++ > 0 && puts <= 1 + faults ? away() : conversations.put(stored);
      const reply = await run(exchange, answeringInBackground(exchange, used(7)), { put: failing });
      await reply.done;
      const status = faults === 1 ? 'completed' : 'failed';
      expect(await seen(exchange, exchange.deadline + 60_000)).toMatchObject({ status });
      await settled(key, 7n);
    }
  });
});
