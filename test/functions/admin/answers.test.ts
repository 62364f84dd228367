/** Every route of management once with success and, where it says so, once without its thing: as `/openapi.json` describes it. */
import { describe, expect, it } from 'vitest';
import type { Refusal } from '../../../functions/admin/answers/fields.ts';
import { ANSWERS } from '../../../functions/admin/answers/index.ts';
import { ROUTES, routesAt } from '../../../functions/admin/routes.ts';
import { hashSecret } from '../../../lib/domain/key.ts';
import { createBodyStore } from '../../../lib/stores/memory/bodies.ts';
import { aMap, serving } from '../../support/price-map.ts';
import { personOf } from './people.ts';
import { createAdmin, NOW, type Admin, type Answer } from './support.ts';

const DAYS = 'start_date=2026-11-01&end_date=2026-11-30';
const SPAN = 'filter[startTime][gte]=2026-11-22&filter[startTime][lte]=2026-11-22';
const KEY = 'sk-key-of-the-walk-through-all-routes';
const HASH = hashSecret(KEY);
const ROLE = 'arn:aws:iam::123456789012:role/app';
const [CLAIM, AUDIT, LINK, SESSION] = ['<claim>', '<audit>', '<link>', '<session>'];

type Step = readonly [method: string, path: string, body?: object];

const customers = (at: string): readonly Step[] => [
  ['POST', `${at}/new`, { user_id: 'customer', max_budget: 1, model_rpm_limit: { fast: 1 } }],
  ['POST', `${at}/update`, { user_id: 'customer', alias: 'Blue Bikes' }],
  ['GET', `${at}/info?end_user_id=customer`],
  ['GET', `${at}/list`],
  ['POST', `${at}/block`, { user_ids: ['customer'] }],
  ['POST', `${at}/unblock`, { user_ids: ['customer'] }],
  ['POST', `${at}/delete`, { user_ids: ['customer'] }],
];

