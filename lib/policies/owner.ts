/** Whom a call is booked to, from what is known of it so far. */
import type { Belonging } from '../domain/customer.ts';
import { scopeOf } from '../domain/key.ts';
import type { Owner } from '../domain/owner.ts';
import type { Caller, Exchange } from '../exchange.ts';

/** Longest words of clients kept, characters: a client must not be able to make an entry that no store takes. */
const LONGEST_WORD = 256;

/** A client's word that is no id, as much of it as is kept. Half a character, which no store takes, is replaced. */
export const clipWord = (word: string): string => word.slice(0, LONGEST_WORD).toWellFormed();

/** The team and the organization that a key's calls are booked to. */
export function lineOf({ key, team, project, organization }: Extract<Caller, { type: 'key' }>): Belonging {
  const teamId = key.teamId ?? project?.teamId;
  const organizationId = key.organizationId ?? team?.organizationId ?? organization?.id;
  return {
    ...(teamId === undefined ? {} : { teamId }),
    ...(organizationId === undefined ? {} : { organizationId }),
  };
}

/** The owner of an exchange. The master key's calls have no scope but their customer, tags and session. */
export function ownerOf({ caller, endUser, sessionId, tags }: Exchange): Owner {
  const named = {
    ...(endUser === undefined ? {} : { endUser }),
    ...(sessionId === undefined ? {} : { sessionId }),
    tags,
  };
  if (caller?.type !== 'key') return { keyHash: 'master', ...named };
  const { key } = caller;
  return {
    keyHash: scopeOf(key).id,
    ...(key.alias === undefined ? {} : { keyAlias: key.alias }),
    ...(key.userId === undefined ? {} : { userId: key.userId }),
    ...lineOf(caller),
    ...(key.projectId === undefined ? {} : { projectId: key.projectId }),
    ...named,
  };
}

/** Bytes that a field's name and its commas take, about. */
const FIELD = 14;
/** Most bytes of an owner inside a hold, as JSON, where nothing that has a meter is longer: an update of a meter costs a write unit per kilobyte of all its holds. */
const MOST_BRIEF = 600;

/**
 * The owner as a hold keeps it: every scope that has a meter, and of what only the ledger would tell, as much as is short.
 *
 * @param metered tags with limits; whether the session has a budget
 */
export function briefOwner(
  { keyAlias, sessionId, tags, ...ids }: Owner,
  metered: { readonly tags: readonly string[]; readonly session: boolean },
): Owner {
  const kept = tags.filter((tag) => metered.tags.includes(tag));
  let size = Buffer.byteLength(JSON.stringify({ ...ids, ...(metered.session ? { sessionId } : {}), tags: kept }));
  const fits = (text: string | undefined): text is string => {
    if (text === undefined) return false;
    const grown = size + Buffer.byteLength(JSON.stringify(text)) + FIELD;
    if (grown > MOST_BRIEF) return false;
    size = grown;
    return true;
  };
  return {
    ...ids,
    ...(fits(keyAlias) ? { keyAlias } : {}),
    ...(sessionId !== undefined && (metered.session || fits(sessionId)) ? { sessionId } : {}),
    tags: [...kept, ...tags.filter((tag) => !metered.tags.includes(tag) && fits(tag))],
  };
}
