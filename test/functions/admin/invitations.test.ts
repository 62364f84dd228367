/** Invitations: links that are used once, whatever fails on the way, and that tell strangers nothing. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invitationIdOf } from '../../../lib/domain/invitation.ts';
import type { VirtualKey } from '../../../lib/domain/key.ts';
import { readAll } from '../../../lib/domain/pages.ts';
import type { ManagementDeps } from '../../../lib/management/deps.ts';
import { requireDoor } from '../../../lib/policies/authenticate.ts';
import { startDynoxide, type Emulator } from '../../support/dynoxide.ts';
import { claim, invited, keysOf, open, post, sessionOf } from './links.ts';
import { createAdmin, NOW, type Admin, type Answer } from './support.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
const rowOf = async (admin: Admin, link: string): Promise<object> =>
  (await admin.call('GET', `/invitation/info?invitation_id=${link}`)).body;

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

describe('a link', () => {
  it('is shown once and stored as a hash', async () => {
    const { admin, link } = await invited();
    expect(link).toMatch(/^inv-[\w-]{43}$/);
    const said = admin.outputs.length;

    const row = await rowOf(admin, link);
    await admin.call('GET', '/audit');

    expect(row).toEqual({
      id: invitationIdOf(link),
      user_id: 'ann',
      team_id: null,
      organization_id: null,
      is_accepted: false,
      accepted_at: null,
      expires_at: new Date(NOW + 7 * DAY).toISOString(),
      created_at: new Date(NOW).toISOString(),
      created_by: 'master',
      updated_at: new Date(NOW).toISOString(),
      updated_by: 'master',
    });
    expect(admin.outputs.slice(said).join()).not.toContain(link);
    expect(JSON.stringify(await readAll(admin.deps.invitations))).not.toContain(link);
  });

  it('gives its user a key, told this once, with the limits of the user', async () => {
    const { admin, link } = await invited();
    const session = await sessionOf(admin, link);
    expect((await open(admin, link)).body).toMatchObject({ login_url: null, user_email: 'ann@acme.example' });
    expect(await rowOf(admin, link)).toMatchObject({ is_accepted: false });

    const { status, body } = await claim(admin, link, session, { user_id: 'ann', password: null });

    expect(status, JSON.stringify(body)).toBe(200);
    const secret = String(body['key']);
    expect(body).toMatchObject({ token: secret, expires: null, user_email: 'ann@acme.example', user: { max_budget: 3 } });
    expect((await admin.call('GET', '/key/info', { key: secret })).body['info']).toMatchObject({
      user_id: 'ann',
      max_budget: null,
      key_type: 'default',
      created_by: 'ann',
    });
    expect((await admin.call('GET', '/user/info', { key: secret })).body).toMatchObject({ user_id: 'ann' });
    expect(await rowOf(admin, link)).toMatchObject({
      is_accepted: true,
      accepted_at: new Date(NOW).toISOString(),
      updated_by: 'ann',
    });
    const rows = (await admin.call('GET', '/audit')).body['audit_logs'] as Record<string, unknown>[];
    expect(rows.filter(({ changed_by: by }) => by === 'ann')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ table_name: 'LiteLLM_InvitationLink', action: 'updated', object_id: invitationIdOf(link) }),
        expect.objectContaining({ table_name: 'LiteLLM_VerificationToken', action: 'created' }),
      ]),
    );
    expect(admin.outputs.filter((line) => line.includes(secret))).toHaveLength(1);
  });

  it.each(['proxy_admin_viewer', 'internal_user_viewer'])('serves a %s, who changes nothing else', async (role) => {
    const admin = createAdmin();
    await post(admin, '/user/new', { user_id: 'vic', user_role: role, auto_create_key: false });
    const link = String((await post(admin, '/invitation/new', { user_id: 'vic' })).body['id']);

    const { body } = await claim(admin, link, await sessionOf(admin, link));

    expect((await keysOf(admin, 'vic')).length).toBe(1);
    expect(await post(admin, '/team/new', {}, String(body['key']))).toMatchObject({ status: 403 });
  });

  it('is used once: by a session, which may ask again for a quarter of an hour', async () => {
    const { admin, link } = await invited();
    const [one, other] = [await sessionOf(admin, link), await sessionOf(admin, link)];
    const first = await claim(admin, link, one);
    const second = await claim(admin, link, other);
    const again = await claim(admin, link, one);

    expect(first.status).toBe(200);
    expect(second).toMatchObject({ status: 401, body: { error: { message: expect.stringContaining('used') as string } } });
    expect(again.body['key']).toBe(first.body['key']);
    expect(await open(admin, link)).toMatchObject({ status: 401 });
    admin.clock.now = NOW + 15 * MINUTE;
    expect(await claim(admin, link, one)).toMatchObject({ status: 401 });
    expect(await keysOf(admin, 'ann')).toHaveLength(1);
  });

  it('serves a key that is there no more to nobody', async () => {
    const { admin, link } = await invited();
    const session = await sessionOf(admin, link);
    const { body } = await claim(admin, link, session);
    await post(admin, '/key/delete', { keys: [body['key']] });
    expect(await claim(admin, link, session)).toMatchObject({ status: 401 });
    expect(await keysOf(admin, 'ann')).toEqual([]);
  });

  it.each(['memory', 'dynamodb'])('lets one of many in who come at once, on %s', async (where) => {
    const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
    const { admin, link } = await invited(createAdmin(where === 'memory' ? {} : { ...emulator.stores, random }), `at-${where}`);
    const sessions = await Promise.all(Array.from({ length: 8 }, () => sessionOf(admin, link)));

    const answers = await Promise.all(sessions.map((session) => claim(admin, link, session)));

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.every(({ status }) => [200, 401, 409].includes(status))).toBe(true);
    expect(await keysOf(admin, `at-${where}`)).toHaveLength(1);
  });

  it('asked twice at once by the same session makes one key, which works', async () => {
    const { admin, link } = await invited();
    const session = await sessionOf(admin, link);
    let within: Answer | undefined;
    const keys = {
      ...admin.deps.keys,
      create: async (key: VirtualKey) => {
        const made = await admin.deps.keys.create(key);
        within = await claim(admin, link, session);
        return made;
      },
    };
    expect(await claim(createAdmin({ ...admin.deps, keys }), link, session)).toMatchObject({ status: 409 });
    expect(within).toMatchObject({ status: 200 });
    expect(await admin.call('GET', '/key/info', { key: String(within?.body['key']) })).toMatchObject({ status: 200 });
    expect(await keysOf(admin, 'ann')).toHaveLength(1);
  });

  it('is claimed though the answers of the store are lost', async () => {
    const { admin, link } = await invited();
    const session = await sessionOf(admin, link);
    const invitations = {
      ...admin.deps.invitations,
      replace: async (...given: Parameters<typeof admin.deps.invitations.replace>) => {
        await admin.deps.invitations.replace(...given);
        throw new Error('the answer was lost');
      },
    };
    expect(await claim(createAdmin({ ...admin.deps, invitations }), link, session)).toMatchObject({ status: 200 });
  });
});

describe('a claim that stops anywhere', () => {
  /** The stores, of which the call with this number fails: before it had an effect, or after. */
  function failing(deps: ManagementDeps, at: number, isAfter: boolean): { over: Partial<ManagementDeps>; calls: () => number } {
    let calls = 0;
    const broken = <T extends object>(store: T): T =>
      new Proxy(store, {
        get(target, name) {
          const own: unknown = Reflect.get(target, name);
          if (typeof own !== 'function') return own;
          return async (...given: unknown[]): Promise<unknown> => {
            const isHere = calls++ === at;
            const step = (): unknown => (own as (...all: unknown[]) => unknown).apply(target, given);
            if (isHere && isAfter) await step();
            if (isHere) throw new Error('died');
            return step();
          };
        },
      });
    const over = {
      invitations: broken(deps.invitations),
      keys: broken(deps.keys),
      users: broken(deps.users),
      audit: broken(deps.audit),
    };
    return { over, calls: () => calls };
  }

  it.each([
    ['is finished by its own session at once', false],
    ['is finished by another one a minute later', true],
  ])('%s, with one key and none more', async (_name, isOther) => {
    let stopped = 0;
    for (const isAfter of [false, true]) {
      for (let at = 0; ; at++) {
        const { admin, link } = await invited();
        const session = await sessionOf(admin, link);
        const { over, calls } = failing(admin.deps, at, isAfter);
        const answer = await claim(createAdmin({ ...admin.deps, ...over }), link, session);
        if (calls() <= at) break;
        const place = `${isAfter ? 'after' : 'before'} ${at}`;
        if (answer.status !== 200) stopped++;
        if (isOther) admin.clock.now = NOW + MINUTE;
        const isAccepted = (await admin.deps.invitations.get(invitationIdOf(link)))?.acceptedAt !== undefined;
        const last = isOther && !isAccepted ? await sessionOf(admin, link) : session;
        const { status, body } = await claim(admin, link, last);
        expect(status, `${place} ${JSON.stringify(body)}`).toBe(200);
        expect(await admin.call('GET', '/key/info', { key: String(body['key']) }), place).toMatchObject({ status: 200 });
        expect(await keysOf(admin, 'ann'), place).toHaveLength(1);
        expect(await rowOf(admin, link), place).toMatchObject({ is_accepted: true });
      }
    }
    expect(stopped).toBeGreaterThan(8);
  });

  it('keeps others away for a minute, and no key of it is left once another one took over', async () => {
    const { admin, link } = await invited();
    const [one, other] = [await sessionOf(admin, link), await sessionOf(admin, link)];
    let accepting = 0;
    const invitations = {
      ...admin.deps.invitations,
      replace: async (...given: Parameters<typeof admin.deps.invitations.replace>) => {
        if (accepting++ === 1) throw new Error('died');
        return admin.deps.invitations.replace(...given);
      },
    };
    expect(await claim(createAdmin({ ...admin.deps, invitations }), link, one)).toMatchObject({ status: 500 });
    const [left] = await keysOf(admin, 'ann');

    expect(await claim(admin, link, other)).toMatchObject({ status: 409, headers: { 'retry-after': '60' } });
    admin.clock.now = NOW + MINUTE;
    expect(await claim(admin, link, other)).toMatchObject({ status: 200 });

    expect((await keysOf(admin, 'ann')).map(({ hash }) => hash)).not.toContain(left?.hash);
    expect(await claim(admin, link, one)).toMatchObject({ status: 401 });
  });

  it.each(['/invitation/delete', '/user/delete'])('leaves no key where %s comes in between', async (path) => {
    const { admin, link } = await invited();
    const session = await sessionOf(admin, link);
    const keys = {
      ...admin.deps.keys,
      create: async (key: VirtualKey) => {
        await post(admin, path, path === '/user/delete' ? { user_ids: ['ann'] } : { invitation_id: link });
        return admin.deps.keys.create(key);
      },
    };
    expect(await claim(createAdmin({ ...admin.deps, keys }), link, session)).toMatchObject({ status: 401 });
    expect(await keysOf(admin, 'ann')).toEqual([]);
  });
});

