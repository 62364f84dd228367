/** `GET /management/v1/keys`: the keys of `/key/list`, read on by cursors. */
import type { VirtualKey } from '../../domain/key.ts';
import { isAmong, ownersOfKey, type KeyOwner } from '../../domain/owned.ts';
import { defined, type JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { partOfIds, readPage, type PageRequest, type Part } from '../records/reading.ts';
import { readKeyRow } from './key-answer.ts';
import { isSeen, matches, ownersIn, sightOf, withTeams, type Asked, type KeyListQuery, type Sight } from './key-list.ts';

/** Query by the names of its fields. */
const FILTERS = {
  keyAlias: 'key_alias',
  keyHash: 'key_hash',
  userId: 'user_id',
  teamId: 'team_id',
  organizationId: 'organization_id',
  projectId: 'project_id',
  includeTeamKeys: 'include_team_keys',
} as const satisfies Partial<Record<keyof KeyListQuery, string>>;

/** Filters of the listing. */
export const KEY_FILTERS: readonly string[] = Object.values(FILTERS);

/**
 * A page of keys. Filters match whole values.
 *
 * @throws GatewayError `invalid_request`
 */
export async function readKeys(deps: ManagementDeps, request: PageRequest): Promise<JsonObject> {
  const { caller, query } = request;
  const named: KeyListQuery = defined(Object.fromEntries(Object.entries(FILTERS).map(([field, name]) => [field, query(name)])));
  const asked = await withTeams(deps, named);
  const sight = await sightOf(deps, caller, asked);
  return readPage<VirtualKey>(request, KEY_FILTERS, {
    parts: partsOf(deps, sight, asked),
    // An old secret within its grace period is no key of its own.
    matches: (key) => key.supersededBy === undefined && isSeen(sight, key) && matches(key, asked),
    row: (key) => readKeyRow(deps, key),
  });
}

/** Where the keys are that the caller sees; of those who see everything, the least that is known to have what is asked for. */
function partsOf(deps: ManagementDeps, sight: Sight, asked: Asked): readonly Part<VirtualKey>[] {
  const { keyHash, keyAlias, userId, teamId, projectId, organizationId } = asked;
  const one = (id: string, get: (id: string) => Promise<VirtualKey | undefined>) => [partOfIds('one', [id], get)];
  const byHash = (hash: string) => deps.keys.get(hash, { fresh: true });
  if (keyHash !== undefined) return one(keyHash, byHash);
  if (keyAlias !== undefined) return one(keyAlias, (alias) => deps.keys.findByAlias(alias));
  if (sight !== 'everything') return 'hash' in sight ? one(sight.hash, byHash) : partsOfOwners(deps, sight.owners);
  if (userId !== undefined) return partsOfOwners(deps, [{ kind: 'user', id: userId }]);
  if (teamId !== undefined) return partsOfOwners(deps, [{ kind: 'team', id: teamId }]);
  if (projectId !== undefined) return partsOfOwners(deps, [{ kind: 'project', id: projectId }]);
  if (organizationId !== undefined) return partsOfOwners(deps, ownersIn(organizationId, asked));
  return [{ name: 'all', page: (page) => deps.keys.list(page) }];
}

/** A part for each owner, without the keys that an earlier one has too. */
const partsOfOwners = (deps: ManagementDeps, owners: readonly KeyOwner[]): readonly Part<VirtualKey>[] =>
  owners.map((owner, index) => ({
    name: `${owner.kind}#${owner.id}`,
    async page(asked) {
      const { items, ...rest } = await deps.keys.listOf(owner, asked);
      const isFirst = (key: VirtualKey): boolean => {
        const all = ownersOfKey(key);
        return !owners.slice(0, index).some((earlier) => isAmong(all, earlier));
      };
      return { items: items.filter(isFirst), ...rest };
    },
  }));
