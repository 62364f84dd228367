/** Teams and users in the registry: records like others, linked from what they are listed by. */
import { ownersOfTeam, ownersOfUser, type RecordOwner } from '../../domain/owned.ts';
import type { Entity } from '../../domain/entity.ts';
import type { Team } from '../../domain/team.ts';
import type { User } from '../../domain/user.ts';
import type { EntityStore } from '../entities.ts';
import type { OwnedListing } from '../keys.ts';
import { createLinkedRecords } from './linked-records.ts';
import { listOwned, type LinkedKind } from './links.ts';
import { listPage } from './listing.ts';
import type { Registry } from './registry.ts';

/** Records of a kind, by the same names as those without owners have. */
const linked = <T extends Entity>(list: string, ownersOf: LinkedKind<T>['ownersOf']): LinkedKind<T> => ({
  list,
  recordKey: (id) => ({ pk: `${list}#${id}`, sk: list }),
  idOf: ({ id }) => id,
  ownersOf,
});

/** Teams, by organization. */
export const TEAMS: LinkedKind<Team> = linked('team', ownersOfTeam);

/** Users, by e-mail and by their id at the identity provider. */
export const USERS: LinkedKind<User> = linked('user', ownersOfUser);

/** Records of such a kind on DynamoDB. */
export function createOwnedStore<T extends Entity, Owner extends RecordOwner>(
  registry: Registry,
  kind: LinkedKind<T>,
  isLinkedThroughout: () => Promise<boolean>,
): EntityStore<T> & OwnedListing<T, Owner> {
  // Nothing is written aside that could refuse.
  const records = createLinkedRecords(registry, kind);
  return {
    get: records.get,
    create: async (record) => ((await records.create(record)) === 'created' ? 'created' : 'exists'),
    async replace(record) {
      const outcome = await records.replace(record);
      return outcome === 'refused' ? 'stale' : outcome;
    },
    delete: records.delete,
    list: (page) => listPage<T>(registry, kind.list, page),
    listOf: (owner, page) => listOwned(registry, kind, owner, page, isLinkedThroughout),
  };
}
