/** Answers of `/model/...`, `/model_group/...`, `/credentials` and prices. */
import * as z from 'zod/mini';
import {
  answers,
  component,
  count,
  facts,
  flag,
  list,
  map,
  message,
  moment,
  names,
  note,
  object,
  optional,
  orNull,
  text,
  tokens,
  usd,
  word,
  type Answers,
} from './fields.ts';
import { countedPage } from './limits.ts';

const seconds = (description: string) => note(z.number(), { description: `${description}, seconds.`, examples: [30] });
const perToken = (description: string) => orNull(usd(description, 1.5e-7));
const ability = optional(orNull(flag('Whether the model can.', true)));

/** Fields that depend on the deployment: its prices by unit, and what its provider wants to know. */
const parameter = z.union([z.number(), z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())]);

const params = note(
  z.catchall(
    z.object({
      model: text('Provider and model.', 'openai/gpt-4o-mini'),
      api_base: optional(text('Address.', 'https://api.openai.com/v1')),
      api_version: optional(text('Version of the API.', '2024-10-21')),
      organization: optional(text('Organization at the provider.', 'org-1')),
      rpm: optional(count('Requests a minute.', 600)),
      tpm: optional(count('Tokens a minute.', 100_000)),
      weight: optional(note(z.number(), { description: 'Share of the calls.', examples: [1] })),
      timeout: optional(seconds('Longest whole answer')),
      stream_timeout: optional(seconds('Longest wait for the first byte')),
      extra_headers: optional(
        map('Headers added to each request; those of credentials are masked.', text('Value.', '********')),
      ),
      extra_body: optional(facts('Fields added to each body.')),
      additional_drop_params: optional(names('Fields taken out of each body.', 'user')),
      max_retries: optional(count('Tries after the first.', 2)),
      api_key: optional(text('Where the credential is; never what it is.', 'os.environ/OPENAI_API_KEY')),
      litellm_credential_name: optional(text('Credential that is used.', 'main')),
    }),
    parameter,
  ),
  {
    id: 'ModelParams',
    description:
      'What a deployment was made of, without its secrets; prices (`*_cost*`, USD a unit) and parameters of its provider beside.',
  },
);

const info = note(
  z.catchall(
    z.object({
      id: optional(text('The deployment.', '4dff4ea340f0a823f15d3f4f01ab62ea')),
      db_model: optional(flag('True: it was made by a call; false: it is in the configuration.', true)),
      litellm_provider: optional(text('Provider.', 'openai')),
      created_at: optional(moment('When it was made')),
      updated_at: optional(moment('When it was last changed')),
      key: orNull(text('Name in the catalog.', 'gpt-4o-mini')),
      mode: orNull(text('What it is for.', 'chat')),
      max_tokens: orNull(tokens('Longest output', 16_384)),
      max_input_tokens: orNull(tokens('Longest input', 128_000)),
      max_output_tokens: orNull(tokens('Longest output', 16_384)),
      input_cost_per_token: perToken('Input'),
      output_cost_per_token: perToken('Output'),
      cache_read_input_token_cost: perToken('Input that the cache served'),
      cache_creation_input_token_cost: perToken('Input that was cached'),
      tpm: orNull(count('Tokens a minute.', 100_000)),
      rpm: orNull(count('Requests a minute.', 600)),
    }),
    z.unknown(),
  ),
  {
    id: 'ModelInfo',
    description:
      'What is known of a deployment: catalog and operator. Further prices are USD a unit, further `supports_...` abilities; null: not known. Other fields are what the operator wrote there.',
  },
);

const ROW = { model_name: text('Name that clients call.', 'fast'), litellm_params: params, model_info: info };
const row = component('Model', 'A deployment.', ROW);
const made = component('ChangedModel', 'A deployment, and its id.', {
  model_id: text('The deployment.', '4dff4ea340f0a823f15d3f4f01ab62ea'),
  ...ROW,
});
const rows = object({ data: list(row) });

const group = note(
  z.catchall(
    z.object({
      model_group: text('Name that clients call.', 'fast'),
      providers: names('Providers behind it.', 'openai'),
      mode: orNull(text('What it is for.', 'chat')),
      max_input_tokens: orNull(tokens('Longest input', 128_000)),
      max_output_tokens: orNull(tokens('Longest output', 16_384)),
      input_cost_per_token: perToken('Input, of the dearest'),
      output_cost_per_token: perToken('Output, of the dearest'),
      tpm: orNull(count('Tokens a minute, of all together.', 100_000)),
      rpm: orNull(count('Requests a minute, of all together.', 600)),
      supports_vision: ability,
      supported_openai_params: orNull(names('Not told.')),
      is_public_model_group: flag('Whether it is shown without a key.'),
    }),
    z.boolean(),
  ),
  {
    id: 'ModelGroupInfo',
    description: 'A name over all deployments behind it; further `supports_...` fields say what one of them can.',
  },
);

const credential = component('Credential', 'A credential of a provider, its values masked.', {
  credential_name: text('Its name.', 'main'),
  credential_values: map('Which values there are.', text('Masked.', '********')),
  credential_info: facts('Facts of its owner.', { custom_llm_provider: 'openai' }),
});
const done = (example: string) => object({ success: flag('Done.', true), message: message(example) });

const providerField = component('ProviderField', 'What a deployment may say of itself, beside its model.', {
  field_name: text('Name in `litellm_params`.', 'api_key'),
  field_type: word('Type.', ['string']),
  field_description: text('For people.', 'Credential of OpenAI.'),
  field_value: orNull(text('What may stand there, or what counts where nothing does.', 'os.environ/OPENAI_API_KEY')),
});

