/** The routes of the management API: which function answers where. Paths and verbs are LiteLLM's. */
import {
  createCredential,
  deleteCredential,
  listCredentials,
  readCredential,
  updateCredential,
} from '../../lib/management/credentials.ts';
import { calculateSpend, estimateCost } from '../../lib/management/cost.ts';
import type { ManagementDeps } from '../../lib/management/deps.ts';
import { listKeys } from '../../lib/management/key-list.ts';
import { deleteKeys, generateKey, keyInfo, regenerateKey, setBlocked, updateKey } from '../../lib/management/keys.ts';
import { deleteModel, modelInfo, newModel, updateModel } from '../../lib/management/models.ts';
import { spendLogs } from '../../lib/management/spend.ts';
import type { JsonObject } from '../../lib/kinds/json.ts';
import type { AdminCall } from './call.ts';

/** One route. `open` ones need no key. */
export type AdminRoute = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** `{name}` stands for one segment. */
  readonly path: string;
} & (
  | { readonly open: true; readonly answer: (deps: ManagementDeps) => unknown }
  | { readonly open?: never; readonly answer: (deps: ManagementDeps, call: AdminCall) => Promise<unknown> }
);

type Answer = (deps: ManagementDeps, call: AdminCall) => Promise<unknown>;
const get = (path: string, answer: Answer): AdminRoute => ({ method: 'GET', path, answer });
const post = (path: string, answer: Answer): AdminRoute => ({ method: 'POST', path, answer });

/** Fields of an object that are not undefined. */
type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
const given = <T extends object>(fields: T): Given<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;

const modelInfoAnswer: Answer = (deps, { caller, query }) => modelInfo(deps, caller, query('litellm_model_id'));

/** All routes. */
export const ROUTES: readonly AdminRoute[] = [
  post('/key/generate', (deps, { caller, body }) => generateKey(deps, caller, body)),
  get('/key/info', (deps, { caller, query }) => keyInfo(deps, caller, query('key'))),
  post('/key/update', (deps, { caller, body }) => updateKey(deps, caller, body)),
  post('/key/delete', (deps, { caller, body }) => deleteKeys(deps, caller, body)),
  post('/key/block', (deps, { caller, body }) => setBlocked(deps, caller, body, true)),
  post('/key/unblock', (deps, { caller, body }) => setBlocked(deps, caller, body, false)),
  post('/key/regenerate', (deps, { caller, body }) => regenerateKey(deps, caller, body)),
  post('/key/{key}/regenerate', (deps, { caller, body, param }) => regenerateKey(deps, caller, { ...body, key: param('key') })),
  get('/key/list', (deps, { caller, query }) =>
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

  get('/spend/logs', (deps, { caller, query }) =>
    spendLogs(
      deps,
      caller,
      given({
        requestId: query('request_id'),
        apiKey: query('api_key'),
        startDate: query('start_date'),
        endDate: query('end_date'),
        summarize: query('summarize'),
      }),
    ),
  ),

  post('/spend/calculate', (deps, { caller, body }) => calculateSpend(deps, caller, body)),
  post('/cost/estimate', (deps, { caller, body }) => estimateCost(deps, caller, body)),

  post('/model/new', (deps, { caller, body }) => newModel(deps, caller, body)),
  get('/model/info', modelInfoAnswer),
  get('/v1/model/info', modelInfoAnswer),
  post('/model/update', (deps, { caller, body }) => updateModel(deps, caller, body)),
  {
    method: 'PATCH',
    path: '/model/{id}/update',
    answer: (deps, { caller, body, param }) => updateModel(deps, caller, body, param('id')),
  },
  post('/model/delete', (deps, { caller, body }) => deleteModel(deps, caller, body)),

  post('/credentials', (deps, { caller, body }) => createCredential(deps, caller, body)),
  get('/credentials', (deps, { caller }) => listCredentials(deps, caller)),
  get('/credentials/by_name/{name}', (deps, { caller, param }) => readCredential(deps, caller, param('name'))),
  get('/credentials/{name}', (deps, { caller, param }) => readCredential(deps, caller, param('name'))),
  {
    method: 'PATCH',
    path: '/credentials/{name}',
    answer: (deps, { caller, body, param }) => updateCredential(deps, caller, param('name'), body),
  },
  {
    method: 'DELETE',
    path: '/credentials/{name}',
    answer: (deps, { caller, param }) => deleteCredential(deps, caller, param('name')),
  },

  { method: 'GET', path: '/health/liveliness', open: true, answer: () => "I'm alive!" },
  { method: 'GET', path: '/health/liveness', open: true, answer: () => "I'm alive!" },
  { method: 'GET', path: '/health/readiness', open: true, answer: readiness },
];

/** Ready means: the registry table answers. A store that does not makes this an error of its own. */
async function readiness(deps: ManagementDeps): Promise<JsonObject> {
  await deps.models.version();
  return { status: 'healthy', db: 'connected' };
}

const PATTERNS = ROUTES.map((route) => ({ route, pattern: route.path.split('/') }));

/** The routes of a path, percent-encoded as sent: one for each verb it knows, none for an unknown path. */
export function routesAt(path: string): readonly AdminRoute[] {
  const segments = path.replace(/(?<=.)\/$/, '').split('/');
  return PATTERNS.filter(({ pattern }) => {
    if (pattern.length !== segments.length) return false;
    return pattern.every((part, index) => (part.startsWith('{') ? segments[index] !== '' : part === segments[index]));
  }).map(({ route }) => route);
}
