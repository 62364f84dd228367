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

/** Text that means itself between the quotes of JSON. */
// oxlint-disable-next-line no-control-regex
const LITERAL = /^[^"\\\x00-\x1f]*$/;

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
  const isPlain = LITERAL.test(event.text) && data.startsWith(`${event.text}"`, from);
  if (from < PLACE.length || !isPlain || data.includes(PLACE, from)) return undefined;
  const padding = paddingOf(data);
  const tail = data.slice(from + event.text.length, padding);
  return { head: data.slice(0, from), tail, padded: padding !== undefined, choice: event.choice };
}

/** The text of a chunk that has this form; undefined for any other. */
export function textIn({ head, tail, padded }: Mould, data: string): string | undefined {
  const end = (padded ? paddingOf(data) : data.length) ?? 0;
  if (end < head.length + tail.length || !data.startsWith(head) || !data.endsWith(tail, end)) return undefined;
  const text = data.slice(head.length, end - tail.length);
  return LITERAL.test(text) ? text : undefined;
}
