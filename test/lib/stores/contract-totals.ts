/** What every store of totals must do. Run against memory and against DynamoDB. */
import { describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../lib/domain/ledger-entry.ts';
import { addTotals, dayOf, NO_TOTAL, type DayTotal, type TotalKind, type TotalScope } from '../../../lib/domain/total.ts';
import type { Page } from '../../../lib/stores/keys.ts';
import type { Stores } from '../../../lib/stores/stores.ts';
import type { TotalStore } from '../../../lib/stores/totals.ts';
import { anEntry, unique } from './contract.ts';

/** An entry of everybody there can be. */
export const anOwnedEntry = (fields: Partial<LedgerEntry> = {}): LedgerEntry =>
  anEntry({
    keyHash: 'k',
    userId: 'u',
    teamId: 't',
    organizationId: 'o',
    projectId: 'p',
    endUser: 'c',
    tags: ['x', 'y'],
    provider: 'openai',
    model: 'gpt-4o-2026-01-01',
    userAgent: 'OpenAI/Python 1.99.1',
    ...fields,
  });

/** Every page of a listing. */
export async function allOf<T>(list: (cursor: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await list(cursor);
    items.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return items;
}

const at = (cursor: string | undefined, limit: number) => ({ limit, ...(cursor === undefined ? {} : { cursor }) });
const DAYS = { from: '2020-01-01', to: '2030-01-01' };

/** The days of a scope, those of equal dimensions added up. */
export async function daysOf(totals: TotalStore, scope: TotalScope, limit = 3): Promise<readonly DayTotal[]> {
  const sums = new Map<string, DayTotal>();
  for (const { total, ...rest } of await allOf((cursor) => totals.days(scope, DAYS, at(cursor, limit)))) {
    const name = JSON.stringify(rest);
    sums.set(name, { ...rest, total: addTotals(sums.get(name)?.total ?? NO_TOTAL, total) });
  }
  return [...sums.values()];
}

/** Runs the suite on the stores that `stores()` returns. */
export function totalsContract(name: string, stores: () => Stores): void {
  describe(`${name} totals`, () => {
    it('counts an entry once, whoever applies it and however often', async () => {
      const keyHash = unique('hash');
      const entry = anEntry({ keyHash, usage: { inputTokens: 10, cacheReadTokens: 4, outputTokens: 5, source: 'provider' } });
      const { cost: _, ...unpriced } = anEntry({ keyHash, status: 'error' });

      const outcomes = await Promise.all([1, 2, 3].map(() => stores().totals.apply([entry])));
      await stores().totals.apply([unpriced]);

      expect(outcomes.toSorted((a, b) => a - b)).toEqual([0, 0, 1]);
      expect(await stores().totals.read({ kind: 'key', id: keyHash })).toEqual({
        spend: entry.cost,
        takenBack: 0n,
        requests: 2,
        failed: 1,
        unpriced: 1,
        inputTokens: 20,
        outputTokens: 10,
        cacheReadTokens: 4,
        cacheWriteTokens: 0,
        durationMs: 2_000,
      });
    });

    it('keeps what was taken back of one owner apart, and counts it for nobody else', async () => {
      const [keyHash, teamId] = [unique('hash'), unique('team')];
      const team = { kind: 'team', id: teamId } as const;
      const everything = (await stores().totals.read({ kind: 'global', id: '' })).takenBack;
      await stores().totals.apply([
        anEntry({ keyHash, teamId, cost: 9n }),
        anEntry({ keyHash, teamId, cost: -4n, kind: 'adjustment', adjusts: team }),
      ]);

      expect(await stores().totals.read(team)).toMatchObject({ spend: 9n, takenBack: 4n, requests: 1 });
      expect(await stores().totals.read({ kind: 'key', id: keyHash })).toMatchObject({ spend: 9n, takenBack: 0n });
      expect((await stores().totals.read({ kind: 'global', id: '' })).takenBack).toBe(everything);
    });

    it('adds a batch of any size, without those that were applied before', async () => {
      const keyHash = unique('hash');
      const entries = Array.from({ length: 130 }, (_, place) => anEntry({ keyHash, modelGroup: `m${place % 70}` }));
      await stores().totals.apply(entries.slice(0, 3));

      const added = await stores().totals.apply([...entries, ...entries.slice(0, 1)].slice(1));

      expect(added).toBe(127);
      expect((await stores().totals.read({ kind: 'key', id: keyHash })).requests).toBe(130);
      expect(await stores().totals.apply([])).toBe(0);
    });

    it('counts an entry for each of its scopes, on each of its days', async () => {
      const own = unique('own');
      const [day, next] = [1_764_000_000_000, 1_764_000_000_000 + 86_400_000];
      const owner = { keyHash: own, userId: own, teamId: own, organizationId: own, projectId: own, endUser: own, tags: [own] };
      const one = anOwnedEntry({ ...owner, at: day, cost: 3n });
      const two = anOwnedEntry({ ...owner, at: next, cost: 4n, tags: [own, `${own}-b`] });
      const other = anOwnedEntry({ ...owner, at: next, cost: 5n, route: '/v1/messages', userAgent: 'claude-cli/2.0' });

      await stores().totals.apply([one, two, other]);

      const kinds: TotalKind[] = ['key', 'user', 'team', 'organization', 'project', 'customer', 'tag'];
      for (const scope of [...kinds.map((kind) => ({ kind, id: own })), { kind: 'member' as const, id: `${own}/${own}` }]) {
        expect((await stores().totals.read(scope)).spend, scope.kind).toBe(12n);
        const days = await daysOf(stores().totals, scope);
        expect(
          days
            .map(({ day: of, route, agent, total }) => [of, route, agent, total.spend])
            .toSorted((a, b) => (String(a) < String(b) ? -1 : 1)),
          scope.kind,
        ).toEqual([
          [dayOf(day), '/v1/chat/completions', 'OpenAI/Python', 3n],
          [dayOf(next), '/v1/chat/completions', 'OpenAI/Python', 4n],
          [dayOf(next), '/v1/messages', 'claude-cli', 5n],
        ]);
      }
      expect((await stores().totals.read({ kind: 'tag', id: `${own}-b` })).spend).toBe(4n);
      const span = await stores().totals.days({ kind: 'key', id: own }, { from: dayOf(next), to: dayOf(next) }, { limit: 9 });
      expect(new Set(span.items.map(({ total }) => total.spend))).toEqual(new Set([4n, 5n]));
      const everything = await daysOf(stores().totals, { kind: 'global', id: '' }, 50);
      const ours = everything.filter(({ keyHash }) => keyHash === own);
      expect(new Set(ours.map(({ total }) => total.spend))).toEqual(new Set([3n, 4n, 5n]));
    });

    it('tells scopes apart whose names begin alike, and takes names of any length', async () => {
      const id = unique('team');
      const long = `${'ü'.repeat(250)}${id}`;
      const teams = [id, `${id}#0`, `${id}#`, long];
      await stores().totals.apply(teams.map((teamId, place) => anEntry({ teamId, cost: BigInt(place + 1) })));

      const spent = await Promise.all(teams.map((teamId) => stores().totals.read({ kind: 'team', id: teamId })));

      expect(spent.map(({ spend }) => spend)).toEqual([1n, 2n, 3n, 4n]);
    });

    it('lists every scope of a kind', async () => {
      const projects = Array.from({ length: 12 }, () => unique('project'));
      await stores().totals.apply(projects.map((projectId, place) => anEntry({ projectId, cost: BigInt(place + 1) })));

      const listed = await allOf((cursor) => stores().totals.list('project', at(cursor, 2)));

      const ours = listed.filter(({ id }) => projects.includes(id)).toSorted((a, b) => Number(a.total.spend - b.total.spend));
      expect(ours.map(({ id }) => id)).toEqual(projects);
    });

    it('lists the calls of a scope, newest first, over pages, each once', async () => {
      const endUser = unique('customer');
      const start = 1_764_000_000_000;
      const entries = Array.from({ length: 9 }, (_, place) => anEntry({ endUser, at: start + place * 25_000 }));
      await stores().totals.apply(entries.slice(0, 5));
      await stores().totals.apply(entries.slice(3));
      const scope = { kind: 'customer', id: endUser } as const;
      const span = { from: start + 25_000, to: start + 8 * 25_000 };

      const calls = await allOf((cursor) => stores().totals.calls(scope, span, at(cursor, 2)));

      expect(calls).toEqual(
        entries
          .slice(1, 8)
          .toReversed()
          .map(({ id, at: moment }) => ({ id, at: moment })),
      );
      expect(await stores().totals.calls({ kind: 'customer', id: 'nobody' }, span, { limit: 5 })).toEqual({ items: [] });
    });

    it('takes an entry of hundreds of tags', async () => {
      const mark = unique('tag');
      const entry = anEntry({ tags: Array.from({ length: 120 }, (_, place) => `${mark}-${place}`), cost: 7n });

      expect(await stores().totals.apply([entry])).toBe(1);
      expect(await stores().totals.apply([entry])).toBe(0);

      const spent = await Promise.all(entry.tags.map((id) => stores().totals.read({ kind: 'tag', id })));
      expect(new Set(spent.map(({ spend }) => spend))).toEqual(new Set([7n]));
    });

    it('reads zero for a scope that never called', async () => {
      expect(await stores().totals.read({ kind: 'key', id: 'nobody' })).toEqual(NO_TOTAL);
    });

    it('survives figures that are none', async () => {
      const keyHash = unique('hash');
      const usage = { inputTokens: Number.NaN, outputTokens: 1.5, cacheReadTokens: -3, source: 'provider' } as const;
      await stores().totals.apply([anEntry({ keyHash, usage })]);

      expect(await stores().totals.read({ kind: 'key', id: keyHash })).toMatchObject({
        inputTokens: 0,
        outputTokens: 2,
        cacheReadTokens: 0,
      });
    });

    it('writes everything anew beside what is in use, while entries go on arriving', async () => {
      const { totals } = stores();
      const keyHash = unique('hash');
      const scope = { kind: 'key', id: keyHash } as const;
      const [before, during, missed] = [1n, 10n, 100n].map((cost) => anEntry({ keyHash, cost })) as [
        LedgerEntry,
        LedgerEntry,
        LedgerEntry,
      ];
      await totals.apply([before]);

      const generation = await totals.rebuild.begin();
      expect(await totals.rebuild.begin()).toBe(generation);
      await totals.apply([during]);
      expect(await totals.rebuild.fill(generation, [before, during, missed])).toBe(2);
      expect((await totals.read(scope)).spend).toBe(11n);
      await totals.rebuild.finish(generation);
      await totals.rebuild.finish(generation);

      expect((await totals.read(scope)).spend).toBe(111n);
      expect(await totals.apply([before, during, missed])).toBe(0);
      await totals.rebuild.sweep();
      expect((await totals.read(scope)).spend).toBe(111n);
      await expect(totals.rebuild.finish(generation + 5)).rejects.toThrow('not open');
    });
  });
}

/** Runs the suite of checkpoints. */
export function checkpointsContract(name: string, stores: () => Stores): void {
  describe(`${name} checkpoints`, () => {
    it('gives back the last one, however many sums it has', async () => {
      const lives = new Map(Array.from({ length: 2_500 }, (_, index) => [`customer#ü ${index}`, 10n ** 20n + BigInt(index)]));
      const meters = new Map([['team#t#usd#total#0', { ledger: -7n, unheld: 3n }]]);
      const first = {
        at: 1,
        userBudgetsForTeamKeys: false,
        entries: 1,
        spend: 1n,
        unpriced: 0,
        lives: new Map(),
        meters: new Map(),
      };
      const second = { ...first, at: 2, userBudgetsForTeamKeys: true, spend: 5n, unpriced: 4, lives, meters };

      await stores().checkpoints.write(first);
      expect(await stores().checkpoints.read()).toEqual(first);
      await stores().checkpoints.write(second);

      expect(await stores().checkpoints.read()).toEqual(second);
    });

    it('takes names as long as clients can make them', async () => {
      // 256 characters that JSON writes as six each.
      const name = (index: number): string => `customer#${'\u0001'.repeat(252)}${String(index).padStart(4, '0')}`;
      const lives = new Map(Array.from({ length: 1_000 }, (_, index) => [name(index), BigInt(index)]));
      const long = {
        at: 3,
        userBudgetsForTeamKeys: false,
        entries: 1_000,
        spend: 1n,
        unpriced: 0,
        lives,
        meters: new Map(),
      };

      await stores().checkpoints.write(long);

      expect(await stores().checkpoints.read()).toEqual(long);
    });
  });
}
