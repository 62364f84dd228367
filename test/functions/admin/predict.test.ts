import { describe, expect, it } from 'vitest';
import { hashSecret } from '../../../lib/domain/key.ts';
import { parseUsd } from '../../../lib/domain/money.ts';
import { createAdmin, NOW, type Admin } from './support.ts';

const DAY = 86_400_000;
const PATH = '/global/predict/spend/logs';
/** The days of November after the 22nd, which is today. */
const AHEAD = ['23', '24', '25', '26', '27', '28', '29', '30'].map((day) => `2026-11-${day}`);

const predict = async (admin: Admin, data?: unknown, key?: string) =>
  admin.call('POST', PATH, { ...(data === undefined ? {} : { body: { data } }), ...(key === undefined ? {} : { key }) });

const spend = (admin: Admin, daysAgo: number, usd: string, keyHash = 'master') =>
  admin.spend({ at: NOW - daysAgo * DAY, cost: parseUsd(usd), keyHash });

describe('what the rest of the month will cost', () => {
  it('follows from the days that are given, in any order, and adds up this month alone', async () => {
    const admin = createAdmin();
    const data = Array.from({ length: 20 }, (_, index) => {
      const at = NOW - (19 - index) * DAY - 3 * DAY;
      return { date: new Date(at).toISOString().slice(0, 10), spend: 0.1 * (index + 1), api_key: null };
    });

    const { status, body } = await predict(admin, data.toReversed());

    expect(status).toBe(200);
    const response = body['response'] as { date: string; predicted_spend: number }[];
    expect(response[0]).toEqual({ date: '2026-11-20', predicted_spend: 2.1 });
    expect(response.map(({ date }) => date)).toEqual(['2026-11-20', '2026-11-21', '2026-11-22', ...AHEAD]);
    // November 1 to 19 are 0.2 to 2.0, 20 to 30 are 2.1 to 3.1: exactly, although JSON said 0.30000000000000004.
    expect(body['predicted_spend']).toMatch(/^Predicted Spend for November 2026, \$49\.5/);
  });

  it('follows from our own days: from the first that cost anything, today at least what it has cost', async () => {
    const admin = createAdmin();
    for (let daysAgo = 1; daysAgo <= 10; daysAgo++) await spend(admin, daysAgo, '2');
    await spend(admin, 0, '3.5');

    const { body } = await predict(admin);

    expect(body).toEqual({
      response: [{ date: '2026-11-22', predicted_spend: 3.5 }, ...AHEAD.map((date) => ({ date, predicted_spend: 2 }))],
      predicted_spend: 'Predicted Spend for November 2026, $39.5',
    });
    expect((await admin.call('GET', PATH)).body).toEqual(body);
  });

  it('takes a day without calls as one that cost nothing', async () => {
    const admin = createAdmin();
    for (const daysAgo of [1, 2, 3, 4, 5, 11, 12, 13, 14, 15]) await spend(admin, daysAgo, '3');
    const { body } = await predict(admin);
    const [today] = body['response'] as { predicted_spend: number }[];
    expect(today?.predicted_spend).toBe(2);
  });

  it('has today alone to go by on the first day, and nothing before', async () => {
    const admin = createAdmin();
    expect((await predict(admin)).body).toEqual({ response: [], predicted_spend: 'Predicted Spend for November 2026, $0' });
    await spend(admin, 0, '0.5');
    expect((await predict(admin)).body).toEqual({
      response: AHEAD.map((date) => ({ date, predicted_spend: 0.5 })),
      predicted_spend: 'Predicted Spend for November 2026, $4.5',
    });
  });

  it('is exact in sums that floating point gets wrong', async () => {
    const admin = createAdmin();
    const { body } = await predict(admin, [
      { date: '2026-11-29', spend: 0.1 },
      { date: '2026-11-30', spend: 0.2 },
    ]);
    expect(body).toEqual({ response: [], predicted_spend: 'Predicted Spend for November 2026, $0.3' });
  });

  it('tells a key of its own days alone', async () => {
    const admin = createAdmin();
    const { body } = await admin.call('POST', '/key/generate', { body: {} });
    await spend(admin, 1, '777');
    await spend(admin, 1, '1', hashSecret(String(body['key'])));

    const own = await predict(admin, undefined, String(body['key']));

    expect(own.body).toMatchObject({ predicted_spend: 'Predicted Spend for November 2026, $10' });
  });

  it.each([
    ['no list', 'x'],
    ['no day', [{ date: 'Nov 22', spend: 1 }]],
    ['less than nothing', [{ date: '2026-11-22', spend: -1 }]],
    ['a day twice', [1, 2].map((spend) => ({ date: '2026-11-22', spend }))],
    ['a day of next month', [{ date: '2026-12-01', spend: 1 }]],
    ['a day of the year before last', [{ date: '2024-11-22', spend: 1 }]],
    ['too many days', Array.from({ length: 367 }, () => ({ date: '2026-11-22', spend: 1 }))],
  ])('refuses %s', async (_what, data) => {
    const { status, body } = await predict(createAdmin(), data);
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain('data');
  });
});
