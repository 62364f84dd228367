/** Counting tokens (`POST /v1/messages/count_tokens`): a message that is not answered. Source: the type declarations of the SDK (0.x). */
import { tokensIn } from '../counted.ts';
import type { Counting } from '../dialect.ts';
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
  tokensOf: (answer) => tokensIn(answer, 'input_tokens'),
};
