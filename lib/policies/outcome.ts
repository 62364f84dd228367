/** What a call came to that threw. */
import { GatewayError } from '../errors.ts';
import type { Exchange, Outcome } from '../exchange.ts';

/** The outcome of a call that ended with `thrown`: what the provider bills of it is in the exchange. */
export function outcomeOfFailure({ billed, signal }: Pick<Exchange, 'billed' | 'signal'>, thrown: unknown): Outcome {
  return {
    status: signal.aborted ? 'aborted' : 'error',
    error: GatewayError.from(thrown),
    ...(billed === undefined ? {} : { usage: billed }),
  };
}
