/**
 * The words of Cohere's chat API, version 2 (`POST /v2/chat`): enumerations, usage figures, log probabilities.
 * Sources: the type declarations of the `cohere-ai` package (8.x) and recorded answers, checked 2026-11-22.
 */
import type { Extensions, FinishReason, Logprobs } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import { numberOf, objectsOf, textOf } from '../values.ts';

/** This dialect. */
export const DIALECT = 'cohere-chat' as const;

/** Unknown fields as the extensions of a part or message. */
export const extensionsOf = (rest: JsonObject | undefined): { extensions?: Extensions } =>
  rest === undefined ? {} : { extensions: { [DIALECT]: rest } };

/** Why an answer ended. `ERROR_TOXIC` and `ERROR_LIMIT` are words of older models. */
const FINISHES: Readonly<Record<string, FinishReason>> = {
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  MAX_TOKENS: 'length',
  ERROR_LIMIT: 'length',
  TOOL_CALL: 'tool-calls',
  ERROR_TOXIC: 'content-filter',
  ERROR: 'error',
  TIMEOUT: 'error',
};

/** The meaning of a `finish_reason`; the calls of the answer decide between `COMPLETE` and `TOOL_CALL`. */
export function finishOf(word: string | undefined, calls: boolean): FinishReason {
  const reason = FINISHES[word ?? 'COMPLETE'] ?? 'other';
  if (reason === 'stop' && calls) return 'tool-calls';
  return reason === 'tool-calls' && !calls ? 'stop' : reason;
}

/** The `finish_reason` for an end. The API has no word for a refusal: it ends as what a filter stopped does, never as complete. */
export function finishWord(reason: FinishReason, said: { readonly calls: boolean; readonly stopSequence: boolean }): string {
  switch (reason) {
    case 'length':
      return 'MAX_TOKENS';
    case 'content-filter':
    case 'refusal':
      return 'ERROR_TOXIC';
    case 'error':
      return 'ERROR';
    case 'tool-calls':
      return 'TOOL_CALL';
    case 'stop':
    case 'pause':
    case 'other':
  }
  if (said.calls) return 'TOOL_CALL';
  return said.stopSequence ? 'STOP_SEQUENCE' : 'COMPLETE';
}

/**
 * The usage of an answer; undefined when it counts nothing. `tokens` is what the model read and wrote, `billed_units` leaves out
 * Cohere's own preambles: the first wins, since `cached_tokens` is a part of it.
 */
export function decodeUsage(usage: unknown): Usage | undefined {
  if (!isObject(usage)) return undefined;
  const figures = [usage.tokens, usage.billed_units].find(isObject);
  if (figures === undefined) return undefined;
  const input = numberOf(figures.input_tokens);
  const output = numberOf(figures.output_tokens);
  const cached = numberOf(usage.cached_tokens);
  const reasoning = numberOf(figures.reasoning_tokens);
  if (input === undefined && output === undefined) return undefined;
  const billed = isObject(usage.tokens) && isObject(usage.billed_units) ? usage.billed_units : {};
  const billedInput = numberOf(billed.input_tokens);
  const billedOutput = numberOf(billed.output_tokens);
  return {
    ...(input !== undefined && { inputTokens: input }),
    ...(cached !== undefined && { cacheReadTokens: cached }),
    ...(output !== undefined && { outputTokens: output }),
    ...(reasoning !== undefined && { reasoningTokens: reasoning }),
    ...(billedInput !== undefined && billedInput !== input && { billedInputTokens: billedInput }),
    ...(billedOutput !== undefined && billedOutput !== output && { billedOutputTokens: billedOutput }),
    source: 'provider',
  };
}

/** Usage for a client. What another provider counted was also billed, unless it said otherwise. `cost` in USD. */
export function encodeUsage(usage: Usage, cost: number | undefined): JsonObject {
  const { inputTokens, outputTokens, cacheReadTokens, reasoningTokens, billedInputTokens, billedOutputTokens } = usage;
  const figures = {
    ...(inputTokens !== undefined && { input_tokens: inputTokens }),
    ...(outputTokens !== undefined && { output_tokens: outputTokens }),
  };
  return {
    billed_units: {
      ...figures,
      ...(billedInputTokens !== undefined && { input_tokens: billedInputTokens }),
      ...(billedOutputTokens !== undefined && { output_tokens: billedOutputTokens }),
    },
    tokens: { ...figures, ...(reasoningTokens !== undefined && { reasoning_tokens: reasoningTokens }) },
    ...(cacheReadTokens !== undefined && { cached_tokens: cacheReadTokens }),
    ...(cost !== undefined && { cost }),
  };
}

/** Cohere's pieces of text with the probabilities of their tokens, in OpenAI's shape; undefined when there are none. */
export function decodeLogprobs(value: unknown): Logprobs | undefined {
  const content = objectsOf(Array.isArray(value) ? value : [value]).flatMap((item) => {
    const logprobs = (Array.isArray(item.logprobs) ? item.logprobs : []).flatMap((figure: unknown) => numberOf(figure) ?? []);
    if (logprobs.length === 0) return [];
    const logprob = logprobs.reduce((sum, figure) => sum + figure, 0);
    return [{ token: textOf(item.text) ?? '', logprob, bytes: null, top_logprobs: [] }];
  });
  return content.length === 0 ? undefined : { content, refusal: null };
}

/** The other way. Ids of tokens are Cohere's own: none are known. */
export const encodeLogprobs = (logprobs: Logprobs): JsonObject[] =>
  objectsOf(logprobs.content).map(({ token, logprob }) => ({ text: token, token_ids: [], logprobs: [logprob] }));
