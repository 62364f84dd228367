/** Keys through the management function: fields, grace periods, history, listings, and who may do what. */
import { describe, expect, it } from 'vitest';
import { budgetMeter } from '../../../lib/domain/budget.ts';
import { hashSecret, scopeOf } from '../../../lib/domain/key.ts';
import { parseUsd } from '../../../lib/domain/money.ts';
import type { Team } from '../../../lib/domain/team.ts';
import type { Role, User } from '../../../lib/domain/user.ts';
import { sweep } from '../../../lib/money/keeper.ts';
import { createAdmin, NOW, type Admin } from './support.ts';

const DAY = 86_400_000;
const base = {
  createdAt: NOW,
  updatedAt: NOW,
  metadata: {},
  rev: 1,
  budgetAnchor: NOW,
  blocked: false,
  models: [],
  aliases: {},
};
const aUser = (id: string, role: Role = 'internal_user', teams: readonly string[] = []): User => ({
  ...base,
  id,
  role,
  teams,
  organizations: [],
});
const aTeam = (id: string, over: Partial<Team> = {}): Team => ({
  ...base,
  id,
  tags: [],
  memberPermissions: [],
  accessGroups: [],
  ...over,
});

const start = (): Admin => createAdmin();

async function made(admin: Admin, body: object = {}, key?: string) {
  const answer = await admin.call('POST', '/key/generate', { body, ...(key === undefined ? {} : { key }) });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return { secret: String(answer.body['key']), hash: String(answer.body['token']), body: answer.body };
}
/** A user with a key of its own. */
async function userKey(admin: Admin, id: string, role?: Role, teams: readonly string[] = []): Promise<string> {
  await admin.deps.users.create(aUser(id, role, teams));
  for (const team of teams) {
    await admin.deps.members.put({ ...base, group: { kind: 'team', id: team }, userId: id, role: 'user' });
  }
  return (await made(admin, { user_id: id })).secret;
}

describe('fields of a key', () => {
  it('come back as they were given, and those that say nothing here are kept', async () => {
    const admin = start();
    await admin.call('POST', '/budget/new', { body: { budget_id: 'shared', max_budget: 9 } });
    await admin.call('POST', '/project/new', { body: { project_id: 'p' } });
    const given = {
      key_type: 'llm_api',
      allowed_routes: ['/v1/messages'],
      allowed_ips: ['10.0.0.0/8'],
      enforced_params: ['user'],
      access_group_ids: ['beta'],
      project_id: 'p',
      models: ['all-team-models'],
      budget_fallbacks: { large: ['small'] },
      soft_budget: 1,
      max_budget: 2,
      budget_id: 'shared',
      model_rpm_limit: { small: 3 },
      auto_rotate: true,
      rotation_interval: '30d',
      permissions: { get_spend_routes: true },
      allowed_cache_controls: ['no-cache'],
      object_permission: { mcp_servers: ['x'] },
      agent_id: 'a',
    };
    const { hash, body } = await made(admin, { ...given, metadata: { max_budget_per_session: 0.5, service_account_id: 's' } });
    expect(body).toMatchObject({
      ...given,
      created_by: 'master',
      service_account_id: 's',
      rotation_secret: `key/${hash}`,
      key_rotation_at: new Date(NOW + 30 * DAY).toISOString(),
    });
    expect(await admin.deps.keys.get(hash)).toMatchObject({
      type: 'llm_api',
      sessionBudget: parseUsd(0.5),
      serviceAccount: 's',
      accessGroups: ['beta'],
      kept: { agent_id: 'a' },
    });
    expect(await admin.deps.tasks.due(NOW + 30 * DAY, 5)).toMatchObject([{ kind: 'rotate', hash }]);

    const cleared = { key: hash, allowed_ips: null, agent_id: null, auto_rotate: false, metadata: {} };
    const updated = await admin.call('POST', '/key/update', { body: cleared });
    expect(updated.body).toMatchObject({ allowed_ips: [], auto_rotate: false, rotation_secret: null, key_type: 'llm_api' });
    expect(updated.body).not.toHaveProperty('agent_id');
    expect(await admin.deps.keys.get(hash)).not.toHaveProperty('sessionBudget');
  });

  it.each([
    [{ allowed_ips: ['10.0.0.0/33'] }, 'allowed_ips'],
    [{ key_type: 'root' }, 'key_type'],
    [{ auto_rotate: true }, 'rotation_interval'],
    [{ soft_budget: 2, max_budget: 1 }, 'soft_budget'],
    [{ metadata: { max_budget_per_session: 'much' } }, 'metadata.max_budget_per_session'],
  ])('are refused when they make no sense: %j', async (body, param) => {
    expect(await start().call('POST', '/key/generate', { body })).toMatchObject({ status: 400, body: { error: { param } } });
  });
});

