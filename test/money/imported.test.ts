/** What LiteLLM counted as spent, brought along by an import: ledger and meters agree, whenever it stops and is repeated. */
import { describe, expect, it } from 'vitest';
import { budgetsOf } from '../../lib/domain/budget.ts';
import { hashSecret } from '../../lib/domain/key.ts';
import { spentOf, type Scope } from '../../lib/domain/meter.ts';
import type { Dump, Row } from '../../lib/migration/dump.ts';
import { recordsOf } from '../../lib/migration/records.ts';
import { storeRecords } from '../../lib/migration/store-records.ts';
import { reconcile, type Reconciliation } from '../../lib/money/reconcile.ts';
import { readMeter } from '../../lib/money/shards.ts';
import { createSecretStore, open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { NOW } from '../support/exchange.ts';

const DAY = 86_400_000;
const USD = (dollars: number): bigint => BigInt(dollars * 1_000_000) * 1_000_000n;
const key: Scope = { kind: 'key', id: hashSecret('sk-brought-along') };
const time = (at: number): string => new Date(at).toISOString();
/** A key and a team, each ten days into a window of thirty. */
const limits = {
  max_budget: 10,
  budget_duration: '30d',
  budget_reset_at: time(NOW + 20 * DAY),
  created_at: time(NOW - 99 * DAY),
};
const keyRow = { token: key.id, key_name: 'sk-...long', spend: 4, ...limits };
const dumpOf = (tables: Readonly<Record<string, readonly Row[]>>) => new Map(Object.entries(tables)) as unknown as Dump;
const dump = dumpOf({
  VerificationToken: [keyRow],
  TeamTable: [{ team_id: 't', spend: 2, ...limits, max_budget: null, soft_budget: 5 }],
});

/** An import of the dump at a moment, over the same files as ever. */
const importAt = (stores: Stores, now: number, tables = dump) =>
  storeRecords({ stores, secrets: createSecretStore(), now: () => now, onProgress: () => {} }, recordsOf(tables, now));

async function compared(stores: Stores, now: number, bringsIn: boolean): Promise<Reconciliation> {
  await stores.totals.apply((await stores.ledger.scan()).items);
  return reconcile({ stores, readMeter: (id) => readMeter(stores.meters, id), settings: {}, now: () => now, bringsIn });
}

/** What the meters of a key's budgets know at a moment, in their order. */
async function spentAt({ keys, meters }: Stores, now: number): Promise<readonly bigint[]> {
  const record = await keys.get(key.id);
  if (record === undefined) throw new Error('expected the key');
  const found = await Promise.all(budgetsOf({ scope: key, limits: record }, now).map(({ meter }) => meters.read(meter)));
  return found.map((meter) => (meter === undefined ? 0n : spentOf(meter, 'usd')));
}

/** The stores, of which one step fails once, done or not. */
function failingAt(stores: Stores, step: 'read' | 'record' | 'change', when: 'before' | 'after'): Stores {
  let failures = 1;
  const failing = <A extends readonly unknown[], R>(name: typeof step, run: (...given: A) => Promise<R>) =>
    name === step
      ? async (...given: A): Promise<R> => {
          if (failures === 0) return run(...given);
          failures--;
          if (when === 'after') await run(...given);
          throw new Error('down');
        }
      : run;
  const { meters, ledger } = stores;
  return {
    ...stores,
    ledger: { ...ledger, record: failing('record', (entry) => ledger.record(entry)) },
    meters: {
      ...meters,
      read: failing('read', (id) => meters.read(id)),
      change: failing('change', (...given) => meters.change(...given)),
    },
  };
}

const STEPS = (['read', 'record', 'change'] as const).flatMap((step) =>
  (['before', 'after'] as const).map((when) => ({ step, when })),
);

describe('spend that an import brings along', () => {
  it('is in the meters and in the ledger at once', async () => {
    const stores = open();
    await importAt(stores, NOW);
    expect(await spentAt(stores, NOW)).toEqual([USD(4)]);
    expect(await compared(stores, NOW, false)).toMatchObject({ entries: 2, spend: USD(6), difference: 0n });
  });

  it.each(STEPS)('is there once when the import fails $when its $step and is repeated', async ({ step, when }) => {
    const stores = open();
    const first = await importAt(failingAt(stores, step, when), NOW);
    expect(first.flatMap(({ failed }) => failed)).toHaveLength(1);
    await importAt(stores, NOW + 1);
    await importAt(stores, NOW + 2);
    expect(await spentAt(stores, NOW)).toEqual([USD(4)]);
    expect((await compared(stores, NOW, false)).difference).toBe(0n);
  });

  it.each(STEPS)(
    'is there once when the night comes before the import that failed $when its $step is repeated',
    async (fault) => {
      const stores = open();
      await importAt(failingAt(stores, fault.step, fault.when), NOW);
      expect((await compared(stores, NOW + DAY, true)).difference).toBe(0n);
      await importAt(stores, NOW + DAY);
      expect(await spentAt(stores, NOW)).toEqual([USD(4)]);
      expect((await compared(stores, NOW + DAY, false)).difference).toBe(0n);
    },
  );

  it.each([undefined, ...STEPS])('leaves later windows alone when the import is repeated in one of them: %j', async (fault) => {
    const stores = open();
    const alone = dumpOf({ VerificationToken: [keyRow] });
    await importAt(fault === undefined ? stores : failingAt(stores, fault.step, fault.when), NOW, alone);
    await compared(stores, NOW + DAY, true);
    const wasBooked = (await stores.ledger.scan()).items.length === 1;
    const later = NOW + 25 * DAY;
    await importAt(stores, later, alone);
    expect(await spentAt(stores, later)).toEqual([wasBooked ? 0n : USD(4)]);
    expect((await compared(stores, later, false)).difference).toBe(0n);
  });

  it('is no spend of a window that began later', async () => {
    const stores = open();
    const windows = [
      { budget_duration: '1d', max_budget: 1 },
      { budget_duration: '7d', max_budget: 2 },
    ];
    await importAt(stores, NOW, dumpOf({ VerificationToken: [{ ...keyRow, budget_limits: windows }] }));
    expect(await spentAt(stores, NOW)).toEqual([USD(4), 0n, 0n]);
    expect(await compared(stores, NOW + 1, true)).toMatchObject({ difference: 0n, broughtIn: 0n });
    expect(await spentAt(stores, NOW)).toEqual([USD(4), 0n, 0n]);
  });
});
