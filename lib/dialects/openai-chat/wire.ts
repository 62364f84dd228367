/**
 * The words of OpenAI's chat completions (`POST /v1/chat/completions`): fields, enumerations and the vendors' variants of them.
 * Sources: the type declarations of the `openai` package (6.x) and recorded answers of the providers named below.
 */
import type { FinishReason, Reasoning } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';

/** This dialect. */
export const DIALECT = 'openai-chat' as const;

/** Roles a message may have; `function` is the deprecated form of `tool`. */
export const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const;

/** Words of `reasoning_effort`. */
export const EFFORTS = [
  'none',
  'minimal',
  'low',
  'medium',
  'high',
  'xhigh',
  'max',
] as const satisfies readonly Reasoning['effort'][];

/** True for a word of `reasoning_effort`. */
export const isEffort = (word: unknown): word is NonNullable<Reasoning['effort']> =>
  (EFFORTS as readonly unknown[]).includes(word);

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

/** A string with something in it. */
export const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** A finite number. */
export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** The JSON objects of a list; nothing when it is no list. */
export const objectsOf = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** Fields of `object` that are not in `known` and hold something; undefined when there are none. */
export function unknownFields(object: JsonObject, known: ReadonlySet<string>): JsonObject | undefined {
  let rest: JsonObject | undefined;
  for (const key in object) {
    const value = object[key];
    if (known.has(key) || value === null || value === undefined || value === '') continue;
    rest ??= {};
    rest[key] = value;
  }
  return rest;
}

const DATA_URL = /^data:([^;,]*)((?:;[^;,]+)*?);base64,([\s\S]*)$/i;

/** Media type and base64 text of a data URL; undefined when it is none, or not base64. */
export function readDataUrl(url: string): { readonly mediaType: string; readonly data: string } | undefined {
  const match = DATA_URL.exec(url);
  const [, mediaType, parameters, data] = match ?? [];
  if (!mediaType || data === undefined) return undefined;
  return { mediaType: mediaType + (parameters ?? ''), data };
}

/** A base64 data URL. */
export const dataUrl = (mediaType: string, data: string): string => `data:${mediaType};base64,${data}`;
