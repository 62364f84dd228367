/**
 * APIs that take one prompt (or messages of plain text) and give back text: what they have in common, and where they differ.
 * `variants.ts` has the table.
 */
import type { FinishReason } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import type { Framing } from '../dialect.ts';
import { numberOf } from '../values.ts';

/** This dialect. */
export const DIALECT = 'text-generation' as const;

/** A place in JSON: names of fields, positions in lists. */
export type Place = readonly (string | number)[];

/** Settings that an API may have a name for. */
export type Setting =
  | 'maxOutputTokens'
  | 'temperature'
  | 'topP'
  | 'topK'
  | 'seed'
  | 'frequencyPenalty'
  | 'presencePenalty'
  | 'stop'
  | 'user';

/** How the conversation is told. */
export type Input =
  /** As one text; `human`: in the turns of Anthropic's early models, always; `listed`: as the only element of a list. */
  | { readonly type: 'prompt'; readonly at: Place; readonly human?: boolean; readonly listed?: boolean }
  /** As messages whose content is a text, or a list of one text part. */
  | { readonly type: 'messages'; readonly at: Place; readonly parts?: boolean };

/** Where answers say how they ended and what they cost. */
interface Ending {
  readonly finish?: Place;
  readonly inputTokens?: Place;
  readonly outputTokens?: Place;
}

/** Where a whole answer has what. */
export interface WholePlaces extends Ending {
  /** Places of the text, tried in order. */
  readonly text: readonly Place[];
  /** What the model thought before. */
  readonly reasoning?: Place;
}

/** How a stream tells an answer. */
export interface StreamPlaces extends Ending {
  readonly framing: Framing;
  /** Field of the request that asks for a stream; absent where the path does. */
  readonly asked?: Place;
  /** The next piece of text. */
  readonly text: Place;
  /** True here means that the text is a mark of the model's vocabulary, not for readers. */
  readonly mark?: Place;
  /** What ends it: a value at a place, the line `[DONE]`, or the end of the connection (a stream cut short looks the same). */
  readonly end: Place | 'done' | 'close';
  /** The value at `end` that means that more follows, where it always has one. */
  readonly unfinished?: string | boolean;
  /** True where every line is a frame: JSON, after `data:` or not. */
  readonly lines?: boolean;
}

/** One API. */
export interface Variant {
  readonly input: Input;
  /** True where the body names the model. */
  readonly named?: boolean;
  /** Where the address of a picture goes, or its data URL; absent: the API takes none. */
  readonly image?: Place;
  readonly settings: Readonly<Partial<Record<Setting, Place>>>;
  /** Output cap where the client gave none, tokens, for APIs that demand one. */
  readonly cap?: number;
  /** What every request says. */
  readonly constants?: readonly (readonly [Place, unknown])[];
  /** The switch of APIs that take the likeliest token unless told to draw; they refuse a temperature of 0 and a top-p of 1. */
  readonly drawing?: readonly [Place, unknown];
  readonly whole: WholePlaces;
  /** Absent where the API has no stream that tells its end and its errors: the answer is asked for whole. */
  readonly stream?: StreamPlaces;
}

/** The value at a place; undefined when there is none, or null. */
export function valueAt(value: unknown, place: Place | undefined): unknown {
  if (place === undefined) return undefined;
  let found: unknown = value;
  for (const step of place) {
    if (Array.isArray(found)) found = typeof step === 'number' ? found[step] : undefined;
    else found = isObject(found) ? found[step] : undefined;
  }
  return found ?? undefined;
}

/** Writes a value at a place, which holds names only. */
export function put(body: JsonObject, [first, ...rest]: Place, value: unknown): void {
  if (first === undefined) return;
  if (rest.length === 0) {
    body[first] = value;
    return;
  }
  const inner = body[first];
  const object: JsonObject = isObject(inner) ? inner : {};
  body[first] = object;
  put(object, rest, value);
}

/** The words of these APIs for an end. */
const FINISH: Readonly<Record<string, FinishReason>> = {
  length: 'length',
  max_tokens: 'length',
  maximum_tokens: 'length',
  eos_token: 'stop',
  stop: 'stop',
  stop_sequence: 'stop',
  end_of_text: 'stop',
  stop_sequence_reached: 'stop',
  token_limit: 'length',
  time_limit: 'length',
  error: 'error',
};

/** The meaning of a word for an end; without one the answer is taken to be complete. */
export const finishOf = (word: string | undefined): FinishReason => (word === undefined ? 'stop' : (FINISH[word] ?? 'other'));

/** The usage at its places; undefined unless both figures are there: half of a usage would be billed as all of it. */
export function usageAt(value: unknown, { inputTokens, outputTokens }: Ending): Usage | undefined {
  const input = numberOf(valueAt(value, inputTokens));
  const output = numberOf(valueAt(value, outputTokens));
  return input === undefined || output === undefined
    ? undefined
    : { inputTokens: input, outputTokens: output, source: 'provider' };
}
