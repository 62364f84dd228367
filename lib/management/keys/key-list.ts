/** `GET /key/list` and `/key/aliases`: keys by page. */
import type { VirtualKey } from '../../domain/key.ts';
import { isAmong, ownersOfKey, type KeyOwner } from '../../domain/owned.ts';
import { readAll } from '../../domain/pages.ts';
import { NO_TOTAL } from '../../domain/total.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import { defined, type JsonObject } from '../../kinds/json.ts';
import { isViewer, managesOrganization, mayForTeam, userIdOf } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { numberIn } from '../input.ts';
import { keyRow, readKeyRow } from './key-answer.ts';
import { hashOf } from './key-records.ts';
import { isoOf } from '../limit-fields.ts';
import { each, ownedBy, sifted, type Query } from '../records/records.ts';

/** Query of `/key/list`, as it came. */
export interface KeyListQuery {
  /** From 1; default 1. */
  readonly page?: string;
  /** 1 to 100; default 10. */
  readonly size?: string;
  /** `true` gives rows instead of hashes. */
  readonly fullObject?: string;
  readonly keyAlias?: string;
  /** Hash, or the secret itself. */
  readonly keyHash?: string;
  readonly userId?: string;
  readonly teamId?: string;
  readonly organizationId?: string;
  readonly projectId?: string;
  /** `deleted`: those that were deleted. */
  readonly status?: string;
  /** `created_at` (default), `updated_at`, `key_alias`, `expires`, `max_budget`. */
  readonly sortBy?: string;
  /** `desc` (default) or `asc`. */
  readonly sortOrder?: string;
  /** `true`: for a user, also the keys of teams that let it see them. */
  readonly includeTeamKeys?: string;
}

/** What a listing of keys may be narrowed by: fields of the query by their names. */
export const FILTERS = {
  includeTeamKeys: 'include_team_keys',
  keyAlias: 'key_alias',
  keyHash: 'key_hash',
  userId: 'user_id',
  teamId: 'team_id',
  organizationId: 'organization_id',
  projectId: 'project_id',
} as const satisfies Partial<Record<keyof KeyListQuery, string>>;

/** Every field of the query of `/key/list` by its name. */
export const LISTING = {
  page: 'page',
  size: 'size',
  fullObject: 'return_full_object',
  ...FILTERS,
  status: 'status',
  sortBy: 'sort_by',
  sortOrder: 'sort_order',
} as const satisfies Record<keyof KeyListQuery, string>;

/** The fields of a query that are given. */
export const queryOf = (fields: Partial<Record<keyof KeyListQuery, string>>, query: Query): KeyListQuery =>
  defined(Object.fromEntries(Object.entries(fields).map(([field, name]) => [field, query(name)])));

function oneOf<T extends string>(value: string | undefined, name: string, allowed: readonly T[], initial: T): T {
  if (value === undefined) return initial;
  const found = allowed.find((each) => each === value.toLowerCase());
  if (found !== undefined) return found;
  throw new GatewayError('invalid_request', `${name}: expected ${allowed.join(', ')}`, { param: name });
}

const isTrue = (value: string | undefined): boolean => value?.toLowerCase() === 'true';

/** A key, or what is left of it. */
interface Listed {
  readonly key: VirtualKey;
  readonly deleted?: { readonly at: number; readonly by: string; readonly spend: bigint };
}

const SORTS = {
  created_at: ({ key }: Listed) => key.createdAt,
  updated_at: ({ key }: Listed) => key.updatedAt,
  expires: ({ key }: Listed) => key.expiresAt ?? Infinity,
  max_budget: ({ key }: Listed) => Number(key.maxBudget ?? 0n),
  key_alias: ({ key }: Listed) => key.alias ?? '',
} as const;

/**
 * A page of keys: all of them for those who may see everything, else those of the caller. Filters match whole values. The totals that LiteLLM's
 * clients page by need a look at every key that may match: those of the user, team, project or organization asked for, else all.
 *
 * @throws GatewayError `invalid_request` for a wrong page, size or order
 */
