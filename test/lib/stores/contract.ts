/** What every implementation of the store ports must do. One suite, run against memory and against DynamoDB. */
import { describe, expect, it } from 'vitest';
import type { VirtualKey } from '../../../lib/domain/key.ts';
import type { LedgerEntry } from '../../../lib/domain/ledger-entry.ts';
import type { HoldRequest } from '../../../lib/domain/meter.ts';
import { readAll } from '../../../lib/domain/pages.ts';
import type { KeyOwner } from '../../../lib/domain/owned.ts';
import type { Deployment } from '../../../lib/domain/model.ts';
import type { Credential } from '../../../lib/stores/credentials.ts';
import type { Stores } from '../../../lib/stores/stores.ts';

let serial = 0;
/** A name no other test uses: the tests of a file share one database. */
export const unique = (prefix: string): string => `${prefix}-${serial++}`;

/** A key with every kind of field. */
export const aKey = (fields: Partial<VirtualKey> = {}): VirtualKey => ({
  hash: unique('hash'),
  name: 'sk-...abcd',
  createdAt: 1_764_000_000_000,
  updatedAt: 1_764_000_000_000,
  blocked: false,
  models: ['openai/*'],
  aliases: { fast: 'gpt-4o-mini' },
  maxBudget: 90_071_992_547_409_931_234n,
  budgetAnchor: 1_764_000_000_000,
  metadata: { nested: { deep: [1e-200, null, 'ü'] } },
  tags: ['a'],
  rev: 1,
  ...fields,
});

/** An entry with money beyond what a double holds. */
export const anEntry = (fields: Partial<LedgerEntry> = {}): LedgerEntry => ({
  id: unique('call'),
  at: 1_764_000_000_000,
  endedAt: 1_764_000_001_000,
  status: 'success',
  keyHash: 'hash',
  tags: [],
  kind: 'generate',
  route: '/v1/chat/completions',
  clientDialect: 'openai-chat',
  modelGroup: 'gpt-4o',
  stream: false,
  httpStatus: 200,
  usage: { inputTokens: 10, outputTokens: 5, source: 'provider' },
  cost: 90_071_992_547_409_931_234n,
  costParts: { input: 90_071_992_547_409_931_233n, output: 2n, discount: -1n },
  held: 90_071_992_547_409_931_235n,
  price: { source: 'catalog', version: 'v' },
  attempts: 1,
  durationMs: 1000,
  ...fields,
});

const aDeployment = (fields: Partial<Deployment> = {}): Deployment => ({
  id: unique('deployment'),
  modelName: 'gpt',
  provider: 'openai',
  model: 'gpt-4o',
  credential: { type: 'secret', name: 's' },
  price: { input_cost_per_token: 2.5e-7 },
  info: {},
  source: 'store',
  ...fields,
});

const HOUR = 3_600_000;
const aHold = (fields: Partial<HoldRequest> = {}): HoldRequest => ({
  meter: unique('key#a#usd#total'),
  scope: { kind: 'key', id: 'a' },
  window: { name: '1h', start: 0, end: HOUR },
  amounts: { usd: 10n },
  limits: { usd: 30n },
  swept: true,
  ...fields,
});

