/** A function URL event, taken apart for the routes. What cannot be read is the caller's error. */
import type { LambdaFunctionURLEvent } from 'aws-lambda';
import type { Caller } from '../../lib/exchange.ts';
import { GatewayError } from '../../lib/errors.ts';
import { isObject, type JsonObject } from '../../lib/kinds/json.ts';
import type { HttpRequest } from '../../lib/transport/message.ts';

/** A request of the management API, without who makes it. */
export interface OpenCall {
  /** A parameter of the path, percent-decoded; empty when the route has none of that name. */
  readonly param: (name: string) => string;
  /** A parameter of the query; empty ones count as absent. */
  readonly query: (name: string) => string | undefined;
  /** Names of the parameters of the query, as sent. */
  readonly names: readonly string[];
  /** The JSON body; empty without one. */
  readonly body: JsonObject;
  /** The secret in the header `authorization`. */
  readonly bearer?: string;
}

/** A request of the management API. */
export interface AdminCall extends OpenCall {
  readonly caller: Caller;
}

/** Largest body of a management call, bytes. */
const MAX_BODY_BYTES = 1_048_576;

/**
 * The parts of a call. `event` has the parameters that the router found in the path.
 *
 * @throws GatewayError `too_large`, or `invalid_request` for a body that is no JSON object.
 */
export function readCall(event: LambdaFunctionURLEvent, { query, body, headers }: HttpRequest): OpenCall {
  const [, bearer] = /^bearer\s+(\S+)$/i.exec(headers['authorization'] ?? '') ?? [];
  return {
    ...(bearer === undefined ? {} : { bearer }),
    body: readBody(body),
    query: (name) => query.get(name) || undefined,
    names: [...new Set(query.keys())],
    param: (name) => decode(event.pathParameters?.[name] ?? '', name),
  };
}

function readBody(bytes: Uint8Array): JsonObject {
  if (bytes.length > MAX_BODY_BYTES) {
    throw new GatewayError('too_large', `body: at most ${MAX_BODY_BYTES} bytes, got ${bytes.length}`);
  }
  if (bytes.length === 0) return {};
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new GatewayError('invalid_request', 'body: expected JSON in UTF-8', { param: 'body' });
  }
  if (isObject(body)) return body;
  throw new GatewayError('invalid_request', 'body: expected a JSON object', { param: 'body' });
}

/** The router matches paths as sent and does not decode them. */
function decode(value: string, name: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw new GatewayError('invalid_request', `${name}: expected valid percent-encoding in the path`, { param: name });
  }
}
