/**
 * A process that is suspended between admission and its call, for longer than its leases: the keeper has settled its holds when it wakes
 * up, no timer has fired, and nothing may go to a provider any more.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashSecret } from '../../lib/domain/key.ts';
import { sweep } from '../../lib/money/keeper.ts';
import { reconcile } from '../../lib/money/reconcile.ts';
import { readMeter } from '../../lib/money/shards.ts';
import { open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { aKey, NOW } from '../support/exchange.ts';
import { serveGateway } from '../support/gateway.ts';
import { chatAnswer, sendJson, startUpstream, type Upstream } from '../support/upstream.ts';

const SECRET = 'sk-suspended';
const HOUR = 3_600_000;

let upstream: Upstream;
beforeEach(async () => {
  upstream = await startUpstream(sendJson(chatAnswer()));
});
afterEach(() => upstream.close());

/** Calls once. The process sleeps for `ms` around its hold in the meter of the key (`before`), or of the team (`between`, `after`). */
async function callWhileSuspended(ms: number, where: 'before' | 'between' | 'after') {
  const stores = open();
  const clock = { now: NOW };
  const keeper = (): Promise<unknown> =>
    sweep({ meters: stores.meters, ledger: stores.ledger, now: () => clock.now, policy: 'hold', limit: 100, log: () => {} });
  const sleep = async (): Promise<void> => {
    clock.now += ms;
    await keeper();
  };
  const meters: Stores['meters'] = {
    ...stores.meters,
    async hold(request, ...given) {
      if (request.scope.kind === 'key') {
        if (where === 'before') await sleep();
        return stores.meters.hold(request, ...given);
      }
      // Side by side with that of the key: this one is the last.
      await new Promise((done) => setImmediate(done));
      if (where === 'between') await sleep();
      const outcome = await stores.meters.hold(request, ...given);
      if (where === 'after') await sleep();
      return outcome;
    },
  };
  const gateway = await serveGateway(upstream.url, { stores: { ...stores, meters }, now: () => clock.now });
  const maxBudget = 10n ** 12n;
  await stores.teams.create({ ...aTeam, maxBudget });
  await stores.keys.create(aKey({ hash: hashSecret(SECRET), teamId: aTeam.id, maxBudget }));
  const reply = await gateway.gateway.handle(
    {
      method: 'POST',
      path: '/v1/chat/completions',
      query: new URLSearchParams(),
      headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ model: 'gpt-4o-mini', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] })),
    },
    { receivedAt: NOW, deadline: NOW + 60_000 },
  );
  await reply.done;
  clock.now += HOUR;
  await keeper();
  await gateway.close();
  const books = await reconcile({
    stores,
    readMeter: (id) => readMeter(stores.meters, id),
    settings: {},
    now: () => clock.now,
  });
  const [entry] = (await stores.ledger.scan()).items;
  const open_ = await stores.meters.due(Number.MAX_SAFE_INTEGER, 100);
  return {
    status: reply.status,
    calls: upstream.seen.length,
    cost: entry?.cost,
    held: entry?.price.rule,
    holds: open_.flatMap(({ holds }) => holds),
    meters: books.checks.filter(({ what, difference }) => what === 'meter' && difference !== 0n),
  };
}

const aTeam = {
  id: 't',
  models: [],
  members: [],
  metadata: {},
  blocked: false,
  budgetAnchor: NOW - 1000,
  createdAt: NOW - 1000,
  updatedAt: NOW - 1000,
  rev: 1,
  tags: [],
  aliases: {},
} as unknown as Parameters<Stores['teams']['create']>[0];

describe('a process that sleeps beyond its leases in the middle of its admission', () => {
  it.each(['before', 'between'] as const)('%s its holds: calls nobody and costs nothing', async (where) => {
    const done = await callWhileSuspended(HOUR, where);

    expect(done).toMatchObject({ status: 504, calls: 0, cost: 0n, holds: [], meters: [] });
  });

  it('after its last hold: calls nobody; the keeper has booked what was held, as for a call that was lost', async () => {
    const done = await callWhileSuspended(HOUR, 'after');

    expect(done).toMatchObject({ status: 504, calls: 0, held: 'expired:hold', holds: [], meters: [] });
    expect(done.cost).toBeGreaterThan(0n);
  });
});

describe('a process that sleeps for less than the time of its call', () => {
  it.each(['before', 'between', 'after'] as const)('%s its holds: makes it', async (where) => {
    const done = await callWhileSuspended(30_000, where);

    expect(done).toMatchObject({ status: 200, calls: 1, holds: [], meters: [] });
  });
});
