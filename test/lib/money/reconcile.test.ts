import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createReconciler } from '../../../functions/reconciler/handler.ts';
import { ACCESS } from '../../../infra/constructs/access.ts';
import { budgetMeter } from '../../../lib/domain/budget.ts';
import { meterMark } from '../../../lib/domain/meter.ts';
import type { VirtualKey } from '../../../lib/domain/key.ts';
import type { LedgerEntry } from '../../../lib/domain/ledger-entry.ts';
import type { Money } from '../../../lib/domain/money.ts';
import type { Team } from '../../../lib/domain/team.ts';
import { granted, returned } from '../../../lib/domain/shard.ts';
import { gatewayLimits } from '../../../lib/money/gateway-limits.ts';
import { readEnv } from '../../../lib/env.ts';
import type { Exchange } from '../../../lib/exchange.ts';
import { reconcile, type Reconciliation, type ReconcileSpan } from '../../../lib/money/reconcile.ts';
import { jsonOf, reportOf } from '../../../lib/money/reconcile-report.ts';
import { open as openDynamo } from '../../../lib/stores/dynamodb/index.ts';
import { open as openMemory } from '../../../lib/stores/memory/index.ts';
import type { Stores } from '../../../lib/stores/stores.ts';
import { aCall, aCappedKey, admitOn, answering, TOKEN, used } from '../../money/calls.ts';
import { clientFor, NAMES, startDynoxide, type Emulator } from '../../support/dynoxide.ts';
import { NOW } from '../../support/exchange.ts';
import { guard } from '../../support/iam.ts';
import { PLAIN_TEAM } from '../../support/records.ts';

const DAY = 86_400_000;
/** A moment when everything of `NOW` has been counted long since. */
const LATER = NOW + 600_000;
const CAP: Money = TOKEN * 10_000n;

let stores: Stores;
beforeEach(() => {
  stores = openMemory();
});

const books = (
  span: ReconcileSpan = {},
  now = LATER,
  over: Partial<Parameters<typeof reconcile>[0]> = {},
): Promise<Reconciliation> =>
  reconcile({ stores, readMeter: (id) => stores.meters.read(id), settings: {}, now: () => now, ...over }, span);

const aTeam = (over: Partial<Team> = {}): Team => ({
  ...PLAIN_TEAM,
  id: 'team',
  createdAt: NOW - DAY,
  updatedAt: NOW - DAY,
  metadata: {},
  rev: 1,
  budgetAnchor: NOW - DAY,
  ...over,
});

/** One call through the money policy, projected as the stream would. */
async function call(key: VirtualKey, over: Partial<Exchange> = {}): Promise<LedgerEntry> {
  const exchange = aCall(key, 40, over);
  const { done } = await admitOn(stores)(exchange, answering(exchange, used(30)));
  await done;
  const entry = (await stores.ledger.get(exchange.id)) as LedgerEntry;
  await stores.totals.apply([entry]);
  return entry;
}