describe('a regenerated key with a grace period', () => {
  it('is opened by both secrets until it ends, and has one record of its own', async () => {
    const admin = start();
    const { secret, hash } = await made(admin, { key_alias: 'app', max_budget: 10, spend: 1 });
    const answer = await admin.call('POST', `/key/${hash}/regenerate`, {
      body: { grace_period: '1h', max_budget: 4, new_key: 'sk-the-second-secret' },
    });
    expect(answer).toMatchObject({
      status: 200,
      body: { key: 'sk-the-second-secret', key_alias: 'app', max_budget: 4, spend: 1 },
    });
    const fresh = hashSecret('sk-the-second-secret');

    for (const one of [secret, 'sk-the-second-secret']) {
      expect(await admin.call('GET', '/key/info', { key: one })).toMatchObject({
        status: 200,
        body: { info: { token: fresh, max_budget: 4 } },
      });
    }
    expect((await admin.call('GET', '/key/list')).body).toMatchObject({ keys: [fresh], total_count: 1 });
    await admin.call('POST', '/key/block', { body: { key: secret } });
    expect(await admin.call('GET', '/key/info', { key: secret })).toMatchObject({ status: 401 });
    await admin.call('POST', '/key/unblock', { body: { key: secret } });
    admin.clock.now += 3_600_000;
    expect(await admin.call('GET', '/key/info', { key: secret })).toMatchObject({ status: 401 });
    expect(await admin.call('GET', '/key/info', { key: 'sk-the-second-secret' })).toMatchObject({ status: 200 });
  });

  it('ends with the key', async () => {
    const admin = start();
    const { secret, hash } = await made(admin);
    await admin.call('POST', `/key/${hash}/regenerate`, { body: { grace_period: '1h' } });
    await admin.call('POST', '/key/delete', { body: { keys: [secret] } });
    expect(await admin.call('GET', '/key/info', { key: secret })).toMatchObject({ status: 401 });
  });

  it('keeps its old secret and nothing else when a new alias is taken', async () => {
    const admin = start();
    await made(admin, { key_alias: 'taken' });
    const { secret, hash } = await made(admin, { key_alias: 'mine' });
    const body = { grace_period: '1h', key_alias: 'taken' };
    expect(await admin.call('POST', `/key/${hash}/regenerate`, { body })).toMatchObject({ status: 409 });
    expect(await admin.call('GET', '/key/info', { key: secret })).toMatchObject({
      body: { info: { token: hash, key_alias: 'mine' } },
    });
    expect((await admin.call('GET', '/key/list')).body).toMatchObject({ total_count: 2 });
  });
});

