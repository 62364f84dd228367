/** Listings that are read on by cursors: the rows of those by page, each once, whatever happens in between, and nobody else's. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseUsd } from '../../../lib/domain/money.ts';
import type { Stores } from '../../../lib/stores/stores.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { clientFor, NAMES, startDynoxide, type Emulator } from '../../support/dynoxide.ts';
import { open as openDynamo } from '../../../lib/stores/dynamodb/index.ts';
import { company } from './people.ts';
import { createAdmin, NOW, type Admin, type Answer } from './support.ts';

const post = (admin: Admin, path: string, body: object): Promise<Answer> => admin.call('POST', path, { body });

interface Row extends Readonly<Record<string, unknown>> {}
interface Read {
  readonly rows: readonly Row[];
  readonly pages: readonly (readonly Row[])[];
}

interface Body {
  readonly data: readonly Row[];
  readonly meta: { readonly page_size: number; readonly has_more: boolean; readonly next_cursor: string | null };
  readonly links: { readonly self: string; readonly next: string | null };
}

async function pageAt(admin: Admin, path: string, key?: string): Promise<Body> {
  const { status, body } = await admin.call('GET', path, key === undefined ? {} : { key });
  expect(status, `${path} ${JSON.stringify(body)}`).toBe(200);
  return body as unknown as Body;
}

/** Follows the links to the end; `between` is called after each page. */
async function readAllAt(admin: Admin, path: string, key?: string, between?: (page: number) => Promise<void>): Promise<Read> {
  const pages: (readonly Row[])[] = [];
  let next: string | null = path;
  while (next !== null) {
    const { data, links, meta }: Body = await pageAt(admin, next, key);
    expect(meta.has_more).toBe(links.next !== null);
    expect(data.length).toBeLessThanOrEqual(meta.page_size);
    pages.push(data);
    next = links.next;
    if (pages.length > 200) throw new Error('no end');
    await between?.(pages.length);
  }
  return { pages, rows: pages.flat() };
}

const idsOf = (rows: readonly Row[], field: string): readonly string[] => rows.map((row) => String(row[field])).toSorted();

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDynoxide();
});
afterAll(() => emulator.stop());

let worlds = 0;
/** An organization with teams, users and keys, in stores of its own. */
async function house(stores: Stores): Promise<Admin> {
  const admin = createAdmin({ ...stores, random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)) });
  const org = `acme-${worlds++}`;
  await post(admin, '/organization/new', { organization_id: org, organization_alias: 'Acme' });
  for (let n = 0; n < 7; n++) {
    admin.clock.now = NOW + n;
    await post(admin, '/user/new', { user_id: `${org}-u${n}`, auto_create_key: false, organizations: [org] });
    await post(admin, '/team/new', {
      team_id: `${org}-t${n}`,
      organization_id: org,
      members_with_roles: [{ user_id: `${org}-u0`, role: 'user' }],
    });
    await post(admin, '/key/generate', { user_id: `${org}-u0`, team_id: `${org}-t0`, key_alias: `${org}-k${n}` });
    await post(admin, '/budget/new', { budget_id: `${org}-b${n}`, max_budget: n });
  }
  return admin;
}