/** In an order in which each finds what it needs. */
const STEPS: readonly Step[] = [
  ['GET', '/health/liveliness'],
  ['GET', '/health/liveness'],
  ['GET', '/health/readiness'],
  ['GET', '/openapi.json'],
  ['POST', '/budget/new', { budget_id: 'starter', max_budget: 5, budget_duration: '30d', budget_alignment: 'calendar' }],
  ['POST', '/budget/update', { budget_id: 'starter', soft_budget: 4 }],
  ['POST', '/budget/info', { budgets: ['starter'] }],
  ['GET', '/budget/list'],
  ['GET', '/budget/settings?budget_id=starter'],
  ['POST', '/organization/new', { organization_id: 'acme', organization_alias: 'Acme', max_budget: 100 }],
  ['PATCH', '/organization/update', { organization_id: 'acme', budget_limits: [{ budget_duration: '1d', max_budget: 9 }] }],
  ['POST', '/user/new', { user_id: 'olga', auto_create_key: false }],
  ['POST', '/user/new', { user_id: 'bob', auto_create_key: false }],
  ['POST', '/organization/member_add', { organization_id: 'acme', member: { user_id: 'olga', role: 'org_admin' } }],
  ['PATCH', '/organization/member_update', { organization_id: 'acme', user_id: 'olga', role: 'internal_user' }],
  ['POST', '/user/new', { user_id: 'ada', user_email: 'ada@example.org', budget_id: 'starter' }],
  ['POST', '/user/update', { user_id: 'ada', user_alias: 'Ada' }],
  ['POST', '/user/bulk_update', { users: [{ user_id: 'ada', user_alias: 'A.' }, { user_id: 'nobody' }] }],
  ['POST', '/invitation/new', { user_id: 'bob' }],
  ['GET', `/invitation/info?invitation_id=${LINK}`],
  ['POST', '/invitation/update', { invitation_id: LINK, is_accepted: false }],
  ['GET', `/onboarding/get_token?invite_link=${LINK}`],
  ['POST', '/onboarding/claim_token', { invitation_link: LINK, token: SESSION }],
  ['POST', '/invitation/delete', { invitation_id: LINK }],
  ['GET', '/user/list'],
  ['GET', '/user/filter/ui?user_email=ada'],
  ['GET', '/user/available_roles'],
  ['GET', '/user/available_users'],
  ['POST', '/team/new', { team_id: 'red', organization_id: 'acme', model_aliases: { quick: 'fast' }, team_member_budget: 1 }],
  ['POST', '/team/update', { team_id: 'red', team_alias: 'Red', temp_budget_increase: 1, temp_budget_expiry: '2026-12-24' }],
  ['PATCH', '/team/red', { metadata: { a: 1 } }],
  ['POST', '/team/member_add', { team_id: 'red', member: { user_id: 'ada', role: 'user' } }],
  ['POST', '/team/bulk_member_add', { team_id: 'red', members: [{ user_id: 'ada' }, { user_id: 'bob' }] }],
  ['POST', '/team/member_update', { team_id: 'red', user_id: 'ada', max_budget_in_team: 3 }],
  ['POST', '/team/red/member/ada/reset_spend', { reset_to: 0 }],
  ['POST', '/team/reset_budget', { team_id: 'red' }],
  ['GET', '/team/red/callback'],
  ['POST', '/team/red/callback', {}],
  ['POST', '/team/red/disable_logging'],
  ['POST', '/team/model/add', { team_id: 'red', models: ['fast', 'slow'] }],
  ['POST', '/team/model/delete', { team_id: 'red', models: ['slow'] }],
  ['POST', '/team/permissions_update', { team_id: 'red', team_member_permissions: ['/key/generate'] }],
  ['POST', '/team/permissions_bulk_update', { permissions: ['/key/info'], team_ids: ['red'] }],
  ['GET', '/team/permissions_list?team_id=red'],
  ['POST', '/team/block', { team_id: 'red' }],
  ['POST', '/team/unblock', { team_id: 'red' }],
  ['POST', '/project/new', { project_id: 'p', team_id: 'red', tags: ['t'] }],
  ['POST', '/project/update', { project_id: 'p', description: 'Search' }],
  ['GET', '/project/info?project_id=p'],
  ['GET', '/project/list'],
  ['POST', '/tag/new', { name: 'prod', tpm_limit: 9, token_rate_limit_type: 'input', object_permission: { agents: ['a'] } }],
  ['POST', '/tag/update', { name: 'prod', description: 'Production' }],
  ['POST', '/tag/info', { names: ['prod', 'none'] }],
  ['GET', '/tag/list'],
  [
    'POST',
    '/key/generate',
    { key: KEY, key_alias: 'ci', user_id: 'ada', team_id: 'red', max_budget: 9, spend: 2, model_max_budget: { fast: 1 } },
  ],
  ['POST', '/key/service-account/generate', { team_id: 'red', metadata: { service_account_id: 'ci' } }],
  ['POST', '/key/update', { key: KEY, budget_fallbacks: { slow: ['fast'] }, config: { a: 1 }, prompts: ['p'] }],
  ['POST', '/key/bulk_update', { keys: [{ key: KEY, tags: ['prod'] }, { key: 'sk-nobody-has-this' }] }],
  ['POST', '/team/key/bulk_update', { team_id: 'red', all_keys_in_team: true, update_fields: { rpm_limit: 9 } }],
  ['POST', '/key/block', { key: KEY }],
  ['POST', '/key/unblock', { key: KEY }],
  ['GET', `/key/info?key=${KEY}`],
  ['POST', '/v2/key/info', { keys: [KEY] }],
  ['GET', '/key/list'],
  ['GET', '/key/list?return_full_object=true'],
  ['GET', '/key/aliases'],
  ['POST', '/key/health'],
  ['GET', '/team/red/members/me'],
  ['POST', '/jwt/key/mapping/new', { jwt_claim_name: 'client_id', jwt_claim_value: 'batch', key: KEY }],
  ['POST', '/jwt/key/mapping/update', { id: CLAIM, is_active: false }],
  ['GET', `/jwt/key/mapping/info?id=${CLAIM}`],
  ['GET', '/jwt/key/mapping/list'],
  ['POST', '/jwt/key/mapping/delete', { id: CLAIM }],
  ['POST', '/iam/mapping/new', { arn: ROLE, key: KEY }],
  ['GET', '/iam/mapping/list'],
  ['POST', '/iam/mapping/delete', { id: ROLE }],
  [
    'POST',
    '/credentials',
    { credential_name: 'main', credential_values: { api_key: 'sk-upstream' }, credential_info: { a: 1 } },
  ],
  ['PATCH', '/credentials/main', { credential_info: { a: 2 } }],
  ['GET', '/credentials'],
  ['GET', '/credentials/main'],
  ['GET', '/credentials/by_name/main'],
  [
    'POST',
    '/model/new',
    {
      model_name: 'fast',
      litellm_params: { model: 'openai/gpt-4o-mini', litellm_credential_name: 'main', rpm: 3, extra_headers: { 'x-a': 'b' } },
      model_info: { id: 'm1', team: 'free fact', tiered_pricing: null },
    },
  ],
  ['POST', '/model/update', { model_info: { id: 'm1' }, litellm_params: { timeout: 2.5 } }],
  ['GET', '/credentials/by_model/m1'],
  ['PATCH', '/model/m1/update', { litellm_params: { tpm: 9 } }],
  ['GET', '/model/info'],
  ['GET', '/v1/model/info?litellm_model_id=m1'],
  ['GET', '/v2/model/info'],
  ['GET', '/model_group/info'],
  ['POST', '/model_group/make_public', { model_groups: ['fast'] }],
  ['GET', '/public/model_hub'],
  ['GET', '/model/settings'],
  ['POST', '/reload/model_cost_map'],
  ['GET', '/model/cost_map/source'],
  ['POST', '/schedule/model_cost_map_reload?hours=6'],
  ['GET', '/schedule/model_cost_map_reload/status'],
  ['DELETE', '/schedule/model_cost_map_reload'],
  ['POST', '/cost/estimate', { model: 'fast', input_tokens: 1000, output_tokens: 100, num_requests_per_day: 2 }],
  ['POST', '/spend/calculate', { model: 'fast', messages: [{ role: 'user', content: 'Hi' }] }],
  ['POST', '/access_group/new', { access_group: 'group', model_names: ['fast'] }],
  ['PUT', '/access_group/group/update', { model_names: ['fast', 'slow'] }],
  ['GET', '/access_group/group/info'],
  ['GET', '/access_group/list'],
  ['POST', '/v1/access_group', { access_group_name: 'unified', access_model_names: ['fast'] }],
  ['GET', '/v1/access_group'],
  ['GET', '/v1/access_group/unified'],
  ['PUT', '/v1/access_group/unified', { description: 'both' }],
  ...customers('/customer'),
  ...customers('/end_user'),
  ['GET', '/spend/logs?summarize=false'],
  ['GET', `/spend/logs?${DAYS}`],
  ['GET', '/management/v1/budgets?q=start'],
  ['GET', '/management/v1/keys?page_size=1'],
  ['GET', '/management/v1/teams'],
  ['GET', '/management/v1/users?role=internal_user'],
  ['GET', '/management/v1/spend_logs'],
  ['GET', `/spend/logs/v2?${DAYS}`],
  ['GET', `/spend/logs/ui?${DAYS}`],
  ['GET', '/spend/logs/session/ui?session_id=run'],
  ['GET', '/spend/logs/ui/call'],
  ...['users', 'end_users'].map((names): Step => ['GET', `/management/v1/spend_logs/${names}?${SPAN}`]),
  ['GET', '/spend/keys'],
  ['GET', '/spend/users'],
  ['GET', '/spend/teams'],
  ['GET', '/spend/tags'],
  ['GET', '/global/spend'],
  ['GET', '/global/spend/logs'],
  ['GET', '/global/predict/spend/logs'],
  ['POST', '/global/predict/spend/logs', { data: [{ date: '2026-11-21', spend: 1.5, api_key: 'free fact' }] }],
  ['POST', '/global/spend/refresh'],
  ['GET', '/provider/budgets'],
  ['GET', '/gateway/daily/activity'],
  ['GET', '/model/metrics?_selected_model_group=fast'],
  ['GET', '/model/streaming_metrics'],
  ['GET', '/model/streaming_metrics?startTime=2026-11-22&endTime=2026-11-22'],
  ['GET', '/model/metrics/slow_responses'],
  ['GET', '/model/metrics/exceptions'],
  ['GET', '/global/spend/keys'],
  ['GET', '/global/spend/teams'],
  ['POST', '/global/spend/end_users', {}],
  ['GET', '/global/all_end_users'],
  ['GET', '/global/spend/models'],
  ['GET', `/global/spend/provider?${DAYS}`],
  ['GET', `/global/spend/report?${DAYS}`],
  ['GET', `/global/spend/report?${DAYS}&group_by=customer`],
  ['GET', `/global/spend/report?${DAYS}&group_by=api_key`],
  ['GET', '/global/spend/all_tag_names'],
  ['GET', `/global/spend/tags?${DAYS}`],
  ['GET', `/global/activity?${DAYS}`],
  ['GET', `/global/activity/model?${DAYS}`],
  ['GET', `/global/activity/cache_hits?${DAYS}`],
  ['GET', `/global/activity/exceptions?${DAYS}&model_group=fast`],
  ['GET', `/global/activity/exceptions/deployment?${DAYS}&model_group=fast`],
  ...['key', 'user', 'team', 'organization'].map((scope): Step => ['GET', `/${scope}/spend/report?${DAYS}`]),
  ...['user', 'team', 'organization', 'customer', 'end_user', 'project', 'tag'].flatMap((scope): Step[] => [
    ['GET', `/${scope}/daily/activity?${DAYS}`],
    ['GET', `/${scope}/daily/activity/aggregated?${DAYS}`],
  ]),
  ['GET', '/tag/distinct'],
  ['GET', '/tag/dau'],
  ['GET', '/tag/wau'],
  ['GET', '/tag/mau'],
  ['GET', `/tag/summary?${DAYS}`],
  ['GET', '/tag/user-agent/per-user-analytics'],
  ['GET', '/receipts/keys'],
  ['GET', '/receipts/call'],
  ['GET', '/user/info?user_id=ada'],
  ['GET', '/v2/user/info?user_id=ada'],
  ['GET', '/team/info?team_id=red'],
  ['GET', '/team/list'],
  ['GET', '/v2/team/list'],
  ['GET', '/team/available'],
  ['GET', '/team/metadata_schema'],
  ['GET', '/organization/info?organization_id=acme'],
  ['POST', '/organization/info', { organizations: ['acme'] }],
  ['GET', '/organization/list'],
  ['POST', `/key/${HASH}/reset_spend`, { reset_to: 0.5 }],
  ['POST', '/global/spend/reset'],
  ['POST', '/key/regenerate', { key: KEY }],
  ['POST', '/key/<key>/regenerate', {}],
  ['POST', '/key/delete', { key_aliases: ['ci'] }],
  ['GET', '/key/list?status=deleted&return_full_object=true'],
  ['DELETE', '/project/delete', { project_ids: ['p'] }],
  ['POST', '/team/member_delete', { team_id: 'red', user_id: 'bob' }],
  ['POST', '/team/delete', { team_ids: ['red'] }],
  ['GET', '/v2/team/list?status=deleted'],
  ['POST', '/user/delete', { user_ids: ['ada'] }],
  ['DELETE', '/organization/member_delete', { organization_id: 'acme', user_id: 'olga' }],
  ['DELETE', '/organization/delete', { organization_ids: ['acme'] }],
  ['POST', '/tag/delete', { name: 'prod' }],
  ['POST', '/budget/delete', { id: 'starter' }],
  ['POST', '/model/delete', { id: 'm1' }],
  ['DELETE', '/credentials/main'],
  ['DELETE', '/access_group/group/delete'],
  ['DELETE', '/v1/access_group/unified'],
  ['GET', '/audit'],
  ['GET', `/audit/${AUDIT}`],
];

