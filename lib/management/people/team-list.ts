/** Listings of teams: `/team/list`, `/v2/team/list`. */
import type { Deleted } from '../../domain/entity.ts';
import { toUsdNumber } from '../../domain/money.ts';
import { readAll } from '../../domain/pages.ts';
import type { Team } from '../../domain/team.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { isViewer, requireViewer } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { TEAM } from './identity-kinds.ts';
import { isoOf } from '../limit-fields.ts';
import {
  askedPart,
  contains,
  each,
  ownedBy,
  pageOf,
  PAGING,
  recordsOf,
  select,
  sorted,
  type Query,
} from '../records/records.ts';
import { managedOrganizations, ownTeams, teamFilter } from './scoping.ts';
import { groupOf, teamRow } from './teams.ts';

/** What a listing of teams may be narrowed by. */
export const TEAM_FILTERS: readonly string[] = ['user_id', 'organization_id', 'team_id', 'team_alias'];

/** Query of `/team/list`. */
export const TEAM_LISTING = [...TEAM_FILTERS, ...PAGING];

/** Query of `/v2/team/list`. */
export const TEAM_PAGES = [...TEAM_LISTING, 'status', 'sort_by', 'sort_order'];

/** Those of the teams a caller may see that match the query. */
async function matching(deps: ManagementDeps, caller: Caller, query: Query): Promise<readonly Team[]> {
  const [isVisible, userId] = [await teamFilter(deps, caller), query('user_id')];
  const isAsked = asked(query);
  const teams = (await candidatesOf(deps, caller, query)).filter((team) => isVisible(team) && isAsked(team));
  if (userId === undefined) return teams;
  const memberships = await each(teams, ({ id }) => deps.members.get(groupOf(id), userId));
  return teams.filter((_, index) => memberships[index] !== undefined);
}

/** Teams among whom those asked for are: the fewest that are known to be. */
async function candidatesOf(deps: ManagementDeps, caller: Caller, query: Query): Promise<readonly Team[]> {
  const [id, organization, userId] = [query('team_id'), query('organization_id'), query('user_id')];
  if (id !== undefined) return recordsOf(deps.teams, [id]);
  if (organization !== undefined) return ofOrganizations(deps, [organization]);
  const user = userId === undefined ? undefined : await deps.users.get(userId, { fresh: true });
  if (user !== undefined) return recordsOf(deps.teams, user.teams);
  if (isViewer(caller)) return readAll(deps.teams);
  const [own, managed] = [await ownTeams(deps, caller), await managedOrganizations(deps, caller)];
  const teams = [...(await recordsOf(deps.teams, own)), ...(await ofOrganizations(deps, [...managed]))];
  return newestFirst([...new Map(teams.map((team) => [team.id, team])).values()]);
}

const ofOrganizations = async (deps: ManagementDeps, ids: readonly string[]): Promise<readonly Team[]> =>
  newestFirst((await each(ids, (id) => readAll(ownedBy(deps.teams, { kind: 'organization', id })))).flat());

const newestFirst = (teams: readonly Team[]): readonly Team[] =>
  teams.toSorted((one, other) => other.createdAt - one.createdAt);

/** A test for the teams asked for, but for whose they are. */
export const asked =
  (query: Query) =>
  ({ id, alias, organizationId }: Team): boolean =>
    (query('team_id') === undefined || query('team_id') === id) &&
    (query('organization_id') === undefined || query('organization_id') === organizationId) &&
    contains(alias, query('team_alias'));

/** `GET /team/list`: all of them, newest first. */
export async function listTeams(deps: ManagementDeps, caller: Caller, query: Query): Promise<readonly JsonObject[]> {
  return each(askedPart(await matching(deps, caller, query), query), (team) => teamRow(deps, team));
}

const SORTABLE = ['team_id', 'team_alias', 'organization_id', 'max_budget', 'created_at', 'updated_at', 'deleted_at'];

/**
 * `GET /v2/team/list`: by page. `status=deleted` lists the history, for those who see everything.
 *
 * @throws GatewayError `invalid_request`, `permission`
 */
export async function pageTeams(deps: ManagementDeps, caller: Caller, query: Query): Promise<JsonObject> {
  const status = query('status');
  if (status !== undefined && status !== 'deleted') {
    throw new GatewayError('invalid_request', 'status: expected deleted, or nothing', { param: 'status' });
  }
  const order = { by: query('sort_by'), order: query('sort_order') };
  const asked = { page: query('page'), size: query('page_size') };
  if (status === 'deleted') {
    const page = pageOf(sorted(await deletedRows(deps, caller, query), order, SORTABLE), asked, { initial: 10 });
    return { teams: page.items, ...countsOf(page) };
  }
  const now = deps.now();
  const teams = await matching(deps, caller, query);
  const byId = new Map(teams.map((team) => [team.id, team]));
  const rows = sorted(
    teams.map((team) => TEAM.row(team, now)),
    order,
    SORTABLE,
  );
  const page = pageOf(rows, asked, { initial: 10 });
  const shown = page.items.flatMap(({ team_id: id }) => byId.get(String(id)) ?? []);
  return { teams: await each(shown, (team) => teamRow(deps, team)), ...countsOf(page) };
}

const countsOf = ({ total, page, size, pages }: { total: number; page: number; size: number; pages: number }): JsonObject => ({
  total,
  page,
  page_size: size,
  total_pages: pages,
});

async function deletedRows(deps: ManagementDeps, caller: Caller, query: Query): Promise<readonly JsonObject[]> {
  requireViewer(caller);
  const isAsked = asked(query);
  return (await select(deps.deletedTeams, ({ record }) => isAsked(record))).map((copy) => deletedRow(copy, deps.now()));
}

const deletedRow = ({ id, record, deletedAt, deletedBy, spend }: Deleted<Team>, now: number): JsonObject => ({
  ...TEAM.row(record, now),
  id,
  spend: toUsdNumber(spend),
  deleted_at: isoOf(deletedAt),
  deleted_by: deletedBy,
});
