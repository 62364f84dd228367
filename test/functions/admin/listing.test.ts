/** Listings by owner look at the owner's records alone, and show what a look at all of them would show. */
import { describe, expect, it } from 'vitest';
import { company, type Person } from './people.ts';
import { createAdmin, type Admin } from './support.ts';

/** A company with keys of many owners; the secrets of its people. */
async function populated(): Promise<{ readonly admin: Admin; readonly secrets: Readonly<Record<Person, string>> }> {
  const admin = createAdmin();
  const secrets = await company(admin);
  const bodies = [
    { key_alias: 'of-red', team_id: 'red' },
    { key_alias: 'of-mia', team_id: 'red', user_id: 'mia' },
    { key_alias: 'of-blue', team_id: 'blue', user_id: 'sam' },
    { key_alias: 'of-acme', organization_id: 'acme' },
    { key_alias: 'of-p', team_id: 'red', project_id: 'p' },
    { key_alias: 'of-nobody' },
  ];
  for (const body of bodies) await admin.call('POST', '/key/generate', { body });
  return { admin, secrets };
}

/** Refuses to read whole kinds from here on. */
function withoutScans(admin: Admin): void {
  for (const store of [admin.deps.keys, admin.deps.teams, admin.deps.users, admin.deps.organizations]) {
    Object.assign(store, { list: () => Promise.reject(new Error('looked at every record')) });
  }
}

const aliasesIn = ({ keys }: Record<string, unknown>): readonly unknown[] =>
  (keys as { key_alias: string | null }[]).flatMap(({ key_alias: alias }) => alias ?? []).toSorted();

describe('a list of keys', () => {
  it.each([
    ['team_id=red', ['of-mia', 'of-p', 'of-red']],
    ['user_id=mia', ['of-mia']],
    ['team_id=red&user_id=mia', ['of-mia']],
    ['user_id=mia&team_id=blue', []],
    ['organization_id=acme', ['of-acme', 'of-mia', 'of-p', 'of-red']],
    ['organization_id=acme&user_id=mia', ['of-mia']],
    ['project_id=p', ['of-p']],
    ['key_alias=of-nobody', ['of-nobody']],
    ['key_alias=of-nobody&team_id=red', []],
    ['key_alias=none', []],
  ])('by %s looks at no others', async (query, expected) => {
    const { admin } = await populated();
    withoutScans(admin);
    const { status, body } = await admin.call('GET', `/key/list?return_full_object=true&${query}`);
    expect({ status, aliases: aliasesIn(body), total: body['total_count'] }).toEqual({
      status: 200,
      aliases: expected,
      // The user's own key, that has no alias, is there too.
      total: expected.length + (query === 'user_id=mia' ? 1 : 0),
    });
  });

  it('by hash finds the one, and none that is superseded', async () => {
    const { admin } = await populated();
    const { body } = await admin.call('POST', '/key/generate', { body: {} });
    await admin.call('POST', `/key/${String(body['key'])}/regenerate`, { body: { grace_period: '1h' } });
    withoutScans(admin);
    expect((await admin.call('GET', `/key/list?key_hash=${String(body['token'])}`)).body).toMatchObject({ total_count: 0 });
  });

  it('of those who see a part shows that part, and looks at no more', async () => {
    const { admin, secrets } = await populated();
    await admin.call('POST', '/team/permissions_update', {
      body: { team_id: 'red', team_member_permissions: ['/key/list'] },
    });
    withoutScans(admin);
    const listed = async (person: Person, query: string) => {
      const { body } = await admin.call('GET', `/key/list?return_full_object=true&size=100&${query}`, { key: secrets[person] });
      return aliasesIn(body);
    };
    expect(await listed('member', '')).toEqual(['of-mia']);
    expect(await listed('member', 'include_team_keys=true')).toEqual(['of-mia', 'of-p', 'of-red']);
    expect(await listed('member', 'team_id=blue')).toEqual([]);
    expect(await listed('member', 'user_id=sam')).toEqual([]);
    expect(await listed('member', 'key_alias=of-blue')).toEqual([]);
    expect(await listed('team_admin', 'team_id=red')).toEqual(['of-mia', 'of-p', 'of-red']);
    expect(await listed('org_admin', 'organization_id=acme')).toEqual(['of-acme', 'of-mia', 'of-p', 'of-red']);
    expect(await listed('stranger', '')).toEqual(['of-blue']);
    const aliases = await admin.call('GET', '/key/aliases', { key: secrets.member });
    expect(aliases.body).toMatchObject({ aliases: ['of-mia', 'of-p', 'of-red'] });
  });

  it('keeps pages, order and totals', async () => {
    const { admin } = await populated();
    withoutScans(admin);
    const query = 'team_id=red&size=2&sort_by=key_alias&sort_order=asc&return_full_object=true';
    const pages = await Promise.all(
      [1, 2].map(async (page) => (await admin.call('GET', `/key/list?${query}&page=${page}`)).body),
    );
    expect(pages.map(aliasesIn)).toEqual([['of-mia', 'of-p'], ['of-red']]);
    expect(pages[1]).toMatchObject({ total_count: 3, current_page: 2, total_pages: 2 });
  });
});

