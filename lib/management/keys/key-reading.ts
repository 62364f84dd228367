/** `GET /management/v1/keys`: the keys of `/key/list`, read on by cursors. */
import type { VirtualKey } from '../../domain/key.ts';
import { isAmong, ownersOfKey, type KeyOwner } from '../../domain/owned.ts';
import { strangeCursor } from '../../domain/pages.ts';
import { defined, isObject, type JsonObject } from '../../kinds/json.ts';
import type { ManagementDeps } from '../deps.ts';
import { partOfIds, readPage, type PageRequest, type Part } from '../records/reading.ts';
import { readKeyRow } from './key-answer.ts';
import { FILTERS, isSeen, matches, queryOf, sightOf, withHash, type KeyListQuery, type Sight } from './key-list.ts';

/** Filters of the listing. */
export const KEY_FILTERS: readonly string[] = Object.values(FILTERS);

/** Teams looked through for one read. */
const TEAMS_AT_ONCE = 16;

/**
 * A page of keys. Filters match whole values. What belongs to an organization by its team is found team by team: no page reads all of these.
 *
 * @throws GatewayError `invalid_request`
 */
export async function readKeys(deps: ManagementDeps, request: PageRequest): Promise<JsonObject> {
  const { caller, query } = request;
  const asked = withHash(queryOf(FILTERS, query));
  const { organizationId } = asked;
  const sight = await sightOf(deps, caller, { ...asked, organizationTeams: new Set() });
  const organization = organizationId === undefined ? undefined : ({ kind: 'organization', id: organizationId } as const);
  const seesOrganization =
    organization !== undefined && (sight === 'everything' || ('owners' in sight && isAmong(sight.owners, organization)));
  const organizationOf = remembered(async (id: string) => (await deps.teams.get(id, { fresh: true }))?.organizationId);
  return readPage<VirtualKey>(request, KEY_FILTERS, {
    parts: partsOf(deps, sight, asked, seesOrganization),
    async matches(key) {
      // An old secret within its grace period is no key of its own.
      if (key.supersededBy !== undefined) return false;
      const { teamId } = key;
      const isOfTeams =
        organizationId !== undefined && teamId !== undefined && (await organizationOf(teamId)) === organizationId;
      const organizationTeams = new Set(isOfTeams ? [teamId] : []);
      return (isSeen(sight, key) || (seesOrganization && isOfTeams)) && matches(key, { ...asked, organizationTeams });
    },
    row: (key) => readKeyRow(deps, key),
  });
}

/** A question that is asked once for each id. */
function remembered<T>(ask: (id: string) => Promise<T>): (id: string) => Promise<T> {
  const answers = new Map<string, Promise<T>>();
  return (id) => {
    const answer = answers.get(id) ?? ask(id);
    answers.set(id, answer);
    return answer;
  };
}

/** Where the keys are that the caller sees; of those who see everything, the least that is known to have what is asked for. */
function partsOf(
  deps: ManagementDeps,
  sight: Sight,
  asked: KeyListQuery,
  seesOrganization: boolean,
): readonly Part<VirtualKey>[] {
  const { keyHash, keyAlias, userId, teamId, projectId, organizationId = '' } = asked;
  const one = (id: string, get: (id: string) => Promise<VirtualKey | undefined>) => [partOfIds('one', [id], get)];
  const byHash = (hash: string) => deps.keys.get(hash, { fresh: true });
  if (keyHash !== undefined) return one(keyHash, byHash);
  if (keyAlias !== undefined) return one(keyAlias, (alias) => deps.keys.findByAlias(alias));
  if (sight !== 'everything' && 'hash' in sight) return one(sight.hash, byHash);
  const narrow = (
    [
      ['user', userId],
      ['team', teamId],
      ['project', projectId],
    ] as const
  ).find(([, id]) => id !== undefined);
  if (sight === 'everything' && narrow?.[1] !== undefined) {
    return partsOfOwners(deps, [{ kind: narrow[0], id: narrow[1] }]);
  }
  if (sight === 'everything' && !seesOrganization) return [{ name: 'all', page: (page) => deps.keys.list(page) }];
  const owners: readonly KeyOwner[] = sight === 'everything' ? [{ kind: 'organization', id: organizationId }] : sight.owners;
  return [...partsOfOwners(deps, owners), ...(seesOrganization ? [partOfTeams(deps, organizationId, owners)] : [])];
}

/** True for a key that none of some owners has. */
const isOfNone = (owners: readonly KeyOwner[], key: VirtualKey): boolean => {
  const own = ownersOfKey(key);
  return !owners.some((owner) => isAmong(own, owner));
};

/** A part for each owner, without the keys that an earlier one has too. */
const partsOfOwners = (deps: ManagementDeps, owners: readonly KeyOwner[]): readonly Part<VirtualKey>[] =>
  owners.map((owner, index) => ({
    name: `${owner.kind}#${owner.id}`,
    async page(asked) {
      const { items, ...rest } = await deps.keys.listOf(owner, asked);
      return { items: items.filter((key) => isOfNone(owners.slice(0, index), key)), ...rest };
    },
  }));

/** Where the keys of many teams are read on: in a team, behind one of its keys, and where the teams go on after it. */
interface TeamPlace {
  readonly team?: string | undefined;
  readonly keys?: string | undefined;
  readonly next?: string | undefined;
}

/** The keys of an organization's teams, team by team, without those that other owners have too. */
const partOfTeams = (deps: ManagementDeps, id: string, others: readonly KeyOwner[]): Part<VirtualKey> => ({
  name: 'teams',
  async page({ limit, cursor }) {
    const items: VirtualKey[] = [];
    let place = cursor === undefined ? {} : teamPlaceOf(cursor);
    for (let teams = 0; teams < TEAMS_AT_ONCE && items.length < limit; teams++) {
      if (place.team === undefined) {
        const owner = { kind: 'organization', id } as const;
        const page = await deps.teams.listOf(owner, { limit: 1, ...defined({ cursor: place.next }) });
        place = { team: page.items[0]?.id, next: page.cursor };
      }
      const { team, next } = place;
      if (team !== undefined) {
        const asked = { limit: limit - items.length, ...defined({ cursor: place.keys }) };
        const page = await deps.keys.listOf({ kind: 'team', id: team }, asked);
        items.push(...page.items.filter((key) => isOfNone(others, key)));
        place = page.cursor === undefined ? { next } : { team, keys: page.cursor, next };
      }
      if (place.team === undefined && next === undefined) return { items };
    }
    return { items, cursor: JSON.stringify(place) };
  },
});

function teamPlaceOf(cursor: string): TeamPlace {
  try {
    const place: unknown = JSON.parse(cursor);
    if (isObject(place) && Object.values(place).every((field) => typeof field === 'string')) return place;
  } catch (cause) {
    throw strangeCursor(cause);
  }
  throw strangeCursor();
}
