/** Budgets that come into force after the spending, for every kind of owner at once: meters and ledger agree to the last 1e-12 USD. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseUsd } from '../../lib/domain/money.ts';
import { reconcile } from '../../lib/money/reconcile.ts';
import { readMeter } from '../../lib/money/shards.ts';
import { open } from '../../lib/stores/memory/index.ts';
import { createAdmin, NOW } from '../functions/admin/support.ts';
import { startDynoxide, type Emulator } from '../support/dynoxide.ts';

const DAY = 86_400_000;
let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

describe.each(['memory', 'dynamodb'])('budgets of every owner on %s', (where) => {
  it('find what was spent, and the books agree', async () => {
    const stores = where === 'memory' ? open() : emulator.stores;
    const admin = createAdmin({ ...stores, random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)) });
    const call = async (path: string, body: object, method = 'POST'): Promise<Record<string, unknown>> => {
      const answer = await admin.call(method, path, { body });
      expect(answer.status, `${path}: ${JSON.stringify(answer.body)}`).toBe(200);
      return answer.body;
    };
    await call('/organization/new', { organization_id: 'o', organization_alias: 'O' });
    await call('/team/new', { team_id: 't', organization_id: 'o', members_with_roles: [{ user_id: 'u' }] });
    await call('/organization/member_add', { organization_id: 'o', member: { user_id: 'u', role: 'internal_user' } });
    await call('/project/new', { project_id: 'p', team_id: 't' });
    await call('/customer/new', { user_id: 'c' });
    await call('/tag/new', { name: 'tag' });
    const { token: keyHash } = await call('/key/generate', { team_id: 't', user_id: 'u' });
    await call('/budget/new', { budget_id: 'shared', rpm_limit: 100 });
    await call('/user/update', { user_id: 'u', budget_id: 'shared' });

    const owner = {
      keyHash: String(keyHash),
      teamId: 't',
      userId: 'u',
      organizationId: 'o',
      projectId: 'p',
      endUser: 'c',
      tags: ['tag'],
    };
    for (let index = 0; index < 12; index++) {
      const { teamId: _team, ...personal } = owner;
      const at = NOW + 4 * DAY - (index + 1) * (DAY / 8);
      await admin.spend({
        ...(index % 3 === 0 ? personal : owner),
        id: `${where}-${index}`,
        at,
        endedAt: at,
        modelGroup: index % 2 === 0 ? 'openai/gpt-4o' : 'claude',
        cost: parseUsd('0.000000000001') + BigInt(index),
      });
    }

    admin.clock.now = NOW + 4 * DAY;
    const limits = {
      max_budget: 50,
      budget_duration: '3d',
      budget_limits: [{ budget_duration: '1mo', max_budget: 90 }],
      model_max_budget: { 'openai/*': { max_budget: 5, budget_duration: '1d' }, claude: 4 },
    };
    const aligned = { ...limits, budget_alignment: 'calendar' };
    await call('/organization/update', { organization_id: 'o', ...aligned }, 'PATCH');
    await call('/team/update', { team_id: 't', team_member_budget: 20, ...aligned });
    await call('/organization/member_update', { organization_id: 'o', user_id: 'u', max_budget_in_organization: 9 }, 'PATCH');
    await call('/project/update', { project_id: 'p', ...aligned });
    await call('/customer/update', { user_id: 'c', max_budget: 3 });
    await call('/tag/update', { name: 'tag', ...aligned });
    await call('/key/update', { key: keyHash, ...aligned });
    await call('/budget/update', { budget_id: 'shared', max_budget: 30 });

    const books = await reconcile({
      stores,
      readMeter: (id) => readMeter(stores.meters, id),
      settings: {},
      now: () => admin.clock.now + DAY / 144,
    });
    const wrong = books.checks.filter(({ difference }) => difference !== 0n);
    expect(wrong).toEqual([]);
    const kinds = books.checks
      .filter(({ what, counted }) => what === 'meter' && counted > 0n)
      .map(({ scope }) => scope.slice(0, scope.indexOf('#')));
    expect(new Set(kinds)).toEqual(
      new Set(['customer', 'key', 'member', 'organization', 'organization-member', 'project', 'tag', 'team', 'user']),
    );
  });
});
