/**
 * The owners of keys and the other records a request needs, kept in memory for seconds, each with the limits of its shared budget
 * filled in. A warm request asks the database for none of them, a cold one for all of them side by side.
 */
import type { AccessGroup, Customer, SharedBudget, Tag } from '../domain/customer.ts';
import type { VirtualKey } from '../domain/key.ts';
import { withDefaults, type Limits } from '../domain/limits.ts';
import type { Member } from '../domain/team.ts';
import type { User } from '../domain/user.ts';
import type { Owners } from '../exchange.ts';
import { defined } from '../kinds/json.ts';
import { createCache } from './registry-cache.ts';
import type { IdentityStores } from '../stores/stores.ts';

/** What it reads from. */
export interface OwnersDeps {
  readonly stores: Omit<IdentityStores, 'audit' | 'deletedKeys' | 'deletedTeams'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** How long an answer may be used without asking again, milliseconds. */
  readonly ttlMs: number;
}

/** Cached views. A record that is not there is remembered too. */
export interface OwnersCache {
  /** The key with the limits of its shared budget filled in. */
  readonly budgeted: (key: VirtualKey) => Promise<VirtualKey>;
  readonly ownersOf: (key: Pick<VirtualKey, 'teamId' | 'userId' | 'organizationId' | 'projectId'>) => Promise<Owners>;
  readonly user: (id: string) => Promise<User | undefined>;
  readonly customer: (id: string) => Promise<Customer | undefined>;
  readonly tag: (name: string) => Promise<Tag | undefined>;
  readonly accessGroup: (name: string) => Promise<AccessGroup | undefined>;
  readonly budget: (id: string) => Promise<SharedBudget | undefined>;
  readonly forget: () => void;
}

/** A cache over the stores. */
export function createOwners({ stores, now, ttlMs }: OwnersDeps): OwnersCache {
  const budgets = createCache(now, ttlMs, (id) => stores.budgets.get(id));
  /** With the limits of the shared budget, if it has one. */
  async function budgeted<T extends Limits>(record: T): Promise<T>;
  async function budgeted<T extends Limits>(record: T | undefined): Promise<T | undefined>;
  async function budgeted<T extends Limits>(record: T | undefined): Promise<T | undefined> {
    if (record?.budgetId === undefined) return record;
    return withDefaults(record, await budgets.get(record.budgetId));
  }
  const cached = <T extends Limits>(store: { get(id: string): Promise<T | undefined> }) =>
    createCache(now, ttlMs, async (id) => budgeted(await store.get(id)));
  const teams = cached(stores.teams);
  const users = cached(stores.users);
  const organizations = cached(stores.organizations);
  const projects = cached(stores.projects);
  const customers = cached(stores.customers);
  const tags = cached(stores.tags);
  const groups = createCache(now, ttlMs, (name) => stores.accessGroups.get(name));
  const memberships = createCache(now, ttlMs, async (key) => {
    const [kind, id, userId] = JSON.parse(key) as ['team' | 'organization', string, string];
    return budgeted(await stores.members.get({ kind, id }, userId));
  });
  const member = (kind: Member['group']['kind'], id: string | undefined, userId: string | undefined) =>
    id === undefined || userId === undefined ? undefined : memberships.get(JSON.stringify([kind, id, userId]));
  const of = <T>(cache: { get(id: string): Promise<T | undefined> }, id: string | undefined) =>
    id === undefined ? undefined : cache.get(id);

  return {
    budgeted,
    user: users.get,
    customer: customers.get,
    tag: tags.get,
    accessGroup: groups.get,
    budget: budgets.get,

    async ownersOf({ teamId, userId, organizationId, projectId }) {
      const [ownTeam, user, project, ownMember, ownOrganization, ownOrganizationMember] = await Promise.all([
        of(teams, teamId),
        of(users, userId),
        of(projects, projectId),
        member('team', teamId, userId),
        of(organizations, organizationId),
        member('organization', organizationId, userId),
      ]);
      // What only a record names is read after it: a project's team, a team's organization.
      const team = ownTeam ?? (await of(teams, teamId === undefined ? project?.teamId : undefined));
      const above = organizationId ?? team?.organizationId;
      const [teamMember, organization, organizationMember] = await Promise.all([
        ownMember ?? member('team', team?.id, userId),
        ownOrganization ?? of(organizations, above),
        ownOrganizationMember ?? member('organization', above, userId),
      ]);
      return defined({
        team,
        user,
        project,
        member: teamMember === undefined ? undefined : withDefaults(teamMember, team?.memberDefaults),
        organization,
        organizationMember,
      });
    },

    forget() {
      for (const cache of [budgets, teams, users, organizations, projects, customers, tags, groups, memberships]) cache.clear();
    },
  };
}
