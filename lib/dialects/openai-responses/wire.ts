/**
 * The words of OpenAI's Responses API (`POST /v1/responses`). Sources: the type declarations of the `openai` package (6.x,
 * `resources/responses/responses.d.ts`) and recorded answers of the providers named where something is theirs alone.
 */
import type { Extensions, FinishReason } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';

/** This dialect. */
export const DIALECT = 'openai-responses' as const;

/** Roles of message items. */
export const ROLES = ['user', 'assistant', 'system', 'developer'] as const;

/** Unknown fields as the extensions of a part or message. */
export const extensionsOf = (rest: JsonObject | undefined): { extensions?: Extensions } =>
  rest === undefined ? {} : { extensions: { [DIALECT]: rest } };

/** Fields of a response object that this dialect models or repeats; others of a provider travel with the answer. */
export const RESPONSE_FIELDS: ReadonlySet<string> = new Set([
  'id',
  'object',
  'created_at',
  'completed_at',
  'status',
  'background',
  'error',
  'incomplete_details',
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'model',
  'output',
  'output_text',
  'parallel_tool_calls',
  'previous_response_id',
  'conversation',
  'prompt',
  'prompt_cache_key',
  'prompt_cache_retention',
  'reasoning',
  'safety_identifier',
  'service_tier',
  'store',
  'temperature',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'presence_penalty',
  'frequency_penalty',
  'truncation',
  'usage',
  'user',
  'metadata',
]);

/** What an answer did, besides its status. */
export interface Said {
  readonly calls: boolean;
  readonly refusal: boolean;
}

/** The meaning of a `status`, with the `reason` of an incomplete answer. */
export function finishOf(status: string, reason: string | undefined, said: Said): FinishReason {
  if (status === 'completed') return said.calls ? 'tool-calls' : said.refusal ? 'refusal' : 'stop';
  if (status !== 'incomplete') return 'other';
  if (reason === 'max_output_tokens' || reason === 'max_tokens') return 'length';
  return reason === 'content_filter' ? 'content-filter' : 'other';
}

/** Status of an answer for a client. A refusal that was not put in words shows as filtered. */
export function statusOf(
  finish: FinishReason,
  { refusal }: Said,
): { readonly status: 'completed' | 'incomplete' | 'failed'; readonly reason?: string } {
  switch (finish) {
    case 'length':
      return { status: 'incomplete', reason: 'max_output_tokens' };
    case 'content-filter':
      return { status: 'incomplete', reason: 'content_filter' };
    case 'refusal':
      return refusal ? { status: 'completed' } : { status: 'incomplete', reason: 'content_filter' };
    case 'error':
      return { status: 'failed' };
    case 'stop':
    case 'tool-calls':
    case 'pause':
    case 'other':
  }
  return { status: 'completed' };
}
