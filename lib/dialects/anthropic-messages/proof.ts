/**
 * Proofs of other providers (signatures, encrypted reasoning, OpenRouter's `reasoning_details`, Gemini's thought signatures) in a
 * client's conversation. Anthropic clients send thinking blocks back unchanged, so a foreign proof rides in the one opaque field such
 * a block has, as a token: `tg1.` and base64url of JSON. Nothing in it is secret, and nothing in it is trusted on its return.
 */
import type { DialectId, ReasoningPart, ToolCallPart } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { ID } from './wire.ts';

const PREFIX = 'tg1.';

/** What proves a piece of reasoning, and whose proof it is. */
export type ReasoningProof = Pick<ReasoningPart, 'signature' | 'data' | 'details' | 'origin'>;

/** What belongs to a tool call beside its arguments. */
export interface CallProof extends Pick<ToolCallPart, 'signature' | 'extensions'> {
  /** Id of the call. */
  readonly call: string;
}

/** True for a token of ours. */
export const isToken = (opaque: unknown): boolean => typeof opaque === 'string' && opaque.startsWith(PREFIX);

/** A proof as a token. */
export const packProof = (proof: ReasoningProof | CallProof): string =>
  PREFIX + Buffer.from(JSON.stringify(proof)).toString('base64url');

function contentOf(token: string): JsonObject {
  try {
    const value: unknown = JSON.parse(Buffer.from(token.slice(PREFIX.length), 'base64url').toString('utf8'));
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

const textField = (content: JsonObject, name: string): JsonObject =>
  typeof content[name] === 'string' ? { [name]: content[name] } : {};

const isOrigin = (value: unknown): value is DialectId => value === ID || value === 'openai-chat';

/** The proof of reasoning in a token; what does not have the right shape is left out, so a damaged token proves nothing. */
export function unpackReasoning(token: string): ReasoningProof {
  const content = contentOf(token);
  const { origin, details } = content;
  return {
    ...textField(content, 'signature'),
    ...textField(content, 'data'),
    ...(Array.isArray(details) && { details: details.filter(isObject) }),
    ...(isOrigin(origin) && { origin }),
  };
}

/** The proof of a tool call in a token; undefined for a token about something else. */
export function unpackCall(token: string): CallProof | undefined {
  const content = contentOf(token);
  const { call, extensions } = content;
  if (typeof call !== 'string') return undefined;
  return { call, ...textField(content, 'signature'), ...(isObject(extensions) && { extensions }) };
}

/**
 * The opaque field of the block a client gets: a `signature` where there is something to read (empty for reasoning without proof),
 * `data` where there is not. Undefined when there is nothing to say at all. Anthropic's own proofs are written as they came.
 */
export function proofField(proof: ReasoningProof, readable: boolean): { signature: string } | { data: string } | undefined {
  const { signature, data, details, origin } = proof;
  if (signature === undefined && data === undefined && details === undefined) return readable ? { signature: '' } : undefined;
  if (origin === ID && details === undefined) {
    if (data === undefined && signature !== undefined) return { signature };
    if (data !== undefined && signature === undefined && !readable) return { data };
  }
  const token = packProof(proof);
  return readable ? { signature: token } : { data: token };
}

/** The block that carries what belongs to a tool call, placed behind it; undefined when nothing does. */
export function callProofBlock({
  id,
  signature,
  extensions,
}: Pick<ToolCallPart, 'id' | 'signature' | 'extensions'>): JsonObject | undefined {
  const { [ID]: _, ...foreign } = extensions ?? {};
  const some = Object.keys(foreign).length > 0;
  if (signature === undefined && !some) return undefined;
  const token = packProof({ call: id, ...(signature !== undefined && { signature }), ...(some && { extensions: foreign }) });
  return { type: 'redacted_thinking', data: token };
}
