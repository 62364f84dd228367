/** A provider's errors: read by what knows every envelope, with the words and the waiting times of these APIs. */
import { GatewayError } from '../../errors.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { FailedAnswer } from '../dialect.ts';
import { decodeError as decodeKnown, errorInside as knownInside } from '../openai-error.ts';
import { numberOf } from '../values.ts';

/** A failed answer. Hugging Face says in its body how many seconds a model still needs to load: that becomes the retry-after. */
export function decodeError(answer: FailedAnswer): GatewayError {
  const body = parseJson(Buffer.from(answer.body).toString('utf8'));
  const seconds = isObject(body) ? numberOf(body['estimated_time']) : undefined;
  if (seconds === undefined || answer.headers['retry-after'] !== undefined) return decodeKnown(answer);
  return decodeKnown({ ...answer, headers: { ...answer.headers, 'retry-after': String(Math.ceil(seconds)) } });
}

/** An error in a stream, or in a body that came with status 200; `error_type` is text-generation-inference's word for its kind. */
export const errorInside = (value: JsonObject): GatewayError =>
  knownInside(typeof value['error_type'] === 'string' ? { ...value, type: value['error_type'] } : value);
