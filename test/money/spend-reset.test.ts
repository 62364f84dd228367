/**
 * Spend is taken back from keys and teams, while calls are open, others do the same, and stores fail at every step in every way: ledger,
 * meters and totals agree afterwards to the last 1e-12 USD, nothing was given back twice, and no hold was lost.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { budgetMeter, budgetsOf } from '../../lib/domain/budget.ts';
import { newCallId } from '../../lib/domain/call-id.ts';
import { scopeOf, type VirtualKey } from '../../lib/domain/key.ts';
import type { LedgerEntry } from '../../lib/domain/ledger-entry.ts';
import type { Limits } from '../../lib/domain/limits.ts';
import { heldOf, spentOf } from '../../lib/domain/meter.ts';
import type { Money } from '../../lib/domain/money.ts';
import { shardsOf } from '../../lib/domain/shard.ts';
import type { Team } from '../../lib/domain/team.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Caller, Outcome } from '../../lib/exchange.ts';
import type { ManagementDeps } from '../../lib/management/deps.ts';
import { resetTeamBudget } from '../../lib/management/people/team-spend.ts';
import { resetGlobalSpend } from '../../lib/management/spend/spend-reset.ts';
import { countedSpend, takeBack } from '../../lib/money/adjustment.ts';
import { reconcile } from '../../lib/money/reconcile.ts';
import { createShardHints, readMeter } from '../../lib/money/shards.ts';
import type { ScopeSettings } from '../../lib/policies/scopes.ts';
import { open as openDynamo } from '../../lib/stores/dynamodb/index.ts';
import { open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { clientFor, NAMES, startDynoxide, type Emulator } from '../support/dynoxide.ts';
import { NOW } from '../support/exchange.ts';
import { aCall, aCappedKey, admitOn, answering, keep, TOKEN, used } from './calls.ts';
import { TROUBLES, troubledStores } from './troubled-stores.ts';
import { PLAIN_TEAM } from '../support/records.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** After every lease, within every window of `NOW`. */
const LATER = NOW + 10 * 60_000;
const CAP: Money = TOKEN * 100n;
const GATEWAY: Limits = { budgetAnchor: NOW - 20 * DAY, maxBudget: TOKEN * 10_000n };
const MASTER: Caller = { type: 'master' };

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

let drawn = 0;
const random = (bytes: number): Uint8Array => createHash('sha512').update(`${drawn++}`).digest().subarray(0, bytes);

function depsOn(stores: Stores, over: Partial<Stores> = {}, now: () => number = () => NOW): ManagementDeps {
  return { ...stores, ...over, now, random, log: () => undefined } as unknown as ManagementDeps;
}

const aTeam = (over: Partial<Team> = {}): Team => ({
  ...PLAIN_TEAM,
  id: `team-${drawn++}`,
  createdAt: NOW - 20 * DAY,
  updatedAt: NOW - 20 * DAY,
  metadata: {},
  rev: 1,
  budgetAnchor: NOW - 20 * DAY,
  ...over,
});

/** A team with a budget a month and a day, a key of it with a budget, and one without. */
interface World {
  readonly stores: Stores;
  readonly team: Team;
  readonly capped: VirtualKey;
  readonly free: VirtualKey;
  /** A call at a moment; its `end` settles and projects it. */
  begin(key: VirtualKey, at?: number): Promise<(tokens: number) => Promise<void>>;
  spend(key: VirtualKey, tokens: number, at?: number): Promise<void>;
}

async function aWorld(stores: Stores = open()): Promise<World> {
  const team = aTeam({ maxBudget: CAP, budgetDuration: '30d', budgetWindows: [{ max: TOKEN * 30n, duration: '1d' }] });
  const own = { teamId: team.id, userId: 'u', budgetAnchor: NOW - 20 * DAY };
  const capped = aCappedKey({ ...own, maxBudget: CAP });
  const free = aCappedKey({ ...own, budgetAnchor: NOW - 20 * DAY });
  await stores.teams.create(team);
  for (const key of [capped, free]) await stores.keys.create(key);
  const begin: World['begin'] = async (key, at = NOW) => {
    const exchange = aCall(key, 10, { caller: { type: 'key', key, team }, receivedAt: at, deadline: at + 60_000 });
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const policy = admitOn(stores, { now: () => at, scopes: { global: GATEWAY } });
    const reply = await policy(exchange, answering(exchange, promise));
    return async (tokens) => {
      resolve(used(tokens));
      await reply.done;
      const entry = await stores.ledger.get(exchange.id);
      await stores.totals.apply(entry === undefined ? [] : [entry]);
    };
  };
  return {
    stores,
    team,
    capped,
    free,
    begin,
    spend: async (key, tokens, at) => (await begin(key, at))(tokens),
  };
}

