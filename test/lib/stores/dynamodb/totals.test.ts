/** Totals under faults: every call of the service fails once, before and after its commit; in the end everything counts once. */
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../../lib/domain/ledger-entry.ts';
import { scopesOf } from '../../../../lib/domain/total.ts';
import { rebuildTotals } from '../../../../lib/money/projection.ts';
import { open } from '../../../../lib/stores/dynamodb/index.ts';
import type { SdkClient } from '../../../../lib/stores/dynamodb/sdk-client.ts';
import { createTotalStore } from '../../../../lib/stores/dynamodb/totals.ts';
import type { Stores } from '../../../../lib/stores/stores.ts';
import type { TotalStore } from '../../../../lib/stores/totals.ts';
import { clientFor, NAMES, startDynoxide, type Emulator } from '../../../support/dynoxide.ts';
import { anEntry, unique } from '../contract.ts';
import { allOf, anOwnedEntry, daysOf } from '../contract-totals.ts';

let emulator: Emulator;
const clients: SdkClient[] = [];
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await emulator.stop();
});

/** When the entries arrive. */
const AT = 1_764_000_000_000;

type Step = 'before' | 'after' | undefined;

/** The moment at which writers write: that of the entries, so that their day is the day of now, or much later. */
let clock = 0;
const totalsOf = (client: SdkClient): TotalStore => createTotalStore(client, NAMES.totals, () => clock);
/** What the tests read with, and write with where nothing fails. */
const healthy = (): Stores => ({ ...emulator.stores, totals: totalsOf(emulator.client) });

/** Stores whose calls of the service, counted from 0, end as `fate` says; `calls` counts them. */
function storesWith(fate: (call: number) => Step | Error) {
  const client = clientFor(emulator.endpoint, { maxAttempts: 1 });
  clients.push(client);
  const counted = { calls: 0 };
  client.middlewareStack.add(
    (next) => async (args) => {
      const step = fate(counted.calls++);
      if (step instanceof Error) throw step;
      if (step === 'before') throw new Error('lost on the way there');
      const result = await next(args);
      if (step === 'after') throw new Error('lost on the way back');
      return result;
    },
    { step: 'initialize', priority: 'high', name: 'fate' },
  );
  return { stores: { ...open(client, NAMES), totals: totalsOf(client) }, counted };
}

/** Entries of one owner whom no other test knows. */
function someEntries(count: number): { readonly own: string; readonly entries: readonly LedgerEntry[] } {
  const own = unique('own');
  const owner = { keyHash: own, userId: own, teamId: own, organizationId: own, projectId: own, endUser: own, tags: [own] };
  const entries = Array.from({ length: count }, (_, place) =>
    anOwnedEntry({
      ...owner,
      at: AT,
      cost: BigInt(place + 1),
      modelGroup: `model-${place % 3}`,
      endedAt: AT + place * 400,
    }),
  );
  return { own, entries };
}

/** What the totals say of everybody who owns the entries must be what the entries say. */
async function expectCountedOnce(entries: readonly LedgerEntry[]): Promise<void> {
  const { totals } = healthy();
  const spend = entries.reduce((sum, { cost = 0n }) => sum + cost, 0n);
  for (const scope of scopesOf(entries[0] as LedgerEntry).filter(({ kind }) => kind !== 'global')) {
    expect(await totals.read(scope), scope.kind).toMatchObject({ spend, requests: entries.length });
    const days = await daysOf(totals, scope);
    expect(
      days.reduce((sum, { total }) => sum + total.spend, 0n),
      scope.kind,
    ).toBe(spend);
    if (scope.kind === 'key') continue;
    const span = { from: 0, to: 2_000_000_000_000 };
    const calls = await allOf((cursor) => totals.calls(scope, span, { limit: 4, ...(cursor === undefined ? {} : { cursor }) }));
    expect(calls.map(({ id }) => id).toSorted()).toEqual(entries.map(({ id }) => id).toSorted());
  }
}

