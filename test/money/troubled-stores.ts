/** Stores of money that fail where a test says: before or after a write, with a copy of it that comes late, or for good. */
import { GatewayError } from '../../lib/errors.ts';
import type { Stores } from '../../lib/stores/stores.ts';

/**
 * `before`: it was not carried out; `after`: it was, and the answer was lost; `copied`: all is well, and the same write arrives once more
 * when `deliver` says so, `copied-soon` three calls later; `killed`, `killed-after`: the process dies there, and none of its later calls happens.
 */
export const TROUBLES = ['before', 'after', 'copied', 'copied-soon', 'killed', 'killed-after'] as const;
/** One of them. */
export type Trouble = (typeof TROUBLES)[number];

/** Thrown into a process that is no more. */
export class Killed extends Error {}

type Books = Pick<Stores, 'meters' | 'ledger'>;

/** The stores, and what they did. */
export interface Troubled extends Books {
  /** Calls so far. */
  readonly calls: () => number;
  /** The late copies arrive. */
  readonly deliver: () => Promise<void>;
}

/** Fails at the call with this number, counted from 0 over both stores. */
export function troubledStores({ meters, ledger }: Books, at: number, trouble: Trouble): Troubled {
  let calls = 0;
  let dead = false;
  const late: (() => Promise<unknown>)[] = [];
  const isCopied = trouble === 'copied' || trouble === 'copied-soon';
  // A copy that comes late is refused, or finds that all was done: nobody hears of it.
  const deliver = async (): Promise<void> => void (await Promise.allSettled(late.splice(0).map((step) => step())));

  async function run<T>(step: () => Promise<T>): Promise<T> {
    if (dead) throw new Killed('the process is gone');
    if (trouble === 'copied-soon' && calls > at + 3) await deliver();
    const isHere = calls++ === at;
    if (!isHere) return step();
    if (trouble === 'before') throw new GatewayError('overloaded', 'no answer');
    dead = trouble === 'killed' || trouble === 'killed-after';
    if (trouble === 'killed') throw new Killed('the process died');
    if (isCopied) late.push(step);
    const result = await step();
    if (trouble === 'killed-after') throw new Killed('the process died');
    if (trouble === 'after') throw new GatewayError('overloaded', 'the answer was lost');
    return result;
  }

  return {
    meters: {
      read: (id) => run(() => meters.read(id)),
      readAll: (ids) => run(() => meters.readAll(ids)),
      // The store itself sees that a write was sent twice.
      hold: async (...given) => {
        const here = calls === at && isCopied;
        const outcome = await run(() => meters.hold(...given));
        return here ? { ...outcome, late: true } : outcome;
      },
      holdAll: async (...given) => {
        const here = calls === at && isCopied;
        const outcome = await run(() => meters.holdAll(...given));
        return here ? { ...outcome, late: true } : outcome;
      },
      settle: (...given) => run(() => meters.settle(...given)),
      settleAll: (...given) => run(() => meters.settleAll(...given)),
      change: (...given) => run(() => meters.change(...given)),
      due: (...given) => run(() => meters.due(...given)),
      checked: (...given) => run(() => meters.checked(...given)),
    },
    ledger: {
      ...ledger,
      record: (entry) => run(() => ledger.record(entry)),
      recordAll: (entries) => run(() => ledger.recordAll(entries)),
      get: (id) => run(() => ledger.get(id)),
    },
    calls: () => calls,
    deliver,
  };
}
