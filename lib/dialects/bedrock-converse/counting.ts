/** Counting tokens (`POST /model/{id}/count-tokens`). Source: AWS's API reference, CountTokens, checked 2026-11-28. */
import { tokensIn } from '../counted.ts';
import type { Counting } from '../dialect.ts';

/** Fields of a request that its count has too. */
const COUNTED: ReadonlySet<string> = new Set(['messages', 'system', 'toolConfig', 'additionalModelRequestFields']);

/** How Bedrock counts. */
export const counting: Counting = {
  bodyOf: (body) => ({
    input: { converse: Object.fromEntries(Object.entries(body).filter(([field]) => COUNTED.has(field))) },
  }),
  refusesModel: ({ message }) => /support.*counting tokens/i.test(message),
  tokensOf: (answer) => tokensIn(answer, 'inputTokens'),
};
