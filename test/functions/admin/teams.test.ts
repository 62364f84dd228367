import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepingOf } from '../../../lib/domain/body.ts';
import { budgetsOf } from '../../../lib/domain/budget.ts';
import { pairId, spentOf, type Scope } from '../../../lib/domain/meter.ts';
import { parseUsd } from '../../../lib/domain/money.ts';
import { memberScope } from '../../../lib/management/standing.ts';
import { startDynoxide, type Emulator } from '../../support/dynoxide.ts';
import { createAdmin, NOW, type Admin, type Answer } from './support.ts';

const DAY = 86_400_000;
const post = (admin: Admin, path: string, body: object, key?: string): Promise<Answer> =>
  admin.call('POST', path, { body, ...(key === undefined ? {} : { key }) });

/** The team as `/team/info` tells it. */
async function infoOf(admin: Admin, id: string): Promise<Record<string, Record<string, unknown>>> {
  const { status, body } = await admin.call('GET', `/team/info?team_id=${id}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body as Record<string, Record<string, unknown>>;
}

/** What a meter of a scope's first budget shows as spent, 1e-12 USD; undefined without a meter. */
async function metered(
  admin: Admin,
  scope: Scope,
  limits: Parameters<typeof budgetsOf>[0]['limits'],
): Promise<bigint | undefined> {
  const [budget] = budgetsOf({ scope, limits }, admin.clock.now);
  const meter = budget && (await admin.deps.meters.read(budget.meter));
  return meter === undefined ? undefined : spentOf(meter, 'usd');
}

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

describe.each(['memory', 'dynamodb'])('a team on %s', (where) => {
  const id = `t-${where}`;
  const create = (): Admin =>
    createAdmin(where === 'memory' ? {} : { ...emulator.stores, random: (n) => crypto.getRandomValues(new Uint8Array(n)) });

  it('goes through a whole life', async () => {
    const admin = create();
    const made = await post(admin, '/team/new', {
      team_id: id,
      team_alias: 'Red',
      max_budget: 10,
      budget_duration: '30d',
      models: ['gpt-4o'],
      model_aliases: { fast: 'gpt-4o' },
      metadata: { cost_center: 7, model_rpm_limit: { 'gpt-4o': 5 } },
      object_permission: { mcp_servers: ['x'] },
      team_member_budget: 2,
      members_with_roles: [{ user_id: `lead-${where}`, role: 'admin' }],
    });
    expect(made).toMatchObject({
      status: 200,
      body: {
        team_id: id,
        team_alias: 'Red',
        spend: 0,
        max_budget: 10,
        budget_reset_at: new Date(NOW + 30 * DAY).toISOString(),
        model_rpm_limit: { 'gpt-4o': 5 },
        metadata: { cost_center: 7 },
        litellm_model_table: { model_aliases: { fast: 'gpt-4o' } },
        object_permission: { mcp_servers: ['x'] },
        team_member_budget: 2,
        team_member_permissions: ['/key/info', '/key/health'],
        members_with_roles: [{ user_id: `lead-${where}`, role: 'admin' }],
      },
    });
    expect(await admin.deps.users.get(`lead-${where}`)).toMatchObject({ role: 'internal_user', teams: [id] });

    const { body: added } = await post(admin, '/team/member_add', {
      team_id: id,
      member: [
        { user_id: `mia-${where}`, role: 'user' },
        { user_email: `Ben@${where}.example`, role: 'user' },
      ],
      max_budget_in_team: 3,
    });
    expect(added['updated_users']).toMatchObject([{ user_id: `mia-${where}` }, { user_email: `Ben@${where}.example` }]);
    expect(added['updated_team_memberships']).toMatchObject([{ max_budget: 3, litellm_budget_table: { max_budget: 3 } }, {}]);
    const again = { team_id: id, member: { user_email: `ben@${where}.example`, role: 'user' } };
    expect(await post(admin, '/team/member_add', again)).toMatchObject({
      status: 400,
      body: { error: { type: 'team_member_already_in_team' } },
    });

    await post(admin, '/key/generate', { team_id: id, user_id: `mia-${where}`, key_alias: `k-${where}` });
    expect(await infoOf(admin, id)).toMatchObject({
      keys: [{ key_alias: `k-${where}` }],
      team_memberships: expect.arrayContaining([
        expect.objectContaining({
          user_id: `lead-${where}`,
          role: 'admin',
          max_budget: null,
          litellm_budget_table: expect.objectContaining({ max_budget: 2 }),
        }),
      ]),
    });

    await post(admin, '/team/member_update', { team_id: id, user_id: `mia-${where}`, role: 'admin', rpm_limit: 4 });
    expect(await admin.deps.members.get({ kind: 'team', id }, `mia-${where}`)).toMatchObject({
      role: 'admin',
      rpmLimit: 4,
      maxBudget: parseUsd(3),
    });
    await post(admin, '/team/member_delete', { team_id: id, user_id: `mia-${where}` });
    expect((await infoOf(admin, id))['keys']).toEqual([]);
    expect(await admin.deps.users.get(`mia-${where}`)).toMatchObject({ teams: [] });

    await post(admin, '/key/generate', { team_id: id });
    await admin.spend({ id: `${where}-spent`, teamId: id, cost: parseUsd(1.5) });
    expect(await post(admin, '/team/delete', { team_ids: [id] })).toMatchObject({ body: { deleted_teams: [id] } });
    expect(await admin.call('GET', `/team/info?team_id=${id}`)).toMatchObject({ status: 404 });
    expect(await admin.deps.users.get(`lead-${where}`)).toMatchObject({ teams: [] });
    const { body: gone } = await admin.call('GET', `/v2/team/list?status=deleted&team_id=${id}`);
    expect(gone).toMatchObject({
      total: 1,
      teams: [{ team_id: id, team_alias: 'Red', spend: 1.5, deleted_by: 'master', deleted_at: new Date(NOW).toISOString() }],
    });
    const buried = (await admin.deps.deletedKeys.list({ limit: 10 })).items.filter(({ record }) => record.teamId === id);
    expect(buried).toHaveLength(2);
  });
});

describe('many at once', () => {
  it('changes the same fields of every key of a team, or of those named', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't' });
    const make = async (body: object) => String((await post(admin, '/key/generate', body)).body['token']);
    const [one, two, other] = [await make({ team_id: 't' }), await make({ team_id: 't' }), await make({})];
    const change = (body: object) => post(admin, '/team/key/bulk_update', { team_id: 't', ...body });
    const limitOf = async (key: string) => (await admin.deps.keys.get(key))?.rpmLimit;

    const all = await change({ all_keys_in_team: true, update_fields: { rpm_limit: 7 } });

    expect(all.body).toMatchObject({ total_requested: 2, failed_updates: [] });
    expect([await limitOf(one), await limitOf(two), await limitOf(other)]).toEqual([7, 7, undefined]);
    await change({ key_ids: [one], update_fields: { rpm_limit: 8 } });
    expect([await limitOf(one), await limitOf(two)]).toEqual([8, 7]);
    for (const body of [
      { key_ids: [one, other], update_fields: { rpm_limit: 9 } },
      { key_ids: [one], all_keys_in_team: true, update_fields: { rpm_limit: 9 } },
      { update_fields: { rpm_limit: 9 } },
      { key_ids: [one], update_fields: { user_id: 'mine' } },
    ]) {
      expect(await change(body)).toMatchObject({ status: 400 });
    }
    expect(await limitOf(one)).toBe(8);
  });

  it('lets members of many teams do more', async () => {
    const admin = createAdmin();
    for (const id of ['a', 'b', 'c']) await post(admin, '/team/new', { team_id: id, team_member_permissions: ['/key/info'] });
    const permit = (body: object) => post(admin, '/team/permissions_bulk_update', body);
    const permitted = async (id: string) => (await admin.deps.teams.get(id))?.memberPermissions;

    const some = await permit({ team_ids: ['a', 'b'], permissions: ['/key/update', '/key/info'] });

    expect(some.body).toMatchObject({ teams_updated: 2, permissions_appended: ['/key/update', '/key/info'] });
    expect([await permitted('a'), await permitted('c')]).toEqual([['/key/info', '/key/update'], ['/key/info']]);
    expect((await permit({ apply_to_all_teams: true, permissions: ['/key/list'] })).body).toMatchObject({ teams_updated: 3 });
    expect(await permit({ team_ids: ['a', 'gone'], permissions: ['/key/delete'] })).toMatchObject({ status: 404 });
    expect(await permit({ team_ids: ['a'], permissions: ['/all'] })).toMatchObject({ status: 400 });
    expect(await permit({ permissions: ['/key/delete'] })).toMatchObject({ status: 400 });
    expect(await permitted('a')).toEqual(['/key/info', '/key/update', '/key/list']);
  });
});

describe('the budget of a team', () => {
  it('finds what was spent in its window when it comes into force', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't' });
    await admin.spend({ teamId: 't', at: NOW + 1, cost: parseUsd(2) });
    admin.clock.now = NOW + 3 * DAY;
    await admin.spend({ teamId: 't', at: NOW + DAY, cost: parseUsd(3), modelGroup: 'gpt-4o' });
    await post(admin, '/team/update', { team_id: 't', max_budget: 10, model_max_budget: { 'gpt-4o': 4 } });
    const team = await admin.deps.teams.get('t');
    if (team === undefined) throw new Error('gone');
    expect(await metered(admin, { kind: 'team', id: 't' }, team)).toBe(parseUsd(5));
    expect((await infoOf(admin, 't'))['team_info']).toMatchObject({ spend: 5, total_spend: 5, held: 0 });
    const [, ofModel] = budgetsOf({ scope: { kind: 'team', id: 't' }, limits: team }, admin.clock.now);
    expect(await admin.deps.meters.read(ofModel?.meter ?? '')).toMatchObject({ committed: { usd: parseUsd(3) } });
  });

  it('finds it too when a shared budget brings it, and when that one changes', async () => {
    const admin = createAdmin();
    await post(admin, '/budget/new', { budget_id: 'b', rpm_limit: 5 });
    await post(admin, '/team/new', { team_id: 't', budget_id: 'b' });
    await admin.spend({ teamId: 't', at: NOW, cost: parseUsd(2) });
    await post(admin, '/budget/update', { budget_id: 'b', max_budget: 4 });
    const { team_info: info } = await infoOf(admin, 't');
    expect(info).toMatchObject({ max_budget: null, spend: 2, litellm_budget_table: { max_budget: 4, rpm_limit: 5 } });
  });

  it('is found spent by members when their default comes into force', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't', members_with_roles: [{ user_id: 'u' }] });
    await admin.spend({ teamId: 't', userId: 'u', at: NOW, cost: parseUsd(2) });
    await admin.spend({ teamId: 't', userId: 'other', at: NOW, cost: parseUsd(7) });
    await post(admin, '/team/update', { team_id: 't', team_member_budget: 5 });
    const member = await admin.deps.members.get({ kind: 'team', id: 't' }, 'u');
    if (member === undefined) throw new Error('gone');
    const { limits } = await memberScope(admin.deps, member, { maxBudget: parseUsd(5) });
    expect(await metered(admin, { kind: 'member', id: pairId('t', 'u') }, limits)).toBe(parseUsd(2));
    expect((await infoOf(admin, 't'))['team_memberships']).toMatchObject([{ user_id: 'u', spend: 2 }]);

    admin.clock.now = NOW + 60_000;
    expect(await post(admin, '/team/t/member/u/reset_spend', { reset_to: 0 })).toMatchObject({
      body: { spend: 0, total_spend: 2 },
    });
    expect(await post(admin, '/team/t/member/u/reset_spend', { reset_to: 1 })).toMatchObject({ status: 400 });
  });
});

describe('POST /team/reset_budget', () => {
  it('opens the window again by an entry of the team alone, and leaves reports and keys as they are', async () => {
    const admin = createAdmin();
    await admin.spend({ teamId: 't', keyHash: 'k', cost: parseUsd(3) });
    await post(admin, '/team/new', { team_id: 't', max_budget: 5, budget_duration: '30d' });
    expect(await infoOf(admin, 't')).toMatchObject({ team_info: { spend: 3 } });

    const reset = await post(admin, '/team/reset_budget', { team_id: 't' });
    const again = await post(admin, '/team/reset_budget', { team_id: 't' });

    expect(reset).toMatchObject({ status: 200, body: { team_id: 't', spend: 0, previous_spend: 3, total_spend: 3 } });
    expect(again).toMatchObject({ status: 200, body: { spend: 0, previous_spend: 0 } });
    const { items } = await admin.deps.ledger.list({ limit: 10 });
    expect(items.filter(({ adjusts }) => adjusts !== undefined)).toMatchObject([
      { kind: 'adjustment', cost: parseUsd(-3), adjusts: { kind: 'team', id: 't' }, route: '/team/reset_budget' },
    ]);
    expect(await admin.deps.totals.read({ kind: 'key', id: 'k' })).toMatchObject({ spend: parseUsd(3), takenBack: 0n });
    expect((await admin.call('GET', '/audit?action=updated&object_id=t')).body['audit_logs']).toMatchObject([
      { before_value: { spend: 3 }, updated_values: { spend: 0 } },
    ]);
  });

  it('takes back the life of a team without a budget, at once, however late the totals are', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't' });
    await admin.spend({ teamId: 't', cost: parseUsd(2) });
    expect(await post(admin, '/team/reset_budget', { team_id: 't' })).toMatchObject({ body: { spend: 0, previous_spend: 2 } });
    expect(await post(admin, '/team/reset_budget', { team_id: 't' })).toMatchObject({ body: { spend: 0, previous_spend: 0 } });
  });
});

describe('logging of a team', () => {
  it('has no callbacks, and says so where one is added', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't' });
    const callback = {
      callback_name: 'langfuse',
      callback_type: 'success',
      callback_vars: { langfuse_secret_key: 'sk-lf-hidden-value' },
    };

    const refused = await post(admin, '/team/t/callback', callback);

    expect(refused).toMatchObject({ status: 400, body: { error: { param: 'callback_name' } } });
    expect(JSON.stringify(refused.body)).toContain('there are no logging callbacks');
    expect(admin.outputs.join()).not.toContain('hidden-value');
    expect(await post(admin, '/team/t/callback', { callback_name: 5 })).toMatchObject({
      body: { error: { message: 'callback_name: expected the name of a callback, got 5' } },
    });
    expect((await admin.call('GET', '/team/t/callback')).body).toEqual({
      status: 'success',
      data: { team_id: 't', success_callbacks: [], failure_callbacks: [], callback_vars: {} },
    });
  });

  it('is disabled: nothing is kept of its calls, though the operator keeps those of others', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't', metadata: { cost_center: 7, store_prompts_in_spend_logs: true } });
    const keeping = async (key: object = {}): Promise<string> =>
      keepingOf({
        keep: true,
        redact: false,
        unlogged: false,
        metadata: [{ ...key }, (await admin.deps.teams.get('t'))?.metadata ?? {}],
      });
    expect(await keeping()).toBe('whole');

    expect((await admin.call('POST', '/team/t/disable_logging')).body).toEqual({
      status: 'success',
      message: 'Logging disabled for team t',
      data: { team_id: 't', success_callbacks: [], failure_callbacks: [] },
    });

    expect(await keeping()).toBe('none');
    // The last word is that of the key, as everywhere.
    expect(await keeping({ store_prompts_in_spend_logs: true })).toBe('whole');
    const [row] = (await admin.call('GET', '/audit?action=updated&object_id=t')).body['audit_logs'] as object[];
    expect(row).toMatchObject({
      before_value: { metadata: { cost_center: 7, store_prompts_in_spend_logs: true } },
      updated_values: { metadata: { cost_center: 7, store_prompts_in_spend_logs: false } },
    });
  });
});

describe('what a team may have', () => {
  const prepare = async (): Promise<Admin> => {
    const admin = createAdmin();
    await post(admin, '/organization/new', {
      organization_id: 'o',
      organization_alias: 'O',
      models: ['gpt-4o', 'openai/*'],
      max_budget: 10,
      rpm_limit: 100,
    });
    return admin;
  };

  it.each([
    [{ models: ['claude'] }, 'models'],
    [{ models: ['gpt-4o'], max_budget: 11 }, 'max_budget'],
    [{ rpm_limit: 101 }, 'rpm_limit'],
  ])('ends at its organization: %j', async (fields, param) => {
    const admin = await prepare();
    expect(await post(admin, '/team/new', { organization_id: 'o', ...fields })).toMatchObject({
      status: 400,
      body: { error: { param } },
    });
    await post(admin, '/team/new', { team_id: 't', organization_id: 'o' });
    expect(await post(admin, '/team/update', { team_id: 't', ...fields })).toMatchObject({
      status: 400,
      body: { error: { param } },
    });
  });

  it('reaches as far as its organization, by name, pattern and access group', async () => {
    const admin = await prepare();
    await post(admin, '/access_group/new', { access_group: 'group', model_names: ['gpt-4o'] });
    const models = ['gpt-4o', 'openai/o3', 'openai/gpt-*', 'group'];
    expect(await post(admin, '/team/new', { organization_id: 'o', models, max_budget: 10 })).toMatchObject({ status: 200 });
  });

  it('bounds its projects', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't', models: ['gpt-4o'], max_budget: 5 });
    for (const [fields, param] of [
      [{ models: ['claude'] }, 'models'],
      [{ max_budget: 6 }, 'max_budget'],
    ] as const) {
      expect(await post(admin, '/project/new', { team_id: 't', ...fields })).toMatchObject({
        status: 400,
        body: { error: { param } },
      });
    }
    expect(await post(admin, '/project/new', { team_id: 't', models: ['gpt-4o'], max_budget: 5 })).toMatchObject({
      status: 200,
    });
  });

  it('changes by models added and taken, never to all of them by accident', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't', models: ['a'] });
    expect(await post(admin, '/team/model/add', { team_id: 't', models: ['b', 'a'] })).toMatchObject({
      body: { models: ['b', 'a'] },
    });
    expect(await post(admin, '/team/model/delete', { team_id: 't', models: ['a'] })).toMatchObject({ body: { models: ['b'] } });
    expect(await post(admin, '/team/model/delete', { team_id: 't', models: ['b'] })).toMatchObject({ status: 400 });
  });
});

describe('routes of teams', () => {
  it.each([
    ['/team/new', { team_id: '' }, 'team_id'],
    ['/team/new', { guardrails: ['pii'] }, 'guardrails'],
    ['/team/new', { metadata: { logging: [{}] } }, 'metadata.logging'],
    ['/team/new', { members_with_roles: [{ role: 'user' }] }, 'user_id'],
    ['/team/new', { members_with_roles: [{ user_id: 'u', role: 'king' }] }, 'members_with_roles[0].role'],
    ['/team/new', { organization_id: 'absent' }, 'organization_id'],
    ['/team/new', { unheard_of: 1 }, 'unheard_of'],
    ['/team/update', { max_budget: 1 }, 'team_id'],
    ['/team/update', { team_id: 't', members_with_roles: [] }, 'members_with_roles'],
    ['/team/member_add', { team_id: 't' }, 'member'],
    ['/team/bulk_member_add', { team_id: 't' }, 'members'],
    ['/team/permissions_update', { team_id: 't', team_member_permissions: ['/all'] }, 'team_member_permissions'],
    ['/team/model/add', { team_id: 't' }, 'models'],
    ['/team/block', {}, 'team_id'],
    ['/team/delete', { team_ids: 't' }, 'team_ids'],
  ])('%s refuses %j, naming %s', async (path, body, param) => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't' });
    expect(await post(admin, path, body)).toMatchObject({
      status: 400,
      body: { error: { param, type: 'invalid_request_error' } },
    });
  });

  it('make no second user with an e-mail', async () => {
    const admin = createAdmin();
    await post(admin, '/user/new', { user_id: 'u', user_email: 'u@x.example', auto_create_key: false });
    await post(admin, '/team/new', { team_id: 't' });
    const member = { user_id: 'v', user_email: 'U@x.example', role: 'user' };
    expect(await post(admin, '/team/member_add', { team_id: 't', member })).toMatchObject({
      status: 409,
      body: { error: { param: 'user_email' } },
    });
    expect(await admin.deps.users.get('v')).toBeUndefined();
  });

  it('say what is not there', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't' });
    expect(await post(admin, '/team/update', { team_id: 'x' })).toMatchObject({ status: 404 });
    expect(await post(admin, '/team/delete', { team_ids: ['t', 'x'] })).toMatchObject({ status: 404 });
    expect(await admin.call('GET', '/team/info?team_id=t')).toMatchObject({ status: 200 });
    expect(await post(admin, '/team/member_delete', { team_id: 't', user_id: 'x' })).toMatchObject({ status: 404 });
    expect(await post(admin, '/team/new', { team_id: 't' })).toMatchObject({ status: 409 });
  });

  it('block every key of a team, and let them go again', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't' });
    const { body } = await post(admin, '/key/generate', { team_id: 't' });
    const key = String(body['key']);
    await post(admin, '/team/block', { team_id: 't' });
    expect(await admin.call('GET', '/key/info', { key })).toMatchObject({ status: 401 });
    await post(admin, '/team/unblock', { team_id: 't' });
    expect(await admin.call('GET', '/key/info', { key })).toMatchObject({ status: 200 });
    const { body: log } = await admin.call('GET', '/audit?object_id=t');
    expect((log['audit_logs'] as { action: string }[]).map(({ action }) => action).toSorted()).toEqual([
      'blocked',
      'created',
      'unblocked',
    ]);
  });

  it('add everybody there is, and tell who was a member already', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't', members_with_roles: [{ user_id: 'a' }] });
    await post(admin, '/user/new', { user_id: 'b', auto_create_key: false });
    expect(await post(admin, '/team/bulk_member_add', { team_id: 't', all_users: true })).toMatchObject({
      body: { total_requested: 2, successful_additions: 1, failed_additions: 1 },
    });
  });

  it('list by page, in order, with filters', async () => {
    const admin = createAdmin();
    for (const [index, alias] of ['Blue', 'Red', 'Bluebird'].entries()) {
      admin.clock.now = NOW + index;
      await post(admin, '/team/new', {
        team_id: alias,
        team_alias: alias,
        members_with_roles: index === 1 ? [{ user_id: 'u' }] : [],
      });
    }
    const page = async (query: string) => (await admin.call('GET', `/v2/team/list?${query}`)).body;
    expect(await page('team_alias=blu&sort_by=team_alias&sort_order=desc')).toMatchObject({
      teams: [{ team_id: 'Bluebird' }, { team_id: 'Blue' }],
      total: 2,
      total_pages: 1,
    });
    expect(await page('page=2&page_size=2')).toMatchObject({
      teams: [{ team_id: 'Blue' }],
      page: 2,
      page_size: 2,
      total_pages: 2,
    });
    expect(await page('user_id=u')).toMatchObject({ teams: [{ team_id: 'Red' }] });
    for (const query of ['page=0', 'page_size=x', 'sort_by=spend', 'sort_order=up', 'status=old']) {
      expect(await admin.call('GET', `/v2/team/list?${query}`), query).toMatchObject({ status: 400 });
    }
  });

  it('tell a member its own membership', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't', members_with_roles: [{ user_id: 'u' }], team_member_rpm_limit: 3 });
    const { body } = await post(admin, '/key/generate', { user_id: 'u' });
    expect(await admin.call('GET', '/team/t/members/me', { key: String(body['key']) })).toMatchObject({
      body: { team_id: 't', user_id: 'u', role: 'user', litellm_budget_table: { rpm_limit: 3 } },
    });
  });
});

describe('a key of a team', () => {
  it('has no models that the team has not', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't', models: ['gpt-4o', 'openai/*'] });
    const refused = { status: 400, body: { error: { param: 'models' } } };
    expect(await post(admin, '/key/generate', { team_id: 't', models: ['claude'] })).toMatchObject(refused);
    const { body } = await post(admin, '/key/generate', { team_id: 't', models: ['openai/o3', 'all-team-models'] });
    const key = String(body['key']);
    expect(await post(admin, '/key/update', { key, models: ['claude'] })).toMatchObject(refused);
    await post(admin, '/team/update', { team_id: 't', models: ['gpt-4o'] });
    expect(await post(admin, '/key/update', { key, rpm_limit: 5 })).toMatchObject({ status: 200 });
  });

  it('with a shared budget spends from what was spent before', async () => {
    const admin = createAdmin();
    await post(admin, '/budget/new', { budget_id: 'b', max_budget: 5 });
    const { body } = await post(admin, '/key/generate', {});
    await admin.spend({ keyHash: String(body['token']), cost: parseUsd(2) });
    await post(admin, '/key/update', { key: body['key'], budget_id: 'b' });
    expect(await admin.call('GET', `/key/info?key=${String(body['token'])}`)).toMatchObject({
      body: { info: { spend: 2, max_budget: null, budget_id: 'b', litellm_budget_table: { max_budget: 5 } } },
    });
    const key = await admin.deps.keys.get(String(body['token']));
    if (key === undefined) throw new Error('gone');
    expect(await metered(admin, { kind: 'key', id: key.hash }, { ...key, maxBudget: parseUsd(5) })).toBe(parseUsd(2));
  });

  it('that is a member’s lives no longer than the team lets it', async () => {
    const admin = createAdmin();
    await post(admin, '/team/new', { team_id: 't', team_member_key_duration: '7d' });
    const expiresOf = async (body: object): Promise<unknown> => (await post(admin, '/key/generate', body)).body['expires'];
    const inDays = (days: number): string => new Date(NOW + days * DAY).toISOString();
    expect(await expiresOf({ team_id: 't', user_id: 'u' })).toBe(inDays(7));
    expect(await expiresOf({ team_id: 't', user_id: 'u', duration: '30d' })).toBe(inDays(7));
    expect(await expiresOf({ team_id: 't', user_id: 'u', duration: '1d' })).toBe(inDays(1));
    expect(await expiresOf({ team_id: 't' })).toBeNull();
    expect(await expiresOf({ user_id: 'u' })).toBeNull();

    const { body } = await post(admin, '/key/generate', { user_id: 'u' });
    expect((await post(admin, '/key/update', { key: body['key'], team_id: 't' })).body).toMatchObject({ expires: inDays(7) });
    admin.clock.now = NOW + DAY;
    expect((await post(admin, '/key/update', { key: body['key'], rpm_limit: 3 })).body).toMatchObject({ expires: inDays(7) });
    expect((await post(admin, '/key/update', { key: body['key'], duration: '-1' })).body).toMatchObject({ expires: inDays(8) });
  });
});
