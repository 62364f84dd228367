import { describe, expect, it } from 'vitest';
import { hashSecret } from '../../../lib/domain/key.ts';
import { parseUsd } from '../../../lib/domain/money.ts';
import { createAdmin, NOW, type Admin, type Answer } from './support.ts';

const post = (admin: Admin, path: string, body: object): Promise<Answer> => admin.call('POST', path, { body });

describe('users to choose from', () => {
  it('are found by parts of id, address and name', async () => {
    const admin = createAdmin();
    for (const [id, email] of [
      ['ann', 'ann@acme.example'],
      ['bob', 'bob@other.example'],
    ] as const) {
      await admin.call('POST', '/user/new', { body: { user_id: id, user_email: email, auto_create_key: false } });
    }
    const found = async (query: string) => (await admin.call('GET', `/user/filter/ui?${query}`)).body['value'];

    expect(await found('user_email=ACME')).toEqual([{ user_id: 'ann', user_email: 'ann@acme.example', user_alias: null }]);
    expect(await found('user_id=bo')).toMatchObject([{ user_id: 'bob' }]);
    expect(await found('search=example')).toHaveLength(2);
    expect(await found('search=example&page=2&page_size=1')).toHaveLength(1);
  });
});

describe('/user/new', () => {
  it('makes a user with a key, a team and an organization', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't' });
    await post(admin, '/organization/new', { organization_id: 'o', organization_alias: 'O' });
    const { status, body } = await post(admin, '/user/new', {
      user_id: 'u',
      user_email: 'u@x.example',
      user_alias: 'U',
      user_role: 'internal_user_viewer',
      max_budget: 5,
      teams: [{ team_id: 't', user_role: 'admin', max_budget_in_team: 2 }],
      organizations: ['o'],
      key_alias: 'first',
      metadata: { a: 1 },
    });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        key: expect.stringMatching(/^sk-/),
        key_alias: 'first',
        user_id: 'u',
        user_email: 'u@x.example',
        user_role: 'internal_user_viewer',
        max_budget: 5,
        teams: ['t'],
        organizations: ['o'],
        metadata: { a: 1 },
        spend: 0,
      },
    });
    const key = await admin.deps.keys.get(hashSecret(String(body['key'])));
    expect(key).toMatchObject({ userId: 'u' });
    expect(key).not.toHaveProperty('maxBudget');
    expect(await admin.deps.members.get({ kind: 'team', id: 't' }, 'u')).toMatchObject({
      role: 'admin',
      maxBudget: parseUsd(2),
    });
    expect(await admin.deps.members.get({ kind: 'organization', id: 'o' }, 'u')).toMatchObject({
      role: 'internal_user_viewer',
    });
  });

  it('leaves nothing behind when the key cannot be made', async () => {
    const admin = createAdmin();
    await post(admin, '/key/generate', { key_alias: 'taken' });
    expect(await post(admin, '/user/new', { user_id: 'u', key_alias: 'taken' })).toMatchObject({ status: 409 });
    expect(await admin.deps.users.get('u')).toBeUndefined();
  });

  it.each([
    [{ user_role: 'emperor' }, 'user_role', 400],
    [{ user_role: 'org_admin' }, 'user_role', 400],
    [{ password: 'hunter22' }, 'password', 400],
    [{ send_invite_email: true }, 'send_invite_email', 400],
    [{ max_budget: -1 }, 'max_budget', 400],
    [{ teams: ['absent'] }, 'teams', 400],
    [{ organizations: ['absent'] }, 'organization_id', 400],
    [{ user_id: 'known' }, 'user_id', 409],
    [{ user_email: 'KNOWN@x.example' }, 'user_email', 409],
    [{ sso_user_id: 'sub' }, 'sso_user_id', 409],
  ])('refuses %j, naming %s', async (body, param, status) => {
    const admin = createAdmin();
    await post(admin, '/user/new', { user_id: 'known', user_email: 'known@x.example', sso_user_id: 'sub' });
    expect(await post(admin, '/user/new', body)).toMatchObject({ status, body: { error: { param } } });
    expect((await admin.deps.users.list({ limit: 10 })).items).toHaveLength(1);
  });
});

