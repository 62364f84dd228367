/**
 * `/onboarding/...`: what the holder of an invitation does. Nobody else has a key for it, so the link is the key: whoever has none that was
 * ever good is told the same in any case.
 *
 * A claim has three steps: it is written into the invitation (of two at once one gets in), the key is made, the invitation is marked as used.
 * Then the secret is told. The key's secret follows from link and session, and its hash stands in the invitation before it is made: a claim that
 * stopped anywhere, its answer included, is finished by repeating it. Somebody else with the link takes over after a minute, if it is not
 * used by then; a key that nobody was told of goes.
 */
import * as z from 'zod/mini';
import { claimedSecret, invitationIdOf, isSession, newSession, type Invitation } from '../../domain/invitation.ts';
import { hashSecret, type VirtualKey } from '../../domain/key.ts';
import type { User } from '../../domain/user.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { audit } from '../audit.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, saysNothing, text, unsupported } from '../input.ts';
import { blankKey } from '../keys/key-records.ts';
import { generateKey } from '../keys/keys.ts';
import { isoOf } from '../limit-fields.ts';
import { each, undo } from '../records/records.ts';
import { buryKey } from './history.ts';
import { INVITATION, isMember, isStillMeant } from './invitations.ts';
import { userRow } from './users.ts';

/** How long one claim keeps others away, milliseconds: longer than a call of management can take. */
const LEASE_MS = 60_000;
/** How long after its claim a session is told its key again, milliseconds: LiteLLM's sessions live as long. */
const REPEAT_MS = 15 * 60_000;

const refuse = (message: string): GatewayError =>
  new GatewayError('authentication', message, { type: 'auth_error', param: 'invitation_link' });

/** For everybody who has no link that was ever good, and for links whose user is gone. */
const invalid = (): GatewayError => refuse('This invitation is not valid; ask for another one.');
const used = (): GatewayError => refuse('This invitation was used already; ask for another one.');
const busy = (): GatewayError =>
  new GatewayError('conflict', 'This invitation is being claimed; repeat the call in a minute.', {
    retryable: true,
    retryAfter: '60',
  });

/** The invitation of a link. Throws GatewayError `authentication` for one that is not there, or that expired unused. */
async function invitationOf(deps: ManagementDeps, link: string): Promise<Invitation> {
  // Its id opens nothing.
  const id = invitationIdOf(link);
  const invitation = id === link ? undefined : await deps.invitations.get(id, { fresh: true });
  if (invitation === undefined) throw invalid();
  if (invitation.acceptedAt === undefined && invitation.expiresAt <= deps.now()) {
    throw refuse(`This invitation expired at ${isoOf(invitation.expiresAt)}; ask for another one.`);
  }
  return invitation;
}

/** The user who was invited, as of now. Throws GatewayError `authentication` where it is not the same or not meant any more, `permission` where it is blocked. */
async function invitedUser(deps: ManagementDeps, invitation: Invitation): Promise<User> {
  const { userId, userSince, teamId, organizationId } = invitation;
  const user = await deps.users.get(userId, { fresh: true });
  if (user?.createdAt !== userSince || !(await isStillMeant(deps, invitation))) throw invalid();
  if (teamId !== undefined) {
    const team = await deps.teams.get(teamId, { fresh: true });
    const isSame = team !== undefined && team.organizationId === organizationId;
    if (!isSame || !(await isMember(deps, teamId, userId))) throw invalid();
  }
  if (user.blocked) throw new GatewayError('permission', 'You are blocked; ask who invited you.', { type: 'auth_error' });
  return user;
}

/**
 * `GET /onboarding/get_token`: whose link it is, and a session to claim it with. Changes nothing. There are no pages to log in at, so `login_url`
 * is null.
 *
 * @throws GatewayError `authentication`, `permission`, `invalid_request`
 */
export async function onboardingToken(deps: ManagementDeps, link: string | undefined): Promise<JsonObject> {
  const invitation = await invitationOf(deps, check(text(), link, 'invite_link'));
  if (invitation.acceptedAt !== undefined) throw used();
  const { email } = await invitedUser(deps, invitation);
  return { login_url: null, token: newSession(deps.random), user_email: email ?? null };
}

/** Body of `/onboarding/claim_token`. */
export const invitationClaim = z.strictObject(
  {
    invitation_link: text(),
    user_id: z.nullish(text()),
    password: z.nullish(z.string('expected a text')),
    token: z.nullish(text()),
  },
  'expected {invitation_link, user_id}',
);

/**
 * `POST /onboarding/claim_token`: makes a key of the user's own, with no limits but the user's, and tells its secret.
 *
 * @param bearer the session of `/onboarding/get_token`; may stand in the body as `token` as well
 * @throws GatewayError `invalid_request`, `authentication`, `permission`, `conflict` while somebody else is at it
 */
