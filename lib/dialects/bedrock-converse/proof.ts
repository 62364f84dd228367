/**
 * Proofs of reasoning and of calls as blocks of a client's message. Bedrock has two opaque fields: the `signature` of readable
 * reasoning, and `redactedContent`, which is bytes (base64 on the wire).
 */
import type { ToolCallPart } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { isToken, packProof, type ReasoningProof } from '../proof.ts';
import { ID, SIGNER } from './wire.ts';

/** The token of ours in a `redactedContent`; undefined for a provider's own bytes. */
export function tokenIn(redacted: string): string | undefined {
  const token = Buffer.from(redacted, 'base64').toString('utf8');
  return isToken(token) ? token : undefined;
}

const redactedToken = (token: string): string => Buffer.from(token).toString('base64');

/**
 * The opaque field of the block a client gets: a `signature` where there is something to read (empty for reasoning without proof),
 * `redactedContent` where there is not. Undefined when there is nothing to say at all. Proofs of Bedrock are written as they came.
 */
export function proofField(
  proof: ReasoningProof,
  readable: boolean,
): { readonly signature: string } | { readonly redactedContent: string } | undefined {
  const { signature, data, details, origin } = proof;
  if (signature === undefined && data === undefined && details === undefined) return readable ? { signature: '' } : undefined;
  if (details === undefined) {
    if (origin === SIGNER && signature !== undefined && data === undefined) return { signature };
    if (origin === ID && data !== undefined && signature === undefined && !readable) return { redactedContent: data };
  }
  const token = packProof(proof);
  return readable ? { signature: token } : { redactedContent: redactedToken(token) };
}

/** The `redactedContent` that carries what belongs to a tool call, placed behind it; undefined when nothing does. */
export function callProof({
  id,
  signature,
  extensions,
}: Pick<ToolCallPart, 'id' | 'signature' | 'extensions'>): string | undefined {
  const { [ID]: _, ...foreign } = extensions ?? {};
  const some = Object.keys(foreign).length > 0;
  if (signature === undefined && !some) return undefined;
  return redactedToken(
    packProof({ call: id, ...(signature !== undefined && { signature }), ...(some && { extensions: foreign }) }),
  );
}

/** True for reasoning that another provider proved, or that this gateway marked as unproven. */
export function isForeign({ reasoningText, redactedContent }: JsonObject): boolean {
  if (typeof redactedContent === 'string') return tokenIn(redactedContent) !== undefined;
  const signature = (reasoningText as JsonObject | undefined)?.signature;
  return signature === '' || isToken(signature);
}
