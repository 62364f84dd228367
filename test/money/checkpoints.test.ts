/** Reconciliation night by night: everything is compared, budgets for good included, and only what is new is read. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createReconciler } from '../../functions/reconciler/handler.ts';
import { budgetMeter } from '../../lib/domain/budget.ts';
import type { VirtualKey } from '../../lib/domain/key.ts';
import type { LedgerEntry } from '../../lib/domain/ledger-entry.ts';
import { readEnv } from '../../lib/env.ts';
import type { Exchange } from '../../lib/exchange.ts';
import { open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { NOW } from '../support/exchange.ts';
import { aCall, aCappedKey, admitOn, answering, TOKEN, used } from './calls.ts';

const DAY = 86_400_000;
const CAP = TOKEN * 1_000_000n;

let stores: Stores;
/** The earliest arrival that was read, and whether all of the ledger was. */
let read: { earliest: number; scans: number };
let lines: { readonly message: string }[];
let env = readEnv({});
beforeEach(() => {
  stores = open();
  lines = [];
  env = readEnv({});
});

/** A night: `day` days after `NOW`, an hour later. */
async function night(day: number): Promise<{ readonly checks: number; readonly entries: number }> {
  read = { earliest: Infinity, scans: 0 };
  const { ledger } = stores;
  const seen = <T extends { readonly items: readonly LedgerEntry[] }>(page: T): T => {
    for (const { at } of page.items) read.earliest = Math.min(read.earliest, at);
    return page;
  };
  const watched: Stores = {
    ...stores,
    ledger: {
      ...ledger,
      list: async (filter) => seen(await ledger.list(filter)),
      scan: async (cursor) => {
        read.scans++;
        return seen(await ledger.scan(cursor));
      },
    },
  };
  return createReconciler({
    env,
    stores: watched,
    log: (level, message, fields) => void lines.push({ message, level, ...fields } as { readonly message: string }),
    now: () => NOW + day * DAY + 3_600_000,
  })();
}

/** One call on that day, projected as the stream would. */
async function callOn(day: number, key: VirtualKey, tokens = 10, over: Partial<Exchange> = {}): Promise<LedgerEntry> {
  const at = NOW + day * DAY;
  const exchange = aCall(key, 40, { receivedAt: at, deadline: at + 60_000, ...over });
  await (
    await admitOn(stores, { now: () => at })(exchange, answering(exchange, used(tokens)))
  ).done;
  const entry = (await stores.ledger.get(exchange.id)) as LedgerEntry;
  await stores.totals.apply([entry]);
  return entry;
}

