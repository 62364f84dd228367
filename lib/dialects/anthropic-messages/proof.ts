/** Proofs of reasoning and of calls as the blocks of a client's message. */
import type { ToolCallPart } from '../../kinds/generate.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { packProof, type ReasoningProof } from '../proof.ts';
import { ID } from './wire.ts';

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