describe('a user', () => {
  it('is changed by id or e-mail; null clears', async () => {
    const admin = createAdmin();
    await post(admin, '/user/new', { user_id: 'u', user_email: 'u@x.example', max_budget: 5, rpm_limit: 3 });
    expect(await post(admin, '/user/update', { user_email: 'U@x.example', max_budget: null, user_alias: 'U' })).toMatchObject({
      status: 200,
      body: { user_id: 'u', data: { user_alias: 'U', max_budget: null, rpm_limit: 3, user_email: 'u@x.example' } },
    });
    expect(await post(admin, '/user/update', { user_id: 'u', user_email: 'new@x.example' })).toMatchObject({
      body: { data: { user_email: 'new@x.example' } },
    });
    expect(await post(admin, '/user/update', {})).toMatchObject({ status: 400, body: { error: { param: 'user_id' } } });
    expect(await post(admin, '/user/update', { user_id: 'x' })).toMatchObject({ status: 404 });
  });

  it('finds what it spent itself, not for teams, when it gets a budget', async () => {
    const admin = createAdmin();
    await post(admin, '/user/new', { user_id: 'u' });
    await admin.spend({ userId: 'u', at: NOW, cost: parseUsd(2) });
    await admin.spend({ userId: 'u', teamId: 't', at: NOW, cost: parseUsd(4) });
    expect(await post(admin, '/user/update', { user_id: 'u', max_budget: 10 })).toMatchObject({
      body: { data: { spend: 2, total_spend: 6, max_budget: 10 } },
    });
  });

  it('that is blocked cannot use its keys', async () => {
    const admin = createAdmin();
    const { body } = await post(admin, '/user/new', { user_id: 'u' });
    await post(admin, '/user/update', { user_id: 'u', blocked: true });
    expect(await admin.call('GET', '/key/info', { key: String(body['key']) })).toMatchObject({ status: 401 });
  });

  it('is deleted with keys and memberships', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't' });
    const { body } = await post(admin, '/user/new', { user_id: 'u', teams: ['t'] });
    expect(await post(admin, '/user/delete', { user_ids: ['u', 'x'] })).toMatchObject({ status: 404 });
    expect(await admin.deps.users.get('u')).toBeDefined();
    expect(await post(admin, '/user/delete', { user_ids: ['u'] })).toMatchObject({ status: 200, body: { value: 1 } });
    expect(await admin.deps.members.list({ kind: 'team', id: 't' })).toEqual([]);
    expect(await admin.call('GET', '/key/info', { key: String(body['key']) })).toMatchObject({ status: 401 });
    expect(await admin.call('GET', '/user/info?user_id=u')).toMatchObject({ status: 404 });
  });

  it('is seen with keys and teams, without secrets', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't', team_alias: 'T' });
    const { body } = await post(admin, '/user/new', { user_id: 'u', teams: ['t'] });
    const key = String(body['key']);
    const info = await admin.call('GET', '/user/info', { key });
    expect(info).toMatchObject({
      body: { user_id: 'u', user_info: { user_id: 'u' }, keys: [{ token: hashSecret(key) }], teams: [{ team_alias: 'T' }] },
    });
    expect(JSON.stringify(info)).not.toContain(key);
    expect(await admin.call('GET', '/v2/user/info', { key })).toMatchObject({ body: { user_id: 'u' } });
  });
});

describe('/user/bulk_update', () => {
  it('changes each for itself and tells what failed', async () => {
    const admin = createAdmin();
    for (const id of ['a', 'b']) await post(admin, '/user/new', { user_id: id, auto_create_key: false });
    const users = [
      { user_id: 'a', max_budget: 1 },
      { user_id: 'x', max_budget: 1 },
      { user_id: 'b', max_budget: -1 },
    ];
    expect(await post(admin, '/user/bulk_update', { users })).toMatchObject({
      body: {
        total_requested: 3,
        successful_updates: 1,
        failed_updates: 2,
        results: [{ success: true, updated_user: { max_budget: 1 } }, { success: false }, { success: false }],
      },
    });
    expect(await post(admin, '/user/bulk_update', { all_users: true, user_updates: { rpm_limit: 9 } })).toMatchObject({
      body: { successful_updates: 2 },
    });
    expect(await post(admin, '/user/bulk_update', {})).toMatchObject({ status: 400, body: { error: { param: 'users' } } });
  });
});

describe('/user/list', () => {
  it('filters, orders and pages, with how many keys each has', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't' });
    for (const [id, more] of [
      ['ann', { user_role: 'proxy_admin', sso_user_id: 's1' }],
      ['bob', { teams: ['t'] }],
      ['cyd', { auto_create_key: false }],
    ] as const) {
      await post(admin, '/user/new', { user_id: id, user_email: `${id}@x.example`, ...more });
    }
    const ids = async (query: string): Promise<unknown> =>
      ((await admin.call('GET', `/user/list?${query}`)).body['users'] as { user_id: string }[]).map((user) => user.user_id);
    expect(await ids('sort_by=user_id')).toEqual(['ann', 'bob', 'cyd']);
    expect(await ids('sort_by=user_email&sort_order=desc')).toEqual(['cyd', 'bob', 'ann']);
    expect(await ids('role=proxy_admin')).toEqual(['ann']);
    expect(await ids('sso_user_ids=s1,s2')).toEqual(['ann']);
    expect(await ids('user_ids=bob,cyd&sort_by=user_id')).toEqual(['bob', 'cyd']);
    expect(await ids('user_email=BOB')).toEqual(['bob']);
    expect(await ids('team=t')).toEqual(['bob']);
    expect((await admin.call('GET', '/user/list?page=2&page_size=2&sort_by=user_id')).body).toMatchObject({
      users: [{ user_id: 'cyd', key_count: 0 }],
      total: 3,
      page: 2,
      page_size: 2,
      total_pages: 2,
    });
    expect((await admin.call('GET', '/user/list?user_ids=bob')).body).toMatchObject({ users: [{ key_count: 1 }] });
    expect(await admin.call('GET', '/user/list?sort_by=password')).toMatchObject({ status: 400 });
  });
});
