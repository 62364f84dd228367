/** `/invitation/...` and `/onboarding/...` */
import {
  deleteInvitation,
  invitationBody,
  invitationChange,
  invitationInfo,
  invitationName,
  newInvitation,
  updateInvitation,
} from '../../../lib/management/people/invitations.ts';
import { claimInvitation, invitationClaim, onboardingToken } from '../../../lib/management/people/onboarding.ts';
import { get, post, type AdminRoute } from '../route.ts';

/** Routes of links for users. Those of `/onboarding` are for whoever has one. */
export const INVITATION_ROUTES: readonly AdminRoute[] = [
  post(
    '/invitation/new',
    'org-admin',
    { summary: 'Make a link by which a user gets a key. It is shown once.', body: invitationBody },
    (deps, { caller, body }) => newInvitation(deps, caller, body),
  ),
  get('/invitation/info', 'org-member', { summary: 'An invitation.', query: ['invitation_id'] }, (deps, { caller, query }) =>
    invitationInfo(deps, caller, query('invitation_id')),
  ),
  post(
    '/invitation/update',
    'org-admin',
    { summary: 'Whether an invitation was used; only a claim changes that.', body: invitationChange },
    (deps, { caller, body }) => updateInvitation(deps, caller, body),
  ),
  post('/invitation/delete', 'org-admin', { summary: 'Close a link.', body: invitationName }, (deps, { caller, body }) =>
    deleteInvitation(deps, caller, body),
  ),
  {
    method: 'GET',
    path: '/onboarding/get_token',
    open: true,
    guarded: true,
    summary: 'Whose link it is, and a token to claim it with.',
    query: ['invite_link'],
    answer: (deps, { query }) => onboardingToken(deps, query('invite_link')),
  },
  {
    method: 'POST',
    path: '/onboarding/claim_token',
    open: true,
    guarded: true,
    summary:
      'Use a link: makes a key for its user, whose secret is shown once. The token is sent as the bearer, or in the body.',
    body: invitationClaim,
    answer: (deps, { body, bearer }) => claimInvitation(deps, body, bearer),
  },
];