describe('lists of teams, users and organizations', () => {
  it.each([
    ['master', '/team/list?organization_id=acme', ['red']],
    ['master', '/team/list?team_id=blue', ['blue']],
    ['master', '/v2/team/list?user_id=mia', ['red']],
    ['master', '/v2/team/list?user_id=sam', []],
    ['member', '/team/list', ['red']],
    ['org_admin', '/v2/team/list', ['red']],
    ['stranger', '/team/list', []],
    ['stranger', '/team/list?organization_id=acme', []],
    ['master', '/user/list?team=red', ['mia', 'tom', 'val']],
    ['master', '/user/list?organization_id=acme', ['olga']],
    ['master', '/user/list?user_ids=sam,mia,absent', ['mia', 'sam']],
    ['member', '/user/list', ['mia']],
    ['member', '/user/list?team=red', ['mia']],
    ['org_admin', '/user/list', ['olga']],
    ['org_admin', '/organization/list', ['acme']],
    ['member', '/organization/list', []],
  ] as const)('of %s by %s look at no others', async (person, path, expected) => {
    const { admin, secrets } = await populated();
    withoutScans(admin);
    const { status, body } = await admin.call('GET', path, { key: secrets[person] });
    const rows = (body['value'] ?? body['teams'] ?? body['users']) as Record<string, unknown>[];
    const id = path.startsWith('/user') ? 'user_id' : path.startsWith('/org') ? 'organization_id' : 'team_id';
    expect([status, rows.map((row) => String(row[id])).toSorted()]).toEqual([200, expected]);
  });

  it('find people by e-mail without a look at the others', async () => {
    const { admin } = await populated();
    await admin.call('POST', '/user/update', { body: { user_id: 'mia', user_email: 'Mia@Acme.example' } });
    withoutScans(admin);
    const post = (path: string, body: object) => admin.call('POST', path, { body });
    const member = { user_email: 'mia@acme.EXAMPLE', role: 'user' };
    expect(await post('/team/member_add', { team_id: 'blue', member })).toMatchObject({
      status: 200,
      body: { updated_users: [{ user_id: 'mia' }] },
    });
    const taken = { status: 409, body: { error: { param: 'user_email' } } };
    expect(await post('/user/new', { user_id: 'new', user_email: 'MIA@acme.example' })).toMatchObject(taken);
    expect(await post('/user/new', { user_id: 'new', user_email: 'new@acme.example' })).toMatchObject({ status: 200 });
  });

  it('count the keys of each user', async () => {
    const { admin } = await populated();
    withoutScans(admin);
    const { body } = await admin.call('GET', '/user/list?user_ids=mia,sam,tom');
    const counts = (body['users'] as { user_id: string; key_count: number }[]).map(({ user_id: id, key_count: n }) => [id, n]);
    expect(Object.fromEntries(counts)).toEqual({ mia: 2, sam: 2, tom: 1 });
  });
});

describe('what goes with an owner', () => {
  it.each([
    ['/team/delete', { team_ids: ['red'] }, ['of-acme', 'of-blue', 'of-nobody']],
    ['/team/member_delete', { team_id: 'red', user_id: 'mia' }, ['of-acme', 'of-blue', 'of-nobody', 'of-p', 'of-red']],
    ['/user/delete', { user_ids: ['mia'] }, ['of-acme', 'of-blue', 'of-nobody', 'of-p', 'of-red']],
    ['/organization/delete', { organization_ids: ['acme'] }, ['of-blue', 'of-nobody']],
  ])('is found without a look at the others: %s', async (path, body, left) => {
    const { admin } = await populated();
    const { keys } = admin.deps;
    const list = keys.list.bind(keys);
    withoutScans(admin);
    const method = path === '/organization/delete' ? 'DELETE' : 'POST';
    expect(await admin.call(method, path, { body })).toMatchObject({ status: 200 });
    const rest = (await list({ limit: 100 })).items.flatMap(({ alias }) => alias ?? []);
    expect(rest.toSorted()).toEqual(left);
  });

  it('so are the names of keys in reports, new secrets or not', async () => {
    const { admin } = await populated();
    const { body } = await admin.call('POST', '/key/generate', { body: { key_alias: 'renewed' } });
    await admin.call('POST', `/key/${String(body['key'])}/regenerate`, { body: {} });
    await admin.spend({ keyHash: String(body['token']) });
    await admin.spend({ keyHash: 'f'.repeat(64) });
    withoutScans(admin);
    const report = await admin.call('GET', '/global/spend/keys?limit=5');
    expect(JSON.stringify(report.body)).toContain('renewed');
  });
});
