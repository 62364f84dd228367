import { describe, expect, it } from 'vitest';
import { budgetsOf } from '../../../lib/domain/budget.ts';
import { spentOf } from '../../../lib/domain/meter.ts';
import { createAdmin, NOW, type Admin } from './support.ts';

const USD = 1_000_000_000_000n;
const call = async (admin: Admin, method: string, path: string, body?: object) => {
  const answer = await admin.call(method, path, body === undefined ? {} : { body });
  return answer.status === 200 ? answer.body : answer;
};

/** What the meter of a scope's first budget shows as spent. */
async function metered(admin: Admin, kind: 'tag' | 'customer' | 'project', id: string): Promise<bigint> {
  const stores = { tag: admin.deps.tags, customer: admin.deps.customers, project: admin.deps.projects };
  const limits = await stores[kind].get(id);
  const [budget] = limits === undefined ? [] : budgetsOf({ scope: { kind, id }, limits }, admin.clock.now);
  const meter = budget && (await admin.deps.meters.read(budget.meter));
  return meter === undefined ? 0n : spentOf(meter, 'usd');
}

describe('a budget that comes into force', () => {
  it.each([
    ['tag', '/tag', { name: 'x' }, { tags: ['x'] }],
    ['customer', '/customer', { user_id: 'x' }, { endUser: 'x' }],
  ] as const)('of a %s begins with what was spent before', async (kind, path, id, owner) => {
    const admin = createAdmin();
    await call(admin, 'POST', `${path}/new`, id);
    await admin.spend({ ...owner, at: NOW, cost: 2n * USD });
    await admin.spend({ ...owner, at: NOW + 1, cost: USD, modelGroup: 'other' });
    admin.clock.now = NOW + 10;

    await call(admin, 'POST', `${path}/update`, { ...id, max_budget: 5, model_max_budget: { other: 4 } });

    expect(await metered(admin, kind, 'x')).toBe(3n * USD);
    expect(await call(admin, 'POST', `${path}/update`, { ...id, max_budget: 6 })).toBeDefined();
    expect(await metered(admin, kind, 'x')).toBe(3n * USD);
  });

  it('counts only the calls of its window', async () => {
    const admin = createAdmin();
    await call(admin, 'POST', '/tag/new', { name: 'x' });
    await admin.spend({ tags: ['x'], at: NOW - 1, cost: 2n * USD });
    await call(admin, 'POST', '/tag/update', { name: 'x', max_budget: 5, budget_duration: '1d' });
    expect(await metered(admin, 'tag', 'x')).toBe(0n);
  });
});

describe('lists', () => {
  it.each([
    ['/organization', { organization_alias: 'x' }, '/organization/list'],
    ['/team', {}, '/team/list'],
    ['/project', { team_id: 't' }, '/project/list'],
    ['/customer', { user_id: 'id' }, '/customer/list'],
    ['/budget', { max_budget: 1 }, '/budget/list'],
    ['/tag', { name: 'id' }, '/tag/list'],
    ['/access_group', { access_group: 'id', model_names: [] }, '/v1/access_group'],
  ])('of %s come whole, and by page where one is asked for', async (path, body, list) => {
    const admin = createAdmin();
    if (path === '/project') await call(admin, 'POST', '/team/new', { team_id: 't' });
    for (const id of ['1', '2', '3']) {
      const named = Object.fromEntries(Object.entries(body).map(([name, value]) => [name, value === 'id' ? id : value]));
      await admin.call('POST', `${path}/new`, { body: named });
    }
    const rows = async (query: string) => (await admin.call('GET', `${list}${query}`)).body['value'] as object[];

    const all = await rows('');

    expect(all).toHaveLength(3);
    expect(await rows('?page=1&page_size=2')).toEqual(all.slice(0, 2));
    expect(await rows('?page=2&page_size=2')).toEqual(all.slice(2));
    expect(await admin.call('GET', `${list}?page=0`)).toMatchObject({ status: 400 });
  });

  it('of tags and budgets are searched by name', async () => {
    const admin = createAdmin();
    for (const name of ['blue', 'red']) {
      await call(admin, 'POST', '/tag/new', { name });
      await call(admin, 'POST', '/budget/new', { budget_id: name });
    }
    expect(await call(admin, 'GET', '/tag/list?name=BL')).toMatchObject({ value: [{ name: 'blue' }] });
    expect(await call(admin, 'GET', '/budget/list?budget_id=e')).toMatchObject({ value: [{}, {}] });
    expect(await call(admin, 'GET', '/budget/list?budget_id=lu')).toMatchObject({ value: [{ budget_id: 'blue' }] });
  });
});

