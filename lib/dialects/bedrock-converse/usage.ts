/**
 * Bedrock's usage figures. They count what was read from and written to the cache beside `inputTokens`; our `inputTokens` holds
 * everything the model read.
 */
import type { JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import { numberOf, objectsOf, present } from '../values.ts';

/** The usage of an answer; undefined when it has no token figures. The `...Count` names are those of earlier versions. */
export function decodeUsage(raw: JsonObject, serviceTier: string | undefined): Usage | undefined {
  const fresh = numberOf(raw.inputTokens);
  const read = numberOf(raw.cacheReadInputTokens) ?? numberOf(raw.cacheReadInputTokenCount);
  const written = numberOf(raw.cacheWriteInputTokens) ?? numberOf(raw.cacheWriteInputTokenCount);
  const written1h = objectsOf(raw.cacheDetails).find(({ ttl }) => ttl === '1h')?.inputTokens;
  const output = numberOf(raw.outputTokens);
  if (fresh === undefined && output === undefined) return undefined;
  return {
    ...(fresh !== undefined && { inputTokens: fresh + (read ?? 0) + (written ?? 0) }),
    ...present('cacheReadTokens', read),
    ...present('cacheWriteTokens', written),
    ...present('cacheWrite1hTokens', numberOf(written1h)),
    ...present('outputTokens', output),
    ...present('serviceTier', serviceTier),
    source: 'provider',
  };
}

/** The usage of an answer for a client; zeros where nothing is known. `cost` in USD is added when given. */
export function encodeUsage(usage: Usage | undefined, cost: number | undefined): JsonObject {
  const { inputTokens = 0, cacheReadTokens, cacheWriteTokens, cacheWrite1hTokens, outputTokens = 0 } = usage ?? {};
  const shorter = (cacheWriteTokens ?? 0) - (cacheWrite1hTokens ?? 0);
  return {
    inputTokens: Math.max(0, inputTokens - (cacheReadTokens ?? 0) - (cacheWriteTokens ?? 0)),
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    ...present('cacheReadInputTokens', cacheReadTokens),
    ...present('cacheWriteInputTokens', cacheWriteTokens),
    ...(cacheWrite1hTokens !== undefined && {
      cacheDetails: [
        { ttl: '1h', inputTokens: cacheWrite1hTokens },
        ...(shorter > 0 ? [{ ttl: '5m', inputTokens: shorter }] : []),
      ],
    }),
    ...present('cost', cost),
  };
}

const TIERS: ReadonlySet<string> = new Set(['default', 'flex', 'priority', 'reserved']);

/** The `serviceTier` member of an answer; nothing for tiers of other providers. */
export const encodeTier = (usage: Usage | undefined): JsonObject => {
  const tier = usage?.serviceTier === 'standard' ? 'default' : usage?.serviceTier;
  return tier !== undefined && TIERS.has(tier) ? { serviceTier: { type: tier } } : {};
};
