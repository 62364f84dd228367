/**
 * What a call consumed, as a typed vector. Absent is not zero: an absent class was not reported.
 *
 * Totals include their parts: `inputTokens` counts everything the model read, cached or not (the OpenAI and Gemini habit;
 * Anthropic and Bedrock report cached tokens beside the input, so their dialects add them up), `outputTokens` everything it wrote,
 * reasoning included. All figures are token counts unless the name says otherwise.
 */
export interface Usage extends UnitCounts {
  readonly inputTokens?: number;
  /** Part of `inputTokens` served from the provider's prompt cache. */
  readonly cacheReadTokens?: number;
  /** Part of `cacheReadTokens` that is audio; `audioInputTokens` counts it too. */
  readonly cacheReadAudioTokens?: number;
  /** Part of `inputTokens` written to the cache, whatever its lifetime. */
  readonly cacheWriteTokens?: number;
  /** Part of `cacheWriteTokens` written with a lifetime of one hour. */
  readonly cacheWrite1hTokens?: number;
  readonly audioInputTokens?: number;
  readonly imageInputTokens?: number;
  readonly videoInputTokens?: number;
  readonly outputTokens?: number;
  /** Part of `outputTokens` spent on reasoning. */
  readonly reasoningTokens?: number;
  readonly audioOutputTokens?: number;
  readonly imageOutputTokens?: number;
  readonly videoOutputTokens?: number;
  /** Parts of `outputTokens` of predicted output, as OpenAI reports them. */
  readonly acceptedPredictionTokens?: number;
  readonly rejectedPredictionTokens?: number;
  /**
   * What the provider bills, where it says so and it differs from what the model read and wrote (Cohere leaves its own preambles out):
   * these are what prices apply to, at the plain rates.
   */
  readonly billedInputTokens?: number;
  readonly billedOutputTokens?: number;
  /** The service tier that served the call (`priority`, `flex`, `batch`, ...), as reported; prices depend on it. */
  readonly serviceTier?: string;
  /** Names of the provider's price multipliers that applied: Anthropic's `speed` (`fast`) and `inference_geo` (`us`). */
  readonly modifiers?: readonly string[];
  /** What the provider says the call cost, USD, where it says so (OpenRouter, xAI). Information only: prices are ours. */
  readonly reportedCostUsd?: number;
  /** Who counted: the provider, our tokenizer, or an estimate from sizes. */
  readonly source: UsageSource;
}

/**
 * What is counted otherwise than in the tokens of model input and output. Where one thing is told in tokens and in another unit (a generated image, a second of
 * speech), both may be given: it is billed once, in tokens when they have a price. Seconds and gigabyte-days may be fractions.
 */
export interface UnitCounts {
  /** Calls of the provider's own web search tool. */
  readonly webSearchRequests?: number;
  /** How much each search put before the model; prices depend on it. */
  readonly searchContextSize?: SearchContextSize;
  /** Tokens of the sources an answer quotes (Perplexity), beside `inputTokens`. */
  readonly citationTokens?: number;
  /** Text in and out, Unicode characters as the provider counts them. */
  readonly inputCharacters?: number;
  readonly outputCharacters?: number;
  /** Length of audio read (transcription, embeddings) and spoken. */
  readonly audioInputSeconds?: number;
  readonly audioOutputSeconds?: number;
  /** Length of video read and made. */
  readonly videoInputSeconds?: number;
  readonly videoOutputSeconds?: number;
  /** Resolution of the video made: `720p`, `1080p`. */
  readonly videoResolution?: string;
  /** Seconds a model on hardware rented by time worked on the call. */
  readonly computeSeconds?: number;
  readonly inputImages?: number;
  /** Images made. */
  readonly outputImages?: number;
  /** Their size, `1024x1024`; quality, `low`, `hd`; and diffusion steps. Prices depend on all three. */
  readonly imageSize?: string;
  readonly imageQuality?: string;
  readonly imageSteps?: number;
  /** Pages of documents read (OCR), and those of them that were annotated as well. */
  readonly pages?: number;
  readonly annotatedPages?: number;
  /** The provider's own credits (Reducto). */
  readonly credits?: number;
  /** Search units of a rerank, or queries of a search. */
  readonly queries?: number;
  /** Results asked for with each query; prices may depend on it. */
  readonly searchResults?: number;
  readonly codeInterpreterSessions?: number;
  readonly fileSearchCalls?: number;
  readonly fileSearchGbDays?: number;
  readonly vectorStoreGbDays?: number;
  /** Tokens of a computer-use tool that is billed apart from the model. */
  readonly computerUseInputTokens?: number;
  readonly computerUseOutputTokens?: number;
}

/** OpenAI's and Perplexity's words for how much of the web a search puts before the model. */
export type SearchContextSize = 'low' | 'medium' | 'high';

/** Who counted. */
export type UsageSource = 'provider' | 'counted' | 'estimated';

/** Later figures win class by class; absent ones leave what was known (providers report cumulatively, never in parts). */
export function mergeUsage(known: Usage | undefined, later: Usage): Usage {
  if (known === undefined) return later;
  const merged: Record<string, unknown> = { ...known };
  for (const [name, value] of Object.entries(later)) if (value !== undefined) merged[name] = value;
  return merged as unknown as Usage;
}