describe.each(['memory', 'dynamodb'])('a listing on %s', (where) => {
  const stores = (): Stores => (where === 'memory' ? open() : openDynamo(clientFor(emulator.endpoint), NAMES));

  it('has the rows of the one by page, each once, page by page', async () => {
    const admin = await house(stores());
    const org = `acme-${worlds - 1}`;
    const cases = [
      [`keys?user_id=${org}-u0`, `/key/list?return_full_object=true&size=100&user_id=${org}-u0`, 'keys', 'token'],
      [`keys?organization_id=${org}`, `/key/list?return_full_object=true&size=100&organization_id=${org}`, 'keys', 'token'],
      [`keys?key_alias=${org}-k3`, `/key/list?return_full_object=true&key_alias=${org}-k3`, 'keys', 'token'],
      [`teams?organization_id=${org}`, `/v2/team/list?page_size=100&organization_id=${org}`, 'teams', 'team_id'],
      [`teams?user_id=${org}-u0`, `/v2/team/list?page_size=100&user_id=${org}-u0`, 'teams', 'team_id'],
      [`users?organization_id=${org}`, `/user/list?page_size=100&organization_id=${org}`, 'users', 'user_id'],
      [`users?team=${org}-t0&role=internal_user`, `/user/list?page_size=100&team=${org}-t0`, 'users', 'user_id'],
      [`users?user_ids=${org}-u1,${org}-u4,none`, `/user/list?user_ids=${org}-u1,${org}-u4`, 'users', 'user_id'],
      [`budgets?q=${org}-`, `/budget/list?budget_id=${org}-`, 'value', 'budget_id'],
    ] as const;
    for (const [path, other, list, id] of cases) {
      const { rows, pages } = await readAllAt(admin, `/management/v1/${path}&page_size=3`);
      const { body } = await admin.call('GET', other);
      const expected = (body[list] as Row[]).toSorted((one, two) => (String(one[id]) < String(two[id]) ? -1 : 1));
      expect(expected.length, path).toBeGreaterThan(0);
      expect(
        rows.toSorted((one, two) => (String(one[id]) < String(two[id]) ? -1 : 1)),
        path,
      ).toEqual(expected);
      expect(pages.length, path).toBeGreaterThanOrEqual(Math.ceil(expected.length / 3));
    }
  });

  it('of keys of an organization goes from team to team, and looks at a few of them for a page', async () => {
    const all = stores();
    const admin = await house(all);
    const org = `acme-${worlds - 1}`;
    await post(admin, '/key/generate', { organization_id: org, key_alias: `${org}-own` });
    for (let n = 0; n < 3; n++) {
      await post(admin, '/key/generate', { team_id: `${org}-t5`, key_alias: `${org}-five-${n}` });
      await post(admin, '/key/generate', { team_id: `${org}-t3`, organization_id: org, key_alias: `${org}-three-${n}` });
    }
    let looks = 0;
    const teams: Stores['teams'] = {
      ...all.teams,
      listOf: (owner, page) => {
        looks += page.limit;
        return all.teams.listOf(owner, page);
      },
    };
    const watched = createAdmin({ ...admin.deps, teams });
    const path = `/management/v1/keys?organization_id=${org}&page_size=2`;

    const { rows, pages } = await readAllAt(watched, path, undefined, async (page) => {
      if (page === 4) await post(admin, '/team/delete', { team_ids: [`${org}-t6`] });
    });

    const named = [...Array.from({ length: 7 }, (_, n) => `k${n}`), 'own', 'five-0', 'five-1', 'five-2'];
    const three = [0, 1, 2].map((n) => `three-${n}`);
    expect(idsOf(rows, 'key_alias')).toEqual([...named, ...three].map((name) => `${org}-${name}`).toSorted());
    expect(looks).toBeLessThanOrEqual(7 + pages.length);
  });

  it('is read on behind rows that came and went', async () => {
    const admin = await house(stores());
    const org = `acme-${worlds - 1}`;
    const readOn = async (
      path: string,
      id: string,
      [gone, made]: readonly [() => Promise<unknown>, () => Promise<unknown>],
    ) => {
      const { rows } = await readAllAt(admin, path, undefined, async (page) => {
        if (page !== 1) return;
        await gone();
        await made();
      });
      return idsOf(rows, id);
    };
    admin.clock.now = NOW + 100;
    const budgets = await readOn(`/management/v1/budgets?q=${org}-&page_size=3`, 'budget_id', [
      // The last of the first page, and one that would come next.
      async () => {
        await post(admin, '/budget/delete', { id: `${org}-b4` });
        await post(admin, '/budget/delete', { id: `${org}-b3` });
      },
      () => post(admin, '/budget/new', { budget_id: `${org}-new` }),
    ]);
    expect(budgets).toEqual(['b0', 'b1', 'b2', 'b4', 'b5', 'b6'].map((name) => `${org}-${name}`));
    const users = await readOn(`/management/v1/users?organization_id=${org}&page_size=3`, 'user_id', [
      () => post(admin, '/user/delete', { user_ids: [`${org}-u2`, `${org}-u3`] }),
      () => post(admin, '/user/new', { user_id: `${org}-u5a`, auto_create_key: false, organizations: [org] }),
    ]);
    expect(users).toEqual(['u0', 'u1', 'u2', 'u4', 'u5', 'u5a', 'u6'].map((name) => `${org}-${name}`));
  });

  it('of calls has them newest first, in a scope and a time', async () => {
    const admin = createAdmin(stores());
    const team = `calls-${worlds++}`;
    for (let n = 0; n < 9; n++) {
      const status = n % 2 === 0 ? 'success' : 'error';
      await admin.spend({ id: `${team}-${n}`, at: NOW + n * 1000, teamId: team, keyHash: team, status, cost: parseUsd(1) });
    }
    for (const scope of [`team_id=${team}`, `api_key=${team}`, `team_id=${team}&api_key=${team}`]) {
      const { rows } = await readAllAt(admin, `/management/v1/spend_logs?${scope}&page_size=4`);
      expect(rows.map((row) => row['request_id'])).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => `${team}-${n}`));
    }
    const { rows } = await readAllAt(admin, `/management/v1/spend_logs?team_id=${team}&status_filter=failure&page_size=1`);
    expect(rows.map((row) => row['request_id'])).toEqual([7, 5, 3, 1].map((n) => `${team}-${n}`));
    const one = await readAllAt(admin, `/management/v1/spend_logs?request_id=${team}-3`);
    expect(idsOf(one.rows, 'request_id')).toEqual([`${team}-3`]);
    const { body } = await admin.call('GET', `/spend/logs/v2?request_id=${team}-3`);
    expect(one.rows).toEqual(body['data']);
  });
});

