/** The onion: policies around a terminal step. */
import type { Exchange, Reply } from './exchange.ts';
import type { Policy } from './policies/policy.ts';

/** The innermost step, which makes the reply. */
export type Terminal = (exchange: Exchange) => Promise<Reply>;

/**
 * Nests the policies around the terminal step, first policy outermost. `next` may be called again by a policy that retries; each call
 * runs everything further in anew.
 *
 * @example const run = compose([renderErrors, authenticate], call); const reply = await run(exchange);
 */
export function compose(policies: readonly Policy[], terminal: Terminal): Terminal {
  return policies.reduceRight<Terminal>((inner, policy) => (exchange) => policy(exchange, () => inner(exchange)), terminal);
}
