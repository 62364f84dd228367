import { describe, expect, it } from 'vitest';
import type { Customer, Tag } from '../../../lib/domain/customer.ts';
import type { Limits } from '../../../lib/domain/limits.ts';
import type { Organization, Project } from '../../../lib/domain/organization.ts';
import type { Member, Team } from '../../../lib/domain/team.ts';
import { PLAIN_USER, type User } from '../../../lib/domain/user.ts';
import type { Owners } from '../../../lib/exchange.ts';
import { scopesOf, type ScopeSettings } from '../../../lib/policies/scopes.ts';
import { aKey, anExchange, NOW } from '../../support/exchange.ts';
import { PLAIN_TEAM } from '../../support/records.ts';

const entity = { createdAt: NOW, updatedAt: NOW, metadata: {}, rev: 1, budgetAnchor: 0 };
const aTeam = (over: Partial<Team> = {}): Team => ({
  ...PLAIN_TEAM,
  ...entity,
  id: 't',
  ...over,
});
const aUser = (over: Partial<User> = {}): User => ({
  ...entity,
  id: 'u',
  ...PLAIN_USER,
  ...over,
});
const aMember = (kind: 'team' | 'organization', over: Partial<Member> = {}): Member => ({
  ...entity,
  group: { kind, id: kind === 'team' ? 't' : 'o' },
  userId: 'u',
  role: 'user',
  models: [],
  ...over,
});
const anOrganization = (over: Partial<Organization> = {}): Organization => ({
  ...entity,
  id: 'o',
  alias: 'Org',
  models: [],
  aliases: {},
  blocked: false,
  ...over,
});
const aProject = (over: Partial<Project>): Project => ({ ...entity, id: 'p', models: [], tags: [], blocked: false, ...over });
const aCustomer = (over: Partial<Customer>): Customer => ({ ...entity, id: 'c', blocked: false, ...over });
const aTag = (id: string, over: Partial<Tag>): Tag => ({ ...entity, id, models: [], ...over });

const limit: Partial<Limits> = { maxBudget: 5n };
const namesOf = (owners: Owners, over = {}, settings: ScopeSettings = {}, key = aKey({ hash: 'k' })) =>
  scopesOf(anExchange({ caller: { type: 'key', key, ...owners }, ...over }), settings).map(
    ({ scope }) => `${scope.kind} ${scope.id}`,
  );

describe('the scopes of a call', () => {
  it('are none where nothing is limited', () => {
    expect(namesOf({ team: aTeam(), user: aUser() })).toEqual([]);
  });

  it('go from the narrowest to the widest', () => {
    const key = aKey({ hash: 'k', sessionBudget: 1n, ...limit });
    const owners = {
      team: aTeam(limit),
      member: aMember('team', limit),
      user: aUser({ rpmLimit: 1 }),
      project: aProject(limit),
      organization: anOrganization(limit),
      organizationMember: aMember('organization', limit),
    };
    const over = { sessionId: 's', customer: aCustomer(limit), tagged: [aTag('one', limit), aTag('two', { rpmLimit: 1 })] };
    const global = { budgetAnchor: 0, ...limit, modelLimits: { 'gpt-*': limit, claude: limit } };

    expect(namesOf(owners, over, { global }, key)).toEqual([
      'key k',
      'session k/s',
      'member t/u',
      'team t',
      'user u',
      'project p',
      'organization-member o/u',
      'organization o',
      'customer c',
      'tag one',
      'tag two',
      'model gpt-*',
      'global gateway',
    ]);
  });

  it('tell their figures to whom they belong: own ones to keys, all of them to those who see everything', () => {
    const key = aKey({ hash: 'k', sessionBudget: 1n, ...limit });
    const tagged = [aTag('free', limit), aTag('ours', { teamId: 't', ...limit })];
    const global = { budgetAnchor: 0, ...limit, modelLimits: { 'gpt-*': limit } };
    const undisclosed = (owners: Owners) =>
      scopesOf(anExchange({ caller: { type: 'key', key, ...owners }, sessionId: 's', customer: aCustomer(limit), tagged }), {
        global,
      }).flatMap((scope) => (scope.undisclosed === true ? [`${scope.scope.kind} ${scope.scope.id}`] : []));

    const owners = { team: aTeam(limit), organization: anOrganization(limit) };
    expect(undisclosed({ ...owners, user: aUser(limit) })).toEqual(['customer c', 'tag free', 'model gpt-*', 'global gateway']);
    for (const role of ['proxy_admin', 'proxy_admin_viewer'] as const) {
      expect(undisclosed({ user: aUser({ role }) })).toEqual([]);
    }
  });

  it('have the names people gave them', () => {
    const [key, team] = scopesOf(
      anExchange({ caller: { type: 'key', key: aKey({ alias: 'ci', ...limit }), team: aTeam({ alias: 'Team', ...limit }) } }),
      {},
    );

    expect([key?.name, team?.name]).toEqual(['ci', 'Team']);
  });

  it('tell apart pairs whose parts have slashes', () => {
    const ids = [
      ['a/b', 'c'],
      ['a', 'b/c'],
    ].map(
      ([id = '', userId = '']) => namesOf({ member: aMember('team', { group: { kind: 'team', id }, userId, ...limit }) })[0],
    );

    expect(new Set(ids).size).toBe(2);
  });

  describe("with a user's limits", () => {
    const user = aUser({ maxBudget: 5n, rpmLimit: 7, modelLimits: { m: { maxBudget: 1n, rpmLimit: 2 } } });
    const limitsIn = (owners: Owners, settings: ScopeSettings = {}, key = aKey()) =>
      scopesOf(anExchange({ caller: { type: 'key', key, ...owners } }), settings).find(({ scope }) => scope.kind === 'user')
        ?.limits;

    it("count all of them for a key of the user's own", () => {
      expect(limitsIn({ user })).toBe(user);
    });

    it('count only rates for a key of a team, its record there or not', () => {
      const rates = { budgetAnchor: 0, rpmLimit: 7, modelLimits: { m: { rpmLimit: 2 } } };

      expect(limitsIn({ user, team: aTeam() })).toMatchObject(rates);
      expect(limitsIn({ user }, {}, aKey({ teamId: 't' }))).toMatchObject(rates);
      expect(limitsIn({ user, team: aTeam() })?.maxBudget).toBeUndefined();
      expect(limitsIn({ user, team: aTeam() })?.modelLimits?.['m']?.maxBudget).toBeUndefined();
    });

    it('count all of them for every key where the operator says so', () => {
      expect(limitsIn({ user, team: aTeam() }, { userBudgetsForTeamKeys: true })).toBe(user);
    });
  });

  it('of the master key are those of customers, tags and the gateway', () => {
    const scopes = scopesOf(anExchange({ caller: { type: 'master' }, customer: aCustomer(limit), sessionId: 's' }), {
      global: { budgetAnchor: 0, ...limit },
    });

    expect(scopes.map(({ scope }) => scope.kind)).toEqual(['customer', 'global']);
  });
});
