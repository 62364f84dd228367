/**
 * Reasoning items, both ways. An item has an id, readable parts (`summary`, or `content` where the model's own words are shown) and
 * `encrypted_content`, which OpenAI checks against the id. Items this gateway writes always carry a token of `proof.ts` there: it
 * keeps the proofs of any provider, and tells our items from a provider's.
 */
import type { ReasoningPart } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { isToken, unpackReasoning, type ReasoningProof } from '../proof.ts';
import { objectsOf, present, textOf } from '../values.ts';
import { DIALECT } from './wire.ts';

/** Readable text between two parts of an item. */
export const SEPARATOR = '\n\n';

const joined = (parts: unknown): string =>
  objectsOf(parts)
    .map((part) => textOf(part['text']) ?? '')
    .join(SEPARATOR);

/** Readable text of an item. DeepSeek's clients repeat the content as summary: it is read once. */
export function readableText(item: JsonObject): string {
  const summary = joined(item['summary']);
  const content = joined(item['content']);
  return summary === content || content === '' ? summary : summary === '' ? content : summary + SEPARATOR + content;
}

/** What must come back of an item besides its text. */
export function proofOf(item: JsonObject): ReasoningProof {
  const place = joined(item['content']) === '' ? undefined : 'content';
  return {
    ...present('data', textOf(item['encrypted_content'])),
    details: [{ ...present('id', textOf(item['id'])), ...present('place', place) }],
    origin: DIALECT,
  };
}

/** A reasoning item of a client. */
export function decodeReasoning(item: JsonObject): ReasoningPart {
  const proof = item['encrypted_content'];
  const text = readableText(item);
  return { type: 'reasoning', text, ...(isToken(proof) ? unpackReasoning(proof as string) : proofOf(item)) };
}

/** How a provider takes reasoning of earlier turns. */
export interface ReasoningUse {
  /** It keeps answers, so the id of an item is enough. */
  readonly stored: boolean;
  /** It reads the model's own words, unencrypted (DeepSeek, LM Studio). */
  readonly readable: boolean;
}

/** A reasoning part as an item for a provider; undefined when it would not understand it. */
export function sentReasoning({ text, data, details, origin }: ReasoningPart, use: ReasoningUse): JsonObject | undefined {
  const [{ id, place } = {}] = origin === DIALECT ? (details ?? []) : [];
  const words = text === '' ? [] : [text];
  const own = origin === DIALECT && (data !== undefined || (use.stored && id !== undefined));
  if (!own && (!use.readable || text === '')) return undefined;
  const asContent = !own || place === 'content';
  return {
    type: 'reasoning',
    ...present('id', id),
    summary: asContent ? [] : words.map((word) => ({ type: 'summary_text', text: word })),
    ...(asContent && { content: words.map((word) => ({ type: 'reasoning_text', text: word })) }),
    ...(own && present('encrypted_content', data)),
  };
}

/**
 * A client's reasoning item as a provider of this dialect may see it: one of ours becomes the item it was made from, or nothing when
 * that was another dialect's.
 */
export function ownItem(item: JsonObject): JsonObject | undefined {
  if (!isToken(item['encrypted_content'])) return item;
  const part = decodeReasoning(item);
  return part.data === undefined ? undefined : sentReasoning(part, { stored: false, readable: false });
}