describe('a cursor', () => {
  /** The second page of everybody's keys, as the master got it. */
  async function asked(): Promise<{ admin: Admin; cursor: string; secrets: Awaited<ReturnType<typeof company>> }> {
    const admin = createAdmin();
    const secrets = await company(admin);
    const { meta } = await pageAt(admin, '/management/v1/keys?page_size=2');
    return { admin, secrets, cursor: String(meta.next_cursor) };
  }

  it('is refused where it is none', async () => {
    const { admin, cursor } = await asked();
    const strange = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const [mark, part] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as string[];
    for (const given of ['x', strange(null), strange([]), strange([mark]), strange([1, 2]), strange([mark, part, 'x'])]) {
      const { status, body } = await admin.call('GET', `/management/v1/keys?page_size=2&cursor=${given}`);
      expect({ status, body }, given).toMatchObject({ status: 400, body: { error: { param: 'cursor' } } });
    }
  });

  it('is of no use to others, for other filters and for other listings', async () => {
    const { admin, cursor, secrets } = await asked();
    const refused = async (path: string, key?: string): Promise<void> => {
      const answer = await admin.call('GET', `${path}cursor=${cursor}`, key === undefined ? {} : { key });
      expect(answer, path).toMatchObject({ status: 400, body: { error: { param: 'cursor' } } });
    };
    for (const person of ['proxy_admin', 'org_admin', 'member', 'stranger'] as const) {
      await refused('/management/v1/keys?', secrets[person]);
    }
    await refused('/management/v1/keys?user_id=mia&');
    await refused('/management/v1/teams?');
    expect((await pageAt(admin, `/management/v1/keys?page_size=1&cursor=${cursor}`)).data).toHaveLength(1);
  });

  it('shows nothing that its caller may not see any more', async () => {
    const admin = createAdmin();
    const { member: key } = await company(admin);
    await post(admin, '/team/permissions_update', { team_id: 'red', team_member_permissions: ['/key/list'] });
    for (let n = 0; n < 4; n++) await post(admin, '/key/generate', { team_id: 'red', key_alias: `red-${n}` });
    const path = '/management/v1/keys?team_id=red&page_size=2';
    const { data, links } = await pageAt(admin, path, key);
    expect(data).toHaveLength(2);
    await post(admin, '/team/permissions_update', { team_id: 'red', team_member_permissions: [] });
    expect(await pageAt(admin, String(links.next), key)).toMatchObject({ data: [], meta: { has_more: false } });
  });

  it('tells nothing of calls of others that were passed over', async () => {
    const admin = createAdmin();
    const { member: key } = await company(admin);
    for (let n = 0; n < 30; n++) await admin.spend({ id: `hidden-${n}`, at: NOW + n, keyHash: 'others', tags: ['shared'] });
    const { data, links } = await pageAt(admin, '/management/v1/spend_logs?tag=shared&page_size=1', key);
    expect({ data, links }).toMatchObject({ data: [], links: { next: null } });
  });

  it('and its links have no secret in them', async () => {
    const admin = createAdmin();
    const { body } = await post(admin, '/key/generate', {});
    for (let n = 0; n < 3; n++) await admin.spend({ keyHash: String(body['token']), at: NOW + n });
    const first = await pageAt(admin, `/management/v1/spend_logs?api_key=${String(body['key'])}&page_size=2`);
    expect(JSON.stringify(first)).not.toContain(String(body['key']));
    expect((await pageAt(admin, String(first.links.next))).data).toHaveLength(1);
    const named = await pageAt(admin, `/management/v1/keys?key_hash=${String(body['key'])}`);
    expect(named.data).toMatchObject([{ token: body['token'] }]);
    expect(named.links.self).toBe(`/management/v1/keys?key_hash=${String(body['token'])}`);
  });

  it('are of the same owner on every page, though its name begins like a secret', async () => {
    const admin = createAdmin();
    for (let n = 0; n < 5; n++) await admin.spend({ id: `of-sk-${n}`, teamId: 'sk-team', at: NOW + n });
    expect((await readAllAt(admin, '/management/v1/spend_logs?team_id=sk-team&page_size=2')).rows).toHaveLength(5);
  });
});

