/** Counting tokens (`POST /v1/messages/count_tokens`): a message that is not answered. Source: the type declarations of the SDK (0.x). */
import { GatewayError } from '../../errors.ts';
import { isObject } from '../../kinds/json.ts';
import type { Counting } from '../dialect.ts';
import { numberOf } from '../values.ts';
import { otherFields } from './wire.ts';

/** Fields of a message that its count has not; the API refuses them. */
const ANSWER_ONLY: ReadonlySet<string> = new Set([
  'max_tokens',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'stream',
  'metadata',
  'service_tier',
  'inference_geo',
  'container',
  'diagnostics',
]);

/** How providers of this dialect count. */
export const counting: Counting = {
  bodyOf: (body) => otherFields(body, ANSWER_ONLY) ?? {},
  tokensOf(answer) {
    const tokens = isObject(answer) ? numberOf(answer['input_tokens']) : undefined;
    if (tokens === undefined) throw new GatewayError('upstream', 'The provider counted and told no number.');
    return tokens;
  },
};