const nameOf = (method: string, path: string): string => {
  const route = routesAt(path.split('?')[0] ?? path).find((one) => one.method === method);
  return `${method} ${route?.path ?? path}`;
};

/** A house where one call was made, and its bodies kept. */
async function house(): Promise<Admin> {
  const bodies = createBodyStore();
  const admin = createAdmin({ bodies, priceMapUrl: 'https://prices.example/map.json', http: serving(() => aMap) });
  await bodies.put({
    id: 'call',
    at: NOW,
    keyHash: HASH,
    request: { bytes: 2, json: { messages: [] } },
    response: { bytes: 1, text: 'a' },
  });
  await admin.spend({
    id: 'call',
    keyHash: HASH,
    userId: 'ada',
    teamId: 'red',
    organizationId: 'acme',
    projectId: 'p',
    endUser: 'customer',
    tags: ['prod'],
    sessionId: 'run',
    provider: 'openai',
    model: 'gpt-4o-mini',
    userAgent: 'OpenAI/Python 1.9',
    usage: {
      inputTokens: 10,
      cacheReadTokens: 4,
      outputTokens: 5,
      reasoningTokens: 1,
      webSearchRequests: 1,
      source: 'provider',
    },
    costParts: { input: 1n, output: 2n },
    metadata: { own: 'fact' },
    firstByteMs: 20,
    firstTokenMs: 30,
    deploymentId: 'd1',
  });
  return admin;
}

