/**
 * Every write of a call fails in every way a store can fail, once or until the keeper comes. Whatever happens in between, in the end the
 * meter, the ledger and the hold agree, and nothing was counted twice.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../lib/errors.ts';
import { open } from '../../lib/stores/dynamodb/index.ts';
import { NAMES, startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { aCall, aCappedKey, admitOn, answering, booksOf, keep, TOKEN, used } from './calls.ts';
import { faultyClient, FAULTS, type Plan } from './faulty-client.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

const ANSWERED = TOKEN * 6n;
const HELD = TOKEN * 10n;

/** One call of a fresh key under a plan of faults; what the books say then. */
async function callUnder(plan: Plan | undefined, maxAttempts = 1) {
  const key = aCappedKey({ maxBudget: TOKEN * 100n, maxParallelRequests: 3, rpmLimit: 100, tpmLimit: 10_000 });
  const faulty = faultyClient(emulator.endpoint, plan, maxAttempts);
  const exchange = aCall(key, 10);
  let reachedProvider = false;
  const reply = admitOn(open(faulty.client, NAMES))(exchange, () => {
    reachedProvider = true;
    return answering(exchange, used(6))();
  });
  const failure = await reply.then(
    async ({ done }) => void (await done),
    (error: unknown) => error,
  );
  faulty.client.destroy();
  return { key, reachedProvider, failure, calls: faulty.calls(), before: await booksOf(emulator.stores, key) };
}

/** Two keepers at once, and one more. */
async function keepAll(): Promise<void> {
  await Promise.all([keep(emulator.stores), keep(emulator.stores)]);
  await keep(emulator.stores);
}

/** Calls of the store that an undisturbed call makes: three holds, the entry, three settlements. */
const STEPS = 7;

describe('a call under faults of the store', () => {
  it('makes seven calls of the store in three round trips', async () => {
    const { key, before, failure, calls } = await callUnder(undefined);
    await keepAll();

    expect(failure).toBeUndefined();
    expect(calls).toBe(STEPS);
    expect(before).toMatchObject({ committed: ANSWERED, held: 0n, openHolds: 0, slots: 0n, ledger: ANSWERED });
    expect(await booksOf(emulator.stores, key)).toEqual(before);
  });

  for (const fault of FAULTS) {
    for (const times of [1, 2, 1_000]) {
      it(`is counted once when the store fails ${times} times (${fault}), whichever step it is`, async () => {
        const runs = await Promise.all(Array.from({ length: STEPS }, (_, at) => callUnder({ at, times, fault })));
        await keepAll();

        for (const [at, { key, reachedProvider, failure }] of runs.entries()) {
          const step = `fault at step ${at}`;
          const books = await booksOf(emulator.stores, key);
          expect(books, step).toMatchObject({ held: 0n, openHolds: 0, slots: 0n });
          expect(books.committed, step).toBe(books.ledger);
          expect(books.entries.length, step).toBeLessThanOrEqual(1);
          if (reachedProvider) {
            expect(failure, step).toBeUndefined();
            // The true cost, or the hold when even the entry could not be written.
            expect([ANSWERED, HELD], step).toContain(books.committed);
            if (times < 1_000) expect(books.committed, step).toBe(ANSWERED);
          } else {
            expect(failure, step).toBeInstanceOf(GatewayError);
            expect(failure, step).toMatchObject({ kind: 'overloaded', status: 503 });
          }
        }
      });
    }
  }

  it("hides from the caller what the client's own repeats can mend, and counts once", async () => {
    const runs = await Promise.all(
      (['before', 'after', 'throttled'] as const).flatMap((fault) =>
        Array.from({ length: STEPS }, (_, at) => callUnder({ at, times: 1, fault }, 3)),
      ),
    );

    for (const { failure, calls, before } of runs) {
      expect(failure).toBeUndefined();
      expect(calls).toBeGreaterThan(STEPS);
      expect(before).toMatchObject({ committed: ANSWERED, held: 0n, openHolds: 0, slots: 0n, ledger: ANSWERED });
    }
  });

  it('charges nothing for a call that admission failed, as soon as the store takes its entry', async () => {
    const { key, reachedProvider } = await callUnder({ at: 0, times: 1, fault: 'after' });

    expect(reachedProvider).toBe(false);
    const books = await booksOf(emulator.stores, key);
    expect(books.committed).toBe(0n);
    expect(books.entries).toMatchObject([{ status: 'error', cost: 0n, httpStatus: 503 }]);
  });

  it('keeps the hold while the ledger fails, so that the cap holds meanwhile', async () => {
    const { key, before } = await callUnder({ at: 3, times: 1_000, fault: 'before' });
    await keepAll();

    expect(before).toMatchObject({ committed: HELD, held: HELD, openHolds: 2, entries: [] });
    expect(await booksOf(emulator.stores, key)).toMatchObject({
      committed: HELD,
      held: 0n,
      entries: [{ status: 'expired', cost: HELD }],
    });
  });

  it('settles by the entry when only the meters fail', async () => {
    const { key, before } = await callUnder({ at: 4, times: 1_000, fault: 'before' });
    await keepAll();

    expect(before).toMatchObject({ committed: HELD, held: HELD, entries: [{ status: 'success', cost: ANSWERED }] });
    expect(await booksOf(emulator.stores, key)).toMatchObject({
      committed: ANSWERED,
      held: 0n,
      entries: [{ status: 'success', cost: ANSWERED }],
    });
  });
});