describe('/key/{key}/reset_spend', () => {
  it('leaves ledger and meters equal, of every window of the key, and of nobody else', async () => {
    const admin = start();
    await admin.deps.teams.create(aTeam('t'));
    const { hash } = await made(admin, {
      max_budget: 10,
      budget_limits: [{ budget_duration: '1d', max_budget: 5 }],
      spend: 3,
      team_id: 't',
    });
    const answer = await admin.call('POST', `/key/${hash}/reset_spend`, { body: { reset_to: 1 } });
    expect(answer).toMatchObject({ status: 200, body: { spend: 1, previous_spend: 3 } });

    const { items } = await admin.deps.ledger.list({ keyHash: hash, limit: 10 });
    expect(items.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n)).toBe(parseUsd(1));
    expect(items.find(({ route }) => route === '/key/reset_spend')).not.toHaveProperty('teamId');
    const key = await admin.deps.keys.get(hash);
    if (key === undefined) throw new Error('gone');
    for (const meter of [budgetMeter(key, NOW).meter, `key#${hash}#usd#1d#${NOW}`]) {
      expect(await admin.deps.meters.read(meter), meter).toMatchObject({ committed: { usd: parseUsd(1) }, holds: [] });
    }
  });

  it('refuses more than was spent, and those who do not manage the key', async () => {
    const admin = start();
    const { hash } = await made(admin, { max_budget: 10 });
    expect(await admin.call('POST', `/key/${hash}/reset_spend`, { body: { reset_to: 1 } })).toMatchObject({ status: 400 });
    const own = await userKey(admin, 'ann');
    expect(await admin.call('POST', `/key/${hashSecret(own)}/reset_spend`, { key: own, body: {} })).toMatchObject({
      status: 403,
    });
  });

  it('is finished by the keeper when it stops anywhere in the middle', async () => {
    for (const step of ['hold', 'record', 'settle'] as const) {
      for (const after of [false, true]) {
        const admin = start();
        const { hash } = await made(admin, { max_budget: 10, spend: 3 });
        /** The store, but for one method that fails: before it had an effect, or after. */
        const dying = <T extends object>(store: T, method: string): T =>
          new Proxy(store, {
            get: (target, name) => {
              const own: unknown = Reflect.get(target, name);
              if (name !== method || typeof own !== 'function') return own;
              return async (...given: unknown[]): Promise<never> => {
                if (after) await (own as (...all: unknown[]) => unknown).apply(target, given);
                throw new Error('died');
              };
            },
          });
        const { meters, ledger } = admin.deps;
        const broken = createAdmin({ ...admin.deps, meters: dying(meters, step), ledger: dying(ledger, step) });
        expect((await broken.call('POST', `/key/${hash}/reset_spend`, { body: {} })).status).toBe(500);
        const later = NOW + 120_000;
        await sweep({ meters, ledger, now: () => later, policy: 'hold', limit: 10, log: () => undefined });
        const { items } = await ledger.list({ keyHash: hash, limit: 10 });
        const key = await admin.deps.keys.get(hash);
        if (key === undefined) throw new Error('gone');
        const meter = await meters.read(budgetMeter(key, later).meter);
        expect(meter, `${step} ${after}`).toMatchObject({
          committed: { usd: items.reduce((sum, { cost }) => sum + (cost ?? 0n), 0n) },
          holds: [],
        });
      }
    }
  });
});

describe('what is left of a deleted key', () => {
  it('is listed with what it spent and who deleted it', async () => {
    const admin = start();
    const { hash } = await made(admin, { key_alias: 'old', spend: 2 });
    await admin.spend({ keyHash: hash, cost: parseUsd(1) });
    await admin.call('POST', '/key/delete', { body: { key_aliases: ['old'] } });
    const { body } = await admin.call('GET', '/key/list?status=deleted&return_full_object=true');
    expect(body).toMatchObject({
      total_count: 1,
      keys: [{ token: hash, key_alias: 'old', deleted_by: 'master', deleted_at: new Date(NOW).toISOString(), spend: 1 }],
    });
    expect((await admin.call('GET', '/key/list')).body).toMatchObject({ keys: [] });
  });
});

describe('many keys at once', () => {
  it('are updated each by itself', async () => {
    const admin = start();
    const { hash } = await made(admin);
    const body = {
      keys: [
        { key: hash, max_budget: 1 },
        { key: 'sk-not-there-at-all', max_budget: 1 },
        { key: hash, max_budget: -1 },
      ],
    };
    expect((await admin.call('POST', '/key/bulk_update', { body })).body).toMatchObject({
      total_requested: 3,
      successful_updates: [{ key: hash, key_info: { max_budget: 1 } }],
      failed_updates: [
        { failed_reason: expect.stringContaining('No key') },
        { failed_reason: expect.stringContaining('max_budget') },
      ],
    });
  });

  it('are shown by /v2/key/info and /key/aliases', async () => {
    const admin = start();
    const [one, two] = [await made(admin, { key_alias: 'b' }), await made(admin, { key_alias: 'a' })];
    expect(
      (await admin.call('POST', '/v2/key/info', { body: { keys: [one.secret, two.hash, 'f'.repeat(64)] } })).body,
    ).toMatchObject({
      info: [{ token: one.hash }, { token: two.hash }],
    });
    expect((await admin.call('GET', '/key/aliases')).body).toMatchObject({ aliases: ['a', 'b'], total_count: 2 });
    expect((await admin.call('GET', '/key/list?sort_by=key_alias&sort_order=asc')).body).toMatchObject({
      keys: [two.hash, one.hash],
    });
    expect(await admin.call('GET', '/key/list?sort_by=size')).toMatchObject({ status: 400 });
  });
});

