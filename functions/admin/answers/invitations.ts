/** Answers of `/invitation/...` and `/onboarding/...`. */
import { answers, component, flag, hash, moment, nothing, object, orNull, text, type Answers } from './fields.ts';
import { HISTORY } from './limits.ts';
import { user } from './people.ts';

const INVITATION = {
  user_id: text('Who is invited.', 'ada'),
  team_id: orNull(text('Team whose key it will be, which calls models for it and does nothing else.', 'platform')),
  organization_id: orNull(text('Organization of that team, whose admins see the invitation.', 'acme')),
  is_accepted: flag('Whether it was used.'),
  accepted_at: orNull(moment('When')),
  expires_at: moment('When it ends unused'),
  ...HISTORY,
};
const invitation = component('Invitation', 'An invitation of a user.', {
  id: hash('Its id, which opens nothing.'),
  ...INVITATION,
});
const noLogin = nothing('There are no pages to log in at.');
const email = orNull(text('E-mail of the user.', 'ada@example.org'));

/** By route. */
export const INVITATION_ANSWERS: Answers = {
  'POST /invitation/new': answers(object({ id: text('The link, shown this once.', 'inv-...'), ...INVITATION }), 404, 409),
  'GET /invitation/info': answers(invitation, 404),
  'POST /invitation/update': answers(invitation, 404),
  'POST /invitation/delete': answers(invitation, 404),
  'GET /onboarding/get_token': answers(
    object({ login_url: noLogin, token: text('What to claim the link with.', 'onb-...'), user_email: email }),
    401,
  ),
  'POST /onboarding/claim_token': answers(
    object({
      login_url: noLogin,
      token: text('The secret of the key, as LiteLLM calls it.', 'sk-...'),
      key: text('The same.', 'sk-...'),
      token_id: hash('Hash of the key.'),
      key_name: text('The secret, but for its end.', 'sk-...Xy12'),
      expires: orNull(moment('When the key ends')),
      user_email: email,
      user,
    }),
    401,
    409,
  ),
};
