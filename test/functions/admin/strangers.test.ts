/**
 * Every route that is open to more than proxy admins and viewers, asked for what belongs to others: by each of its parameters, one at a time
 * and all together. A route that is new here has to be written into the list, by somebody who thought about whom it is for.
 */
import { describe, expect, it } from 'vitest';
import { ROUTES } from '../../../functions/admin/routes.ts';
import { parseUsd } from '../../../lib/domain/money.ts';
import { aDeployment } from '../../support/exchange.ts';
import { company, personOf, type Person } from './people.ts';
import { createAdmin, type Admin } from './support.ts';

/** Open to all, or to every key, which then sees its own. All the rest is for proxy admins and viewers, teams or organizations. */
const OPEN = [
  'GET /health/liveliness',
  'GET /health/liveness',
  'GET /health/readiness',
  'GET /onboarding/get_token',
  'GET /openapi.json',
  'GET /public/model_hub',
  'GET /receipts/keys',
  'POST /onboarding/claim_token',
];
const OWN_CHANGES = [
  'POST /key/block',
  'POST /key/bulk_update',
  'POST /key/delete',
  'POST /key/generate',
  'POST /key/regenerate',
  'POST /key/service-account/generate',
  'POST /key/unblock',
  'POST /key/update',
  'POST /key/{key}/regenerate',
  'POST /key/{key}/reset_spend',
  'POST /user/update',
];
const REPORTS = ['customer', 'end_user', 'organization', 'project', 'tag', 'team', 'user'].flatMap((kind) => [
  `GET /${kind}/daily/activity`,
  `GET /${kind}/daily/activity/aggregated`,
]);
const OWN = [
  'GET /global/activity',
  'GET /global/activity/cache_hits',
  'GET /global/activity/model',
  'GET /global/predict/spend/logs',
  'GET /global/spend',
  'GET /global/spend/keys',
  'GET /global/spend/logs',
  'GET /global/spend/models',
  'GET /global/spend/provider',
  'GET /global/spend/report',
  'GET /key/aliases',
  'GET /key/info',
  'GET /key/list',
  'GET /key/spend/report',
  'GET /management/v1/keys',
  'GET /management/v1/spend_logs',
  'GET /management/v1/spend_logs/end_users',
  'GET /management/v1/spend_logs/users',
  'GET /management/v1/users',
  'GET /model/info',
  'GET /model/metrics',
  'GET /model/metrics/exceptions',
  'GET /model/metrics/slow_responses',
  'GET /model/streaming_metrics',
  'GET /model_group/info',
  'GET /organization/spend/report',
  'GET /receipts/{id}',
  'GET /spend/logs',
  'GET /spend/logs/session/ui',
  'GET /spend/logs/ui',
  'GET /spend/logs/v2',
  'GET /team/available',
  'GET /team/metadata_schema',
  'GET /team/spend/report',
  'GET /user/available_roles',
  'GET /user/filter/ui',
  'GET /user/info',
  'GET /user/list',
  'GET /user/spend/report',
  'GET /v1/model/info',
  'GET /v2/model/info',
  'GET /v2/user/info',
  'POST /cost/estimate',
  'POST /global/predict/spend/logs',
  'POST /key/health',
  'POST /spend/calculate',
  'POST /v2/key/info',
  ...REPORTS,
];

const named = (who: string): readonly string[] =>
  ROUTES.flatMap((route) => ((route.open === true ? 'open' : route.who) === who ? [`${route.method} ${route.path}`] : []));

const LOST = 'sk-secret-of-bob-for-tests';