describe('service accounts', () => {
  it('belong to a team and to nobody', async () => {
    const admin = start();
    await admin.deps.teams.create(aTeam('t'));
    const generate = (body: object) => admin.call('POST', '/key/service-account/generate', { body });
    expect(await generate({ team_id: 't', key_alias: 'ci' })).toMatchObject({
      status: 200,
      body: { user_id: null, team_id: 't', service_account_id: 'ci' },
    });
    expect(await generate({})).toMatchObject({ status: 400, body: { error: { param: 'team_id' } } });
    expect(await generate({ team_id: 'nowhere' })).toMatchObject({ status: 400 });
    expect(await generate({ team_id: 't', user_id: 'u' })).toMatchObject({
      status: 400,
      body: { error: { param: 'user_id' } },
    });
  });
});

describe('a user', () => {
  it('makes, sees and deletes keys of its own, and of nobody else', async () => {
    const admin = start();
    const ann = await userKey(admin, 'ann');
    const bob = await userKey(admin, 'bob');
    const own = await made(admin, { key_alias: 'mine', max_budget: 5 }, ann);
    expect(own.body).toMatchObject({ user_id: 'ann', created_by: 'ann' });
    expect(await admin.call('POST', '/key/generate', { key: ann, body: { user_id: 'bob' } })).toMatchObject({ status: 403 });
    expect(await admin.call('POST', '/key/generate', { key: ann, body: { spend: 1 } })).toMatchObject({ status: 403 });
    expect(await admin.call('POST', '/key/generate', { key: ann, body: { organization_id: 'o' } })).toMatchObject({
      status: 403,
    });

    expect(await admin.call('POST', '/key/update', { key: ann, body: { key: own.hash, max_budget: 6 } })).toMatchObject({
      status: 200,
    });
    for (const [method, path, body] of [
      ['POST', '/key/update', { key: own.hash, max_budget: 7 }],
      ['POST', '/key/block', { key: own.hash }],
      ['POST', '/key/regenerate', { key: own.hash }],
      ['POST', '/key/delete', { keys: [own.hash] }],
      ['GET', `/key/info?key=${own.hash}`, undefined],
    ] as const) {
      const { status } = await admin.call(method, path, { key: bob, body });
      expect([403, 404], path).toContain(status);
    }
    expect((await admin.call('GET', '/key/list', { key: ann })).body).toMatchObject({ total_count: 2 });
    expect((await admin.call('GET', '/key/list?user_id=ann', { key: bob })).body).toMatchObject({ total_count: 0 });
    expect(await admin.call('POST', '/key/delete', { key: ann, body: { keys: [own.hash] } })).toMatchObject({ status: 200 });
  });

  it('does not lift limits that others set on its key, and may give it another secret', async () => {
    const admin = start();
    await admin.deps.users.create(aUser('ann'));
    const { secret, hash } = await made(admin, { user_id: 'ann', max_budget: 1 });
    for (const body of [
      { max_budget: 9 },
      { models: [] },
      { duration: '-1' },
      { tags: [] },
      { team_id: 't' },
      { blocked: false },
      { allowed_ips: [] },
    ]) {
      expect(
        await admin.call('POST', '/key/update', { key: secret, body: { key: hash, ...body } }),
        JSON.stringify(body),
      ).toMatchObject({ status: 403 });
      expect(await admin.call('POST', '/key/regenerate', { key: secret, body: { key: hash, ...body } })).toMatchObject({
        status: 403,
      });
    }
    expect(await admin.call('POST', '/key/update', { key: secret, body: { key: hash, key_alias: 'mine' } })).toMatchObject({
      status: 200,
    });
    const fresh = await admin.call('POST', '/key/regenerate', { key: secret, body: { key: hash } });
    expect(fresh).toMatchObject({ status: 200, body: { max_budget: 1, key_alias: 'mine' } });
    const again = String(fresh.body['key']);
    expect(await admin.call('POST', '/key/block', { key: again, body: { key: again } })).toMatchObject({ status: 200 });
  });

  it('with a viewer’s role changes nothing', async () => {
    const admin = start();
    const secret = await userKey(admin, 'eve', 'internal_user_viewer');
    expect(await admin.call('POST', '/key/generate', { key: secret, body: {} })).toMatchObject({ status: 403 });
    expect(await admin.call('GET', '/key/list', { key: secret })).toMatchObject({ status: 200, body: { total_count: 1 } });
  });

  it('who is a proxy admin may do everything', async () => {
    const admin = start();
    const secret = await userKey(admin, 'root', 'proxy_admin');
    const { hash } = await made(admin, { user_id: 'x', spend: 1 }, secret);
    expect(await admin.call('POST', '/key/update', { key: secret, body: { key: hash, max_budget: 3 } })).toMatchObject({
      status: 200,
    });
    expect((await admin.call('GET', '/key/list', { key: secret })).body).toMatchObject({ total_count: 2 });
  });
});

