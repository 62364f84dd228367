/** Answers of `/jwt/key/mapping/...` and `/iam/mapping/...`. */
import { answers, component, count, flag, hash, list, moment, object, orNull, text, type Answers } from './fields.ts';
import { HISTORY } from './limits.ts';

const claim = component('ClaimMapping', 'A claim of tokens that stands for a key.', {
  id: text('Its id.', '7b6950c26df588b621335cd4794eeac6'),
  jwt_claim_name: text('Claim.', 'client_id'),
  jwt_claim_value: text('Its value.', 'batch'),
  token_id: hash('The key it stands for.'),
  description: orNull(text('What for.', 'nightly jobs')),
  is_active: flag('False: it is not looked at.', true),
  ...HISTORY,
});

const role = component('RoleMapping', 'A role of AWS that stands for a key.', {
  id: text('Its id: the ARN.', 'arn:aws:iam::123456789012:role/app'),
  arn: text('ARN of the role.', 'arn:aws:iam::123456789012:role/app'),
  token_id: hash('The key it stands for.'),
  description: orNull(text('What for.', 'the app')),
  created_at: moment('When it was made'),
  created_by: HISTORY.created_by,
});

const total = count('How many there are.', 1);

/** By route. */
export const MAPPING_ANSWERS: Answers = {
  'POST /jwt/key/mapping/new': answers(claim, 404, 409),
  'POST /jwt/key/mapping/update': answers(claim, 404, 409),
  'POST /jwt/key/mapping/delete': answers(claim, 404),
  'GET /jwt/key/mapping/list': answers(object({ mappings: list(claim), total_count: total })),
  'GET /jwt/key/mapping/info': answers(claim, 404),
  'POST /iam/mapping/new': answers(role, 404, 409),
  'POST /iam/mapping/delete': answers(role, 404),
  'GET /iam/mapping/list': answers(object({ mappings: list(role), total_count: total })),
};