/** Runs the suite on the stores that `stores()` returns, shared by all tests of the file. */
export function storesContract(name: string, stores: () => Stores): void {
  describe(`${name} keys`, () => {
    it('returns a key as it was created, money exact', async () => {
      const key = aKey({ alias: unique('alias') });

      expect(await stores().keys.create(key)).toBe('created');

      expect(await stores().keys.get(key.hash)).toEqual(key);
      expect(await stores().keys.findByAlias(key.alias as string)).toEqual(key);
    });

    it('knows nothing of a key that was never created', async () => {
      expect(await stores().keys.get('nobody')).toBeUndefined();
      expect(await stores().keys.findByAlias('nobody')).toBeUndefined();
      expect(await stores().keys.delete('nobody')).toBeUndefined();
      expect(await stores().keys.replace(aKey({ rev: 2 }))).toBe('absent');
    });

    it('refuses a second key with the same hash or the same alias', async () => {
      const key = aKey({ alias: unique('alias') });
      await stores().keys.create(key);

      expect(await stores().keys.create(aKey({ hash: key.hash }))).toBe('exists');
      expect(await stores().keys.create(aKey({ alias: key.alias as string }))).toBe('alias-taken');
    });

    it('lets one of many racing creations have an alias', async () => {
      const alias = unique('alias');

      const outcomes = await Promise.all(Array.from({ length: 8 }, () => stores().keys.create(aKey({ alias }))));

      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    });

    it('replaces a key only on top of the revision it was read at', async () => {
      const key = aKey();
      await stores().keys.create(key);
      const changed = { ...key, blocked: true, rev: 2 };

      expect(await stores().keys.replace(changed)).toBe('replaced');
      expect(await stores().keys.replace({ ...key, rev: 2 })).toBe('stale');

      expect(await stores().keys.get(key.hash)).toEqual(changed);
    });

    it('moves, keeps and frees aliases with their keys', async () => {
      const [first, second] = [unique('alias'), unique('alias')];
      const key = aKey({ alias: first });
      const other = aKey();
      await stores().keys.create(key);
      await stores().keys.create(other);

      expect(await stores().keys.replace({ ...key, blocked: true, rev: 2 })).toBe('replaced');
      expect(await stores().keys.replace({ ...other, alias: first, rev: 2 })).toBe('alias-taken');
      expect(await stores().keys.replace({ ...key, alias: second, rev: 3 })).toBe('replaced');
      expect(await stores().keys.replace({ ...other, alias: first, rev: 2 })).toBe('replaced');
      expect((await stores().keys.delete(key.hash))?.hash).toBe(key.hash);

      expect(await stores().keys.findByAlias(second)).toBeUndefined();
      expect((await stores().keys.findByAlias(first))?.hash).toBe(other.hash);
      expect(await stores().keys.get(key.hash)).toBeUndefined();
    });

    it('lists every key once, newest first, over pages', async () => {
      const created = await Promise.all(
        Array.from({ length: 5 }, async (_, age) => {
          const key = aKey({ createdAt: 2_000_000_000_000 - age * 1000 });
          await stores().keys.create(key);
          return key.hash;
        }),
      );

      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await stores().keys.list({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
        seen.push(...page.items.map(({ hash }) => hash));
        cursor = page.cursor;
      } while (cursor !== undefined);

      expect(seen.slice(0, 5)).toEqual(created);
      expect(new Set(seen).size).toBe(seen.length);
    });
  });

  describe(`${name} keys by owner`, () => {
    const keysOf = (owner: KeyOwner, limit = 100): Promise<readonly VirtualKey[]> =>
      readAll({ list: (page) => stores().keys.listOf(owner, { ...page, limit }) });
    const hashesOf = async (owner: KeyOwner, limit?: number): Promise<readonly string[]> =>
      (await keysOf(owner, limit)).map(({ hash }) => hash).toSorted();

    it('are listed by team, user, organization, project and first hash, over pages', async () => {
      const [team, user, organization, project, origin] = ['t', 'u', 'o/#', 'p', 'h'].map(unique) as [
        string,
        string,
        string,
        string,
        string,
      ];
      const all = aKey({ teamId: team, userId: user, organizationId: organization, projectId: project, origin });
      const some = Array.from({ length: 5 }, () => aKey({ teamId: team }));
      for (const key of [all, ...some, aKey({ userId: team }), aKey()]) await stores().keys.create(key);

      expect(await hashesOf({ kind: 'team', id: team }, 2)).toEqual([all, ...some].map(({ hash }) => hash).toSorted());
      expect(await hashesOf({ kind: 'user', id: user })).toEqual([all.hash]);
      expect(await hashesOf({ kind: 'organization', id: organization })).toEqual([all.hash]);
      expect(await hashesOf({ kind: 'project', id: project })).toEqual([all.hash]);
      expect(await hashesOf({ kind: 'origin', id: origin })).toEqual([all.hash]);
      expect(await hashesOf({ kind: 'team', id: unique('nobody') })).toEqual([]);
      expect(await keysOf({ kind: 'user', id: user })).toEqual([all]);
    });

    it('are listed as they were stored last: with new owners, and not when they are gone', async () => {
      const [before, after] = [unique('t'), unique('t')];
      const key = aKey({ teamId: before, alias: unique('alias') });
      await stores().keys.create(key);
      expect(await stores().keys.replace({ ...key, teamId: after, rev: 2 })).toBe('replaced');
      expect(await stores().keys.replace({ ...key, rev: 2 })).toBe('stale');
      expect([await hashesOf({ kind: 'team', id: before }), await hashesOf({ kind: 'team', id: after })]).toEqual([
        [],
        [key.hash],
      ]);
      const { teamId: _team, ...free } = key;
      await stores().keys.replace({ ...free, rev: 3 });
      expect(await hashesOf({ kind: 'team', id: after })).toEqual([]);
      await stores().keys.replace({ ...key, teamId: after, rev: 4 });
      await stores().keys.delete(key.hash);
      expect(await hashesOf({ kind: 'team', id: after })).toEqual([]);
    });
  });

  describe(`${name} models`, () => {
    it('creates, changes and deletes deployments, and counts a version for each', async () => {
      const deployment = aDeployment();
      const before = await stores().models.version();

      expect(await stores().models.put(deployment, 'existing')).toBe('conflict');
      expect(await stores().models.put(deployment, 'new')).toBe('stored');
      expect(await stores().models.put(deployment, 'new')).toBe('conflict');
      expect(await stores().models.put({ ...deployment, model: 'gpt-5' }, 'existing')).toBe('stored');

      expect(await stores().models.get(deployment.id)).toEqual({ ...deployment, model: 'gpt-5' });
      expect((await stores().models.list()).map(({ id }) => id)).toContain(deployment.id);
      expect(await stores().models.version()).toBe(before + 2);
      expect((await stores().models.delete(deployment.id))?.model).toBe('gpt-5');
      expect(await stores().models.delete(deployment.id)).toBeUndefined();
      expect(await stores().models.get(deployment.id)).toBeUndefined();
      expect(await stores().models.version()).toBe(before + 3);
    });
  });

  describe(`${name} credentials`, () => {
    it('stores, lists, replaces and deletes credential facts', async () => {
      const credential: Credential = {
        name: unique('credential'),
        info: { owner: 'x' },
        fields: ['api_key'],
        secretName: 's',
        createdAt: 1,
        updatedAt: 1,
      };
      await stores().credentials.put(credential);
      await stores().credentials.put({ ...credential, updatedAt: 2 });

      expect(await stores().credentials.get(credential.name)).toEqual({ ...credential, updatedAt: 2 });
      expect((await stores().credentials.list()).map((item) => item.name)).toContain(credential.name);
      expect((await stores().credentials.delete(credential.name))?.updatedAt).toBe(2);
      expect(await stores().credentials.delete(credential.name)).toBeUndefined();
      expect(await stores().credentials.get(credential.name)).toBeUndefined();
    });
  });

  describe(`${name} meters`, () => {
    it('holds several counters at once and shows the hold', async () => {
      const call = {
        owner: { keyHash: 'k', tags: ['a'] },
        at: 1,
        kind: 'generate',
        route: '/v1/messages',
        clientDialect: 'anthropic-messages',
        modelGroup: 'm',
        stream: true,
      };
      const request = aHold({ amounts: { usd: 10n, requests: 1n }, limits: { usd: 30n }, call });

      const outcome = await stores().meters.hold(request, 'one', 500);

      const meter = {
        id: request.meter,
        committed: { usd: 10n, requests: 1n },
        holds: [{ id: 'one', amounts: { usd: 10n, requests: 1n }, expiresAt: 500, call }],
        rev: 1,
      };
      expect(outcome).toEqual({ type: 'held', meter });
      expect(await stores().meters.read(request.meter)).toEqual(meter);
    });

    it('answers held to a repeat and counts it once, also when the meter is full by now', async () => {
      const request = aHold({ amounts: { usd: 30n } });
      await stores().meters.hold(request, 'one', 500);

      const repeat = await stores().meters.hold(request, 'one', 900);
      const repeatUnderLowerLimit = await stores().meters.hold({ ...request, limits: { usd: 5n } }, 'one', 900);

      expect(repeat.type).toBe('held');
      expect(repeatUnderLowerLimit.type).toBe('held');
      expect((await stores().meters.read(request.meter))?.committed).toEqual({ usd: 30n });
    });

    it('refuses what a limit has no room for, names the counter and shows the meter', async () => {
      const request = aHold({ amounts: { requests: 1n, tokens: 20n }, limits: { requests: 5n, tokens: 30n } });
      await stores().meters.hold(request, 'one', 500);

      const outcome = await stores().meters.hold(request, 'two', 500);

      expect(outcome).toMatchObject({
        type: 'refused',
        counter: 'tokens',
        meter: { committed: { requests: 1n, tokens: 20n } },
      });
      expect((await stores().meters.read(request.meter))?.holds).toHaveLength(1);
    });

    it('takes amounts up to exactly the limit', async () => {
      const request = aHold({ amounts: { usd: 15n } });

      expect((await stores().meters.hold(request, 'one', 500)).type).toBe('held');
      expect((await stores().meters.hold(request, 'two', 500)).type).toBe('held');
      expect((await stores().meters.hold(aHold({ ...request, amounts: { usd: 1n } }), 'three', 500)).type).toBe('refused');
    });

    it('refuses an amount above the limit itself, on an empty meter too', async () => {
      const request = aHold({ amounts: { usd: 31n } });

      const outcome = await stores().meters.hold(request, 'one', 500);

      expect(outcome).toEqual({
        type: 'refused',
        counter: 'usd',
        meter: { id: request.meter, committed: {}, holds: [], rev: 0 },
      });
      expect(await stores().meters.read(request.meter)).toBeUndefined();
    });

    it('keeps amounts exact beyond what a double holds', async () => {
      const huge = 90_071_992_547_409_931_234n;
      const request = aHold({ amounts: { usd: huge }, limits: { usd: huge + 1n } });
      await stores().meters.hold(request, 'one', 500);

      await stores().meters.settle(request.meter, 'one', { usd: huge }, { usd: huge - 1n });

      expect((await stores().meters.read(request.meter))?.committed).toEqual({ usd: huge - 1n });
    });

    it('settles a hold once, whatever is said later', async () => {
      const request = aHold({ amounts: { usd: 10n, parallel: 1n } });
      await stores().meters.hold(request, 'one', 500);

      expect(await stores().meters.settle(request.meter, 'one', request.amounts, { usd: 4n })).toBe('settled');
      expect(await stores().meters.settle(request.meter, 'one', request.amounts, { usd: 9n })).toBe('absent');
      expect(await stores().meters.settle(unique('no-meter'), 'one', request.amounts, {})).toBe('absent');

      const meter = await stores().meters.read(request.meter);
      expect(meter?.holds).toEqual([]);
      expect(meter?.committed.usd).toBe(4n);
      expect(meter?.committed.parallel ?? 0n).toBe(0n);
    });

    it('settles a hold whose cost was exactly what was held', async () => {
      const request = aHold();
      await stores().meters.hold(request, 'one', 500);

      expect(await stores().meters.settle(request.meter, 'one', request.amounts, request.amounts)).toBe('settled');

      expect((await stores().meters.read(request.meter))?.committed).toEqual({ usd: 10n });
    });

    it('books the truth when the cost exceeds the hold, and refuses from then on', async () => {
      const request = aHold();
      await stores().meters.hold(request, 'one', 500);
      await stores().meters.settle(request.meter, 'one', request.amounts, { usd: 35n });

      const outcome = await stores().meters.hold({ ...request, amounts: { usd: 0n } }, 'two', 500);

      expect(outcome).toMatchObject({ type: 'refused', counter: 'usd', meter: { committed: { usd: 35n } } });
    });

    it('admits exactly as many racing callers as the limit pays for', async () => {
      const request = aHold({ amounts: { usd: 1n }, limits: { usd: 7n } });

      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, caller) => stores().meters.hold(request, `caller-${caller}`, 500)),
      );

      expect(outcomes.filter(({ type }) => type === 'held')).toHaveLength(7);
    });

    it('makes several holds of one item as one, all of them or none', async () => {
      const request = aHold({ amounts: { usd: 5n, requests: 1n }, limits: { usd: 20n } });
      const order = (holdId: string, expiresAt: number) => ({ request, holdId, expiresAt });
      const change = { add: { usd: 10n, requests: 2n }, atMost: { usd: 10n } };
      const orders = [order('one', 7), order('two', 6)];

      const first = await stores().meters.holdAll(orders, change);
      const repeat = await stores().meters.holdAll(orders, change);
      const more = await stores().meters.holdAll([order('three', 900), order('four', 900), order('five', 900)], {
        add: { usd: 15n },
        atMost: { usd: 5n },
      });
      const halfNew = await stores().meters.holdAll([order('three', 900), order('one', 900)], change);

      const meter = {
        id: request.meter,
        committed: { usd: 10n, requests: 2n },
        rev: 2,
        holds: expect.toSatisfy((holds: readonly { readonly id: string }[]) => {
          expect(holds).toHaveLength(2);
          expect(holds).toEqual(
            expect.arrayContaining([
              { id: 'one', amounts: request.amounts, expiresAt: 7 },
              { id: 'two', amounts: request.amounts, expiresAt: 6 },
            ]),
          );
          return true;
        }),
      };
      expect(first).toEqual({ done: true, meter });
      for (const answer of [repeat, more, halfNew]) expect(answer).toEqual({ done: false, meter });
      expect(await stores().meters.read(request.meter)).toEqual(meter);
      expect(await stores().meters.due(5, 100)).toEqual([]);
      expect((await stores().meters.due(6, 100)).map(({ id }) => id)).toEqual([request.meter]);
      await stores().meters.checked(request.meter, 2, undefined);
    });

    it('makes no hold of several where one of them is forbidden', async () => {
      const request = aHold();
      await stores().meters.settle(request.meter, 'one', request.amounts, {}, 900);

      const { done, meter } = await stores().meters.holdAll(
        [
          { request, holdId: 'two', expiresAt: 500 },
          { request, holdId: 'one', expiresAt: 500 },
        ],
        { add: { usd: 20n } },
      );

      expect(done).toBe(false);
      expect(meter).toMatchObject({ holds: [], buried: [{ id: 'one', until: 900 }] });
      expect(meter.committed.usd ?? 0n).toBe(0n);
    });

    it('makes as many holds in one go as are ever asked for, with all their facts', async () => {
      const call = {
        owner: { keyHash: 'k'.repeat(64), tags: ['a'.repeat(100)] },
        at: 1,
        kind: 'generate',
        route: '/v1/chat/completions',
        clientDialect: 'openai-chat',
        modelGroup: 'm'.repeat(100),
        stream: true,
      };
      const amounts = { usd: 1n, requests: 1n, tokens: 1n, input_tokens: 1n, output_tokens: 1n, parallel: 1n };
      const request = aHold({ amounts, limits: amounts, call });
      const orders = Array.from({ length: 25 }, (_, place) => ({
        request,
        holdId: `01aaaaaaaaaaaaaaaaaaaaaaaa~${place}`,
        expiresAt: 500,
      }));
      const settlements = orders.map(({ holdId }) => ({ holdId, held: amounts, actual: {}, buryUntil: 900 }));

      expect((await stores().meters.holdAll(orders, { add: { usd: 25n }, atMost: { usd: 0n } })).done).toBe(true);
      expect(await stores().meters.settleAll(request.meter, settlements)).toBe(true);

      const meter = await stores().meters.read(request.meter);
      expect(meter?.holds).toEqual([]);
      expect(meter?.buried).toHaveLength(25);
      await stores().meters.checked(request.meter, 25, undefined);
    });

    it('settles several holds as one, if all of them are open', async () => {
      const request = aHold({ amounts: { usd: 10n } });
      for (const id of ['one', 'two', 'three']) await stores().meters.hold(request, id, 500);
      const paid = (holdId: string, usd: bigint) => ({ holdId, held: request.amounts, actual: { usd } });

      expect(await stores().meters.settleAll(request.meter, [paid('one', 4n), paid('nobody', 1n)])).toBe(false);
      expect(await stores().meters.settleAll(request.meter, [paid('one', 4n), { ...paid('two', 16n), buryUntil: 900 }])).toBe(
        true,
      );
      expect(await stores().meters.settleAll(request.meter, [paid('one', 4n), paid('two', 16n)])).toBe(false);
      expect(await stores().meters.settleAll(unique('no-meter'), [paid('one', 4n)])).toBe(false);

      expect(await stores().meters.read(request.meter)).toMatchObject({
        committed: { usd: 30n },
        holds: [{ id: 'three' }],
        buried: [{ id: 'two', until: 900 }],
      });
    });

    it('pays for several holds of a shard out of its room', async () => {
      const shard = `${unique('shard')}#0~3`;
      const request = { ...aHold(), meter: shard, amounts: { usd: 10n } };
      const orders = ['one', 'two'].map((holdId) => ({ request, holdId, expiresAt: 500 }));
      const change = { add: { usd: 20n, 'room.usd': -20n }, atLeast: { 'room.usd': 20n } };

      expect((await stores().meters.holdAll(orders, change)).done).toBe(false);
      await stores().meters.change(shard, { add: { 'room.usd': 25n }, equal: { 'room.usd': 0n } });
      expect((await stores().meters.holdAll(orders, change)).done).toBe(true);
      const settlements = [3n, 11n].map((usd, place) => ({
        holdId: orders[place]?.holdId as string,
        held: request.amounts,
        actual: { usd },
      }));
      expect(await stores().meters.settleAll(shard, settlements)).toBe(true);

      expect(await stores().meters.read(shard)).toMatchObject({ committed: { usd: 14n }, counts: { 'room.usd': 11n } });
    });

    it('forbids a hold that is settled while a copy of its write may come', async () => {
      const request = aHold();
      await stores().meters.hold(request, 'one', 500);

      expect(await stores().meters.settle(request.meter, 'one', request.amounts, { usd: 4n }, 900)).toBe('settled');
      expect(await stores().meters.settle(request.meter, 'two', request.amounts, {}, 900)).toBe('absent');
      await expect(stores().meters.hold(request, 'one', 500)).rejects.toThrow();
      await expect(stores().meters.hold(request, 'two', 500)).rejects.toThrow();
      expect((await stores().meters.hold(request, 'three', 500)).type).toBe('held');

      const meter = await stores().meters.read(request.meter);
      expect(meter).toMatchObject({ committed: { usd: 4n + (request.amounts.usd ?? 0n) }, holds: [{ id: 'three' }] });
      expect(meter?.buried?.toSorted((one, other) => one.id.localeCompare(other.id))).toEqual([
        { id: 'one', until: 900 },
        { id: 'two', until: 900 },
      ]);
    });

    it('forgets what was forbidden when the keeper says so', async () => {
      const request = aHold();
      await stores().meters.hold(request, 'one', 5);
      await stores().meters.settle(request.meter, 'one', request.amounts, {}, 900);

      expect(await stores().meters.checked(request.meter, 1, undefined, ['one'])).toBe('done');
      expect((await stores().meters.read(request.meter))?.buried ?? []).toEqual([]);
    });

    it('changes counts only when they are as expected, an absent one being 0', async () => {
      const meter = unique('counts');

      expect(await stores().meters.change(meter, { add: { usd: 5n, 'g1.usd': 5n }, equal: { 'g1.usd': 0n } })).toMatchObject({
        done: true,
        meter: { committed: { usd: 5n }, counts: { 'g1.usd': 5n } },
      });
      expect(await stores().meters.change(meter, { add: { usd: 5n }, equal: { 'g1.usd': 4n } })).toMatchObject({
        done: false,
        meter: { committed: { usd: 5n } },
      });
      const refused = [
        { atMost: { usd: 4n } },
        { atMost: { absent: -1n } },
        { atLeast: { usd: 6n } },
        { atLeast: { absent: 1n } },
      ];
      for (const expected of refused) {
        expect((await stores().meters.change(meter, { add: { usd: 1n }, ...expected })).done).toBe(false);
      }
      const met = { atMost: { usd: 5n, absent: 0n }, atLeast: { 'g1.usd': 5n, absent: 0n }, equal: { absent: 0n } };
      expect(await stores().meters.change(meter, { add: { usd: -7n }, ...met })).toMatchObject({
        done: true,
        meter: { committed: { usd: -2n } },
      });
      expect(await stores().meters.change(meter, { add: { usd: 1n } })).toMatchObject({
        done: true,
        meter: { committed: { usd: -1n } },
      });
    });

    it('lets a change decide on a hold, and its room pay for what is settled', async () => {
      const shard = `${unique('shard')}#0~3`;
      const request = { ...aHold(), meter: shard, amounts: { usd: 10n }, limits: { usd: 1n } };
      const change = { add: { usd: 10n, 'room.usd': -10n }, atLeast: { 'room.usd': 10n } };

      expect((await stores().meters.hold(request, 'one', 500, change)).type).toBe('missed');
      await stores().meters.change(shard, { add: { 'room.usd': 12n }, equal: { 'room.usd': 0n } });
      expect((await stores().meters.hold(request, 'one', 500, change)).type).toBe('held');
      expect((await stores().meters.hold(request, 'one', 500, change)).type).toBe('held');
      await stores().meters.settle(shard, 'one', { usd: 10n }, { usd: 3n });

      expect(await stores().meters.read(shard)).toMatchObject({ committed: { usd: 3n }, counts: { 'room.usd': 9n } });
    });

    it('reads several at once, in their order', async () => {
      const requests = Array.from({ length: 3 }, () => aHold());
      for (const request of requests) await stores().meters.hold(request, 'one', 500);
      const ids = [requests[2]?.meter, unique('no-meter'), requests[0]?.meter] as string[];

      const found = await stores().meters.readAll(ids);

      expect(found.map((meter) => meter?.id)).toEqual([ids[0], undefined, ids[2]]);
      expect(await stores().meters.readAll([])).toEqual([]);
    });

    it('lists due meters oldest first, and no meter that is not swept', async () => {
      const [late, early, rates] = [aHold(), aHold(), aHold({ swept: false })];
      await stores().meters.hold(late, 'one', 20);
      await stores().meters.hold(early, 'one', 10);
      await stores().meters.hold(rates, 'one', 5);

      const due = await stores().meters.due(20, 100);
      const ours = due.map(({ id }) => id).filter((id) => [late.meter, early.meter, rates.meter].includes(id));
      expect(ours).toEqual([early.meter, late.meter]);
      expect(await stores().meters.due(20, 1)).toMatchObject([{ id: early.meter, holds: [{ id: 'one' }] }]);
      expect(await stores().meters.due(9, 100)).toEqual([]);

      for (const meter of due) await stores().meters.checked(meter.id, meter.rev, undefined);
    });

    it('moves a checked meter to its next lease end, or takes it off', async () => {
      const request = aHold({ amounts: { usd: 1n } });
      await stores().meters.hold(request, 'one', 10);
      await stores().meters.hold(request, 'two', 40);
      await stores().meters.settle(request.meter, 'one', request.amounts, {});

      expect(await stores().meters.checked(request.meter, 2, 40)).toBe('done');
      expect(await stores().meters.due(39, 100)).toEqual([]);
      expect(await stores().meters.due(40, 100)).toHaveLength(1);
      expect(await stores().meters.checked(request.meter, 1, undefined)).toBe('changed');
      expect(await stores().meters.due(40, 100)).toHaveLength(1);
      expect(await stores().meters.checked(request.meter, 2, undefined)).toBe('done');
      expect(await stores().meters.due(40, 100)).toEqual([]);
      expect(await stores().meters.checked(request.meter, 2, 50)).toBe('changed');
    });

    it('puts a meter back on the index with its next hold', async () => {
      const request = aHold({ amounts: { usd: 1n } });
      await stores().meters.hold(request, 'one', 10);
      await stores().meters.settle(request.meter, 'one', request.amounts, {});
      await stores().meters.checked(request.meter, 1, undefined);

      await stores().meters.hold(request, 'two', 30);

      expect(await stores().meters.due(29, 100)).toEqual([]);
      expect(await stores().meters.due(30, 100)).toMatchObject([{ id: request.meter, rev: 2 }]);
      await stores().meters.checked(request.meter, 2, undefined);
    });
  });

  describe(`${name} ledger`, () => {
    it('records an entry once and gives it back exactly', async () => {
      const entry = anEntry({ metadata: { a: [1] }, error: { kind: 'upstream', message: 'x' } });

      expect(await stores().ledger.record(entry)).toBe('recorded');
      expect(await stores().ledger.record({ ...entry, cost: 1n })).toBe('exists');

      expect(await stores().ledger.get(entry.id)).toEqual(entry);
      expect(await stores().ledger.get('nothing')).toBeUndefined();
    });

    it('records several in one go, each once and by itself, and gives them back exactly', async () => {
      const [known, wordy, costless] = [
        anEntry(),
        anEntry({ error: { kind: 'upstream', message: `it's "quoted"\n ? ${'ä'.repeat(2_000)}` }, cost: 10n ** 30n }),
        anEntry(),
      ];
      const { cost: _, costParts: __, ...unknown } = costless;
      await stores().ledger.record(known);

      const outcomes = await stores().ledger.recordAll([{ ...known, cost: 1n }, wordy, unknown]);

      expect(outcomes).toEqual(['exists', 'recorded', 'recorded']);
      expect(await stores().ledger.getAll([known.id, wordy.id, unknown.id])).toEqual([known, wordy, unknown]);
      expect(await stores().ledger.recordAll([wordy, unknown])).toEqual(['exists', 'exists']);
    });

    it('records as many in one go as a request takes', async () => {
      const entries = Array.from({ length: 25 }, () => anEntry());

      expect(new Set(await stores().ledger.recordAll(entries))).toEqual(new Set(['recorded']));

      expect(await stores().ledger.getAll(entries.map(({ id }) => id))).toEqual(entries);
    });

    it('keeps an unknown cost unknown', async () => {
      const { cost: _, costParts: __, held: ___, ...rest } = anEntry();
      await stores().ledger.record(rest);

      expect(await stores().ledger.get(rest.id)).toEqual(rest);
    });

    it('lists by key within a span, newest first, over pages', async () => {
      const keyHash = unique('hash');
      const entries = Array.from({ length: 7 }, (_, place) => anEntry({ keyHash, at: 1000 + Math.floor(place / 2) * 10 }));
      for (const entry of entries) await stores().ledger.record(entry);

      const seen: LedgerEntry[] = [];
      let cursor: string | undefined;
      do {
        const page = await stores().ledger.list({
          keyHash,
          from: 1010,
          to: 1030,
          limit: 2,
          ...(cursor === undefined ? {} : { cursor }),
        });
        seen.push(...page.items);
        cursor = page.cursor;
      } while (cursor !== undefined);

      expect(seen.map(({ at }) => at)).toEqual([1020, 1020, 1010, 1010]);
      expect(new Set(seen.map(({ id }) => id)).size).toBe(4);
    });

    it('lists over all keys, newest first, over pages', async () => {
      const entries = Array.from({ length: 9 }, (_, place) => anEntry({ keyHash: unique('hash'), at: 5_000_000 + place }));
      for (const entry of entries) await stores().ledger.record(entry);

      const first = await stores().ledger.list({ from: 5_000_000, to: 5_000_009, limit: 5 });
      const second = await stores().ledger.list({
        from: 5_000_000,
        to: 5_000_009,
        limit: 5,
        cursor: first.cursor as string,
      });

      expect([...first.items, ...second.items]).toEqual(entries.toReversed());
      expect(second.cursor).toBeUndefined();
    });

    it('gives entries by their ids, in that order, without those there are none of', async () => {
      const entries = [anEntry(), anEntry(), anEntry()];
      for (const entry of entries) await stores().ledger.record(entry);
      const [one, two, three] = entries.map(({ id }) => id) as [string, string, string];

      expect(await stores().ledger.getAll([three, 'nothing', one, two])).toEqual([entries[2], entries[0], entries[1]]);
      expect(await stores().ledger.getAll([])).toEqual([]);
    });

    it('scans every entry once', async () => {
      const entries = Array.from({ length: 5 }, () => anEntry());
      for (const entry of entries) await stores().ledger.record(entry);

      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await stores().ledger.scan(cursor);
        seen.push(...page.items.map(({ id }) => id));
        cursor = page.cursor;
      } while (cursor !== undefined);

      expect(seen).toEqual(expect.arrayContaining(entries.map(({ id }) => id)));
      expect(new Set(seen).size).toBe(seen.length);
    });

    it('lists nothing for an empty span', async () => {
      expect(await stores().ledger.list({ from: 10, to: 5, limit: 5 })).toEqual({ items: [] });
    });
  });
}
