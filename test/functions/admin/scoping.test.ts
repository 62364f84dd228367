/** Routes about a team or an organization, called by everybody: who gets what is written out here, one row a route. */
import { describe, expect, it } from 'vitest';
import { ROUTES } from '../../../functions/admin/routes.ts';
import { company, PEOPLE, type Person } from './people.ts';
import { createAdmin } from './support.ts';

const ADMINS: readonly Person[] = ['master', 'proxy_admin'];
const VIEWERS: readonly Person[] = [...ADMINS, 'proxy_admin_viewer'];
const ABOVE: readonly Person[] = [...ADMINS, 'org_admin'];
const TEAM_ADMINS: readonly Person[] = [...ABOVE, 'team_admin'];
const TEAM: readonly Person[] = [...VIEWERS, 'org_admin', 'team_admin', 'member', 'viewer_member'];
const ALL: readonly Person[] = PEOPLE;

type Row = readonly [method: string, path: string, body: object | undefined, allowed: readonly Person[]];

const ROWS: readonly Row[] = [
  ['POST', '/team/new', { organization_id: 'acme' }, ABOVE],
  ['POST', '/team/new', {}, ADMINS],
  ['POST', '/team/update', { team_id: 'red', team_alias: 'Rot' }, TEAM_ADMINS],
  ['POST', '/team/update', { team_id: 'red', max_budget: 5 }, ABOVE],
  ['POST', '/team/update', { team_id: 'red', models: ['gpt-4o'] }, ABOVE],
  ['POST', '/team/update', { team_id: 'red', organization_id: null }, ADMINS],
  ['POST', '/team/update', { team_id: 'blue', team_alias: 'Blau' }, ADMINS],
  ['PATCH', '/team/red', { team_member_budget: 2 }, TEAM_ADMINS],
  ['POST', '/team/delete', { team_ids: ['red'] }, ABOVE],
  ['GET', '/team/info?team_id=red', undefined, TEAM],
  ['GET', '/team/info?team_id=blue', undefined, VIEWERS],
  ['GET', '/team/list', undefined, ALL],
  ['GET', '/v2/team/list?page_size=5', undefined, ALL],
  ['GET', '/v2/team/list?status=deleted', undefined, VIEWERS],
  ['GET', '/team/available', undefined, ALL],
  ['GET', '/team/metadata_schema', undefined, ALL],
  ['POST', '/team/block', { team_id: 'red' }, ABOVE],
  ['POST', '/team/unblock', { team_id: 'red' }, ABOVE],
  ['POST', '/team/member_add', { team_id: 'red', member: { user_id: 'new', role: 'user' } }, TEAM_ADMINS],
  ['POST', '/team/bulk_member_add', { team_id: 'red', members: [{ user_id: 'new' }] }, TEAM_ADMINS],
  ['POST', '/team/member_update', { team_id: 'red', user_id: 'mia', max_budget_in_team: 1 }, TEAM_ADMINS],
  ['POST', '/team/member_delete', { team_id: 'red', user_id: 'mia' }, TEAM_ADMINS],
  ['POST', '/team/red/member/mia/reset_spend', { reset_to: 0 }, TEAM_ADMINS],
  ['POST', '/team/reset_budget', { team_id: 'red' }, ABOVE],
  ['POST', '/team/reset_budget', { team_id: 'blue' }, ADMINS],
  ['GET', '/team/red/callback', undefined, TEAM],
  ['POST', '/team/red/callback', { callback_name: '' }, TEAM_ADMINS],
  ['POST', '/team/red/disable_logging', undefined, TEAM_ADMINS],
  ['POST', '/team/model/add', { team_id: 'red', models: ['openai/o3'] }, ABOVE],
  ['POST', '/team/model/delete', { team_id: 'red', models: ['none'] }, ABOVE],
  ['GET', '/team/permissions_list?team_id=red', undefined, TEAM],
  ['POST', '/team/permissions_update', { team_id: 'red', team_member_permissions: [] }, TEAM_ADMINS],
  ['POST', '/team/permissions_bulk_update', { team_ids: ['red'], permissions: ['/key/info'] }, ADMINS],
  ['POST', '/team/key/bulk_update', { team_id: 'red', all_keys_in_team: true, update_fields: { rpm_limit: 5 } }, TEAM_ADMINS],
  ['POST', '/organization/new', { organization_alias: 'New' }, ADMINS],
  ['PATCH', '/organization/update', { organization_id: 'acme', organization_alias: 'A' }, ABOVE],
  ['PATCH', '/organization/update', { organization_id: 'acme', max_budget: 1000 }, ADMINS],
  ['DELETE', '/organization/delete', { organization_ids: ['acme'] }, ADMINS],
  ['GET', '/organization/info?organization_id=acme', undefined, [...VIEWERS, 'org_admin']],
  ['POST', '/organization/info', { organizations: ['acme'] }, ALL],
  ['GET', '/organization/list', undefined, ALL],
  ['POST', '/organization/member_add', { organization_id: 'acme', member: { user_id: 'new', role: 'internal_user' } }, ABOVE],
  ['PATCH', '/organization/member_update', { organization_id: 'acme', user_id: 'olga', role: 'org_admin' }, ABOVE],
  ['DELETE', '/organization/member_delete', { organization_id: 'acme', user_id: 'olga' }, ABOVE],
  ['POST', '/user/new', { user_id: 'new', organizations: ['acme'], auto_create_key: false }, ABOVE],
  ['POST', '/user/new', { user_id: 'new', auto_create_key: false }, ADMINS],
  ['POST', '/user/new', { user_id: 'new', organizations: ['acme'], user_role: 'proxy_admin' }, ADMINS],
  ['POST', '/user/update', { user_id: 'mia', user_alias: 'M' }, [...ADMINS, 'member']],
  ['POST', '/user/update', { user_id: 'mia', user_email: 'olga@acme.example' }, ADMINS],
  ['POST', '/user/update', { user_id: 'mia', max_budget: 1000 }, ADMINS],
  ['POST', '/user/update', { user_id: 'mia', user_role: 'proxy_admin' }, ADMINS],
  ['POST', '/user/bulk_update', { users: [{ user_id: 'mia', user_alias: 'M' }] }, ADMINS],
  ['POST', '/user/delete', { user_ids: ['mia'] }, ADMINS],
  ['POST', '/invitation/new', { user_id: 'mia' }, ABOVE],
  ['POST', '/invitation/new', { user_id: 'mia', team_id: 'red' }, ABOVE],
  ['POST', '/invitation/new', { user_id: 'mia', team_id: 'blue' }, []],
  ['POST', '/invitation/new', { user_id: 'olga' }, ADMINS],
  ['GET', '/invitation/info?invitation_id=invited', undefined, [...VIEWERS, 'org_admin']],
  ['POST', '/invitation/update', { invitation_id: 'invited' }, ABOVE],
  ['POST', '/invitation/delete', { invitation_id: 'invited' }, ABOVE],
  ['GET', '/user/info?user_id=mia', undefined, [...VIEWERS, 'member']],
  ['GET', '/v2/user/info?user_id=olga', undefined, [...VIEWERS, 'org_admin']],
  ['GET', '/user/list', undefined, ALL],
  ['GET', '/management/v1/users', undefined, ALL],
  ['GET', '/management/v1/teams?team_id=red', undefined, ALL],
  ['GET', '/management/v1/keys', undefined, ALL],
  ['GET', '/management/v1/budgets', undefined, VIEWERS],
  ['GET', '/management/v1/spend_logs?team_id=red', undefined, [...VIEWERS, 'org_admin', 'team_admin', 'viewer_member']],
  ['GET', '/user/available_roles', undefined, ALL],
  ['GET', '/user/available_users', undefined, VIEWERS],
  ['GET', '/user/filter/ui', undefined, ALL],
  ['GET', '/team/red/members/me', undefined, ['team_admin', 'member', 'viewer_member']],
  ['POST', '/project/new', { team_id: 'red' }, TEAM_ADMINS],
  ['POST', '/project/update', { project_id: 'p', description: 'd' }, TEAM_ADMINS],
  ['DELETE', '/project/delete', { project_ids: ['p'] }, TEAM_ADMINS],
  ['GET', '/project/info?project_id=p', undefined, TEAM],
  ['GET', '/project/list', undefined, ALL],
];

