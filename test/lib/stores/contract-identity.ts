/** What every implementation of the identity ports must do: records by kind, memberships, the audit log. */
import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../../lib/domain/audit.ts';
import { readAll } from '../../../lib/domain/pages.ts';
import type { Member, Team } from '../../../lib/domain/team.ts';
import type { User } from '../../../lib/domain/user.ts';
import type { Stores } from '../../../lib/stores/stores.ts';

let serial = 0;
const unique = (prefix: string): string => `${prefix}-${serial++}`;
const NOW = 1_764_000_000_000;

/** A team with money at every depth a record has it. */
const aTeam = (over: Partial<Team> = {}): Team => ({
  id: unique('team/ü#'),
  createdAt: NOW,
  updatedAt: NOW,
  metadata: { nested: [{ $usd: 'text of an operator' }, { $usd: '5', other: 1 }] },
  rev: 1,
  models: ['openai/*'],
  aliases: {},
  tags: [],
  blocked: false,
  memberPermissions: [],
  accessGroups: [],
  budgetAnchor: NOW,
  maxBudget: 90_071_992_547_409_931_234n,
  budgetWindows: [{ max: 1n, duration: '1d' }],
  modelLimits: { 'gpt-4o': { maxBudget: 90_071_992_547_409_931_235n, rpmLimit: 3 } },
  memberDefaults: { maxBudget: 7n },
  ...over,
});

const aMember = (over: Partial<Member> = {}): Member => ({
  group: { kind: 'team', id: 't' },
  userId: unique('user'),
  role: 'user',
  models: [],
  createdAt: NOW,
  updatedAt: NOW,
  rev: 1,
  budgetAnchor: NOW,
  maxBudget: 5n,
  ...over,
});

