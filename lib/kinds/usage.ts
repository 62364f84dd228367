/**
 * What a call consumed, as a typed vector. Absent is not zero: an absent class was not reported.
 *
 * Totals include their parts: `inputTokens` counts everything the model read, cached or not (the OpenAI and Gemini habit;
 * Anthropic and Bedrock report cached tokens beside the input, so their dialects add them up), `outputTokens` everything it wrote,
 * reasoning included. All figures are token counts unless the name says otherwise.
 */
export interface Usage {
  readonly inputTokens?: number;
  /** Part of `inputTokens` served from the provider's prompt cache. */
  readonly cacheReadTokens?: number;
  /** Part of `inputTokens` written to the cache, whatever its lifetime. */
  readonly cacheWriteTokens?: number;
  /** Part of `cacheWriteTokens` written with a lifetime of one hour. */
  readonly cacheWrite1hTokens?: number;
  readonly audioInputTokens?: number;
  readonly imageInputTokens?: number;
  readonly outputTokens?: number;
  /** Part of `outputTokens` spent on reasoning. */
  readonly reasoningTokens?: number;
  readonly audioOutputTokens?: number;
  readonly imageOutputTokens?: number;
  /** Parts of `outputTokens` of predicted output, as OpenAI reports them. */
  readonly acceptedPredictionTokens?: number;
  readonly rejectedPredictionTokens?: number;
  /**
   * What the provider bills, where it says so and it differs from what the model read and wrote (Cohere leaves its own preambles out):
   * these are what prices apply to, at the plain rates.
   */
  readonly billedInputTokens?: number;
  readonly billedOutputTokens?: number;
  /** Calls of the provider's own web search tool. */
  readonly webSearchRequests?: number;
  /** The service tier that served the call (`priority`, `flex`, `batch`, ...), as reported; prices depend on it. */
  readonly serviceTier?: string;
  /** Names of the provider's price multipliers that applied: Anthropic's `speed` (`fast`) and `inference_geo` (`us`). */
  readonly modifiers?: readonly string[];
  /** What the provider says the call cost, USD, where it says so (OpenRouter, xAI). Information only: prices are ours. */
  readonly reportedCostUsd?: number;
  /** Who counted: the provider, our tokenizer, or an estimate from sizes. */
  readonly source: UsageSource;
}

/** Who counted. */
export type UsageSource = 'provider' | 'counted' | 'estimated';

/** Later figures win class by class; absent ones leave what was known (providers report cumulatively, never in parts). */
export function mergeUsage(known: Usage | undefined, later: Usage): Usage {
  if (known === undefined) return later;
  const merged: Record<string, unknown> = { ...known };
  for (const [name, value] of Object.entries(later)) if (value !== undefined) merged[name] = value;
  return merged as unknown as Usage;
}
