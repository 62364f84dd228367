/**
 * Where Gemini clients keep proofs: the `thoughtSignature` of a part. The field is bytes, so the SDKs of some languages decode and encode
 * it on the way: a token of ours is wrapped in base64, and found again in either alphabet.
 */
import type { ToolCallPart } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { isToken, packProof, type CallProof, type ReasoningProof } from '../proof.ts';
import { present } from '../values.ts';
import { ID } from './wire.ts';

const wrapped = (proof: ReasoningProof | CallProof): string => Buffer.from(packProof(proof)).toString('base64');

/** How every wrapped token begins: saves decoding the signatures of Google, which are long. */
const BEGINNING = wrapped({}).slice(0, 5);

/** The token in a `thoughtSignature`; undefined for a signature of Google. */
export function tokenIn(signature: unknown): string | undefined {
  if (typeof signature !== 'string' || !signature.startsWith(BEGINNING)) return undefined;
  const text = Buffer.from(signature, 'base64').toString('utf8');
  return isToken(text) ? text : undefined;
}

/** The `thoughtSignature` of a reasoning part; nothing for one without a proof. Google's own is written as it came. */
export function reasoningSignature(proof: ReasoningProof): { readonly thoughtSignature?: string } {
  const { signature, data, details, origin } = proof;
  if (signature === undefined && data === undefined && details === undefined) return {};
  const own = origin === ID && data === undefined && details === undefined;
  return { thoughtSignature: own && signature !== undefined ? signature : wrapped(proof) };
}

/** The `thoughtSignature` of a function call. A signature on a call is always Google's; what else stands beside it needs a token. */
export function callSignature({
  id,
  signature,
  extensions,
}: Pick<ToolCallPart, 'id' | 'signature' | 'extensions'>): JsonObject {
  const { [ID]: _, ...foreign } = extensions ?? {};
  if (Object.keys(foreign).length === 0) return present('thoughtSignature', signature);
  return { thoughtSignature: wrapped({ call: id, ...present('signature', signature), extensions: foreign }) };
}
