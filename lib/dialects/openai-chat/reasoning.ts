/**
 * Reasoning in the shapes that OpenAI-like APIs have for it, both ways. None is OpenAI's own; the field settled on these:
 * `reasoning_content` (DeepSeek, xAI, llama.cpp, LiteLLM), `reasoning` (Groq, OpenRouter, Cerebras), `reasoning_details` (OpenRouter:
 * opaque items that must come back unchanged) and `thinking_blocks` (LiteLLM: Anthropic's blocks with their signatures).
 */
import type { ReasoningPart } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { ReasoningField } from '../dialect.ts';
import { isToken, packReasoning, unpackReasoning, type ReasoningProof } from '../proof.ts';
import { objectsOf, textOf } from '../values.ts';
import { DIALECT } from './wire.ts';

/** Whose blocks `thinking_blocks` are. */
const BLOCKS = 'anthropic-messages' as const;

/** Readable text of a message or delta: the first place that has some, since several repeat the same text. */
export function reasoningText(message: JsonObject): string {
  return (
    textOf(message['reasoning_content']) ??
    textOf(message['reasoning']) ??
    objectsOf(message['reasoning_details']).map(detailText).join('')
  );
}

const detailText = (detail: JsonObject): string => textOf(detail['text']) ?? textOf(detail['summary']) ?? '';

/**
 * Items of one answer, streamed pieces joined: OpenRouter streams `reasoning.text` and `reasoning.summary` in pieces that share an
 * `index`; the signature comes with the last piece. Items that differ in kind, index or id stay apart.
 */
export function joinDetails(pieces: readonly JsonObject[]): JsonObject[] {
  const joined: JsonObject[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (last === undefined || !continues(last, piece)) {
      joined.push({ ...piece });
      continue;
    }
    for (const [key, value] of Object.entries(piece)) {
      if (value === null || value === undefined) continue;
      const before = last[key];
      last[key] =
        (key === 'text' || key === 'summary') && typeof before === 'string' && typeof value === 'string'
          ? before + value
          : value;
    }
  }
  return joined;
}

const continues = (last: JsonObject, piece: JsonObject): boolean =>
  (piece['type'] === 'reasoning.text' || piece['type'] === 'reasoning.summary') &&
  last['type'] === piece['type'] &&
  last['index'] === piece['index'] &&
  (last['id'] === piece['id'] || last['id'] == null || piece['id'] == null);

/** The signature among the items, if there is one: Anthropic's, for models of theirs behind OpenRouter. */
export function signatureOf(details: readonly JsonObject[]): string | undefined {
  for (const detail of details) {
    const signature = textOf(detail['signature']);
    if (signature !== undefined) return signature;
  }
  return undefined;
}

/**
 * Reasoning of an assistant message in a request. Blocks with proofs win over plain text, which repeats them: never both.
 * `thinking_blocks` are Anthropic's own blocks, so their proofs are of that origin.
 */
export function decodeReasoning(message: JsonObject): ReasoningPart[] {
  const blocks = objectsOf(message['thinking_blocks']).flatMap(decodeBlock);
  if (blocks.length > 0) return blocks;
  const text = reasoningText(message);
  const details = fillText(objectsOf(message['reasoning_details']), text);
  if (details.length > 0) {
    const signature = signatureOf(details);
    return [{ type: 'reasoning', text, ...(signature !== undefined && { signature }), details, origin: DIALECT }];
  }
  return text === '' ? [] : [{ type: 'reasoning', text }];
}

/** One of LiteLLM's `thinking_blocks`; one with a token of ours in it holds the proof of another provider. */
export function decodeBlock(block: JsonObject): ReasoningPart[] {
  if (block['type'] === 'redacted_thinking') {
    const data = textOf(block['data']);
    if (data === undefined) return [];
    return [{ type: 'reasoning', text: '', ...(isToken(data) ? unpackReasoning(data) : { data, origin: BLOCKS }) }];
  }
  if (block['type'] !== 'thinking') return [];
  const text = textOf(block['thinking']) ?? '';
  const signature = textOf(block['signature']);
  if (signature === undefined) return [{ type: 'reasoning', text }];
  return [{ type: 'reasoning', text, ...(isToken(signature) ? unpackReasoning(signature) : { signature, origin: BLOCKS }) }];
}

