import type { JsonObject } from '../kinds/json.ts';
import type { Endpoint } from './endpoint.ts';

/** Models the caller may use. */
export const modelList: Endpoint = {
  route: '/v1/models',
  method: 'GET',
  kind: 'models',
  dialect: 'openai-chat',
  paths: ['/v1/models', '/models', '/openai/v1/models'],
};

/** One model; its id may hold slashes. */
export const modelOne: Endpoint = {
  route: '/v1/models/{id}',
  method: 'GET',
  kind: 'models',
  dialect: 'openai-chat',
  paths: ['/v1/models/{rest}', '/models/{rest}', '/openai/v1/models/{rest}'],
};

/** A model as lists show it. `created` in seconds since the epoch. */
export interface ListedModel {
  readonly id: string;
  readonly ownedBy: string;
  readonly created: number;
}

const openaiModel = (model: ListedModel): JsonObject => ({
  id: model.id,
  object: 'model',
  created: model.created,
  owned_by: model.ownedBy,
});

const anthropicModel = (model: ListedModel): JsonObject => ({
  type: 'model',
  id: model.id,
  display_name: model.id,
  created_at: new Date(model.created * 1000).toISOString(),
});

/** One model in OpenAI's shape, or in Anthropic's for a client that sent `anthropic-version`. */
export const renderModel = (model: ListedModel, anthropic: boolean): JsonObject =>
  anthropic ? anthropicModel(model) : openaiModel(model);

/** A list in OpenAI's shape, or in Anthropic's (one page holds all) for a client that sent `anthropic-version`. */
export function renderModels(models: readonly ListedModel[], anthropic: boolean): JsonObject {
  if (!anthropic) return { object: 'list', data: models.map(openaiModel) };
  return {
    data: models.map(anthropicModel),
    has_more: false,
    first_id: models[0]?.id ?? null,
    last_id: models.at(-1)?.id ?? null,
  };
}
