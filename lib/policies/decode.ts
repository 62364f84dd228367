/** Bytes to a checked request: JSON, then the client's dialect. */
import { GatewayError } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import type { GenerateRequest } from '../kinds/generate.ts';
import { isObject, type JsonObject } from '../kinds/json.ts';
import type { HttpRequest } from '../transport/message.ts';
import { withoutControls } from './control-fields.ts';
import type { Policy } from './policy.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Longest name of a model, characters: ARNs of AWS, the longest there are, end here. Names are kept in memory, so they have to end. */
const LONGEST_MODEL = 2048;

/**
 * The JSON object in a request body.
 *
 * @throws GatewayError `invalid_request` that says whether it was the bytes, the JSON or its kind; `unsupported_media` when it is compressed
 */
export function parseBody(bytes: Uint8Array, headers: HttpRequest['headers'] = {}): JsonObject {
  const coding = headers['content-encoding']?.trim() ?? '';
  if (coding !== '' && coding.toLowerCase() !== 'identity') {
    const fault = `The request body is compressed (content-encoding: ${coding.slice(0, 100)}), which this gateway does not read; send it as it is.`;
    throw new GatewayError('unsupported_media', fault);
  }
  if (bytes.length === 0) throw new GatewayError('invalid_request', 'The request body is empty; expected a JSON object.');
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new GatewayError('invalid_request', 'The request body is not valid UTF-8.');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new GatewayError(
      'invalid_request',
      `The request body is not valid JSON: ${cause instanceof Error ? cause.message.slice(0, 200) : 'unreadable'}.`,
    );
  }
  if (!isObject(value)) {
    throw new GatewayError(
      'invalid_request',
      `The request body must be a JSON object, not ${Array.isArray(value) ? 'an array' : value === null ? 'null' : typeof value}.`,
    );
  }
  return value;
}

/**
 * Sets `exchange.body` and `exchange.generate`. `decodeRequest` may put into the body what only the route knew.
 *
 * @param hear told of the body as it was sent, the gateway's own fields included
 * @param complete the body to decode, with what it names and does not hold; may replace `exchange.body`
 */
export function decode(
  hear: (exchange: Exchange, body: JsonObject) => void,
  decodeRequest: (exchange: Exchange, body: JsonObject) => GenerateRequest,
  complete: (exchange: Exchange, body: JsonObject) => Promise<JsonObject> = async (_exchange, body) => body,
): Policy {
  return async function decodePolicy(exchange, next) {
    const sent = parseBody(exchange.request.body, exchange.request.headers);
    hear(exchange, sent);
    const { body, removed } = withoutControls(sent, (warning) => exchange.warnings.push(warning));
    exchange.body = body;
    exchange.removed = removed;
    exchange.generate = decodeRequest(exchange, await complete(exchange, body));
    const { length } = exchange.generate.model;
    if (length > LONGEST_MODEL) {
      const fault = `model: expected a name of at most ${LONGEST_MODEL} characters, got ${length}`;
      throw new GatewayError('invalid_request', fault, { param: 'model' });
    }
    return next();
  };
}
