/** Ways up that are closed: what somebody with some rights could do to get more of them, or to see what is others'. */
import { describe, expect, it } from 'vitest';
import { company, personOf } from './people.ts';
import { createAdmin, type Admin } from './support.ts';

async function start() {
  const admin = createAdmin();
  const secrets = await company(admin);
  const as = (who: keyof typeof secrets, method: string, path: string, body?: object) =>
    admin.call(method, path, { key: secrets[who], ...(body === undefined ? {} : { body }) });
  return { admin, secrets, as };
}

const made = async (admin: Admin, body: object): Promise<string> => {
  const { status, body: answer } = await admin.call('POST', '/key/generate', { body });
  if (status !== 200) throw new Error(JSON.stringify(answer));
  return String(answer['token']);
};

describe('an alias', () => {
  it('is no way around the models of a key that others made', async () => {
    const { admin, as } = await start();
    const key = await made(admin, { user_id: 'mia', models: ['gpt-4o'] });
    expect(await as('member', 'POST', '/key/update', { key, aliases: { 'gpt-4o': 'o1' } })).toMatchObject({ status: 403 });
    expect(await as('member', 'POST', '/key/update', { key, key_alias: 'mine' })).toMatchObject({ status: 200 });
  });

  it('is no way around the models of a team or an organization for its own admin', async () => {
    const { as } = await start();
    const aliases = { model_aliases: { 'gpt-4o': 'o1' } };
    expect(await as('team_admin', 'POST', '/team/update', { team_id: 'red', ...aliases })).toMatchObject({ status: 403 });
    expect(await as('org_admin', 'POST', '/team/update', { team_id: 'red', ...aliases })).toMatchObject({ status: 200 });
    expect(await as('org_admin', 'PATCH', '/organization/update', { organization_id: 'acme', ...aliases })).toMatchObject({
      status: 403,
    });
  });
});

describe('a key that was blocked', () => {
  it('is not let go by its owner, by whatever route', async () => {
    const { admin, as } = await start();
    const own = await as('member', 'POST', '/key/generate', {});
    const key = own.body['token'];
    await admin.call('POST', '/key/block', { body: { key } });
    for (const path of ['/key/unblock', '/key/update', '/key/regenerate']) {
      expect(await as('member', 'POST', path, { key, blocked: false }), path).toMatchObject({ status: 403 });
    }
    expect(await admin.call('GET', `/key/info?key=${String(key)}`)).toMatchObject({ body: { info: { blocked: true } } });
  });
});

describe('a key of a team', () => {
  it('is in no other organization and no other team’s project, where the limits of its own would not hold', async () => {
    const { admin, secrets, as } = await start();
    await admin.call('POST', '/organization/new', { body: { organization_id: 'other', organization_alias: 'Other' } });
    const member = { user_id: 'olga', role: 'org_admin' };
    await admin.call('POST', '/organization/member_add', { body: { organization_id: 'other', member } });
    await admin.call('POST', '/team/new', { body: { team_id: 'pink', organization_id: 'acme', models: ['gpt-4o'] } });
    await admin.call('POST', '/project/new', { body: { project_id: 'sketch', team_id: 'pink' } });
    const strange = { status: 403, body: { error: { param: 'organization_id' } } };

    expect(await as('org_admin', 'POST', '/key/generate', { team_id: 'red', organization_id: 'other' })).toMatchObject(strange);
    const { body } = await as('org_admin', 'POST', '/key/generate', { organization_id: 'other' });
    expect(await as('org_admin', 'POST', '/key/update', { key: body['token'], team_id: 'red' })).toMatchObject(strange);
    const ofProject = await admin.call('POST', '/key/generate', {
      key: secrets.org_admin,
      body: { team_id: 'pink', project_id: 'sketch' },
    });
    expect(ofProject).toMatchObject({ status: 200 });
    for (const team of ['red', null]) {
      const moved = await as('org_admin', 'POST', '/key/update', { key: ofProject.body['token'], team_id: team });
      expect(moved).toMatchObject({ status: 403, body: { error: { param: 'project_id' } } });
    }
    expect(await as('org_admin', 'POST', '/key/generate', { team_id: 'red', organization_id: 'acme' })).toMatchObject({
      status: 200,
    });
  });
});

