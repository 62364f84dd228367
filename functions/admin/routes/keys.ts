/** `/key/...` */
import { listKeys } from '../../../lib/management/key-list.ts';
import { deleteKeys, generateKey, keyInfo, regenerateKey, setBlocked, updateKey } from '../../../lib/management/keys.ts';
import { get, given, post, type AdminRoute } from '../route.ts';

const LISTING = [
  'page',
  'size',
  'return_full_object',
  'include_team_keys',
  'key_alias',
  'key_hash',
  'user_id',
  'team_id',
  'organization_id',
];

/** Routes of keys. */
export const KEY_ROUTES: readonly AdminRoute[] = [
  post('/key/generate', 'admin', 'Make a virtual key. Its secret is shown once.', (deps, { caller, body }) =>
    generateKey(deps, caller, body),
  ),
  get('/key/info', 'own', { summary: 'A key and where it stands.', query: ['key'] }, (deps, { caller, query }) =>
    keyInfo(deps, caller, query('key')),
  ),
  post('/key/update', 'admin', 'Change fields of a key.', (deps, { caller, body }) => updateKey(deps, caller, body)),
  post('/key/delete', 'admin', 'Delete keys by secret, hash or alias.', (deps, { caller, body }) =>
    deleteKeys(deps, caller, body),
  ),
  post('/key/block', 'admin', 'Block a key.', (deps, { caller, body }) => setBlocked(deps, caller, body, true)),
  post('/key/unblock', 'admin', 'Unblock a key.', (deps, { caller, body }) => setBlocked(deps, caller, body, false)),
  post('/key/regenerate', 'admin', 'A new secret for a key.', (deps, { caller, body }) => regenerateKey(deps, caller, body)),
  post('/key/{key}/regenerate', 'admin', 'A new secret for a key.', (deps, { caller, body, param }) =>
    regenerateKey(deps, caller, { ...body, key: param('key') }),
  ),
  get('/key/list', 'admin', { summary: 'Keys, page by page.', query: LISTING }, (deps, { caller, query }) =>
    listKeys(
      deps,
      caller,
      given({
        page: query('page'),
        size: query('size'),
        fullObject: query('return_full_object'),
        keyAlias: query('key_alias'),
        keyHash: query('key_hash'),
        userId: query('user_id'),
        teamId: query('team_id'),
        organizationId: query('organization_id'),
      }),
    ),
  ),
];
