/**
 * Anthropic's usage figures. They count what was read from and written to the cache beside `input_tokens`; our `inputTokens` holds
 * everything the model read.
 */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';

const figure = (value: unknown): number | undefined => (typeof value === 'number' && value >= 0 ? value : undefined);

const figureIn = (holder: unknown, ...names: readonly string[]): number | undefined => {
  if (!isObject(holder)) return undefined;
  for (const name of names) {
    const value = figure(holder[name]);
    if (value !== undefined) return value;
  }
  return undefined;
};

/** Figures of `later` over those of `known`. Streams repeat their totals: nothing is added up, and a `null` says nothing. */
export function mergeRawUsage(known: JsonObject, later: unknown): JsonObject {
  if (!isObject(later)) return known;
  return {
    ...known,
    ...Object.fromEntries(Object.entries(later).filter(([, value]) => value !== null && value !== undefined)),
  };
}

/** Words of `speed` and `inference_geo` that change no price. */
const PLAIN: ReadonlySet<string> = new Set(['standard', 'global', 'not_available']);

/** The usage of a provider's answer; undefined when it has no token figures at all. */
export function decodeUsage(raw: JsonObject): Usage | undefined {
  const fresh = figure(raw.input_tokens);
  const read = figure(raw.cache_read_input_tokens);
  const written = figure(raw.cache_creation_input_tokens);
  const written1h = figureIn(raw.cache_creation, 'ephemeral_1h_input_tokens');
  const output = figure(raw.output_tokens);
  const thinking = figureIn(raw.output_tokens_details, 'thinking_tokens', 'reasoning_tokens');
  const searches = figureIn(raw.server_tool_use, 'web_search_requests');
  const cost = figure(raw.cost);
  const tier = raw.service_tier;
  const modifiers = [raw.speed, raw.inference_geo].filter(
    (word): word is string => typeof word === 'string' && !PLAIN.has(word),
  );
  if (fresh === undefined && read === undefined && written === undefined && output === undefined) return undefined;
  return {
    ...((fresh ?? read ?? written) !== undefined && { inputTokens: (fresh ?? 0) + (read ?? 0) + (written ?? 0) }),
    ...(read !== undefined && { cacheReadTokens: read }),
    ...(written !== undefined && { cacheWriteTokens: written }),
    ...(written1h !== undefined && { cacheWrite1hTokens: written1h }),
    ...(output !== undefined && { outputTokens: output }),
    ...(thinking !== undefined && { reasoningTokens: thinking }),
    ...(searches !== undefined && { webSearchRequests: searches }),
    ...(typeof tier === 'string' && { serviceTier: tier }),
    ...(modifiers.length > 0 && { modifiers }),
    ...(cost !== undefined && { reportedCostUsd: cost }),
    source: 'provider',
  };
}

const TIERS: Readonly<Record<string, JsonObject>> = {
  standard: { service_tier: 'standard' },
  default: { service_tier: 'standard' },
  priority: { service_tier: 'priority' },
  batch: { service_tier: 'batch' },
};

/** The usage of an answer for a client; zeros where nothing is known yet. `cost` in USD is added when given. */
export function encodeUsage(usage: Usage | undefined, cost?: number): JsonObject {
  const { inputTokens = 0, cacheReadTokens = 0, cacheWriteTokens = 0, cacheWrite1hTokens, outputTokens = 0 } = usage ?? {};
  const { reasoningTokens, webSearchRequests, serviceTier, modifiers } = usage ?? {};
  return {
    input_tokens: Math.max(0, inputTokens - cacheReadTokens - cacheWriteTokens),
    cache_creation_input_tokens: cacheWriteTokens,
    cache_read_input_tokens: cacheReadTokens,
    ...(cacheWrite1hTokens !== undefined && {
      cache_creation: {
        ephemeral_1h_input_tokens: cacheWrite1hTokens,
        ephemeral_5m_input_tokens: Math.max(0, cacheWriteTokens - cacheWrite1hTokens),
      },
    }),
    output_tokens: outputTokens,
    ...(reasoningTokens !== undefined && { output_tokens_details: { thinking_tokens: reasoningTokens } }),
    ...(webSearchRequests !== undefined && { server_tool_use: { web_search_requests: webSearchRequests } }),
    ...(serviceTier !== undefined && TIERS[serviceTier]),
    ...(modifiers?.includes('fast') === true && { speed: 'fast' }),
    ...(cost !== undefined && { cost }),
  };
}
