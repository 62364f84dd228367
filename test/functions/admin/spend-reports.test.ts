import { beforeEach, describe, expect, it } from 'vitest';
import { hashSecret } from '../../../lib/domain/key.ts';
import { parseUsd } from '../../../lib/domain/money.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { createBodyStore } from '../../../lib/stores/memory/bodies.ts';
import { csvOf } from '../../../lib/management/spend/export.ts';
import { createAdmin, NOW, type Admin } from './support.ts';

const DAY = 86_400_000;
const RANGE = 'start_date=2026-11-20&end_date=2026-11-23';

/** Two keys of two teams, two days, two models, one failure, one call of nobody's price. */
let admin: Admin;
let one: { secret: string; hash: string };
let two: { secret: string; hash: string };

async function newKey(fields: object): Promise<{ secret: string; hash: string }> {
  const { body } = await admin.call('POST', '/key/generate', { body: fields });
  return { secret: String(body['key']), hash: hashSecret(String(body['key'])) };
}

beforeEach(async () => {
  admin = createAdmin();
  for (const id of ['red', 'blue']) await admin.call('POST', '/team/new', { body: { team_id: id } });
  one = await newKey({ key_alias: 'one', team_id: 'red', user_id: 'ada' });
  two = await newKey({ key_alias: 'two', team_id: 'blue' });
  const usage = { inputTokens: 100, cacheReadTokens: 40, outputTokens: 10, source: 'provider' } as const;
  const served = { provider: 'openai', model: 'gpt-4o-mini-2026', modelGroup: 'fast', usage, userAgent: 'OpenAI/Python 1.9' };
  const red = { keyHash: one.hash, keyAlias: 'one', teamId: 'red', userId: 'ada', endUser: 'c1' };
  await admin.spend({ ...served, ...red, id: 'a', cost: parseUsd('0.1'), tags: ['x'] });
  await admin.spend({ ...served, ...red, id: 'b', cost: parseUsd('0.2'), at: NOW - DAY, tags: ['x', 'y'] });
  const blue = { keyHash: two.hash, keyAlias: 'two', teamId: 'blue', endUser: 'c2' };
  await admin.spend({
    ...served,
    ...blue,
    id: 'c',
    cost: parseUsd('0.4'),
    provider: 'anthropic',
    model: 'opus',
    modelGroup: 'slow',
  });
  await admin.spend({ ...blue, id: 'd', cost: 0n, status: 'error', at: NOW + 1000, sessionId: 's' });
});

const read = async (path: string, key?: string): Promise<JsonObject> => {
  const { body, status } = await admin.call('GET', path, key === undefined ? {} : { key });
  expect(status, path).toBe(200);
  return body;
};
const list = async (path: string, key?: string) => (await read(path, key))['value'] as JsonObject[];
const ids = async (query: string, key?: string) =>
  (await list(`/spend/logs?summarize=false&${query}`, key)).map((row) => row['request_id']);

