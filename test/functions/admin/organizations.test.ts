import { describe, expect, it } from 'vitest';
import { parseUsd } from '../../../lib/domain/money.ts';
import { createAdmin, NOW, type Admin, type Answer } from './support.ts';

const call = (admin: Admin, method: string, path: string, body?: object): Promise<Answer> =>
  admin.call(method, path, body === undefined ? {} : { body });

async function prepare(): Promise<Admin> {
  const admin = createAdmin();
  const body = { organization_id: 'o', organization_alias: 'Acme', max_budget: 50, models: ['gpt-4o'], metadata: { a: 1 } };
  const { status } = await call(admin, 'POST', '/organization/new', body);
  expect(status).toBe(200);
  return admin;
}

describe('an organization', () => {
  it('shows limits, members and teams', async () => {
    const admin = await prepare();
    await call(admin, 'POST', '/team/new', { team_id: 't', organization_id: 'o' });
    await call(admin, 'POST', '/organization/member_add', {
      organization_id: 'o',
      member: [
        { user_id: 'u', role: 'org_admin' },
        { user_email: 'v@x.example', role: 'internal_user' },
      ],
      max_budget_in_organization: 5,
    });
    expect((await call(admin, 'GET', '/organization/info?organization_id=o')).body).toMatchObject({
      organization_id: 'o',
      organization_alias: 'Acme',
      models: ['gpt-4o'],
      spend: 0,
      litellm_budget_table: { max_budget: 50 },
      metadata: { a: 1 },
      members: expect.arrayContaining([expect.objectContaining({ user_id: 'u', user_role: 'org_admin', max_budget: 5 })]),
      teams: [{ team_id: 't' }],
      created_by: 'master',
    });
    expect((await call(admin, 'GET', '/organization/list?org_alias=acm')).body).toMatchObject({
      value: [{ organization_id: 'o' }],
    });
    expect((await call(admin, 'GET', '/organization/list?org_id=x')).body).toEqual({ value: [] });
  });

  it('is changed; null clears', async () => {
    const admin = await prepare();
    await admin.spend({ organizationId: 'o', at: NOW, cost: parseUsd(3) });
    const { body } = await call(admin, 'PATCH', '/organization/update', {
      organization_id: 'o',
      organization_alias: 'A',
      budget_duration: '1d',
      models: [],
    });
    expect(body).toMatchObject({ organization_alias: 'A', models: [], max_budget: 50, budget_duration: '1d', spend: 3 });
    expect((await call(admin, 'PATCH', '/organization/update', { organization_id: 'o', max_budget: null })).body).toMatchObject(
      {
        max_budget: null,
        organization_alias: 'A',
      },
    );
  });

  it('changes its members; their budgets find what they spent for it', async () => {
    const admin = await prepare();
    await call(admin, 'POST', '/organization/member_add', {
      organization_id: 'o',
      member: { user_id: 'u', role: 'internal_user' },
    });
    await admin.spend({ organizationId: 'o', userId: 'u', at: NOW, cost: parseUsd(2) });
    await admin.spend({ organizationId: 'other', userId: 'u', at: NOW, cost: parseUsd(4) });
    expect(
      (
        await call(admin, 'PATCH', '/organization/member_update', {
          organization_id: 'o',
          user_id: 'u',
          role: 'org_admin',
          max_budget_in_organization: 9,
        })
      ).body,
    ).toMatchObject({ user_role: 'org_admin', max_budget: 9, spend: 2 });
    await call(admin, 'DELETE', '/organization/member_delete', { organization_id: 'o', user_id: 'u' });
    expect(await admin.deps.users.get('u')).toMatchObject({ organizations: [] });
  });

  it('is deleted with its teams, keys and memberships', async () => {
    const admin = await prepare();
    await call(admin, 'POST', '/team/new', { team_id: 't', organization_id: 'o' });
    await call(admin, 'POST', '/organization/member_add', {
      organization_id: 'o',
      member: { user_id: 'u', role: 'internal_user' },
    });
    await call(admin, 'POST', '/key/generate', { team_id: 't' });
    await call(admin, 'POST', '/key/generate', { organization_id: 'o' });
    await call(admin, 'POST', '/key/generate', {});
    expect(await call(admin, 'DELETE', '/organization/delete', { organization_ids: ['o', 'x'] })).toMatchObject({
      status: 404,
    });
    expect(await call(admin, 'DELETE', '/organization/delete', { organization_ids: ['o'] })).toMatchObject({ status: 200 });
    expect(await admin.deps.teams.get('t')).toBeUndefined();
    expect((await admin.deps.keys.list({ limit: 10 })).items).toHaveLength(1);
    expect(await admin.deps.users.get('u')).toMatchObject({ organizations: [] });
  });

  it.each([
    ['POST', '/organization/new', {}, 'organization_alias'],
    ['POST', '/organization/new', { organization_alias: 'x', max_budget: 'much' }, 'max_budget'],
    ['POST', '/organization/member_add', { organization_id: 'o', member: { user_id: 'u', role: 'king' } }, 'member'],
    ['POST', '/organization/member_add', { member: { user_id: 'u', role: 'org_admin' } }, 'organization_id'],
    ['PATCH', '/organization/update', { organization_alias: 'x' }, 'organization_id'],
    ['PATCH', '/organization/member_update', { organization_id: 'o' }, 'user_id'],
    ['DELETE', '/organization/delete', {}, 'organization_ids'],
  ])('%s %s refuses %j, naming %s', async (method, path, body, param) => {
    const admin = await prepare();
    expect(await call(admin, method, path, body)).toMatchObject({ status: 400, body: { error: { param } } });
  });

  it('has a name of its own', async () => {
    const admin = await prepare();
    expect(await call(admin, 'POST', '/organization/new', { organization_id: 'o', organization_alias: 'B' })).toMatchObject({
      status: 409,
    });
    expect(await call(admin, 'GET', '/organization/info?organization_id=x')).toMatchObject({ status: 404 });
    expect(await call(admin, 'DELETE', '/organization/member_delete', { organization_id: 'o', user_id: 'u' })).toMatchObject({
      status: 404,
    });
  });
});
