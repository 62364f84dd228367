/** `/invitation/...`: links for users, made by those who manage them. What their holders do with them is in `onboarding.ts`. */
import * as z from 'zod/mini';
import { INVITATION_LIFE_MS, invitationIdOf, newLink, type Invitation } from '../../domain/invitation.ts';
import type { Team } from '../../domain/team.ts';
import type { User } from '../../domain/user.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { isAdmin, isViewer, managesOrganization, userIdOf } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, flag, ownerId, text } from '../input.ts';
import { isoOf } from '../limit-fields.ts';
import { createOne, deleteOne, historyRow, type RecordKind } from '../records/record-kind.ts';
import { newEntity, notFound } from '../records/records.ts';
import { requireUser } from './membership.ts';
import { forbidden } from './scoping.ts';

/** Invitations as a kind of record: LiteLLM's row; `team_id` and `organization_id` are Tollgate's own. */
export const INVITATION: RecordKind<Invitation> = {
  name: 'invitation',
  idField: 'invitation_id',
  store: ({ invitations }) => invitations,
  row: (invitation) => ({
    id: invitation.id,
    user_id: invitation.userId,
    team_id: invitation.teamId ?? null,
    organization_id: invitation.organizationId ?? null,
    is_accepted: invitation.acceptedAt !== undefined,
    accepted_at: isoOf(invitation.acceptedAt),
    expires_at: isoOf(invitation.expiresAt),
    ...historyRow(invitation),
  }),
};

/** Body of `/invitation/new`. */
export const invitationBody = z.strictObject(
  { user_id: ownerId(), team_id: z.nullish(ownerId()) },
  'expected {user_id, team_id}',
);

/**
 * `POST /invitation/new`: the answer's `id` is the link, shown this once. Whoever makes a link can use it, so its key can do no more than one they
 * may make for the user anyway: that of an org admin is of a team of the organization that the user is a member of.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `permission`
 */
export async function newInvitation(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { user_id: userId, team_id: asked } = check(invitationBody, body);
  const isFree = isAdmin(caller) && (asked === undefined || asked === null);
  const team = isFree ? undefined : await teamFor(deps, caller, userId, asked ?? undefined);
  const user = await requireUser(deps, { user_id: userId });
  const own = userIdOf(caller);
  const inviter = own === undefined ? undefined : await deps.users.get(own, { fresh: true });
  const isOnRecord = inviter !== undefined && (await mayInvite(deps, inviter, team?.organizationId));
  const link = newLink(deps.random);
  const invitation = await createOne(deps, caller, INVITATION, {
    ...newEntity(deps, caller),
    id: invitationIdOf(link),
    metadata: {},
    userId: user.id,
    userSince: user.createdAt,
    ...(team === undefined ? {} : { teamId: team.id }),
    ...(team?.organizationId === undefined ? {} : { organizationId: team.organizationId }),
    ...(isOnRecord ? { inviterSince: inviter.createdAt } : {}),
    expiresAt: deps.now() + INVITATION_LIFE_MS,
  });
  return { ...INVITATION.row(invitation, deps.now()), id: link };
}

/** A team the user is a member of, in an organization of the caller's: the one asked for, or the first. The refusal says nothing of what is there. */
async function teamFor(deps: ManagementDeps, caller: Caller, userId: string, asked: string | undefined): Promise<Team> {
  const ids = asked === undefined ? ((await deps.users.get(userId, { fresh: true }))?.teams ?? []) : [asked];
  for (const id of ids) {
    const team = await deps.teams.get(id, { fresh: true });
    if (team === undefined || !(await managesOrganization(deps, caller, team.organizationId))) continue;
    if (await isMember(deps, id, userId)) return team;
  }
  if (isAdmin(caller)) {
    throw new GatewayError('invalid_request', 'team_id: expected a team that the user is a member of', { param: 'team_id' });
  }
  throw forbidden('Proxy admins invite users, and org admins members of teams of the organizations they administer.');
}

/** True where a user's record lets it invite: whomever it likes, or for teams of an organization. */
async function mayInvite(
  deps: ManagementDeps,
  { id, role, blocked }: User,
  organization: string | undefined,
): Promise<boolean> {
  if (blocked) return false;
  if (role === 'proxy_admin') return true;
  if (role !== 'internal_user' || organization === undefined) return false;
  return (await deps.members.get({ kind: 'organization', id: organization }, id, { fresh: true }))?.role === 'org_admin';
}

/** False once who made an invitation may make it no more: whoever is let go has no way back in by it. */
export async function isStillMeant(deps: ManagementDeps, invitation: Invitation): Promise<boolean> {
  const { createdBy = '', inviterSince, organizationId } = invitation;
  if (inviterSince === undefined) return true;
  const inviter = await deps.users.get(createdBy, { fresh: true });
  return inviter?.createdAt === inviterSince && mayInvite(deps, inviter, organizationId);
}

/** True for a member of a team, as of now. */
export const isMember = async (deps: ManagementDeps, team: string, userId: string): Promise<boolean> =>
  (await deps.members.get({ kind: 'team', id: team }, userId, { fresh: true })) !== undefined;

/** An invitation named by link or id, which the caller may see. */
async function visibleInvitation(deps: ManagementDeps, caller: Caller, given: unknown): Promise<Invitation> {
  const id = invitationIdOf(check(text(), given, 'invitation_id'));
  const invitation = await deps.invitations.get(id, { fresh: true });
  if (invitation === undefined && isViewer(caller)) throw notFound('invitation', id);
  const isOwn = isViewer(caller) || (await managesOrganization(deps, caller, invitation?.organizationId));
  if (invitation !== undefined && isOwn) return invitation;
  throw forbidden('Only proxy admins see invitations, and org admins those they may make.');
}

/**
 * `GET /invitation/info`. The `id` is that of the record; links are not known here.
 *
 * @throws GatewayError `not_found`, `permission`
 */
export async function invitationInfo(deps: ManagementDeps, caller: Caller, id: string | undefined): Promise<JsonObject> {
  return INVITATION.row(await visibleInvitation(deps, caller, id), deps.now());
}

/** Body of `/invitation/delete`. */
export const invitationName = z.strictObject({ invitation_id: text() }, 'expected {invitation_id}');

/** Body of `/invitation/update`. */
export const invitationChange = z.strictObject(
  { ...invitationName.def.shape, is_accepted: z.nullish(flag) },
  'expected {invitation_id, is_accepted}',
);

/**
 * `POST /invitation/update`: LiteLLM lets its dashboard say that a link was used. Here only a claim does, so what is said has to be so already.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `permission`
 */
export async function updateInvitation(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const { invitation_id: id, is_accepted: said } = check(invitationChange, body);
  const invitation = await visibleInvitation(deps, caller, id);
  const isAccepted = invitation.acceptedAt !== undefined;
  if ((said ?? isAccepted) !== isAccepted) {
    const fault = isAccepted
      ? 'is_accepted: the invitation was used, which cannot be undone; make another one with /invitation/new'
      : 'is_accepted: only a claim makes it true (/onboarding/claim_token)';
    throw new GatewayError('invalid_request', fault, { param: 'is_accepted' });
  }
  return INVITATION.row(invitation, deps.now());
}

/**
 * `POST /invitation/delete`: the link is closed. A key that came of it stays.
 *
 * @throws GatewayError `not_found`, `permission`
 */
export async function deleteInvitation(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const invitation = await visibleInvitation(deps, caller, check(invitationName, body).invitation_id);
  return INVITATION.row(await deleteOne(deps, caller, INVITATION, invitation.id), deps.now());
}
