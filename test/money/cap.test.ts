import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../lib/errors.ts';
import { startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { aCall, aCappedKey, admitOn, answering, booksOf, TOKEN, used } from './calls.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

const CALLERS = 1_000;
const PAID_FOR = 300;
const OUTPUT = 10;

describe('a cap', () => {
  it('lets exactly as many of 1,000 parallel requests through as it pays for, and keeps no hold', async () => {
    const key = aCappedKey({ maxBudget: TOKEN * BigInt(PAID_FOR * OUTPUT) });
    const policy = admitOn(emulator.stores);
    let answered = 0;

    const results = await Promise.allSettled(
      Array.from({ length: CALLERS }, async () => {
        const exchange = aCall(key, OUTPUT);
        const reply = await policy(exchange, answering(exchange, used(OUTPUT)));
        await reply.done;
        answered++;
      }),
    );

    const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(answered).toBe(PAID_FOR);
    expect(refusals.every((error) => error instanceof GatewayError && error.kind === 'budget_exceeded')).toBe(true);
    const books = await booksOf(emulator.stores, key);
    expect(books).toMatchObject({ committed: key.maxBudget, held: 0n, openHolds: 0, ledger: key.maxBudget });
    expect(books.entries).toHaveLength(PAID_FOR);
  }, 60_000);

  it('is never overspent while calls cost less than they hold and give room back', async () => {
    const key = aCappedKey({ maxBudget: TOKEN * 200n, maxParallelRequests: 8 });
    const policy = admitOn(emulator.stores);
    let highest = 0n;

    await Promise.allSettled(
      Array.from({ length: 150 }, async (_, caller) => {
        const exchange = aCall(key, OUTPUT);
        const reply = await policy(exchange, async () => {
          const { committed } = await booksOf(emulator.stores, key);
          if (committed > highest) highest = committed;
          return answering(exchange, used(caller % (OUTPUT + 1)))();
        });
        await reply.done;
      }),
    );

    const books = await booksOf(emulator.stores, key);
    expect(highest).toBeLessThanOrEqual(key.maxBudget as bigint);
    expect(books.committed).toBeLessThanOrEqual(key.maxBudget as bigint);
    expect(books).toMatchObject({ held: 0n, openHolds: 0, slots: 0n, ledger: books.committed });
  });
});
