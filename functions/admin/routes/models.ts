/** `/model/...` and `/credentials/...` */
import { makePublic, modelGroups, publicBody, publicGroups } from '../../../lib/management/models/model-groups.ts';
import {
  createCredential,
  credentialBody,
  credentialChange,
  deleteCredential,
  listCredentials,
  readCredential,
  updateCredential,
} from '../../../lib/management/models/credentials.ts';
import { modelCredential } from '../../../lib/management/models/model-credential.ts';
import { MODEL_LISTING, modelInfo, modelPage } from '../../../lib/management/models/model-list.ts';
import { deleteModel, modelBody, modelChange, modelId, newModel, updateModel } from '../../../lib/management/models/models.ts';
import {
  cancelPriceMap,
  priceMapStatus,
  priceSource,
  reloadPriceMap,
  schedulePriceMap,
} from '../../../lib/management/models/price-map.ts';
import { providerSettings } from '../../../lib/management/models/provider-settings.ts';
import { del, get, patch, post, type AdminRoute, type Answer } from '../route.ts';

const modelInfoAnswer: Answer = (deps, { caller, query }) => modelInfo(deps, caller, query('litellm_model_id'));
const MODEL_INFO = { summary: 'Deployments with their prices and limits.', query: ['litellm_model_id'] };

/** Routes of deployments and of credentials. */
export const MODEL_ROUTES: readonly AdminRoute[] = [
  post('/model/new', 'admin', { summary: 'Add a deployment.', body: modelBody }, (deps, { caller, body }) =>
    newModel(deps, caller, body),
  ),
  get('/model/info', 'own', MODEL_INFO, modelInfoAnswer),
  get('/v1/model/info', 'own', MODEL_INFO, modelInfoAnswer),
  get(
    '/v2/model/info',
    'own',
    { summary: 'Deployments with their prices and limits, by page.', query: MODEL_LISTING },
    (deps, { caller, query }) => modelPage(deps, caller, query),
  ),
  get(
    '/model_group/info',
    'own',
    { summary: 'Models by name: who serves them, limits, prices, abilities.', query: ['model_group'] },
    (deps, { caller, query }) => modelGroups(deps, caller, query('model_group')),
  ),
  post(
    '/model_group/make_public',
    'admin',
    { summary: 'Say which models everybody may see, in place of those before.', body: publicBody },
    (deps, { caller, body }) => makePublic(deps, caller, body),
  ),
  {
    method: 'GET',
    path: '/public/model_hub',
    open: true,
    guarded: true,
    summary: 'Models that everybody may see.',
    answer: publicGroups,
  },
  post('/model/update', 'admin', { summary: 'Change a deployment.', body: modelChange }, (deps, { caller, body }) =>
    updateModel(deps, caller, body),
  ),
  patch(
    '/model/{id}/update',
    'admin',
    { summary: 'Change a deployment.', body: modelChange },
    (deps, { caller, body, param }) => updateModel(deps, caller, body, param('id')),
  ),
  post('/model/delete', 'admin', { summary: 'Delete a deployment.', body: modelId }, (deps, { caller, body }) =>
    deleteModel(deps, caller, body),
  ),

  get('/model/settings', 'viewer', 'Every provider, with the fields that a deployment of it takes.', (deps, { caller }) =>
    providerSettings(deps, caller),
  ),

  get('/model/cost_map/source', 'viewer', 'Where prices come from.', (deps, { caller }) => priceSource(deps, caller)),
  post('/reload/model_cost_map', 'admin', 'Fetch prices from the price map of the operator.', (deps, { caller }) =>
    reloadPriceMap(deps, caller),
  ),
  post(
    '/schedule/model_cost_map_reload',
    'admin',
    { summary: 'Fetch prices again every so many hours.', query: ['hours'] },
    (deps, { caller, query }) => schedulePriceMap(deps, caller, query('hours')),
  ),
  del('/schedule/model_cost_map_reload', 'admin', 'Fetch prices no more by themselves.', (deps, { caller }) =>
    cancelPriceMap(deps, caller),
  ),
  get('/schedule/model_cost_map_reload/status', 'viewer', 'When prices are fetched.', (deps, { caller }) =>
    priceMapStatus(deps, caller),
  ),

  post(
    '/credentials',
    'admin',
    { summary: 'Keep the credential of a provider.', body: credentialBody },
    (deps, { caller, body }) => createCredential(deps, caller, body),
  ),
  get('/credentials', 'viewer', 'Names of credentials; never their values.', (deps, { caller }) =>
    listCredentials(deps, caller),
  ),
  get('/credentials/by_name/{name}', 'viewer', 'A credential without its values.', (deps, { caller, param }) =>
    readCredential(deps, caller, param('name')),
  ),
  get('/credentials/by_model/{id}', 'viewer', 'The credential of a deployment without its values.', (deps, { caller, param }) =>
    modelCredential(deps, caller, param('id')),
  ),
  get('/credentials/{name}', 'viewer', 'A credential without its values.', (deps, { caller, param }) =>
    readCredential(deps, caller, param('name')),
  ),
  patch(
    '/credentials/{name}',
    'admin',
    { summary: 'Change a credential.', body: credentialChange },
    (deps, { caller, body, param }) => updateCredential(deps, caller, param('name'), body),
  ),
  del('/credentials/{name}', 'admin', 'Delete a credential.', (deps, { caller, param }) =>
    deleteCredential(deps, caller, param('name')),
  ),
];
