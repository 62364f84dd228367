/** Invitations: links by which users get a key of their own. Rules only; what is done with them is `management/people/invitations`. */
import { createHmac, randomBytes } from 'node:crypto';
import type { Entity } from './entity.ts';
import { hashSecret } from './key.ts';

/** An invitation as stored. Its link is not here: `id` is the link's SHA-256. Times are milliseconds since the epoch. */
export interface Invitation extends Entity {
  readonly userId: string;
  /** When the user was made: whoever has the same id later is somebody else. */
  readonly userSince: number;
  /** Set where the key is to be of a team: it calls models for it and does nothing else. With the team's organization at that time. */
  readonly teamId?: string;
  readonly organizationId?: string;
  /** When the user `createdBy` was made, where it invites by what its record says; absent for the master key and the word of a token. */
  readonly inviterSince?: number;
  readonly expiresAt: number;
  /** Who is at it, known by the hash of the key that comes of it, and since when; with the keys that earlier claims may have left. */
  readonly claim?: { readonly keyHash: string; readonly at: number; readonly others: readonly string[] };
  /** Set once the key is there: the invitation is used. */
  readonly acceptedAt?: number;
}

/** How long an invitation can be used, milliseconds: seven days, as with LiteLLM. */
export const INVITATION_LIFE_MS = 7 * 86_400_000;

const LINK = 'inv-';
const SESSION = 'onb-';

/** A fresh link: 256 random bits. `random` is injected in tests. */
export const newLink = (random: (bytes: number) => Uint8Array = randomBytes): string =>
  LINK + Buffer.from(random(32)).toString('base64url');

/** The id behind what callers name an invitation by: its link, or the id itself. */
export const invitationIdOf = (given: string): string => (given.startsWith(LINK) ? hashSecret(given) : given);

/** A fresh session, by which one who opened a link is told from another: 256 random bits. */
export const newSession = (random: (bytes: number) => Uint8Array = randomBytes): string =>
  SESSION + Buffer.from(random(32)).toString('base64url');

/** True for what has the form of a session. */
export const isSession = (text: string): boolean => /^onb-[\w-]{43}$/.test(text);

/**
 * The secret of the key that a session gets for a link: always the same, so that a claim whose answer was lost can be repeated, and known to
 * nobody who has the link alone.
 */
export const claimedSecret = (link: string, session: string): string =>
  `sk-${createHmac('sha256', link).update(session).digest('base64url')}`;
