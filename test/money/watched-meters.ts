/**
 * Watches what calls hold and spend, from outside of the store: enough to say of any stretch of time how much could have been committed in a
 * limit at most. A refusal for which that leaves room was wrong.
 */
import { callIdOf } from '../../lib/domain/call-id.ts';
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
  const listOf = (item: string): readonly Watched[] => [...(holds.get(meterOfShard(item))?.values() ?? [])];

  return {
    meters: {
      ...meters,
      async hold(request, holdId, ...rest) {
        const { meter: item, amounts } = request;
        const { usd } = amounts;
        if (usd === undefined) return meters.hold(request, holdId, ...rest);
        const one: Watched = {
          callId: callIdOf(holdId),
          amount: usd,
          asked: ++moment,
          isHeld: true,
          actual: 0n,
          settling: Infinity,
          settled: Infinity,
        };
        const root = meterOfShard(item);
        const known = holds.get(root) ?? new Map<string, Watched>();
        holds.set(root, known);
        known.set(`${item} ${holdId}`, one);
        const outcome = await meters.hold(request, holdId, ...rest);
        one.isHeld = outcome.type === 'held';
        return outcome;
      },
      async settle(item, holdId, held, actual, ...rest) {
        const one = holds.get(meterOfShard(item))?.get(`${item} ${holdId}`);
        if (one !== undefined) Object.assign(one, { settling: ++moment, actual: actual.usd ?? 0n });
        const outcome = await meters.settle(item, holdId, held, actual, ...rest);
        if (one !== undefined) one.settled = ++moment;
        return outcome;
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