describe('/spend/logs', () => {
  it('lists the calls of a user, a team, a customer, a tag, a session; by model and status', async () => {
    expect(await ids('user_id=ada')).toEqual(['a', 'b']);
    expect(await ids('team_id=blue')).toEqual(['d', 'c']);
    expect(await ids('end_user=c1')).toEqual(['a', 'b']);
    expect(await ids('tag=y')).toEqual(['b']);
    expect(await ids('user_id=ada&tag=y&end_user=c1')).toEqual(['b']);
    expect(await ids('user_id=ada&team_id=blue')).toEqual([]);
    expect(await ids('session_id=s')).toEqual(['d']);
    expect(await ids('model=slow')).toEqual(['c']);
    expect(await ids('model=opus')).toEqual(['c']);
    expect(await ids('status_filter=failure')).toEqual(['d']);
    expect(await ids('team_id=red&start_date=2026-11-22&end_date=2026-11-22')).toEqual(['a']);
    expect(await admin.call('GET', '/spend/logs?status_filter=odd')).toMatchObject({ status: 400 });
  });

  it('shows a key its own part of what belongs to nobody, and nothing of other teams', async () => {
    expect(await ids('end_user=c1', two.secret)).toEqual([]);
    expect(await ids('end_user=c2', two.secret)).toEqual(['d', 'c']);
    expect(await ids('tag=x', one.secret)).toEqual(['a', 'b']);
    expect(await ids('team_id=blue', two.secret)).toEqual(['d', 'c']);
    for (const query of ['team_id=red', 'user_id=ada', 'organization_id=o', `api_key=${one.hash}`]) {
      expect(await admin.call('GET', `/spend/logs?${query}`, { key: two.secret }), query).toMatchObject({ status: 403 });
    }
  });

  it('comes by page, sorted, with totals', async () => {
    const first = await read(`/spend/logs/v2?${RANGE}&page_size=3&sort_by=spend`);
    expect(first).toMatchObject({ total: 4, page: 1, page_size: 3, total_pages: 2, total_is_capped: false });
    expect((first['data'] as JsonObject[]).map((row) => row['request_id'])).toEqual(['c', 'b', 'a']);
    const second = await read(`/spend/logs/ui?${RANGE}&page_size=3&page=2&sort_by=spend`);
    expect((second['data'] as JsonObject[]).map((row) => row['request_id'])).toEqual(['d']);
    const dear = await read(`/spend/logs/v2?min_spend=0.15&max_spend=0.4&key_alias=o&sort_order=asc`);
    expect((dear['data'] as JsonObject[]).map((row) => row['request_id'])).toEqual(['b', 'c']);
    expect(await read('/spend/logs/v2?request_id=a', two.secret)).toMatchObject({ total: 0, data: [] });
    for (const query of ['page=0', 'page_size=1000', 'sort_by=toString', 'sort_order=up', 'min_spend=x']) {
      expect(await admin.call('GET', `/spend/logs/v2?${query}`), query).toMatchObject({ status: 400 });
    }
  });

  it('comes as a table', async () => {
    const { body, headers } = await admin.table('/spend/logs/v2?format=csv&sort_order=asc');
    expect(headers['content-type']).toContain('text/csv');
    const [head = '', first = ''] = body.split('\r\n');
    expect(head.split(',').slice(0, 4)).toEqual(['request_id', 'call_type', 'api_key', 'spend']);
    expect(first.startsWith(`b,acompletion,${one.hash},0.2,`)).toBe(true);
    expect(await admin.call('GET', '/spend/logs?format=xml')).toMatchObject({ status: 400 });
  });
});

describe('a table', () => {
  it('quotes what needs it, flattens what is nested, and lets nothing be a formula', () => {
    expect(
      csvOf([
        { a: 'x,"y"', b: { c: 1, d: [1] } },
        { a: '=cmd()', e: null },
      ]),
    ).toBe('a,b.c,b.d,e\r\n"x,""y""",1,[1],\r\n\'=cmd(),,,\r\n');
  });
});