describe('a key of an organization', () => {
  it('spends the budget of nobody who is no member there', async () => {
    const { as } = await start();
    const body = { organization_id: 'acme', user_id: 'sam', key_type: 'llm_api' };
    const refused = { status: 403, body: { error: { param: 'team_id' } } };
    expect(await as('org_admin', 'POST', '/key/generate', body)).toMatchObject(refused);
    const own = await as('org_admin', 'POST', '/key/generate', { organization_id: 'acme', key_type: 'llm_api' });
    const given = { key: own.body['token'], user_id: 'sam' };
    expect(await as('org_admin', 'POST', '/key/update', given)).toMatchObject(refused);
  });

  it('spends no budget of a member either: it is made and changed for others on a team alone', async () => {
    const { admin, as } = await start();
    await as('org_admin', 'POST', '/organization/member_add', {
      organization_id: 'acme',
      member: { user_id: 'mia', role: 'internal_user' },
    });
    const body = { organization_id: 'acme', user_id: 'mia', key_type: 'llm_api' };
    const refused = {
      status: 403,
      body: { error: { param: 'team_id', message: expect.stringContaining('spends the budget of that user') } },
    };
    expect(await as('org_admin', 'POST', '/key/generate', body)).toMatchObject(refused);
    const own = await as('org_admin', 'POST', '/key/generate', { organization_id: 'acme', key_type: 'llm_api' });
    const key = own.body['token'];
    expect(await as('org_admin', 'POST', '/key/update', { key, user_id: 'mia' })).toMatchObject(refused);

    const ofTeam = await as('org_admin', 'POST', '/key/generate', { ...body, team_id: 'red' });
    expect(ofTeam).toMatchObject({ status: 200, body: { user_id: 'mia', team_id: 'red' } });
    const taken = { key: ofTeam.body['token'], team_id: null };
    expect(await as('org_admin', 'POST', '/key/update', taken)).toMatchObject(refused);

    const personal = await as('proxy_admin', 'POST', '/key/generate', body);
    expect(personal).toMatchObject({ status: 200, body: { user_id: 'mia', team_id: null } });
    const named = { key: personal.body['token'] };
    expect(await as('org_admin', 'POST', '/key/regenerate', named)).toMatchObject(refused);
    expect(await as('org_admin', 'POST', '/key/update', { ...named, rpm_limit: 5 })).toMatchObject(refused);
    expect(await as('org_admin', 'POST', '/key/block', named)).toMatchObject({ status: 200 });
    expect(await as('org_admin', 'POST', '/key/update', { ...named, team_id: 'red' })).toMatchObject({ status: 200 });
    expect(await admin.deps.keys.get(String(named.key))).toMatchObject({ userId: 'mia', teamId: 'red' });
  });
});

describe('a change that is refused', () => {
  it('has opened no budget before, and tells nothing of the team it names', async () => {
    const { admin, as } = await start();
    const { body } = await as('proxy_admin', 'POST', '/key/generate', { team_id: 'red' });
    await admin.spend({ keyHash: String(body['token']), teamId: 'red', cost: 5n });
    const changed: string[] = [];
    const change = admin.deps.meters.change.bind(admin.deps.meters);
    Object.assign(admin.deps.meters, {
      change: async (...given: Parameters<typeof change>) => {
        changed.push(given[0]);
        return change(...given);
      },
    });
    await as('proxy_admin', 'POST', '/team/update', { team_id: 'red', team_member_key_duration: '1d' });

    for (const asked of [{ max_budget: 9 }, { models: ['secret'] }, { budget_id: 'none' }]) {
      const update = { key: body['token'], ...asked };
      expect(await as('stranger', 'POST', '/key/update', update)).toMatchObject({ status: 403 });
      expect(await as('stranger', 'POST', '/key/regenerate', update)).toMatchObject({ status: 403 });
    }
    const stolen = { team_id: 'red', models: ['secret'], duration: '99d' };
    expect(await as('stranger', 'POST', '/key/generate', stolen)).toMatchObject({ status: 403 });
    expect(changed).toEqual([]);
  });
});