export async function listKeys(deps: ManagementDeps, caller: Caller, query: KeyListQuery): Promise<JsonObject> {
  const page = numberIn(query.page, 'page', 1, 1_000_000);
  const size = numberIn(query.size, 'size', 10, 100);
  const sortBy = oneOf(query.sortBy, 'sort_by', Object.keys(SORTS) as (keyof typeof SORTS)[], 'created_at');
  const isRising = oneOf(query.sortOrder, 'sort_order', ['asc', 'desc'], 'desc') === 'asc';
  const asked = await withTeams(deps, query);
  const sight = await sightOf(deps, caller, asked);
  const all =
    oneOf(query.status, 'status', ['active', 'deleted'], 'active') === 'deleted'
      ? await deletedKeys(deps)
      : await liveKeys(deps, sight, asked);
  const matching = all.filter(({ key }) => isSeen(sight, key) && matches(key, asked)).toSorted(orderOf(sortBy, isRising));
  const shown = matching.slice((page - 1) * size, page * size);
  return {
    keys: isTrue(query.fullObject) ? await Promise.all(shown.map((one) => rowOf(deps, one))) : shown.map(({ key }) => key.hash),
    total_count: matching.length,
    current_page: page,
    total_pages: Math.ceil(matching.length / size),
  };
}

/** `GET /key/aliases`: the aliases of the keys that the caller would see in a list. */
export async function listAliases(deps: ManagementDeps, caller: Caller, query: KeyListQuery): Promise<JsonObject> {
  const page = numberIn(query.page, 'page', 1, 1_000_000);
  const size = numberIn(query.size, 'size', 50, 100);
  const asked = await withTeams(deps, query);
  const sight = await sightOf(deps, caller, { ...asked, includeTeamKeys: 'true' });
  const aliases = (await liveKeys(deps, sight, asked))
    .filter(({ key }) => isSeen(sight, key) && matches(key, asked))
    .flatMap(({ key }) => key.alias ?? [])
    .toSorted((one, other) => (one < other ? -1 : 1));
  return {
    aliases: aliases.slice((page - 1) * size, page * size),
    total_count: aliases.length,
    current_page: page,
    total_pages: Math.ceil(aliases.length / size),
    size,
  };
}

/** What is asked for, with the teams of the organization asked for: keys of a team without one of their own belong to that of the team. */
interface Asked extends KeyListQuery {
  readonly organizationTeams: ReadonlySet<string>;
}

/** The query, with the hash of a key that is named by its secret. */
export const withHash = ({ keyHash, ...query }: KeyListQuery): KeyListQuery =>
  keyHash === undefined ? query : { ...query, keyHash: hashOf(keyHash) };

async function withTeams(deps: ManagementDeps, query: KeyListQuery): Promise<Asked> {
  const { organizationId: id } = query;
  const teams = id === undefined ? [] : await readAll(ownedBy(deps.teams, { kind: 'organization', id }));
  return { ...withHash(query), organizationTeams: new Set(teams.map(({ id: teamId }) => teamId)) };
}

const ownersIn = (organizationId: string, { organizationTeams }: Asked): readonly KeyOwner[] => [
  { kind: 'organization', id: organizationId },
  ...[...organizationTeams].map((id) => ({ kind: 'team', id }) as const),
];

/** Keys as they are; an old secret within its grace period is none of its own. */
const liveKeys = async (deps: ManagementDeps, sight: Sight, query: Asked): Promise<readonly Listed[]> =>
  (await candidates(deps, sight, query)).filter(({ supersededBy }) => supersededBy === undefined).map((key) => ({ key }));

/** Keys among which those asked for are: the fewest that are known to be. */
async function candidates(deps: ManagementDeps, sight: Sight, query: Asked): Promise<readonly VirtualKey[]> {
  const { keyHash, keyAlias, userId, teamId, projectId, organizationId } = query;
  if (keyHash !== undefined) return [(await deps.keys.get(keyHash, { fresh: true })) ?? []].flat();
  if (keyAlias !== undefined) return [(await deps.keys.findByAlias(keyAlias)) ?? []].flat();
  const asked = (
    [
      ['user', userId],
      ['team', teamId],
      ['project', projectId],
    ] as const
  ).find(([, id]) => id !== undefined);
  if (asked?.[1] !== undefined) return keysOf(deps, [{ kind: asked[0], id: asked[1] }]);
  if (organizationId !== undefined) return keysOf(deps, ownersIn(organizationId, query));
  if (sight === 'everything') return readAll(deps.keys);
  return 'hash' in sight
    ? candidates(deps, sight, { keyHash: sight.hash, organizationTeams: new Set() })
    : keysOf(deps, sight.owners);
}

