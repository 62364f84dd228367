/**
 * Fields of LiteLLM that steer the gateway and are no part of a dialect. They never reach a provider. Those not supported yet are
 * warned about, and those that would let a caller choose where a request goes are refused.
 */
import { GatewayError } from '../errors.ts';
import type { Warning } from '../kinds/generate.ts';
import type { JsonObject } from '../kinds/json.ts';

/** Addresses and credentials belong to the operator: a caller who could set them could send our requests anywhere. */
const FORBIDDEN = ['api_base', 'base_url', 'api_key', 'custom_llm_provider', 'litellm_credential_name'];

/** Wishes this gateway does not know yet. */
const UNSUPPORTED = new Set([
  'additional_drop_params',
  'allowed_openai_params',
  'cache',
  'cache_control_injection_points',
  'caching',
  'content_policy_fallbacks',
  'context_window_fallback_dict',
  'context_window_fallbacks',
  'disable_fallbacks',
  'enable_json_schema_validation',
  'fallbacks',
  'guardrails',
  'litellm_trace_id',
  'mock_delay',
  'mock_response',
  'mock_testing_content_policy_fallbacks',
  'mock_testing_context_fallbacks',
  'mock_testing_fallbacks',
  'mock_tool_calls',
  'num_retries',
  'policies',
  'priority',
  'prompt_variables',
  'prompt_version',
  'stream_timeout',
  'timeout',
]);

/** Fields that ask for what happens anyway: what a dialect cannot say is never sent. */
const MOOT = new Set(['drop_params', 'modify_params']);

/** Fields that are heeded where bodies are kept (`keep-bodies.ts`). */
const HEEDED = new Set(['no-log']);

/** Fields that were heard before they are taken out: whom the call is for (`names.ts`). */
const HEARD = new Set(['litellm_metadata', 'litellm_session_id', 'tags']);

/** A body and what was taken out of it. */
export interface Uncontrolled {
  readonly body: JsonObject;
  readonly removed: readonly string[];
}

/**
 * The body without them; the same object when it has none.
 *
 * @param warn told of each field that was taken out
 * @throws GatewayError `invalid_request` for a field that names an address or a credential
 */
export function withoutControls(body: JsonObject, warn: (warning: Warning) => void): Uncontrolled {
  const forbidden = FORBIDDEN.find((field) => body[field] !== undefined && body[field] !== null);
  if (forbidden !== undefined) {
    throw new GatewayError(
      'invalid_request',
      `${forbidden}: only the operator of this gateway sets addresses and credentials.`,
      {
        param: forbidden,
      },
    );
  }
  const taken = Object.keys(body).filter(
    (field) => UNSUPPORTED.has(field) || MOOT.has(field) || HEEDED.has(field) || HEARD.has(field) || FORBIDDEN.includes(field),
  );
  if (taken.length === 0) return { body, removed: taken };
  for (const field of taken) {
    if (UNSUPPORTED.has(field)) warn({ kind: 'dropped', field, reason: 'The gateway does not support this field yet.' });
  }
  return { body: Object.fromEntries(Object.entries(body).filter(([field]) => !taken.includes(field))), removed: taken };
}
