/** Days inside the rows of lives: whatever happens in whatever order, the totals say what those in memory say of the same entries. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { LedgerEntry } from '../../../../lib/domain/ledger-entry.ts';
import {
  addTotals,
  EVERYTHING,
  NO_TOTAL,
  scopesOf,
  type DayTotal,
  type Total,
  type TotalScope,
} from '../../../../lib/domain/total.ts';
import type { Item } from '../../../../lib/stores/dynamodb/attributes.ts';
import type { Dynamo } from '../../../../lib/stores/dynamodb/commands.ts';
import { createTotalStore } from '../../../../lib/stores/dynamodb/totals.ts';
import { open as openMemory } from '../../../../lib/stores/memory/index.ts';
import type { TotalStore } from '../../../../lib/stores/totals.ts';
import { clientFor, NAMES, sdkClientFor, startDynoxide, type Emulator } from '../../../support/dynoxide.ts';
import { anEntry, unique } from '../contract.ts';
import { daysOf } from '../contract-totals.ts';

const HOUR = 3_600_000;
const AT = Date.UTC(2026, 10, 22, 20);
const DAYS = { from: '2026-11-01', to: '2026-11-30' };

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

/** Sums of a scope's life and of its days, by everything that days are told apart by. */
async function seen(totals: TotalStore, scope: TotalScope): Promise<unknown> {
  const days = await daysOf(totals, scope, 100);
  const sum = days.reduce((all, { total }) => addTotals(all, total), NO_TOTAL);
  const life = await totals.read(scope);
  const rows = days.map(({ total, ...rest }): [string, Total] => [
    JSON.stringify(Object.entries(rest).toSorted(([one], [other]) => (one < other ? -1 : 1))),
    total,
  ]);
  return { life, sum, rows: rows.toSorted(([one], [other]) => (one < other ? -1 : 1)) };
}

/** One entry, of which many share their groups. */
const fields = fc.record({
  hours: fc.integer({ min: -30, max: 30 }),
  model: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'x'.repeat(200)),
  agent: fc.constantFrom('one/1', 'two/2'),
  user: fc.constantFrom('u', 'w', 'v'.repeat(300)),
  cost: fc.bigInt({ min: 0n, max: 10n ** 15n }),
  back: fc.boolean(),
});