describe('a key that a team admin makes for somebody else', () => {
  const body = { team_id: 'red', key_type: 'llm_api' };
  const refused = { status: 403, body: { error: { param: 'user_id' } } };

  it('is for members of the team: it takes from the rates of its user', async () => {
    const { as } = await start();
    for (const person of ['team_admin', 'org_admin'] as const) {
      expect(await as(person, 'POST', '/key/generate', { ...body, user_id: 'sam' })).toMatchObject(refused);
    }
    const own = await as('team_admin', 'POST', '/key/generate', body);
    expect(await as('team_admin', 'POST', '/key/update', { key: own.body['token'], user_id: 'sam' })).toMatchObject(refused);
    expect(await as('team_admin', 'POST', '/key/generate', { ...body, user_id: 'mia' })).toMatchObject({ status: 200 });
    expect(await as('proxy_admin', 'POST', '/key/generate', { ...body, user_id: 'sam' })).toMatchObject({ status: 200 });
  });

  it('may name whom nobody knows', async () => {
    const { as } = await start();
    expect(await as('team_admin', 'POST', '/key/generate', { ...body, user_id: 'somebody' })).toMatchObject({ status: 200 });
  });
});

describe('the id of a team that is gone', () => {
  it('is no way for an org admin into what was spent under it', async () => {
    const { admin, as } = await start();
    await admin.spend({ id: 'theirs', teamId: 'gone' });
    const team = { team_id: 'gone', organization_id: 'acme' };
    expect(await as('org_admin', 'POST', '/team/new', { ...team, models: ['gpt-4o'] })).toMatchObject({
      status: 409,
      body: { error: { param: 'team_id' } },
    });
    expect(await as('org_admin', 'GET', '/spend/logs?team_id=gone')).toMatchObject({ status: 403 });
    expect(await as('proxy_admin', 'POST', '/team/new', { ...team, models: ['gpt-4o'] })).toMatchObject({ status: 200 });
  });
});

describe('the id of a project', () => {
  const body = { project_id: 'theirs', team_id: 'red' };
  const refused = { status: 409, body: { error: { param: 'project_id' } } };

  it('is no way into what was spent under it by a team that had it before', async () => {
    const { admin, as } = await start();
    await admin.call('POST', '/project/new', { body: { project_id: 'theirs', team_id: 'blue' } });
    await admin.spend({ teamId: 'blue', projectId: 'theirs' });
    await admin.call('DELETE', '/project/delete', { body: { project_ids: ['theirs'] } });
    expect(await as('team_admin', 'POST', '/project/new', body)).toMatchObject(refused);
    expect(await as('org_admin', 'POST', '/project/new', body)).toMatchObject(refused);
    expect(await as('proxy_admin', 'POST', '/project/new', body)).toMatchObject({ status: 200 });
  });

  it('is no hold on keys of others that still name it', async () => {
    const { admin, as } = await start();
    await admin.call('POST', '/project/new', { body: { project_id: 'theirs', team_id: 'blue' } });
    await admin.call('POST', '/key/generate', { body: { team_id: 'blue', project_id: 'theirs' } });
    await admin.deps.projects.delete('theirs');
    expect(await as('team_admin', 'POST', '/project/new', { ...body, blocked: true })).toMatchObject(refused);
  });
});

describe('the id of a user that is no record yet', () => {
  it.each(['keys that name it', 'what was spent under it'])('is no way for an org admin to %s', async (what) => {
    const { admin, as } = await start();
    if (what.startsWith('keys')) await admin.call('POST', '/key/generate', { body: { user_id: 'bob' } });
    else await admin.spend({ userId: 'bob' });
    const body = { user_id: 'bob', organizations: ['acme'], auto_create_key: false, blocked: true };
    expect(await as('org_admin', 'POST', '/user/new', body)).toMatchObject({
      status: 409,
      body: { error: { param: 'user_id' } },
    });
    expect(await as('proxy_admin', 'POST', '/user/new', body)).toMatchObject({ status: 200 });
  });
});

