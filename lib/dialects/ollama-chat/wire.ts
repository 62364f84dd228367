/**
 * The words of Ollama's native chat API (`POST /api/chat`): ends, usage figures, lines.
 * Sources: the type declarations of the `ollama` package (0.6) and recorded answers, checked 2026-11-22.
 */
import type { Extensions, FinishReason } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import { numberOf } from '../values.ts';

/** This dialect. */
export const DIALECT = 'ollama-chat' as const;

/** Unknown fields as the extensions of a part or message. */
export const extensionsOf = (rest: JsonObject | undefined): { extensions?: Extensions } =>
  rest === undefined ? {} : { extensions: { [DIALECT]: rest } };

/** The meaning of a `done_reason`. Tool calls end with `stop`, as everything does that was not cut off. */
export function finishOf(word: string | undefined, calls: boolean): FinishReason {
  if (word === 'length') return 'length';
  if (word === undefined || word === 'stop') return calls ? 'tool-calls' : 'stop';
  return 'other';
}

/** The `done_reason` for an end. */
export const finishWord = (reason: FinishReason): string => (reason === 'length' ? 'length' : 'stop');

/** Ends that the API tells as `stop`, though they are none. */
export const isUnsaidEnd = (reason: FinishReason): boolean =>
  reason === 'content-filter' || reason === 'refusal' || reason === 'pause' || reason === 'error';

/** The usage of a last line; undefined when it counts nothing. The API leaves out zeros, so a figure missing beside another is one. */
export function decodeUsage(line: JsonObject): Usage | undefined {
  const input = numberOf(line.prompt_eval_count);
  const output = numberOf(line.eval_count);
  if (input === undefined && output === undefined) return undefined;
  return { inputTokens: input ?? 0, outputTokens: output ?? 0, source: 'provider' };
}

/** Usage for a client. `cost` in USD. */
export const encodeUsage = ({ inputTokens, outputTokens }: Usage, cost: number | undefined): JsonObject => ({
  ...(inputTokens !== undefined && { prompt_eval_count: inputTokens }),
  ...(outputTokens !== undefined && { eval_count: outputTokens }),
  ...(cost !== undefined && { cost }),
});