export async function claimInvitation(deps: ManagementDeps, body: JsonObject, bearer: string | undefined): Promise<JsonObject> {
  const input = check(invitationClaim, body);
  if (!saysNothing(input.password)) {
    throw unsupported('password', 'there are no passwords: the answer has a key, which is all a user needs');
  }
  const session = input.token ?? bearer;
  if (session === undefined || !isSession(session)) {
    throw new GatewayError('authentication', 'token: send that of /onboarding/get_token as the bearer.', {
      type: 'auth_error',
      param: 'token',
    });
  }
  const invitation = await invitationOf(deps, input.invitation_link);
  if (input.user_id !== undefined && input.user_id !== null && input.user_id !== invitation.userId) throw invalid();
  const secret = claimedSecret(input.invitation_link, session);
  const isOver = invitation.acceptedAt !== undefined;
  if (isOver && !isRepeat(deps, invitation, hashSecret(secret))) throw used();
  const user = await invitedUser(deps, invitation);
  if (!isOver) await claim(deps, { invitation, user, secret });
  const key = await deps.keys.get(hashSecret(secret), { fresh: true });
  if (key?.supersededBy !== undefined || key === undefined) throw used();
  return {
    login_url: null,
    token: secret,
    key: secret,
    token_id: key.hash,
    key_name: key.name,
    expires: isoOf(key.expiresAt),
    user_email: user.email ?? null,
    user: await userRow(deps, user),
  };
}

const isRepeat = (deps: ManagementDeps, { claim: by, acceptedAt = 0 }: Invitation, keyHash: string): boolean =>
  by?.keyHash === keyHash && acceptedAt + REPEAT_MS > deps.now();

/** Who claims what, and the secret that comes of it. */
interface Claim {
  readonly invitation: Invitation;
  readonly user: User;
  readonly secret: string;
}

async function claim(deps: ManagementDeps, { invitation, user, secret }: Claim): Promise<void> {
  const { claim: before, teamId } = invitation;
  const [keyHash, at] = [hashSecret(secret), deps.now()];
  const isOther = before !== undefined && before.keyHash !== keyHash;
  if (isOther && before.at + LEASE_MS > at) throw busy();
  const others = [...(before?.others ?? []), ...(isOther ? [before.keyHash] : [])];
  const claimed = next(deps, invitation, { claim: { keyHash, at, others }, updatedBy: user.id });
  if (!(await put(deps, claimed))) throw busy();
  const claimer = claimerOf(user, blankKey(secret, at));
  for (const left of await each(others, (hash) => deps.keys.get(hash, { fresh: true }))) {
    if (left !== undefined) await buryKey(deps, claimer, left);
  }
  if ((await deps.keys.get(keyHash, { fresh: true })) === undefined) {
    const bound = teamId === undefined ? {} : { team_id: teamId, key_type: 'llm_api' };
    await generateKey(deps, claimer, { key: secret, user_id: user.id, ...bound });
  }
  const takeBack = (): Promise<void> => undo(deps, 'key', () => deps.keys.delete(keyHash));
  try {
    // Whoever takes the user away from now on sees the key, and takes it too.
    await invitedUser(deps, invitation);
  } catch (error) {
    await takeBack();
    throw error;
  }
  const accepted = next(deps, claimed, { acceptedAt: deps.now() });
  if (!(await put(deps, accepted))) {
    const known = await deps.invitations.get(invitation.id, { fresh: true });
    // The same session, asking twice: the other call makes an end of it.
    if (known?.claim?.keyHash === keyHash) throw busy();
    // Deleted meanwhile, or taken over: of this key nobody hears.
    await takeBack();
    throw invalid();
  }
  const [was, is] = [invitation, accepted].map((record) => INVITATION.row(record, deps.now()));
  await audit(deps, claimer, { action: 'updated', kind: INVITATION.name, id: invitation.id, before: was, after: is });
}

const next = (deps: ManagementDeps, invitation: Invitation, change: Partial<Invitation>): Invitation => ({
  ...invitation,
  ...change,
  updatedAt: deps.now(),
  rev: invitation.rev + 1,
});

/** The user, with the right that the invitation gives: to make this key, whatever the user's own role lets do. */
const claimerOf = (user: User, key: VirtualKey): Caller => ({ type: 'key', key, user: { ...user, role: 'proxy_admin' } });

/** Writes the next revision; false where somebody else was faster. A write that went out twice, or whose answer was lost, finds what it did. */
async function put(deps: ManagementDeps, invitation: Invitation): Promise<boolean> {
  let failure: unknown;
  try {
    if ((await deps.invitations.replace(invitation)) === 'replaced') return true;
  } catch (error) {
    failure = error;
  }
  const known = await deps.invitations.get(invitation.id, { fresh: true });
  const isDone =
    known?.rev === invitation.rev &&
    known.claim?.keyHash === invitation.claim?.keyHash &&
    known.claim?.at === invitation.claim?.at &&
    known.acceptedAt === invitation.acceptedAt;
  if (!isDone && failure !== undefined) throw failure;
  return isDone;
}