describe('an old secret', () => {
  it('is no way back into the figures of the key that got another', async () => {
    const { admin, as } = await start();
    const secret = 'sk-that-somebody-else-knows';
    await admin.call('POST', '/key/generate', { body: { key: secret, user_id: 'tom' } });
    await admin.call('POST', '/key/regenerate', { body: { key: secret } });
    expect(await as('member', 'POST', '/key/generate', { key: secret })).toMatchObject({
      status: 409,
      body: { error: { param: 'key' } },
    });
  });
});

describe('metadata', () => {
  it.each(['model_rpm_limit', 'model_tpm_limit'])('is no way for a user to give itself a %s', async (name) => {
    const { admin, as } = await start();
    await admin.call('POST', '/user/update', { body: { user_id: 'mia', [name]: { 'gpt-4o': 1 } } });
    const body = { user_id: 'mia', metadata: { [name]: { 'gpt-4o': 1_000_000 } } };
    expect(await as('member', 'POST', '/user/update', body)).toMatchObject({ status: 403 });
    const { body: row } = await as('member', 'GET', '/v2/user/info');
    expect(row[name]).toEqual({ 'gpt-4o': 1 });
    expect(await as('member', 'POST', '/user/update', { user_id: 'mia', metadata: { desk: 7 } })).toMatchObject({
      status: 200,
    });
  });

  it.each([
    ['/team/update', { team_id: 'red' }, 'team_admin'],
    ['/key/update', { key: 'mias' }, 'member'],
  ] as const)('is no way past the limits that %s keeps from them', async (path, named, person) => {
    const { admin, as } = await start();
    await admin.call('POST', '/key/generate', { body: { user_id: 'mia', key: 'sk-mias-own-secret' } });
    const body = { ...named, ...('key' in named ? { key: 'sk-mias-own-secret' } : {}) };
    for (const metadata of [{ model_rpm_limit: { m: 9 } }, { max_budget_per_session: 9 }]) {
      if (path === '/team/update' && 'max_budget_per_session' in metadata) continue;
      const { status } = await as(person, 'POST', path, { ...body, metadata });
      expect([400, 403]).toContain(status);
    }
  });
});

describe('an e-mail', () => {
  it('is not taken by a user for itself: people are found by it', async () => {
    const { as } = await start();
    const change = (more: object) => as('member', 'POST', '/user/update', { user_id: 'mia', ...more });
    expect(await change({ user_email: 'boss@acme.example' })).toMatchObject({ status: 403 });
    expect(await as('proxy_admin', 'POST', '/user/update', { user_id: 'mia', user_email: 'mia@acme.example' })).toMatchObject({
      status: 200,
    });
    expect(await change({ user_email: 'mia@acme.example', user_alias: 'Mia' })).toMatchObject({ status: 200 });
  });
});

describe('a user', () => {
  it('is never called like those who are none: what it did would look like theirs, and keys they made like its own', async () => {
    const { as } = await start();
    for (const id of ['master', 'keeper', 'gateway', 'token']) {
      const refused = { status: 400, body: { error: { param: 'user_id' } } };
      const member = { user_id: id, role: 'user' };
      expect(await as('team_admin', 'POST', '/team/member_add', { team_id: 'red', member }), id).toMatchObject(refused);
      expect(await as('org_admin', 'POST', '/user/new', { user_id: id, organizations: ['acme'] }), id).toMatchObject(refused);
    }
  });
});

