/**
 * Calls of one process that come together, over real writes: what they ask of the database travels together, and fails together. Whatever
 * happens in between, each call is counted once, and the caps hold.
 */
import { ConditionalCheckFailedException, type BatchExecuteStatementCommandOutput } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../lib/errors.ts';
import { open } from '../../lib/stores/dynamodb/index.ts';
import { clientFor, NAMES, startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { startFaultyNetwork, type NetworkFault } from '../support/faulty-network.ts';
import { aCall, aCappedKey, admitOn, answering, booksOf, joined, keep, TOKEN, used } from './calls.ts';
import { faultyClient, FAULTS, type Plan } from './faulty-client.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

type Client = ReturnType<typeof clientFor>;

const CALLS = 5;
const ANSWERED = TOKEN * 6n;
const HELD = TOKEN * 10n;
const LIMITS = { maxBudget: TOKEN * 1_000n, maxParallelRequests: 30, rpmLimit: 100, tpmLimit: 100_000 };

/** What became of a call: it was not let in, or it was answered. */
type Ending = GatewayError | 'answered';

/** Calls of a fresh key at once, all in one process. */
async function crowdOn(client: Client, calls = CALLS, limits: Parameters<typeof aCappedKey>[0] = LIMITS) {
  const key = aCappedKey(limits);
  const policy = admitOn(joined(open(client, NAMES)));
  const endings = await Promise.all(
    Array.from({ length: calls }, async (): Promise<Ending> => {
      const exchange = aCall(key, 10);
      try {
        const reply = await policy(exchange, answering(exchange, used(6)));
        await reply.done;
        return 'answered';
      } catch (error) {
        if (error instanceof GatewayError) return error;
        throw error;
      }
    }),
  );
  return { key, endings };
}

/** The same under a plan of faults. */
async function crowdUnder(plan: Plan | undefined, maxAttempts = 1) {
  const faulty = faultyClient(emulator.endpoint, plan, maxAttempts);
  const crowd = await crowdOn(faulty.client);
  faulty.client.destroy();
  return { ...crowd, requests: faulty.calls() };
}

/** Requests of an undisturbed crowd: for each of three meters a hold, the holds of all others, and the same of settlements; the entries. */
const STEPS = 16;
/** How many there are at least. */
const FEWEST_STEPS = 13;
/** What they would be without company. */
const REQUESTS_OF_ONE = 7;

describe('a crowd of calls in one process', () => {
  it('asks the database for far less than its calls would one by one', async () => {
    const { key, endings, requests } = await crowdUnder(undefined);

    expect(endings).toEqual(Array.from({ length: CALLS }, () => 'answered'));
    expect(requests).toBeLessThan((REQUESTS_OF_ONE * CALLS * 2) / 3);
    const total = ANSWERED * BigInt(CALLS);
    expect(await booksOf(emulator.stores, key)).toMatchObject({
      committed: total,
      ledger: total,
      held: 0n,
      openHolds: 0,
      slots: 0n,
    });
  });

  for (const fault of FAULTS) {
    for (const times of [1, 1_000]) {
      it(`is counted once each when the store fails ${times === 1 ? 'once' : 'for good'} (${fault}), whichever step it is`, async () => {
        const runs = await Promise.all(Array.from({ length: STEPS }, (_, at) => crowdUnder({ at, times, fault })));
        await Promise.all([keep(emulator.stores), keep(emulator.stores)]);
        await keep(emulator.stores);

        for (const [at, { key, endings }] of runs.entries()) {
          const books = await booksOf(emulator.stores, key);
          const step = `fault at step ${at}`;
          expect(books, step).toMatchObject({ held: 0n, openHolds: 0, slots: 0n });
          expect(books.committed, step).toBe(books.ledger);
          expect(new Set(books.entries.map(({ id }) => id)).size, step).toBe(books.entries.length);
          const answered = endings.filter((ending) => ending === 'answered').length;
          for (const ending of endings) if (ending !== 'answered') expect(ending.kind, step).toBe('overloaded');
          const costs = books.entries.map(({ cost }) => cost).filter((cost) => cost !== 0n);
          if (times === 1) expect(costs, step).toEqual(Array.from({ length: answered }, () => ANSWERED));
          // With the store gone for good, a call that was being let in looks like one that was lost.
          for (const cost of costs) expect([ANSWERED, HELD], step).toContain(cost);
        }
      });
    }
  }

  it("is let in and counted once where the client's own repeats can mend it", async () => {
    const runs = await Promise.all(
      (['before', 'after', 'throttled'] as const).flatMap((fault) =>
        Array.from({ length: STEPS }, (_, at) => crowdUnder({ at, times: 1, fault }, 3)),
      ),
    );

    const total = ANSWERED * BigInt(CALLS);
    for (const { key, endings } of runs) {
      expect(endings).toEqual(Array.from({ length: CALLS }, () => 'answered'));
      expect(await booksOf(emulator.stores, key)).toMatchObject({
        committed: total,
        ledger: total,
        held: 0n,
        openHolds: 0,
        slots: 0n,
      });
    }
  });

  it('is not counted again by a copy that comes late, whichever write it is of', async () => {
    for (let at = 0; at < STEPS; at++) {
      const client = clientFor(emulator.endpoint, { maxAttempts: 3 });
      const copies: (() => Promise<unknown>)[] = [];
      let requests = 0;
      client.middlewareStack.add(
        (next) => async (args) => {
          if (requests++ !== at) return next(args);
          copies.push(() => next(args));
          throw Object.assign(new Error('no answer'), { name: 'TimeoutError' });
        },
        { step: 'finalizeRequest', priority: 'low', name: 'copies' },
      );
      const { key, endings } = await crowdOn(client);
      const late = await Promise.allSettled(copies.map((send) => send()));
      client.destroy();

      expect(endings).toEqual(Array.from({ length: CALLS }, () => 'answered'));
      if (at < FEWEST_STEPS) expect(late, `write ${at}`).toHaveLength(1);
      const total = ANSWERED * BigInt(CALLS);
      expect(await booksOf(emulator.stores, key), `write ${at}`).toMatchObject({
        committed: total,
        ledger: total,
        held: 0n,
        openHolds: 0,
        slots: 0n,
      });
    }
  });

  it('gets in as far as the cap goes and not further, and is refused as a single call is', async () => {
    const client = clientFor(emulator.endpoint);
    const { key, endings } = await crowdOn(client, 40, { maxBudget: TOKEN * 1_000n, rpmLimit: 7 });
    const single = aCall(key, 10);
    const refusal = await admitOn(open(client, NAMES))(single, answering(single, used(6))).then(
      () => undefined,
      (error: unknown) => error as GatewayError,
    );
    client.destroy();

    const refused = endings.filter((ending) => ending !== 'answered');
    expect(endings.filter((ending) => ending === 'answered')).toHaveLength(7);
    expect(refused).toHaveLength(33);
    const told = ({ kind, status, message }: GatewayError) => ({
      kind,
      status,
      message: message.replace(/\d+ used, \d+ held/, (figures) =>
        String(figures.match(/\d+/g)?.reduce((sum, n) => sum + Number(n), 0)),
      ),
    });
    expect(new Set(refused.map((error) => JSON.stringify(told(error))))).toEqual(
      new Set([JSON.stringify(told(refusal as GatewayError))]),
    );
    expect(await booksOf(emulator.stores, key)).toMatchObject({
      committed: ANSWERED * 7n,
      ledger: ANSWERED * 7n,
      openHolds: 0,
    });
  });

  it('spends a budget to the last call that fits', async () => {
    const client = clientFor(emulator.endpoint);
    const key = aCappedKey({ maxBudget: TOKEN * 70n });
    const policy = admitOn(joined(open(client, NAMES)));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 30 }, async () => {
        const exchange = aCall(key, 10);
        const reply = await policy(exchange, answering(exchange, used(10)));
        await reply.done;
      }),
    );
    client.destroy();

    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(7);
    expect(await booksOf(emulator.stores, key)).toMatchObject({ committed: TOKEN * 70n, ledger: TOKEN * 70n, openHolds: 0 });
  });

  it('leaves nothing of those whose callers leave before the answer', async () => {
    const client = clientFor(emulator.endpoint);
    const key = aCappedKey(LIMITS);
    const policy = admitOn(joined(open(client, NAMES)));
    await Promise.allSettled(
      Array.from({ length: 9 }, async (_, place) => {
        const exchange = aCall(key, 10);
        const leave = async (): Promise<never> => {
          throw new GatewayError('client_closed', 'the client left');
        };
        const reply = await policy(exchange, place % 2 === 0 ? leave : answering(exchange, used(6)));
        await reply.done;
      }),
    );
    client.destroy();

    expect(await booksOf(emulator.stores, key)).toMatchObject({
      committed: ANSWERED * 4n,
      ledger: ANSWERED * 4n,
      openHolds: 0,
      slots: 0n,
    });
  });
});

