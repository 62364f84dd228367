import { beforeEach, describe, expect, it } from 'vitest';
import { hashSecret, scopeOf, type VirtualKey } from '../../../../lib/domain/key.ts';
import { readAll } from '../../../../lib/domain/pages.ts';
import { authenticateRequest } from '../../../../lib/policies/authenticate.ts';
import { rotate, type RotationDeps } from '../../../../lib/management/keys/rotation.ts';
import { createSecretStore, open } from '../../../../lib/stores/memory/index.ts';
import type { Stores } from '../../../../lib/stores/stores.ts';
import { aKey, aRequest, NOW } from '../../../support/exchange.ts';

const DAY = 86_400_000;
const OLD = 'sk-the-first-secret';
const HASH = hashSecret(OLD);
const clock = { now: NOW };
let stores: Stores;
let secrets: ReturnType<typeof createSecretStore>;

const deps = (over: Partial<RotationDeps> = {}): RotationDeps => ({
  ...stores,
  secrets,
  now: () => clock.now,
  random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  log: () => undefined,
  grace: '1d',
  limit: 50,
  ...over,
});

/** A key that is due at `NOW`. */
async function dueKey(over: Partial<VirtualKey> = {}): Promise<VirtualKey> {
  const key = aKey({
    hash: HASH,
    alias: 'app',
    autoRotate: true,
    rotationInterval: '30d',
    nextRotationAt: NOW,
    rpmLimit: 7,
    ...over,
  });
  await stores.keys.create(key);
  await stores.tasks.put({ kind: 'rotate', hash: key.hash, at: NOW });
  return key;
}

/** The key that a secret opens, as the gateway finds it. */
async function opened(secret: string): Promise<VirtualKey> {
  const { caller } = await authenticateRequest(aRequest({ headers: { authorization: `Bearer ${secret}` } }), '/v1/models', {
    findKey: (hash) => stores.keys.get(hash),
    ownersOf: async () => ({}),
    masterKey: async () => undefined,
    now: () => clock.now,
  });
  if (caller.type !== 'key') throw new Error('no key');
  return caller.key;
}

const storedSecret = async (): Promise<string> =>
  (JSON.parse((await secrets.get(`key/${HASH}`, { fresh: true })) ?? '{}') as { key: string }).key;
const liveKeys = async (): Promise<readonly VirtualKey[]> =>
  (await readAll(stores.keys)).filter(({ supersededBy }) => supersededBy === undefined);

beforeEach(() => {
  clock.now = NOW;
  stores = open();
  secrets = createSecretStore();
});

describe('a key that is rotated', () => {
  it('gets a new secret where its owner finds it, and keeps name, limits and meters', async () => {
    await dueKey();
    expect(await rotate(deps())).toEqual({ rotated: 1, revoked: 0, failed: 0 });
    const key = await opened(await storedSecret());
    expect(key).toMatchObject({
      alias: 'app',
      rpmLimit: 7,
      autoRotate: true,
      nextRotationAt: NOW + 30 * DAY,
      lastRotatedAt: NOW,
    });
    expect(key).not.toHaveProperty('rotatingTo');
    expect(scopeOf(key).id).toBe(HASH);
    expect(await stores.keys.findByAlias('app')).toEqual(key);
    const { items } = await stores.audit.list({ limit: 5 });
    expect(items).toMatchObject([{ action: 'rotated', changedBy: 'keeper', recordId: key.hash }]);
    expect(JSON.stringify(items)).not.toContain(await storedSecret());
  });

  it('is opened by the old secret until the grace period ends, with the limits of now', async () => {
    await dueKey();
    await rotate(deps());
    const fresh = await opened(await storedSecret());
    await stores.keys.replace({ ...fresh, rpmLimit: 3, rev: fresh.rev + 1 });
    clock.now += DAY - 1;
    expect(await opened(OLD)).toMatchObject({ hash: fresh.hash, rpmLimit: 3 });
    clock.now += 1;
    await expect(opened(OLD)).rejects.toMatchObject({ status: 401 });
    expect(await rotate(deps())).toEqual({ rotated: 0, revoked: 1, failed: 0 });
    expect(await stores.keys.get(HASH)).toBeUndefined();
  });

  it('is rotated again at the end of its interval, and the grace period never outlasts that', async () => {
    await dueKey({ rotationInterval: '1h' });
    await rotate(deps());
    const second = await storedSecret();
    clock.now += 3_600_000;
    expect(await rotate(deps())).toMatchObject({ rotated: 1 });
    const third = await storedSecret();
    expect(third).not.toBe(second);
    expect((await opened(second)).hash).toBe(hashSecret(third));
    await expect(opened(OLD)).rejects.toMatchObject({ status: 401 });
  });

  it('takes its mappings along', async () => {
    await dueKey();
    const mapping = {
      id: 'm',
      claim: 'c',
      value: 'v',
      keyHash: HASH,
      active: true,
      createdAt: 1,
      updatedAt: 1,
      metadata: {},
      rev: 1,
    };
    await stores.claimMappings.create(mapping);
    await rotate(deps());
    expect(await stores.claimMappings.get('m')).toMatchObject({ keyHash: hashSecret(await storedSecret()) });
  });

  it('is left alone before its time, when it is deleted, expired, or wants no rotation any more', async () => {
    await dueKey({ nextRotationAt: NOW + 1 });
    expect(await rotate(deps())).toEqual({ rotated: 0, revoked: 0, failed: 0 });
    clock.now += 1;
    expect(await rotate(deps())).toMatchObject({ rotated: 1 });
    for (const over of [{ autoRotate: false }, { expiresAt: NOW }]) {
      stores = open();
      await dueKey(over);
      expect(await rotate(deps())).toMatchObject({ rotated: 0 });
      expect(await stores.tasks.due(clock.now, 5)).toEqual([]);
    }
    await stores.keys.delete(HASH);
    expect(await rotate(deps())).toEqual({ rotated: 0, revoked: 0, failed: 0 });
  });

  it('says what management made of it while the keeper worked', async () => {
    await dueKey();
    let changed = false;
    const put: RotationDeps['secrets']['put'] = async (name, value) => {
      await secrets.put(name, value);
      if (changed) return;
      changed = true;
      const key = await stores.keys.get(HASH);
      if (key !== undefined) await stores.keys.replace({ ...key, rpmLimit: 1, blocked: true, rev: key.rev + 1 });
    };
    expect(await rotate(deps({ secrets: { ...secrets, put } }))).toMatchObject({ rotated: 1 });
    expect(await liveKeys()).toMatchObject([{ rpmLimit: 1, blocked: true, hash: hashSecret(await storedSecret()) }]);
  });

  it('leaves nothing behind when it is deleted while the keeper works', async () => {
    await dueKey();
    const put: RotationDeps['secrets']['put'] = async () => void (await stores.keys.delete(HASH));
    expect(await rotate(deps({ secrets: { ...secrets, put } }))).toMatchObject({ rotated: 0, failed: 0 });
    expect(await readAll(stores.keys)).toEqual([]);
  });
});