describe('a member of a team', () => {
  it('makes keys of the team where the team permits that, for itself alone', async () => {
    const admin = start();
    await admin.deps.teams.create(aTeam('closed'));
    await admin.deps.teams.create(aTeam('open', { memberPermissions: ['/key/generate', '/key/list'] }));
    const ann = await userKey(admin, 'ann', 'internal_user', ['closed', 'open']);
    const generate = (body: object) => admin.call('POST', '/key/generate', { key: ann, body });
    expect(await generate({ team_id: 'closed' })).toMatchObject({ status: 403 });
    expect(await generate({ team_id: 'elsewhere' })).toMatchObject({ status: 403 });
    expect(await generate({ team_id: 'open', user_id: 'bob' })).toMatchObject({ status: 403 });
    const { body } = await generate({ team_id: 'open' });
    expect(body).toMatchObject({ team_id: 'open', user_id: 'ann' });
    expect(await admin.call('POST', '/key/update', { key: ann, body: { key: body['token'], max_budget: 1 } })).toMatchObject({
      status: 403,
    });
    await made(admin, { team_id: 'open', user_id: 'bob' });
    expect((await admin.call('GET', '/key/list?team_id=open', { key: ann })).body).toMatchObject({ total_count: 2 });
    expect((await admin.call('GET', '/key/list?team_id=closed', { key: ann })).body).toMatchObject({ total_count: 0 });
  });

  it('makes service accounts where the team permits that', async () => {
    const admin = start();
    await admin.deps.teams.create(aTeam('t', { memberPermissions: ['/key/service-account/generate'] }));
    const ann = await userKey(admin, 'ann', 'internal_user', ['t']);
    const generate = (body: object) => admin.call('POST', '/key/service-account/generate', { key: ann, body });
    expect(await generate({ team_id: 't' })).toMatchObject({ status: 200, body: { user_id: null, created_by: 'ann' } });
    expect(await admin.call('POST', '/key/generate', { key: ann, body: { team_id: 't' } })).toMatchObject({ status: 403 });
  });

  it('who is its admin gets no secret that would make it somebody else', async () => {
    const admin = start();
    await admin.deps.teams.create(aTeam('t'));
    await admin.deps.users.create(aUser('root', 'proxy_admin'));
    const boss = await userKey(admin, 'boss');
    await admin.deps.members.put({ ...base, group: { kind: 'team', id: 't' }, userId: 'boss', role: 'admin' });
    await admin.deps.members.put({ ...base, group: { kind: 'team', id: 't' }, userId: 'root', role: 'user' });
    const as = (path: string, body: object) => admin.call('POST', path, { key: boss, body });
    const refused = { status: 403, body: { error: { param: 'user_id' } } };

    for (const more of [
      {},
      { key_type: 'management' },
      { allowed_routes: ['/*'] },
      { allowed_routes: ['info_routes'] },
      { allowed_routes: ['llm_api_routes', '/key/info'] },
    ]) {
      expect(await as('/key/generate', { team_id: 't', user_id: 'root', ...more }), JSON.stringify(more)).toMatchObject(
        refused,
      );
    }
    const harmless = await as('/key/generate', { team_id: 't', user_id: 'root', key_type: 'llm_api' });
    expect(harmless).toMatchObject({ status: 200 });
    expect(await admin.call('GET', '/key/list', { key: String(harmless.body['key']) })).toMatchObject({ status: 403 });
    for (const body of [{ key_type: 'default' }, { allowed_routes: ['management_routes'] }]) {
      expect(await as('/key/update', { key: harmless.body['token'], ...body })).toMatchObject(refused);
    }
    const nobodys = await as('/key/generate', { team_id: 't', user_id: 'boss' });
    expect(await as('/key/update', { key: nobodys.body['token'], user_id: 'root' })).toMatchObject(refused);

    const theirs = await made(admin, { team_id: 't', user_id: 'root' });
    for (const body of [
      { key: theirs.hash },
      { key: theirs.hash, grace_period: '1h' },
      { key: theirs.hash, new_key: 'sk-chosen-by-the-boss' },
    ]) {
      expect(await as('/key/regenerate', body)).toMatchObject(refused);
    }
    expect(await as('/key/update', { key: theirs.hash, max_budget: 1 })).toMatchObject({ status: 200 });
    expect(await admin.call('GET', '/key/info', { key: theirs.secret })).toMatchObject({ status: 200 });
  });

  it('who is its admin manages its keys', async () => {
    const admin = start();
    for (const id of ['t', 'other']) await admin.deps.teams.create(aTeam(id));
    const boss = await userKey(admin, 'boss');
    await admin.deps.members.put({ ...base, group: { kind: 'team', id: 't' }, userId: 'boss', role: 'admin' });
    const { hash } = await made(admin, { team_id: 't', user_id: 'ann', blocked: true });
    expect(
      await admin.call('POST', '/key/update', { key: boss, body: { key: hash, max_budget: 1, models: ['a'] } }),
    ).toMatchObject({ status: 200 });
    expect(await admin.call('POST', '/key/unblock', { key: boss, body: { key: hash } })).toMatchObject({ status: 200 });
    expect(await admin.call('POST', `/key/${hash}/reset_spend`, { key: boss, body: {} })).toMatchObject({ status: 200 });
    const others = await made(admin, { team_id: 'other' });
    expect(await admin.call('POST', '/key/update', { key: boss, body: { key: others.hash, max_budget: 1 } })).toMatchObject({
      status: 403,
    });
    expect(scopeOf({ hash }).id).toBe(hash);
  });
});

