/** Counting tokens (`:countTokens`): a request that is not answered. Source: ai.google.dev/api/tokens, checked 2026-11-22. */
import { tokensIn } from '../counted.ts';
import type { Counting } from '../dialect.ts';

/** Fields of a request that its count on Vertex AI has too (cloud.google.com/vertex-ai, CountTokensRequest, checked 2026-11-28). */
const VERTEX: ReadonlySet<string> = new Set(['contents', 'systemInstruction', 'tools', 'generationConfig']);

/**
 * How Google counts: on AI Studio, only a whole request has its instruction and tools counted too, and that one names its model; Vertex AI
 * has the fields of a request beside each other, and counts them all.
 */
export const counting: Counting = {
  bodyOf: (body, model, variant) =>
    variant === 'vertex'
      ? Object.fromEntries(Object.entries(body).filter(([field]) => VERTEX.has(field)))
      : { generateContentRequest: { ...body, model: `models/${model}` } },
  tokensOf: (answer) => tokensIn(answer, 'totalTokens'),
};