const COSTS = [
  'cost',
  'input_cost',
  'output_cost',
  'margin_cost',
  'discount_cost',
  'cache_read_cost',
  'cache_creation_cost',
  'reasoning_cost',
];
const costs = <T extends z.ZodMiniType>(nameOf: (cost: string) => string, value: T) =>
  Object.fromEntries(COSTS.map((cost) => [nameOf(cost), value]));

/** By route. */
export const MODEL_ANSWERS: Answers = {
  'POST /model/new': answers(made, 409),
  'GET /model/info': answers(rows, 404),
  'GET /v1/model/info': answers(rows, 404),
  'GET /v2/model/info': answers(
    object({ data: list(row), ...countedPage('Deployments'), size: count('Deployments a page.', 50) }),
  ),
  'GET /model_group/info': answers(object({ data: list(group) }), 404),
  'POST /model_group/make_public': answers(
    object({
      message: message('Successfully updated public model groups'),
      public_model_groups: names('The groups that are public now.', 'fast'),
      updated_by: text('User id, or `master`.', 'master'),
    }),
    409,
  ),
  'GET /public/model_hub': answers(list(group)),
  'POST /model/update': answers(made, 404),
  'PATCH /model/{id}/update': answers(made, 404),
  'POST /model/delete': answers(object({ message: message('Model: 4dff... deleted successfully') }), 404),
  'GET /model/settings': answers(list(object({ name: text('Provider.', 'openai'), fields: list(providerField) }))),
  'GET /model/cost_map/source': answers(
    object({
      source: word('A price map, or the release alone.', ['remote', 'local']),
      url: orNull(text('Where the map is, without its query.', 'https://prices.example.com/map.json')),
      is_env_forced: flag('True: the environment names no map.'),
      fallback_reason: orNull(
        text('Why the last reload came to nothing.', 'The price map could not be fetched: it answered 500'),
      ),
      model_count: count('Models in the catalog.', 2988),
      version: text('Version of the newest prices, as the ledger has it.', 'map-9f86d081884c7d65'),
      updated_at: orNull(moment('When they were last fetched')),
    }),
  ),
  'POST /reload/model_cost_map': answers(
    object({
      message: message('Price data reloaded successfully! 2984 models updated.'),
      status: word('Done.', ['success']),
      models_count: count('Models in the map.', 2984),
      timestamp: moment('When'),
      version: text('Version of these prices, as the ledger has it.', 'map-9f86d081884c7d65'),
      new_models: count('Models that the release has not.', 4),
      changed_models: count('Models with another price.', 12),
      refused_models: count('Models that were not taken: as in the release, or unknown.', 1),
      refused: list(
        object({
          model: text('Name in the map.', 'gpt-4o'),
          reason: text('Why.', 'input tokens would cost nothing; what the release says stays'),
        }),
      ),
    }),
    409,
  ),
  'POST /schedule/model_cost_map_reload': answers(
    object({
      message: message('Model cost map reload scheduled for every 6 hours'),
      status: word('Done.', ['success']),
      interval_hours: count('Hours between two reloads.', 6),
      timestamp: moment('When'),
    }),
    409,
  ),
  'DELETE /schedule/model_cost_map_reload': answers(
    object({
      message: message('Model cost map reload schedule cancelled'),
      status: word('Done.', ['success']),
      timestamp: moment('When'),
    }),
    409,
  ),
  'GET /schedule/model_cost_map_reload/status': answers(
    object({
      scheduled: flag('Whether prices are fetched by themselves.', true),
      interval_hours: orNull(count('Hours between two reloads.', 6)),
      last_run: orNull(moment('When they were last fetched')),
      next_run: orNull(moment('When they will be')),
    }),
  ),
  'POST /credentials': answers(done('Credential created successfully'), 409),
  'GET /credentials': answers(object({ success: flag('Done.', true), credentials: list(credential) })),
  'GET /credentials/by_name/{name}': answers(credential, 404),
  'GET /credentials/by_model/{id}': answers(credential, 404),
  'GET /credentials/{name}': answers(credential, 404),
  'PATCH /credentials/{name}': answers(done('Credential updated successfully'), 404, 409),
  'DELETE /credentials/{name}': answers(done('Credential deleted successfully'), 404),
  'POST /cost/estimate': answers(
    object({
      model: text('Name that clients call.', 'fast'),
      provider: text('Who would serve it.', 'openai'),
      input_tokens: tokens('Input'),
      output_tokens: tokens('Output', 300),
      cache_read_input_tokens: tokens('Input that the cache serves', 0),
      cache_creation_input_tokens: tokens('Input that is cached', 0),
      reasoning_tokens: tokens('Reasoning', 0),
      num_requests_per_day: orNull(count('Requests a day.', 100)),
      num_requests_per_month: orNull(count('Requests a month.', 3000)),
      ...costs((cost) => `${cost}_per_request`, usd('Of one request', 0.00036)),
      ...costs((cost) => `daily_${cost}`, orNull(usd('Of a day', 0.036))),
      ...costs((cost) => `monthly_${cost}`, orNull(usd('Of a month', 1.08))),
      input_cost_per_token: perToken('Input'),
      output_cost_per_token: perToken('Output'),
      cache_read_input_token_cost: perToken('Input that the cache serves'),
      cache_creation_input_token_cost: perToken('Input that is cached'),
      output_cost_per_reasoning_token: perToken('Reasoning'),
    }),
    404,
  ),
  'POST /spend/calculate': answers(object({ cost: usd('Of the call', 0.00045) }), 404),
};
