/** Fields of requests that OpenAI's APIs have in common, and what no field of theirs can say. */
import type { GenerateRequest, ToolChoice } from '../kinds/generate.ts';
import type { JsonObject } from '../kinds/json.ts';
import { present } from './values.ts';
import type { Warn } from './telling.ts';

/** Anthropic's `standard_only` is OpenAI's `default`. */
export function encodeTier(tier: string | undefined, warn: Warn): JsonObject {
  if (tier !== 'standard_only') return present('service_tier', tier);
  warn({ kind: 'changed', field: 'service_tier', reason: 'Sent as "default", its name at OpenAI.' });
  return { service_tier: 'default' };
}

/** OpenAI takes text values only; LiteLLM's clients also put structures there, which are meant for the gateway. */
export function encodeMetadata(metadata: JsonObject | undefined, warn: Warn): JsonObject {
  if (metadata === undefined) return {};
  const texts = Object.entries(metadata).filter(([, value]) => typeof value === 'string');
  if (texts.length < Object.keys(metadata).length) {
    warn({ kind: 'dropped', field: 'metadata', reason: 'OpenAI takes text values only: the others were not sent.' });
  }
  return texts.length === 0 ? {} : { metadata: Object.fromEntries(texts) };
}

/** The tools of a request and how they may be used; `encode` writes a choice the way the API does. */
export function encodeToolUse(
  { toolChoice, parallelToolCalls }: GenerateRequest,
  tools: readonly JsonObject[],
  encode: (choice: ToolChoice, tools: readonly JsonObject[]) => string | JsonObject,
  warn: Warn,
): JsonObject {
  if (tools.length > 0) {
    return {
      tools,
      ...(toolChoice !== undefined && { tool_choice: encode(toolChoice, tools) }),
      ...present('parallel_tool_calls', parallelToolCalls),
    };
  }
  if (toolChoice !== undefined && toolChoice.type !== 'none') {
    warn({ kind: 'dropped', field: 'tool_choice', reason: 'There is no tool left to choose.' });
  }
  return {};
}