describe('/daily/activity', () => {
  it('has days with figures and their breakdown, in the form of LiteLLM', async () => {
    const activity = await read(`/team/daily/activity?${RANGE}&team_ids=red`);
    expect(activity['metadata']).toMatchObject({
      total_spend: 0.3,
      total_prompt_tokens: 200,
      total_completion_tokens: 20,
      total_tokens: 220,
      total_api_requests: 2,
      total_successful_requests: 2,
      total_failed_requests: 0,
      total_cache_read_input_tokens: 80,
      total_cache_creation_input_tokens: 0,
      page: 1,
      total_pages: 1,
      has_more: false,
    });
    const [day] = activity['results'] as JsonObject[];
    expect(day).toMatchObject({
      date: '2026-11-22',
      metrics: { spend: 0.1, prompt_tokens: 100, api_requests: 1, cache_read_input_tokens: 40 },
      breakdown: {
        mcp_servers: {},
        models: { 'gpt-4o-mini-2026': { metrics: { spend: 0.1 }, metadata: {}, api_key_breakdown: { [one.hash]: {} } } },
        model_groups: { fast: { metrics: { spend: 0.1 } } },
        providers: { openai: { metrics: { spend: 0.1 } } },
        endpoints: { '/v1/chat/completions': { metrics: { api_requests: 1 } } },
        user_agents: { 'OpenAI/Python': { metrics: { api_requests: 1 } } },
        api_keys: {
          [one.hash]: {
            metrics: { spend: 0.1 },
            metadata: { key_alias: 'one', team_id: 'red', user_id: 'ada', key_exists: true },
          },
        },
        entities: { red: { metrics: { spend: 0.1 }, metadata: { team_alias: null } } },
      },
    });
  });

  it('pages by row, or comes whole', async () => {
    const first = await read(`/user/daily/activity?${RANGE}&page_size=2`);
    expect(first['metadata']).toMatchObject({ page: 1, total_pages: 2, has_more: true });
    const whole = await read(`/user/daily/activity/aggregated?${RANGE}&page_size=2`);
    expect(whole['metadata']).toMatchObject({ total_spend: 0.7, total_failed_requests: 1, has_more: false });
    expect((whole['results'] as JsonObject[]).map(({ date }) => date)).toEqual(['2026-11-22', '2026-11-21']);
  });

  it('narrows by key, model and exclusion, and covers every kind of scope', async () => {
    const spend = async (path: string) => ((await read(path))['metadata'] as JsonObject)['total_spend'];
    expect(await spend(`/team/daily/activity?${RANGE}`)).toBe(0.7);
    expect(await spend(`/team/daily/activity?${RANGE}&exclude_team_ids=red`)).toBe(0.4);
    expect(await spend(`/user/daily/activity?${RANGE}&model=slow`)).toBe(0.4);
    expect(await spend(`/user/daily/activity?${RANGE}&api_key=${one.secret}`)).toBe(0.3);
    expect(await spend(`/user/daily/activity?${RANGE}&user_id=ada`)).toBe(0.3);
    expect(await spend(`/customer/daily/activity?${RANGE}&end_user_ids=c1,c2`)).toBe(0.7);
    expect(await spend(`/end_user/daily/activity?${RANGE}&end_user_ids=c2`)).toBe(0.4);
    expect(await spend(`/tag/daily/activity?${RANGE}&tags=y`)).toBe(0.2);
    expect(await spend(`/organization/daily/activity?${RANGE}`)).toBe(0);
    expect(await spend(`/project/daily/activity/aggregated?${RANGE}`)).toBe(0);
  });

  it('is of the caller alone, where the caller may not see all', async () => {
    const own = await read(`/user/daily/activity?${RANGE}`, two.secret);
    expect(own['metadata']).toMatchObject({ total_spend: 0.4 });
    expect(await admin.call('GET', `/team/daily/activity?${RANGE}&team_ids=red`, { key: two.secret })).toMatchObject({
      status: 403,
    });
    const customer = await read(`/customer/daily/activity?${RANGE}&end_user_ids=c1`, two.secret);
    expect(customer['metadata']).toMatchObject({ total_spend: 0 });
  });

  it('wants two days in order, at most a year apart', async () => {
    for (const query of [
      '',
      'start_date=2026-11-22',
      'start_date=2026-11-22&end_date=2026-11-01',
      'start_date=2020-01-01&end_date=2026-01-01',
    ]) {
      expect(await admin.call('GET', `/user/daily/activity?${query}`), query).toMatchObject({ status: 400 });
    }
  });
});

