/** A small company, to see who may do what: an organization with a team, and somebody of every role. */
import { hashSecret, type VirtualKey } from '../../../lib/domain/key.ts';
import type { Role, User } from '../../../lib/domain/user.ts';
import { NOW } from '../../support/exchange.ts';
import { MASTER, type Admin } from './support.ts';

const stamps = { createdAt: NOW, updatedAt: NOW, metadata: {}, rev: 1, budgetAnchor: NOW };

/** Stores a user with a key, as an import would; gives the secret. */
export async function personOf(admin: Admin, id: string, role: Role, over: Partial<VirtualKey> = {}): Promise<string> {
  const secret = `sk-secret-of-${id}-for-tests`;
  const user: User = { ...stamps, id, role, models: [], aliases: {}, teams: [], organizations: [], blocked: false };
  await admin.deps.users.create(user);
  await admin.deps.keys.create({
    ...stamps,
    hash: hashSecret(secret),
    name: 'sk-...',
    blocked: false,
    models: [],
    aliases: {},
    tags: [],
    userId: id,
    ...over,
  });
  return secret;
}

/** The people of the company, by what they are. */
export const PEOPLE = [
  'master',
  'proxy_admin',
  'proxy_admin_viewer',
  'org_admin',
  'team_admin',
  'member',
  'viewer_member',
  'stranger',
] as const;

/** One of them. */
export type Person = (typeof PEOPLE)[number];

/** Organization `acme` with team `red` and an invitation, and a team `blue` of nobody; the secrets of all people. */
export async function company(admin: Admin): Promise<Readonly<Record<Person, string>>> {
  const secrets: Record<Person, string> = {
    master: MASTER,
    proxy_admin: await personOf(admin, 'ada', 'proxy_admin'),
    proxy_admin_viewer: await personOf(admin, 'vic', 'proxy_admin_viewer'),
    org_admin: await personOf(admin, 'olga', 'internal_user'),
    team_admin: await personOf(admin, 'tom', 'internal_user'),
    member: await personOf(admin, 'mia', 'internal_user'),
    viewer_member: await personOf(admin, 'val', 'internal_user_viewer'),
    stranger: await personOf(admin, 'sam', 'internal_user'),
  };
  const made = async (path: string, body: object): Promise<void> => {
    const { status, body: answer } = await admin.call('POST', path, { body });
    if (status >= 300) throw new Error(`${path}: ${JSON.stringify(answer)}`);
  };
  await made('/organization/new', {
    organization_id: 'acme',
    organization_alias: 'Acme',
    max_budget: 100,
    models: ['gpt-4o', 'openai/*'],
  });
  await made('/organization/member_add', { organization_id: 'acme', member: { user_id: 'olga', role: 'org_admin' } });
  await made('/team/new', {
    team_id: 'red',
    team_alias: 'Red',
    organization_id: 'acme',
    models: ['gpt-4o'],
    members_with_roles: [
      { user_id: 'tom', role: 'admin' },
      { user_id: 'mia', role: 'user' },
      { user_id: 'val', role: 'admin' },
    ],
  });
  await made('/team/new', { team_id: 'blue', team_alias: 'Blue' });
  await made('/project/new', { project_id: 'p', team_id: 'red' });
  await admin.deps.invitations.create({
    ...stamps,
    id: 'invited',
    userId: 'mia',
    userSince: NOW,
    teamId: 'red',
    organizationId: 'acme',
    expiresAt: NOW + 1,
  });
  return secrets;
}