/** Takes the steps one by one; `visit` is called before each. */
async function walk(
  admin: Admin,
  visit: (call: (other?: Admin) => Promise<Answer>, route: string) => Promise<void>,
): Promise<void> {
  let claim = '';
  let key = '';
  let link = '';
  let session = '';
  for (const [method, template, body] of STEPS) {
    const audit = (await admin.deps.audit.list({ limit: 1 })).items[0]?.id ?? '';
    const fill = (text: string): string =>
      text
        .replaceAll(CLAIM, claim)
        .replaceAll(AUDIT, audit)
        .replaceAll('<key>', key)
        .replaceAll(LINK, link)
        .replaceAll(SESSION, session);
    const path = fill(template);
    const sent = body === undefined ? {} : { body: JSON.parse(fill(JSON.stringify(body))) as object };
    // What is one's own, a user asks for.
    const own = template.endsWith('/members/me') ? { key: KEY } : {};
    const call = (other = admin): Promise<Answer> => other.call(method, path, { ...sent, ...own });
    await visit(call, nameOf(method, path));
    const answer = await call();
    expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBe(200);
    if (template === '/jwt/key/mapping/new') claim = String(answer.body['id']);
    if (template === '/invitation/new') link = String(answer.body['id']);
    if (template.startsWith('/onboarding/get_token')) session = String(answer.body['token']);
    if (template === '/key/regenerate') key = String(answer.body['token_id']);
  }
}