/** Runs the contract against the stores that `stores` gives when a test runs. */
export function identityContract(name: string, stores: () => Stores): void {
  describe(`records on ${name}`, () => {
    it('come back as they were stored, money exact at every depth', async () => {
      const team = aTeam();
      expect(await stores().teams.create(team)).toBe('created');
      expect(await stores().teams.get(team.id, { fresh: true })).toEqual(team);
    });

    it('are made once, and are apart from those of other kinds', async () => {
      const team = aTeam();
      await stores().teams.create(team);
      expect(await stores().teams.create({ ...team, alias: 'other' })).toBe('exists');
      expect(await stores().users.get(team.id)).toBeUndefined();
    });

    it('are replaced by the next revision only', async () => {
      const team = aTeam();
      await stores().teams.create(team);
      const next = { ...team, alias: 'new', rev: 2 };
      expect(await stores().teams.replace(next)).toBe('replaced');
      expect(await stores().teams.replace(next)).toBe('stale');
      expect(await stores().teams.replace(aTeam({ rev: 2 }))).toBe('absent');
      expect(await stores().teams.get(team.id, { fresh: true })).toEqual(next);
    });

    it('are gone once deleted, and the deleted one is told', async () => {
      const team = aTeam();
      await stores().teams.create(team);
      expect(await stores().teams.delete(team.id)).toEqual(team);
      expect(await stores().teams.delete(team.id)).toBeUndefined();
      expect(await stores().teams.get(team.id, { fresh: true })).toBeUndefined();
    });

    it('are listed newest first, page by page', async () => {
      const made = [1, 2, 3].map((age) => aTeam({ createdAt: NOW + age }));
      for (const { id, createdAt } of made) {
        await stores().projects.create({ ...aTeam({ id, createdAt }), tags: [] });
      }
      const first = await stores().projects.list({ limit: 2 });
      const second = await stores().projects.list({ limit: 2, cursor: first.cursor as string });
      expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(made.map(({ id }) => id).toReversed());
      expect(second.cursor).toBeUndefined();
    });

    it('are read on behind a record that is gone, whatever came before it meanwhile', async () => {
      const made = [1, 2, 3].map((age) => aTeam({ createdAt: NOW + 100 + age }));
      for (const tag of made) await stores().tags.create({ ...tag, models: [] });
      const { items, cursor = '' } = await stores().tags.list({ limit: 2 });
      await stores().tags.delete(items[1]?.id ?? '');
      await stores().tags.create({ ...aTeam({ createdAt: NOW + 200 }), models: [] });
      expect((await stores().tags.list({ limit: 1, cursor })).items.map(({ id }) => id)).toEqual([made[0]?.id]);
    });

    it('refuse a cursor that is none of the listing', async () => {
      const strange = (text: string): string => Buffer.from(text).toString('base64url');
      const key = (over: object): string =>
        strange(JSON.stringify({ pk: { S: 'a' }, sk: { S: 'a' }, list: { S: 'team' }, at: { N: '1' }, ...over }));
      const cursors = ['', 'x', strange('null'), strange('{}'), strange('{"pk":{"S":"a"}}')];
      // No key of the store can be so.
      const half = [key({ pk: { S: '\ud800' } }), strange('1#'), `${'1'.padStart(15, '0')}#\ud800`];
      const tooLong = 'x'.repeat(1_025);
      const long = [key({ sk: { S: tooLong } }), key({ pk: { S: tooLong.repeat(2) } }), `${'1'.padStart(15, '0')}#${tooLong}`];
      const others = [key({ list: { S: 'user' } }), key({ at: { N: 'x' } }), key({ pk: { B: 'a' } })];
      for (const cursor of [...cursors, ...half, ...long, ...others]) {
        const asked = { limit: 1, cursor };
        await expect(stores().teams.list(asked), cursor).rejects.toMatchObject({ kind: 'invalid_request' });
        await expect(stores().teams.listOf({ kind: 'organization', id: 'o' }, asked), cursor).rejects.toMatchObject({
          kind: 'invalid_request',
        });
        await expect(stores().ledger.list(asked), cursor).rejects.toMatchObject({ kind: 'invalid_request' });
        await expect(
          stores().totals.calls({ kind: 'team', id: 't' }, { from: 0, to: NOW }, asked),
          cursor,
        ).rejects.toMatchObject({ kind: 'invalid_request' });
      }
    });
  });

  describe(`teams on ${name}`, () => {
    it('are listed by organization as they were stored last', async () => {
      const [one, other] = [unique('o'), unique('o')];
      const idsOf = async (id: string) =>
        (await readAll({ list: (page) => stores().teams.listOf({ kind: 'organization', id }, page) })).map((team) => team.id);
      const [first, second] = [aTeam({ organizationId: one }), aTeam({ organizationId: one })];
      for (const team of [first, second, aTeam(), aTeam({ organizationId: other })]) await stores().teams.create(team);
      expect((await idsOf(one)).toSorted()).toEqual([first.id, second.id].toSorted());
      await stores().teams.replace({ ...first, organizationId: other, rev: 2 });
      await stores().teams.delete(second.id);
      expect([await idsOf(one), (await idsOf(other)).includes(first.id)]).toEqual([[], true]);
    });
  });

  describe(`users on ${name}`, () => {
    it('are found by e-mail, whatever its case, and by their id at the identity provider', async () => {
      const [email, sso] = [`${unique('Ada')}@Acme.example`, unique('subject')];
      const { alias: _alias, ...record } = aTeam();
      const user: User = { ...record, role: 'internal_user', teams: [], organizations: [], email, ssoUserId: sso };
      const idsBy = async (kind: 'email' | 'sso', id: string) =>
        (await readAll({ list: (page) => stores().users.listOf({ kind, id }, page) })).map((found) => found.id);
      await stores().users.create(user);
      expect([await idsBy('email', email.toLowerCase()), await idsBy('sso', sso)]).toEqual([[user.id], [user.id]]);
      const { ssoUserId: _sso, ...other } = { ...user, email: `${unique('bob')}@acme.example`, rev: 2 };
      await stores().users.replace(other);
      expect([await idsBy('email', email.toLowerCase()), await idsBy('sso', sso)]).toEqual([[], []]);
      expect(await idsBy('email', other.email)).toEqual([user.id]);
    });
  });

  describe(`memberships on ${name}`, () => {
    it('are found by group and user, and listed by group', async () => {
      const group = { kind: 'team', id: unique('t') } as const;
      const members = [aMember({ group }), aMember({ group })];
      for (const member of members) expect(await stores().members.put(member)).toBe('stored');
      await stores().members.put(aMember({ group: { kind: 'organization', id: group.id } }));

      expect(await stores().members.get(group, members[0]?.userId ?? '', { fresh: true })).toEqual(members[0]);
      expect(await stores().members.list(group)).toEqual(members);
    });

    it('are read on from any place in their group, though who stood there has left', async () => {
      const group = { kind: 'team', id: unique('t') } as const;
      for (const userId of ['d', 'b', 'c', 'a']) await stores().members.put(aMember({ group, userId }));
      const page = async (cursor?: string) => {
        const { items, cursor: after } = await stores().members.page(group, {
          limit: 2,
          ...(cursor === undefined ? {} : { cursor }),
        });
        return { ids: items.map(({ userId }) => userId), after };
      };
      const first = await page();
      await stores().members.delete(group, 'b');
      await stores().members.put(aMember({ group, userId: 'bb' }));
      expect([first.ids, (await page(first.after)).ids]).toEqual([
        ['a', 'b'],
        ['bb', 'c'],
      ]);
      expect(await page('d')).toEqual({ ids: [], after: undefined });
      for (const cursor of ['', '\ud800', 'x'.repeat(1_025)]) {
        await expect(page(cursor), cursor).rejects.toMatchObject({ kind: 'invalid_request' });
      }
    });

    it('change from revision to revision', async () => {
      const member = aMember();
      await stores().members.put(member);
      expect(await stores().members.put(member)).toBe('stale');
      expect(await stores().members.put({ ...member, role: 'admin', rev: 2 })).toBe('stored');
      expect(await stores().members.put({ ...member, rev: 2 })).toBe('stale');
      expect(await stores().members.delete(member.group, member.userId)).toMatchObject({ role: 'admin' });
      expect(await stores().members.get(member.group, member.userId, { fresh: true })).toBeUndefined();
    });
  });

  describe(`tasks of keys on ${name}`, () => {
    it('are due at their moment, the oldest first, and move when they are put again', async () => {
      const [first, second] = [unique('hash'), unique('hash')];
      await stores().tasks.put({ kind: 'rotate', hash: first, at: NOW + 2 });
      await stores().tasks.put({ kind: 'rotate', hash: second, at: NOW + 1 });
      await stores().tasks.put({ kind: 'revoke', hash: first, at: NOW + 3 });
      const due = async (now: number) => (await stores().tasks.due(now, 10)).map(({ kind, hash }) => `${kind} ${hash}`);
      expect(await due(NOW)).toEqual([]);
      expect(await due(NOW + 3)).toEqual([`rotate ${second}`, `rotate ${first}`, `revoke ${first}`]);
      await stores().tasks.put({ kind: 'rotate', hash: second, at: NOW + 5 });
      expect(await due(NOW + 3)).toEqual([`rotate ${first}`, `revoke ${first}`]);
      expect(await stores().tasks.due(NOW + 9, 1)).toHaveLength(1);
    });

    it('are forgotten when done, but not when they were moved meanwhile', async () => {
      const task = { kind: 'rotate', hash: unique('hash'), at: 7 } as const;
      await stores().tasks.put({ ...task, at: 8 });
      await stores().tasks.done(task);
      expect(await stores().tasks.due(9, 10)).toContainEqual({ ...task, at: 8 });
      await stores().tasks.done({ ...task, at: 8 });
      await stores().tasks.done({ ...task, at: 8 });
      expect(await stores().tasks.due(9, 10)).toEqual([]);
    });
  });

  describe(`the audit log on ${name}`, () => {
    it('keeps its entries as they were first written, newest first', async () => {
      const entries: AuditEntry[] = [1, 2].map((age) => ({
        id: unique('audit'),
        at: NOW + age,
        action: 'updated',
        kind: 'team',
        recordId: 't',
        changedBy: 'master',
        keyHash: 'master',
        before: { max_budget: 1 },
      }));
      for (const entry of entries) await stores().audit.append(entry);
      await stores().audit.append({ ...(entries[0] as AuditEntry), changedBy: 'forger' });

      const { items } = await stores().audit.list({ limit: 10 });
      expect(items).toEqual(entries.toReversed());
      expect(await stores().audit.get(entries[0]?.id ?? '')).toEqual(entries[0]);
    });
  });
}
