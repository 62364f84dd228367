/** Budgets that come into force late: what was spent before counts once, whatever happens in between. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { budgetsOf, type LimitedScope } from '../../../lib/domain/budget.ts';
import { heldOf, meterMark, spentOf, type Meter } from '../../../lib/domain/meter.ts';
import { parseUsd } from '../../../lib/domain/money.ts';
import { openBudgets } from '../../../lib/management/budget.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import type { MeterStore } from '../../../lib/stores/meters.ts';
import type { Stores } from '../../../lib/stores/stores.ts';
import { createAdmin, NOW, type Admin } from '../../functions/admin/support.ts';
import { startDynoxide, type Emulator } from '../../support/dynoxide.ts';

const USD = parseUsd;
let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

const team = (id: string): LimitedScope => ({
  scope: { kind: 'team', id },
  limits: { maxBudget: USD(10), budgetAnchor: NOW },
});

/** The meter of a team's budget. */
async function meterOf(admin: Admin, limited: LimitedScope): Promise<Meter | undefined> {
  const [budget] = budgetsOf(limited, admin.clock.now);
  return budget && admin.deps.meters.read(budget.meter);
}

describe.each(['memory', 'dynamodb'])('a budget opened late, on %s', (where) => {
  const prepare = async (id: string, over: (stores: Stores) => Partial<Stores> = () => ({})): Promise<Admin> => {
    const stores: Stores = where === 'memory' ? open() : emulator.stores;
    const admin = createAdmin({
      ...stores,
      ...over(stores),
      random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    });
    await admin.spend({ id: `${where}-${id}-1`, teamId: id, at: NOW, cost: USD(2) });
    await admin.spend({ id: `${where}-${id}-2`, teamId: id, at: NOW + 1, cost: USD(1) });
    admin.clock.now = NOW + 10;
    return admin;
  };

  it('counts what was spent once, by however many it is opened at the same time', async () => {
    const admin = await prepare('many');
    await Promise.all(Array.from({ length: 8 }, () => openBudgets(admin.deps, team('many'))));
    expect(await meterOf(admin, team('many'))).toMatchObject({ committed: { usd: USD(3) }, holds: [] });
  });

  it('and again, after it was taken away and given back', async () => {
    const admin = await prepare('again');
    await openBudgets(admin.deps, team('again'));
    await admin.spend({ id: `${where}-again-3`, teamId: 'again', at: NOW + 5, cost: USD(4) });
    await Promise.all(Array.from({ length: 8 }, () => openBudgets(admin.deps, team('again'))));
    expect(await meterOf(admin, team('again'))).toMatchObject({ committed: { usd: USD(7) } });
  });

  it('leaves a call to its settlement once, however many holds it has', async () => {
    const limited = team('twice');
    const [budget] = budgetsOf(limited, NOW);
    if (budget === undefined) throw new Error('no budget');
    const admin = await prepare('twice');
    const hold = { ...budget, amounts: { usd: USD(5) }, limits: {}, swept: true };
    const call = `${where}-twice-3`;
    await admin.deps.meters.hold(hold, call, NOW + 60_000);
    await admin.deps.meters.hold(hold, `${call}~2`, NOW + 60_000);
    await admin.spend({ id: call, teamId: 'twice', at: NOW + 2, cost: USD(4), heldIn: [meterMark(budget.meter)] });

    await openBudgets(admin.deps, limited);

    const meter = await meterOf(admin, limited);
    expect(meter && spentOf(meter, 'usd')).toBe(USD(3));
  });

  it('brings in a call whose hold came in although its limit was skipped: its settlement will be to nothing', async () => {
    const limited = team('skipped');
    const [budget] = budgetsOf(limited, NOW);
    if (budget === undefined) throw new Error('no budget');
    const admin = await prepare('skipped');
    const call = `${where}-skipped-3`;
    await admin.deps.meters.hold({ ...budget, amounts: { usd: USD(5) }, limits: {}, swept: true }, call, NOW + 60_000);
    await admin.spend({ id: call, teamId: 'skipped', at: NOW + 2, cost: USD(4), heldIn: [] });

    await openBudgets(admin.deps, limited);

    const meter = await meterOf(admin, limited);
    expect(meter && spentOf(meter, 'usd')).toBe(USD(7));
  });

  it('does not count a call twice that is settled while the ledger is read', async () => {
    const limited = team('settling');
    const [budget] = budgetsOf(limited, NOW);
    if (budget === undefined) throw new Error('no budget');
    const hold = { ...budget, amounts: { usd: USD(5) }, limits: {}, swept: true };
    let settled = false;
    const admin = await prepare('settling', (stores) => ({
      totals: {
        ...stores.totals,
        days: async (...asked) => {
          if (!settled) {
            settled = true;
            await stores.meters.settle(budget.meter, 'call', hold.amounts, { usd: USD(1) });
          }
          return stores.totals.days(...asked);
        },
      },
    }));
    await admin.deps.meters.change(budget.meter, { add: { usd: USD(3) } });
    await admin.deps.meters.hold(hold, 'call', NOW + 60_000);
    await admin.spend({ id: `${where}-settling-3`, teamId: 'settling', at: NOW + 2, cost: USD(1) });
    await openBudgets(admin.deps, limited);
    const meter = await meterOf(admin, limited);
    if (meter === undefined) throw new Error('no meter');
    expect({ spent: spentOf(meter, 'usd'), held: heldOf(meter, 'usd') }).toEqual({ spent: USD(4), held: 0n });
  });

  it.each([
    { step: 'read', meter: 'new' },
    { step: 'change', meter: 'new' },
    { step: 'change', meter: 'known' },
  ] as const)(
    'comes out right when the $step of a $meter meter fails at first and all is repeated',
    async ({ step, meter }) => {
      const id = `fault-${step}-${meter}`;
      let failures = 0;
      const failing = (meters: MeterStore): MeterStore => ({
        ...meters,
        [step]: async (...asked: readonly unknown[]) => {
          if (failures-- > 0) throw new Error('down');
          return (meters[step] as (...asked: readonly unknown[]) => Promise<unknown>)(...asked);
        },
      });
      const admin = await prepare(id, ({ meters }) => ({ meters: failing(meters) }));
      const [budget] = budgetsOf(team(id), NOW);
      // There already, so that opening means changing it.
      if (meter === 'known') await admin.deps.meters.change(budget?.meter ?? '', { add: { usd: USD(1) } });
      failures = 1;
      await expect(openBudgets(admin.deps, team(id))).rejects.toThrow('down');
      await openBudgets(admin.deps, team(id));
      expect(await meterOf(admin, team(id))).toMatchObject({ committed: { usd: USD(3) } });
    },
  );
});
