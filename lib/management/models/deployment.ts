/** From LiteLLM's words for a deployment (`model_name`, `litellm_params`, `model_info`) to ours. */
import * as z from 'zod/mini';
import type { CredentialRef, Deployment } from '../../domain/model.ts';
import type { PriceOverride } from '../../domain/price-types.ts';
import { GatewayError } from '../../errors.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { faultOfBase, parseModel, providers } from '../../providers/index.ts';
import { check, count, freeObject, names, saysNothing, seconds, text, textMap } from '../input.ts';
import { ENV_PREFIX, isProviderField, providerFields } from './provider-fields.ts';
import { writeSecret, type SecretValues } from './secret.ts';

/** One entry of a `model_list`, or the body of `/model/new`, taken apart. */
export interface DeploymentInput {
  /** LiteLLM `model_name`. */
  readonly modelName: unknown;
  /** LiteLLM `litellm_params`. */
  readonly params: unknown;
  /** LiteLLM `model_info`; may be absent. */
  readonly info: unknown;
  readonly source: Deployment['source'];
  /** Id of the deployment; the caller makes it, since a config file and a store have different ideas of a stable one. */
  readonly id: string;
}

/** A deployment, what of the input is a secret, and what was not understood. */
export interface DeploymentResult {
  readonly deployment: Deployment;
  /**
   * The `api_key` and the provider's other secrets as given. With source `store` they belong into the secret store, under the name in
   * `deployment.credential`.
   */
  readonly secrets?: SecretValues;
  /** Paths of fields with a meaning we do not support yet: `litellm_params.tags`. Null, false and empty values do not count. */
  readonly unsupported: readonly string[];
}

/** Fields of `litellm_params` that become a deployment; prices (`*_cost*`) are read apart. */
const PARAMS = {
  model: text(512),
  custom_llm_provider: z.nullish(text(64)),
  api_key: z.nullish(text(16_384)),
  litellm_credential_name: z.nullish(text()),
  api_base: z.nullish(text(2048)),
  base_url: z.nullish(text(2048)),
  aws_bedrock_runtime_endpoint: z.nullish(text(2048)),
  api_version: z.nullish(text(64)),
  organization: z.nullish(text()),
  rpm: z.nullish(count),
  tpm: z.nullish(count),
  weight: z.nullish(z.number('expected a number').check(z.nonnegative('expected a number, 0 or more'))),
  timeout: z.nullish(seconds),
  stream_timeout: z.nullish(seconds),
  extra_headers: z.nullish(textMap),
  extra_body: z.nullish(freeObject),
  additional_drop_params: z.nullish(names),
  max_retries: z.nullish(count),
  base_model: z.nullish(text()),
  region_name: z.nullish(text(64)),
} as const;

/** Fields of `model_info` that become a deployment; the others stay as free facts. */
const INFO = {
  base_model: z.nullish(text()),
  max_tokens: z.nullish(count),
  max_input_tokens: z.nullish(count),
  max_output_tokens: z.nullish(count),
} as const;

/** Fields of `model_info` that are answers, not input: clients send back what `/model/info` told them. */
const ANSWER_FIELDS: ReadonlySet<string> = new Set(['id', 'db_model', 'key', 'litellm_provider', 'created_at', 'updated_at']);

/** `litellm_params` of a deployment. */
export const paramsSchema = z.looseObject(PARAMS, 'expected an object with at least `model`');
/** `model_info` of a deployment. */
export const infoSchema = z.looseObject(INFO, 'expected an object');

type Params = z.infer<typeof paramsSchema>;

/** Name of the secret that holds the `api_key` of a stored deployment. */
export const modelSecretName = (id: string): string => `model/${id}`;

/** Name of the secret that holds the values of a named credential. */
export const credentialSecretName = (name: string): string => `credential/${name}`;

/** A price field by LiteLLM's names: `input_cost_per_token`, `cache_read_input_token_cost`, `tiered_pricing`, ... */
export const isPriceField = (name: string): boolean =>
  /(^|_)cost(_|$)|^regional_processing_uplift_multiplier_/.test(name) || Object.hasOwn(PRICE_TABLES, name);

const PRICE = 'expected USD per unit, 0 or more';
const price = z.number(PRICE).check(z.nonnegative(PRICE));
const bounds = z.optional(z.tuple([z.number(), z.number()], 'expected two numbers'));

/** Price fields with an inside. */
const PRICE_TABLES = {
  search_context_cost_per_query: z.strictObject(
    {
      search_context_size_low: z.optional(price),
      search_context_size_medium: z.optional(price),
      search_context_size_high: z.optional(price),
    },
    'expected an object of search_context_size_low, _medium and _high, USD each',
  ),
  tiered_pricing: z.array(
    z
      .catchall(z.object({ range: bounds, max_results_range: bounds }), price)
      .check(z.refine((tier) => (tier.range ?? tier.max_results_range) !== undefined, 'expected a range, and prices in it')),
    'expected a list of ranges with their prices',
  ),
} as const;

/** Drops absent fields, so that an optional one is missing rather than undefined. */
type Given<T> = { [K in keyof T]?: NonNullable<T[K]> };
const given = <T extends object>(fields: T): Given<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)) as Given<T>;

