/** `GET /management/v1/teams` and `/management/v1/users`: those of `/team/list` and `/user/list`, read on by cursors. */
import type { Team } from '../../domain/team.ts';
import type { User } from '../../domain/user.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { isViewer, userIdOf } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { partOfIds, readPage, type PageRequest, type Part } from '../records/reading.ts';
import type { Query } from '../records/records.ts';
import { managedOrganizations, ownTeams, teamFilter } from './scoping.ts';
import { asked, TEAM_FILTERS } from './team-list.ts';
import { groupOf, teamRow } from './teams.ts';
import { askedUsers, listedUser, USER_FILTERS, userFilter } from './user-list.ts';

/**
 * A page of teams.
 *
 * @throws GatewayError `invalid_request`
 */
export async function readTeams(deps: ManagementDeps, request: PageRequest): Promise<JsonObject> {
  const { caller, query } = request;
  const [isVisible, isAsked, userId] = [await teamFilter(deps, caller), asked(query), query('user_id')];
  return readPage<Team>(request, TEAM_FILTERS, {
    parts: await teamParts(deps, caller, query),
    matches: async (team) =>
      isVisible(team) &&
      isAsked(team) &&
      (userId === undefined || (await deps.members.get(groupOf(team.id), userId, { fresh: true })) !== undefined),
    row: (team) => teamRow(deps, team),
  });
}

/** Where the teams are that the caller sees; of those who see everything, the least that is known to have what is asked for. */
async function teamParts(deps: ManagementDeps, caller: Caller, query: Query): Promise<readonly Part<Team>[]> {
  const byId = (id: string) => deps.teams.get(id, { fresh: true });
  const [id, organization, userId] = [query('team_id'), query('organization_id'), query('user_id')];
  if (id !== undefined) return [partOfIds('one', [id], byId)];
  const ofOrganization = (organizationId: string, but: ReadonlySet<string>): Part<Team> => ({
    name: `organization#${organizationId}`,
    async page(page) {
      const { items, ...rest } = await deps.teams.listOf({ kind: 'organization', id: organizationId }, page);
      return { items: items.filter((team) => !but.has(team.id)), ...rest };
    },
  });
  if (isViewer(caller)) {
    if (organization !== undefined) return [ofOrganization(organization, new Set())];
    if (userId !== undefined) {
      return [partOfIds('user', (await deps.users.get(userId, { fresh: true }))?.teams ?? [], byId)];
    }
    return [{ name: 'all', page: (page) => deps.teams.list(page) }];
  }
  const own = await ownTeams(deps, caller);
  const managed = [...(await managedOrganizations(deps, caller))].filter((one) => (organization ?? one) === one);
  return [partOfIds('own', own, byId), ...managed.toSorted().map((one) => ofOrganization(one, own))];
}

/**
 * A page of users.
 *
 * @throws GatewayError `invalid_request`
 */
export async function readUsers(deps: ManagementDeps, request: PageRequest): Promise<JsonObject> {
  const { caller, query } = request;
  const isVisible = await userFilter(deps, caller);
  const { matches } = askedUsers(query);
  return readPage<User>(request, USER_FILTERS, {
    parts: await userParts(deps, caller, query),
    matches: (user) => isVisible(user) && matches(user),
    row: (user) => listedUser(deps, user),
  });
}

/** The same of users. */
async function userParts(deps: ManagementDeps, caller: Caller, query: Query): Promise<readonly Part<User>[]> {
  const byId = (id: string) => deps.users.get(id, { fresh: true });
  const { ids, team, organization } = askedUsers(query);
  if (ids !== undefined) return [partOfIds('ids', ids, byId)];
  if (isViewer(caller)) {
    if (team !== undefined) return [membersPart(deps, { kind: 'team', id: team })];
    if (organization !== undefined) return [membersPart(deps, { kind: 'organization', id: organization })];
    return [{ name: 'all', page: (page) => deps.users.list(page) }];
  }
  const own = userIdOf(caller);
  const managed = [...(await managedOrganizations(deps, caller))].filter((id) => (organization ?? id) === id).toSorted();
  return [
    partOfIds('own', own === undefined ? [] : [own], byId),
    ...managed.map((id, index) => {
      const part = membersPart(deps, { kind: 'organization', id });
      const earlier = managed.slice(0, index);
      return {
        ...part,
        async page(page: Parameters<typeof part.page>[0]) {
          const { items, ...rest } = await part.page(page);
          const isFirst = (user: User): boolean =>
            user.id !== own && !earlier.some((other) => user.organizations.includes(other));
          return { items: items.filter(isFirst), ...rest };
        },
      };
    }),
  ];
}

/** The members of a group. */
const membersPart = (deps: ManagementDeps, group: Parameters<ManagementDeps['members']['page']>[0]): Part<User> => ({
  name: `${group.kind}#${group.id}`,
  async page(page) {
    const { items, ...rest } = await deps.members.page(group, page);
    const users = await Promise.all(items.map(({ userId }) => deps.users.get(userId, { fresh: true })));
    return { items: users.filter((user) => user !== undefined), ...rest };
  },
});
