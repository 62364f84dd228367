/**
 * A budget is taken off a key and put on again: what was spent meanwhile is brought into its meter, once, however often it is asked for
 * and wherever it breaks off.
 */
import { describe, expect, it } from 'vitest';
import { budgetMeter } from '../../lib/domain/budget.ts';
import { openBudget } from '../../lib/management/budget.ts';
import type { ManagementDeps } from '../../lib/management/deps.ts';
import { open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { NOW } from '../support/exchange.ts';
import { aCall, aCappedKey, admitOn, answering, booksOf, keep, TOKEN, used } from './calls.ts';

const key = aCappedKey({ maxBudget: TOKEN * 100n });

/** 6 tokens with a budget, 7 without. */
async function world(): Promise<Stores> {
  const stores = open();
  for (const [limits, tokens] of [
    [key, 6],
    [aCappedKey({ hash: key.hash }), 7],
  ] as const) {
    const call = aCall(limits, 10);
    await (
      await admitOn(stores)(call, answering(call, used(tokens)))
    ).done;
  }
  return stores;
}

const depsOn = (stores: Stores): ManagementDeps => ({ ...stores, now: () => NOW }) as unknown as ManagementDeps;

describe('a budget that is put on again', () => {
  it('knows what was spent without it, once, if two managers say so at once', async () => {
    const stores = await world();
    expect(await booksOf(stores, key)).toMatchObject({ committed: TOKEN * 6n, ledger: TOKEN * 13n });

    await Promise.all([openBudget(depsOn(stores), key), openBudget(depsOn(stores), key)]);
    await openBudget(depsOn(stores), key);

    expect(await booksOf(stores, key)).toMatchObject({ committed: TOKEN * 13n, ledger: TOKEN * 13n, openHolds: 0 });
  });

  it('knows it when a manager died or lost an answer in the middle, and the keeper finds nothing to settle', async () => {
    for (const step of ['read', 'change', 'change, carried out'] as const) {
      const stores = await world();
      const { meters } = stores;
      const failing: Stores['meters'] = {
        ...meters,
        read: async (id) => (step === 'read' ? Promise.reject(new Error('gone')) : meters.read(id)),
        async change(...given) {
          if (step === 'change, carried out') await meters.change(...given);
          throw new Error('gone');
        },
      };
      await expect(openBudget(depsOn({ ...stores, meters: failing }), key)).rejects.toThrow('gone');
      await keep(stores);

      await openBudget(depsOn(stores), key);

      expect(await booksOf(stores, key), step).toMatchObject({ committed: TOKEN * 13n, ledger: TOKEN * 13n, openHolds: 0 });
      expect((await stores.meters.read(budgetMeter(key, NOW).meter))?.holds, step).toEqual([]);
    }
  });

  it('adds beside a call that is open', async () => {
    const stores = await world();
    const call = aCall(key, 10);
    const { promise, resolve } = Promise.withResolvers<ReturnType<typeof used>>();
    const reply = await admitOn(stores)(call, answering(call, promise));

    await openBudget(depsOn(stores), key);
    resolve(used(2));
    await reply.done;

    expect(await booksOf(stores, key)).toMatchObject({ committed: TOKEN * 15n, ledger: TOKEN * 15n, openHolds: 0 });
  });
});
