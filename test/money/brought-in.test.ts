/**
 * Spend that a meter did not hold: calls that were open when a budget came into force, that a gateway admitted by what it remembered,
 * that the totals did not have yet, or that were let through while the store failed. Entries say where they held; what is missing is
 * brought in, each amount once, whatever goes on meanwhile.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budgetMeter, budgetsOf } from '../../lib/domain/budget.ts';
import type { VirtualKey } from '../../lib/domain/key.ts';
import { BROUGHT_IN, meterMark, spentOf } from '../../lib/domain/meter.ts';
import type { Team } from '../../lib/domain/team.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Outcome } from '../../lib/exchange.ts';
import { openBudget, openBudgets } from '../../lib/management/budget.ts';
import type { ManagementDeps } from '../../lib/management/deps.ts';
import { takeBack } from '../../lib/money/adjustment.ts';
import { reconcile, type Reconciliation } from '../../lib/money/reconcile.ts';
import { readMeter } from '../../lib/money/shards.ts';
import { open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { anEntry } from '../lib/stores/contract.ts';
import { NOW } from '../support/exchange.ts';
import { aCall, aCappedKey, admitOn, answering, booksOf, keep, MUCH_LATER, TOKEN, used } from './calls.ts';

const capped = aCappedKey({ maxBudget: TOKEN * 1_000n });
/** The same key before it had a budget. */
const free: VirtualKey = aCappedKey({ hash: capped.hash });

const depsOn = (stores: Stores): ManagementDeps => ({ ...stores, now: () => NOW }) as unknown as ManagementDeps;

/** Everything projected, then compared. */
async function nightly(stores: Stores, bringsIn = true): Promise<Reconciliation> {
  await stores.totals.apply((await stores.ledger.scan()).items);
  const settings = {};
  return reconcile({ stores, readMeter: (id) => readMeter(stores.meters, id), settings, now: () => MUCH_LATER, bringsIn });
}

/** A call whose answer comes when `end` says so. */
async function begin(stores: Pick<Stores, 'meters' | 'ledger'>, key: VirtualKey, over: Parameters<typeof admitOn>[1] = {}) {
  const call = aCall(key, 10);
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const reply = await admitOn(stores, over)(call, answering(call, promise));
  return {
    end: async (tokens: number): Promise<void> => {
      resolve(used(tokens));
      await reply.done;
    },
  };
}

async function world(): Promise<Stores> {
  const stores = open();
  await stores.keys.create(capped);
  return stores;
}

