/** Usage, both ways, with the places where providers put what OpenAI has no field for. */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import { numberOf, textOf } from '../values.ts';

/** One tick of xAI's `cost_in_usd_ticks`, USD. */
const TICK = 1e-10;

const NOTHING: JsonObject = {};

/**
 * The usage of a body or chunk; undefined when it has none.
 *
 * Looked for in `usage`, then `choices[0].usage` (Moonshot), then `x_groq.usage` (Groq streams).
 */
export function usageOf(chunk: JsonObject): Usage | undefined {
  const found = figuresOf(chunk);
  if (found === undefined) return undefined;
  const usage = decodeUsage(found);
  if (usage === undefined) return undefined;
  const tier = textOf(chunk['service_tier']) ?? usage.serviceTier;
  const cost = usage.reportedCostUsd ?? costOf(chunk['cost']);
  if (tier === usage.serviceTier && cost === usage.reportedCostUsd) return usage;
  return {
    ...usage,
    ...(tier !== undefined && { serviceTier: tier }),
    ...(cost !== undefined && { reportedCostUsd: cost }),
  };
}

function figuresOf(chunk: JsonObject): JsonObject | undefined {
  if (isObject(chunk['usage'])) return chunk['usage'];
  const { choices, x_groq: groq } = chunk;
  const first: unknown = Array.isArray(choices) ? choices[0] : undefined;
  if (isObject(first) && isObject(first['usage'])) return first['usage'];
  if (isObject(groq) && isObject(groq['usage'])) return groq['usage'];
  return undefined;
}

/** One `usage` object; undefined when it counts nothing. */
export function decodeUsage(figures: JsonObject): Usage | undefined {
  const input = numberOf(figures['prompt_tokens']);
  const output = numberOf(figures['completion_tokens']);
  if (input === undefined && output === undefined) return undefined;
  const read = objectOf(figures['prompt_tokens_details']);
  const written = objectOf(figures['completion_tokens_details']);
  const created = objectOf(figures['cache_creation']);
  const tools = objectOf(figures['server_tool_use_details'] ?? figures['server_tool_use']);
  const reasoning = numberOf(written['reasoning_tokens']) ?? numberOf(figures['reasoning_tokens']);
  const usage: { [Key in keyof Usage]: Usage[Key] | undefined } = {
    inputTokens: input,
    cacheReadTokens:
      numberOf(read['cached_tokens']) ??
      numberOf(figures['prompt_cache_hit_tokens']) ??
      numberOf(figures['num_cached_tokens']) ??
      numberOf(figures['cached_tokens']) ??
      numberOf(figures['cache_read_input_tokens']),
    cacheWriteTokens:
      numberOf(figures['cache_creation_input_tokens']) ??
      numberOf(read['cache_creation_tokens']) ??
      numberOf(read['cache_write_tokens']),
    cacheWrite1hTokens: numberOf(created['ephemeral_1h_input_tokens']),
    audioInputTokens: numberOf(read['audio_tokens']),
    imageInputTokens: numberOf(read['image_tokens']),
    outputTokens: wholeOutput(output, input, reasoning, numberOf(figures['total_tokens'])),
    reasoningTokens: reasoning,
    audioOutputTokens: numberOf(written['audio_tokens']),
    imageOutputTokens: numberOf(written['image_tokens']),
    acceptedPredictionTokens: numberOf(written['accepted_prediction_tokens']),
    rejectedPredictionTokens: numberOf(written['rejected_prediction_tokens']),
    webSearchRequests: numberOf(tools['web_search_requests']) ?? numberOf(figures['num_search_queries']),
    // Perplexity says how much each search put before the model, and what it charges for sources.
    searchContextSize: sizeOf(figures['search_context_size']),
    citationTokens: numberOf(figures['citation_tokens']),
    serviceTier: textOf(figures['service_tier']),
    reportedCostUsd: costOf(figures['cost']) ?? ticks(figures['cost_in_usd_ticks']),
    source: 'provider',
  };
  return reported(usage);
}

/** Most classes are absent from most usages. Taking them out of the object (`delete`) would make it a slow one for all who read it. */
function reported(classes: { [Key in keyof Usage]: Usage[Key] | undefined }): Usage {
  const usage: Record<string, unknown> = {};
  for (const name in classes) {
    const value = classes[name as keyof Usage];
    if (value !== undefined) usage[name] = value;
  }
  return usage as unknown as Usage;
}

const sizeOf = (value: unknown): Usage['searchContextSize'] =>
  value === 'low' || value === 'medium' || value === 'high' ? value : undefined;

const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : NOTHING);

/** xAI leaves reasoning out of `completion_tokens` while its total counts it: then it is added. */
function wholeOutput(output?: number, input = 0, reasoning = 0, total?: number): number | undefined {
  const beside = output !== undefined && reasoning > 0 && total === input + output + reasoning;
  return beside ? output + reasoning : output;
}

/** A cost in USD: a number (OpenRouter), `{total_cost}` (Perplexity) or `{usd}` (Venice). */
function costOf(cost: unknown): number | undefined {
  return isObject(cost) ? (numberOf(cost['total_cost']) ?? numberOf(cost['usd'])) : numberOf(cost);
}

function ticks(value: unknown): number | undefined {
  const count = numberOf(value);
  return count === undefined ? undefined : count * TICK;
}

/**
 * Usage for a client: `total_tokens` is always input plus output. Cache writes stand where OpenAI (`cache_write_tokens`) and where
 * LiteLLM (`cache_creation_input_tokens`) have them. `cost` is ours when asked for, else what the provider said.
 */
export function encodeUsage(usage: Usage, costOf?: (usage: Usage) => number | undefined): JsonObject {
  const input = usage.inputTokens ?? 0;
  const output = usage.outputTokens ?? 0;
  const cost = costOf?.(usage) ?? usage.reportedCostUsd;
  const read = defined({
    cached_tokens: usage.cacheReadTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    audio_tokens: usage.audioInputTokens,
    image_tokens: usage.imageInputTokens,
  });
  const written = defined({
    reasoning_tokens: usage.reasoningTokens,
    audio_tokens: usage.audioOutputTokens,
    image_tokens: usage.imageOutputTokens,
    accepted_prediction_tokens: usage.acceptedPredictionTokens,
    rejected_prediction_tokens: usage.rejectedPredictionTokens,
  });
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    ...(read !== undefined && { prompt_tokens_details: read }),
    ...(written !== undefined && { completion_tokens_details: written }),
    ...cacheFigures(usage),
    ...(usage.webSearchRequests !== undefined && { server_tool_use: { web_search_requests: usage.webSearchRequests } }),
    ...(cost !== undefined && { cost }),
  };
}

function cacheFigures({ cacheReadTokens, cacheWriteTokens, cacheWrite1hTokens }: Usage): JsonObject {
  if (cacheWriteTokens === undefined) return {};
  return {
    cache_creation_input_tokens: cacheWriteTokens,
    ...(cacheReadTokens !== undefined && { cache_read_input_tokens: cacheReadTokens }),
    ...(cacheWrite1hTokens !== undefined && {
      cache_creation: {
        ephemeral_5m_input_tokens: cacheWriteTokens - cacheWrite1hTokens,
        ephemeral_1h_input_tokens: cacheWrite1hTokens,
      },
    }),
  };
}

/** The entries that are there; undefined when none is. */
function defined(entries: JsonObject): JsonObject | undefined {
  const there = Object.entries(entries).filter(([, value]) => value !== undefined);
  return there.length === 0 ? undefined : Object.fromEntries(there);
}
