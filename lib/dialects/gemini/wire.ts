/**
 * Words of Google's `generateContent` that both directions share. Source: the type declarations of `@google/genai` 3, checked
 * 2026-11-22.
 */
import type { DialectId, FinishReason } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';

/** Our id, as origin of parts and key of extensions. */
export const ID = 'gemini' satisfies DialectId;

const FINISHES: Readonly<Record<string, FinishReason>> = {
  STOP: 'stop',
  MAX_TOKENS: 'length',
  SAFETY: 'content-filter',
  RECITATION: 'content-filter',
  BLOCKLIST: 'content-filter',
  PROHIBITED_CONTENT: 'content-filter',
  SPII: 'content-filter',
  IMAGE_SAFETY: 'content-filter',
  IMAGE_PROHIBITED_CONTENT: 'content-filter',
  IMAGE_RECITATION: 'content-filter',
  MODEL_ARMOR: 'content-filter',
  MALFORMED_FUNCTION_CALL: 'error',
  MALFORMED_RESPONSE: 'error',
  UNEXPECTED_TOOL_CALL: 'error',
  TOO_MANY_TOOL_CALLS: 'error',
  CONTINUATION: 'pause',
  LANGUAGE: 'other',
  NO_IMAGE: 'other',
  IMAGE_OTHER: 'other',
  OTHER: 'other',
};

/** The meaning of a `finishReason`; words we do not know are `other`. */
export const finishOf = (word: string): FinishReason => FINISHES[word] ?? 'other';

/** The `finishReason` for a client. A word of the API itself is kept; tool calls end with `STOP`, as the API's own do. */
export function finishWord(reason: FinishReason, raw: string | undefined): string {
  if (raw !== undefined && Object.hasOwn(FINISHES, raw)) return raw;
  switch (reason) {
    case 'stop':
    case 'tool-calls':
      return 'STOP';
    case 'length':
      return 'MAX_TOKENS';
    case 'content-filter':
    case 'refusal':
      return 'SAFETY';
    case 'pause':
    case 'error':
    case 'other':
  }
  return 'OTHER';
}

/** Generation of a Gemini model by its name: `gemini-2.5-pro` is 2.5; undefined for names that do not tell. */
export function generationOf(model: string): number | undefined {
  const version = /gemini-(\d+(?:\.\d+)?)/.exec(model)?.[1];
  return version === undefined ? undefined : Number(version);
}

/** Names whose values are the caller's own data: their keys stay as they are. */
const FREE: ReadonlySet<string> = new Set([
  'args',
  'response',
  'parametersJsonSchema',
  'responseJsonSchema',
  'labels',
  'partMetadata',
  'default',
  'example',
  'enum',
]);

/** Deepest level whose names are still looked at. No request of the API is that deep. */
const DEEPEST = 100;

const camel = (name: string): string => name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/**
 * The same value with `snake_case` names turned to `camelCase`: the API takes both, as all of Google's JSON does. What belongs to the
 * caller (arguments, responses, labels, names of schema properties) stays as it is.
 */
export function camelised(value: unknown, depth = 0): unknown {
  if (depth > DEEPEST) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => camelised(item, depth + 1));
  if (!isObject(value)) return value;
  const named = Object.entries(value).map(([key, field]) => {
    const name = camel(key);
    if (FREE.has(name)) return [name, field];
    return [name, name === 'properties' && isObject(field) ? valuesCamelised(field, depth) : camelised(field, depth + 1)];
  });
  return Object.fromEntries(named) as JsonObject;
}

const valuesCamelised = (map: JsonObject, depth: number): JsonObject =>
  Object.fromEntries(Object.entries(map).map(([key, field]) => [key, camelised(field, depth + 2)]));

/** What stands for the signature of a call that another provider made: the API refuses unsigned ones (Google, thought signatures). */
export const UNSIGNED = 'skip_thought_signature_validator';
