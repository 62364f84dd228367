import { describe, expect, it } from 'vitest';
import type { Caller } from '../../../lib/exchange.ts';
import type { Member, Team } from '../../../lib/domain/team.ts';
import type { Role, User } from '../../../lib/domain/user.ts';
import {
  managesOrganization,
  managesTeam,
  mayForTeam,
  ownScope,
  requireSelf,
  seesOrganization,
  seesTeam,
} from '../../../lib/management/access.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { aKey } from '../../support/exchange.ts';

const base = { createdAt: 0, updatedAt: 0, metadata: {}, rev: 1, budgetAnchor: 0 };
const aUser = (id: string, role: Role): User => ({
  ...base,
  id,
  role,
  models: [],
  aliases: {},
  teams: [],
  organizations: [],
  blocked: false,
});
const callerOf = (id: string, role: Role = 'internal_user'): Caller => ({
  type: 'key',
  key: aKey({ userId: id }),
  user: aUser(id, role),
});
const team: Pick<Team, 'id' | 'organizationId' | 'memberPermissions'> = {
  id: 't',
  organizationId: 'o',
  memberPermissions: ['/key/generate'],
};

async function prepare() {
  const { members } = open();
  const add = (group: Member['group'], userId: string, role: string) =>
    members.put({ ...base, group, userId, role, models: [] });
  await add({ kind: 'team', id: 't' }, 'lead', 'admin');
  await add({ kind: 'team', id: 't' }, 'member', 'user');
  await add({ kind: 'organization', id: 'o' }, 'director', 'org_admin');
  await add({ kind: 'organization', id: 'o' }, 'employee', 'internal_user');
  return { members };
}

describe('who manages', () => {
  it.each([
    ['the master key', { type: 'master' } satisfies Caller, true],
    ['a proxy admin', callerOf('x', 'proxy_admin'), true],
    ['the org admin of its organization', callerOf('director'), true],
    ['its own admin', callerOf('lead'), true],
    ['its own admin who is a viewer in the whole gateway', callerOf('lead', 'internal_user_viewer'), false],
    ['a member', callerOf('member'), false],
    ['an employee of its organization', callerOf('employee'), false],
    ['a stranger', callerOf('stranger'), false],
    ['a key without a user', { type: 'key', key: aKey() } satisfies Caller, false],
  ])('a team: %s', async (_, caller, expected) => {
    expect(await managesTeam(await prepare(), caller, team)).toBe(expected);
  });

  it('an organization: its org admins only', async () => {
    const deps = await prepare();
    expect(await managesOrganization(deps, callerOf('director'), 'o')).toBe(true);
    expect(await managesOrganization(deps, callerOf('director'), 'other')).toBe(false);
    expect(await managesOrganization(deps, callerOf('employee'), 'o')).toBe(false);
    expect(await managesOrganization(deps, callerOf('lead'), 'o')).toBe(false);
  });

  it('for a team: what its members are permitted, and nobody else', async () => {
    const deps = await prepare();
    expect(await mayForTeam(deps, callerOf('member'), team, '/key/generate')).toBe(true);
    expect(await mayForTeam(deps, callerOf('member'), team, '/key/delete')).toBe(false);
    expect(await mayForTeam(deps, callerOf('lead'), team, '/key/delete')).toBe(true);
    expect(await mayForTeam(deps, callerOf('stranger'), team, '/key/generate')).toBe(false);
  });
});

describe('who sees', () => {
  it('a team: its members, its keys, and those above', async () => {
    const deps = await prepare();
    const key: Caller = { type: 'key', key: aKey({ teamId: 't' }) };
    for (const caller of [callerOf('member'), callerOf('director'), callerOf('x', 'proxy_admin_viewer'), key]) {
      expect(await seesTeam(deps, caller, team)).toBe(true);
    }
    expect(await seesTeam(deps, callerOf('stranger'), team)).toBe(false);
    expect(await seesTeam(deps, callerOf('employee'), team)).toBe(false);
  });

  it('an organization: its members and viewers', async () => {
    const deps = await prepare();
    expect(await seesOrganization(deps, callerOf('employee'), 'o')).toBe(true);
    expect(await seesOrganization(deps, callerOf('stranger'), 'o')).toBe(false);
  });

  it('a key: itself and viewers; and only viewers see the ledger of all', () => {
    const own: Caller = { type: 'key', key: aKey({ hash: 'h' }) };
    expect(() => requireSelf(own, 'h')).not.toThrow();
    expect(() => requireSelf(own, 'other')).toThrow(/own figures/);
    expect(() => requireSelf(callerOf('x', 'proxy_admin_viewer'), 'other')).not.toThrow();
    expect(ownScope(own)).toBe('h');
    expect(ownScope(callerOf('x', 'proxy_admin_viewer'))).toBeUndefined();
  });
});