/** Everything in the ledger, as the stream brings it sooner or later. */
async function project(stores: Stores): Promise<readonly LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await stores.ledger.scan(cursor);
    entries.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  await stores.totals.apply(entries);
  return entries;
}

/** Sum of all differences, once everything was counted. */
async function differenceIn(stores: Stores, settings: ScopeSettings = { global: GATEWAY }): Promise<Money> {
  await project(stores);
  const readWhole = (id: string) => readMeter(stores.meters, id);
  const { difference } = await reconcile({
    stores,
    readMeter: readWhole,
    settings,
    now: () => LATER + HOUR,
  });
  return difference;
}

const spentBy = (world: World, key: VirtualKey): Promise<Money> =>
  countedSpend(depsOn(world.stores), { scope: scopeOf(key), limits: key });

/** Spend in each window of the team, the budget's first. */
const windowsOf = ({ stores, team }: World): Promise<readonly Money[]> =>
  Promise.all(
    budgetsOf({ scope: { kind: 'team', id: team.id }, limits: team }, NOW).map(async ({ meter }) => {
      const whole = await readMeter(stores.meters, meter);
      return whole === undefined ? 0n : spentOf(whole, 'usd');
    }),
  );

describe('a reset of all spend', () => {
  it('lets exhausted keys and teams call again, and leaves what calls cost to the reports and the gateway', async () => {
    const world = await aWorld();
    for (let calls = 0; calls < 3; calls++) await world.spend(world.capped, 10);
    await expect(world.begin(world.free)).rejects.toMatchObject({ kind: 'budget_exceeded' });

    expect(await resetGlobalSpend(depsOn(world.stores), MASTER, {})).toEqual({
      message: 'Spend for all API Keys and Teams reset successfully',
      status: 'success',
    });

    expect([await spentBy(world, world.capped), ...(await windowsOf(world))]).toEqual([0n, 0n, 0n]);
    await world.spend(world.free, 10);
    expect(await differenceIn(world.stores)).toBe(0n);
    expect(await world.stores.totals.read({ kind: 'global', id: '' })).toMatchObject({ spend: TOKEN * 40n, takenBack: 0n });
    expect(await world.stores.totals.read({ kind: 'user', id: 'u' })).toMatchObject({ spend: TOKEN * 40n, takenBack: 0n });
    expect(await world.stores.totals.read({ kind: 'team', id: world.team.id })).toMatchObject({
      spend: TOKEN * 40n,
      takenBack: TOKEN * 30n,
    });
  });

  it('keeps the holds of open calls', async () => {
    const world = await aWorld();
    await world.spend(world.capped, 7);
    const end = await world.begin(world.capped);

    await resetGlobalSpend(depsOn(world.stores), MASTER, {});
    const [{ meter } = { meter: '' }] = budgetsOf({ scope: scopeOf(world.capped), limits: world.capped }, NOW);
    const during = await readMeter(world.stores.meters, meter);
    await end(4);

    expect(during && [spentOf(during, 'usd'), heldOf(during, 'usd')]).toEqual([0n, TOKEN * 10n]);
    expect(await spentBy(world, world.capped)).toBe(TOKEN * 4n);
    expect(await differenceIn(world.stores)).toBe(0n);
  });

  it('gives no window back what was spent before it began', async () => {
    const world = await aWorld();
    await world.spend(world.capped, 9, NOW - 3 * DAY);
    await world.spend(world.capped, 8, NOW - DAY - HOUR);
    await world.spend(world.capped, 2);
    expect(await windowsOf(world)).toEqual([TOKEN * 19n, TOKEN * 2n]);

    await resetGlobalSpend(depsOn(world.stores), MASTER, {});

    expect(await windowsOf(world)).toEqual([0n, 0n]);
    expect(await differenceIn(world.stores)).toBe(0n);
    const entries = (await project(world.stores)).filter(({ adjusts }) => adjusts?.kind === 'team');
    expect(entries.toSorted((one, other) => one.at - other.at).map(({ cost, at, endedAt }) => [cost, at, endedAt])).toEqual([
      [TOKEN * -17n, NOW - 1, NOW],
      [TOKEN * -2n, NOW, NOW],
    ]);
  });

  it('takes the newest spend first where only a part is taken back', async () => {
    const world = await aWorld();
    await world.spend(world.capped, 9, NOW - 3 * DAY);
    await world.spend(world.capped, 6);
    const limited = { scope: { kind: 'team', id: world.team.id } as const, limits: world.team };
    const reason = { route: '/test', by: 'me', owner: { keyHash: 'operator', teamId: world.team.id, tags: [] } };

    await takeBack(depsOn(world.stores), limited, TOKEN * 11n, reason);
    expect(await windowsOf(world)).toEqual([TOKEN * 11n, TOKEN * 2n]);
    await takeBack(depsOn(world.stores), limited, TOKEN * 5n, reason);

    expect(await windowsOf(world)).toEqual([TOKEN * 5n, 0n]);
    expect(await differenceIn(world.stores)).toBe(0n);
  });

  it('takes nothing twice, however many ask at once and however late the totals are', async () => {
    const world = await aWorld();
    await world.spend(world.capped, 7);
    await world.spend(world.free, 5);
    const ask = () => resetGlobalSpend(depsOn(world.stores), MASTER, {});

    const outcomes = await Promise.allSettled([ask(), ask(), ask()]);
    // The stream stands still meanwhile: nothing that was taken back is in the totals.
    await ask();
    await ask();

    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as GatewayError] : []));
    expect(refused.every(({ kind }) => kind === 'conflict')).toBe(true);
    expect(await spentBy(world, world.free)).toBe(0n);
    expect(await world.stores.totals.read({ kind: 'key', id: scopeOf(world.free).id })).toMatchObject({ takenBack: 0n });
    const taken = (await project(world.stores)).filter(({ adjusts }) => adjusts !== undefined);
    expect(taken.reduce((sum, { cost = 0n }) => sum + cost, 0n)).toBe(TOKEN * -24n);
    expect(await differenceIn(world.stores)).toBe(0n);
  });

  it('leaves budgets of models alone, that of every model included', async () => {
    const world = await aWorld();
    const cap = { maxBudget: CAP };
    const own = { teamId: world.team.id, userId: 'u', budgetAnchor: NOW - DAY };
    const key = aCappedKey({ ...own, ...cap, modelLimits: { 'gpt-*': cap, '*': cap } });
    await world.stores.keys.create(key);
    await world.spend(key, 7);

    await resetGlobalSpend(depsOn(world.stores), MASTER, {});

    expect(await spentBy(world, key)).toBe(0n);
    expect(await differenceIn(world.stores)).toBe(0n);
  });

  it('reaches what was spent in the shards of a meter, and opens that room again', async () => {
    const world = await aWorld();
    const key = aCappedKey({ maxBudget: TOKEN * 40n, budgetAnchor: NOW - DAY });
    await world.stores.keys.create(key);
    const { meter } = budgetMeter(key, NOW);
    const hints = createShardHints();
    hints.learn(meter, 4);
    const policy = admitOn(world.stores, { hints });
    const spendAll = async (): Promise<number> => {
      // The last letter of such ids chooses the shard: two calls for each.
      const alike = newCallId(NOW).slice(0, -1);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 8 }, async (_, turn) => {
          const exchange = aCall(key, 10, { id: alike + turn });
          await (
            await policy(exchange, answering(exchange, used(10)))
          ).done;
        }),
      );
      return outcomes.filter(({ status }) => status === 'fulfilled').length;
    };
    expect(await spendAll()).toBe(4);
    const split = await world.stores.meters.read(meter);
    expect(split && shardsOf(split).length).toBeGreaterThan(0);

    await resetGlobalSpend(depsOn(world.stores), MASTER, {});

    expect(await spentBy(world, key)).toBe(0n);
    expect(await spendAll()).toBe(4);
    expect(await spentBy(world, key)).toBe(TOKEN * 40n);
    expect(await differenceIn(world.stores, {})).toBe(0n);
  });

  it('goes on where a call before it ran out of time', async () => {
    const world = await aWorld();
    for (let keys = 0; keys < 50; keys++) {
      await world.stores.keys.create(aCappedKey({ maxBudget: CAP, teamId: world.team.id, budgetAnchor: NOW - DAY }));
    }
    // Those that a reset comes to first: ids of one moment are in no order.
    for (const key of (await world.stores.keys.list({ limit: 15 })).items) await world.spend(key, 1);
    const clock = { now: NOW };
    let asked = 0;
    const list: Stores['keys']['list'] = (page) => {
      clock.now += 15_000;
      asked++;
      return world.stores.keys.list(page);
    };
    const deps = depsOn(world.stores, { keys: { ...world.stores.keys, list } }, () => clock.now);

    const first = (await resetGlobalSpend(deps, MASTER, {}).catch((error: unknown) => error)) as GatewayError;
    const from = first.detail.headers?.['x-tollgate-continue-from'];
    const body = { continue_from: from };
    const second = await resetGlobalSpend(deps, MASTER, body);

    expect(first).toMatchObject({ kind: 'overloaded', status: 503 });
    expect(first.message).toContain('15 keys and 0 teams were reset');
    expect(from).toMatch(/^key:./);
    expect(second).toMatchObject({ status: 'success' });
    expect(asked).toBe(3);
    expect(await differenceIn(world.stores)).toBe(0n);
    await expect(resetGlobalSpend(deps, MASTER, { continue_from: 'nonsense' })).rejects.toMatchObject({
      kind: 'invalid_request',
    });
  });
});