/**
 * Reads one deployment.
 *
 * An `api_key` of the form `os.environ/NAME` stays a reference, resolved by the gateway when it calls; any other value is a secret:
 * in memory for source `config`, `env` and `demo`, in the secret store for `store`. Other fields are taken as they are: a caller
 * that knows `os.environ/` references for them resolves those first.
 *
 * @throws GatewayError `invalid_request` that names the field, what is allowed and, where it is no secret, the value seen.
 * @example deploymentOf({ modelName: 'fast', params: { model: 'groq/llama-3.1-8b-instant' }, info: {}, source: 'config', id: 'a1' })
 */
export function deploymentOf(input: DeploymentInput): DeploymentResult {
  const modelName = check(text(), input.modelName, 'model_name');
  const params = check(paramsSchema, input.params, 'litellm_params');
  const info = check(infoSchema, input.info ?? {}, 'model_info');
  const { provider, model } = providerOf(params);
  const fields = providerFields(params, provider);
  const { credential, secrets } = credentialOf(params, fields.secrets, input);
  const apiBase = baseOf(params, provider);
  const prices = { ...pricesOf(info, 'model_info'), ...pricesOf(params, 'litellm_params') };
  // Where it is: customers may have to be served from there.
  const parameters = { ...fields.parameters, ...given({ region_name: params.region_name }) };
  const deployment: Deployment = {
    id: input.id,
    modelName,
    provider,
    model,
    credential,
    ...given({
      apiBase,
      apiVersion: params.api_version,
      organization: params.organization,
      parameters: Object.keys(parameters).length === 0 ? undefined : parameters,
      rpm: params.rpm,
      tpm: params.tpm,
      weight: params.weight,
      timeoutMs: params.timeout,
      streamTimeoutMs: params.stream_timeout,
      extraHeaders: headersOf(params, input.source),
      extraBody: params.extra_body,
      dropParams: params.additional_drop_params,
      maxRetries: params.max_retries,
      price: Object.keys(prices).length === 0 ? undefined : prices,
      baseModel: info.base_model ?? params.base_model,
      maxInputTokens: info.max_input_tokens,
      maxOutputTokens: info.max_output_tokens ?? info.max_tokens,
    }),
    info: check(freeObject, freeFacts(info), 'model_info'),
    source: input.source,
  };
  return { deployment, ...(secrets === undefined ? {} : { secrets }), unsupported: unsupportedOf(params, info, provider) };
}

/** The provider and its name of the model. `custom_llm_provider` wins over a prefix. */
function providerOf(params: Params): { readonly provider: string; readonly model: string } {
  const named = params.custom_llm_provider ?? undefined;
  if (named === undefined) {
    const parsed = parseModel(params.model);
    if (parsed !== undefined) return parsed;
    const [prefix] = params.model.split('/', 1);
    throw unknownProvider(`litellm_params.model: '${prefix}' names no provider`, 'litellm_params.model');
  }
  if (!providers.has(named)) {
    throw unknownProvider(
      `litellm_params.custom_llm_provider: '${named}' is no provider`,
      'litellm_params.custom_llm_provider',
    );
  }
  const prefix = `${named}/`;
  return { provider: named, model: params.model.startsWith(prefix) ? params.model.slice(prefix.length) : params.model };
}

const unknownProvider = (fault: string, param: string): GatewayError =>
  new GatewayError('invalid_request', `${fault}; write '<provider>/<model>' with one of: ${[...providers.keys()].join(', ')}`, {
    param,
  });

/** Variables of our own that no model may read: with a foreign `api_base` it would send them there. */
const OWN_VARIABLE = /^(TOLLGATE_|AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$)/;

interface Credential {
  readonly credential: CredentialRef;
  readonly secrets?: SecretValues;
}

function credentialOf(params: Params, others: SecretValues, input: DeploymentInput): Credential {
  const key = params.api_key ?? undefined;
  const name = params.litellm_credential_name ?? undefined;
  const param = 'litellm_params.api_key';
  if (key !== undefined && name !== undefined) {
    const fault = 'litellm_params: give either `api_key` or `litellm_credential_name`, not both';
    throw new GatewayError('invalid_request', fault, { param });
  }
  const [other] = Object.keys(others);
  if (other !== undefined && (name !== undefined || key?.startsWith(ENV_PREFIX) === true)) {
    const source = name === undefined ? 'an `api_key` from the environment' : '`litellm_credential_name`';
    const fault = `litellm_params.${other}: give it together with ${source} in one place, not apart`;
    throw new GatewayError('invalid_request', fault, { param: `litellm_params.${other}` });
  }
  if (name !== undefined) return { credential: { type: 'secret', name: credentialSecretName(name) } };
  if (key === undefined && other === undefined) return { credential: { type: 'none' } };
  if (key?.startsWith(ENV_PREFIX) !== true) {
    const secrets = { ...(key === undefined ? {} : { api_key: key }), ...others };
    if (input.source === 'store') return { credential: { type: 'secret', name: modelSecretName(input.id) }, secrets };
    const value = other === undefined && key !== undefined ? key : writeSecret(secrets);
    return { credential: { type: 'value', value }, secrets };
  }
  const variable = key.slice(ENV_PREFIX.length);
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable) || OWN_VARIABLE.test(variable)) {
    const fault = `${param}: expected \`os.environ/NAME\` with the name of a variable that holds a provider's key`;
    throw new GatewayError('invalid_request', fault, { param });
  }
  return { credential: { type: 'env', name: variable } };
}

