/** What happens between the steps of a change: owners that go while keys are made, records that move while somebody changes them. */
import { describe, expect, it } from 'vitest';
import { hashSecret } from '../../../lib/domain/key.ts';
import { company } from './people.ts';
import { createAdmin, type Admin } from './support.ts';

async function made(admin: Admin, path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await admin.call('POST', path, { body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

/** Does something once, right before a step of a store. */
function before(store: object, step: string, meanwhile: () => Promise<unknown>): void {
  const run = (store as Record<string, (...given: readonly unknown[]) => unknown>)[step]?.bind(store);
  let due = true;
  Object.assign(store, {
    [step]: async (...given: readonly unknown[]) => {
      if (due) {
        due = false;
        await meanwhile();
      }
      return run?.(...given);
    },
  });
}

const LATE = 'sk-made-in-the-last-moment';

describe('a key that is made while its owner goes', () => {
  const owners = [
    {
      owner: 'user',
      records: [['/user/new', { user_id: 'u', auto_create_key: false, max_budget: 1 }]],
      key: { user_id: 'u' },
      step: (admin: Admin, late: () => Promise<unknown>) => before(admin.deps.users, 'delete', late),
      gone: ['POST', '/user/delete', { user_ids: ['u'] }],
    },
    {
      owner: 'organization',
      records: [['/organization/new', { organization_id: 'o', organization_alias: 'O', max_budget: 1 }]],
      key: { organization_id: 'o' },
      step: (admin: Admin, late: () => Promise<unknown>) => before(admin.deps.organizations, 'delete', late),
      gone: ['DELETE', '/organization/delete', { organization_ids: ['o', 'o'] }],
    },
    {
      owner: 'membership',
      records: [
        ['/user/new', { user_id: 'u', auto_create_key: false }],
        ['/team/new', { team_id: 't', members_with_roles: [{ user_id: 'u' }], team_member_budget: 1 }],
      ],
      key: { team_id: 't', user_id: 'u' },
      step: (admin: Admin, late: () => Promise<unknown>) => before(admin.deps.members, 'delete', late),
      gone: ['POST', '/team/member_delete', { team_id: 't', user_id: 'u' }],
    },
  ] as const;

  it.each(owners)('goes with its $owner: it would have no limits but its own', async ({ records, key, step, gone }) => {
    const admin = createAdmin();
    for (const [path, body] of records) await made(admin, path, body);
    step(admin, () => made(admin, '/key/generate', { ...key, key: LATE }));
    const [method, path, body] = gone;
    expect(await admin.call(method, path, { body })).toMatchObject({ status: 200 });
    expect(await admin.deps.keys.get(hashSecret(LATE))).toBeUndefined();
  });

  it('keeps its project there, whose limits it has, and those of the team behind', async () => {
    const admin = createAdmin();
    await made(admin, '/team/new', { team_id: 't', max_budget: 1 });
    await made(admin, '/project/new', { project_id: 'p', team_id: 't' });
    const deletion = () => admin.call('DELETE', '/project/delete', { body: { project_ids: ['p'] } });
    const refused = {
      status: 400,
      body: { error: { param: 'project_ids', message: expect.stringContaining("'p' has 1 key") } },
    };
    before(admin.deps.projects, 'delete', () => made(admin, '/key/generate', { project_id: 'p', key: LATE }));

    expect(await deletion()).toMatchObject(refused);
    expect(await admin.deps.projects.get('p')).toMatchObject({ teamId: 't' });
    expect(await deletion()).toMatchObject(refused);
    await made(admin, '/key/delete', { keys: [LATE] });
    expect(await deletion()).toMatchObject({ status: 200 });
  });
});

describe('a team that moves to another organization', () => {
  it.each([
    ['/team/update', { max_budget: 50 }],
    ['/team/block', {}],
    ['/team/model/add', { models: ['gpt-4o'] }],
    ['/team/permissions_update', { team_member_permissions: ['/key/list'] }],
    ['/team/red/disable_logging', {}],
  ])('is not changed by who managed it a moment ago: %s', async (path, body) => {
    const admin = createAdmin();
    const { org_admin: key } = await company(admin);
    await made(admin, '/organization/new', { organization_id: 'other', organization_alias: 'Other' });
    before(admin.deps.teams, 'replace', () => made(admin, '/team/update', { team_id: 'red', organization_id: 'other' }));

    const answer = await admin.call('POST', path, { key, body: { team_id: 'red', ...body } });

    expect(answer).toMatchObject({ status: 403 });
    const { maxBudget, blocked, memberPermissions } = (await admin.deps.teams.get('red')) ?? {};
    expect({ maxBudget, blocked, memberPermissions }).not.toMatchObject({ blocked: true });
    expect(maxBudget).toBeUndefined();
    expect(memberPermissions).not.toEqual(['/key/list']);
  });
});

it.each(['block', 'unblock'])(
  'a key that moves to another team is not changed by who managed it a moment ago: %s',
  async (what) => {
    const admin = createAdmin();
    const { org_admin: key } = await company(admin);
    await made(admin, '/key/generate', { team_id: 'red', key: LATE });
    if (what === 'unblock') await made(admin, '/key/block', { key: LATE });
    before(admin.deps.keys, 'replace', () => made(admin, '/key/update', { key: LATE, team_id: 'blue' }));

    expect(await admin.call('POST', `/key/${what}`, { key, body: { key: LATE } })).toMatchObject({ status: 403 });

    expect(await admin.deps.keys.get(hashSecret(LATE))).toMatchObject({ teamId: 'blue', blocked: what === 'unblock' });
  },
);

it('a customer is blocked only under a name that calls can have', async () => {
  const admin = createAdmin();
  const answer = await admin.call('POST', '/customer/block', { body: { user_ids: ['界'.repeat(72)] } });
  expect(answer).toMatchObject({ status: 400, body: { error: { param: 'user_ids[0]' } } });
});

it('an access group is given to the key that took the place of the one named', async () => {
  const admin = createAdmin();
  await made(admin, '/key/generate', { key: LATE });
  const { token } = await made(admin, '/key/regenerate', { key: LATE, grace_period: '1d' });
  await made(admin, '/v1/access_group', {
    access_group_name: 'fast',
    access_model_names: ['gpt-4o'],
    assigned_key_ids: [hashSecret(LATE)],
  });
  expect(await admin.deps.keys.get(String(token))).toMatchObject({ accessGroups: ['fast'] });
  const { items } = await admin.deps.audit.list({ limit: 9 });
  expect(items).toContainEqual(expect.objectContaining({ kind: 'key', recordId: token, action: 'updated' }));
});

it('a list of projects looks at each team once, however many projects it has', async () => {
  const admin = createAdmin();
  const { member: key } = await company(admin);
  for (let index = 0; index < 20; index++) await made(admin, '/project/new', { project_id: `p${index}`, team_id: 'red' });
  let reads = 0;
  const get = admin.deps.teams.get.bind(admin.deps.teams);
  Object.assign(admin.deps.teams, {
    get: (...given: Parameters<typeof get>) => {
      reads += given[0] === 'red' ? 1 : 0;
      return get(...given);
    },
  });
  const { body } = await admin.call('GET', '/project/list', { key });
  expect(body['value']).toHaveLength(21);
  expect(reads).toBeLessThanOrEqual(2);
});
