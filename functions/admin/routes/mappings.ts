/** `/jwt/key/mapping/...` and `/iam/mapping/...` */
import {
  claimInput,
  claimMappingInfo,
  claimUpdate,
  deleteClaimMapping,
  deleteRoleMapping,
  listClaimMappings,
  listRoleMappings,
  mappingId,
  newClaimMapping,
  newRoleMapping,
  roleInput,
  updateClaimMapping,
} from '../../../lib/management/people/mappings.ts';
import { get, post, type AdminRoute } from '../route.ts';

/** Routes of callers without keys. */
export const MAPPING_ROUTES: readonly AdminRoute[] = [
  post(
    '/jwt/key/mapping/new',
    'admin',
    { summary: 'Let a claim of tokens stand for a key.', body: claimInput },
    (deps, { caller, body }) => newClaimMapping(deps, caller, body),
  ),
  post(
    '/jwt/key/mapping/update',
    'admin',
    { summary: 'Change which key a claim stands for.', body: claimUpdate },
    (deps, { caller, body }) => updateClaimMapping(deps, caller, body),
  ),
  post('/jwt/key/mapping/delete', 'admin', { summary: 'Forget a claim.', body: mappingId }, (deps, { caller, body }) =>
    deleteClaimMapping(deps, caller, body),
  ),
  get('/jwt/key/mapping/list', 'viewer', 'Claims that stand for keys.', (deps) => listClaimMappings(deps)),
  get('/jwt/key/mapping/info', 'viewer', { summary: 'One of them.', query: ['id'] }, (deps, { query }) =>
    claimMappingInfo(deps, query('id')),
  ),
  post(
    '/iam/mapping/new',
    'admin',
    { summary: 'Let a role of AWS stand for a key.', body: roleInput },
    (deps, { caller, body }) => newRoleMapping(deps, caller, body),
  ),
  post('/iam/mapping/delete', 'admin', { summary: 'Forget a role.', body: mappingId }, (deps, { caller, body }) =>
    deleteRoleMapping(deps, caller, body),
  ),
  get('/iam/mapping/list', 'viewer', 'Roles that stand for keys.', (deps) => listRoleMappings(deps)),
];
