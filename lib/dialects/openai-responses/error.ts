/** Errors: as all of OpenAI's APIs write them, and as a stream of this one ends with them. */
import type { ErrorKind, GatewayError } from '../../errors.ts';
import type { JsonObject } from '../../kinds/json.ts';

export { decodeError, encodeError } from '../openai-error.ts';

/** Words of OpenAI's for `error.code` of a failed response, by meaning; anything else is `server_error`. */
const CODES: Partial<Record<ErrorKind, string>> = {
  invalid_request: 'invalid_prompt',
  unprocessable: 'invalid_prompt',
  content_filter: 'invalid_prompt',
  rate_limit: 'rate_limit_exceeded',
  budget_exceeded: 'rate_limit_exceeded',
  overloaded: 'server_is_overloaded',
};

/** The code of an error: its own word, else OpenAI's for its meaning. */
const codeOf = ({ kind, detail }: GatewayError): string => detail.code ?? CODES[kind] ?? 'server_error';

/** `error` of a failed response. */
export const failureOf = (error: GatewayError): JsonObject => ({
  code: codeOf(error),
  message: error.message,
  type: error.detail.type ?? null,
  param: error.detail.param ?? null,
});

/** Fields of the `error` event, for an answer that never began. */
export const errorEvent = (error: GatewayError): JsonObject => ({
  code: codeOf(error),
  message: error.message,
  param: error.detail.param ?? null,
});