/** What happens: some entries are applied, by some writers at once, one of whose calls may fail; time goes on. */
const step = fc.record({
  batches: fc.array(fc.array(fc.nat({ max: 39 }), { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 3 }),
  fault: fc.option(fc.record({ call: fc.nat({ max: 8 }), after: fc.boolean() }), { nil: undefined }),
  hours: fc.integer({ min: 0, max: 14 }),
});

describe('totals with the day of now in their heads', () => {
  it('say the same as totals in memory', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
    console.log(`seed of the totals property: ${seed} (SEED=${seed} repeats it)`);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fields, { minLength: 40, maxLength: 40 }),
        fc.array(step, { minLength: 1, maxLength: 10 }),
        async (pool, steps) => {
          const own = unique('own');
          const entries = pool.map(({ hours, model, agent, user, cost, back }): LedgerEntry => {
            const at = AT + hours * HOUR;
            const owner = { keyHash: own, userId: `${own}-${user}`, teamId: own, tags: [own] };
            const adjustment = { kind: 'adjustment', cost: -cost, adjusts: { kind: 'team', id: own } } as const;
            return anEntry({
              ...owner,
              at,
              endedAt: at,
              modelGroup: model,
              userAgent: agent,
              cost,
              ...(back && cost > 0n ? adjustment : {}),
            });
          });
          const oracle = openMemory().totals;
          const applied = new Set<LedgerEntry>();
          let clock = AT;
          let calls = 0;
          let fault: { readonly call: number; readonly after: boolean } | undefined;
          const client = clientFor(emulator.endpoint, { maxAttempts: 1 });
          client.middlewareStack.add(
            (next) => async (args) => {
              const here = calls++ === fault?.call;
              if (here && fault?.after === false) throw new Error('lost on the way there');
              const result = await next(args);
              if (here) throw new Error('lost on the way back');
              return result;
            },
            { step: 'initialize', priority: 'high', name: 'fate' },
          );
          const totals = createTotalStore(client, NAMES.totals, () => clock);

          for (const { batches, fault: planned, hours } of steps) {
            [calls, fault] = [0, planned];
            await Promise.allSettled(batches.map((batch) => totals.apply(batch.map((place) => entries[place] as LedgerEntry))));
            fault = undefined;
            for (const place of batches.flat()) applied.add(entries[place] as LedgerEntry);
            clock += hours * HOUR;
          }
          // The stream delivers again what failed.
          await totals.apply([...applied]);
          await oracle.apply([...applied]);

          const scopes = new Map([...applied].flatMap(scopesOf).map((scope) => [`${scope.kind}#${scope.id}`, scope]));
          scopes.delete(`global#${EVERYTHING.id}`);
          for (const [name, scope] of scopes) expect(await seen(totals, scope), name).toEqual(await seen(oracle, scope));
          client.destroy();
        },
      ),
      { seed, numRuns: Number(process.env['RUNS'] ?? 40) },
    );
  }, 120_000);

  const entryOf = (keyHash: string, modelGroup: string, hours = 0): LedgerEntry =>
    anEntry({ keyHash, at: AT + hours * HOUR, endedAt: AT + hours * HOUR, modelGroup, cost: 7n });
  it.each([
    ['make a group in the same place', 'b', 'c', 0],
    ['add to a group that is moved out', 'a', 'c', 24],
    ['make a group in a head that is moved out', 'b', 'c', 24],
    ['move out what is added to', 'a', 'a', -24],
    ['move out the same day', 'a', 'b', 0],
  ])('count once what two writers do who %s', async (_, model, other, hours) => {
    const keyHash = unique('own');
    // The first one's clock; the other's is hours ahead of it, or behind.
    const mine = AT + (hours < 0 ? 24 : hours === 0 && model === 'a' ? 24 : 0) * HOUR;
    const theirs = hours < 0 ? AT : AT + (model === 'a' && hours === 0 ? 24 : hours) * HOUR;
    const first = entryOf(keyHash, 'a');
    await createTotalStore(emulator.client, NAMES.totals, () => AT).apply([first]);
    const late = anEntry({ ...entryOf(keyHash, model), at: mine, endedAt: mine });
    const early = anEntry({ ...entryOf(keyHash, other), at: theirs, endedAt: theirs });
    const client = clientFor(emulator.endpoint);
    let met = false;
    client.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'TransactWriteItemsCommand' && !met) {
          met = true;
          // Between what the first one read and what it writes.
          await createTotalStore(emulator.client, NAMES.totals, () => theirs).apply([early]);
        }
        return next(args);
      },
      { step: 'initialize', name: 'meeting' },
    );
    const totals = createTotalStore(client, NAMES.totals, () => mine);

    await totals.apply([late]);

    expect(met).toBe(true);
    const oracle = openMemory().totals;
    await oracle.apply([first, late, early]);
    const scope = { kind: 'key', id: keyHash } as const;
    expect(await seen(totals, scope)).toEqual(await seen(oracle, scope));
    client.destroy();
  });

  it('keep heads below a kilobyte, which is one write unit', async () => {
    const totals = createTotalStore(emulator.client, NAMES.totals, () => AT);
    const long = (letter: string, length: number): string => unique(letter).padEnd(length, letter);
    for (let owner = 0; owner < 5; owner++) {
      const [keyHash, userId] = [long('k', 64), long('u', 128)];
      for (let group = 0; group < 6; group++) {
        const [modelGroup, model] = [long('m', 10 + group * 15), long('n', 30)];
        const usage = {
          inputTokens: 10 ** 9 + 1,
          outputTokens: 10 ** 8 + 1,
          cacheReadTokens: 10 ** 8 + 3,
          source: 'provider',
        } as const;
        await totals.apply([
          anEntry({ at: AT, endedAt: AT, keyHash, userId, modelGroup, model, usage, cost: 123_456_789_123_456_789n }),
        ]);
      }
    }

    const client = sdkClientFor(emulator.endpoint);
    const { Items = [] } = await client.send(new ScanCommand({ TableName: NAMES.totals }));
    client.destroy();

    const heads = (Items as Item[]).filter((item) => item['d'] !== undefined);
    expect(heads.length).toBeGreaterThan(10);
    expect(Math.max(...heads.map(sizeOf))).toBeLessThanOrEqual(1_024);
  });

  it('tell a day once, although it leaves its head while it is read', async () => {
    const own = unique('own');
    let now = AT;
    const client = clientFor(emulator.endpoint);
    const writer = createTotalStore(client, NAMES.totals, () => now);
    const entry = (at: number): LedgerEntry => anEntry({ keyHash: own, tags: [], at, endedAt: at, cost: 5n });
    await writer.apply([entry(AT)]);
    let queries = 0;
    const slow: Dynamo = {
      async send(command) {
        const answer = await client.send(command);
        // After the heads were read, before the rows are.
        if (command.operation !== 'Query' || queries++ > 0) return answer;
        now += 24 * HOUR;
        await writer.apply([entry(now)]);
        return answer;
      },
      destroy: () => {},
    };

    const days = await daysOf(
      createTotalStore(slow, NAMES.totals, () => now),
      { kind: 'key', id: own },
      100,
    );
    client.destroy();

    expect(days.map(({ day, total }) => [day, total.spend])).toEqual([
      ['2026-11-23', 5n],
      ['2026-11-22', 5n],
    ]);
  });

  it('tell a day of many pages once, whichever page it leaves its head after', async () => {
    const models = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    for (let leaving = 1; leaving <= 6; leaving++) {
      const own = unique('own');
      let now = AT;
      const entry = (modelGroup: string): LedgerEntry =>
        anEntry({ keyHash: own, tags: [], at: now, endedAt: now, modelGroup, cost: 5n });
      const totals = createTotalStore(emulator.client, NAMES.totals, () => now);
      // Three groups find a place in the head, the others are rows of their own.
      for (const model of models) await totals.apply([entry(model)]);

      const told: DayTotal[] = [];
      let [pages, cursor]: [number, string | undefined] = [0, undefined];
      do {
        const page = await totals.days({ kind: 'key', id: own }, DAYS, {
          limit: 1,
          ...(cursor === undefined ? {} : { cursor }),
        });
        told.push(...page.items);
        cursor = page.cursor;
        if (++pages === leaving) {
          now += 24 * HOUR;
          await totals.apply([entry('h')]);
        }
      } while (cursor !== undefined);

      expect(told.map(({ modelGroup, total }) => `${modelGroup} ${total.spend}`).toSorted(), `after page ${leaving}`).toEqual(
        models.map((model) => `${model} 5`),
      );
      expect(told.map(({ day }) => day)).toEqual(told.map(() => '2026-11-22'));
    }
  });

  it('tell a group that is in its head and in a row as well, whole', async () => {
    const own = unique('own');
    let now = AT - 24 * HOUR;
    const totals = createTotalStore(emulator.client, NAMES.totals, () => now);
    const entry = (): LedgerEntry => anEntry({ keyHash: own, tags: [], at: AT, endedAt: AT, cost: 5n });
    // A writer whose clock is behind makes a row.
    await totals.apply([entry()]);
    now = AT;
    await totals.apply([entry()]);

    const days = await daysOf(totals, { kind: 'key', id: own }, 1);

    expect(days.map(({ total }) => total.spend)).toEqual([10n]);
  });
});

/** Size of an item as DynamoDB counts it: names, texts, and numbers at a byte per two digits and one or two more. */
const sizeOf = (item: Item): number =>
  Object.entries(item).reduce((sum, [name, { S, N }]) => {
    const value = S === undefined ? Math.ceil((N ?? '').replace(/0+$/, '').length / 2) + 2 : Buffer.byteLength(S);
    return sum + Buffer.byteLength(name) + value;
  }, 0);
