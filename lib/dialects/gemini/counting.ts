/** Counting tokens (`:countTokens`): a request that is not answered. Source: ai.google.dev/api/tokens, checked 2026-11-22. */
import { GatewayError } from '../../errors.ts';
import { isObject } from '../../kinds/json.ts';
import type { Counting } from '../dialect.ts';
import { numberOf } from '../values.ts';

/** How Google AI Studio counts: only a whole request has its instruction and tools counted too, and that one names its model. */
export const counting: Counting = {
  bodyOf: (body, model) => ({ generateContentRequest: { ...body, model: `models/${model}` } }),
  tokensOf(answer) {
    const tokens = isObject(answer) ? numberOf(answer['totalTokens']) : undefined;
    if (tokens === undefined) throw new GatewayError('upstream', 'The provider counted and told no number.');
    return tokens;
  },
};
