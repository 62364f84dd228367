/** Whole answers: a prediction that is over. */
import { GatewayError } from '../../errors.ts';
import type { GenerateEvent } from '../../kinds/generate.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { present, textOf } from '../values.ts';
import { errorOfPrediction } from './error.ts';
import { usageOf } from './wire.ts';

const AT = { choice: 0, block: 0 } as const;

/**
 * The events a stream of the same answer would have had. A prediction that failed is told with what it counted: that was billed.
 *
 * @throws GatewayError `upstream` for what is no prediction, or one whose output is no text.
 */
export function decodeResponse(body: unknown): readonly GenerateEvent[] {
  if (!isObject(body)) throw new GatewayError('upstream', 'The provider answered with JSON that is not an object.');
  const usage = usageOf(body);
  const counted: readonly GenerateEvent[] = usage === undefined ? [] : [{ type: 'usage', usage }];
  const start: GenerateEvent = { type: 'start', ...present('id', textOf(body['id'])) };
  const error = errorOfPrediction(body);
  if (error !== undefined) return [start, ...counted, { type: 'error', error }];
  const text = textOfOutput(body);
  const written: readonly GenerateEvent[] =
    text === ''
      ? []
      : [
          { type: 'text-start', ...AT },
          { type: 'text-delta', ...AT, text },
          { type: 'text-end', ...AT },
        ];
  return [start, ...written, ...counted, { type: 'finish', choice: 0, reason: 'stop' }];
}

/** The text of an output: a list of its pieces, or one text. */
function textOfOutput({ output }: JsonObject): string {
  const pieces: readonly unknown[] = Array.isArray(output) ? output : [output ?? ''];
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('');
  throw new GatewayError('upstream', 'The output of this model is no text: it is none that chats.');
}
