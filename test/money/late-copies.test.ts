/**
 * A write that was given up as lost and sent again can still arrive, seconds later, when its call is long settled. Every write of a call
 * does so here, over the SDK's own way and over the short one: nothing is booked twice, nothing is left open.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMeter } from '../../lib/money/shards.ts';
import { budgetMeter } from '../../lib/domain/budget.ts';
import { DYNAMO_HTTP, open } from '../../lib/stores/dynamodb/index.ts';
import type { SdkClient } from '../../lib/stores/dynamodb/sdk-client.ts';
import { createHttpClient } from '../../lib/transport/http.ts';
import { clientFor, NAMES, startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { NOW } from '../support/exchange.ts';
import { aCall, aCappedKey, admitOn, answering, booksOf, keep, MUCH_LATER, TOKEN, used } from './calls.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

/** A client whose call with this number is given up once, and arrives when `deliver` says so. */
function patientClient(at: number, isShort: boolean): { readonly client: SdkClient; readonly deliver: () => Promise<void> } {
  const over = isShort ? { http: createHttpClient({ ...DYNAMO_HTTP, now: Date.now }) } : {};
  const client = clientFor(emulator.endpoint, { maxAttempts: 3, ...over });
  const copies: (() => Promise<unknown>)[] = [];
  let calls = 0;
  client.middlewareStack.add(
    (next) => async (args) => {
      if (calls++ !== at) return next(args);
      copies.push(() => next(args));
      throw Object.assign(new Error('no answer'), { name: 'TimeoutError' });
    },
    { step: 'finalizeRequest', priority: 'low', name: 'copies' },
  );
  return { client, deliver: async () => void (await Promise.allSettled(copies.map((send) => send()))) };
}

describe.each([
  ['the SDK', false],
  ['the short way', true],
])('a copy that comes late over %s', (_, isShort) => {
  it('changes nothing, whichever write it is of', async () => {
    // Three holds, the entry, three settlements.
    for (let at = 0; at < 7; at++) {
      const key = aCappedKey({ maxBudget: TOKEN * 100n, maxParallelRequests: 3, rpmLimit: 100 });
      const { client, deliver } = patientClient(at, isShort);
      const exchange = aCall(key, 10);
      const reply = await admitOn(open(client, NAMES))(exchange, answering(exchange, used(6)));
      await reply.done;

      await deliver();
      client.destroy();

      const books = await booksOf(emulator.stores, key);
      expect(books, `write ${at}`).toMatchObject({ committed: TOKEN * 6n, openHolds: 0, slots: 0n, ledger: TOKEN * 6n });
    }
  });

  it('is of a hold that was refused elsewhere, and changes nothing either', async () => {
    for (let at = 0; at < 2; at++) {
      const key = aCappedKey({ maxBudget: TOKEN * 100n, maxParallelRequests: 0 });
      const { client, deliver } = patientClient(at, isShort);
      const exchange = aCall(key, 10);
      await expect(admitOn(open(client, NAMES))(exchange, answering(exchange, used(6)))).rejects.toThrow('parallel');

      await deliver();
      client.destroy();

      expect(await booksOf(emulator.stores, key), `write ${at}`).toMatchObject({ committed: 0n, openHolds: 0, slots: 0n });
    }
  });

  it('is remembered until it cannot come any more', async () => {
    const key = aCappedKey({ maxBudget: TOKEN * 100n });
    const { client, deliver } = patientClient(0, isShort);
    const exchange = aCall(key, 10);
    const reply = await admitOn(open(client, NAMES))(exchange, answering(exchange, used(6)));
    await reply.done;
    const { meter } = budgetMeter(key, NOW);

    await keep(emulator.stores, NOW + 1_000);
    expect((await readMeter(emulator.stores.meters, meter))?.buried).toHaveLength(1);
    await deliver();
    client.destroy();
    await keep(emulator.stores, MUCH_LATER);

    expect(await readMeter(emulator.stores.meters, meter)).toMatchObject({ committed: { usd: TOKEN * 6n }, holds: [] });
    expect((await readMeter(emulator.stores.meters, meter))?.buried ?? []).toEqual([]);
  });
});
