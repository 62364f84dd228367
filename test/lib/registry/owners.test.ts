import { describe, expect, it } from 'vitest';
import type { Team } from '../../../lib/domain/team.ts';
import { createOwners } from '../../../lib/registry/owners.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import { aKey } from '../../support/exchange.ts';
import { PLAIN_TEAM } from '../../support/records.ts';

const record = { createdAt: 0, updatedAt: 0, metadata: {}, rev: 1, budgetAnchor: 7 };
const team: Team = {
  ...PLAIN_TEAM,
  ...record,
  id: 't',
};

function prepare() {
  const stores = open();
  const clock = { now: 0 };
  return { stores, clock, owners: createOwners({ stores, now: () => clock.now, ttlMs: 100 }) };
}

describe('the owners of a key', () => {
  it('are found through the records that name them: a project names its team, a team its organization', async () => {
    const { stores, owners } = prepare();
    await stores.projects.create({ ...record, id: 'p', teamId: 't', models: [], tags: [], blocked: false });
    await stores.teams.create({ ...team, organizationId: 'o', memberDefaults: { maxBudget: 3n } });
    await stores.organizations.create({ ...record, id: 'o', alias: 'O', models: [], aliases: {}, blocked: false });
    await stores.members.put({ ...record, group: { kind: 'team', id: 't' }, userId: 'u', role: 'user', models: [] });

    const found = await owners.ownersOf(aKey({ projectId: 'p', userId: 'u' }));

    expect(found).toMatchObject({ project: { id: 'p' }, team: { id: 't' }, organization: { id: 'o' } });
    expect(found.member).toMatchObject({ userId: 'u', maxBudget: 3n });
    expect(found.user).toBeUndefined();
  });

  it('have the limits of their shared budget where they have none of their own, on their own anchor', async () => {
    const { stores, owners } = prepare();
    await stores.budgets.create({
      ...record,
      id: 'b',
      models: [],
      maxBudget: 9n,
      budgetDuration: '1d',
      rpmLimit: 5,
      budgetAnchor: 1,
    });
    await stores.teams.create({ ...team, budgetId: 'b', rpmLimit: 2 });

    const { team: found } = await owners.ownersOf(aKey({ teamId: 't' }));

    expect(found).toMatchObject({ maxBudget: 9n, budgetDuration: '1d', rpmLimit: 2, budgetAnchor: 7 });
  });

  it('keep their own window with their own cap', async () => {
    const { stores, owners } = prepare();
    await stores.budgets.create({ ...record, id: 'b', models: [], maxBudget: 9n, budgetDuration: '1d' });

    expect(await owners.budgeted(aKey({ budgetId: 'b', maxBudget: 1n }))).not.toHaveProperty('budgetDuration');
  });

  it('are read again after their time', async () => {
    const { stores, clock, owners } = prepare();
    expect((await owners.ownersOf(aKey({ teamId: 't' }))).team).toBeUndefined();
    await stores.teams.create(team);
    expect((await owners.ownersOf(aKey({ teamId: 't' }))).team).toBeUndefined();
    clock.now = 100;
    expect((await owners.ownersOf(aKey({ teamId: 't' }))).team).toEqual(team);
  });
});