describe('nightly reconciliations', () => {
  it('cover budgets for good by reading what is new: the rest is carried on', async () => {
    const key = aCappedKey({ maxBudget: CAP, modelLimits: { 'gpt-*': { maxBudget: CAP } } });
    await stores.keys.create(key);
    for (const day of [0, 10, 20]) await callOn(day, key);
    await night(20);
    expect(read.scans).toBe(1);
    for (const day of [50, 70]) await callOn(day, key);

    expect(await night(70)).toMatchObject({ entries: 5 });
    expect(read).toMatchObject({ scans: 0 });
    expect(await night(100)).toMatchObject({ entries: 5 });
    expect(read).toMatchObject({ scans: 0, earliest: NOW + 50 * DAY });
    expect((await stores.checkpoints.read())?.lives.get(`key#${key.hash}`)).toBe(TOKEN * 40n);
    expect((await stores.checkpoints.read())?.meters.size).toBe(2);
  });

  it('find what is wrong in a budget for good, whatever was carried on', async () => {
    const key = aCappedKey({ maxBudget: CAP });
    await stores.keys.create(key);
    await callOn(0, key);
    await night(60);
    await callOn(61, key);
    await night(61);
    const before = await stores.checkpoints.read();
    await stores.meters.change(budgetMeter(key, NOW).meter, { add: { usd: -1n } });

    await expect(night(100)).rejects.toThrow(/^1 of \d+ sums differ/);
    expect(read.scans).toBe(1);
    expect(await stores.checkpoints.read()).toBe(before);

    await stores.meters.change(budgetMeter(key, NOW).meter, { add: { usd: 1n } });
    await night(101);
    expect(read.scans).toBe(0);
    expect((await stores.checkpoints.read())?.at).toBeGreaterThan(before?.at ?? 0);
  });

  it('find a life that forgot a call of long ago', async () => {
    const key = aCappedKey({});
    await callOn(0, key);
    await night(60);
    const totals = { ...stores.totals, list: async () => ({ items: [] }) };
    stores = { ...stores, totals };

    await expect(night(61)).rejects.toThrow(/sums differ/);
  });

  it('look up the earlier calls of a budget that is new and reaches back', async () => {
    const key = aCappedKey({});
    await callOn(0, key);
    await callOn(1, aCappedKey({}));
    await night(60);
    await stores.keys.create({ ...key, maxBudget: CAP, budgetAnchor: NOW - DAY });

    await night(61);
    expect(read).toMatchObject({ scans: 0, earliest: NOW });
    // It was not opened by anybody: the night brought in what it lacked.
    expect((await stores.meters.read(budgetMeter({ ...key, budgetAnchor: NOW - DAY }, NOW).meter))?.committed.usd).toBe(
      TOKEN * 10n,
    );

    await night(62);
    expect(read.earliest).toBe(Infinity);
  });

  it('read all of the ledger once where the gateway got a budget for good, or the rule for users changed', async () => {
    await callOn(0, aCappedKey({}));
    await night(60);
    env = readEnv({ TOLLGATE_MAX_BUDGET: '5' });

    await night(61);
    expect(read.scans).toBe(1);
    await night(62);
    expect(read.scans).toBe(0);

    env = readEnv({ TOLLGATE_MAX_BUDGET: '5', TOLLGATE_APPLY_USER_BUDGET_TO_TEAM_KEYS: 'true' });
    await night(63);
    expect(read.scans).toBe(1);
    await night(64);
    expect(read.scans).toBe(0);
  });

  it('read all of the ledger where something was booked into the time that was closed', async () => {
    const key = aCappedKey({ maxBudget: CAP });
    await stores.keys.create(key);
    const entry = await callOn(0, key);
    await night(60);
    const late: LedgerEntry = { ...entry, id: 'late', kind: 'adjustment', heldIn: [], cost: TOKEN * 3n };
    await stores.ledger.record(late);
    await stores.totals.apply([late]);

    await night(61);
    expect(read.scans).toBe(1);
    expect(lines).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('all of the ledger is read') as string }),
    );
    await night(62);
    expect(read.scans).toBe(0);
  });
});

describe('sessions with budgets', () => {
  const key = aCappedKey({ sessionBudget: CAP });
  const meterOf = (session: string): string => `session#${encodeURIComponent(`${key.hash}/${session}`)}#usd#total#0`;
  beforeEach(() => stores.keys.create(key));

  it('are compared with the calls that name them, those of before the checkpoint included', async () => {
    for (const [day, sessionId] of [
      [0, 'a'],
      [1, 'b'],
      [59, 'a'],
      [60, 'c'],
    ] as const)
      await callOn(day, key, 10, { sessionId });
    await callOn(60, aCappedKey({}), 10, { sessionId: 'a' });
    expect(await night(60)).toMatchObject({ entries: 5 });
    await callOn(61, key, 5, { sessionId: 'a' });
    await night(61);
    expect(read.scans).toBe(0);

    expect((await stores.meters.read(meterOf('a')))?.committed.usd).toBe(TOKEN * 25n);
    await stores.meters.change(meterOf('a'), { add: { usd: 1n } });
    await expect(night(62)).rejects.toThrow(/^1 of \d+ sums differ/);
    expect(lines).toContainEqual(expect.objectContaining({ message: 'the books differ', of: meterOf('a') }));
  });

  it('are behind by nothing when a call ends while they are looked at', async () => {
    await callOn(0, key, 10, { sessionId: 'a' });
    const { meters } = stores;
    let calls = 0;
    stores = {
      ...stores,
      meters: {
        ...meters,
        async read(id) {
          // After the entries were read, before the meter is.
          if (id === meterOf('a') && calls++ === 0) {
            const at = NOW + 3_600_000 - 200_000;
            const exchange = aCall(key, 40, { receivedAt: at, deadline: at + 60_000, sessionId: 'a' });
            const { ledger } = stores;
            await (
              await admitOn({ meters, ledger }, { now: () => at })(exchange, answering(exchange, used(7)))
            ).done;
          }
          return meters.read(id);
        },
      },
    };

    await expect(night(0)).resolves.toMatchObject({ entries: 1 });
  });
});
