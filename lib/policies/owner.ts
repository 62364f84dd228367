/** Whom a call is booked to, from what is known of it so far. */
import { scopeOf } from '../domain/key.ts';
import type { Owner } from '../domain/owner.ts';
import type { Exchange } from '../exchange.ts';

/** Longest names kept, characters: a client must not be able to make an entry that no store takes. */
const LONGEST_NAME = 256;

/** A client's text, as much of it as is kept. */
export const clipName = (name: string): string => name.slice(0, LONGEST_NAME);

/** The owner of an exchange. The master key's calls have no scope but their customer, tags and session. */
export function ownerOf({ caller, endUser, sessionId, tags }: Exchange): Owner {
  const named = {
    ...(endUser === undefined ? {} : { endUser }),
    ...(sessionId === undefined ? {} : { sessionId }),
    tags,
  };
  if (caller?.type !== 'key') return { keyHash: 'master', ...named };
  const { key, team, project, organization } = caller;
  const teamId = key.teamId ?? project?.teamId;
  const organizationId = key.organizationId ?? team?.organizationId ?? organization?.id;
  return {
    keyHash: scopeOf(key).id,
    ...(key.alias === undefined ? {} : { keyAlias: key.alias }),
    ...(key.userId === undefined ? {} : { userId: key.userId }),
    ...(teamId === undefined ? {} : { teamId }),
    ...(organizationId === undefined ? {} : { organizationId }),
    ...(key.projectId === undefined ? {} : { projectId: key.projectId }),
    ...named,
  };
}
