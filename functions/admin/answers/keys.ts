/** Answers of `/key/...`. */
import { KEPT_KEY_FIELDS } from '../../../lib/management/keys/key-fields.ts';
import * as z from 'zod/mini';
import {
  answers,
  anything,
  component,
  count,
  facts,
  flag,
  hash,
  list,
  map,
  moment,
  names,
  nothing,
  object,
  orNull,
  text,
  usd,
  word,
  type Answers,
} from './fields.ts';
import { COUNTED, countedPage, keptAs, OWN, STANDING } from './limits.ts';

const KEY = {
  ...keptAs(KEPT_KEY_FIELDS),
  token: hash('Hash of the secret: the name of the key in every other call.'),
  token_id: hash('The same.'),
  key_name: text('The secret, but for its end.', 'sk-...Xy12'),
  key_alias: orNull(text('What people call it.', 'ci')),
  ...STANDING,
  ...COUNTED,
  duration: orNull(text('Lifetime as it was given.', '30d')),
  expires: orNull(moment('When the key ends')),
  models: OWN.models,
  aliases: OWN.aliases,
  budget_fallbacks: orNull(map('Cheaper models once the budget of one is spent.', list(text('Model.', 'gpt-4o-mini')))),
  metadata: OWN.metadata,
  tags: OWN.tags,
  blocked: flag('True: it is refused everywhere.'),
  user_id: orNull(text('User it belongs to.', 'ada')),
  team_id: OWN.team_id,
  organization_id: OWN.organization_id,
  org_id: orNull(text('The same.', 'acme')),
  project_id: orNull(text('Project it belongs to.', 'search')),
  config: facts('As it was given.'),
  permissions: facts('As it was given; roles decide what a caller may do.'),
  object_permission: anything('As it was given.'),
  guardrails: nothing('There are no guardrails of keys.'),
  key_type: word('What it may be used for.', ['default', 'llm_api', 'management', 'read_only']),
  service_account_id: orNull(text('Service account it is for.', 'ci')),
  enforced_params: orNull(names('Parameters that each request must have.', 'user')),
  allowed_routes: names('Routes, patterns and groups of routes; all where there are none.', 'llm_api_routes'),
  allowed_ips: names('Addresses and networks it may be used from; all where there are none.', '10.0.0.0/8'),
  access_group_ids: names('Access groups whose models it may call.'),
  allowed_cache_controls: anything('As it was given.', []),
  auto_rotate: flag('True: the keeper gives it a new secret now and then.'),
  rotation_interval: orNull(text('How often.', '30d')),
  last_rotation_at: orNull(moment('When it last got one')),
  key_rotation_at: orNull(moment('When it gets the next one')),
  rotation_secret: orNull(text('Secret of Secrets Manager in which the newest one lies.', 'key/9f86d081')),
  created_at: moment('When it was made'),
  updated_at: moment('When it was last changed'),
  created_by: orNull(text('Who made it.', 'master')),
  updated_by: orNull(text('Who changed it last.', 'master')),
};

/** The row of a key. */
export const key = component('Key', 'A virtual key and where it stands.', KEY);

const deletedKey = component('DeletedKey', 'A key that was deleted.', {
  ...KEY,
  deleted_at: moment('When'),
  deleted_by: text('By whom.', 'master'),
});

/** A secret, in the one answer that shows it. */
const SECRET = text('The secret, shown this once.', 'sk-...');

const newKey = component('NewKey', 'A key with its secret.', { ...KEY, key: SECRET });
const namedKey = component('NamedKey', 'A key; `key` is its hash.', { ...KEY, key: hash('Hash of the secret.') });

const keyOfInfo = object({ key: hash('The key asked for.'), info: key });

const changedKeys = component('ChangedKeys', 'What became of each key.', {
  total_requested: count('Keys asked for.'),
  successful_updates: list(object({ key: hash('The key.'), key_info: key })),
  failed_updates: list(
    object({
      key: orNull(hash('The key.')),
      key_info: z.null(),
      failed_reason: text('Why.', 'No key with this secret or hash.'),
    }),
  ),
});

/** By route. */
export const KEY_ANSWERS: Answers = {
  'POST /key/generate': answers(newKey, 404, 409),
  'POST /key/service-account/generate': answers(newKey, 404, 409),
  'GET /key/info': answers(keyOfInfo, 404),
  'POST /v2/key/info': answers(object({ key: list(hash('Keys asked for.')), info: list(key) })),
  'POST /key/update': answers(namedKey, 404, 409),
  'POST /key/bulk_update': answers(changedKeys),
  'POST /team/key/bulk_update': answers(changedKeys, 404),
  'POST /key/delete': answers(object({ deleted_keys: list(hash('Keys that were deleted.')) }), 404),
  'POST /key/block': answers(namedKey, 404, 409),
  'POST /key/unblock': answers(namedKey, 404, 409),
  'POST /key/regenerate': answers(newKey, 404, 409),
  'POST /key/{key}/regenerate': answers(newKey, 404, 409),
  'POST /key/{key}/reset_spend': answers(
    component('ResetKey', 'A key whose spend was taken back.', {
      ...KEY,
      key: hash('Hash of the secret.'),
      previous_spend: usd('What counted as spent before', 1.25),
    }),
    404,
    409,
  ),
  'POST /key/health': answers(
    object({ key: word('The key works.', ['healthy']), logging_callbacks: nothing('There are no callbacks of keys.') }),
  ),
  'GET /key/list': answers(
    object({
      keys: list(z.union([hash('A key; the whole row with `return_full_object`.'), key, deletedKey])),
      ...countedPage('Keys'),
    }),
  ),
  'GET /key/aliases': answers(
    object({
      aliases: names('Aliases in alphabetical order.', 'ci'),
      ...countedPage('Aliases'),
      size: count('Aliases a page.', 50),
    }),
  ),
};