describe('entries of a crowd', () => {
  /** Calls whose batch of entries comes back as a test says. */
  async function crowdWhose(answer: (output: BatchExecuteStatementCommandOutput) => void) {
    const client = clientFor(emulator.endpoint, { maxAttempts: 1 });
    let batches = 0;
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        if (!('Statements' in args.input)) return result;
        batches++;
        answer(result.output as BatchExecuteStatementCommandOutput);
        return result;
      },
      { step: 'initialize', name: 'batches' },
    );
    const crowd = await crowdOn(client);
    client.destroy();
    return { ...crowd, batches: () => batches };
  }
  const total = ANSWERED * BigInt(CALLS);

  for (const [what, code] of [
    ['were not taken for want of capacity', 'ThrottlingError'],
    ['may have been taken', 'InternalServerError'],
    ['are said to be there already', 'DuplicateItem'],
  ] as const) {
    it(`are all in the ledger, once, when half of a batch ${what}`, async () => {
      const { key, endings, batches } = await crowdWhose(({ Responses = [] }) => {
        for (const [place, response] of Responses.entries()) if (place % 2 === 0) response.Error = { Code: code };
      });

      expect(batches()).toBeGreaterThan(0);
      expect(endings).toEqual(Array.from({ length: CALLS }, () => 'answered'));
      const books = await booksOf(emulator.stores, key);
      expect(books).toMatchObject({ committed: total, ledger: total, held: 0n, openHolds: 0 });
      expect(books.entries).toHaveLength(CALLS);
    });
  }

  it('go one by one where the service does not take them together', async () => {
    const { key, endings, batches } = await crowdWhose(() => {
      throw new ConditionalCheckFailedException({ message: 'not in this way', $metadata: {} });
    });

    expect(batches()).toBeGreaterThan(0);
    expect(endings).toEqual(Array.from({ length: CALLS }, () => 'answered'));
    expect(await booksOf(emulator.stores, key)).toMatchObject({ committed: total, ledger: total, held: 0n, openHolds: 0 });
  });

  it('give way to what the keeper booked in the meantime', async () => {
    const client = clientFor(emulator.endpoint);
    let isBooked = false;
    client.middlewareStack.add(
      (next) => async (args) => {
        if ('Statements' in args.input && !isBooked) {
          isBooked = true;
          await keep(emulator.stores);
        }
        return next(args);
      },
      { step: 'initialize', name: 'keeper' },
    );
    const { key } = await crowdOn(client);
    client.destroy();

    const books = await booksOf(emulator.stores, key);
    expect(books.entries.filter(({ status }) => status === 'expired').length).toBeGreaterThan(1);
    expect(books).toMatchObject({ committed: books.ledger, held: 0n, openHolds: 0, slots: 0n });
    expect(books.entries).toHaveLength(CALLS);
  });
});

describe('a crowd over a failing network', () => {
  for (const fault of ['lost', 'cut', 'doubled', 'late'] satisfies NetworkFault[]) {
    it(`is counted once each when a request is ${fault}, whichever it is`, async () => {
      const runs = await Promise.all(
        Array.from({ length: STEPS }, async (_, step) => {
          const network = await startFaultyNetwork(emulator.endpoint, ({ at }) => (at === step ? fault : undefined));
          const client = clientFor(network.url, { timeoutMs: 250 });
          const crowd = await crowdOn(client);
          client.destroy();
          await network.close();
          return crowd;
        }),
      );
      await keep(emulator.stores);

      const total = ANSWERED * BigInt(CALLS);
      for (const [step, { key, endings }] of runs.entries()) {
        expect(endings, `step ${step}`).toEqual(Array.from({ length: CALLS }, () => 'answered'));
        const books = await booksOf(emulator.stores, key);
        expect(books, `step ${step}`).toMatchObject({ committed: total, ledger: total, held: 0n, openHolds: 0, slots: 0n });
        expect(books.entries, `step ${step}`).toHaveLength(CALLS);
      }
    });
  }
});
