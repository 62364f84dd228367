/** The shape of a policy: one step of the request onion. */
import type { Exchange, Reply } from '../exchange.ts';

/** Continues inward; may be called again by a policy that retries. */
export type Next = () => Promise<Reply>;

/**
 * A named async function: work, `await next()`, work on the reply or on its `done`. Throws `GatewayError`; rendering is the
 * business of the outermost policy alone.
 */
export type Policy = (exchange: Exchange, next: Next) => Promise<Reply>;

/** A policy for some calls, which the others pass without a turn of the event loop. `concerns` decides by what is known on the way in. */
export const onlyWhere = (concerns: (exchange: Exchange) => boolean, policy: Policy): Policy =>
  function stepAside(exchange, next) {
    return concerns(exchange) ? policy(exchange, next) : next();
  };
