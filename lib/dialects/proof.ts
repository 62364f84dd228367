/**
 * Proofs of other providers (signatures, encrypted reasoning, OpenRouter's `reasoning_details`, Gemini's thought signatures) in a
 * client's conversation. Clients send the reasoning of an answer back unchanged, so a foreign proof rides in the one opaque field that
 * their dialect has for it (Anthropic's `signature` and `data`, `encrypted_content` of OpenAI's Responses), as a token: `tg1.` and
 * base64url of JSON. Nothing in it is secret, and nothing in it is trusted on its return.
 */
import type { DialectId, ReasoningPart, ToolCallPart } from '../kinds/generate.ts';
import { isObject, parseObject, type JsonObject } from '../kinds/json.ts';
import { present } from './values.ts';

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

/** The proof of a piece of reasoning as a token, whatever else stands beside it. One without any proof only marks the piece as ours. */
export const packReasoning = ({ signature, data, details, origin }: ReasoningProof): string =>
  packProof({
    ...present('signature', signature),
    ...present('data', data),
    ...present('details', details),
    ...present('origin', origin),
  });

const contentOf = (token: string): JsonObject =>
  parseObject(Buffer.from(token.slice(PREFIX.length), 'base64url').toString('utf8')) ?? {};

const textField = (content: JsonObject, name: string): JsonObject =>
  typeof content[name] === 'string' ? { [name]: content[name] } : {};

const ORIGINS: Readonly<Record<DialectId, true>> = {
  'openai-chat': true,
  'openai-responses': true,
  'openai-completions': true,
  'anthropic-messages': true,
  gemini: true,
  'bedrock-converse': true,
  'bedrock-invoke': true,
  'cohere-chat': true,
  'ollama-chat': true,
  'openai-kin': true,
  replicate: true,
  'text-generation': true,
};

const isOrigin = (value: unknown): value is DialectId => typeof value === 'string' && Object.hasOwn(ORIGINS, value);

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
