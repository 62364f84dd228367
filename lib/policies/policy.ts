/** The shape of a policy: one step of the request onion. */
import type { Exchange, Reply } from '../exchange.ts';

/** Continues inward; may be called again by a policy that retries. */
export type Next = () => Promise<Reply>;

/**
 * A named async function: work, `await next()`, work on the reply or on its `done`. Throws `GatewayError`; rendering is the
 * business of the outermost policy alone.
 */
export type Policy = (exchange: Exchange, next: Next) => Promise<Reply>;