describe.each([
  ['of now', AT],
  ['of long ago', AT + 30 * 86_400_000],
])('totals of a day %s', (_when, now) => {
  beforeEach(() => {
    clock = now;
  });

  it('count once whichever call of the service fails, before or after its commit', async () => {
    const whole = storesWith(() => undefined);
    await whole.stores.totals.apply(someEntries(7).entries);
    const { calls } = whole.counted;
    expect(calls).toBeGreaterThan(2);

    for (let failing = 0; failing < calls; failing++) {
      for (const step of ['before', 'after'] as const) {
        const { entries } = someEntries(7);
        const { stores } = storesWith((call) => (call === failing ? step : undefined));
        await expect(stores.totals.apply(entries), `${failing} ${step}`).rejects.toThrow();

        // The stream delivers again: cut at other places, and all of it once more.
        await stores.totals.apply(entries.slice(0, 3));
        await stores.totals.apply(entries.slice(2));
        expect(await stores.totals.apply(entries)).toBe(0);

        await expectCountedOnce(entries);
      }
    }
  });

  it('count once when many consumers race with the same entries', async () => {
    const { entries } = someEntries(20);

    const added = await Promise.all([
      healthy().totals.apply(entries),
      healthy().totals.apply(entries.slice(5)),
      healthy().totals.apply(entries.toReversed()),
      healthy().totals.apply(entries.slice(0, 12)),
    ]);

    expect(added.reduce((sum, one) => sum + one, 0)).toBe(20);
    await expectCountedOnce(entries);
  });

  it('step aside to another copy of a row when another writer has it, and the copies add up', async () => {
    const { entries } = someEntries(4);
    const reasons = [{ Code: 'None' }, { Code: 'TransactionConflict' }];
    const conflict = new TransactionCanceledException({ message: '', $metadata: {}, CancellationReasons: reasons });
    await healthy().totals.apply(entries.slice(0, 2));
    const { stores } = storesWith((call) => (call === 2 ? conflict : undefined));

    expect(await stores.totals.apply(entries)).toBe(2);

    await expectCountedOnce(entries);
  });

  it('are the same after a rebuild that was cut short at any call, while the stream goes on', async () => {
    const { entries } = someEntries(6);
    for (const entry of entries) await emulator.stores.ledger.record(entry);
    await healthy().totals.apply(entries.slice(0, 4));
    const ledger = { scan: async () => ({ items: entries.slice(0, 5) }) };

    for (let failing = 0; ; failing++) {
      const { stores } = storesWith((call) => (call === failing ? 'after' : undefined));
      const cut = await rebuildTotals({ totals: stores.totals, ledger }, async () => {}).then(
        () => false,
        () => true,
      );
      if (!cut) break;
      await healthy().totals.apply(entries.slice(failing % 6));
    }
    await healthy().totals.apply(entries);
    const fresh = { totals: totalsOf(emulator.client) };

    expect(await fresh.totals.read({ kind: 'key', id: entries[0]?.keyHash ?? '' })).toMatchObject({ spend: 21n, requests: 6 });
  });

  it.each([
    // What remembers it; life and day of the key, and of everything, whose day has no place left in its head.
    ['a lone entry of a key without owners', 1, { keyHash: 'lone' }, { inside: 4, outside: 5, plain: 0 }],
    // Three scopes more, each with life, day and list.
    [
      'a lone entry of a key with user and team',
      1,
      { keyHash: 'owned', userId: 'u', teamId: 't' },
      { inside: 7, outside: 11, plain: 3 },
    ],
    // Two transactions, since no more than sixty entries of a second are remembered by one.
    [
      'a hundred entries of one owner and model',
      100,
      { keyHash: 'busy', userId: 'u', teamId: 't' },
      { inside: 14, outside: 22, plain: 3 },
    ],
  ])('cost as few writes as the decision record says: %s', async (_, count, owner, { inside, outside, plain }) => {
    const written = { transactional: 0, plain: 0 };
    const client = clientFor(emulator.endpoint);
    clients.push(client);
    client.middlewareStack.add(
      (next) => async (args) => {
        const input = args.input as { TransactItems?: readonly unknown[]; RequestItems?: Record<string, readonly unknown[]> };
        written.transactional += input.TransactItems?.length ?? 0;
        written.plain += Object.values(input.RequestItems ?? {}).flatMap((requests) =>
          Array.isArray(requests) ? requests : [],
        ).length;
        return next(args);
      },
      { step: 'initialize', name: 'count' },
    );
    const mark = unique('cost');
    const named = Object.fromEntries(Object.entries(owner).map(([field, value]) => [field, `${value}-${mark}`]));
    const entries = Array.from({ length: count }, () => anEntry({ ...named, at: AT, endedAt: AT + 500 }));

    await totalsOf(client).apply(entries);

    expect(written).toEqual({ transactional: now === AT ? inside : outside, plain });
  });

  it('refuse a cursor that is none', async () => {
    const list = healthy().totals.list('team', { limit: 1, cursor: '%%' });

    await expect(list).rejects.toMatchObject({ kind: 'invalid_request' });
  });
});
