import { beforeEach, describe, expect, it } from 'vitest';
import { hashSecret } from '../../../lib/domain/key.ts';
import { createAdmin, NOW, type Admin } from './support.ts';

const HOUR = 3_600_000;
const AT = '/management/v1/spend_logs';

let admin: Admin;
beforeEach(() => {
  admin = createAdmin();
});

/** The hour around now, both ends included. */
const span = (from = NOW - HOUR, to = NOW): Record<string, string> => ({
  'filter[startTime][gte]': new Date(from).toISOString(),
  'filter[startTime][lte]': new Date(to).toISOString(),
});

const read = async (facet: string, over: Record<string, string> = {}, key?: string) => {
  const path = `${AT}/${facet}?${new URLSearchParams({ ...span(), ...over }).toString()}`;
  return admin.call('GET', path, key === undefined ? {} : { key });
};
const namesOf = async (facet: string, over: Record<string, string> = {}, key?: string): Promise<unknown> => {
  const { status, body } = await read(facet, over, key);
  expect(status, JSON.stringify(body)).toBe(200);
  return body['data'];
};

describe('the names in the calls of a span', () => {
  it('are told once each and in order, of users and of customers, both ends of the span included', async () => {
    await admin.spend({ userId: 'bob', endUser: 'shop' });
    await admin.spend({ userId: 'ada', endUser: 'Acme', at: NOW - HOUR });
    await admin.spend({ userId: 'ada', endUser: '' });
    await admin.spend({ userId: 'early', endUser: 'early', at: NOW - HOUR - 1 });
    await admin.spend({ userId: 'booked', kind: 'adjustment' });
    await admin.spend({ userId: 'late', endUser: 'late', at: NOW + 1 });

    expect(await namesOf('users')).toEqual(['ada', 'bob']);
    expect(await namesOf('end_users')).toEqual(['Acme', 'shop']);
    expect(await namesOf('end_users', { q: 'ACM' })).toEqual(['Acme']);
    const day = { 'filter[startTime][gte]': '2026-11-22', 'filter[startTime][lte]': '2026-11-22' };
    expect(await namesOf('users', day)).toEqual(['ada', 'bob', 'early', 'late']);
  });

  it('come by page, with links that lead through all of them', async () => {
    for (const userId of ['a', 'b', 'c', 'd', 'e']) await admin.spend({ userId });
    const seen: unknown[] = [];
    const { body: first } = await read('users', { page_size: '2', q: '' });
    expect(first).toMatchObject({ meta: { page: 1, page_size: 2, has_more: true }, links: { prev: null } });

    let at: string | null = (first['links'] as { self: string }).self;
    for (let pages = 0; at !== null && pages < 9; pages++) {
      const { body } = await admin.call('GET', at);
      seen.push(body['data']);
      at = (body['links'] as { next: string | null }).next;
    }

    expect(seen).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect((await read('users', { page_size: '2', page: '3' })).body).toMatchObject({
      meta: { page: 3, has_more: false },
      links: { prev: expect.stringContaining('page=2') as string, next: null },
    });
  });

  it('are those of the own calls for everybody but viewers', async () => {
    await admin.call('POST', '/user/new', { body: { user_id: 'ada', auto_create_key: false } });
    const secretOf = async (body: object) => String((await admin.call('POST', '/key/generate', { body })).body['key']);
    const [ada, nobody] = [await secretOf({ user_id: 'ada' }), await secretOf({})];
    await admin.spend({ userId: 'ada', endUser: 'hers', keyHash: hashSecret(ada) });
    await admin.spend({ userId: 'bob', endUser: 'his' });

    expect(await namesOf('users', {}, ada)).toEqual(['ada']);
    expect(await namesOf('end_users', {}, ada)).toEqual(['hers']);
    expect(await namesOf('end_users', {}, nobody)).toEqual([]);
  });

  it('need a span, and pages there can be', async () => {
    expect((await admin.call('GET', `${AT}/users`)).status).toBe(400);
    expect((await read('users', span(NOW, NOW - 1))).status).toBe(400);
    expect((await read('users', { 'filter[startTime][gte]': 'yesterday' })).status).toBe(400);
    for (const over of [{ page: '0' }, { page_size: '101' }]) expect((await read('users', over)).status).toBe(400);
  });
});
