import { describe, expect, it } from 'vitest';
import { createAdmin } from './support.ts';

describe('POST /global/spend/reset', () => {
  it('answers as LiteLLM does, leaves rows at 0 and reports as they were, and says in the audit who did it', async () => {
    const admin = createAdmin();
    const team = await admin.call('POST', '/team/new', { body: { team_id: 't', max_budget: 10 } });
    const { body: key } = await admin.call('POST', '/key/generate', { body: { team_id: 't', max_budget: 5, spend: 2 } });
    const hash = String(key['token_id']);
    await admin.spend({ keyHash: hash, teamId: 't' });
    const report = async () => (await admin.call('GET', '/global/spend/logs')).body;
    const before = await report();

    const reset = await admin.call('POST', '/global/spend/reset');
    const again = await admin.call('POST', '/global/spend/reset', { body: {} });

    const answer = { message: 'Spend for all API Keys and Teams reset successfully', status: 'success' };
    expect([team.status, reset.body, again.body]).toEqual([200, answer, answer]);
    expect((await admin.call('GET', `/key/info?key=${hash}`)).body['info']).toMatchObject({ spend: 0 });
    expect(await report()).toEqual(before);
    const { items } = await admin.deps.ledger.list({ keyHash: hash, limit: 10 });
    expect(items.filter(({ cost = 0n }) => cost < 0n)).toMatchObject([
      {
        kind: 'adjustment',
        cost: -2_000_000_000_000n,
        adjusts: { kind: 'key', id: hash },
        metadata: { adjusted_by: 'master' },
      },
    ]);
    const rows = (await admin.call('GET', '/audit?action=updated')).body['audit_logs'];
    expect(rows).toHaveLength(3);
    expect(rows).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ table_name: 'global', object_id: 'spend', updated_values: { keys: 1, teams: 0 } }),
        expect.objectContaining({ object_id: hash, before_value: { spend: 2 }, updated_values: { spend: 0 } }),
      ]),
    );
  });

  it('is for proxy admins alone', async () => {
    const admin = createAdmin();
    const { body } = await admin.call('POST', '/user/new', { body: { user_id: 'v', user_role: 'proxy_admin_viewer' } });

    expect(await admin.call('POST', '/global/spend/reset', { key: String(body['key']) })).toMatchObject({ status: 403 });
    expect(await admin.call('POST', '/global/spend/reset', { key: null })).toMatchObject({ status: 401 });
    expect(await admin.call('GET', '/global/spend/reset')).toMatchObject({ status: 405 });
  });
});