describe('a reset that meets a failing store', () => {
  /** Takes back all that a team spent. */
  const whole = (deps: ManagementDeps, { team }: World): Promise<unknown> =>
    takeBack(deps, { scope: { kind: 'team', id: team.id }, limits: team }, 0n, {
      route: '/global/spend/reset',
      by: 'me',
      owner: { keyHash: 'operator', teamId: team.id, tags: [] },
    });
  it.each([
    { name: 'in memory', troubles: TROUBLES, stores: () => open(), ask: whole },
    {
      name: 'at /team/reset_budget',
      troubles: TROUBLES,
      stores: () => open(),
      ask: (deps: ManagementDeps, { team }: World) => resetTeamBudget(deps, MASTER, { team_id: team.id }),
    },
    // How the real protocol fails is for `faults.test.ts`; here the states that a death leaves behind are enough.
    {
      name: 'on the real protocol',
      troubles: ['killed-after'] as const,
      stores: () => openDynamo(clientFor(emulator.endpoint), NAMES),
      ask: whole,
    },
  ])(
    '$name at any step, in any way, is finished by asking again, once',
    async ({ troubles, stores, ask }) => {
      const shared = stores();
      const limited = (world: World) => ({ scope: { kind: 'team', id: world.team.id } as const, limits: world.team });
      let ended = 0;
      for (const trouble of troubles) {
        for (let at = 0; ; at++) {
          const world = await aWorld(shared);
          await world.spend(world.capped, 9, NOW - 3 * DAY);
          await world.spend(world.capped, 6);
          const troubled = troubledStores(shared, at, trouble);
          const failing = depsOn(shared, troubled);

          await ask(failing, world).catch(() => undefined);
          const isOver = troubled.calls() <= at;
          await troubled.deliver();
          if (at % 2 === 0) await keep(shared, LATER);
          await ask(
            depsOn(shared, {}, () => LATER),
            world,
          );
          await keep(shared, LATER + HOUR);
          await troubled.deliver();
          await keep(shared, LATER + 2 * HOUR);

          const place = `${trouble} at ${at}`;
          expect(await windowsOf(world), place).toEqual([0n, 0n]);
          const { items } = await shared.ledger.list({ keyHash: 'operator', limit: 1_000 });
          const taken = items.filter(({ teamId }) => teamId === world.team.id);
          expect(
            taken.reduce((sum, { cost = 0n }) => sum + cost, 0n),
            place,
          ).toBe(TOKEN * -15n);
          const meters = budgetsOf(limited(world), NOW).map(({ meter }) => meter);
          for (const meter of meters) expect((await shared.meters.read(meter))?.holds, place).toEqual([]);
          if (!isOver) continue;
          ended++;
          break;
        }
      }
      expect(ended).toBe(troubles.length);
      expect(await differenceIn(shared)).toBe(0n);
    },
    120_000,
  );
});
