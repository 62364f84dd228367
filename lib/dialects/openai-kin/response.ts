/** Whole answers of a provider. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject } from '../../kinds/json.ts';
import type { Decoding } from '../dialect.ts';
import { decodeResponse as decodeOpenai } from '../openai-chat/response.ts';
import { errorInside } from './error.ts';
import type { Kin } from './wire.ts';

/**
 * The events a stream of the same answer would have had.
 *
 * @throws GatewayError `upstream` for what is no answer, or the error that came with status 200.
 */
export function decodeResponse(kin: Kin, body: unknown, decoding: Decoding): readonly GenerateEvent[] {
  if (!isObject(body)) throw new GatewayError('upstream', 'The provider answered with JSON that is not an object.');
  const answer = kin.answer(body);
  if (answer === undefined) throw errorInside(body);
  return decodeOpenai(answer, decoding);
}
