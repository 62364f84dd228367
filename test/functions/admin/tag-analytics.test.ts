import { beforeEach, describe, expect, it } from 'vitest';
import { hashSecret } from '../../../lib/domain/key.ts';
import { parseUsd } from '../../../lib/domain/money.ts';
import type { JsonObject } from '../../../lib/kinds/json.ts';
import { createAdmin, NOW, type Admin } from './support.ts';

const DAY = 86_400_000;

/** Ada and Bob call under tag x, Ada under y a week ago, a key of nobody under x. */
let admin: Admin;
beforeEach(async () => {
  admin = createAdmin();
  await admin.call('POST', '/user/new', { body: { user_id: 'ada', user_email: 'ada@example.org', auto_create_key: false } });
  const keyOf = async (user?: string) => {
    const { body } = await admin.call('POST', '/key/generate', { body: user === undefined ? {} : { user_id: user } });
    return hashSecret(String(body['key']));
  };
  const [ada, bob, nobody] = [await keyOf('ada'), await keyOf('bob'), await keyOf()];
  const usage = { inputTokens: 10, outputTokens: 5, source: 'provider' } as const;
  const program = { usage, userAgent: 'OpenAI/Python 1.9', cost: parseUsd('0.1') };
  await admin.spend({ ...program, id: 'a', keyHash: ada, tags: ['x'] });
  await admin.spend({ ...program, id: 'b', keyHash: bob, tags: ['x'], status: 'error' });
  await admin.spend({ ...program, id: 'c', keyHash: ada, tags: ['y', 'x'], at: NOW - 8 * DAY, userAgent: 'claude-cli/2.0' });
  await admin.spend({ ...program, id: 'd', keyHash: nobody, tags: ['x'] });
});

const results = async (path: string): Promise<readonly JsonObject[]> => {
  const { status, body } = await admin.call('GET', path);
  expect(status, path).toBe(200);
  return body['results'] as JsonObject[];
};

describe('/tag/distinct', () => {
  it('lists tags and programs, the most called first', async () => {
    expect((await results('/tag/distinct')).map(({ tag }) => tag)).toEqual([
      'x',
      'User-Agent: OpenAI/Python',
      'y',
      'User-Agent: claude-cli',
    ]);
  });
});

describe('active users', () => {
  it('by day: each user once, keys of nobody not at all, calls of other days elsewhere', async () => {
    const day = { date: '2026-11-22', period_start: null, period_end: null };
    expect(await results('/tag/dau')).toEqual([
      { tag: 'User-Agent: OpenAI/Python', active_users: 2, ...day },
      { tag: 'x', active_users: 2, ...day },
    ]);
  });

  it('by week and month, today included, under the names that charts have', async () => {
    const last = { date: 'Week 7 (Nov 16)', period_start: '2026-11-16', period_end: '2026-11-22' };
    const before = { date: 'Week 6 (Nov 09)', period_start: '2026-11-09', period_end: '2026-11-15' };
    expect(await results('/tag/wau?tag_filters=x,y')).toEqual([
      { tag: 'x', active_users: 1, ...before },
      { tag: 'y', active_users: 1, ...before },
      { tag: 'x', active_users: 2, ...last },
    ]);
    expect(await results('/tag/mau?tag_filter=CLAUDE')).toEqual([
      {
        tag: 'User-Agent: claude-cli',
        active_users: 1,
        date: 'Month 7 (Oct)',
        period_start: '2026-10-24',
        period_end: '2026-11-22',
      },
    ]);
  });
});

describe('/tag/summary', () => {
  it('adds up calls, users, tokens and spend of each tag', async () => {
    const range = 'start_date=2026-11-01&end_date=2026-11-30';
    expect(await results(`/tag/summary?${range}&tag_filters=x`)).toEqual([
      {
        tag: 'x',
        unique_users: 2,
        total_requests: 4,
        successful_requests: 3,
        failed_requests: 1,
        total_tokens: 60,
        total_spend: 0.4,
      },
    ]);
    expect((await admin.call('GET', '/tag/summary')).status).toBe(400);
  });
});

describe('/tag/user-agent/per-user-analytics', () => {
  it('counts each call of a user once, by page', async () => {
    const { body } = await admin.call('GET', '/tag/user-agent/per-user-analytics?page_size=1');
    expect(body).toEqual({
      results: [
        {
          user_id: 'ada',
          user_email: 'ada@example.org',
          user_agent: 'User-Agent: OpenAI/Python',
          successful_requests: 2,
          failed_requests: 0,
          total_requests: 2,
          total_tokens: 30,
          spend: 0.2,
        },
      ],
      total_count: 2,
      page: 1,
      page_size: 1,
      total_pages: 2,
    });
    expect(await results('/tag/user-agent/per-user-analytics?tag_filters=y')).toMatchObject([
      { user_id: 'ada', user_agent: 'y' },
    ]);
  });

  it('shows the house to those alone who may see it', async () => {
    const { body } = await admin.call('POST', '/key/generate', { body: {} });
    for (const path of ['/tag/distinct', '/tag/dau', '/tag/summary', '/tag/user-agent/per-user-analytics']) {
      expect((await admin.call('GET', path, { key: String(body['key']) })).status, path).toBe(403);
    }
  });
});

describe('/global/activity', () => {
  const range = 'start_date=2026-11-01&end_date=2026-11-30';

  it('tells calls that ended with 429 by day and by deployment', async () => {
    const limited = { status: 'error', httpStatus: 429, modelGroup: 'fast' } as const;
    await admin.spend({ ...limited, id: 'e', deploymentId: 'one', at: NOW - DAY });
    await admin.spend({ ...limited, id: 'f', deploymentId: 'two' });
    await admin.spend({ ...limited, id: 'g', deploymentId: 'two' });
    await admin.spend({ ...limited, id: 'h', modelGroup: 'slow' });

    expect((await admin.call('GET', `/global/activity/exceptions?${range}&model_group=fast`)).body).toEqual({
      daily_data: [
        { date: 'Nov 21', num_rate_limit_exceptions: 1 },
        { date: 'Nov 22', num_rate_limit_exceptions: 2 },
      ],
      sum_num_rate_limit_exceptions: 3,
    });
    expect((await admin.call('GET', `/global/activity/exceptions/deployment?${range}&model_group=fast`)).body).toEqual({
      value: [
        { deployment: 'two', daily_data: [{ date: 'Nov 22', num_rate_limit_exceptions: 2 }], sum_num_rate_limit_exceptions: 2 },
        { deployment: 'one', daily_data: [{ date: 'Nov 21', num_rate_limit_exceptions: 1 }], sum_num_rate_limit_exceptions: 1 },
      ],
    });
    expect((await admin.call('GET', `/global/activity/exceptions?${range}`)).status).toBe(400);
  });

  it('has every call as one of a model: none was answered from a cache', async () => {
    expect((await admin.call('GET', `/global/activity/cache_hits?${range}`)).body).toEqual({
      daily_data: [
        { date: 'Nov 14', cache_hits: 0, llm_api_calls: 1 },
        { date: 'Nov 22', cache_hits: 0, llm_api_calls: 3 },
      ],
      sum_cache_hits: 0,
      sum_llm_api_calls: 4,
    });
  });
});

describe('/user/available_users', () => {
  it('counts users and teams, of which there may be any number', async () => {
    expect((await admin.call('GET', '/user/available_users')).body).toEqual({
      total_users: null,
      total_users_used: 1,
      total_users_remaining: null,
      total_teams: null,
      total_teams_used: 0,
      total_teams_remaining: null,
    });
  });
});