describe("the operator's rules for keys", () => {
  const ruled = () =>
    createAdmin({ keyRules: { bounds: { max_budget: 10, duration: '30d' }, defaults: { tags: ['default'], max_budget: 5 } } });

  it('fill in what is not said: defaults, then bounds', async () => {
    const { body } = await made(ruled());
    expect(body).toMatchObject({ tags: ['default'], max_budget: 5, duration: '30d' });
    expect((await made(ruled(), { tags: ['own'], max_budget: 7, duration: '1d' })).body).toMatchObject({
      tags: ['own'],
      max_budget: 7,
      duration: '1d',
    });
  });

  it.each([
    [{ max_budget: 10.01 }, 'max_budget'],
    [{ duration: '2mo' }, 'duration'],
    [{ duration: '-1' }, 'duration'],
    [{ max_budget: 9, temp_budget_increase: 2, temp_budget_expiry: '2999-01-01' }, 'temp_budget_increase'],
  ])('refuse what is above a bound: %j', async (body, param) => {
    expect(await ruled().call('POST', '/key/generate', { body })).toMatchObject({ status: 400, body: { error: { param } } });
  });

  it('are not lifted by a change', async () => {
    const admin = ruled();
    const { hash } = await made(admin);
    const more = { temp_budget_increase: 100, temp_budget_expiry: '2999-01-01' };
    for (const body of [{ max_budget: null }, { max_budget: 11 }, { duration: '-1' }, more]) {
      expect(await admin.call('POST', '/key/update', { body: { key: hash, ...body } })).toMatchObject({ status: 400 });
      expect(await admin.call('POST', `/key/${hash}/regenerate`, { body })).toMatchObject({ status: 400 });
    }
    expect(await admin.call('POST', '/key/update', { body: { key: hash, max_budget: 10 } })).toMatchObject({ status: 200 });
    const within = { key: hash, ...more, max_budget: 8, temp_budget_increase: 2 };
    expect(await admin.call('POST', '/key/update', { body: within })).toMatchObject({ status: 200 });
  });
});
