/**
 * Words of Anthropic's Messages API that both directions share. Source: the type declarations of `@anthropic-ai/sdk` 1.12, checked
 * 2026-11-22.
 */
import type { CacheMark, DialectId, FinishReason } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { Ending } from '../telling.ts';

/** Our id, as origin of parts and key of extensions. */
export const ID = 'anthropic-messages' satisfies DialectId;

/** Smallest thinking budget the API accepts, tokens. */
export const MIN_THINKING_BUDGET = 1024;

/** One server-sent event of a client's stream. */
export const sseFrame = (type: string, fields: JsonObject): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

const FINISHES: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool-calls',
  pause_turn: 'pause',
  compaction: 'pause',
  refusal: 'refusal',
};

/** The meaning of a `stop_reason`; words we do not know are `other`. */
export const finishOf = (stopReason: string): FinishReason => FINISHES[stopReason] ?? 'other';

/** The `stop_reason` of an answer. The provider's own word is kept where two of ours mean the same. */
export function stopReasonOf({ reason, raw, stopSequence, callsTools, refuses }: Ending): string {
  switch (reason) {
    case 'length':
      return raw === 'model_context_window_exceeded' ? raw : 'max_tokens';
    case 'pause':
      return raw === 'compaction' ? raw : 'pause_turn';
    case 'content-filter':
    case 'refusal':
      return 'refusal';
    case 'stop':
    case 'tool-calls':
    case 'error':
    case 'other':
      break;
  }
  if (callsTools) return 'tool_use';
  if (refuses) return 'refusal';
  return stopSequence === undefined ? 'end_turn' : 'stop_sequence';
}

/** The `cache_control` field of a block with a mark; nothing for one without. */
export const cacheControl = (cache: CacheMark | undefined): JsonObject =>
  cache === undefined ? {} : { cache_control: { type: 'ephemeral', ...cache } };

/** The fields of an object that are not among `known`, nulls left out; undefined when there are none. */
export function otherFields(value: JsonObject, known: ReadonlySet<string>): JsonObject | undefined {
  const others = Object.entries(value).filter(([name, field]) => !known.has(name) && field !== null && field !== undefined);
  return others.length === 0 ? undefined : Object.fromEntries(others);
}
