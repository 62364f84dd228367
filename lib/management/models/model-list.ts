/** Deployments as callers see them: all of them for those who see everything, else those behind the names that a caller may call. */
import type { Deployment } from '../../domain/model.ts';
import type { Caller } from '../../exchange.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { isViewer } from '../access.ts';
import type { ManagementDeps } from '../deps.ts';
import { contains, pageOf, sorted, type Query } from '../records/records.ts';
import { modelRow } from './model-answer.ts';
import { noModel } from './models.ts';

/** Query parameters of `/v2/model/info`. */
export const MODEL_LISTING = ['page', 'size', 'search', 'model', 'modelId', 'sortBy', 'sortOrder'];

/** LiteLLM's names of orders, and the fields they are by. */
const ORDERS: Readonly<Record<string, string>> = {
  model_name: 'model_name',
  created_at: 'created_at',
  updated_at: 'updated_at',
  costs: 'input_cost_per_token',
  status: 'db_model',
};

/**
 * `GET /model/info`: the deployments, or the one named.
 *
 * @throws GatewayError `not_found`, for one that the caller may not call too
 */
export async function modelInfo(deps: ManagementDeps, caller: Caller, id: string | undefined): Promise<JsonObject> {
  const all = await visible(deps, caller);
  const wanted = id === undefined ? all : all.filter((deployment) => deployment.id === id);
  if (id !== undefined && wanted.length === 0) throw noModel(id);
  return { data: await rows(deps, caller, wanted) };
}

/**
 * `GET /v2/model/info`: the same by page. `search` is a part of the name, `model` the whole of it.
 *
 * @throws GatewayError `invalid_request` for a wrong page or order
 */
export async function modelPage(deps: ManagementDeps, caller: Caller, query: Query): Promise<JsonObject> {
  const [search, model, id, order, by] = ['search', 'model', 'modelId', 'sortOrder', 'sortBy'].map(query);
  const wanted = (await visible(deps, caller)).filter(
    (deployment) =>
      contains(deployment.modelName, search) &&
      (model === undefined || model === deployment.modelName) &&
      (id === undefined || id === deployment.id),
  );
  const found = await rows(deps, caller, wanted);
  const field = by === undefined ? undefined : (ORDERS[by] ?? by);
  const keyed = found.map((row) => ({
    ...(isObject(row['model_info']) ? row['model_info'] : {}),
    model_name: row['model_name'],
    row,
  }));
  const inOrder = sorted(keyed, { by: field, order }, Object.values(ORDERS)).map(({ row }) => row);
  const { items, total, page, size, pages } = pageOf(inOrder, { page: query('page'), size: query('size') }, { param: 'size' });
  return { data: items, total_count: total, current_page: page, total_pages: pages, size };
}

const visible = (deps: ManagementDeps, caller: Caller): Promise<readonly Deployment[]> =>
  isViewer(caller) ? deps.deployments() : deps.offeredTo(caller);

/** Rows; those who only call models learn nothing of addresses, accounts and headers. */
async function rows(deps: ManagementDeps, caller: Caller, deployments: readonly Deployment[]): Promise<readonly JsonObject[]> {
  const full = await Promise.all(
    deployments.map(async (deployment) => modelRow(deployment, await deps.facts(deployment, deployment.model))),
  );
  if (isViewer(caller)) return full;
  return full.map((row) => ({
    ...row,
    litellm_params: { model: isObject(row['litellm_params']) ? row['litellm_params']['model'] : null },
  }));
}
