/** A deployment in the words of LiteLLM: the parameters it was made from, and what `/model/info` says of it. */
import type { Deployment } from '../../domain/model.ts';
import { mergeSheet } from '../../domain/price.ts';
import type { CatalogModel } from '../../domain/price-types.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { isCredentialHeader } from './deployment.ts';

const secondsOf = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);

const withoutAbsent = (fields: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** `litellm_params` of a deployment, without its credential: `deploymentOf` of these gives the same deployment again. */
export function paramsOf(deployment: Deployment): JsonObject {
  return withoutAbsent({
    model: `${deployment.provider}/${deployment.model}`,
    api_base: deployment.apiBase,
    api_version: deployment.apiVersion,
    organization: deployment.organization,
    ...deployment.parameters,
    rpm: deployment.rpm,
    tpm: deployment.tpm,
    weight: deployment.weight,
    timeout: secondsOf(deployment.timeoutMs),
    stream_timeout: secondsOf(deployment.streamTimeoutMs),
    extra_headers: deployment.extraHeaders,
    extra_body: deployment.extraBody,
    additional_drop_params: deployment.dropParams,
    max_retries: deployment.maxRetries,
    ...deployment.price,
  });
}

/** `model_info` of a deployment, as far as it was given. */
export function infoOf(deployment: Deployment): JsonObject {
  return withoutAbsent({
    ...deployment.info,
    base_model: deployment.baseModel,
    max_input_tokens: deployment.maxInputTokens,
    max_output_tokens: deployment.maxOutputTokens,
  });
}

/** Where the credential comes from, in LiteLLM's words; never what it is. */
function credentialParams({ credential }: Deployment): JsonObject {
  switch (credential.type) {
    case 'env':
      return { api_key: `os.environ/${credential.name}` };
    case 'secret':
      return credential.name.startsWith('credential/')
        ? { litellm_credential_name: credential.name.slice('credential/'.length) }
        : {};
    case 'value':
    case 'none':
      return {};
    default:
      return credential satisfies never;
  }
}

/** Headers with the values of credentials masked: those of a config file may carry some. */
const shownHeaders = (headers: Readonly<Record<string, string>>): JsonObject =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, isCredentialHeader(name) ? '********' : value]));

/** Fields of `model_info` that clients of LiteLLM find in every row, null where nothing is known. */
const ALWAYS = [
  'key',
  'mode',
  'max_tokens',
  'max_input_tokens',
  'max_output_tokens',
  'input_cost_per_token',
  'output_cost_per_token',
  'cache_creation_input_token_cost',
  'cache_read_input_token_cost',
  'input_cost_per_token_batches',
  'output_cost_per_token_batches',
  'input_cost_per_audio_token',
  'output_cost_per_audio_token',
  'output_cost_per_reasoning_token',
  'input_cost_per_image',
  'output_cost_per_image',
  'input_cost_per_character',
  'input_cost_per_second',
  'output_cost_per_second',
  'input_cost_per_query',
  'search_context_cost_per_query',
  'tiered_pricing',
  'supports_system_messages',
  'supports_response_schema',
  'supports_vision',
  'supports_function_calling',
  'supports_tool_choice',
  'supports_assistant_prefill',
  'supports_prompt_caching',
  'supports_audio_input',
  'supports_audio_output',
  'supports_pdf_input',
  'supports_native_streaming',
  'supports_web_search',
  'supports_url_context',
  'supports_reasoning',
  'supports_computer_use',
  'tpm',
  'rpm',
] as const;
const UNKNOWN: JsonObject = Object.fromEntries(ALWAYS.map((name) => [name, null]));

/** One entry of `/model/info`: parameters without secrets, and the catalog's facts with the operator's own laid over them. */
export function modelRow(deployment: Deployment, facts: CatalogModel | undefined): JsonObject {
  const headers = deployment.extraHeaders;
  const time = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : new Date(ms).toISOString());
  return {
    model_name: deployment.modelName,
    litellm_params: {
      ...paramsOf(deployment),
      ...(headers === undefined ? {} : { extra_headers: shownHeaders(headers) }),
      ...credentialParams(deployment),
    },
    model_info: {
      ...UNKNOWN,
      ...withoutAbsent({
        ...mergeSheet(facts, deployment.price)?.prices,
        ...facts?.supports,
        key: facts?.name,
        mode: facts?.mode,
        max_input_tokens: facts?.maxInputTokens,
        max_output_tokens: facts?.maxOutputTokens,
        ...infoOf(deployment),
        max_tokens: deployment.maxOutputTokens ?? facts?.maxOutputTokens,
        tpm: deployment.tpm,
        rpm: deployment.rpm,
        id: deployment.id,
        db_model: deployment.source === 'store',
        litellm_provider: deployment.provider,
        created_at: time(deployment.createdAt),
        updated_at: time(deployment.updatedAt),
      }),
    },
  };
}