describe('a reconciliation', () => {
  it('finds nothing where everything was counted: keys, teams, users, customers, the gateway', async () => {
    const team = aTeam({ maxBudget: CAP, budgetDuration: '1d', modelLimits: { 'gpt-*': { maxBudget: CAP } } });
    await stores.teams.create(team);
    await stores.budgets.create({ ...aTeam({ id: 'shared', maxBudget: CAP }), models: [] });
    const user = { ...aTeam({ id: 'user', budgetId: 'shared' }), role: 'internal_user' as const, teams: [], organizations: [] };
    await stores.users.create(user);
    const ofTeam = aCappedKey({ maxBudget: CAP, budgetDuration: '1mo', teamId: 'team', userId: 'user' });
    const personal = aCappedKey({ maxBudget: CAP, userId: 'user' });
    for (const key of [ofTeam, personal]) await stores.keys.create(key);

    for (let calls = 0; calls < 3; calls++) {
      await call(ofTeam, { caller: { type: 'key', key: ofTeam, team, user }, endUser: 'c', tags: ['x'] });
      await call(personal, { caller: { type: 'key', key: personal, user: { ...user, maxBudget: CAP } } });
    }
    const done = await books();

    expect(done).toMatchObject({ entries: 6, spend: TOKEN * 180n, difference: 0n });
    const meters = done.checks.filter(({ what }) => what === 'meter').map(({ scope, counted }) => [scope, counted]);
    expect(meters).toHaveLength(5);
    expect(meters).toEqual(
      expect.arrayContaining([
        [`key#${personal.hash}`, TOKEN * 90n],
        [`key#${ofTeam.hash}`, TOKEN * 90n],
        ['team#team', TOKEN * 90n],
        ['team#team', TOKEN * 90n],
        // A user's budget counts calls of the user's own keys alone.
        ['user#user', TOKEN * 90n],
      ]),
    );
    expect(reportOf(done)).toContain('difference: 0 USD');
  });

  it('says by how much a meter, a life and a day differ, and of whom', async () => {
    const key = aCappedKey({ maxBudget: CAP });
    await stores.keys.create(key);
    await call(key);
    const exchange = aCall(key, 40);
    await (
      await admitOn(stores)(exchange, answering(exchange, used(7)))
    ).done; // never projected
    const { meter, scope, window } = budgetMeter(key, NOW);
    await stores.meters.hold({ meter, scope, window, amounts: { usd: 5n }, limits: {}, swept: false }, 'x', NOW);
    await stores.meters.settle(meter, 'x', { usd: 5n }, { usd: 5n }); // counted twice by nobody's call

    const done = await books();

    const missing = -7n * TOKEN;
    expect(done.checks.filter(({ difference }) => difference !== 0n)).toMatchObject([
      { what: 'meter', scope: `key#${key.hash}`, of: meter, difference: 5n },
      { what: 'life', scope: `key#${key.hash}`, difference: missing },
      { what: 'life', scope: 'global#', difference: missing },
      { what: 'day', scope: `key#${key.hash}`, of: '2026-11-22', difference: missing },
      { what: 'day', scope: 'global#', of: '2026-11-22', difference: missing },
    ]);
    expect(done.difference).toBe(28n * TOKEN + 5n);
    expect(reportOf(done)).toMatch(/day\s+global#\s+2026-11-22\s+0\.000037\s+0\.00003\s+0\s+-0\.000007/);
    expect(jsonOf(done)).toMatchObject({ difference: '0.000028000005', checks: { length: 5 } });
  });

  it('takes what ended a moment ago for work under way, and no more than that', async () => {
    const key = aCappedKey({ maxBudget: CAP });
    await stores.keys.create(key);
    await call(key);
    const exchange = aCall(key, 40);
    await (
      await admitOn(stores)(exchange, answering(exchange, used(7)))
    ).done;

    expect((await books({}, NOW + 60_000)).difference).toBe(0n);
    expect((await books({}, LATER)).difference).not.toBe(0n);
  });

  it('takes a call whose process died before it settled for work under way until its lease has ended, and no longer', async () => {
    const key = aCappedKey({ maxBudget: CAP });
    await stores.keys.create(key);
    const exchange = aCall(key, 40, { deadline: NOW + 900_000 });
    const { meter } = budgetMeter(key, NOW);
    let expiresAt = 0;
    const dying: Stores = {
      ...stores,
      meters: {
        ...stores.meters,
        hold: (request, id, until, change) => stores.meters.hold(request, id, (expiresAt = until), change),
        settle: () => Promise.reject(new Error('gone')),
      },
    };
    await (
      await admitOn(dying)(exchange, answering(exchange, used(7)))
    ).done;
    await stores.totals.apply((await stores.ledger.scan()).items);

    const early = await books({}, LATER);
    expect((await stores.meters.read(meter))?.holds).toHaveLength(1);
    expect(early).toMatchObject({ spend: 7n * TOKEN, difference: 0n });
    expect(early.checks).toContainEqual(expect.objectContaining({ of: meter, counted: 0n, underWay: 7n * TOKEN }));
    expect((await books({}, expiresAt + 60_000)).difference).toBe(0n);
    // An hour later nobody has come to settle it: the keeper is dead too.
    expect((await books({}, expiresAt + 3_600_000)).difference).toBe(7n * TOKEN);
  });

  it('does not take a call of a moment ago for more than it cost: what is lost beside it stays a difference', async () => {
    const key = aCappedKey({ maxBudget: CAP });
    await stores.keys.create(key);
    const entry = await call(key);
    const { meter, window, scope } = budgetMeter(key, NOW);
    const hold = { meter, window, scope, amounts: { usd: 9n * TOKEN }, limits: {}, swept: true };
    await stores.meters.hold(hold, 'open', LATER + 60_000);
    const [open, lost] = [
      { ...entry, id: 'open', cost: 7n * TOKEN, endedAt: LATER - 1_000 },
      { ...entry, id: 'lost', cost: 5n * TOKEN },
    ];
    for (const one of [open, lost]) await stores.ledger.record({ ...one, heldIn: [meterMark(meter)] });

    const { checks } = await books();

    expect(checks.find(({ of }) => of === meter)).toMatchObject({ underWay: 7n * TOKEN, difference: -12n * TOKEN });
  });

  it('takes what was taken back a moment ago for work under way too, beside calls that are', async () => {
    const key = aCappedKey({ maxBudget: CAP });
    await stores.keys.create(key);
    const entry = await call(key);
    const scope = { kind: 'key', id: key.hash } as const;
    const { meter } = budgetMeter(key, NOW);
    const takenBack = { kind: 'adjustment', adjusts: scope, cost: -30n * TOKEN, heldIn: [meterMark(meter)] };
    // It stopped before its meter, and before the totals.
    await stores.ledger.record({ ...entry, ...takenBack, id: 'stopped' });

    expect((await books({}, NOW + 60_000)).difference).toBe(0n);
    expect((await books({}, LATER)).difference).not.toBe(0n);
  });

  it('takes a call for work under way, though as much was taken back beside it', async () => {
    const key = aCappedKey({});
    const old = await call(key, { receivedAt: NOW - 600_000 });
    await stores.ledger.record({ ...old, id: 'old', endedAt: NOW - 600_000 });
    const takenBack: LedgerEntry = {
      ...old,
      id: 'taken',
      kind: 'adjustment',
      adjusts: { kind: 'key', id: key.hash },
      cost: -60n * TOKEN,
    };
    await stores.ledger.record(takenBack);
    await stores.totals.apply([{ ...old, id: 'old', endedAt: NOW - 600_000 }, takenBack]);
    await stores.ledger.record({ ...old, id: 'new', cost: 7n * TOKEN });

    expect((await books({}, NOW + 60_000)).difference).toBe(0n);
    expect((await books({}, LATER)).difference).not.toBe(0n);
  });

  it('does not take an open hold for spend', async () => {
    const key = aCappedKey({ maxBudget: CAP });
    await stores.keys.create(key);
    await call(key);
    const exchange = aCall(key, 40);
    await admitOn(stores)(exchange, answering(exchange, new Promise<never>(() => {})));

    expect((await books()).difference).toBe(0n);
  });

  it('judges windows of the past by their meters, and leaves out those that reach beyond the span', async () => {
    const key = aCappedKey({ maxBudget: CAP, budgetDuration: '1d', budgetAnchor: NOW - 3 * DAY });
    await stores.keys.create(key);
    await call(key);
    const earlier = budgetMeter(key, NOW - 2 * DAY);
    await stores.meters.change(earlier.meter, { add: { usd: 3n } });

    const done = await books();
    const within = await books({ from: NOW - DAY });

    expect(done.checks.filter(({ what }) => what === 'meter')).toMatchObject([
      { of: budgetMeter(key, NOW).meter, difference: 0n },
      { of: earlier.meter, counted: 3n, ledger: 0n, difference: 3n },
    ]);
    expect(within.checks.filter(({ what }) => what === 'meter')).toHaveLength(1);
    expect(within.checks.some(({ what }) => what === 'life')).toBe(false);
    expect(within.difference).toBe(0n);
  });
});

describe('the nightly reconciliation', () => {
  const env = readEnv({
    TOLLGATE_MAX_BUDGET: '5',
    TOLLGATE_MODEL_LIMITS: '{"gpt-*": {"max_budget": 1, "budget_duration": "1d"}}',
  });

  it('logs the difference as a number, and fails when it is not 0', async () => {
    const key = aCappedKey({ maxBudget: CAP, budgetDuration: '1d' });
    await stores.keys.create(key);
    const entry = await call(key);
    const lines: unknown[] = [];
    const nightly = createReconciler({
      env: readEnv({}),
      stores,
      log: (level, message, fields) => void lines.push({ level, message, ...fields }),
      now: () => LATER,
    });

    expect(await nightly()).toEqual({ checks: 5, entries: 1 });
    expect(lines).toMatchObject([{ level: 'info', message: 'reconciliation', differenceUsd: 0, differing: 0 }]);

    await stores.ledger.record({ ...entry, id: 'nobody-counted', cost: 2_000_000_000_000n });
    await expect(nightly()).rejects.toThrow('5 of 5 sums differ');
    expect(lines.slice(1, 3)).toMatchObject([
      { level: 'warn', message: 'the books differ from the last checkpoint on; all of the ledger is read' },
      { level: 'error', message: 'reconciliation', differenceUsd: 10, differing: 5 },
    ]);
  });

  describe('on DynamoDB', () => {
    let emulator: Emulator;
    beforeAll(async () => {
      emulator = await startDynoxide();
    });
    afterAll(() => emulator.stop());

    it('has the rights it needs and no other, and finds the books in order', async () => {
      stores = emulator.stores;
      await stores.budgets.create({ ...aTeam({ id: 'shared', maxBudget: CAP }), models: [] });
      await stores.teams.create(aTeam({ budgetId: 'shared' }));
      const key = aCappedKey({ maxBudget: CAP, budgetDuration: '1mo', teamId: 'team' });
      await stores.keys.create(key);
      for (let calls = 0; calls < 5; calls++) {
        await call(key, { caller: { type: 'key', key, team: aTeam({ maxBudget: CAP }) }, tags: ['x'] });
      }
      // A meter that was split, and whose shard gave back what it got.
      const split = {
        add: { [granted(1, 'usd')]: 1n, [returned(1, 'usd')]: 1n },
        equal: { [granted(1, 'usd')]: 0n },
      };
      await stores.meters.change(budgetMeter(key, NOW).meter, split);
      const guarded = await guard(emulator.endpoint, NAMES, ACCESS.reconciler);
      const client = clientFor(guarded.endpoint);

      const nightly = createReconciler({ env, stores: openDynamo(client, NAMES), log: () => {}, now: () => LATER });
      // The gateway's own meters were not held here: they are brought in. The second night goes on from the first.
      await nightly();
      await nightly();
      const done = await books({}, LATER, { settings: { global: gatewayLimits(env) } });
      client.destroy();
      guarded.stop();

      expect(done.difference).toBe(0n);
      expect([...guarded.denied]).toEqual([]);
      const rights = Object.entries(ACCESS.reconciler).flatMap(([table, actions]) =>
        actions.map((action) => `${table}:${action}`),
      );
      // Meters that were split are read in one batch; none was split here.
      expect([...new Set([...guarded.used, 'meters:BatchGetItem'])].toSorted()).toEqual(rights.toSorted());
    });
  });
});