describe('a listing that is read on', () => {
  it('refuses what it does not know, and sizes it does not have', async () => {
    const admin = createAdmin();
    for (const query of [
      'page=2',
      'sort=-max_budget',
      'filter[max_budget][gte]=1',
      'page_size=0',
      'page_size=101',
      'limit=x',
    ]) {
      const answer = await admin.call('GET', `/management/v1/budgets?${query}`);
      expect(answer, query).toMatchObject({ status: 400, body: { error: { param: query.split('=')[0] } } });
    }
    expect((await pageAt(admin, '/management/v1/budgets')).meta.page_size).toBe(50);
    expect((await pageAt(admin, '/management/v1/budgets?limit=7')).meta.page_size).toBe(7);
  });

  it('reads no more than a few pages for one, and comes to the end all the same', async () => {
    const admin = createAdmin();
    for (let n = 0; n < 120; n++) {
      admin.clock.now = NOW + n;
      await post(admin, '/user/new', { user_id: `u${n}`, auto_create_key: false, user_alias: n === 3 ? 'needle' : 'hay' });
    }
    const asked: number[] = [];
    const users = {
      ...admin.deps.users,
      list: (page: Parameters<typeof admin.deps.users.list>[0]) => {
        asked.push(page.limit);
        return admin.deps.users.list(page);
      },
    };
    const watched = createAdmin({ ...admin.deps, users });
    const path = '/management/v1/users?user_alias=needle&page_size=5';

    const first = await pageAt(watched, path);
    const reads = asked.splice(0);
    const { rows } = await readAllAt(watched, path);

    expect(first).toMatchObject({ data: [], meta: { has_more: true } });
    expect(reads.length).toBeLessThanOrEqual(8);
    expect(reads.reduce((sum, limit) => sum + limit, 0)).toBeLessThanOrEqual(40);
    expect(idsOf(rows, 'user_id')).toEqual(['u3']);
  });

  it('has a key once that is of the caller and of a team of its', async () => {
    const admin = createAdmin();
    const { member: key } = await company(admin);
    await post(admin, '/team/permissions_update', { team_id: 'red', team_member_permissions: ['/key/list'] });
    for (const user of ['mia', 'tom', 'mia']) await post(admin, '/key/generate', { team_id: 'red', user_id: user });
    const { rows } = await readAllAt(admin, '/management/v1/keys?include_team_keys=true&page_size=1', key);
    expect(idsOf(rows, 'user_id')).toEqual(['mia', 'mia', 'mia', 'tom']);
    expect(new Set(idsOf(rows, 'token')).size).toBe(4);
  });

  it('shows users themselves, org admins their organization, viewers all', async () => {
    const admin = createAdmin();
    const secrets = await company(admin);
    for (const user of ['tom', 'mia']) await post(admin, '/key/generate', { team_id: 'red', user_id: user });
    await admin.spend({ id: 'of-mia', keyHash: 'k1', userId: 'mia', teamId: 'red' });
    await admin.spend({ id: 'of-sam', keyHash: 'k2', userId: 'sam' });
    const seen = async (person: keyof typeof secrets, name: string, id: string): Promise<readonly string[]> =>
      idsOf((await readAllAt(admin, `/management/v1/${name}?page_size=2`, secrets[person])).rows, id);

    expect(await seen('member', 'users', 'user_id')).toEqual(['mia']);
    expect(await seen('org_admin', 'users', 'user_id')).toEqual(['olga']);
    expect(await seen('proxy_admin_viewer', 'users', 'user_id')).toHaveLength(7);
    expect(await seen('member', 'teams', 'team_id')).toEqual(['red']);
    expect(await seen('org_admin', 'teams', 'team_id')).toEqual(['red']);
    expect(await seen('stranger', 'teams', 'team_id')).toEqual([]);
    expect(await seen('member', 'keys', 'user_id')).toEqual(['mia', 'mia']);
    expect(await seen('member', 'spend_logs', 'request_id')).toEqual(['of-mia']);
    expect(await seen('proxy_admin', 'spend_logs', 'request_id')).toEqual(['of-mia', 'of-sam']);
  });
});