describe('a shared budget that is not there', () => {
  it.each([
    ['/key/generate', {}],
    ['/user/new', { user_id: 'x' }],
    ['/team/new', { team_id: 'x' }],
    ['/organization/new', { organization_alias: 'x' }],
    ['/project/new', { team_id: 't' }],
    ['/customer/new', { user_id: 'x' }],
    ['/tag/new', { name: 'x' }],
  ])('is refused by %s: whoever names it would have no limits', async (path, body) => {
    const admin = createAdmin();
    await call(admin, 'POST', '/team/new', { team_id: 't' });

    const answer = await admin.call('POST', path, { body: { ...body, budget_id: 'gone' } });

    expect(answer).toMatchObject({
      status: 400,
      body: { error: { param: 'budget_id', message: expect.stringContaining("'gone' does not exist") } },
    });
  });

  it('is refused where a record turns to it, and left alone where it was deleted since', async () => {
    const admin = createAdmin();
    await call(admin, 'POST', '/budget/new', { budget_id: 'b', max_budget: 1 });
    await call(admin, 'POST', '/tag/new', { name: 'x', budget_id: 'b' });
    const key = (await call(admin, 'POST', '/key/generate', { budget_id: 'b' })) as { key: string };
    await admin.deps.budgets.delete('b');

    for (const [path, body] of [['/tag/update', { name: 'x' }] as const, ['/key/update', { key: key.key }] as const]) {
      expect(await admin.call('POST', path, { body: { ...body, budget_id: 'gone' } })).toMatchObject({ status: 400 });
      expect(await admin.call('POST', path, { body: { ...body, rpm_limit: 3 } })).toMatchObject({ status: 200 });
    }
  });
});

describe('what is spent of budgets of models', () => {
  const limits = { model_max_budget: { m: { max_budget: 1, budget_duration: '1d' }, other: 2 } };
  const spent = { m: 0.25, other: 0 };

  it('is told of a key by the names of its budgets', async () => {
    const admin = createAdmin();
    const { key, token } = (await call(admin, 'POST', '/key/generate', {})) as { key: string; token: string };
    await admin.spend({ keyHash: token, cost: USD / 4n, modelGroup: 'm' });
    await call(admin, 'POST', '/key/update', { key, ...limits });

    expect(await call(admin, 'GET', `/key/info?key=${token}`)).toMatchObject({ info: { model_spend: spent } });
    admin.clock.now += 86_400_000;
    expect(await call(admin, 'GET', `/key/info?key=${token}`)).toMatchObject({ info: { model_spend: { m: 0, other: 0 } } });
  });

  it('is told of a team, and of a user', async () => {
    const admin = createAdmin();
    await call(admin, 'POST', '/team/new', { team_id: 't' });
    await call(admin, 'POST', '/user/new', { user_id: 'u', auto_create_key: false });
    await admin.spend({ teamId: 't', cost: USD / 4n, modelGroup: 'm' });
    await admin.spend({ userId: 'u', cost: USD / 4n, modelGroup: 'm' });
    await call(admin, 'POST', '/team/update', { team_id: 't', ...limits });
    await call(admin, 'POST', '/user/update', { user_id: 'u', ...limits });

    expect(await call(admin, 'GET', '/team/info?team_id=t')).toMatchObject({ team_info: { model_spend: spent } });
    expect(await call(admin, 'GET', '/user/info?user_id=u')).toMatchObject({ user_info: { model_spend: spent } });
  });
});

