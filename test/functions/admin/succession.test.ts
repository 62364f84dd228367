/** A key whose secret changes while others are at it: whatever comes in between, one answer is right, and no key lives on that was deleted. */
import { describe, expect, it } from 'vitest';
import { hashSecret, type VirtualKey } from '../../../lib/domain/key.ts';
import { readAll } from '../../../lib/domain/pages.ts';
import { rotate } from '../../../lib/management/keys/rotation.ts';
import { createAdmin, NOW, type Admin, type Answer } from './support.ts';

const FIRST = 'sk-the-first-secret';
const SECOND = 'sk-the-second-secret';
const HASH = hashSecret(FIRST);
const DAY = 86_400_000;

async function start(body: object = {}): Promise<Admin> {
  const admin = createAdmin();
  const given = { key: FIRST, key_alias: 'app', max_budget: 5, ...body };
  const made = await admin.call('POST', '/key/generate', { body: given });
  if (made.status !== 200) throw new Error(JSON.stringify(made.body));
  return admin;
}

const post = (admin: Admin, path: string, body: object): Promise<Answer> => admin.call('POST', path, { body });
const regenerate = (admin: Admin, body: object = {}): Promise<Answer> =>
  post(admin, '/key/regenerate', { key: FIRST, new_key: SECOND, ...body });

/** Whether a secret opens a key, as the gateway sees it now. */
const opens = async (admin: Admin, secret: string): Promise<boolean> =>
  (await admin.call('GET', '/key/info', { key: secret })).status === 200;

const keysOf = async (admin: Admin): Promise<readonly VirtualKey[]> =>
  (await readAll(admin.deps.keys)).filter(({ supersededBy }) => supersededBy === undefined);

/** Lets something happen once, right before a store is asked for that. */
function meanwhile<S extends object>(store: S, method: keyof S, act: () => Promise<unknown>): void {
  const original = (store[method] as (...given: unknown[]) => unknown).bind(store);
  let isDone = false;
  Object.assign(store, {
    [method]: async (...given: unknown[]) => {
      if (!isDone) {
        isDone = true;
        await act();
      }
      return original(...given);
    },
  });
}

const keeper = (admin: Admin) =>
  rotate({ ...admin.deps, random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)), grace: '1d', limit: 50 });

const GRACES = [{}, { grace_period: '1h' }];

