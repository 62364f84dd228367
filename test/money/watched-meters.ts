/**
 * Watches what calls hold and spend, from outside of the store: enough to say of any stretch of time how much could have been committed in a
 * limit at most. A refusal for which that leaves room was wrong.
 */
import { callIdOf } from '../../lib/domain/call-id.ts';
import type { Amounts, HoldRequest } from '../../lib/domain/meter.ts';
import type { Money } from '../../lib/domain/money.ts';
import { meterOfShard } from '../../lib/domain/shard.ts';
import type { MeterStore } from '../../lib/stores/meters.ts';

/** One hold of money, by the order of events. */
interface Watched {
  readonly callId: string;
  readonly amount: Money;
  readonly asked: number;
  isHeld: boolean;
  actual: Money;
  /** When its settlement was asked for, and answered. */
  settling: number;
  settled: number;
}

/** The meters, and what was seen of them. */
export interface WatchedMeters {
  readonly meters: MeterStore;
  /** Meters of money that something was held in. */
  readonly seen: () => readonly string[];
  /** The moment: counts up with every event. */
  now(): number;
  /** When a call last asked in vain for a hold in the meter; undefined when it never did. */
  lastRefusal(meter: string, callId: string): number | undefined;
  /** The most that can have been spent and held in the meter by other calls at any moment from `from` to `to`. 1e-12 USD. */
  atMost(meter: string, callId: string, from: number, to: number): Money;
}

/** Watches these meters. */
export function watchMeters(meters: MeterStore): WatchedMeters {
  const holds = new Map<string, Map<string, Watched>>();
  let moment = 0;
  const familyOf = (item: string): Map<string, Watched> => {
    const root = meterOfShard(item);
    const known = holds.get(root) ?? new Map<string, Watched>();
    holds.set(root, known);
    return known;
  };
  const listOf = (meter: string): readonly Watched[] => [...(holds.get(meter)?.values() ?? [])];

  /** Notes that a hold is asked for; until it is known to have been refused, it may stand. */
  function ask({ meter: item, amounts }: HoldRequest, holdId: string): Watched | undefined {
    const { usd: amount } = amounts;
    if (amount === undefined) return undefined;
    const [asked, never] = [++moment, Infinity];
    const one: Watched = { callId: callIdOf(holdId), amount, asked, isHeld: true, actual: 0n, settling: never, settled: never };
    familyOf(item).set(`${item} ${holdId}`, one);
    return one;
  }

  /** Notes that a settlement is asked for, and gives back what notes its answer. */
  function settling(item: string, holdId: string, actual: Amounts): () => void {
    const one = holds.get(meterOfShard(item))?.get(`${item} ${holdId}`);
    if (one === undefined) return () => {};
    Object.assign(one, { settling: ++moment, actual: actual.usd ?? 0n });
    return () => void (one.settled = ++moment);
  }

  return {
    meters: {
      ...meters,
      async hold(request, holdId, ...rest) {
        const one = ask(request, holdId);
        const outcome = await meters.hold(request, holdId, ...rest);
        if (one !== undefined) one.isHeld = outcome.type === 'held';
        return outcome;
      },
      async holdAll(orders, change) {
        const asked = orders.map(({ request, holdId }) => ({ holdId, one: ask(request, holdId) }));
        const joint = await meters.holdAll(orders, change);
        for (const { holdId, one } of asked) {
          if (one !== undefined) one.isHeld = joint.done || joint.meter.holds.some(({ id }) => id === holdId);
        }
        return joint;
      },
      async settle(item, holdId, held, actual, ...rest) {
        const settled = settling(item, holdId, actual);
        const outcome = await meters.settle(item, holdId, held, actual, ...rest);
        settled();
        return outcome;
      },
      async settleAll(item, settlements) {
        const settled = settlements.map(({ holdId, actual }) => settling(item, holdId, actual));
        const isDone = await meters.settleAll(item, settlements);
        // Else each of them goes on alone.
        if (isDone) for (const note of settled) note();
        return isDone;
      },
    },
    seen: () => [...holds.keys()],
    now: () => ++moment,
    lastRefusal: (meter, callId) => listOf(meter).findLast((one) => one.callId === callId && !one.isHeld)?.asked,
    atMost: (meter, callId, from, to) =>
      listOf(meter)
        .filter((one) => one.isHeld && one.callId !== callId && one.asked < to)
        .reduce((sum, { amount, actual, settling, settled }) => {
          const [held, spent] = [settled > from ? amount : 0n, settling < to ? actual : 0n];
          return sum + (held > spent ? held : spent);
        }, 0n),
  };
}
