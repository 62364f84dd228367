/** Errors: as all of OpenAI's APIs write them, and those that stand where a chunk or body should be. */
import type { GatewayError } from '../../errors.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { errorInside } from '../openai-error.ts';
import { textOf } from '../values.ts';

export { decodeError, encodeError } from '../openai-error.ts';

/** The error a chunk or body holds instead of an answer; undefined when it is none. */
export function errorOfChunk(chunk: JsonObject): GatewayError | undefined {
  const { error, choices } = chunk;
  if (isObject(error) || textOf(error) !== undefined) return errorInside(chunk);
  if (chunk['object'] === 'error' || chunk['type'] === 'error') return errorInside(chunk);
  if (!Array.isArray(choices)) {
    return textOf(chunk['message']) !== undefined || chunk['detail'] !== undefined ? errorInside(chunk) : undefined;
  }
  for (const choice of choices) {
    if (!isObject(choice)) continue;
    if (isObject(choice['error'])) return errorInside({ error: choice['error'] });
    if (choice['finish_reason'] === 'error') return errorInside({ message: 'The provider ended its answer with an error.' });
  }
  return undefined;
}
