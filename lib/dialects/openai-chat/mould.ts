/**
 * Chunks of text differ in their text alone: id, model and all else are the same from one to the next. So a chunk that has the form of
 * the one before it is not parsed again; its text is read from its place.
 */
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';

/** A chunk without its text. */
export interface Mould {
  readonly head: string;
  readonly tail: string;
  /** Whether padding follows. */
  readonly padded: boolean;
  /** Whose text it is. */
  readonly choice: number;
}

/** Where compact JSON has the text, and nothing before it in its object. */
const PLACE = '"delta":{"content":"';

/** OpenAI ends its chunks with padding against traffic analysis, of another length each time. */
const PADDING = ',"obfuscation":"';
const PADDED = /^,"obfuscation":"[\w+/=-]*"\}$/;

const QUOTE = 34;
const BACKSLASH = 92;
const SPACE = 32;

/** True for text that means itself between the quotes of JSON. */
function isLiteral(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < SPACE || code === QUOTE || code === BACKSLASH) return false;
  }
  return true;
}

/** Where the padding begins; undefined where there is none. */
function paddingOf(data: string): number | undefined {
  const at = data.lastIndexOf(PADDING);
  return at !== -1 && PADDED.test(data.slice(at)) ? at : undefined;
}

/** The mould of a chunk that brought these events; undefined unless they are one piece of text, which stands in it as it is. */
export function mouldOf(data: string, { choices }: JsonObject, events: readonly GenerateEvent[]): Mould | undefined {
  const [event] = events;
  if (event?.type !== 'text-delta' || events.length !== 1) return undefined;
  if (!Array.isArray(choices) || choices.length !== 1 || !isObject(choices[0])) return undefined;
  const from = data.indexOf(PLACE) + PLACE.length;
  const isPlain = isLiteral(event.text) && data.startsWith(`${event.text}"`, from);
  if (from < PLACE.length || !isPlain || data.includes(PLACE, from)) return undefined;
  const padding = paddingOf(data);
  const tail = data.slice(from + event.text.length, padding);
  return { head: data.slice(0, from), tail, padded: padding !== undefined, choice: event.choice };
}

/** The text of a chunk that has this form; undefined for any other. */
export function textIn({ head, tail, padded }: Mould, data: string): string | undefined {
  const end = (padded ? paddingOf(data) : data.length) ?? 0;
  const to = end - tail.length;
  // Slices are compared faster than `startsWith` looks into one.
  if (to < head.length || data.slice(0, head.length) !== head || data.slice(to, end) !== tail) return undefined;
  const text = data.slice(head.length, to);
  return isLiteral(text) ? text : undefined;
}
