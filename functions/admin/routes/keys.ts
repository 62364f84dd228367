/** `/key/...` */
import { LISTING, queryOf, listAliases, listKeys, type KeyListQuery } from '../../../lib/management/keys/key-list.ts';
import { keySchema } from '../../../lib/management/keys/key-input.ts';
import { regenerateKey } from '../../../lib/management/keys/key-secrets.ts';
import { resetKeySpend } from '../../../lib/management/keys/key-spend.ts';
import {
  deleteKeys,
  deletion,
  generateKey,
  generateServiceAccount,
  keyHealth,
  keyInfo,
  keyInfos,
  keyNamed,
  keyNames,
  keysChange,
  setBlocked,
  updateKey,
  updateKeys,
} from '../../../lib/management/keys/keys.ts';
import { spendReset } from '../../../lib/management/people/team-members.ts';
import type { AdminCall } from '../call.ts';
import { teamKeysChange, updateTeamKeys } from '../../../lib/management/keys/team-keys.ts';
import { get, post, type AdminRoute } from '../route.ts';

const listing = ({ query }: AdminCall): KeyListQuery => queryOf(LISTING, query);

/** Routes of keys. Whose key it is, and what its team permits, is asked by the functions behind them. */
export const KEY_ROUTES: readonly AdminRoute[] = [
  post(
    '/key/generate',
    'own-change',
    { summary: 'Make a virtual key. Its secret is shown once.', body: keySchema },
    (deps, { caller, body }) => generateKey(deps, caller, body),
  ),
  post(
    '/key/service-account/generate',
    'own-change',
    { summary: 'Make a key of a team that is nobody’s own.', body: keySchema },
    (deps, { caller, body }) => generateServiceAccount(deps, caller, body),
  ),
  get('/key/info', 'own', { summary: 'A key and where it stands.', query: ['key'] }, (deps, { caller, query }) =>
    keyInfo(deps, caller, query('key')),
  ),
  post('/v2/key/info', 'own', { summary: 'Many keys and where they stand.', body: keyNames }, (deps, { caller, body }) =>
    keyInfos(deps, caller, body),
  ),
  post('/key/update', 'own-change', { summary: 'Change fields of a key.', body: keySchema }, (deps, { caller, body }) =>
    updateKey(deps, caller, body),
  ),
  post(
    '/key/bulk_update',
    'own-change',
    { summary: 'Change fields of many keys.', body: keysChange },
    (deps, { caller, body }) => updateKeys(deps, caller, body),
  ),
  post(
    '/team/key/bulk_update',
    'team-admin',
    { summary: 'Change fields of many keys of a team.', body: teamKeysChange },
    (deps, { caller, body }) => updateTeamKeys(deps, caller, body),
  ),
  post(
    '/key/delete',
    'own-change',
    { summary: 'Delete keys by secret, hash or alias.', body: deletion },
    (deps, { caller, body }) => deleteKeys(deps, caller, body),
  ),
  post('/key/block', 'own-change', { summary: 'Block a key.', body: keyNamed }, (deps, { caller, body }) =>
    setBlocked(deps, caller, body, true),
  ),
  post('/key/unblock', 'own-change', { summary: 'Unblock a key.', body: keyNamed }, (deps, { caller, body }) =>
    setBlocked(deps, caller, body, false),
  ),
  post('/key/regenerate', 'own-change', { summary: 'A new secret for a key.', body: keySchema }, (deps, { caller, body }) =>
    regenerateKey(deps, caller, body),
  ),
  post(
    '/key/{key}/regenerate',
    'own-change',
    { summary: 'A new secret for a key.', body: keySchema },
    (deps, { caller, body, param }) => regenerateKey(deps, caller, { ...body, key: param('key') }),
  ),
  post(
    '/key/{key}/reset_spend',
    'own-change',
    { summary: 'Set what a key has spent to less.', body: spendReset },
    (deps, { caller, body, param }) => resetKeySpend(deps, caller, param('key'), body),
  ),
  post('/key/health', 'own', 'Whether the key of the caller works.', (deps, { caller }) => keyHealth(deps, caller)),
  get('/key/list', 'own', { summary: 'Keys, page by page.', query: Object.values(LISTING) }, (deps, call) =>
    listKeys(deps, call.caller, listing(call)),
  ),
  get('/key/aliases', 'own', { summary: 'Aliases of keys.', query: ['page', 'size', 'team_id', 'user_id'] }, (deps, call) =>
    listAliases(deps, call.caller, listing(call)),
  ),
];