/** Beside the company: a team, a user and a key of others, with a call that names everything a call can name. */
async function world() {
  // Offered to that team alone, and one offered to all at an address of the operator's.
  const admin = createAdmin({}, [
    aDeployment({
      id: 'hidden-deployment',
      modelName: 'theirs',
      info: { team_id: 'blue' },
      apiBase: 'https://hidden-address.example',
    }),
    aDeployment({ id: 'for-all', modelName: 'for-all', apiBase: 'https://hidden-address.example' }),
  ]);
  const secrets = await company(admin);
  const post = async (path: string, body: object) => (await admin.call('POST', path, { body })).body;
  await post('/organization/new', { organization_id: 'rivals', organization_alias: 'Rivals', max_budget: 777.5 });
  await post('/team/update', { team_id: 'blue', organization_id: 'rivals' });
  await post('/project/new', { project_id: 'q', team_id: 'blue' });
  await personOf(admin, 'bob', 'internal_user');
  await post('/user/update', { user_id: 'bob', user_email: 'bob@rivals.example' });
  const key = await post('/key/generate', {
    team_id: 'blue',
    user_id: 'bob',
    project_id: 'q',
    key_alias: 'hidden-alias',
    max_budget: 777.5,
  });
  await post('/customer/new', { user_id: 'cust', max_budget: 777.5 });
  const hash = String(key['token']);
  const owner = { keyHash: hash, keyAlias: 'hidden-alias', userId: 'bob', teamId: 'blue', organizationId: 'rivals' };
  const call = {
    ...owner,
    projectId: 'q',
    endUser: 'cust',
    sessionId: 'sess',
    tags: ['tagged'],
    modelGroup: 'hidden-model',
    model: 'hidden-model',
    provider: 'hidden-provider',
    deploymentId: 'hidden-deployment',
    cost: parseUsd('777.5'),
  };
  const usage = { inputTokens: 1, outputTokens: 1, source: 'provider' } as const;
  const { id } = await admin.spend({ ...call, stream: true, firstTokenMs: 9, usage });
  await admin.spend({ ...call, status: 'error', error: { kind: 'hidden-kind', message: 'hidden-message' } });
  const { body: nobodys } = await admin.call('POST', '/key/generate', { body: { team_id: 'red' } });
  return { admin, hash, secret: String(key['key']), id, secrets: { ...secrets, nobody: String(nobodys['key']) } };
}

/** What an answer to anybody else may not have in it. */
const HIDDEN = /hidden-|777\.5|bob@/;

/** What each parameter is asked with. */
const asked = (hash: string, id: string): Readonly<Record<string, string>> => ({
  key: hash,
  api_key: hash,
  key_hash: hash,
  key_alias: 'hidden-alias',
  request_id: id,
  user_id: 'bob',
  user_ids: 'bob',
  user_email: 'bob',
  internal_user_id: 'bob',
  team: 'blue',
  team_id: 'blue',
  team_ids: 'blue',
  organization_id: 'rivals',
  organization_ids: 'rivals',
  project_id: 'q',
  project_ids: 'q',
  end_user: 'cust',
  end_user_ids: 'cust',
  customer_id: 'cust',
  customer: 'cust',
  _selected_model_group: 'hidden-model',
  startTime: '2026-11-01',
  endTime: '2026-11-30',
  'filter[startTime][gte]': '2026-11-01',
  'filter[startTime][lte]': '2026-11-30',
  tag: 'tagged',
  tags: 'tagged',
  session_id: 'sess',
  group_by: 'customer',
  status: 'deleted',
  include_team_keys: 'true',
  format: 'csv',
  summarize: 'false',
  model: 'hidden-model',
  modelId: 'hidden-deployment',
  litellm_model_id: 'hidden-deployment',
  model_group: 'theirs',
  search: 'the',
});

const ALWAYS = { start_date: '2026-11-01', end_date: '2026-11-30', return_full_object: 'true' };

async function textOf(admin: Admin, key: string, method: string, path: string, body?: object): Promise<string> {
  const before = admin.outputs.length;
  await admin.call(method, path, { key, ...(body === undefined ? {} : { body }) }).catch(() => undefined);
  // The answer as it left, a table too; the log is the operator's.
  return admin.outputs
    .slice(before)
    .filter((line) => line.includes('"statusCode"'))
    .join('\n');
}

const STRANGERS: readonly (Person | 'nobody')[] = ['stranger', 'member', 'team_admin', 'org_admin', 'viewer_member', 'nobody'];