/** A stream of ours tells the text once, as `reasoning_content`, and its item without: a lone such item gets the text back. */
export function fillText(details: JsonObject[], text: string): JsonObject[] {
  const [only, second] = details.filter(({ type }) => type === 'reasoning.text' || type === 'reasoning.summary');
  if (only === undefined || second !== undefined || detailText(only) !== '' || text === '') return details;
  const key = only['type'] === 'reasoning.text' ? 'text' : 'summary';
  return details.map((detail) => (detail === only ? { ...detail, [key]: text } : detail));
}

/** True for proofs in the items of OpenAI-like providers, which clients have a field for. */
export const hasDetails = ({ details, origin = DIALECT }: ReasoningProof): boolean =>
  details !== undefined && origin === DIALECT;

/**
 * A reasoning part with a proof as one of LiteLLM's `thinking_blocks`; undefined for one without. They are Anthropic's blocks: a proof
 * of anybody else stands in one as a token.
 */
export function encodeBlock(part: Pick<ReasoningPart, 'text'> & ReasoningProof): JsonObject | undefined {
  const { text, signature, data, details, origin = BLOCKS } = part;
  if ((signature ?? data ?? details) === undefined) return undefined;
  if (origin !== BLOCKS && origin !== DIALECT) {
    const token = packReasoning(part);
    if (text === '') return { type: 'redacted_thinking', data: token };
    return { type: 'thinking', thinking: text, signature: token };
  }
  if (signature !== undefined) return { type: 'thinking', thinking: text, signature };
  return data === undefined ? undefined : { type: 'redacted_thinking', data };
}

/** Reasoning of an answer as fields of its message, proofs included. */
export function encodeReasoning(parts: readonly ReasoningPart[]): JsonObject {
  const text = parts.map((part) => part.text).join('');
  const details = parts.flatMap((part) => (hasDetails(part) ? (part.details ?? []) : []));
  const blocks = parts.flatMap((part) => (hasDetails(part) ? [] : (encodeBlock(part) ?? [])));
  return {
    ...(text !== '' && { reasoning_content: text }),
    ...(details.length > 0 && { reasoning_details: details }),
    ...(blocks.length > 0 && { thinking_blocks: blocks }),
  };
}

/** Every field of a message that holds reasoning. */
const FIELDS = ['reasoning_content', 'reasoning', 'reasoning_details', 'thinking_blocks'] as const;

/**
 * What an API takes of them, by the field it wants. One that takes `reasoning_content` may be another gateway, which wants all; of the
 * others none knows the blocks of Anthropic, and strict ones refuse any field they do not know.
 */
const TAKEN: Readonly<Record<ReasoningField, readonly string[]>> = {
  reasoning_content: FIELDS,
  reasoning: ['reasoning'],
  reasoning_details: ['reasoning_content', 'reasoning', 'reasoning_details'],
};

/**
 * A request without the reasoning of other providers: clients return whole messages, whoever wrote them. `field`: where the API takes
 * reasoning back; absent where it takes none.
 */
export function withoutReasoning(body: JsonObject, field: ReasoningField | undefined): JsonObject {
  const taken = field === undefined ? [] : TAKEN[field];
  const foreign = FIELDS.filter((name) => !taken.includes(name));
  if (foreign.length === 0 || !Array.isArray(body['messages'])) return body;
  let changed = false;
  const messages = body['messages'].map((message: unknown) => {
    if (!isObject(message) || message['role'] !== 'assistant') return message;
    if (foreign.every((name) => message[name] === undefined)) return message;
    changed = true;
    const own = { ...message };
    for (const name of foreign) delete own[name];
    return own;
  });
  return changed ? { ...body, messages } : body;
}
