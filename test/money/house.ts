/** Owners with records in the stores: an organization, its teams, a project, users, memberships, and keys with secrets. */
import { hashSecret, type VirtualKey } from '../../lib/domain/key.ts';
import type { Limits } from '../../lib/domain/limits.ts';
import type { ScopeKind } from '../../lib/domain/meter.ts';
import type { Organization, Project } from '../../lib/domain/organization.ts';
import type { Member, Team } from '../../lib/domain/team.ts';
import type { User } from '../../lib/domain/user.ts';
import type { Caller } from '../../lib/exchange.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { aKey, NOW } from '../support/exchange.ts';

/** A key by its owners: the numbers of its team and its user. */
export interface Place {
  readonly team: number;
  readonly user: number;
}

/** A key that can be used, and everything that stands above it. */
export interface Resident {
  readonly secret: string;
  readonly caller: Extract<Caller, { type: 'key' }>;
}

const record = { createdAt: NOW - 1000, updatedAt: NOW - 1000, rev: 1 };
const entity = { ...record, metadata: {}, models: [], aliases: {}, blocked: false };

/**
 * Furnishes a house in the stores: a key for each place.
 *
 * @param name part of every id, so that houses share nothing
 * @param limits of the owner of a kind with a number, in the order of `places`; organization and project are the only ones
 */
export async function furnish(
  stores: Stores,
  name: string,
  places: readonly Place[],
  limits: (kind: ScopeKind, number: number) => Partial<Limits>,
): Promise<readonly Resident[]> {
  const of = (kind: ScopeKind, number: number): Limits => ({ budgetAnchor: NOW - 1000, ...limits(kind, number) });
  const once = <T>(make: (number: number) => T): ((number: number) => T) => {
    const made = new Map<number, T>();
    return (number) => {
      const known = made.get(number) ?? make(number);
      made.set(number, known);
      return known;
    };
  };
  const organization: Organization = { ...entity, ...of('organization', 0), id: `${name}-org`, alias: 'Org' };
  const project: Project = { ...entity, ...of('project', 0), id: `${name}-project`, tags: [] };
  const teamOf = once((number): Team => ({
    ...entity,
    ...of('team', number),
    id: `${name}-team-${number}`,
    organizationId: organization.id,
    tags: [],
    memberPermissions: [],
    accessGroups: [],
  }));
  const userOf = once((number): User => ({
    ...entity,
    ...of('user', number),
    id: `${name}-user-${number}`,
    role: 'internal_user',
    teams: [],
    organizations: [],
  }));
  const memberOf = once((number): Member => {
    const { team = 0, user = 0 } = places[number] ?? {};
    const group = { kind: 'team', id: teamOf(team).id } as const;
    return { ...record, ...of('member', number), group, userId: userOf(user).id, role: 'user', models: [] };
  });

  const residents = places.map(({ team, user }, number): Resident => {
    const secret = `sk-${name}-${number}`;
    const key: VirtualKey = aKey({
      hash: hashSecret(secret),
      alias: `${name}-key-${number}`,
      teamId: teamOf(team).id,
      userId: userOf(user).id,
      projectId: project.id,
      organizationId: organization.id,
      ...of('key', number),
    });
    const owners = { team: teamOf(team), user: userOf(user), member: memberOf(number), project, organization };
    return { secret, caller: { type: 'key', key, ...owners } };
  });

  const callers = residents.map(({ caller }) => caller);
  const each = <T>(pick: (caller: Resident['caller']) => T): readonly NonNullable<T>[] =>
    [...new Set(callers.map(pick))].filter((one) => one != null);
  await Promise.all([
    stores.organizations.create(organization),
    stores.projects.create(project),
    ...each(({ team }) => team).map((team) => stores.teams.create(team)),
    ...each(({ user }) => user).map((user) => stores.users.create(user)),
    ...each(({ member }) => member).map((member) => stores.members.put(member)),
    ...each(({ key }) => key).map((key) => stores.keys.create(key)),
  ]);
  return residents;
}
