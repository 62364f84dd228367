/** Calls that need room in several caps at once, when each of them may hold what another one lacks. */
import { describe, expect, it } from 'vitest';
import { newCallId } from '../../lib/domain/call-id.ts';
import { COUNTERS, type Counter, type HoldRequest } from '../../lib/domain/meter.ts';
import { openLease, takeHolds, type AdmissionDeps } from '../../lib/policies/admission.ts';
import { createShardHints, readMeter } from '../../lib/money/shards.ts';
import { open } from '../../lib/stores/memory/index.ts';
import { NOW } from '../support/exchange.ts';

/** Numbers from 0 to 1 that follow from a seed (a linear congruence: enough to vary delays). */
function chance(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
}

const aRequest = (kind: 'key' | 'team' | 'organization', counter: Counter, limit: bigint): HoldRequest => ({
  meter: `${kind}#x#${counter}#total#0`,
  scope: { kind, id: 'x' },
  window: { name: 'total', start: 0 },
  amounts: { [counter]: 10n },
  limits: { [counter]: limit },
  swept: true,
});

/** How many of the calls get in, over a store that takes one to three turns for each operation. */
async function admitted(calls: number, counter: Counter, limit: bigint, seed: number): Promise<number> {
  const random = chance(seed);
  const stores = open();
  const slow =
    <A extends readonly unknown[], R>(step: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      for (let turns = 1 + Math.floor(random() * 3); turns > 0; turns--) await new Promise((done) => setImmediate(done));
      return step(...given);
    };
  const { meters, ledger } = stores;
  const deps: AdmissionDeps = {
    meters: {
      ...meters,
      hold: slow(async (...given) => meters.hold(...given)),
      settle: slow(async (...given) => meters.settle(...given)),
      read: slow(async (id) => meters.read(id)),
    },
    ledger,
    hints: createShardHints(),
    now: () => NOW,
    log: () => {},
    expired: 'hold',
  };
  const requests = (['key', 'team', 'organization'] as const).map((kind) => aRequest(kind, counter, limit));
  const taken = await Promise.all(
    Array.from({ length: calls }, () => takeHolds(deps, requests, openLease(newCallId(NOW), 1, NOW + 120_000))),
  );
  const held = taken.filter(({ type }) => type === 'held').length;
  for (const { meter } of requests) {
    expect((await readMeter(meters, meter))?.committed[counter]).toBe(BigInt(held) * 10n);
  }
  return held;
}

describe('calls that cross each other in three caps', () => {
  for (const [calls, limit, fitting] of [
    [2, 10n, 1],
    [10, 30n, 3],
    [30, 100n, 10],
    [5, 29n, 2],
  ] as const) {
    it(`are let in as long as there is room: ${fitting} of ${calls}`, async () => {
      for (let seed = 1; seed <= 40; seed++) {
        const counter = COUNTERS[seed % COUNTERS.length] as Counter;
        expect(await admitted(calls, counter, limit, seed), `seed ${seed}`).toBe(fitting);
      }
    });
  }
});