const documenting = (status: Refusal): readonly string[] =>
  Object.entries(ANSWERS).flatMap(([route, { refusals }]) => (refusals.includes(status) ? [route] : []));

/** A store in which others are always faster. */
const outrun = <T extends object>(store: T): T => ({ ...store, create: async () => 'exists', replace: async () => 'stale' });

/** Conflicts with what is there, or with another call that takes spend back: `credentials.test.ts`, `test/money/spend-reset.test.ts`. */
const OTHER_CONFLICTS: ReadonlySet<string> = new Set([
  'POST /credentials',
  'PATCH /credentials/{name}',
  'POST /key/{key}/reset_spend',
  'POST /team/reset_budget',
  'POST /global/spend/reset',
]);

describe('a walk through all of management', () => {
  it('finds every route as /openapi.json describes it', async () => {
    const seen = new Set<string>();
    await walk(await house(), async (_call, route) => void seen.add(route));
    expect(ROUTES.map(({ method, path }) => `${method} ${path}`).filter((route) => !seen.has(route))).toEqual([]);
  });

  it('finds that others are faster, always, where it says so', async () => {
    const admin = await house();
    const { deps } = admin;
    const busy = createAdmin({
      ...deps,
      keys: { ...deps.keys, create: async () => 'exists', replace: async () => 'stale' },
      models: { ...deps.models, put: async () => 'conflict' },
      members: { ...deps.members, put: async () => 'stale' },
      teams: outrun(deps.teams),
      users: outrun(deps.users),
      organizations: outrun(deps.organizations),
      projects: outrun(deps.projects),
      customers: outrun(deps.customers),
      tags: outrun(deps.tags),
      budgets: outrun(deps.budgets),
      accessGroups: outrun(deps.accessGroups),
      claimMappings: outrun(deps.claimMappings),
      roleMappings: outrun(deps.roleMappings),
      invitations: outrun(deps.invitations),
      publicModels: outrun(deps.publicModels),
      priceMaps: outrun(deps.priceMaps),
    });
    const others: string[] = [];
    await walk(admin, async (call, route) => {
      if (!documenting(409).includes(route) || OTHER_CONFLICTS.has(route)) return;
      const { status } = await call(busy);
      if (status !== 409) others.push(`${status} ${route}`);
    });
    expect(others).toEqual([]);
  });
});

