/** Who invites whom: a link gives its maker no more than the maker may have, and is worth nothing once that is over. */
import { describe, expect, it } from 'vitest';
import { invitationIdOf } from '../../../lib/domain/invitation.ts';
import { claim, invited, keysOf, open, post, sessionOf } from './links.ts';
import { company, personOf } from './people.ts';
import { createAdmin, type Admin, type Answer } from './support.ts';

/** A company, and a link that its org admin made for a member of its team. */
async function invitedMember(): Promise<{ readonly admin: Admin; readonly key: string; readonly link: string }> {
  const admin = createAdmin();
  const { org_admin: key } = await company(admin);
  await post(admin, '/team/member_add', { team_id: 'red', member: { user_id: 'new', role: 'user' } });
  const { status, body } = await post(admin, '/invitation/new', { user_id: 'new' }, key);
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { team_id: 'red', organization_id: 'acme', created_by: 'olga' },
  });
  return { admin, key, link: String(body['id']) };
}

describe('an org admin', () => {
  it('invites members of its teams, to keys that call models for the team', async () => {
    const { admin, link } = await invitedMember();
    const { body } = await claim(admin, link, await sessionOf(admin, link));
    expect(await keysOf(admin, 'new')).toMatchObject([{ teamId: 'red', type: 'llm_api', userId: 'new' }]);
    expect(await admin.call('GET', '/user/list', { key: String(body['key']) })).toMatchObject({ status: 403 });
  });

  it('invites nobody to a key that it could not make', async () => {
    const admin = createAdmin();
    const { org_admin: key } = await company(admin);
    // A key on no team would spend the budget of somebody whom anybody can make a member.
    await post(admin, '/organization/member_add', {
      organization_id: 'acme',
      member: { user_id: 'sam', role: 'internal_user' },
    });
    await post(admin, '/team/member_add', { team_id: 'blue', member: { user_id: 'sam', role: 'user' } });
    for (const body of [
      { user_id: 'sam' },
      { user_id: 'sam', team_id: 'blue' },
      { user_id: 'sam', team_id: 'red' },
      { user_id: 'ada' },
      { user_id: 'nobody' },
      { user_id: 'mia', team_id: 'none' },
    ]) {
      const made = await post(admin, '/invitation/new', body, key);
      expect(made, JSON.stringify(body)).toMatchObject({ status: 403 });
    }
    expect(await post(admin, '/invitation/new', { user_id: 'mia', team_id: 'blue' })).toMatchObject({ status: 400 });
  });

  it('cannot become somebody with more rights by a link', async () => {
    const admin = createAdmin();
    const { org_admin: key } = await company(admin);
    await personOf(admin, 'boss', 'proxy_admin');
    await post(admin, '/team/member_add', { team_id: 'red', member: { user_id: 'boss', role: 'user' } });
    const link = String((await post(admin, '/invitation/new', { user_id: 'boss' }, key)).body['id']);
    const { body } = await claim(admin, link, await sessionOf(admin, link));
    for (const [method, path] of [
      ['GET', '/user/list'],
      ['GET', '/key/list'],
      ['POST', '/user/new'],
    ] as const) {
      expect(await admin.call(method, path, { key: String(body['key']) }), path).toMatchObject({ status: 403 });
    }
  });

  it.each([
    ['who left the team', '/team/member_delete', { team_id: 'red', user_id: 'new' }],
    ['whose team left the organization', '/team/update', { team_id: 'red', organization_id: null }],
    ['whose team is gone', '/team/delete', { team_ids: ['red'] }],
  ])('has invited nobody %s since', async (_who, path, body) => {
    const { admin, link } = await invitedMember();
    const session = await sessionOf(admin, link);
    expect(await post(admin, path, body)).toMatchObject({ status: 200 });
    expect(await claim(admin, link, session)).toMatchObject({ status: 401 });
    expect(await keysOf(admin, 'new')).toEqual([]);
  });

  it('closes the links of its teams, and no others', async () => {
    const { admin, key, link } = await invitedMember();
    const other = (await invited(admin)).link;
    expect(await post(admin, '/invitation/delete', { invitation_id: other }, key)).toMatchObject({ status: 403 });
    expect(await post(admin, '/invitation/delete', { invitation_id: invitationIdOf(link) }, key)).toMatchObject({
      status: 200,
    });
    expect(await open(admin, link)).toMatchObject({ status: 401 });
  });
});

describe('a link of somebody who may invite no more is worth nothing', () => {
  const OLGA = { organization_id: 'acme', user_id: 'olga' };

  it.each<readonly [string, (admin: Admin) => Promise<Answer>]>([
    ['left the organization', (admin) => admin.call('DELETE', '/organization/member_delete', { body: OLGA })],
    [
      'is a mere member of it',
      (admin) => admin.call('PATCH', '/organization/member_update', { body: { ...OLGA, role: 'internal_user' } }),
    ],
    ['may only look', (admin) => post(admin, '/user/update', { user_id: 'olga', user_role: 'internal_user_viewer' })],
    ['was blocked', (admin) => post(admin, '/user/update', { user_id: 'olga', blocked: true })],
    ['was deleted', (admin) => post(admin, '/user/delete', { user_ids: ['olga'] })],
  ])('of an org admin who %s', async (_name, dismiss) => {
    const { admin, link } = await invitedMember();
    const session = await sessionOf(admin, link);
    expect((await dismiss(admin)).status).toBe(200);
    expect(await open(admin, link)).toMatchObject({ status: 401 });
    expect(await claim(admin, link, session)).toMatchObject({ status: 401 });
    expect(await keysOf(admin, 'new')).toEqual([]);
  });

  it.each<readonly [string, (admin: Admin) => Promise<Answer>]>([
    ['may only look', (admin) => post(admin, '/user/update', { user_id: 'ada', user_role: 'proxy_admin_viewer' })],
    ['was blocked', (admin) => post(admin, '/user/update', { user_id: 'ada', blocked: true })],
    ['was deleted', (admin) => post(admin, '/user/delete', { user_ids: ['ada'] })],
  ])('of a proxy admin who %s', async (_name, dismiss) => {
    const admin = createAdmin();
    const { proxy_admin: key } = await company(admin);
    await post(admin, '/user/new', { user_id: 'heir', user_role: 'proxy_admin', auto_create_key: false });
    const link = String((await post(admin, '/invitation/new', { user_id: 'heir' }, key)).body['id']);
    const session = await sessionOf(admin, link);
    expect((await dismiss(admin)).status).toBe(200);
    expect(await claim(admin, link, session)).toMatchObject({ status: 401 });
    expect(await keysOf(admin, 'heir')).toEqual([]);
  });
});