describe('a budget that comes into force', () => {
  it('counts calls that were open then, by the next reconciliation, and once', async () => {
    const stores = await world();
    const call = await begin(stores, free);
    await openBudget(depsOn(stores), capped);
    await call.end(6);

    const seen = await nightly(stores, false);
    const first = await nightly(stores);
    const second = await nightly(stores);

    expect(seen).toMatchObject({ difference: TOKEN * 6n, broughtIn: 0n });
    expect(first).toMatchObject({ difference: 0n, broughtIn: TOKEN * 6n });
    expect(second).toMatchObject({ difference: 0n, broughtIn: 0n });
    expect(await booksOf(stores, capped)).toMatchObject({ committed: TOKEN * 6n, ledger: TOKEN * 6n });
  });

  it('counts calls of a gateway that remembered the key as it was', async () => {
    const stores = await world();
    await openBudget(depsOn(stores), capped);
    await (await begin(stores, free)).end(6);
    await (await begin(stores, capped)).end(3);

    expect(await nightly(stores)).toMatchObject({ difference: 0n, broughtIn: TOKEN * 6n });
    expect(await booksOf(stores, capped)).toMatchObject({ committed: TOKEN * 9n });
  });

  it('counts calls that the totals of its owner did not have yet', async () => {
    const stores = open();
    const team = {
      id: 't',
      tags: [],
      models: [],
      aliases: {},
      metadata: {},
      blocked: false,
      budgetAnchor: NOW - 1_000,
    } as unknown as Team;
    await stores.teams.create({ ...team, maxBudget: TOKEN * 1_000n });
    const ofTeam = aCappedKey({ teamId: 't' });
    await (await begin(stores, ofTeam)).end(6);

    await openBudgets(depsOn(stores), { scope: { kind: 'team', id: 't' }, limits: { ...team, maxBudget: TOKEN * 1_000n } });

    expect(await nightly(stores)).toMatchObject({ difference: 0n, broughtIn: TOKEN * 6n });
  });

  it('does not count what was taken back before, although the totals of its owner did not know yet', async () => {
    const stores = open();
    const limits = { budgetAnchor: NOW - 1_000 };
    const team = { id: 't', tags: [], models: [], aliases: {}, metadata: {}, blocked: false, ...limits } as unknown as Team;
    const limited = { scope: { kind: 'team', id: 't' } as const, limits: { ...limits, maxBudget: TOKEN * 1_000n } };
    await stores.teams.create({ ...team, ...limited.limits });
    await (await begin(stores, aCappedKey({ teamId: 't' }))).end(6);
    await stores.totals.apply((await stores.ledger.scan()).items);
    const reason = { route: '/team/update', by: 'me', owner: { keyHash: 'operator', teamId: 't', tags: [] } };
    const deps = { ...depsOn(stores), random: (bytes: number) => new Uint8Array(bytes) };
    expect(await takeBack(deps, { ...limited, limits }, 0n, reason)).toBe(TOKEN * 6n);

    await openBudgets(depsOn(stores), limited);

    expect(await nightly(stores)).toMatchObject({ difference: 0n, broughtIn: -TOKEN * 6n });
    expect(await nightly(stores)).toMatchObject({ difference: 0n, broughtIn: 0n });
    const [budget] = budgetsOf(limited, NOW);
    expect(await readMeter(stores.meters, budget?.meter ?? '')).toMatchObject({ committed: { usd: 0n } });
  });

  it('leaves to a call what the call will tell the meter itself, although its entry is there', async () => {
    const stores = await world();
    let settle = (): void => {};
    const waits = new Promise<void>((done) => (settle = done));
    const slow: Stores['meters'] = { ...stores.meters, settle: (...given) => waits.then(() => stores.meters.settle(...given)) };
    const call = await begin({ ...stores, meters: slow }, capped);
    await (await begin(stores, free)).end(2);
    const ended = call.end(7); // the entry is written, the meter not settled
    await new Promise((done) => setImmediate(done));
    expect((await booksOf(stores, capped)).ledger).toBe(TOKEN * 9n);

    await openBudget(depsOn(stores), capped);
    settle();
    await ended;

    expect(await booksOf(stores, capped)).toMatchObject({ committed: TOKEN * 9n, ledger: TOKEN * 9n, openHolds: 0 });
    expect(await nightly(stores)).toMatchObject({ difference: 0n, broughtIn: 0n });
  });
});

describe('a call that was let through while the store of its limit failed', () => {
  it('is brought in', async () => {
    const stores = await world();
    const failing: Stores['meters'] = { ...stores.meters, hold: () => Promise.reject(new GatewayError('overloaded', 'gone')) };
    const call = await begin({ ...stores, meters: failing }, capped, { onStoreFailure: { budget: 'open' } });
    await call.end(6);

    expect(await nightly(stores)).toMatchObject({ difference: 0n, broughtIn: TOKEN * 6n });
  });

  it.each(['its process', 'the keeper'])(
    'is brought in where its hold came in all the same, and %s settles it',
    async (whose) => {
      const stores = await world();
      let holds = 0;
      const gone = new GatewayError('overloaded', 'gone');
      const failing: Stores['meters'] = {
        ...stores.meters,
        hold: async (...given) => {
          if (holds++ === 0) await stores.meters.hold(...given);
          throw gone;
        },
        settle: (...given) => (whose === 'the keeper' ? Promise.reject(gone) : stores.meters.settle(...given)),
      };
      const over = { onStoreFailure: { budget: 'open' } } as const;
      // The first one's hold stands, that of the second does not; no entry says that it was held.
      for (const tokens of [6, 3]) await (await begin({ ...stores, meters: failing }, capped, over)).end(tokens);
      await keep(stores);

      expect(await nightly(stores)).toMatchObject({ difference: 0n, broughtIn: TOKEN * 9n });
      expect(await booksOf(stores, capped)).toMatchObject({ committed: TOKEN * 9n, ledger: TOKEN * 9n, openHolds: 0 });
    },
  );
});