describe('routes that are open to more than admins', () => {
  it('are these and no others', () => {
    expect(named('open').toSorted()).toEqual(OPEN.toSorted());
    expect(named('own-change').toSorted()).toEqual(OWN_CHANGES.toSorted());
    expect(named('own').toSorted()).toEqual(OWN.toSorted());
  });

  for (const route of ROUTES) {
    if (route.open === true || route.who !== 'own') continue;
    it(`tell strangers nothing of others: ${route.method} ${route.path}`, async () => {
      const { admin, secrets, hash, secret, id } = await world();
      const values = asked(hash, id);
      const path = route.path.replace('{id}', id);
      const parameters = (route.query ?? []).filter((name) => name in values);
      const sets = [[], ...parameters.map((name) => [name]), parameters];
      const bodies = route.method === 'GET' ? [undefined] : [{ keys: [hash, secret], key: hash, model: 'hidden-model' }];
      for (const person of STRANGERS) {
        for (const names of sets) {
          const query = new URLSearchParams({
            ...ALWAYS,
            ...Object.fromEntries(names.map((name) => [name, values[name] ?? ''])),
          });
          for (const body of bodies) {
            const text = await textOf(admin, secrets[person], route.method, `${path}?${query.toString()}`, body);
            expect(text, `${person} asking ${query.toString()}`).not.toBe('');
            // What was asked for may be said back.
            const told = ['model', ...names].reduce((rest, name) => rest.replaceAll(values[name] ?? '', ''), text);
            expect(told, `${person} asking ${query.toString()}`).not.toMatch(HIDDEN);
          }
        }
      }
    });
  }

  it('tell all of it to those who see everything', async () => {
    const { admin, secrets, id } = await world();
    const metrics = ['metrics', 'streaming_metrics', 'metrics/slow_responses', 'metrics/exceptions'];
    for (const path of [
      `/spend/logs?request_id=${id}`,
      `/receipts/${id}`,
      '/spend/logs?team_id=blue',
      ...metrics.map((name) => `/model/${name}`),
      ...metrics.map((name) => `/model/${name}?customer=cust`),
    ]) {
      expect(await textOf(admin, secrets.proxy_admin_viewer, 'GET', path), path).toMatch(HIDDEN);
    }
  });

  for (const route of OWN_CHANGES) {
    it(`change nothing of others: ${route}`, async () => {
      const { admin, secrets, hash, secret } = await world();
      const [method = '', path = ''] = route.split(' ');
      const before = await admin.deps.keys.get(hash);
      const [bob, count] = [await admin.deps.users.get('bob'), (await admin.deps.keys.list({ limit: 500 })).items.length];
      for (const person of STRANGERS) {
        for (const named of [hash, secret]) {
          const at = path.replace('{key}', encodeURIComponent(named));
          const bodies: readonly object[] =
            path === '/user/update'
              ? [
                  { user_id: 'bob', user_alias: 'X' },
                  { user_email: 'bob@rivals.example', user_alias: 'X' },
                ]
              : path.endsWith('/generate')
                ? [{ user_id: 'bob', team_id: 'blue' }, { team_id: 'blue' }, { user_id: 'bob', key_type: 'llm_api' }]
                : [
                    { key: named, keys: [named], blocked: true },
                    { key: named, keys: [{ key: named, max_budget: 1 }] },
                    { key_aliases: ['hidden-alias'] },
                  ];
          for (const body of bodies) {
            const text = await textOf(admin, secrets[person], method, at, body);
            expect(text.replaceAll('hidden-alias', ''), `${person} ${JSON.stringify(body)}`).not.toMatch(HIDDEN);
          }
        }
      }
      expect(await admin.deps.keys.get(hash)).toEqual(before);
      expect(await admin.deps.users.get('bob')).toEqual(bob);
      expect((await admin.deps.keys.list({ limit: 500 })).items.length).toBe(count);
      expect(await admin.call('GET', '/key/info', { key: LOST })).toMatchObject({ status: 200 });
    });
  }
});