/** The keys of several owners, each once. */
async function keysOf(deps: ManagementDeps, owners: readonly KeyOwner[]): Promise<readonly VirtualKey[]> {
  const found = await each(owners, (owner) => readAll(ownedBy(deps.keys, owner)));
  return [...new Map(found.flat().map((key) => [key.hash, key])).values()];
}

const deletedKeys = async (deps: ManagementDeps): Promise<readonly Listed[]> =>
  (await readAll(deps.deletedKeys)).map(({ record, deletedAt, deletedBy, spend }) => ({
    key: record,
    deleted: { at: deletedAt, by: deletedBy, spend },
  }));

async function rowOf(deps: ManagementDeps, { key, deleted }: Listed): Promise<Record<string, unknown>> {
  if (deleted === undefined) return readKeyRow(deps, key);
  const { spend } = deleted;
  const row = keyRow(key, { spent: spend, held: 0n, total: { ...NO_TOTAL, spend } });
  return { ...row, deleted_at: isoOf(deleted.at), deleted_by: deleted.by };
}

function orderOf(sortBy: keyof typeof SORTS, isRising: boolean): (one: Listed, other: Listed) => number {
  const valueOf = SORTS[sortBy];
  return (one, other) => {
    const [left, right] = [valueOf(one), valueOf(other)];
    if (left === right) return one.key.hash < other.key.hash ? -1 : 1;
    return left < right === isRising ? -1 : 1;
  };
}

/** Which keys a caller may see in a list: all, one, or those of some owners. */
export type Sight = 'everything' | { readonly hash: string } | { readonly owners: readonly KeyOwner[] };

/** True for a key within what a caller sees. */
export const isSeen = (sight: Sight, key: VirtualKey): boolean => {
  if (sight === 'everything') return true;
  if ('hash' in sight) return key.hash === sight.hash;
  const owners = ownersOfKey(key);
  return sight.owners.some((owner) => isAmong(owners, owner));
};

/** What a caller sees: its user's own keys, those of the team or organization asked for that it manages, or all of its teams'. */
export async function sightOf(deps: ManagementDeps, caller: Caller, query: Asked): Promise<Sight> {
  if (isViewer(caller) || caller.type === 'master') return 'everything';
  const userId = userIdOf(caller);
  if (userId === undefined) return { hash: caller.key.hash };
  const asked = isTrue(query.includeTeamKeys) ? (caller.user?.teams ?? []) : [];
  const teamIds = [...new Set([...asked, ...(query.teamId === undefined ? [] : [query.teamId])])];
  const owners: KeyOwner[] = [{ kind: 'user', id: userId }];
  const listed = await sifted(teamIds, async (id) => {
    const team = await deps.teams.get(id, { fresh: true });
    return team !== undefined && mayForTeam(deps, caller, team, '/key/list');
  });
  owners.push(...listed.map((id) => ({ kind: 'team', id }) as const));
  const { organizationId: id } = query;
  if (id !== undefined && (await managesOrganization(deps, caller, id))) owners.push(...ownersIn(id, query));
  return { owners };
}

/** True for a key that is asked for. */
export function matches(key: VirtualKey, query: Asked): boolean {
  const ofTeam = key.teamId !== undefined && query.organizationTeams.has(key.teamId);
  const pairs = [
    [query.keyAlias, key.alias],
    [query.keyHash, key.hash],
    [query.userId, key.userId],
    [query.teamId, key.teamId],
    [query.organizationId, key.organizationId ?? (ofTeam ? query.organizationId : undefined)],
    [query.projectId, key.projectId],
  ];
  return pairs.every(([asked, has]) => asked === undefined || asked === has);
}