describe('/budget/delete', () => {
  const holders = async (): Promise<Admin> => {
    const admin = createAdmin();
    await call(admin, 'POST', '/budget/new', { budget_id: 'b', max_budget: 1 });
    return admin;
  };

  it('refuses while somebody has the budget, and says who', async () => {
    const admin = await holders();
    const { key } = (await call(admin, 'POST', '/key/generate', { budget_id: 'b' })) as { key: string };
    await call(admin, 'POST', '/tag/new', { name: 'x', budget_id: 'b' });
    await call(admin, 'POST', '/tag/new', { name: 'y', budget_id: 'b' });

    expect(await admin.call('POST', '/budget/delete', { body: { id: 'b' } })).toMatchObject({
      status: 400,
      body: { error: { param: 'id', message: expect.stringContaining("'b' limits 3 (key: 1, tag: 2)") } },
    });

    await call(admin, 'POST', '/key/update', { key, budget_id: null });
    for (const name of ['x', 'y']) await call(admin, 'POST', '/tag/update', { name, budget_id: null });
    expect(await admin.call('POST', '/budget/delete', { body: { id: 'b' } })).toMatchObject({ status: 200 });
  });

  it('refuses while customers nobody has made have the budget', async () => {
    const admin = await holders();
    Object.assign(admin.deps, { customerBudget: 'b' });

    expect(await admin.call('POST', '/budget/delete', { body: { id: 'b' } })).toMatchObject({
      status: 400,
      body: { error: { param: 'id', message: expect.stringContaining('TOLLGATE_CUSTOMER_BUDGET_ID') } },
    });
    expect(await admin.deps.budgets.get('b', { fresh: true })).toMatchObject({ id: 'b' });
  });

  it('puts the budget back when somebody took it in the same moment', async () => {
    const admin = await holders();
    const { budgets, tags } = admin.deps;
    const erase = budgets.delete.bind(budgets);
    await call(admin, 'POST', '/tag/new', { name: 'x' });
    Object.assign(budgets, {
      delete: async (id: string) => {
        const tag = await tags.get('x');
        if (tag !== undefined) await tags.replace({ ...tag, budgetId: 'b', rev: tag.rev + 1 });
        return erase(id);
      },
    });

    expect(await admin.call('POST', '/budget/delete', { body: { id: 'b' } })).toMatchObject({ status: 400 });
    expect(await budgets.get('b', { fresh: true })).toMatchObject({ id: 'b', maxBudget: USD });
  });
});

describe('budgets', () => {
  it('are made, read by id, listed and described; their windows end at a time', async () => {
    const admin = createAdmin();
    const made = await call(admin, 'POST', '/budget/new', { max_budget: 1.5, budget_duration: '1d', allowed_models: ['m'] });
    expect(made).toMatchObject({
      max_budget: 1.5,
      allowed_models: ['m'],
      budget_reset_at: new Date(NOW + 86_400_000).toISOString(),
    });
    const id = (made as { budget_id: string }).budget_id;

    expect(await call(admin, 'POST', '/budget/info', { budgets: [id, 'absent'] })).toMatchObject({
      value: [{ budget_id: id }],
    });
    expect(await call(admin, 'GET', `/budget/settings?budget_id=${id}`)).toMatchObject({
      value: expect.arrayContaining([expect.objectContaining({ field_name: 'max_budget', field_value: 1.5 })]) as unknown[],
    });
    expect(await call(admin, 'POST', '/budget/update', { budget_id: id, max_budget: null })).toMatchObject({
      max_budget: null,
      budget_duration: '1d',
    });
    await call(admin, 'POST', '/budget/delete', { id });
    expect(await call(admin, 'GET', '/budget/list')).toEqual({ value: [] });
  });
});

