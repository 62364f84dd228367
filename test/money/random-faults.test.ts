/**
 * Many calls of several processes at one cap that is split, over a network that loses, cuts, doubles and delays one request in eight, while
 * some of the processes die: whatever happened, the cap was never passed, the books agree, and the rest of the cap can be spent. Each
 * seed is another row of accidents, which the real protocol does not repeat to the letter. `TOLLGATE_EXPLORE=100` runs that many.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { budgetMeter } from '../../lib/domain/budget.ts';
import { newCallId } from '../../lib/domain/call-id.ts';
import type { VirtualKey } from '../../lib/domain/key.ts';
import { GatewayError } from '../../lib/errors.ts';
import { createShardHints, readMeter } from '../../lib/money/shards.ts';
import { open } from '../../lib/stores/dynamodb/index.ts';
import { NAMES, clientFor, sdkClientFor, startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { NOW } from '../support/exchange.ts';
import { startFaultyNetwork, type NetworkFault } from '../support/faulty-network.ts';
import { aCall, aCappedKey, admitOn, answering, booksOf, keep, TOKEN, used } from './calls.ts';

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

const asked = Number(process.env['TOLLGATE_EXPLORE'] ?? 0);
const SEEDS = Array.from({ length: asked > 0 ? asked : 3 }, (_, index) => index + 1);
const FAULTS: readonly NetworkFault[] = ['lost', 'cut', 'doubled', 'late'];
const [PROCESSES, WAVES, CALLS] = [3, 4, 8];
const LIMIT = 400n;
const SHARDS = 4;
const TIMEOUT_MS = 250;

/** Numbers from 0 to 1 that follow from a seed (mulberry32, public domain). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A process: a client of its own, and what it believes of shards. */
async function aProcess(url: string, key: VirtualKey, random: () => number, index: number) {
  const client = (index % 2 === 0 ? clientFor : sdkClientFor)(url, { timeoutMs: TIMEOUT_MS });
  const hints = createShardHints();
  hints.learn(budgetMeter(key, NOW).meter, SHARDS);
  const policy = admitOn(open(client, NAMES), { hints });
  return {
    end: () => client.destroy(),
    async call(): Promise<'settled' | 'refused' | 'failed' | 'dead'> {
      const [most, share, fate] = [5 + Math.floor(random() * 30), random(), random()];
      const exchange = aCall(key, most, { id: newCallId(NOW) });
      const dies = fate < 0.08;
      try {
        const answer = dies ? new Promise<never>(() => {}) : used(Math.floor(most * share));
        const reply = await policy(exchange, answering(exchange, answer));
        if (dies) return 'dead';
        await reply.done;
        return 'settled';
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        return error.kind === 'overloaded' ? 'failed' : 'refused';
      }
    },
  };
}

describe('a split cap over a network that fails', () => {
  for (const seed of SEEDS) {
    it(`holds, and the books agree (seed ${seed})`, { timeout: 60_000 }, async () => {
      const random = chance(seed);
      const key = aCappedKey({ maxBudget: LIMIT * TOKEN, maxParallelRequests: 1_000 });
      const { meter } = budgetMeter(key, NOW);
      const network = await startFaultyNetwork(emulator.endpoint, () =>
        random() < 0.125 ? FAULTS[Math.floor(random() * FAULTS.length)] : undefined,
      );
      const processes = await Promise.all(
        Array.from({ length: PROCESSES }, (_, index) => aProcess(network.url, key, random, index)),
      );

      const endings: Record<string, number> = {};
      for (let wave = 0; wave < WAVES; wave++) {
        const calls = processes.flatMap((one) => Array.from({ length: CALLS }, () => one.call()));
        for (const ending of await Promise.all(calls)) endings[ending] = (endings[ending] ?? 0) + 1;
        const whole = await readMeter(emulator.stores.meters, meter);
        expect(whole?.committed.usd ?? 0n, `wave ${wave}`).toBeLessThanOrEqual(LIMIT * TOKEN);
      }
      for (const one of processes) one.end();
      await network.close();
      await Promise.all([keep(emulator.stores), keep(emulator.stores)]);
      await keep(emulator.stores);

      const books = await booksOf(emulator.stores, key);
      process.stdout.write(`seed ${seed}: ${network.seen.length} requests, ${JSON.stringify(endings)}\n`);
      expect(books).toMatchObject({ held: 0n, openHolds: 0, slots: 0n });
      expect(books.committed).toBe(books.ledger);
      expect(books.ledger).toBeLessThanOrEqual(LIMIT * TOKEN);

      const rest = Number((LIMIT * TOKEN - books.ledger) / TOKEN);
      const last = aCall(key, rest, { id: newCallId(NOW) });
      if (rest > 0) await (await admitOn(emulator.stores)(last, answering(last, used(rest)))).done;
      const more = aCall(key, 1, { id: newCallId(NOW) });
      await expect(admitOn(emulator.stores)(more, answering(more, used(1)))).rejects.toThrow('Budget has been exceeded');
    });
  }
});