describe('/global', () => {
  it('sums up the house', async () => {
    expect(await read('/global/spend')).toEqual({ spend: 0.7, max_budget: null, unpriced_requests: 0 });
    expect(await list('/global/spend/logs')).toEqual([
      { date: '2026-11-21', spend: 0.2 },
      { date: '2026-11-22', spend: 0.5 },
    ]);
    expect(await list(`/global/spend/logs?api_key=${two.hash}`)).toEqual([
      { date: '2026-11-22', spend: 0.4, api_key: two.hash },
    ]);
    expect(await list('/global/spend/keys?limit=1')).toEqual([
      { api_key: two.hash, key_alias: 'two', key_name: expect.stringMatching(/^sk-\.\.\./), total_spend: 0.4 },
    ]);
    expect(await list('/global/spend/models')).toEqual([
      { model: 'opus', total_spend: 0.4, total_tokens: 110 },
      { model: 'gpt-4o-mini-2026', total_spend: 0.3, total_tokens: 220 },
      { model: 'fast', total_spend: 0, total_tokens: 0 },
    ]);
    expect(await list(`/global/spend/provider?${RANGE}`)).toEqual([
      { provider: 'anthropic', spend: 0.4 },
      { provider: 'openai', spend: 0.3 },
    ]);
    expect(await read('/global/spend/teams')).toEqual({
      daily_spend: [
        { date: '2026-11-21', red: 0.2 },
        { date: '2026-11-22', red: 0.1, blue: 0.4 },
      ],
      teams: expect.arrayContaining(['red', 'blue']),
      total_spend_per_team: [
        { team_id: 'blue', total_spend: 0.4 },
        { team_id: 'red', total_spend: 0.3 },
      ],
    });
    expect((await admin.call('POST', '/global/spend/end_users', { body: { api_key: one.hash } })).body['value']).toEqual([
      { end_user: 'c1', total_count: 2, total_spend: 0.3 },
    ]);
    expect(await read('/global/all_end_users')).toEqual({ end_users: ['c1', 'c2'] });
    expect(await read('/global/spend/all_tag_names')).toEqual({ tag_names: ['x', 'y'] });
    expect(await read(`/global/spend/tags?${RANGE}`)).toEqual({
      spend_per_tag: [
        { name: 'x', spend: 0.3, log_count: 2 },
        { name: 'y', spend: 0.2, log_count: 1 },
      ],
    });
    expect(await read(`/global/activity?${RANGE}`)).toEqual({
      daily_data: [
        { date: 'Nov 21', api_requests: 1, total_tokens: 110 },
        { date: 'Nov 22', api_requests: 3, total_tokens: 220 },
      ],
      sum_api_requests: 4,
      sum_total_tokens: 330,
    });
    expect(await list(`/global/activity/model?${RANGE}`)).toMatchObject([
      { model: 'fast', sum_api_requests: 3 },
      { model: 'slow', sum_api_requests: 1 },
    ]);
  });

  it('is of the caller alone, where the caller may not see all', async () => {
    expect(await read('/global/spend', one.secret)).toMatchObject({ spend: 0.3 });
    expect(await list('/global/spend/keys', one.secret)).toMatchObject([{ api_key: one.hash }]);
    for (const path of ['/global/spend/teams', '/global/all_end_users', '/spend/keys', '/spend/users', '/spend/tags']) {
      expect(await admin.call('GET', path, { key: one.secret }), path).toMatchObject({ status: 403 });
    }
  });

  it('reports by team, customer and key', async () => {
    expect(await list(`/global/spend/report?${RANGE}`)).toEqual([
      {
        group_by_day: '2026-11-21T00:00:00+00:00',
        teams: [
          {
            team_name: 'red',
            team_id: 'red',
            total_spend: 0.2,
            metadata: [{ model: 'gpt-4o-mini-2026', api_key: one.hash, spend: 0.2, total_tokens: 110 }],
          },
        ],
      },
      {
        group_by_day: '2026-11-22T00:00:00+00:00',
        teams: expect.arrayContaining([expect.objectContaining({ total_spend: 0.4 })]),
      },
    ]);
    expect(await list(`/global/spend/report?${RANGE}&group_by=customer`)).toMatchObject([
      { customers: [{ customer: 'c1', total_spend: 0.2 }] },
      { customers: { length: 2 } },
    ]);
    expect(await list(`/global/spend/report?${RANGE}&group_by=api_key`)).toMatchObject([
      { api_key: two.hash, total_cost: 0.4, model_details: [{ model: 'opus', total_cost: 0.4 }, { model: 'fast' }] },
      { api_key: one.hash, total_cost: 0.3, total_input_tokens: 200, total_output_tokens: 20 },
    ]);
    expect(await list(`/global/spend/report?${RANGE}&team_id=red&customer_id=c1`)).toMatchObject([
      { api_key: one.hash, total_cost: 0.3 },
    ]);
    expect(await admin.call('GET', `/global/spend/report?${RANGE}&group_by=odd`)).toMatchObject({ status: 400 });
    expect(await admin.call('GET', `/global/spend/report?${RANGE}`, { key: one.secret })).toMatchObject({ status: 403 });
  });

  it.each([
    ['', ['group_by_day', 'team_name', 'team_id', 'model', 'api_key', 'spend', 'total_tokens'], ',red,red,gpt-4o-mini-2026,'],
    ['&group_by=customer', ['group_by_day', 'customer', 'model', 'api_key', 'spend', 'total_tokens'], ',c1,gpt-4o-mini-2026,'],
    ['&group_by=api_key', ['api_key', 'model', 'total_cost', 'total_input_tokens', 'total_output_tokens'], ',opus,0.4,'],
  ])('reports as a table with a row for each key and model: %s', async (query, columns, row) => {
    const { body } = await admin.table(`/global/spend/report?${RANGE}${query}&format=csv`);
    const [head, ...rows] = body.trimEnd().split('\r\n');

    expect(head?.split(',')).toEqual(columns);
    expect(rows.some((line) => line.includes(row))).toBe(true);
    expect(body).not.toMatch(/[[{]/);
    const spend = columns.findIndex((name) => name === 'spend' || name === 'total_cost');
    const sum = rows.reduce((total, line) => total + Number(line.split(',')[spend]), 0);
    const whole = await list(`/global/spend/report?${RANGE}&group_by=api_key`);
    const inAll = whole.reduce((total, { total_cost: cost }) => total + Number(cost), 0);
    if (query !== '&group_by=customer') expect(sum).toBeCloseTo(inAll, 9);
  });

  it('reports a key its own, its team, and no other', async () => {
    const own = [{ api_key: one.hash, total_cost: 0.3 }];
    expect(await list(`/key/spend/report?${RANGE}`, one.secret)).toMatchObject(own);
    expect(await list(`/key/spend/report?${RANGE}&api_key=${one.secret}`, one.secret)).toMatchObject(own);
    expect(await list(`/team/spend/report?${RANGE}`, one.secret)).toMatchObject(own);
    expect(await list(`/user/spend/report?${RANGE}&internal_user_id=ada`)).toMatchObject(own);
    for (const path of [
      '/team/spend/report?team_id=blue',
      '/organization/spend/report?organization_id=o',
      '/user/spend/report?user_id=bob',
    ]) {
      expect(await admin.call('GET', `${path}&${RANGE}`, { key: one.secret }), path).toMatchObject({ status: 403 });
    }
  });
});

describe('/spend lists', () => {
  it('have keys, users, teams and tags, the dearest first', async () => {
    expect(await list('/spend/keys')).toMatchObject([
      { key_alias: 'two', spend: 0.4 },
      { key_alias: 'one', spend: 0.3 },
    ]);
    expect(await list('/spend/users')).toMatchObject([{ user_id: 'ada', spend: 0.3, requests: 2, max_budget: null }]);
    expect(await list('/spend/users?user_id=nobody')).toMatchObject([{ user_id: 'nobody', spend: 0 }]);
    expect(await list('/spend/teams')).toMatchObject([{ team_id: 'blue' }, { team_id: 'red', spend: 0.3 }]);
    expect(await list('/spend/tags')).toEqual([
      { individual_request_tag: 'x', log_count: 2, total_spend: 0.3 },
      { individual_request_tag: 'y', log_count: 1, total_spend: 0.2 },
    ]);
    expect(await list('/spend/tags?start_date=2026-11-22&end_date=2026-11-22')).toEqual([
      { individual_request_tag: 'x', log_count: 1, total_spend: 0.1 },
    ]);
  });
});

describe('/spend/logs/ui/{id}', () => {
  it('shows admins what was asked and answered, where it was kept', async () => {
    const bodies = createBodyStore();
    admin = createAdmin({ bodies });
    const entry = await admin.spend({ id: 'kept' });
    await admin.spend({ id: 'unkept' });
    await bodies.put({
      id: 'kept',
      at: entry.at,
      keyHash: 'master',
      request: {
        contentType: 'application/json',
        bytes: 20,
        json: { model: 'm', messages: [{ role: 'user', content: 'Hi' }] },
      },
      response: { contentType: 'text/event-stream', bytes: 7, text: 'data: 1', cut: true },
    });
    const { body: key } = await admin.call('POST', '/key/generate', { body: {} });
    admin.clock.now += 1;

    expect(await read('/spend/logs/ui/kept')).toEqual({
      request_id: 'kept',
      messages: [{ role: 'user', content: 'Hi' }],
      proxy_server_request: { model: 'm', messages: [{ role: 'user', content: 'Hi' }] },
      response: 'data: 1',
      request: { content_type: 'application/json', bytes: 20, cut: false, redacted: false },
      answer: { content_type: 'text/event-stream', bytes: 7, cut: true, redacted: false },
    });
    expect((await admin.call('GET', '/audit')).body['audit_logs']).toMatchObject([
      { action: 'read', table_name: 'body', object_id: 'kept', changed_by: 'master' },
      { action: 'created', table_name: 'LiteLLM_VerificationToken' },
    ]);
    expect((await admin.call('GET', '/spend/logs/ui/unkept')).body['value']).toBeNull();
    expect((await admin.call('GET', '/spend/logs/ui/nothing')).body['value']).toBeNull();
    expect(await admin.call('GET', '/spend/logs/ui/kept', { key: String(key['key']) })).toMatchObject({ status: 403 });
  });
});