describe('limit fields', () => {
  it('come back as they were given, exactly', async () => {
    const admin = createAdmin();
    const limits = {
      max_budget: 0.1,
      budget_duration: '1mo',
      soft_budget: 0.05,
      budget_limits: [{ budget_duration: '1d', max_budget: 0.01 }],
      model_max_budget: { m: { max_budget: 0.2, budget_duration: '1d' } },
      model_rpm_limit: { m: 3 },
      model_tpm_limit: { n: 4 },
      tpm_limit: 5,
      rpm_limit: 6,
      max_parallel_requests: 7,
      token_rate_limit_type: 'output',
      temp_budget_increase: 1,
      temp_budget_expiry: '2027-01-01T00:00:00.000Z',
      throttle_on_budget_exceeded: true,
    };
    const { tag } = (await call(admin, 'POST', '/tag/new', { name: 'x', ...limits })) as { tag: object };
    expect(tag).toMatchObject(limits);
  });

  it('of models: one map leaves what the others said', async () => {
    const admin = createAdmin();
    await call(admin, 'POST', '/tag/new', { name: 'x', model_max_budget: { m: 1 }, model_rpm_limit: { m: 2, n: 3 } });
    const { tag } = (await call(admin, 'POST', '/tag/update', { name: 'x', model_rpm_limit: { n: 4 } })) as { tag: object };
    expect(tag).toMatchObject({ model_max_budget: { m: { max_budget: 1 } }, model_rpm_limit: { n: 4 } });
  });

  it('align windows with the calendar when asked to', async () => {
    const admin = createAdmin();
    await call(admin, 'POST', '/tag/new', { name: 'x', max_budget: 1, budget_duration: '1mo', budget_alignment: 'calendar' });
    const date = new Date(NOW);
    expect((await admin.deps.tags.get('x'))?.budgetAnchor).toBe(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1));
  });

  it.each([
    [{ max_budget: -1 }, 'max_budget'],
    [{ budget_duration: '30x' }, 'budget_duration'],
    [{ budget_limits: [{ max_budget: 1 }] }, 'budget_limits[0]'],
    [{ temp_budget_increase: 1 }, 'temp_budget_increase'],
    [{ temp_budget_increase: 1, temp_budget_expiry: 'soon' }, 'temp_budget_expiry'],
    [{ token_rate_limit_type: 'all' }, 'token_rate_limit_type'],
    [{ model_rpm_limit: { m: 1.5 } }, 'model_rpm_limit.m'],
    [{ guardrails: ['pii'] }, 'guardrails'],
  ])('refuse %o by name', async (body, param) => {
    const answer = await createAdmin().call('POST', '/tag/new', { body: { name: 'x', ...body } });
    expect(answer).toMatchObject({ status: 400, body: { error: { param } } });
  });

  it('accept what asks for nothing', async () => {
    const body = {
      name: 'x',
      guardrails: [],
      object_permission: { mcp_servers: ['a'] },
      tpm_limit_type: 'best_effort_throughput',
    };
    expect(await createAdmin().call('POST', '/tag/new', { body })).toMatchObject({ status: 200 });
  });
});

describe('customers', () => {
  it('are blocked before anybody has seen them', async () => {
    const admin = createAdmin();
    await call(admin, 'POST', '/customer/block', { user_ids: ['bad'] });
    expect(await call(admin, 'GET', '/end_user/info?end_user_id=bad')).toMatchObject({ user_id: 'bad', blocked: true });
    await call(admin, 'POST', '/customer/unblock', { user_ids: ['bad'] });
    expect(await call(admin, 'GET', '/customer/info?end_user_id=bad')).toMatchObject({ blocked: false });
  });

  it('show the shared budget they have, and are deleted together or not at all', async () => {
    const admin = createAdmin();
    await call(admin, 'POST', '/budget/new', { budget_id: 'b', max_budget: 2 });
    expect(
      await call(admin, 'POST', '/customer/new', { user_id: 'c', budget_id: 'b', allowed_model_region: 'eu' }),
    ).toMatchObject({
      litellm_budget_table: { budget_id: 'b', max_budget: 2 },
      allowed_model_region: 'eu',
    });
    expect(await call(admin, 'POST', '/customer/delete', { user_ids: ['c', 'absent'] })).toMatchObject({ status: 404 });
    expect(await call(admin, 'POST', '/customer/delete', { user_ids: ['c'] })).toMatchObject({ deleted_customers: 1 });
  });

  it('belong, as tags do, to a team or an organization that exists', async () => {
    const admin = createAdmin();
    await call(admin, 'POST', '/team/new', { team_id: 'red' });
    await call(admin, 'POST', '/organization/new', { organization_id: 'acme', organization_alias: 'Acme' });
    expect(await call(admin, 'POST', '/customer/new', { user_id: 'c', team_id: 'red' })).toMatchObject({
      team_id: 'red',
      organization_id: null,
    });
    expect(
      await call(admin, 'POST', '/customer/update', { user_id: 'c', team_id: null, organization_id: 'acme' }),
    ).toMatchObject({ team_id: null, organization_id: 'acme' });
    await call(admin, 'POST', '/tag/new', { name: 't', team_id: 'red' });
    expect(await call(admin, 'POST', '/tag/update', { name: 't', description: 'd' })).toMatchObject({
      tag: { team_id: 'red', organization_id: null },
    });
    for (const body of [{ team_id: 'absent' }, { organization_id: 'absent' }]) {
      expect(await call(admin, 'POST', '/customer/new', { user_id: 'd', ...body })).toMatchObject({ status: 400 });
      expect(await call(admin, 'POST', '/tag/update', { name: 't', ...body })).toMatchObject({ status: 400 });
    }
  });

  it('exist once', async () => {
    const admin = createAdmin();
    await call(admin, 'POST', '/customer/new', { user_id: 'c' });
    expect(await call(admin, 'POST', '/customer/new', { user_id: 'c' })).toMatchObject({ status: 409 });
  });
});

