/**
 * APIs that say what OpenAI's chat completions say, in other words or another envelope: each of them is a translation of bodies and
 * chunks, and OpenAI's own code does the rest. `kin.ts` has the list.
 */
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Warn } from '../telling.ts';
import { numberOf, present } from '../values.ts';

/** This dialect. */
export const DIALECT = 'openai-kin' as const;

/** What a frame of a stream comes to: chunks of OpenAI's. `event` is the frame's name, where it has one. */
export type ChunkReader = (value: JsonObject, event: string | undefined) => readonly JsonObject[];

/** One API. */
export interface Kin {
  /** OpenAI's body in its words. */
  readonly request: (body: JsonObject, warn: Warn) => JsonObject;
  /** Its whole answer as OpenAI's; undefined for one that holds none, which is then read as an error. */
  readonly answer: (body: JsonObject) => JsonObject | undefined;
  /** Reads one stream. A frame that holds a list comes as `{list}`. */
  readonly chunks: () => ChunkReader;
  /** True where the end of the connection ends an answer that began: the API has no other sign (a stream cut short looks the same). */
  readonly endsWithBytes?: true;
}

/** Warns of the fields of a body that have no place, but for those whose value means what happens anyway. */
export function warnRest(rest: JsonObject, warn: Warn): void {
  for (const [field, value] of Object.entries(rest)) {
    const usual = field === 'parallel_tool_calls' ? value === true : field === 'n' ? value === 1 : value === false;
    if (value === undefined || value === null || usual) continue;
    warn({ kind: 'dropped', field, reason: 'The API has no such setting.' });
  }
}

/** The fields of a body that the API has under a name of its own, and the other fields. */
export function renamed(
  body: JsonObject,
  names: Readonly<Record<string, string>>,
): { readonly said: JsonObject; readonly rest: JsonObject } {
  const said: JsonObject = {};
  const rest: JsonObject = {};
  for (const [field, value] of Object.entries(body)) {
    const name = names[field];
    if (name === undefined) rest[field] = value;
    else if (value !== undefined && value !== null) said[name] = value;
  }
  return { said, rest };
}

/** OpenAI's usage from figures in camel case. */
export function usageFrom(usage: unknown): { readonly usage?: JsonObject } {
  if (!isObject(usage)) return {};
  const { promptTokensDetails: read, completionTokensDetails: written } = usage;
  return {
    usage: {
      prompt_tokens: numberOf(usage['promptTokens']),
      completion_tokens: numberOf(usage['completionTokens']),
      total_tokens: numberOf(usage['totalTokens']),
      ...(isObject(read) && { prompt_tokens_details: { cached_tokens: read['cachedTokens'] } }),
      ...(isObject(written) && {
        completion_tokens_details: {
          reasoning_tokens: written['reasoningTokens'],
          accepted_prediction_tokens: written['acceptedPredictionTokens'],
          rejected_prediction_tokens: written['rejectedPredictionTokens'],
        },
      }),
    },
  };
}

/** The words of a content: a text, or a list of parts; what is no text is left out, with a warning where `warn` is given. */
export function textOfContent(content: unknown, warn?: (type: string) => void): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part: unknown) => {
      if (!isObject(part)) return '';
      if (typeof part['text'] === 'string') return part['text'];
      if (typeof part['refusal'] === 'string') return part['refusal'];
      warn?.(String(part['type']));
      return '';
    })
    .join('');
}

/** One answer without a tool: a chunk of OpenAI's. */
export const chunkOf = (text: string | undefined, finish: string | null = null): JsonObject => ({
  choices: [{ index: 0, delta: text === undefined ? {} : { content: text }, finish_reason: finish }],
});

/** One whole answer without a tool. */
export const answerOf = (text: string): JsonObject => ({
  choices: [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
});

/** Adds up what the models behind an agent counted, call by call. */
export class Counted {
  #input = 0;
  #output = 0;
  #some = false;

  add(input: unknown, output: unknown): void {
    if (numberOf(input) === undefined && numberOf(output) === undefined) return;
    this.#some = true;
    this.#input += numberOf(input) ?? 0;
    this.#output += numberOf(output) ?? 0;
  }

  /** OpenAI's usage; nothing when nothing was counted. */
  fields(): { readonly usage?: JsonObject } {
    if (!this.#some) return {};
    const [prompt_tokens, completion_tokens] = [this.#input, this.#output];
    return { usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens } };
  }
}

/** Messages of a body. */
export const messagesOf = ({ messages }: JsonObject): readonly JsonObject[] =>
  Array.isArray(messages) ? messages.filter(isObject) : [];

/** A call in OpenAI's words. */
export const callOf = (id: string, name: unknown, text: string): JsonObject => ({
  id,
  type: 'function',
  function: { ...present('name', typeof name === 'string' ? name : undefined), arguments: text },
});

/** Stop sequences: one, or a list. */
export const stopsOf = (stop: unknown): readonly unknown[] | undefined =>
  stop === undefined || stop === null ? undefined : Array.isArray(stop) ? stop : [stop];
