/** Fields of LiteLLM's keys beyond those that become part of a key: which are kept and shown, which are refused, and why. */
import type { JsonObject } from '../../kinds/json.ts';
import { HARMLESS, refuseValue } from '../fields.ts';
import { saysNothing, unsupported } from '../input.ts';

/** Kept as given and shown again: they speak of things this gateway has none of, or promise nothing that could be broken. */
const KEPT: ReadonlyMap<string, string> = new Map([
  ['agent_id', 'there are no agents'],
  ['allowed_cache_controls', 'there is no cache'],
  ['allowed_passthrough_routes', 'there are no pass-through routes'],
  ['allowed_vector_store_indexes', 'there are no vector stores'],
  ['config', 'free facts'],
  ['default_estimated_output_tokens', 'a hold is never less than the worst case'],
  ['default_estimated_output_tokens_per_model', 'a hold is never less than the worst case'],
  ['disable_global_guardrails', 'there are no guardrails'],
  ['mcp_rpm_limit', 'there are no MCP servers'],
  ['object_permission', 'there are no MCP servers, vector stores or agents'],
  ['permissions', 'roles decide here what a caller may do'],
  ['prompts', 'there are no stored prompts'],
  ['send_invite_email', 'nothing is mailed'],
]);

/** Refused, since whoever sets them relies on them. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['enable_prompt_caching', 'cache marks are not added to requests'],
  ['guardrails', 'there are no guardrails yet'],
  ['policies', 'there are no policies yet'],
  ['router_settings', 'routing is the same for every key'],
  ['tag_rpm_limit', 'set the limit on the tag'],
]);

/** Names of fields that a key keeps and shows as they were given. */
export const KEPT_KEY_FIELDS: readonly string[] = [...KEPT.keys(), ...HARMLESS.keys()];

/** Sent by LiteLLM's Python client with every key, and ignored by LiteLLM itself. */
const IGNORED: ReadonlySet<string> = new Set(['api_key']);

/** Entries of `metadata` with which LiteLLM steers its proxy, and what to do instead; kept they would promise what is not there. */
const METADATA_RULES: ReadonlyMap<string, string> = new Map([
  ['guardrails', 'there are no guardrails yet'],
  ['policies', 'there are no policies yet'],
  ['logging', 'there are no callbacks of keys'],
  ['max_iterations', 'runs of agents are not counted'],
  ['model_rpm_limit', 'send it as a field of the key'],
  ['model_tpm_limit', 'send it as a field of the key'],
  ['tag_rpm_limit', 'set the limit on the tag'],
]);

/**
 * Sorts the fields of a body that are not part of a key itself.
 *
 * @param known true for the fields that are
 * @returns those to keep
 * @throws GatewayError `invalid_request` for a field that nobody would honour
 */
export function keptFields(body: JsonObject, known: (name: string) => boolean): JsonObject {
  const kept: JsonObject = {};
  for (const [name, value] of Object.entries(body)) {
    if (known(name)) continue;
    if (KEPT.has(name) || HARMLESS.get(name)?.includes(value) === true) kept[name] = value;
    else if (!saysNothing(value) && !IGNORED.has(name)) {
      throw refuseValue(name, value) ?? unsupported(name, REFUSED.get(name) ?? 'this gateway does not know it');
    }
  }
  const permitted = kept['object_permission'];
  if (typeof permitted === 'object' && permitted !== null && 'models' in permitted && !saysNothing(permitted.models)) {
    throw unsupported('object_permission.models', 'list models in the field models');
  }
  return kept;
}

/** @throws GatewayError `invalid_request` for an entry of `metadata` that would steer LiteLLM */
export function checkMetadata(metadata: JsonObject): void {
  for (const [name, reason] of METADATA_RULES) {
    if (!saysNothing(metadata[name])) throw unsupported(`metadata.${name}`, reason);
  }
}