describe('projects', () => {
  it('need a team that exists', async () => {
    const admin = createAdmin();
    expect(await call(admin, 'POST', '/project/new', { team_id: 'absent' })).toMatchObject({ status: 404 });
  });

  it('are out of reach for keys of others, whether or not they exist', async () => {
    const admin = createAdmin();
    await call(admin, 'POST', '/project/new', { project_id: 'p' });
    const { key } = (await call(admin, 'POST', '/key/generate', {})) as { key: string };
    for (const id of ['p', 'absent']) {
      expect(await admin.call('GET', `/project/info?project_id=${id}`, { key })).toMatchObject({ status: 404 });
    }
    expect(await admin.call('POST', '/project/new', { key, body: {} })).toMatchObject({ status: 403 });
    expect((await admin.call('GET', '/project/list', { key })).body).toEqual({ value: [] });
  });
});

describe('the audit log', () => {
  it('has every change, newest first, by page and filter', async () => {
    const admin = createAdmin();
    for (const name of ['a', 'b']) {
      admin.clock.now += 1;
      await admin.call('POST', '/tag/new', { body: { name }, headers: { 'litellm-changed-by': 'terraform' } });
    }
    admin.clock.now += 1;
    await call(admin, 'POST', '/tag/update', { name: 'a', max_budget: 1 });

    const all = (await call(admin, 'GET', '/audit?page=1&page_size=2')) as { audit_logs: { id: string }[] };
    expect(all).toMatchObject({
      total: 3,
      total_pages: 2,
      audit_logs: [{ object_id: 'a', action: 'updated' }, { object_id: 'b' }],
    });
    expect(await call(admin, 'GET', '/audit?object_id=a&action=created')).toMatchObject({
      audit_logs: [
        { changed_by: 'terraform', changed_by_api_key: 'master', table_name: 'LiteLLM_TagTable', before_value: null },
      ],
    });
    expect(await call(admin, 'GET', `/audit/${all.audit_logs[0]?.id}`)).toMatchObject({
      before_value: { max_budget: null },
      updated_values: { max_budget: 1 },
    });
    expect(await call(admin, 'GET', '/audit/absent')).toMatchObject({ status: 404 });
    expect(await call(admin, 'GET', '/audit?start_date=soon')).toMatchObject({ status: 400 });
    expect(await call(admin, 'GET', '/audit?end_date=2000-01-01')).toMatchObject({ total: 0 });
  });
});

describe('access groups', () => {
  it('are given to teams and keys, and taken from them', async () => {
    const admin = createAdmin();
    const { token } = (await call(admin, 'POST', '/key/generate', {})) as { token: string };
    await call(admin, 'POST', '/v1/access_group', { access_group_name: 'g', assigned_key_ids: [token] });
    expect((await admin.deps.keys.get(token))?.accessGroups).toEqual(['g']);
    expect(await call(admin, 'PUT', '/v1/access_group/g', { assigned_key_ids: [] })).toMatchObject({ assigned_key_ids: [] });
    expect((await admin.deps.keys.get(token))?.accessGroups).toEqual([]);
  });

  it('keep their name', async () => {
    const admin = createAdmin();
    await call(admin, 'POST', '/access_group/new', { access_group: 'g', model_names: [] });
    expect(await call(admin, 'PUT', '/v1/access_group/g', { access_group_name: 'h' })).toMatchObject({ status: 400 });
  });
});
