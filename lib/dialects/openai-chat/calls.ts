/** Tool calls: their wire form, and which call a piece of a stream belongs to, since providers number and name calls in many ways. */
import type { ToolCallPart } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { textOf } from '../values.ts';
import { DIALECT } from './wire.ts';

/** Gemini's proof of thought on a call, where its OpenAI-like API puts it. */
export function thoughtSignature(call: JsonObject): { signature?: string } {
  const extra = call['extra_content'];
  const google = isObject(extra) ? extra['google'] : undefined;
  const signature = isObject(google) ? textOf(google['thought_signature']) : undefined;
  return signature === undefined ? {} : { signature };
}

/** Arguments as the wire has them: never empty. */
export const argumentsOf = (text: string): string => (text.trim() === '' ? '{}' : text);

/** A call as an element of `tool_calls`. */
export function encodeCall(part: ToolCallPart): JsonObject {
  return {
    id: part.id,
    ...(part.custom === true
      ? { type: 'custom', custom: { name: part.name, input: part.arguments } }
      : { type: 'function', function: { name: part.name, arguments: argumentsOf(part.arguments) } }),
    ...callProofs(part),
  };
}

/** What a client must send back with a call: Gemini's proof of thought, where its OpenAI-like API has it. */
export function callProofs(part: Pick<ToolCallPart, 'signature' | 'extensions'>): JsonObject {
  const own = part.extensions?.[DIALECT];
  const missing = part.signature !== undefined && own?.['extra_content'] === undefined;
  return { ...(missing && { extra_content: { google: { thought_signature: part.signature } } }), ...own };
}

/** A tool call as it grows. */
export interface Call {
  /** Id the provider gave, if it did. */
  readonly id: string | undefined;
  name: string | undefined;
  /** Arguments so far. */
  text: string;
  /** Block of the answer; -1 until the call was told. */
  block: number;
  ended: boolean;
  readonly custom: boolean;
  /** Fields of the piece that are not ours. */
  extra: JsonObject | undefined;
}

/** One element of `tool_calls`, read. */
export interface Piece {
  readonly index: number | undefined;
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly text: string;
  readonly custom: boolean;
}

/** Reads an element; arguments may be text, an object (then whole) or null. */
export function readPiece(value: JsonObject): Piece {
  const custom = value['type'] === 'custom' || isObject(value['custom']);
  const inner = value[custom ? 'custom' : 'function'];
  const body: JsonObject = isObject(inner) ? inner : {};
  const given = body[custom ? 'input' : 'arguments'];
  return {
    index: typeof value['index'] === 'number' ? value['index'] : undefined,
    id: textOf(value['id']),
    name: textOf(body['name']),
    text: typeof given === 'string' ? given : isObject(given) ? JSON.stringify(given) : '',
    custom,
  };
}

/** True when the text is a whole JSON value. */
export function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The calls of one choice. */
export class Calls {
  readonly list: Call[] = [];
  readonly #byIndex = new Map<number, Call>();

  /** The call this piece continues; undefined when it begins another. */
  find(piece: Piece): Call | undefined {
    const { index, id, name } = piece;
    const last = this.list.at(-1);
    if (index === undefined) {
      if (id !== undefined) return this.list.find((call) => call.id === id);
      return name === undefined || (last?.name === name && !isWhole(last.text)) ? last : undefined;
    }
    const known = this.#byIndex.get(index);
    if (known === undefined || name === undefined) return known;
    // Some servers give every parallel call the index 0: a new id with a name is then a new call, and so is a name after a whole call.
    const renamed = id !== undefined && known.id !== undefined && id !== known.id;
    const again = id === undefined && piece.text !== '' && known.name !== undefined && isWhole(known.text);
    return renamed || again ? undefined : known;
  }

  /** A new call, begun by this piece. */
  add(piece: Piece): Call {
    const { id, name, custom, index } = piece;
    const call: Call = { id, name, text: '', block: -1, ended: false, custom, extra: undefined };
    this.list.push(call);
    if (index !== undefined) this.#byIndex.set(index, call);
    return call;
  }
}
