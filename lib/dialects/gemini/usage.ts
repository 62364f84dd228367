/**
 * Google's usage figures. Output is told in two parts, `candidatesTokenCount` and `thoughtsTokenCount`; what server tools brought into
 * the prompt (`toolUsePromptTokenCount`) stands beside `promptTokenCount`, which includes cached tokens.
 */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import { numberOf, objectsOf, present, textOf } from '../values.ts';

const figure = (value: unknown): number | undefined => {
  const number = numberOf(value);
  return number === undefined || number < 0 ? undefined : number;
};

/** Tokens of one modality in a list of `{modality, tokenCount}`. */
function tokensOf(details: unknown, modality: string): number | undefined {
  const found = objectsOf(details).filter((detail) => detail.modality === modality);
  return found.length === 0 ? undefined : found.reduce((sum, detail) => sum + (figure(detail.tokenCount) ?? 0), 0);
}

/** The tier that Vertex AI served the call at (`ON_DEMAND_PRIORITY`), in the words of the others; nothing for the plain one. */
const tierOf = (trafficType: unknown): string | undefined =>
  /^ON_DEMAND_(PRIORITY|FLEX)$/.exec(textOf(trafficType) ?? '')?.[1]?.toLowerCase();

/** The usage of an answer; undefined when it holds no token figures. The API leaves out figures that are zero. */
export function decodeUsage(raw: unknown): Usage | undefined {
  if (!isObject(raw)) return undefined;
  const prompt = figure(raw.promptTokenCount);
  const written = figure(raw.candidatesTokenCount);
  const thoughts = figure(raw.thoughtsTokenCount);
  if (prompt === undefined && written === undefined && thoughts === undefined) return undefined;
  return {
    inputTokens: (prompt ?? 0) + (figure(raw.toolUsePromptTokenCount) ?? 0),
    ...present('cacheReadTokens', figure(raw.cachedContentTokenCount)),
    ...present('cacheReadAudioTokens', tokensOf(raw.cacheTokensDetails, 'AUDIO')),
    ...present('audioInputTokens', tokensOf(raw.promptTokensDetails, 'AUDIO')),
    ...present('imageInputTokens', tokensOf(raw.promptTokensDetails, 'IMAGE')),
    ...present('videoInputTokens', tokensOf(raw.promptTokensDetails, 'VIDEO')),
    outputTokens: (written ?? 0) + (thoughts ?? 0),
    ...present('reasoningTokens', thoughts),
    ...present('audioOutputTokens', tokensOf(raw.candidatesTokensDetails, 'AUDIO')),
    ...present('imageOutputTokens', tokensOf(raw.candidatesTokensDetails, 'IMAGE')),
    ...present('videoOutputTokens', tokensOf(raw.candidatesTokensDetails, 'VIDEO')),
    ...present('serviceTier', textOf(raw.serviceTier) ?? tierOf(raw.trafficType)),
    source: 'provider',
  };
}

/** Shares of a total by modality; nothing where none is known. */
function details(name: string, total: number, shares: Readonly<Record<string, number | undefined>>): JsonObject {
  const known = Object.entries(shares).filter((share): share is [string, number] => share[1] !== undefined);
  if (known.length === 0) return {};
  const text = known.reduce((rest, [, tokens]) => rest - tokens, total);
  const all = text > 0 ? [['TEXT', text] as const, ...known] : known;
  return { [name]: all.map(([modality, tokenCount]) => ({ modality, tokenCount })) };
}

/** The `usageMetadata` for a client, with the cost in USD where it is wanted. */
export function encodeUsage(usage: Usage, cost?: number): JsonObject {
  const { inputTokens = 0, outputTokens = 0 } = usage;
  // Clients add both parts of the output, so thoughts that a provider counts beside its output cannot be told as a part of it.
  const thoughts = (usage.reasoningTokens ?? 0) > outputTokens ? undefined : usage.reasoningTokens;
  const written = outputTokens - (thoughts ?? 0);
  return {
    promptTokenCount: inputTokens,
    ...present('cachedContentTokenCount', usage.cacheReadTokens),
    candidatesTokenCount: written,
    ...present('thoughtsTokenCount', thoughts),
    totalTokenCount: inputTokens + outputTokens,
    ...details('promptTokensDetails', inputTokens, {
      AUDIO: usage.audioInputTokens,
      IMAGE: usage.imageInputTokens,
      VIDEO: usage.videoInputTokens,
    }),
    ...details('candidatesTokensDetails', written, {
      AUDIO: usage.audioOutputTokens,
      IMAGE: usage.imageOutputTokens,
      VIDEO: usage.videoOutputTokens,
    }),
    ...present('serviceTier', usage.serviceTier),
    ...present('cost', cost),
  };
}
