/** Every change that management can make leaves a row; none of them holds a secret. */
import { describe, expect, it } from 'vitest';
import { aMap, serving } from '../../support/price-map.ts';
import { createAdmin } from './support.ts';

type Change = readonly [method: string, path: string, body: object | undefined, row: object];

const LIFE: readonly Change[] = [
  ['POST', '/team/new', { team_id: 't' }, { action: 'created', table_name: 'LiteLLM_TeamTable', object_id: 't' }],
  [
    'POST',
    '/team/update',
    { team_id: 't', max_budget: 5 },
    { action: 'updated', before_value: { max_budget: null }, updated_values: { max_budget: 5 } },
  ],
  ['POST', '/team/member_add', { team_id: 't', member: { user_id: 'u' } }, { action: 'created', object_id: 't/u' }],
  [
    'POST',
    '/team/member_update',
    { team_id: 't', user_id: 'u', rpm_limit: 2 },
    { action: 'updated', updated_values: { rpm_limit: 2 } },
  ],
  ['POST', '/team/member_delete', { team_id: 't', user_id: 'u' }, { action: 'deleted', object_id: 't/u' }],
  ['POST', '/team/block', { team_id: 't' }, { action: 'blocked', updated_values: { blocked: true } }],
  [
    'POST',
    '/key/generate',
    { key: 'sk-a-secret-nobody-may-see', team_id: 't' },
    { action: 'created', table_name: 'LiteLLM_VerificationToken' },
  ],
  ['POST', '/team/delete', { team_ids: ['t'] }, { action: 'deleted', table_name: 'LiteLLM_TeamTable' }],
  ['POST', '/user/update', { user_id: 'u', user_alias: 'U' }, { action: 'updated', table_name: 'LiteLLM_UserTable' }],
  ['POST', '/user/delete', { user_ids: ['u'] }, { action: 'deleted', table_name: 'LiteLLM_UserTable' }],
  ['POST', '/organization/new', { organization_id: 'o', organization_alias: 'O' }, { action: 'created', object_id: 'o' }],
  ['PATCH', '/organization/update', { organization_id: 'o', blocked: true }, { action: 'updated' }],
  ['DELETE', '/organization/delete', { organization_ids: ['o'] }, { action: 'deleted', object_id: 'o' }],
  ['POST', '/customer/new', { user_id: 'c' }, { action: 'created', object_id: 'c' }],
  ['POST', '/customer/block', { user_ids: ['c'] }, { action: 'blocked' }],
  ['POST', '/budget/new', { budget_id: 'b', max_budget: 1 }, { action: 'created', object_id: 'b' }],
  ['POST', '/tag/new', { name: 'tag' }, { action: 'created', object_id: 'tag' }],
  ['POST', '/access_group/new', { access_group: 'g', model_names: ['m'] }, { action: 'created', object_id: 'g' }],
  [
    'POST',
    '/credentials',
    { credential_name: 'cred', credential_values: { api_key: 'sk-a-secret-nobody-may-see' } },
    { action: 'created', object_id: 'cred' },
  ],
  [
    'PATCH',
    '/credentials/cred',
    { credential_values: { api_key: 'sk-a-secret-nobody-may-see-2' } },
    { action: 'updated', object_id: 'cred' },
  ],
  ['DELETE', '/credentials/cred', undefined, { action: 'deleted', object_id: 'cred' }],
  [
    'POST',
    '/model/new',
    {
      model_name: 'm',
      litellm_params: { model: 'openai/gpt-4o', api_key: 'sk-a-secret-nobody-may-see' },
      model_info: { id: 'm1' },
    },
    { action: 'created', table_name: 'LiteLLM_ProxyModelTable', object_id: 'm1' },
  ],
  [
    'PATCH',
    '/model/m1/update',
    { litellm_params: { rpm: 3 } },
    { action: 'updated', updated_values: { litellm_params: { rpm: 3 } } },
  ],
  [
    'POST',
    '/model_group/make_public',
    { model_groups: ['m'] },
    { action: 'updated', table_name: 'public models', updated_values: { model_groups: ['m'] } },
  ],
  [
    'POST',
    '/reload/model_cost_map',
    undefined,
    { action: 'updated', table_name: 'price map', before_value: { version: null }, updated_values: { new_models: 1 } },
  ],
  [
    'POST',
    '/schedule/model_cost_map_reload?hours=6',
    undefined,
    { action: 'updated', table_name: 'price map', updated_values: { interval_hours: 6 } },
  ],
  [
    'DELETE',
    '/schedule/model_cost_map_reload',
    undefined,
    { action: 'updated', before_value: { interval_hours: 6 }, updated_values: { interval_hours: null } },
  ],
  ['POST', '/model/delete', { id: 'm1' }, { action: 'deleted', object_id: 'm1' }],
];

describe('the audit log', () => {
  it('has a row of every change: what, by whom, with which key, from what to what', async () => {
    const admin = createAdmin({ priceMapUrl: 'https://prices.example/map.json', http: serving(() => aMap) });
    for (const [method, path, body, row] of LIFE) {
      admin.clock.now += 1000;
      const headers = { 'litellm-changed-by': 'terraform' };
      const answer = await admin.call(method, path, { headers, ...(body === undefined ? {} : { body }) });
      expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBe(200);
      const { body: log } = await admin.call('GET', '/audit?page_size=5');
      const rows = log['audit_logs'] as Record<string, unknown>[];
      const newest = rows.filter((one) => one['updated_at'] === new Date(admin.clock.now).toISOString());
      expect(newest, `${method} ${path}`).toContainEqual(
        expect.objectContaining({ changed_by: 'terraform', changed_by_api_key: 'master', ...nested(row) }),
      );
    }
    const { body: whole } = await admin.call('GET', '/audit?page_size=100');
    expect(JSON.stringify(whole)).not.toContain('nobody-may-see');
    const [first] = whole['audit_logs'] as { id: string }[];
    expect(await admin.call('GET', `/audit/${String(first?.id)}`)).toMatchObject({ status: 200, body: { id: first?.id } });
  });
});

/** Objects inside match when they have at least what is said. */
const nested = (row: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'object' && value !== null ? expect.objectContaining(nested(value)) : value,
    ]),
  );
