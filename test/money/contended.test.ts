/** The last pieces of a split meter, which others take and give back again and again: room is there whenever anybody looks. */
import { describe, expect, it } from 'vitest';
import { budgetMeter } from '../../lib/domain/budget.ts';
import { granted, returned } from '../../lib/domain/shard.ts';
import { open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { NOW } from '../support/exchange.ts';
import { aCall, aCappedKey, admitOn, answering, booksOf, TOKEN, used } from './calls.ts';

const ROOM = TOKEN * 50n;

/** A key whose meter is split, with a crowd of open calls in it, and somebody who is faster this many times. */
async function world(losses: number) {
  const stores = open();
  const key = aCappedKey({ maxBudget: ROOM + TOKEN * 20n });
  await stores.keys.create(key);
  for (let calls = 0; calls < 20; calls++) {
    const exchange = aCall(key, 1);
    await admitOn(stores)(exchange, answering(exchange, new Promise<never>(() => {})));
  }
  const { meter } = budgetMeter(key, NOW);
  await stores.meters.change(meter, { add: { [granted(1, 'usd')]: 1n, [returned(1, 'usd')]: 1n } });
  let left = losses;
  const meters: Stores['meters'] = {
    ...stores.meters,
    async hold(...given) {
      if (left-- <= 0) return stores.meters.hold(...given);
      await stores.meters.change(meter, { add: { usd: ROOM } });
      const outcome = await stores.meters.hold(...given);
      await stores.meters.change(meter, { add: { usd: -ROOM } });
      return outcome;
    },
  };
  const call = aCall(key, 40);
  const reply = admitOn({ ...stores, meters })(call, answering(call, used(7)));
  return { stores, key, call, reply };
}

describe('a call that others are faster than, although there is room', () => {
  it('gets in as soon as they are not, in a crowd as well', async () => {
    // As many holds as it tries before it has patience.
    const { stores, key, call, reply } = await world(24);

    await (
      await reply
    ).done;

    expect((await stores.ledger.get(call.id))?.cost).toBe(TOKEN * 7n);
    expect(await booksOf(stores, key)).toMatchObject({ committed: TOKEN * 27n, held: TOKEN * 20n });
  });

  it('is told to come again, and not that a budget with room is spent', async () => {
    const { stores, key, reply } = await world(Infinity);

    await expect(reply).rejects.toMatchObject({
      kind: 'overloaded',
      retryable: true,
      message: expect.stringMatching(/^The key has room for this request, but many others .* Try again in 1 s\.$/) as string,
      detail: { code: 'limit_contended', retryAfter: '1' },
    });
    expect(await booksOf(stores, key)).toMatchObject({ committed: TOKEN * 20n, held: TOKEN * 20n });
  });
});