describe('spend that is lost', () => {
  it('is not covered up: a meter that held and did not count differs', async () => {
    const stores = await world();
    await (await begin(stores, capped)).end(6);
    const { meter } = budgetMeter(capped, NOW);
    await stores.meters.change(meter, { add: { usd: -TOKEN * 2n } });

    expect(await nightly(stores)).toMatchObject({ difference: TOKEN * 2n, broughtIn: 0n });
  });

  it.each([
    ['above the ledger', 5n, 5n, 0n],
    ['below the ledger', 0n, 8n, 10n],
  ])('is left alone where it would put the meter %s', async (_, unheld, spent, brought) => {
    const stores = await world();
    const ledger = spent * TOKEN;
    const entries = [unheld, spent - unheld].filter((tokens) => tokens > 0n);
    for (const [index, tokens] of entries.entries()) {
      const heldIn = unheld > 0n && index === 0 ? [] : [meterMark(budgetMeter(capped, NOW).meter)];
      const owner = { keyHash: capped.hash, tags: [] };
      await stores.ledger.record(anEntry({ ...owner, at: NOW, endedAt: NOW, cost: tokens * TOKEN, held: ledger, heldIn }));
    }
    const { meter } = budgetMeter(capped, NOW);
    await stores.meters.change(meter, { add: { usd: ledger, [BROUGHT_IN]: brought * TOKEN } });

    expect(await nightly(stores)).toMatchObject({ difference: 0n, broughtIn: 0n });

    expect(await stores.meters.read(meter)).toMatchObject({ committed: { usd: ledger } });
  });

  it('is not taken for spend that was taken back where an index does not have it yet', async () => {
    const stores = await world();
    const owner = { keyHash: capped.hash, tags: [] };
    await stores.ledger.record(anEntry({ ...owner, at: NOW, endedAt: NOW, cost: TOKEN, held: TOKEN, heldIn: [] }));
    await nightly(stores);
    const { meter } = budgetMeter(capped, NOW);
    const behind: Stores = { ...stores, ledger: { ...stores.ledger, list: async () => ({ items: [] }) } };
    const deps = { stores: behind, readMeter: (id: string) => stores.meters.read(id), settings: {}, now: () => MUCH_LATER };

    const { broughtIn, checks } = await reconcile({ ...deps, bringsIn: true }, { from: 0 });

    expect(broughtIn).toBe(0n);
    expect(checks.find(({ of }) => of === meter)).toMatchObject({ ledger: 0n, counted: TOKEN });
    expect(await stores.meters.read(meter)).toMatchObject({ committed: { usd: TOKEN } });
  });
});

/** What may happen, in any order: calls of gateways that know the budget and that do not, openings, nights. */
const step = fc.oneof(
  fc.record({ type: fc.constant('begin' as const), knows: fc.boolean() }),
  fc.record({ type: fc.constant('end' as const), call: fc.nat({ max: 5 }), tokens: fc.nat({ max: 10 }) }),
  fc.record({ type: fc.constantFrom('open' as const, 'project' as const, 'night' as const) }),
);

describe('a meter', () => {
  it('never knows more than the ledger and its holds, and in the end the same, in whatever order things happen', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const stores = await world();
        const calls: Awaited<ReturnType<typeof begin>>[] = [];
        const spent = async (): Promise<bigint> => {
          const meter = await readMeter(stores.meters, budgetMeter(capped, NOW).meter);
          return meter === undefined ? 0n : spentOf(meter, 'usd');
        };
        for (const one of steps) {
          if (one.type === 'begin') calls.push(await begin(stores, one.knows ? capped : free));
          else if (one.type === 'end') await calls.splice(one.call, 1)[0]?.end(one.tokens);
          else if (one.type === 'open') await openBudget(depsOn(stores), capped);
          else if (one.type === 'project') await stores.totals.apply((await stores.ledger.scan()).items);
          else expect((await nightly(stores)).difference).toBe(0n);
          expect(await spent()).toBeLessThanOrEqual((await booksOf(stores, capped)).ledger);
        }
        for (const call of calls) await call.end(1);

        expect(await nightly(stores)).toMatchObject({ difference: 0n });
        expect(await nightly(stores)).toMatchObject({ difference: 0n, broughtIn: 0n });
        expect(await spent()).toBe((await booksOf(stores, capped)).ledger);
      }),
      { numRuns: 150 },
    );
  });
});