/** Each about something that is not there. */
const LOST: readonly Step[] = [
  ['GET', '/key/info?key=none'],
  ['POST', '/key/update', { key: 'none' }],
  ['POST', '/key/delete', { keys: ['none'] }],
  ['POST', '/key/block', { key: 'none' }],
  ['POST', '/key/unblock', { key: 'none' }],
  ['POST', '/key/regenerate', { key: 'none' }],
  ['POST', '/key/none/regenerate'],
  ['POST', '/key/none/reset_spend'],
  ['POST', '/jwt/key/mapping/new', { jwt_claim_name: 'a', jwt_claim_value: 'b', key: 'none' }],
  ['POST', '/jwt/key/mapping/update', { id: 'none' }],
  ['POST', '/jwt/key/mapping/delete', { id: 'none' }],
  ['GET', '/jwt/key/mapping/info?id=none'],
  ['POST', '/iam/mapping/new', { arn: ROLE, key: 'none' }],
  ['POST', '/iam/mapping/delete', { id: ROLE }],
  ['POST', '/user/update', { user_id: 'none' }],
  ['POST', '/key/generate', { project_id: 'none' }],
  ['POST', '/key/service-account/generate', { team_id: 'some', project_id: 'none' }],
  ['POST', '/user/delete', { user_ids: ['none'] }],
  ['POST', '/invitation/new', { user_id: 'none' }],
  ['GET', '/invitation/info?invitation_id=none'],
  ['POST', '/invitation/update', { invitation_id: 'none' }],
  ['POST', '/invitation/delete', { invitation_id: 'none' }],
  ['GET', '/user/info?user_id=none'],
  ['GET', '/v2/user/info?user_id=none'],
  ['POST', '/team/update', { team_id: 'none' }],
  ['PATCH', '/team/none', {}],
  ['POST', '/team/delete', { team_ids: ['none'] }],
  ['GET', '/team/info?team_id=none'],
  ['POST', '/team/block', { team_id: 'none' }],
  ['POST', '/team/unblock', { team_id: 'none' }],
  ['POST', '/team/member_add', { team_id: 'none', member: { user_id: 'u', role: 'user' } }],
  ['POST', '/team/bulk_member_add', { team_id: 'none', members: [{ user_id: 'u' }] }],
  ['POST', '/team/member_update', { team_id: 'none', user_id: 'u' }],
  ['POST', '/team/member_delete', { team_id: 'none', user_id: 'u' }],
  ['GET', '/team/none/members/me'],
  ['POST', '/team/none/member/u/reset_spend'],
  ['POST', '/team/reset_budget', { team_id: 'none' }],
  ['GET', '/team/none/callback'],
  ['POST', '/team/none/callback', {}],
  ['POST', '/team/none/disable_logging'],
  ['POST', '/team/model/add', { team_id: 'none', models: ['m'] }],
  ['POST', '/team/model/delete', { team_id: 'none', models: ['m'] }],
  ['GET', '/team/permissions_list?team_id=none'],
  ['POST', '/team/permissions_update', { team_id: 'none', team_member_permissions: [] }],
  ['PATCH', '/organization/update', { organization_id: 'none' }],
  ['DELETE', '/organization/delete', { organization_ids: ['none'] }],
  ['GET', '/organization/info?organization_id=none'],
  ['POST', '/team/permissions_bulk_update', { permissions: ['/key/info'], team_ids: ['none'] }],
  ['POST', '/team/key/bulk_update', { team_id: 'none', all_keys_in_team: true, update_fields: { rpm_limit: 9 } }],
  ['POST', '/organization/member_add', { organization_id: 'none', member: { user_id: 'u', role: 'org_admin' } }],
  ['PATCH', '/organization/member_update', { organization_id: 'none', user_id: 'u' }],
  ['DELETE', '/organization/member_delete', { organization_id: 'none', user_id: 'u' }],
  ['POST', '/project/new', { team_id: 'none' }],
  ['POST', '/project/update', { project_id: 'none' }],
  ['DELETE', '/project/delete', { project_ids: ['none'] }],
  ['GET', '/project/info?project_id=none'],
  ...['/customer', '/end_user'].flatMap((at): Step[] => [
    ['POST', `${at}/update`, { user_id: 'none' }],
    ['GET', `${at}/info?end_user_id=none`],
    ['POST', `${at}/delete`, { user_ids: ['none'] }],
    ['POST', `${at}/unblock`, { user_ids: ['nobody'] }],
  ]),
  ['POST', '/budget/update', { budget_id: 'none' }],
  ['GET', '/budget/settings?budget_id=none'],
  ['POST', '/budget/delete', { id: 'none' }],
  ['POST', '/tag/update', { name: 'none' }],
  ['POST', '/tag/delete', { name: 'none' }],
  ['PUT', '/access_group/none/update', { model_names: ['m'] }],
  ['GET', '/access_group/none/info'],
  ['DELETE', '/access_group/none/delete'],
  ['POST', '/v1/access_group', { access_group_name: 'g', assigned_team_ids: ['none'] }],
  ['GET', '/v1/access_group/none'],
  ['PUT', '/v1/access_group/none', {}],
  ['DELETE', '/v1/access_group/none'],
  ['GET', '/audit/none'],
  ['GET', '/model/info?litellm_model_id=none'],
  ['GET', '/v1/model/info?litellm_model_id=none'],
  ['GET', '/model_group/info?model_group=none'],
  ['POST', '/model/update', { model_info: { id: 'none' } }],
  ['PATCH', '/model/none/update', {}],
  ['POST', '/model/delete', { id: 'none' }],
  ['GET', '/credentials/by_name/none'],
  ['GET', '/credentials/by_model/none'],
  ['GET', '/credentials/none'],
  ['PATCH', '/credentials/none', {}],
  ['DELETE', '/credentials/none'],
  ['POST', '/cost/estimate', { model: 'none', input_tokens: 1, output_tokens: 1 }],
  ['POST', '/spend/calculate', { model: 'none', messages: [] }],
  ['GET', '/receipts/none'],
];

describe('a thing that is not there', () => {
  it('is told by just those routes that say so', async () => {
    const admin = createAdmin();
    const own = await personOf(admin, 'ada', 'proxy_admin');
    await admin.call('POST', '/team/new', { body: { team_id: 'some' } });
    const told = new Set<string>();
    for (const [method, path, body] of LOST) {
      const sent = body === undefined ? {} : { body };
      const { status } = await admin.call(method, path, { ...sent, ...(path.endsWith('/members/me') ? { key: own } : {}) });
      expect(status, `${method} ${path}`).toBe(404);
      told.add(nameOf(method, path));
    }
    expect([...told].toSorted()).toEqual(documenting(404).toSorted());
  });
});
