import { beforeEach, describe, expect, it } from 'vitest';
import { hashSecret } from '../../../lib/domain/key.ts';
import type { LedgerEntry } from '../../../lib/domain/ledger-entry.ts';
import { createAdmin, NOW, type Admin } from './support.ts';

const DAY = 86_400_000;
const FAST = { modelGroup: 'fast', provider: 'openai', model: 'gpt-4o-mini', deploymentId: 'one' } as const;
const OTHER = { ...FAST, deploymentId: 'two' } as const;

let admin: Admin;
beforeEach(() => {
  admin = createAdmin();
});

const took = (durationMs: number, outputTokens: number): Partial<LedgerEntry> => ({
  durationMs,
  usage: { inputTokens: 1, outputTokens, source: 'provider' },
});

const read = async (path: string, key?: string) => {
  const { status, body } = await admin.call('GET', path, key === undefined ? {} : { key });
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
};

describe('/model/metrics', () => {
  it('tells seconds per output token by day and deployment, the average over calls', async () => {
    await admin.spend({ ...FAST, ...took(1_000, 10) });
    await admin.spend({ ...FAST, ...took(3_000, 10) });
    await admin.spend({ ...OTHER, ...took(2_000, 4), at: NOW - DAY });
    await admin.spend({ ...FAST, ...took(9_000, 1), modelGroup: 'slow' });

    expect(await read('/model/metrics?_selected_model_group=fast')).toEqual({
      data: [
        { date: '2026-11-21', 'gpt-4o-mini-two': 0.5 },
        { date: '2026-11-22', 'gpt-4o-mini-one': 0.2 },
      ],
      all_api_bases: ['gpt-4o-mini-one', 'gpt-4o-mini-two'],
    });
  });

  it('leaves out what did not go well, what wrote nothing, and what an operator booked', async () => {
    await admin.spend({ ...FAST, ...took(1_000, 10) });
    await admin.spend({ ...FAST, ...took(9_000, 1), status: 'aborted' });
    await admin.spend({ ...FAST, ...took(9_000, 0) });
    await admin.spend({ ...FAST });
    await admin.spend({ ...FAST, ...took(9_000, 1), kind: 'adjustment' });

    expect((await read('/model/metrics'))['data']).toEqual([{ date: '2026-11-22', 'gpt-4o-mini-one': 0.1 }]);
  });

  it('looks at the last seven days, or at the times that are asked for', async () => {
    for (const daysAgo of [0, 6, 8, 40]) await admin.spend({ ...FAST, ...took(1_000, 10), at: NOW - daysAgo * DAY });
    const daysOf = async (query: string) =>
      ((await read(`/model/metrics?${query}`))['data'] as { date: string }[]).map(({ date }) => date);

    expect(await daysOf('')).toEqual(['2026-11-16', '2026-11-22']);
    expect(await daysOf('startTime=2026-10-01&endTime=2026-11-14')).toEqual(['2026-10-13', '2026-11-14']);
    expect(await daysOf('endTime=2026-11-14T13:00:00.000Z')).toEqual(['2026-11-14']);
    expect(await daysOf('startTime=2026-11-16T12:00:00.001Z')).toEqual(['2026-11-22']);
    expect((await admin.call('GET', '/model/metrics?startTime=2026-11-22&endTime=2026-11-20')).status).toBe(400);
    expect((await admin.call('GET', '/model/metrics?startTime=yesterday')).status).toBe(400);
  });

  it('narrows down to a key and a customer, and takes the words that a dashboard writes for neither', async () => {
    await admin.spend({ ...FAST, ...took(1_000, 10), keyHash: 'hash', endUser: 'ada' });
    await admin.spend({ ...FAST, ...took(2_000, 10), keyHash: 'hash', endUser: 'bob' });
    await admin.spend({ ...FAST, ...took(6_000, 10), endUser: 'ada' });
    const latencyOf = async (query: string) =>
      ((await read(`/model/metrics?${query}`))['data'] as Record<string, number>[])[0]?.['gpt-4o-mini-one'];

    expect(await latencyOf('api_key=hash')).toBeCloseTo(0.15);
    expect(await latencyOf('customer=ada')).toBeCloseTo(0.35);
    expect(await latencyOf('customer=ada&api_key=hash')).toBeCloseTo(0.1);
    expect(await latencyOf('_selected_model_group=fast&api_key=null&customer=undefined')).toBeCloseTo(0.3);
  });

  it('refuses a range with more calls than it may look at, and says what to narrow', async () => {
    const entry = await admin.spend({ ...FAST, ...took(1_000, 10) });
    const list = async () => ({ items: Array.from({ length: 500 }, () => entry), cursor: 'more' });
    const busy = createAdmin({ ledger: { ...admin.deps.ledger, list } });

    const { status, body } = await busy.call('GET', '/model/metrics?_selected_model_group=fast');

    expect(status).toBe(400);
    expect(body).toMatchObject({
      error: { param: 'startTime', message: expect.stringContaining('Narrow startTime and endTime') as string },
    });
  });

  it('tells a key and a user of their own calls alone', async () => {
    await admin.call('POST', '/user/new', { body: { user_id: 'ada', auto_create_key: false } });
    const secretOf = async (body: object) => String((await admin.call('POST', '/key/generate', { body })).body['key']);
    const [ada, second, nobody] = [await secretOf({ user_id: 'ada' }), await secretOf({ user_id: 'ada' }), await secretOf({})];
    await admin.spend({ ...FAST, ...took(1_000, 10), keyHash: hashSecret(ada), userId: 'ada' });
    await admin.spend({ ...FAST, ...took(3_000, 10), keyHash: hashSecret(second), userId: 'ada' });
    await admin.spend({ ...OTHER, ...took(5_000, 10) });

    expect((await read('/model/metrics', ada))['data']).toEqual([{ date: '2026-11-22', 'gpt-4o-mini-one': 0.2 }]);
    expect(await read('/model/metrics', nobody)).toEqual({ data: [], all_api_bases: [] });
    expect((await admin.call('GET', `/model/metrics?api_key=${hashSecret(ada)}`, { key: nobody })).status).toBe(403);
  });
});