describe('strangers', () => {
  it('hear the same of links that never were, are deleted, or whose user is gone or somebody else', async () => {
    const { admin, link } = await invited();
    const gone = (await invited(admin, 'bob')).link;
    const other = (await invited(admin, 'cid')).link;
    const session = await sessionOf(admin, link);
    await post(admin, '/invitation/delete', { invitation_id: link });
    await post(admin, '/user/delete', { user_ids: ['bob', 'cid'] });
    admin.clock.now = NOW + MINUTE;
    await post(admin, '/user/new', { user_id: 'cid', auto_create_key: false });
    const links = [link, gone, other, 'inv-made-up', invitationIdOf(gone), 'x'];

    const opened = await Promise.all(links.map((one) => open(admin, one)));
    const claimed = await Promise.all(links.map((one) => claim(admin, one, session, { user_id: 'cid' })));

    for (const answers of [opened, claimed]) {
      expect(answers.map(({ status }) => status)).toEqual(links.map(() => 401));
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    }
    expect(await keysOf(admin, 'cid')).toEqual([]);
  });

  it('with another user than the one invited hear the same, and do not use the link up', async () => {
    const { admin, link } = await invited();
    const session = await sessionOf(admin, link);
    const wrong = await claim(admin, link, session, { user_id: 'bob' });
    expect(wrong).toMatchObject({ status: 401, body: (await claim(admin, 'inv-made-up', session)).body });
    expect(await claim(admin, link, session, { user_id: 'ann' })).toMatchObject({ status: 200 });
  });

  it('hear that a link expired only where it was good once', async () => {
    const { admin, link } = await invited();
    const session = await sessionOf(admin, link);
    admin.clock.now = NOW + 7 * DAY;
    for (const answer of [await open(admin, link), await claim(admin, link, session)]) {
      expect(answer).toMatchObject({ status: 401, body: { error: { message: expect.stringContaining('expired') as string } } });
    }
    expect(await keysOf(admin, 'ann')).toEqual([]);
  });

  it('need a session, and a password is refused with the reason', async () => {
    const { admin, link } = await invited();
    for (const key of [null, 'sk-some-key-of-somebody', 'onb-short']) {
      const answer = await admin.call('POST', '/onboarding/claim_token', { key, body: { invitation_link: link } });
      expect(answer).toMatchObject({ status: 401, body: { error: { param: 'token' } } });
    }
    const session = await sessionOf(admin, link);
    const answer = await claim(admin, link, session, { user_id: 'ann', password: 'correct horse' });
    expect(answer).toMatchObject({ status: 400, body: { error: { param: 'password' } } });
    expect(JSON.stringify(answer.body)).toContain('there are no passwords');
    expect(await claim(admin, link, session, { password: 5 })).toMatchObject({
      status: 400,
      body: { error: { message: 'password: expected a text, got 5' } },
    });
    expect(admin.outputs.join()).not.toContain('correct horse');
    expect(await admin.call('GET', '/onboarding/get_token', { key: null })).toMatchObject({ status: 400 });
  });

  it('are held to the addresses that the operator lets in', async () => {
    const { admin, link } = await invited();
    const walled = createAdmin({
      ...admin.deps,
      requireDoor: (request, route) => requireDoor(request, route, { allowedIps: ['10.0.0.0/8'] }),
    });
    expect(await open(walled, link)).toMatchObject({ status: 403 });
    expect(await claim(walled, link, await sessionOf(admin, link))).toMatchObject({ status: 403 });
    expect(await walled.call('GET', '/health/liveness', { key: null })).toMatchObject({ status: 200 });
  });

  it('who are blocked get no key', async () => {
    const { admin, link } = await invited();
    const session = await sessionOf(admin, link);
    await post(admin, '/user/update', { user_id: 'ann', blocked: true });
    expect(await claim(admin, link, session)).toMatchObject({ status: 403 });
    expect(await keysOf(admin, 'ann')).toEqual([]);
  });
});

describe('/invitation/update', () => {
  it('says of a link what is so, and nothing else', async () => {
    const { admin, link } = await invited();
    const update = (is_accepted: unknown): Promise<Answer> =>
      post(admin, '/invitation/update', { invitation_id: invitationIdOf(link), is_accepted });
    expect(await update(true)).toMatchObject({ status: 400, body: { error: { param: 'is_accepted' } } });
    expect(await update(false)).toMatchObject({ status: 200, body: { is_accepted: false } });
    await claim(admin, link, await sessionOf(admin, link));
    expect(await update(true)).toMatchObject({ status: 200, body: { is_accepted: true } });
    expect(await update(false)).toMatchObject({ status: 400 });
    expect(await update(null)).toMatchObject({ status: 200, body: { is_accepted: true } });
  });
});