describe('a key that gets a new secret', () => {
  it.each(GRACES)('is gone when it is deleted in the middle (%j)', async (grace) => {
    const admin = await start();
    meanwhile(admin.deps.keys, 'create', () => post(admin, '/key/delete', { keys: [FIRST] }));
    const { status } = await regenerate(admin, grace);
    expect([404, 409]).toContain(status);
    expect([await opens(admin, FIRST), await opens(admin, SECOND)]).toEqual([false, false]);
    expect(await keysOf(admin)).toEqual([]);
  });

  it.each(GRACES)('is gone when it is deleted by somebody who saw it before (%j)', async (grace) => {
    const admin = await start();
    // Between the look at the key and its deletion.
    meanwhile(admin.deps.deletedKeys, 'create', () => regenerate(admin, grace));
    expect(await post(admin, '/key/delete', { keys: [FIRST] })).toMatchObject({ status: 200 });
    expect([await opens(admin, FIRST), await opens(admin, SECOND)]).toEqual([false, false]);
    expect(await keysOf(admin)).toEqual([]);
  });

  it.each(GRACES)('loses no change that is made in the middle (%j)', async (grace) => {
    const admin = await start();
    let changed: Answer | undefined;
    meanwhile(admin.deps.keys, 'create', async () => {
      changed = await post(admin, '/key/update', { key: FIRST, max_budget: 1 });
    });
    const first = await regenerate(admin, grace);
    const answer = first.status === 409 ? await regenerate(admin, grace) : first;
    expect(answer.status).toBe(200);
    const [key] = await keysOf(admin);
    // Either the change was refused, or it holds.
    expect(key?.maxBudget).toBe(changed?.status === 200 ? 1_000_000_000_000n : 5_000_000_000_000n);
    expect(key).toMatchObject({ hash: hashSecret(SECOND), alias: 'app', blocked: false });
  });

  it.each(GRACES)('gets one, when two ask for one at once (%j)', async (grace) => {
    const admin = await start();
    let other: Answer | undefined;
    meanwhile(admin.deps.keys, 'create', async () => {
      other = await regenerate(admin, { ...grace, new_key: 'sk-the-other-secret' });
    });
    const answers = [await regenerate(admin, grace), other];
    const [key, ...more] = await keysOf(admin);
    expect(more).toEqual([]);
    expect(key).toMatchObject({ alias: 'app', blocked: false });
    for (const answer of answers) {
      const secret = answer?.body['key'];
      // Whoever was told a secret has one that works; the other was told to try again.
      if (answer?.status === 200) expect(await opens(admin, String(secret))).toBe(true);
      else expect(answer?.status).toBe(409);
    }
    expect(answers.filter((answer) => answer?.status === 200)).toHaveLength(1);
  });

  it('without a grace period is closed to the old secret, and to older ones too', async () => {
    const admin = await start();
    await regenerate(admin, { grace_period: '1d' });
    expect(await opens(admin, FIRST)).toBe(true);
    await post(admin, '/key/regenerate', { key: SECOND, new_key: 'sk-the-third-secret' });
    expect([await opens(admin, FIRST), await opens(admin, SECOND), await opens(admin, 'sk-the-third-secret')]).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('is open to each old secret for as long as was promised, however often it gets another', async () => {
    const admin = await start();
    await regenerate(admin, { grace_period: '30d' });
    for (let n = 0; n < 10; n++) {
      const hash = (await keysOf(admin))[0]?.hash;
      await post(admin, '/key/regenerate', { key: hash, grace_period: '1h' });
    }
    admin.clock.now = NOW + DAY;
    await keeper(admin);
    expect([await opens(admin, FIRST), await opens(admin, SECOND)]).toEqual([true, false]);
    admin.clock.now = NOW + 31 * DAY;
    expect(await opens(admin, FIRST)).toBe(false);
  });

  it('goes on under its alias, which nobody else can take meanwhile', async () => {
    const admin = await start();
    let taken: Answer | undefined;
    meanwhile(admin.deps.keys, 'create', async () => {
      taken = await post(admin, '/key/generate', { key_alias: 'app' });
    });
    const answer = await regenerate(admin);
    expect(taken?.status).toBe(409);
    expect(answer).toMatchObject({ status: 200, body: { key_alias: 'app' } });
  });

  it.each(GRACES)('has its new secret told when what follows fails, and the keeper does the rest (%j)', async (grace) => {
    const admin = await start();
    // The keeper is there a moment too early as well.
    meanwhile(admin.deps.keys, 'replace', () => keeper(admin));
    meanwhile(admin.deps.claimMappings, 'list', () => Promise.reject(new Error('the store is away')));
    const answer = await regenerate(admin, grace);
    expect(answer).toMatchObject({ status: 200, body: { key: SECOND, key_alias: 'app' } });
    expect([await opens(admin, FIRST), await opens(admin, SECOND)]).toEqual(['grace_period' in grace, true]);
    admin.clock.now += 360_000;
    await keeper(admin);
    expect(await admin.deps.keys.findByAlias('app')).toMatchObject({ hash: hashSecret(SECOND) });
    admin.clock.now += 3_600_000;
    await keeper(admin);
    expect(await readAll(admin.deps.keys)).toHaveLength(1);
  });

  it.each(GRACES)('stays as it was when the store fails at any step, or has the new secret (%j)', async (grace) => {
    for (let step = 1; step < 12; step++) {
      const admin = await start();
      const { keys, tasks } = admin.deps;
      let calls = 0;
      for (const [store, method] of [
        [keys, 'create'],
        [keys, 'replace'],
        [keys, 'delete'],
        [tasks, 'put'],
      ] as const) {
        const original = (store as unknown as Record<string, (...given: unknown[]) => unknown>)[method]?.bind(store);
        Object.assign(store, {
          [method]: (...given: unknown[]) =>
            ++calls === step ? Promise.reject(new Error('the store is away')) : original?.(...given),
        });
      }
      const { status } = await regenerate(admin, grace);
      const open = [await opens(admin, FIRST), await opens(admin, SECOND)];
      if (status !== 200) expect(open, `step ${step}`).not.toEqual([false, false]);
      else expect(open[1], `step ${step}`).toBe(true);
      expect((await keysOf(admin)).length, `step ${step}`).toBeLessThanOrEqual(2);
    }
  });
});

describe('a key that is rotated by the keeper', () => {
  const body = { auto_rotate: true, rotation_interval: '30d' };
  const due = async (): Promise<Admin> => {
    const admin = await start(body);
    admin.clock.now = NOW + 31 * DAY;
    return admin;
  };
  const fetched = async (admin: Admin): Promise<string> => {
    const { key = '' } = JSON.parse((await admin.deps.secrets.get(`key/${HASH}`)) ?? '{}') as { key?: string };
    return key;
  };

  it('leaves its newest secret where its owner looks for it, when somebody gives it one by hand too', async () => {
    const admin = await due();
    await keeper(admin);
    const rotated = await fetched(admin);
    await post(admin, '/key/regenerate', { key: rotated, new_key: SECOND });
    expect(await fetched(admin)).toBe(SECOND);
  });

  it('is not given one by hand while the keeper is at it', async () => {
    const admin = await due();
    let answer: Answer | undefined;
    meanwhile(admin.deps.secrets, 'put', async () => {
      answer = await regenerate(admin);
    });
    await keeper(admin);
    expect(answer?.status).toBe(409);
    expect(await opens(admin, await fetched(admin))).toBe(true);
  });

  it('is gone when it is deleted while the keeper is at it, though the keeper dies of it', async () => {
    const admin = await due();
    meanwhile(admin.deps.secrets, 'put', () => post(admin, '/key/delete', { keys: [FIRST] }));
    const { keys } = admin.deps;
    const crash = {
      ...keys,
      replace: (key: VirtualKey) =>
        key.supersededBy === undefined ? keys.replace(key) : Promise.reject(new Error('the keeper died')),
    };
    await rotate({
      ...admin.deps,
      keys: crash,
      random: (n) => crypto.getRandomValues(new Uint8Array(n)),
      grace: '1d',
      limit: 50,
    });
    expect(await opens(admin, await fetched(admin))).toBe(false);
    expect(await keysOf(admin)).toEqual([]);
  });

  it('leaves no secret behind, whoever deletes it and whatever became of its rotation', async () => {
    for (const remove of [
      (admin: Admin) => post(admin, '/key/delete', { key_aliases: ['app'] }),
      (admin: Admin) => post(admin, '/team/delete', { team_ids: ['red'] }),
      async (admin: Admin) => {
        await post(admin, '/key/update', { key: (await keysOf(admin))[0]?.hash, auto_rotate: false });
        return post(admin, '/key/delete', { key_aliases: ['app'] });
      },
    ]) {
      const admin = createAdmin();
      await post(admin, '/team/new', { team_id: 'red' });
      await post(admin, '/key/generate', { key: FIRST, key_alias: 'app', team_id: 'red', ...body });
      admin.clock.now = NOW + 31 * DAY;
      await keeper(admin);
      expect(await fetched(admin)).not.toBe('');
      expect(await remove(admin)).toMatchObject({ status: 200 });
      expect(await admin.deps.secrets.get(`key/${HASH}`)).toBeUndefined();
    }
  });
});

describe('the history of keys', () => {
  const deleted = async (admin: Admin) =>
    (await admin.call('GET', '/key/list?status=deleted&return_full_object=true&size=100')).body['keys'] as Record<
      string,
      unknown
    >[];

  it('has a key once, however many delete it at once', async () => {
    const admin = await start();
    meanwhile(admin.deps.deletedKeys, 'create', () => post(admin, '/key/delete', { keys: [FIRST] }));
    await post(admin, '/key/delete', { keys: [FIRST] });
    expect(await deleted(admin)).toHaveLength(1);
  });

  it('has it once when the deletion was cut off and is repeated', async () => {
    const admin = await start();
    meanwhile(admin.deps.keys, 'delete', () => Promise.reject(new Error('the store is away')));
    expect(await post(admin, '/key/delete', { keys: [FIRST] })).toMatchObject({ status: 500 });
    expect(await post(admin, '/key/delete', { keys: [FIRST] })).toMatchObject({ status: 200 });
    expect(await deleted(admin)).toHaveLength(1);
  });

  it('has it once when its team goes while an old secret of it still works', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 'red' });
    await post(admin, '/key/generate', { key: FIRST, key_alias: 'app', team_id: 'red' });
    await regenerate(admin, { grace_period: '1h' });
    await post(admin, '/team/delete', { team_ids: ['red'] });
    expect(await deleted(admin)).toMatchObject([{ key_alias: 'app' }]);
    expect([await opens(admin, FIRST), await opens(admin, SECOND)]).toEqual([false, false]);
  });

  it('is no hold on the key of another team, though an old secret of it was made for this one', async () => {
    const admin = createAdmin();
    for (const id of ['red', 'blue']) await post(admin, '/team/new', { team_id: id });
    await post(admin, '/key/generate', { key: FIRST, key_alias: 'app', team_id: 'red' });
    await regenerate(admin, { grace_period: '1h' });
    await post(admin, '/key/update', { key: SECOND, team_id: 'blue' });
    await post(admin, '/team/delete', { team_ids: ['red'] });
    expect([await opens(admin, FIRST), await opens(admin, SECOND)]).toEqual([true, true]);
  });

  it('has every key that had an alias, and the alias is free for the next', async () => {
    const admin = createAdmin();
    for (let n = 0; n < 3; n++) {
      const made = await post(admin, '/key/generate', { key_alias: 'app' });
      await admin.spend({ keyHash: String(made.body['token']) });
      expect(await post(admin, '/key/delete', { key_aliases: ['app'] })).toMatchObject({ status: 200 });
    }
    const rows = await deleted(admin);
    expect(rows).toMatchObject([{ key_alias: 'app' }, { key_alias: 'app' }, { key_alias: 'app' }]);
    expect(rows.map(({ spend }) => spend)).toEqual([0.001, 0.001, 0.001]);
  });
});