describe('people of others', () => {
  it('are not told to the admin of a team that adds everybody', async () => {
    const { as } = await start();
    for (const who of ['team_admin', 'org_admin'] as const) {
      const answer = await as(who, 'POST', '/team/bulk_member_add', { team_id: 'red', all_users: true });
      expect(answer.status, who).toBe(403);
      expect(JSON.stringify(answer.body)).not.toContain('sam');
    }
  });

  it('are seen by an org admin without the keys and teams that are none of its own', async () => {
    const { admin, as } = await start();
    await admin.call('POST', '/team/member_add', { body: { team_id: 'blue', member: { user_id: 'sam', role: 'user' } } });
    await made(admin, { user_id: 'sam', team_id: 'blue' });
    const theirs = await made(admin, { user_id: 'sam', team_id: 'red' });
    await as('org_admin', 'POST', '/organization/member_add', {
      organization_id: 'acme',
      member: { user_id: 'sam', role: 'internal_user' },
    });
    const { body } = await as('org_admin', 'GET', '/user/info?user_id=sam');
    expect(body['keys']).toMatchObject([{ token: theirs }]);
    expect(body['teams']).toEqual([]);
    expect((await as('stranger', 'GET', '/user/info')).body).toMatchObject({ teams: [{ team_id: 'blue' }] });
    expect((await as('stranger', 'GET', '/user/info')).body['keys']).toHaveLength(3);
  });
});

describe('what a team spends', () => {
  const ROUTES = [
    ['/spend/logs', '/spend/logs?team_id=red'],
    ['/spend/logs', '/spend/logs/v2?team_id=red'],
    ['/team/daily/activity', '/team/daily/activity?team_ids=red&start_date=2026-11-01&end_date=2026-11-30'],
    ['/team/daily/activity', '/team/spend/report?team_id=red&start_date=2026-11-01&end_date=2026-11-30'],
  ] as const;

  for (const [permission, route] of ROUTES) {
    it(`is for its admins, and for members as the team permits: ${route}`, async () => {
      const { as } = await start();
      for (const who of ['proxy_admin_viewer', 'org_admin', 'team_admin', 'viewer_member'] as const) {
        expect((await as(who, 'GET', route)).status, who).toBe(200);
      }
      for (const who of ['member', 'stranger'] as const) expect((await as(who, 'GET', route)).status, who).toBe(403);
      await as('team_admin', 'POST', '/team/permissions_update', { team_id: 'red', team_member_permissions: [permission] });
      expect((await as('member', 'GET', route)).status).toBe(200);
      expect((await as('stranger', 'GET', route)).status).toBe(403);
    });
  }

  it('is seen by a key of the team that is nobody’s', async () => {
    const { admin } = await start();
    const { body } = await admin.call('POST', '/key/service-account/generate', { body: { team_id: 'red' } });
    expect((await admin.call('GET', '/spend/logs?team_id=red', { key: String(body['key']) })).status).toBe(200);
  });

  it('is its organization’s business, but not that of every member there', async () => {
    const { admin, as } = await start();
    const secret = await personOf(admin, 'ines', 'internal_user');
    const member = { user_id: 'ines', role: 'internal_user' };
    await admin.call('POST', '/organization/member_add', { body: { organization_id: 'acme', member } });
    const route = '/spend/logs?organization_id=acme';
    expect((await admin.call('GET', route, { key: secret })).status).toBe(403);
    expect((await as('org_admin', 'GET', route)).status).toBe(200);
  });
});

describe('the row of a key', () => {
  it('is shown to members of its team as the team permits', async () => {
    const { admin, as } = await start();
    const key = await made(admin, { team_id: 'red', user_id: 'tom' });
    expect((await as('member', 'GET', `/key/info?key=${key}`)).status).toBe(200);
    await as('team_admin', 'POST', '/team/permissions_update', { team_id: 'red', team_member_permissions: [] });
    expect((await as('member', 'GET', `/key/info?key=${key}`)).status).toBe(403);
    expect((await as('viewer_member', 'GET', `/key/info?key=${key}`)).status).toBe(200);
  });
});

describe('a body', () => {
  it('with names from the prototype of objects is refused like any other', async () => {
    const { admin } = await start();
    for (const name of ['constructor', 'toString', '__proto__']) {
      const raw = `{"team_id": "red", "${name}": 1}`;
      expect(await admin.call('POST', '/team/update', { raw }), name).toMatchObject({ status: 400 });
    }
  });
});
