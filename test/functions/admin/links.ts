/** What is done with invitations, as tests say it. */
import { expect } from 'vitest';
import type { VirtualKey } from '../../../lib/domain/key.ts';
import { createAdmin, type Admin, type Answer } from './support.ts';

/** A call as the master, or with `key`. */
export const post = (admin: Admin, path: string, body: object, key?: string): Promise<Answer> =>
  admin.call('POST', path, { body, ...(key === undefined ? {} : { key }) });

/** A house with a user that has no key, and a link for it. */
export async function invited(admin = createAdmin(), id = 'ann'): Promise<{ readonly admin: Admin; readonly link: string }> {
  await post(admin, '/user/new', { user_id: id, user_email: `${id}@acme.example`, max_budget: 3, auto_create_key: false });
  return { admin, link: String((await post(admin, '/invitation/new', { user_id: id })).body['id']) };
}

/** Opens a link. */
export const open = (admin: Admin, link: string): Promise<Answer> =>
  admin.call('GET', `/onboarding/get_token?invite_link=${encodeURIComponent(link)}`, { key: null });

/** The session of a link that is good. */
export async function sessionOf(admin: Admin, link: string): Promise<string> {
  const { status, body } = await open(admin, link);
  expect(status, JSON.stringify(body)).toBe(200);
  return String(body['token']);
}

/** Claims a link. */
export const claim = (admin: Admin, link: string, session: string, over: object = {}): Promise<Answer> =>
  admin.call('POST', '/onboarding/claim_token', { key: session, body: { invitation_link: link, ...over } });

/** The keys of a user. */
export const keysOf = async (admin: Admin, id: string): Promise<readonly VirtualKey[]> =>
  (await admin.deps.keys.listOf({ kind: 'user', id }, { limit: 100 })).items;