describe('/model/streaming_metrics', () => {
  it('tells seconds to the first token by day, and of one day stream by stream', async () => {
    const stream = { ...FAST, stream: true };
    await admin.spend({ ...stream, id: 'a', firstByteMs: 10, firstTokenMs: 200 });
    await admin.spend({ ...stream, id: 'b', firstByteMs: 10, firstTokenMs: 400 });
    await admin.spend({ ...stream, id: 'c', firstTokenMs: 900, at: NOW - DAY });
    await admin.spend({ ...FAST, id: 'd', firstByteMs: 10 });

    const { data, all_api_bases: bases } = await read('/model/streaming_metrics');
    expect(bases).toEqual(['gpt-4o-mini-one']);
    expect(data).toEqual([
      { date: '2026-11-21', 'gpt-4o-mini-one': 0.9 },
      { date: '2026-11-22', 'gpt-4o-mini-one': expect.closeTo(0.3) as number },
    ]);
    expect((await read('/model/streaming_metrics?startTime=2026-11-22&endTime=2026-11-22'))['data']).toEqual([
      { date: 'a', 'gpt-4o-mini-one': 0.2 },
      { date: 'b', 'gpt-4o-mini-one': 0.4 },
    ]);
  });
});

describe('/model/metrics/slow_responses', () => {
  it('counts calls by deployment, and those of five minutes or more', async () => {
    await admin.spend({ ...FAST, durationMs: 299_999 });
    await admin.spend({ ...OTHER, durationMs: 300_000 });
    await admin.spend({ ...OTHER, durationMs: 10, status: 'error' });
    await admin.spend({ modelGroup: 'fast', status: 'error' });

    expect((await read('/model/metrics/slow_responses?_selected_model_group=fast'))['value']).toEqual([
      { api_base: 'gpt-4o-mini-two', total_count: 2, slow_count: 1 },
      { api_base: '', total_count: 1, slow_count: 0 },
      { api_base: 'gpt-4o-mini-one', total_count: 1, slow_count: 0 },
    ]);
  });
});

describe('/model/metrics/exceptions', () => {
  it('counts calls that came to nothing by deployment and kind of error; a client that left is no error', async () => {
    const failed = (kind: string): Partial<LedgerEntry> => ({ status: 'error', error: { kind, message: '' } });
    await admin.spend({ ...FAST, ...failed('rate_limit') });
    await admin.spend({ ...FAST, ...failed('rate_limit') });
    await admin.spend({ ...FAST, ...failed('timeout') });
    await admin.spend({ ...OTHER, status: 'expired' });
    await admin.spend({ ...OTHER, status: 'aborted', error: { kind: 'client_closed', message: '' } });
    await admin.spend({ ...FAST });

    expect(await read('/model/metrics/exceptions')).toEqual({
      data: [
        { model: 'gpt-4o-mini-one', total_exceptions: 3, rate_limit: 2, timeout: 1 },
        { model: 'gpt-4o-mini-two', total_exceptions: 1, expired: 1 },
      ],
      exception_types: ['expired', 'rate_limit', 'timeout'],
    });
  });
});

describe('/gateway/daily/activity', () => {
  it('counts calls of the whole gateway by day, oldest first, and by route, the most called first', async () => {
    await admin.spend({ at: NOW - DAY });
    await admin.spend({ status: 'aborted' });
    await admin.spend({ route: '/v1/messages' });
    await admin.spend({ route: '/v1/messages', keyHash: 'other' });
    await admin.spend({ route: '/mcp', at: NOW - 40 * DAY });

    expect(await read('/gateway/daily/activity')).toEqual({
      total_successful_requests: 3,
      total_failed_requests: 1,
      by_date: [
        { date: '2026-11-21', successful_requests: 1, failed_requests: 0 },
        { date: '2026-11-22', successful_requests: 2, failed_requests: 1 },
      ],
      by_route: [
        { category: 'llm', route: '/v1/messages', successful_requests: 2, failed_requests: 0 },
        { category: 'llm', route: '/v1/chat/completions', successful_requests: 1, failed_requests: 1 },
      ],
    });
    expect(await read('/gateway/daily/activity?start_date=2026-10-01&end_date=2026-10-31')).toMatchObject({
      by_route: [{ category: 'mcp', route: '/mcp', successful_requests: 1 }],
    });
    expect((await admin.call('GET', '/gateway/daily/activity?start_date=2026-12-01')).status).toBe(400);
  });
});

describe('what this gateway does not have', () => {
  it('is told in the form that clients read: no budgets of providers, no view to refresh', async () => {
    expect(await read('/provider/budgets')).toEqual({ providers: {} });
    expect((await admin.call('POST', '/global/spend/refresh')).body).toMatchObject({ status: 'success' });
  });
});
