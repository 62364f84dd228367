/** Teams in the registry: records like others, linked from their organizations. */
import { ownersOfTeam, type TeamOwner } from '../../domain/owned.ts';
import type { Team } from '../../domain/team.ts';
import type { EntityStore } from '../entities.ts';
import type { OwnedListing } from '../keys.ts';
import { createLinkedRecords } from './linked-records.ts';
import { listOwned, type LinkedKind } from './links.ts';
import { listPage } from './listing.ts';
import type { Registry } from './registry.ts';

/** Teams as records with owners. */
export const TEAMS: LinkedKind<Team> = {
  list: 'team',
  recordKey: (id) => ({ pk: `team#${id}`, sk: 'team' }),
  idOf: ({ id }) => id,
  ownersOf: ownersOfTeam,
};

/** Teams on DynamoDB. */
export function createTeamStore(
  registry: Registry,
  isLinkedThroughout: () => Promise<boolean>,
): EntityStore<Team> & OwnedListing<Team, TeamOwner> {
  // Nothing is written aside that could refuse.
  const records = createLinkedRecords(registry, TEAMS);
  return {
    get: records.get,
    create: async (team) => ((await records.create(team)) === 'created' ? 'created' : 'exists'),
    async replace(team) {
      const outcome = await records.replace(team);
      return outcome === 'refused' ? 'stale' : outcome;
    },
    delete: records.delete,
    list: (page) => listPage<Team>(registry, TEAMS.list, page),
    listOf: (owner, page) => listOwned(registry, TEAMS, owner, page, isLinkedThroughout),
  };
}
