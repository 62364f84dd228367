/** Errors: `{title, detail, status}` of the API, and the words of a prediction that failed. */
import { GatewayError } from '../../errors.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { textOf } from '../values.ts';

export { decodeError, errorInside } from '../openai-error.ts';

/** The error of a prediction that came to nothing; undefined for one that succeeded. */
export function errorOfPrediction({ status, error }: JsonObject): GatewayError | undefined {
  if (status === 'succeeded') return undefined;
  const told =
    typeof status === 'string' ? `The prediction ended as ${status}.` : 'The provider answered without a prediction.';
  return new GatewayError('upstream', textOf(error) ?? told, { fromUpstream: true });
}
