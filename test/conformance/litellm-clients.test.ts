/**
 * Management as the clients of LiteLLM drive it: the requests of its Python client and of the community's Terraform provider, and what
 * each of them reads of the answers. Names of fields are theirs.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocal, type LocalServer } from '../../functions/local/start.ts';
import { requirePublished } from '../support/published.ts';

const MASTER = 'sk-master-of-the-clients';
let server: LocalServer;
beforeAll(async () => {
  server = await startLocal({
    host: '127.0.0.1',
    port: 0,
    version: '0',
    environment: { TOLLGATE_MASTER_KEY: MASTER },
    warn: () => {},
  });
});
afterAll(() => server.stop());

type Json = Record<string, unknown>;
type Verb = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A call as both clients make it: JSON in, a 2xx with JSON out, everything else an error that shows status and body. */
async function call<T = Json>(method: Verb, path: string, body?: Json, key = MASTER): Promise<T> {
  const response = await fetch(server.url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      'x-api-key': key,
      authorization: `Bearer ${key}`,
      'litellm-changed-by': 'terraform',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  requirePublished({ method, path, status: response.status, body: JSON.parse(text) });
  if (!response.ok) throw new Error(`API request failed with status ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

/** How the Terraform provider recognises that a thing is gone: by the words of the error. */
const isGone = (error: unknown): boolean => /not found|404|does not exist/.test(String(error));
const gone = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => false,
    (error: unknown) => isGone(error),
  );

let serial = 0;
const unique = (name: string): string => `${name}-${serial++}`;

describe('the Terraform provider', () => {
  it('manages a key: every field it sends comes back as it reads it', async () => {
    const fields = {
      key_alias: unique('tf-key'),
      duration: '30d',
      max_budget: 12.5,
      budget_duration: '30d',
      soft_budget: 10,
      tpm_limit: 1000,
      rpm_limit: 60,
      max_parallel_requests: 4,
      tpm_limit_type: 'best_effort_throughput',
      rpm_limit_type: 'best_effort_throughput',
      blocked: false,
      models: ['demo'],
      allowed_routes: ['llm_api_routes'],
      enforced_params: ['user'],
      tags: ['prod'],
      metadata: { owner: 'platform', nested: { a: [1] } },
      aliases: { fast: 'demo' },
      config: { a: 'b' },
      permissions: { get_spend_routes: 'true' },
      model_max_budget: { demo: 2 },
      model_rpm_limit: { demo: 5 },
      model_tpm_limit: { demo: 500 },
    };
    const { key } = await call<{ key: string }>('POST', '/key/generate', fields);
    expect(key).toMatch(/^sk-/);

    const read = async () => (await call<{ info: Json }>('GET', `/key/info?key=${encodeURIComponent(key)}`)).info;
    const info = await read();
    for (const name of [
      'key_alias',
      'max_budget',
      'budget_duration',
      'soft_budget',
      'tpm_limit',
      'rpm_limit',
      'max_parallel_requests',
      'blocked',
      'models',
      'allowed_routes',
      'aliases',
      'duration',
      'tpm_limit_type',
      'rpm_limit_type',
      'tags',
    ] as const) {
      expect(info[name], name).toEqual(fields[name]);
    }
    expect(info['metadata']).toMatchObject(fields.metadata);

    await call('POST', '/key/update', { ...fields, key, max_budget: null, models: ['demo', 'other'] });
    expect(await read()).toMatchObject({ max_budget: null, models: ['demo', 'other'], tpm_limit: 1000 });

    await call('POST', '/key/block', { key });
    expect(await read()).toMatchObject({ blocked: true });
    await call('POST', '/key/unblock', { key });
    expect(await read()).toMatchObject({ blocked: false });

    await call('POST', '/key/delete', { keys: [key] });
    expect(await gone(read())).toBe(true);
  });

  it('makes a key of a service account, named by its metadata', async () => {
    const id = unique('ci');
    const team = unique('team');
    await call('POST', '/team/new', { team_id: team, team_alias: team });
    const { key } = await call<{ key: string }>('POST', '/key/service-account/generate', {
      key_alias: id,
      team_id: team,
      models: ['all-team-models'],
      metadata: { service_account_id: id },
    });
    const { info } = await call<{ info: Json }>('GET', `/key/info?key=${key}`);
    expect(info).toMatchObject({ key_alias: id, team_id: team, user_id: null });
  });

  it('manages a team, its permissions and its members', async () => {
    const id = unique('tf-team');
    const user = unique('tf-user');
    const fields = {
      team_id: id,
      team_alias: 'Platform',
      tpm_limit: 5000,
      rpm_limit: 100,
      max_budget: 100,
      budget_duration: '30d',
      team_member_budget: 5,
      team_member_rpm_limit: 10,
      team_member_tpm_limit: 1000,
      models: ['demo'],
      tags: ['x'],
      model_aliases: { gpt: 'demo' },
      model_rpm_limit: { demo: 5 },
      metadata: { cost_center: '7' },
      router_settings: {},
      blocked: false,
    };
    await call('POST', '/team/new', fields);
    const read = async () => {
      const { team_info: info } = await call<{ team_info: Json }>('GET', `/team/info?team_id=${id}`);
      return info;
    };
    expect(await read()).toMatchObject({
      team_alias: 'Platform',
      tpm_limit: 5000,
      rpm_limit: 100,
      max_budget: 100,
      budget_duration: '30d',
      team_member_budget: 5,
      team_member_rpm_limit: 10,
      team_member_tpm_limit: 1000,
      models: ['demo'],
      blocked: false,
    });

    await call('POST', '/team/update', { ...fields, max_budget: null, tpm_limit: null, team_member_budget: null });
    expect(await read()).toMatchObject({ max_budget: null, tpm_limit: null, rpm_limit: 100 });

    await call('POST', '/team/permissions_update', { team_id: id, team_member_permissions: ['/key/generate', '/key/info'] });
    expect(await call('GET', `/team/permissions_list?team_id=${id}`)).toMatchObject({
      team_member_permissions: ['/key/generate', '/key/info'],
    });

    // The provider sends an empty e-mail where it has none.
    const member = { role: 'user', user_id: user, user_email: '' };
    await call('POST', '/team/member_add', { team_id: id, member: [member], max_budget_in_team: 3 });
    await call('POST', '/team/member_update', {
      team_id: id,
      user_id: user,
      user_email: '',
      role: 'admin',
      max_budget_in_team: 4,
    });
    const members = (await read())['members_with_roles'] as Json[];
    expect(members).toContainEqual(expect.objectContaining({ user_id: user, role: 'admin' }));
    await call('POST', '/team/member_delete', { team_id: id, user_id: user });
    expect((await read())['members_with_roles']).not.toContainEqual(expect.objectContaining({ user_id: user }));

    await call('POST', '/team/block', { team_id: id });
    expect(await read()).toMatchObject({ blocked: true });
    await call('POST', '/team/unblock', { team_id: id });

    const teams = await call<Json[]>('GET', '/team/list');
    expect(teams.find((team) => team['team_id'] === id)).toMatchObject({ team_alias: 'Platform', spend: 0 });
    await call('POST', '/team/delete', { team_ids: [id] });
    expect(await gone(read())).toBe(true);
  });

  it('manages a user, with a key only where it asks for one', async () => {
    const id = unique('tf-user');
    const made = await call('POST', '/user/new', {
      user_id: id,
      user_alias: 'Ada',
      user_email: `${id}@example.org`,
      user_role: 'internal_user',
      max_budget: 9,
      budget_duration: '7d',
      tpm_limit: 10,
      rpm_limit: 20,
      auto_create_key: false,
      models: ['demo'],
      metadata: { a: 'b' },
    });
    expect(made).toMatchObject({ user_id: id });
    expect(typeof made['key'] === 'string' && made['key'] !== '').toBe(false);

    const read = async () => (await call<{ user_info: Json }>('GET', `/user/info?user_id=${id}`)).user_info;
    expect(await read()).toMatchObject({
      user_id: id,
      user_alias: 'Ada',
      user_email: `${id}@example.org`,
      user_role: 'internal_user',
      max_budget: 9,
      budget_duration: '7d',
      tpm_limit: 10,
      rpm_limit: 20,
      models: ['demo'],
      metadata: { a: 'b' },
    });
    await call('POST', '/user/update', { user_id: id, user_role: 'proxy_admin_viewer', max_budget: 10 });
    expect(await read()).toMatchObject({ user_role: 'proxy_admin_viewer', max_budget: 10, rpm_limit: 20 });
    const { users } = await call<{ users: Json[] }>('GET', '/user/list?user_role=proxy_admin_viewer');
    expect(users.map((user) => user['user_id'])).toContain(id);
    await call('POST', '/user/delete', { user_ids: [id] });
    expect(await gone(read())).toBe(true);

    const withKey = await call('POST', '/user/new', { user_id: unique('tf-user'), auto_create_key: true });
    expect(withKey['key']).toMatch(/^sk-/);
  });

  it('manages an organization and its members', async () => {
    const id = unique('tf-org');
    const user = unique('tf-user');
    const made = await call('POST', '/organization/new', {
      organization_id: id,
      organization_alias: 'Org',
      max_budget: 50,
      budget_duration: '30d',
      tpm_limit: 10,
      rpm_limit: 20,
      models: ['demo'],
      metadata: { a: 'b' },
      model_rpm_limit: { demo: 1 },
    });
    expect(made).toMatchObject({ organization_id: id });
    const read = () => call('GET', `/organization/info?organization_id=${id}`);
    expect(await read()).toMatchObject({ organization_id: id, organization_alias: 'Org', models: ['demo'] });

    await call('PATCH', '/organization/update', { organization_id: id, organization_alias: 'Org 2', max_budget: 60 });
    expect(await read()).toMatchObject({ organization_alias: 'Org 2' });

    await call('POST', '/organization/member_add', {
      organization_id: id,
      member: { role: 'internal_user', user_id: user },
      max_budget_in_organization: 3,
    });
    const memberOf = async () => ((await read())['members'] as Json[]).find((member) => member['user_id'] === user);
    expect(await memberOf()).toBeDefined();
    await call('PATCH', '/organization/member_update', { organization_id: id, user_id: user, role: 'org_admin' });
    await call('DELETE', '/organization/member_delete', { organization_id: id, user_id: user });
    expect(await memberOf()).toBeUndefined();

    const list = await call<Json[]>('GET', '/organization/list');
    expect(list.map((organization) => organization['organization_id'])).toContain(id);
    await call('DELETE', '/organization/delete', { organization_ids: [id] });
    expect(await gone(read())).toBe(true);
  });

  it('manages a project', async () => {
    const team = unique('tf-team');
    await call('POST', '/team/new', { team_id: team, team_alias: team });
    const { project_id: id } = await call('POST', '/project/new', {
      team_id: team,
      project_alias: 'P',
      description: 'what for',
      max_budget: 4,
      budget_duration: '30d',
      models: ['demo'],
      tags: ['t'],
      metadata: { a: 'b' },
      model_rpm_limit: { demo: 3 },
    });
    const read = () => call('GET', `/project/info?project_id=${String(id)}`);
    expect(await read()).toMatchObject({
      project_id: id,
      project_alias: 'P',
      description: 'what for',
      team_id: team,
      blocked: false,
      models: ['demo'],
      tags: ['t'],
      model_rpm_limit: { demo: 3 },
      created_at: expect.any(String) as string,
    });
    await call('POST', '/project/update', { project_id: id, description: 'other' });
    expect(await read()).toMatchObject({ description: 'other', project_alias: 'P' });
    expect((await call<Json[]>('GET', '/project/list')).map((project) => project['project_id'])).toContain(id);
    await call('DELETE', '/project/delete', { project_ids: [id] });
    expect(await gone(read())).toBe(true);
  });

  it('manages a budget', async () => {
    const { budget_id: id } = await call('POST', '/budget/new', {
      budget_id: unique('tf-budget'),
      max_budget: 10,
      soft_budget: 8,
      max_parallel_requests: 2,
      tpm_limit: 5,
      rpm_limit: 6,
      budget_duration: '1d',
      model_max_budget: { demo: { max_budget: 1, budget_duration: '1d' } },
    });
    const read = () => call<Json[]>('POST', '/budget/info', { budgets: [id] });
    expect(await read()).toMatchObject([
      {
        budget_id: id,
        max_budget: 10,
        soft_budget: 8,
        max_parallel_requests: 2,
        tpm_limit: 5,
        rpm_limit: 6,
        budget_duration: '1d',
      },
    ]);
    await call('POST', '/budget/update', { budget_id: id, max_budget: 11 });
    expect(await read()).toMatchObject([{ max_budget: 11, rpm_limit: 6 }]);
    expect((await call<Json[]>('GET', '/budget/list')).map((budget) => budget['budget_id'])).toContain(id);
    await call('POST', '/budget/delete', { id });
    expect(await read()).toEqual([]);
  });

  it('manages a tag', async () => {
    const name = unique('tf-tag');
    await call('POST', '/tag/new', { name, description: 'd', models: [], max_budget: 3, budget_duration: '1d', rpm_limit: 2 });
    const read = async () => (await call<Record<string, Json>>('POST', '/tag/info', { names: [name] }))[name];
    expect(await read()).toMatchObject({ name, description: 'd' });
    await call('POST', '/tag/update', { name, description: 'e' });
    expect(await read()).toMatchObject({ description: 'e' });
    expect((await call<Json[]>('GET', '/tag/list')).map((tag) => tag['name'])).toContain(name);
    await call('POST', '/tag/delete', { name });
    expect((await read().catch(() => undefined)) ?? {}).not.toHaveProperty('name');
  });

  it('manages access groups, of models and unified', async () => {
    const group = unique('tf-group');
    await call('POST', '/access_group/new', { access_group: group, model_names: ['demo'] });
    const read = () => call('GET', `/access_group/${group}/info`);
    expect(await read()).toMatchObject({ access_group: group, model_names: ['demo'] });
    await call('PUT', `/access_group/${group}/update`, { model_names: ['demo', 'other'] });
    expect(await read()).toMatchObject({ model_names: ['demo', 'other'] });
    const { access_groups: groups } = await call<{ access_groups: Json[] }>('GET', '/access_group/list');
    expect(groups.map((each) => each['access_group'])).toContain(group);
    await call('DELETE', `/access_group/${group}/delete`);
    expect(await gone(read())).toBe(true);

    const name = unique('tf-unified');
    const { access_group_id: id } = await call('POST', '/v1/access_group', {
      access_group_name: name,
      description: 'd',
      access_model_names: ['demo'],
    });
    const readUnified = () => call('GET', `/v1/access_group/${String(id)}`);
    expect(await readUnified()).toMatchObject({ access_group_id: id, access_group_name: name, access_model_names: ['demo'] });
    await call('PUT', `/v1/access_group/${String(id)}`, { description: 'e' });
    expect(await readUnified()).toMatchObject({ description: 'e', access_group_name: name });
    await call('DELETE', `/v1/access_group/${String(id)}`);
    expect(await gone(readUnified())).toBe(true);
  });

  it('manages a credential and a model', async () => {
    const name = unique('tf-credential');
    await call('POST', '/credentials', {
      credential_name: name,
      credential_info: { custom_llm_provider: 'openai' },
      credential_values: { api_key: 'sk-provider-secret-value' },
    });
    const credential = await call('GET', `/credentials/by_name/${name}`);
    expect(credential).toMatchObject({ credential_name: name, credential_info: { custom_llm_provider: 'openai' } });
    expect(JSON.stringify(credential)).not.toContain('provider-secret');
    await call('PATCH', `/credentials/${name}`, {
      credential_name: name,
      credential_info: { custom_llm_provider: 'azure' },
      credential_values: {},
    });

    const id = unique('tf-model');
    await call('POST', '/model/new', {
      model_name: id,
      litellm_params: {
        custom_llm_provider: 'openai',
        model: 'openai/gpt-4o-mini',
        tpm: 100,
        rpm: 10,
        litellm_credential_name: name,
      },
      model_info: { id, db_model: true, base_model: 'gpt-4o-mini', mode: 'chat' },
    });
    const read = () => call<{ data: Json[] }>('GET', `/model/info?litellm_model_id=${id}`);
    expect((await read()).data[0]).toMatchObject({ model_name: id, model_info: { id } });
    await call('PATCH', `/model/${id}/update`, { litellm_params: { rpm: 20 } });
    expect((await read()).data[0]).toMatchObject({ litellm_params: { rpm: 20 } });
    await call('POST', '/model/delete', { id });
    expect(await gone(read())).toBe(true);
    await call('DELETE', `/credentials/${name}`);
    expect(await gone(call('GET', `/credentials/by_name/${name}`))).toBe(true);
  });
});

describe("LiteLLM's Python client", () => {
  it('makes, lists and deletes keys', async () => {
    const alias = unique('py-key');
    const made = await call('POST', '/key/generate', {
      api_key: 'what it calls the key to make; LiteLLM ignores it',
      models: ['demo'],
      aliases: { fast: 'demo' },
      spend: 0.5,
      duration: '24h',
      key_alias: alias,
      user_id: unique('py-user'),
      config: {},
    });
    expect(made).toMatchObject({ key: expect.stringMatching(/^sk-/) as string, key_alias: alias });
    // Without a budget, spend is a projection of the ledger: it follows within seconds.
    const spend = async () => (await call<{ info: Json }>('GET', `/key/info?key=${String(made['key'])}`)).info['spend'];
    await expect.poll(spend, { timeout: 10_000 }).toBe(0.5);

    const list = (query: string) => call<{ keys: unknown[] }>('GET', `/key/list?${query}`);
    expect((await list(`key_alias=${alias}&return_full_object=true&include_team_keys=true&page=1&size=10`)).keys).toMatchObject(
      [{ key_alias: alias, token: made['token'] }],
    );
    expect(await list(`key_hash=${String(made['token'])}`)).toMatchObject({ keys: [made['token']], total_count: 1 });

    expect(await call('POST', '/key/delete', { keys: null, key_aliases: [alias] })).toMatchObject({
      deleted_keys: [made['token']],
    });
    expect((await list(`key_alias=${alias}`)).keys).toEqual([]);
  });

  it('takes back what keys spent, so that an exhausted one is served again', async () => {
    const { key } = await call<{ key: string }>('POST', '/key/generate', { models: ['demo'], max_budget: 1, spend: 1 });
    const ask = async (): Promise<number> => {
      const response = await fetch(`${server.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'demo', messages: [{ role: 'user', content: 'Hello' }] }),
      });
      await response.text();
      return response.status;
    };
    expect(await ask()).toBe(429);

    expect(await call('POST', '/global/spend/reset')).toEqual({
      message: 'Spend for all API Keys and Teams reset successfully',
      status: 'success',
    });

    expect((await call<{ info: Json }>('GET', `/key/info?key=${key}`)).info).toMatchObject({ spend: 0, max_budget: 1 });
    expect(await ask()).toBe(200);
  });

  it('makes, reads, lists and deletes users', async () => {
    const id = unique('py-user');
    await call('POST', '/user/new', { user_id: id, user_email: `${id}@example.org` });
    const { users } = await call<{ users: Json[] }>('GET', `/user/list?user_ids=${id}`);
    expect(users.map((user) => user['user_id'])).toEqual([id]);
    expect(await call('GET', `/user/info?user_id=${id}`)).toMatchObject({
      user_id: id,
      user_info: { user_id: id },
      keys: expect.any(Array) as unknown[],
    });
    expect(await call('GET', `/v2/user/info?user_id=${id}`)).toMatchObject({ user_id: id });
    await call('POST', '/user/delete', { user_ids: [id] });
    expect(await gone(call('GET', `/v2/user/info?user_id=${id}`))).toBe(true);
  });

  it('lists teams, whole and by page', async () => {
    const organization = unique('py-org');
    const team = unique('py-team');
    await call('POST', '/organization/new', { organization_id: organization, organization_alias: organization });
    await call('POST', '/team/new', { team_id: team, team_alias: 'Blue', organization_id: organization });

    expect(await call<Json[]>('GET', `/team/list?organization_id=${organization}`)).toMatchObject([{ team_id: team }]);
    expect(
      await call(
        'GET',
        `/v2/team/list?page=1&page_size=10&sort_order=asc&sort_by=team_alias&organization_id=${organization}&team_alias=Blu`,
      ),
    ).toMatchObject({ teams: [{ team_id: team }], total: 1, page: 1, page_size: 10, total_pages: 1 });
    expect(Array.isArray(await call('GET', '/team/available'))).toBe(true);
  });

  it('lists and adds models, and reads groups of models', async () => {
    const { data } = await call<{ data: Json[] }>('GET', '/models');
    expect(data.map((model) => model['id'])).toContain('demo');
    const name = unique('py-model');
    const added = await call('POST', '/model/new', {
      model_name: name,
      litellm_params: { model: 'openai/gpt-4o', api_key: 'sk-x' },
    });
    expect(added).toMatchObject({ model_name: name });
    const infos = await call<{ data: Json[] }>('GET', '/v1/model/info');
    const info = infos.data.find((model) => model['model_name'] === name) as { model_info: { id: string } };
    const groups = await call<{ data: Json[] }>('GET', '/model_group/info');
    expect(groups.data.find((group) => group['model_group'] === name)).toMatchObject({ providers: ['openai'] });
    await call('POST', '/model/delete', { id: info.model_info.id });
    expect(await gone(call('POST', '/model/delete', { id: info.model_info.id }))).toBe(true);
  });

  it('reads how models do, and what the month will cost, as its dashboard asks', async () => {
    const { key } = await call<{ key: string }>('POST', '/key/generate', { models: ['demo'] });
    const stream = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: 'demo', stream: true, messages: [{ role: 'user', content: 'How do you do?' }] }),
    });
    await stream.text();
    const range = `startTime=${new Date(Date.now() - 3_600_000).toISOString()}&endTime=undefined`;
    const query = `_selected_model_group=demo&${range}&api_key=null&customer=null`;
    type Chart = { data: Record<string, unknown>[]; all_api_bases: string[] };

    for (const path of ['/model/metrics', '/model/streaming_metrics']) {
      const { data, all_api_bases: bases } = await call<Chart>('GET', `${path}?${query}`);
      const [base = ''] = bases;
      expect(data.at(-1)?.[base], path).toBeGreaterThanOrEqual(0);
    }
    const [slow] = await call<Json[]>('GET', `/model/metrics/slow_responses?${query}`);
    expect(slow).toMatchObject({ api_base: expect.stringContaining('demo') as string, slow_count: 0 });
    expect(await call('GET', `/model/metrics/exceptions?${query}`)).toEqual({ data: [], exception_types: [] });

    const days = await call<Json[]>('GET', '/global/spend/logs');
    const predicted = await call('POST', '/global/predict/spend/logs', { data: days });
    expect(predicted['predicted_spend']).toMatch(/^Predicted Spend for \w+ \d{4}, \$/);
    await expect
      .poll(() => call('GET', '/gateway/daily/activity'), { timeout: 10_000 })
      .toMatchObject({
        by_route: expect.arrayContaining([
          expect.objectContaining({ category: 'llm', route: '/v1/chat/completions' }) as unknown,
        ]) as unknown[],
      });
    expect(await call('GET', '/provider/budgets')).toEqual({ providers: {} });
    expect(await call('POST', '/global/spend/refresh')).toMatchObject({ status: 'success' });
  });

  it('knows a wrong key by its status', async () => {
    await expect(call('GET', '/key/list', undefined, 'sk-of-a-stranger')).rejects.toThrow('status 401');
  });
});
