/** What counters answer, in any dialect. */
import { GatewayError } from '../errors.ts';
import { isObject } from '../kinds/json.ts';
import { numberOf } from './values.ts';

/** The number of tokens in a counter's answer. Throws `upstream` where it tells none. */
export function tokensIn(answer: unknown, field: string): number {
  const tokens = isObject(answer) ? numberOf(answer[field]) : undefined;
  if (tokens === undefined) throw new GatewayError('upstream', 'The provider counted and told no number.');
  return tokens;
}