/** Fields that hold the base URL, the strongest first. */
const BASE_FIELDS = ['api_base', 'base_url', 'aws_bedrock_runtime_endpoint'] as const;

/** The base URL, without a trailing slash. Only an operator sets it; still it must be plain http(s) and carry no credential. */
function baseOf(params: Params, provider: string): string | undefined {
  const [field, given] = BASE_FIELDS.map((name) => [name, params[name] ?? undefined] as const).find(
    ([, value]) => value !== undefined,
  ) ?? ['api_base', undefined];
  const param = `litellm_params.${field}`;
  if (given === undefined) {
    const row = providers.get(provider);
    const known = row === undefined || row.base !== undefined || row.envBases.length > 0;
    if (known || (params.litellm_credential_name ?? undefined) !== undefined) return undefined;
    throw new GatewayError('invalid_request', `litellm_params.api_base: ${provider} has no address of its own; give one`, {
      param: 'litellm_params.api_base',
    });
  }
  checkBaseUrl(given, param);
  return given.replace(/\/+$/, '');
}

/**
 * Refuses what cannot be the base URL of a provider.
 *
 * @throws GatewayError `invalid_request`; the text of the URL is not repeated, it may hold a credential.
 */
export function checkBaseUrl(value: string, param: string): void {
  const fault = faultOfBase(value);
  if (fault !== undefined) throw new GatewayError('invalid_request', `${param}: ${fault}`, { param });
}

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const CREDENTIAL_HEADER = /^(authorization|proxy-authorization|cookie|.*(api|subscription)-key|.*token)$/i;

/** True for names of headers that carry credentials. */
export const isCredentialHeader = (name: string): boolean => CREDENTIAL_HEADER.test(name);

/** Extra headers; a stored deployment may not hide a credential in them, since it is kept in a table, not in the secret store. */
function headersOf(params: Params, source: Deployment['source']): Readonly<Record<string, string>> | undefined {
  const headers = params.extra_headers ?? undefined;
  const param = 'litellm_params.extra_headers';
  for (const name of Object.keys(headers ?? {})) {
    if (!HEADER_NAME.test(name))
      throw new GatewayError('invalid_request', `${param}: a header name has characters that HTTP forbids`, { param });
    if (source === 'store' && isCredentialHeader(name)) {
      const fault = `${param}: '${name}' looks like a credential; give it as \`api_key\`, which is kept in the secret store`;
      throw new GatewayError('invalid_request', fault, { param });
    }
  }
  return headers;
}

/** Prices by field name, USD per unit. */
function pricesOf(fields: JsonObject, at: string): PriceOverride {
  const prices: Record<string, PriceOverride[string]> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!isPriceField(name) || saysNothing(value)) continue;
    const table = Object.hasOwn(PRICE_TABLES, name) ? PRICE_TABLES[name as keyof typeof PRICE_TABLES] : undefined;
    if (table !== undefined) {
      prices[name] = check(table as z.ZodMiniType<PriceOverride[string]>, value, `${at}.${name}`);
      continue;
    }
    if (typeof value === 'object') continue;
    const price = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    if (typeof price !== 'number' || !Number.isFinite(price) || price < 0) {
      throw new GatewayError('invalid_request', `${at}.${name}: ${PRICE}`, { param: `${at}.${name}` });
    }
    prices[name] = price;
  }
  return prices;
}

const freeFacts = (info: JsonObject): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(info).filter(
      ([name, value]) => !(name in INFO) && !ANSWER_FIELDS.has(name) && !isPriceField(name) && value !== null,
    ),
  );

/** What was given and means something to LiteLLM, but not yet to us. */
function unsupportedOf(params: JsonObject, info: JsonObject, provider: string): string[] {
  const isPrice = (name: string, value: unknown): boolean =>
    isPriceField(name) && (typeof value !== 'object' || Object.hasOwn(PRICE_TABLES, name));
  const strange = (fields: JsonObject, known: object): string[] =>
    Object.entries(fields)
      .filter(([name, value]) => !(name in known) && !saysNothing(value) && !isPrice(name, value))
      .map(([name]) => name);
  const priced = strange(info, INFO).filter((name) => isPriceField(name) || INFO_RULES.has(name));
  const unread = strange(params, PARAMS).filter((name) => !isProviderField(provider, name));
  return [...unread.map((name) => `litellm_params.${name}`), ...priced.map((name) => `model_info.${name}`)];
}

/** Facts of `model_info` that LiteLLM acts upon: who may call, and how it is priced. */
const INFO_RULES: ReadonlySet<string> = new Set(['access_groups', 'team_id', 'allowed_model_region']);
