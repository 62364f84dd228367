import { describe, expect, it } from 'vitest';
import { hashSecret } from '../../../lib/domain/key.ts';
import { parseUsd } from '../../../lib/domain/money.ts';
import { createAdmin, NOW, type Admin } from './support.ts';

const DAY = 86_400_000;

async function newKey(admin: Admin): Promise<{ secret: string; hash: string }> {
  const { body } = await admin.call('POST', '/key/generate', { body: {} });
  return { secret: String(body['key']), hash: hashSecret(String(body['key'])) };
}

const logs = async (admin: Admin, query: string, key?: string): Promise<unknown> =>
  (await admin.call('GET', `/spend/logs${query}`, key === undefined ? {} : { key })).body['value'];

describe('/spend/logs', () => {
  it('shows one request in the field names of LiteLLM', async () => {
    const admin = createAdmin();
    await admin.spend({
      id: 'call-a',
      keyHash: 'hash',
      keyAlias: 'prod',
      userId: 'u1',
      teamId: 't1',
      endUser: 'e1',
      tags: ['blue'],
      provider: 'openai',
      model: 'gpt-4o-mini',
      deploymentId: 'd1',
      upstreamDialect: 'openai-chat',
      usage: {
        inputTokens: 100,
        cacheReadTokens: 40,
        cacheWriteTokens: 10,
        cacheWrite1hTokens: 5,
        outputTokens: 20,
        reasoningTokens: 8,
        serviceTier: 'default',
        source: 'provider',
      },
      cost: parseUsd('0.000123'),
      costParts: { input: parseUsd('0.0001'), output: parseUsd('0.000023') },
      held: parseUsd('0.01'),
      firstByteMs: 200,
      ip: '192.0.2.7',
      userAgent: 'sdk/1',
      warnings: ['dropped seed'],
      metadata: { session_id: 's1', feature: 'x' },
    });
    expect(await logs(admin, '?request_id=call-a')).toEqual([
      {
        request_id: 'call-a',
        call_type: 'acompletion',
        api_key: 'hash',
        spend: 0.000123,
        total_tokens: 120,
        prompt_tokens: 100,
        completion_tokens: 20,
        startTime: new Date(NOW).toISOString(),
        endTime: new Date(NOW + 800).toISOString(),
        completionStartTime: new Date(NOW + 200).toISOString(),
        request_duration_ms: 800,
        model: 'gpt-4o-mini',
        model_id: 'd1',
        model_group: 'fast',
        custom_llm_provider: 'openai',
        api_base: '',
        user: 'u1',
        metadata: {
          session_id: 's1',
          feature: 'x',
          user_api_key: 'hash',
          user_api_key_alias: 'prod',
          user_api_key_user_id: 'u1',
          user_api_key_team_id: 't1',
          user_api_key_org_id: null,
          user_api_key_project_id: null,
          status: 'success',
          usage_object: {
            prompt_tokens: 100,
            completion_tokens: 20,
            total_tokens: 120,
            prompt_tokens_details: { cached_tokens: 40, cache_creation_tokens: 10 },
            completion_tokens_details: { reasoning_tokens: 8 },
            cache_read_input_tokens: 40,
            cache_creation_input_tokens: 10,
            cache_creation_1h_input_tokens: 5,
            service_tier: 'default',
            source: 'provider',
          },
          cost_breakdown: { input: 0.0001, output: 0.000023, total_cost: 0.000123 },
          price: { source: 'catalog', version: 'litellm-2026-08-01' },
          held: 0.01,
          warnings: ['dropped seed'],
          error_information: null,
          attempts: 1,
          route: '/v1/chat/completions',
          stream: false,
          client_dialect: 'openai-chat',
          upstream_dialect: 'openai-chat',
          http_status: 200,
          user_agent: 'sdk/1',
        },
        cache_hit: 'False',
        cache_key: '',
        request_tags: ['blue'],
        team_id: 't1',
        organization_id: null,
        end_user: 'e1',
        requester_ip_address: '192.0.2.7',
        messages: {},
        response: {},
        session_id: 's1',
        status: 'success',
      },
    ]);
  });

  it('says null, never 0, for a cost nobody knows, and what went wrong', async () => {
    const admin = createAdmin();
    const { cost: _none, ...entry } = await admin.spend({ id: 'priced' });
    await admin.deps.ledger.record({
      ...entry,
      id: 'unpriced',
      price: { source: 'unknown' },
      status: 'aborted',
      route: '/v1/other',
      error: { kind: 'timeout', message: 'too late' },
      httpStatus: 504,
    });
    expect(await logs(admin, '?request_id=unpriced')).toMatchObject([
      {
        spend: null,
        status: 'failure',
        call_type: 'generate',
        total_tokens: 0,
        completionStartTime: null,
        model: 'fast',
        session_id: null,
        metadata: {
          status: 'aborted',
          price: { source: 'unknown' },
          usage_object: null,
          cost_breakdown: { total_cost: null },
          error_information: { error_class: 'timeout', error_message: 'too late', error_code: '504' },
        },
      },
    ]);
  });

  it('says of a stream when its first token came, and sorts by it; of another call when it began', async () => {
    const admin = createAdmin();
    await admin.spend({ id: 'quick', stream: true, firstByteMs: 20, firstTokenMs: 150 });
    await admin.spend({ id: 'slow', stream: true, firstByteMs: 10, firstTokenMs: 400 });
    await admin.spend({ id: 'whole', firstByteMs: 700 });

    const { body } = await admin.call('GET', '/spend/logs/v2?sort_by=ttft_ms');

    const rows = body['data'] as { request_id: string; completionStartTime: string }[];
    expect(rows.map(({ request_id: id, completionStartTime: at }) => [id, Date.parse(at) - NOW])).toEqual([
      ['slow', 400],
      ['quick', 150],
      ['whole', 700],
    ]);
  });

  it('lists newest first, by key and time', async () => {
    const admin = createAdmin();
    const { secret, hash } = await newKey(admin);
    for (const [id, at] of Object.entries({ a: NOW, b: NOW + 1000, c: NOW + DAY }))
      await admin.spend({ id, at, keyHash: hash });
    await admin.spend({ id: 'other', at: NOW + 2000 });
    const ids = async (query: string) => ((await logs(admin, query)) as { request_id: string }[]).map((row) => row.request_id);
    expect(await ids('?summarize=false')).toEqual(['c', 'other', 'b', 'a']);
    expect(await ids(`?api_key=${hash}`)).toEqual(['c', 'b', 'a']);
    expect(await ids(`?api_key=${secret}`)).toEqual(['c', 'b', 'a']);
    expect(await ids('?start_date=2026-11-22&end_date=2026-11-22&summarize=false')).toEqual(['other', 'b', 'a']);
    expect(await ids('?start_date=2026-11-22T12:00:01Z')).toEqual(['c', 'other', 'b']);
    expect(await ids('?end_date=2026-11-22%2012:00:01')).toEqual(['a']);
    expect(await ids('?start_date=2026-11-22T14:00:01%2B02:00&end_date=2026-11-22&summarize=0')).toEqual(['other', 'b']);
    expect(await ids('?request_id=unknown')).toEqual([]);
  });

  it('sums up by day when both dates are given', async () => {
    const admin = createAdmin();
    await admin.spend({ id: 'a', userId: 'u1', cost: parseUsd('0.1') });
    await admin.spend({ id: 'b', userId: 'u1', cost: parseUsd('0.2'), modelGroup: 'slow' });
    const { cost: _none, ...entry } = await admin.spend({ id: 'c', at: NOW + DAY });
    await admin.deps.ledger.record({ ...entry, id: 'd' });
    expect(await logs(admin, '?start_date=2026-11-22&end_date=2026-11-23')).toEqual([
      {
        startTime: '2026-11-22',
        master: 0.3,
        spend: 0.3,
        unpriced_requests: 0,
        users: { u1: 0.3 },
        models: { fast: 0.1, slow: 0.2 },
      },
      { startTime: '2026-11-23', master: 0.001, spend: 0.001, unpriced_requests: 1, users: {}, models: { fast: 0.001 } },
    ]);
    expect(await logs(admin, '?summarize=true')).toHaveLength(2);
  });

  it('shows a virtual key its own entries and no others', async () => {
    const admin = createAdmin();
    const [one, other] = [await newKey(admin), await newKey(admin)];
    await admin.spend({ id: 'mine', keyHash: one.hash });
    await admin.spend({ id: 'theirs', keyHash: other.hash });
    expect(await logs(admin, '', one.secret)).toMatchObject([{ request_id: 'mine' }]);
    expect(await logs(admin, '?request_id=mine', one.secret)).toHaveLength(1);
    expect(await logs(admin, '?request_id=theirs', one.secret)).toEqual([]);
    expect(await admin.call('GET', `/spend/logs?api_key=${other.hash}`, { key: one.secret })).toMatchObject({ status: 403 });
  });

  it('finds the entries of a key across a new secret', async () => {
    const admin = createAdmin();
    const { hash } = await newKey(admin);
    await admin.spend({ id: 'before', keyHash: hash });
    const fresh = await admin.call('POST', `/key/${hash}/regenerate`);
    const secret = String(fresh.body['key']);
    expect(await logs(admin, '', secret)).toMatchObject([{ request_id: 'before' }]);
    expect(await logs(admin, `?api_key=${secret}`)).toMatchObject([{ request_id: 'before' }]);
  });

  it('refuses dates that are none, and answers too long to be whole', async () => {
    const admin = createAdmin();
    for (const query of ['start_date=yesterday', 'end_date=2026-13-01', 'start_date=2026-11-22T25:00:00Z', 'summarize=maybe']) {
      expect(await admin.call('GET', `/spend/logs?${query}`), query).toMatchObject({ status: 400 });
    }
    for (let i = 0; i <= 1_000; i++) await admin.spend({ id: `call${i}`, at: NOW + i });
    expect(await admin.call('GET', '/spend/logs')).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('More than 1000') } },
    });
    expect(await logs(admin, '?summarize=true')).toMatchObject([{ spend: 1.001 }]);
  });
});