describe('routes of teams, organizations and users', () => {
  it.each(ROWS)('%s %s with %j is open to the right people only', async (method, path, body, allowed) => {
    const passed: Person[] = [];
    for (const person of PEOPLE) {
      const admin = createAdmin();
      const secrets = await company(admin);
      const options = { key: secrets[person], ...(body === undefined ? {} : { body }) };
      const answer = await admin.call(method, path, options);
      if (answer.status === 200) passed.push(person);
      // A thing that is not one's own may also be denied: 404. The master key is no member of anything: 400.
      else expect([400, 403, 404], `${person}: ${JSON.stringify(answer.body)}`).toContain(answer.status);
    }
    expect(passed).toEqual(PEOPLE.filter((person) => allowed.includes(person)));
  });

  it('are all here', () => {
    const walked = new Set(ROWS.map(([method, path]) => `${method} ${path.split('?')[0]}`));
    const named = ROUTES.map(({ method, path }) => `${method} ${path.replace('{team_id}', 'red').replace('{user_id}', 'mia')}`);
    const ours = named.filter((route) => /^\w+ (\/v2)?\/(team|organization|user|project|invitation)(\/|$)/.test(route));
    expect(ours.filter((route) => !walked.has(route) && !/activity|\/report$/.test(route))).toEqual([]);
  });

  it('show in lists what belongs to the one who asks', async () => {
    const admin = createAdmin();
    const secrets = await company(admin);
    const listed = async (person: Person, path: string, id: string): Promise<unknown> => {
      const { body } = await admin.call('GET', path, { key: secrets[person] });
      const rows = (body['value'] ?? body['teams'] ?? body['users']) as Record<string, unknown>[];
      return rows.map((row) => String(row[id])).toSorted();
    };
    expect(await listed('proxy_admin_viewer', '/team/list', 'team_id')).toEqual(['blue', 'red']);
    for (const person of ['org_admin', 'team_admin', 'member', 'viewer_member'] as const) {
      expect(await listed(person, '/team/list', 'team_id'), person).toEqual(['red']);
      expect(await listed(person, '/v2/team/list', 'team_id'), person).toEqual(['red']);
    }
    expect(await listed('stranger', '/team/list', 'team_id')).toEqual([]);
    expect(await listed('org_admin', '/organization/list', 'organization_id')).toEqual(['acme']);
    expect(await listed('member', '/organization/list', 'organization_id')).toEqual([]);
    const named = async (person: Person): Promise<unknown> => {
      const sent = { key: secrets[person], body: { organizations: ['acme', 'none'] } };
      return (await admin.call('POST', '/organization/info', sent)).body['value'];
    };
    expect(await named('org_admin')).toMatchObject([{ organization_id: 'acme' }]);
    expect(await named('proxy_admin_viewer')).toMatchObject([{ organization_id: 'acme' }]);
    expect([await named('member'), await named('stranger')]).toEqual([[], []]);
    expect(await listed('member', '/user/list', 'user_id')).toEqual(['mia']);
    expect(await listed('org_admin', '/user/list', 'user_id')).toEqual(['olga']);
    expect(await listed('proxy_admin', '/user/list', 'user_id')).toHaveLength(7);
  });

  it('show keys of a team to its admins, and to members their own', async () => {
    const admin = createAdmin();
    const secrets = await company(admin);
    for (const user of ['tom', 'mia']) await admin.call('POST', '/key/generate', { body: { team_id: 'red', user_id: user } });
    const owners = async (person: Person): Promise<unknown> => {
      const { body } = await admin.call('GET', '/team/info?team_id=red', { key: secrets[person] });
      return (body['keys'] as { user_id: string }[]).map((key) => key.user_id).toSorted();
    };
    expect(await owners('team_admin')).toEqual(['mia', 'tom']);
    expect(await owners('proxy_admin_viewer')).toEqual(['mia', 'tom']);
    expect(await owners('member')).toEqual(['mia']);
  });

  it('let a key of the team see it, though it belongs to nobody', async () => {
    const admin = createAdmin();
    await company(admin);
    const { body } = await admin.call('POST', '/key/generate', { body: { team_id: 'red' } });
    const key = String(body['key']);
    expect(await admin.call('GET', '/team/info', { key })).toMatchObject({ status: 200, body: { team_id: 'red' } });
    expect(await admin.call('GET', '/team/info?team_id=blue', { key })).toMatchObject({ status: 403 });
    expect(await admin.call('GET', '/team/red/members/me', { key })).toMatchObject({ status: 400 });
    expect(await admin.call('GET', '/user/info', { key })).toMatchObject({ status: 400 });
  });
});
