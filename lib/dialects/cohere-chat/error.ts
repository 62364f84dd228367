/** Errors: `{id, message}` for a client; a provider's are read by the dialect that knows every envelope. */
import { GatewayError } from '../../errors.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { textOf } from '../values.ts';

export { decodeError, errorInside } from '../openai-error.ts';

/** The body of an error: the facts of a refused budget stand beside the message. */
export const encodeError = ({ message, detail }: GatewayError, callId: string): JsonObject => ({
  ...detail.facts,
  id: callId,
  message,
});

/** The error with which an answer ended; undefined when it ended well. */
export function errorOfEnding(ending: JsonObject): GatewayError | undefined {
  const word = ending.finish_reason;
  const message = textOf(ending.error);
  if (word === 'TIMEOUT') {
    return new GatewayError('timeout', message ?? 'The provider stopped its answer at its time limit.', { fromUpstream: true });
  }
  if (message === undefined && word !== 'ERROR') return undefined;
  return new GatewayError('upstream', message ?? 'The provider ended its answer with an error.', { fromUpstream: true });
}
