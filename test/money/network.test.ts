/**
 * The network to the store fails under real clients and a real protocol: requests are lost, their answers are lost, they arrive twice, or
 * long after they were given up. The client repeats them by itself; the books must not notice.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '../../lib/stores/dynamodb/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { clientFor, NAMES, newClientFor, sdkClientFor, startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { startFaultyNetwork, type NetworkFault, type Passing } from '../support/faulty-network.ts';
import { aCall, aCappedKey, admitOn, answering, booksOf, keep, TOKEN, used } from './calls.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

const FAULTS: readonly NetworkFault[] = ['lost', 'cut', 'doubled', 'late'];
/** Calls of the store that an undisturbed call makes: three holds, the entry, three settlements. */
const STEPS = 7;
/** A try is given up after this time, milliseconds: long for the emulator, short for a test. */
const TIMEOUT_MS = 250;
const ANSWERED = TOKEN * 6n;

/** The client as the gateway has it, as it begins in a new environment, and the SDK alone. */
const CLIENTS = {
  'the short way': (url: string) => clientFor(url, { timeoutMs: TIMEOUT_MS }),
  'a new environment': (url: string) => newClientFor(url, { timeoutMs: TIMEOUT_MS }),
  'the SDK': (url: string) => sdkClientFor(url, { timeoutMs: TIMEOUT_MS }),
} as const;

/** A call of a fresh key. */
async function callOf(stores: Stores) {
  const key = aCappedKey({ maxBudget: TOKEN * 100n, maxParallelRequests: 3, rpmLimit: 100, tpmLimit: 10_000 });
  const exchange = aCall(key, 10);
  return { key, reply: await admitOn(stores)(exchange, answering(exchange, used(6))) };
}

/**
 * One call over such a network, and what the books say when all is quiet. With `kept`, another call has gone before it, which `plan` does not
 * see: so there are kept connections.
 */
async function callOver(
  plan: (passing: Passing) => NetworkFault | Promise<unknown> | undefined,
  way: keyof typeof CLIENTS,
  kept = false,
) {
  let before = kept ? STEPS : 0;
  const network = await startFaultyNetwork(emulator.endpoint, ({ operation, at }) =>
    at < before ? undefined : plan({ operation, at: at - before }),
  );
  const client = CLIENTS[way](network.url);
  const stores = open(client, NAMES);
  if (kept) await (await callOf(stores)).reply.done;
  await turn(); // until its connections are free
  before = network.seen.length;
  const { key, reply } = await callOf(stores);
  return {
    key,
    reply,
    seen: network.seen,
    end: async (): Promise<void> => {
      await reply.done;
      client.destroy();
      await network.close();
    },
  };
}

for (const way of Object.keys(CLIENTS) as (keyof typeof CLIENTS)[]) {
  describe(`a call over a failing network (${way})`, () => {
    for (const fault of FAULTS) {
      it(`is counted once when a request is ${fault}, whichever it is`, async () => {
        const runs = await Promise.all(
          Array.from({ length: STEPS }, (_, step) => callOver(({ at }) => (at === step ? fault : undefined), way)),
        );
        await Promise.all(runs.map(({ end }) => end()));
        await keep(emulator.stores);

        for (const [step, { key, seen }] of runs.entries()) {
          const books = await booksOf(emulator.stores, key);
          expect(books, `step ${step}`).toMatchObject({
            committed: ANSWERED,
            ledger: ANSWERED,
            held: 0n,
            openHolds: 0,
            slots: 0n,
          });
          expect(books.entries, `step ${step}`).toHaveLength(1);
          if (fault === 'doubled') continue;
          expect(seen.length, `step ${step}`).toBeGreaterThan(STEPS);
        }
      });
    }

    it('is counted once when a kept connection breaks and its request arrives when all is over, whichever it is', async () => {
      const runs = await Promise.all(
        Array.from({ length: STEPS }, (_, step) => callOver(({ at }) => (at === step ? 'severed' : undefined), way, true)),
      );
      await Promise.all(runs.map(({ end }) => end()));
      await keep(emulator.stores);

      for (const [step, { key }] of runs.entries()) {
        const books = await booksOf(emulator.stores, key);
        expect(books, `step ${step}`).toMatchObject({ committed: ANSWERED, ledger: ANSWERED, openHolds: 0, slots: 0n });
        expect(books.entries, `step ${step}`).toHaveLength(1);
      }
    });
  });
}

describe('a call whose settlement the store holds up', () => {
  it('has been answered to its last byte by then', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const { reply, end, key, seen } = await callOver(
      ({ operation }) => (operation === 'PutItem' ? held : undefined),
      'the short way',
    );
    let done = false;
    const settled = reply.done.then(() => (done = true));

    const body = reply.body as AsyncIterable<Uint8Array>;
    for await (const chunk of body) expect(chunk).toBeInstanceOf(Uint8Array);

    expect(done).toBe(false);
    expect(seen.filter((operation) => operation === 'UpdateItem')).toHaveLength(3);
    release();
    await settled;
    await end();
    expect(await booksOf(emulator.stores, key)).toMatchObject({ committed: ANSWERED, held: 0n, openHolds: 0 });
  });
});
