/** Usage, both ways, with what xAI and OpenRouter put beside OpenAI's figures. */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import { numberOf, objectsOf, present, textOf } from '../values.ts';

/** One tick of xAI's `cost_in_usd_ticks`, USD. */
const TICK = 1e-10;

const NOTHING: JsonObject = {};
const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : NOTHING);

/**
 * Calls of tools that the provider runs and bills: searches of the web (to open a page, or look for something in it, is free), lookups
 * in files, containers that code ran in.
 */
function toolUnits(items: readonly JsonObject[], reported: number | undefined): Partial<Usage> {
  const of = (type: string): readonly JsonObject[] => items.filter((item) => item['type'] === type);
  const searches = of('web_search_call').filter((item) => (textOf(objectOf(item['action'])['type']) ?? 'search') === 'search');
  const containers = new Set(of('code_interpreter_call').map((item) => item['container_id']));
  const counted = (count: number): number | undefined => (count > 0 ? count : undefined);
  return {
    ...present('webSearchRequests', reported ?? counted(searches.length)),
    ...present('fileSearchCalls', counted(of('file_search_call').length)),
    ...present('codeInterpreterSessions', counted(containers.size)),
  };
}

/** The usage of a response object; undefined when it counts nothing. `items` are those of its output, where it may not hold them all. */
export function usageOf(response: JsonObject, items = objectsOf(response['output'])): Usage | undefined {
  const { usage: figures } = response;
  if (!isObject(figures)) return undefined;
  const input = numberOf(figures['input_tokens']);
  const output = numberOf(figures['output_tokens']);
  if (input === undefined && output === undefined) return undefined;
  const read = objectOf(figures['input_tokens_details']);
  const written = objectOf(figures['output_tokens_details']);
  const ticks = numberOf(figures['cost_in_usd_ticks']);
  const reported = numberOf(objectOf(figures['server_side_tool_usage_details'])['web_search_calls']);
  return {
    ...present('inputTokens', input),
    ...present('cacheReadTokens', numberOf(read['cached_tokens'])),
    ...present('cacheWriteTokens', numberOf(read['cache_write_tokens'])),
    ...present('audioInputTokens', numberOf(read['audio_tokens'])),
    ...present('imageInputTokens', numberOf(read['image_tokens'])),
    ...present('outputTokens', output),
    ...present('reasoningTokens', numberOf(written['reasoning_tokens'])),
    ...present('audioOutputTokens', numberOf(written['audio_tokens'])),
    ...present('imageOutputTokens', numberOf(written['image_tokens'])),
    ...toolUnits(items, reported),
    ...present('serviceTier', textOf(response['service_tier'])),
    ...present('reportedCostUsd', numberOf(figures['cost']) ?? (ticks === undefined ? undefined : ticks * TICK)),
    source: 'provider',
  };
}

/**
 * Usage for a client, zeros where nothing was counted: its clients take the figures to be there. `total_tokens` is always input plus
 * output. `cost` in USD is ours when asked for, else what the provider said.
 */
export function encodeUsage(usage: Usage | undefined, costOf?: (usage: Usage) => number | undefined): JsonObject {
  const { inputTokens = 0, outputTokens = 0, cacheReadTokens = 0, reasoningTokens = 0 } = usage ?? {};
  const { cacheWriteTokens, audioInputTokens, imageInputTokens, audioOutputTokens, imageOutputTokens } = usage ?? {};
  const cost = (usage && costOf?.(usage)) ?? usage?.reportedCostUsd;
  return {
    input_tokens: inputTokens,
    input_tokens_details: {
      cached_tokens: cacheReadTokens,
      ...present('cache_write_tokens', cacheWriteTokens),
      ...present('audio_tokens', audioInputTokens),
      ...present('image_tokens', imageInputTokens),
    },
    output_tokens: outputTokens,
    output_tokens_details: {
      reasoning_tokens: reasoningTokens,
      ...present('audio_tokens', audioOutputTokens),
      ...present('image_tokens', imageOutputTokens),
    },
    total_tokens: inputTokens + outputTokens,
    ...present('cost', cost),
  };
}
