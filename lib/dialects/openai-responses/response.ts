/** Whole answers, both ways. */
import { GatewayError } from '../../errors.ts';
import { unfold } from '../../kinds/fold.ts';
import type { GenerateEvent, GenerateResponse } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import type { Decoding, ReplyContext } from '../dialect.ts';
import { errorInside } from '../openai-error.ts';
import { AnswerDecoder } from './answer.ts';
import { ResponseEncoder } from './encoder.ts';

/**
 * Reads a provider's answer. One that is still queued or running (background) ends with `other`.
 *
 * @throws GatewayError `upstream` for what is no response, or the error that came with status 200.
 */
export function decodeResponse(body: unknown, decoding: Decoding): readonly GenerateEvent[] {
  if (!isObject(body)) throw new GatewayError('upstream', 'The provider answered with JSON that is not an object.');
  if (!Array.isArray(body['output'])) {
    if (body['error'] != null || body['message'] != null) throw errorInside(body);
    throw new GatewayError('upstream', 'The provider answered with something that is not a response.');
  }
  const answer = new AnswerDecoder(decoding);
  answer.whole(body);
  return answer.take();
}

/** Writes an answer for a client. */
export function encodeResponse(response: GenerateResponse, context: ReplyContext): JsonObject {
  const { choices } = response;
  if (choices.length === 0) throw new GatewayError('upstream', 'The provider gave no answer.');
  let told: JsonObject = {};
  const encoder = new ResponseEncoder(context, (_, { response: state }) => {
    if (isObject(state)) told = state;
  });
  for (const event of unfold(response)) encoder.push(event);
  encoder.end();
  return told;
}
