/**
 * The words of OpenAI's chat completions (`POST /v1/chat/completions`): fields, enumerations and the vendors' variants of them.
 * Sources: the type declarations of the `openai` package (7.x) and recorded answers of the providers named below.
 */
import type { FinishReason } from '../../kinds/generate.ts';

/** This dialect. */
export const DIALECT = 'openai-chat' as const;

/** Roles a message may have; `function` is the deprecated form of `tool`. */
export const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const;

/** Words that providers use for the end of an answer, OpenAI's own first in each line. */
const FINISHES: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  eos: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  complete: 'stop',
  COMPLETE: 'stop',
  STOP: 'stop',
  length: 'length',
  max_tokens: 'length',
  model_length: 'length',
  MAX_TOKENS: 'length',
  max_output_tokens: 'length',
  tool_calls: 'tool-calls',
  tool_use: 'tool-calls',
  tool_call: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
  SAFETY: 'content-filter',
  sensitive: 'content-filter',
  refusal: 'refusal',
  pause_turn: 'pause',
  error: 'error',
};

/** The meaning of a `finish_reason`, whoever wrote it. */
export const finishOf = (word: string): FinishReason => FINISHES[word] ?? 'other';

/**
 * The `finish_reason` OpenAI's clients know for an end. A refusal whose text was sent as `refusal` ends with `stop`, as OpenAI's own
 * does; one without text shows as `content_filter`.
 */
export function finishWord(reason: FinishReason, said: { readonly calls: boolean; readonly refusal: boolean }): string {
  switch (reason) {
    case 'stop':
      return said.calls ? 'tool_calls' : 'stop';
    case 'length':
      return 'length';
    case 'tool-calls':
      return 'tool_calls';
    case 'content-filter':
      return 'content_filter';
    case 'refusal':
      return said.refusal ? 'stop' : 'content_filter';
    case 'pause':
    case 'error':
    case 'other':
  }
  return said.calls ? 'tool_calls' : 'stop';
}