describe('several keepers at once', () => {
  it('rotate a key exactly once, and what the owner finds opens it', async () => {
    await dueKey();
    const runs = await Promise.all(Array.from({ length: 8 }, () => rotate(deps())));
    expect(runs.reduce((sum, { rotated }) => sum + rotated, 0)).toBe(1);
    expect(runs.every(({ failed }) => failed === 0)).toBe(true);
    const live = await liveKeys();
    expect(live).toHaveLength(1);
    expect(live[0]?.hash).toBe(hashSecret(await storedSecret()));
    expect((await opened(OLD)).hash).toBe(live[0]?.hash);
  });
});

describe('a keeper that dies', () => {
  /** Stores whose call number `at` fails: before it had an effect, or after. */
  function dying(at: number, after: boolean): { readonly deps: RotationDeps; readonly calls: () => number } {
    let calls = 0;
    const guarded = <T extends object>(store: T): T =>
      new Proxy(store, {
        get: (target, name) => {
          const method: unknown = Reflect.get(target, name);
          if (typeof method !== 'function') return method;
          return async (...given: unknown[]): Promise<unknown> => {
            const dies = ++calls >= at;
            if (dies && !(after && calls === at)) throw new Error('died');
            const answer: unknown = await (method as (...all: unknown[]) => unknown).apply(target, given);
            if (dies) throw new Error('died');
            return answer;
          };
        },
      });
    const { keys, tasks, claimMappings, roleMappings } = stores;
    const all = { keys, tasks, claimMappings, roleMappings, secrets };
    const wrapped = Object.fromEntries(Object.entries(all).map(([name, store]) => [name, guarded(store)]));
    return { deps: deps(wrapped), calls: () => calls };
  }

  it('at any step leaves a key that every secret anybody knows still opens, and the next one finishes', async () => {
    await dueKey();
    const whole = dying(Infinity, false);
    await rotate(whole.deps);
    const steps = whole.calls();
    expect(steps).toBeGreaterThan(8);

    for (let at = 1; at <= steps; at++) {
      for (const after of [false, true]) {
        clock.now = NOW;
        stores = open();
        secrets = createSecretStore();
        await dueKey();
        await rotate(dying(at, after).deps).catch(() => undefined);
        // Whatever the owner finds by now works, and so does the old one.
        const told = (await secrets.get(`key/${HASH}`)) === undefined ? undefined : await storedSecret();
        for (const secret of told === undefined ? [OLD] : [OLD, told]) {
          expect(await opened(secret), `dead at step ${at}`).toMatchObject({ rpmLimit: 7 });
        }
        for (let minute = 0; minute < 12; minute++) {
          clock.now += 60_000;
          await rotate(deps());
        }
        const live = await liveKeys();
        expect(live, `dead at step ${at}, ${after ? 'after' : 'before'} its effect`).toHaveLength(1);
        expect(live[0]).toMatchObject({
          hash: hashSecret(await storedSecret()),
          alias: 'app',
          lastRotatedAt: expect.any(Number),
        });
        if (told !== undefined) expect((await opened(told)).hash).toBe(live[0]?.hash);
        expect((await opened(OLD)).hash).toBe(live[0]?.hash);
      }
    }
  });
});
