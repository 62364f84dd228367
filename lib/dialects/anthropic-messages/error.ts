/** Errors: ours for a client, a provider's for us. Source of the types: Anthropic's errors page and SDK, checked 2026-11-22. */
import { GatewayError, kindOfStatus, type ErrorDetail, type ErrorKind } from '../../errors.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { FailedAnswer } from '../dialect.ts';
import { EXCERPT, excerpt } from '../excerpt.ts';

const TYPES: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'invalid_request_error',
  authentication: 'authentication_error',
  permission: 'permission_error',
  not_found: 'not_found_error',
  method_not_allowed: 'invalid_request_error',
  conflict: 'invalid_request_error',
  too_large: 'request_too_large',
  headers_too_large: 'invalid_request_error',
  unsupported_media: 'invalid_request_error',
  unprocessable: 'invalid_request_error',
  rate_limit: 'rate_limit_error',
  budget_exceeded: 'rate_limit_error',
  content_filter: 'invalid_request_error',
  timeout: 'timeout_error',
  client_closed: 'api_error',
  overloaded: 'overloaded_error',
  upstream: 'api_error',
  internal: 'api_error',
};

/**
 * The error body for a client. What is known beyond the message (`code`, `param`, the facts of a refused budget) is in `details`,
 * where the API keeps its own.
 */
export function encodeError(error: GatewayError, callId: string): JsonObject {
  return { ...errorEvent(error), request_id: callId };
}

/** The same as the event that ends a stream. */
export function errorEvent({ kind, status, message, detail }: GatewayError): JsonObject {
  const { code, param, facts } = detail;
  const type = status === 402 ? 'billing_error' : TYPES[kind];
  const details = {
    ...(code !== undefined && code !== type && { code }),
    ...(param !== undefined && { param }),
    ...facts,
  };
  return {
    type: 'error',
    error: {
      type,
      message,
      ...(Object.keys(details).length > 0 && { details }),
    },
  };
}

/** What the types of the API mean, with the status of each: inside a stream there is no other. */
const MEANINGS: Readonly<Record<string, { readonly kind: ErrorKind; readonly status: number }>> = {
  invalid_request_error: { kind: 'invalid_request', status: 400 },
  authentication_error: { kind: 'authentication', status: 401 },
  billing_error: { kind: 'permission', status: 402 },
  permission_error: { kind: 'permission', status: 403 },
  not_found_error: { kind: 'not_found', status: 404 },
  conflict_error: { kind: 'conflict', status: 409 },
  request_too_large: { kind: 'too_large', status: 413 },
  rate_limit_error: { kind: 'rate_limit', status: 429 },
  api_error: { kind: 'upstream', status: 500 },
  timeout_error: { kind: 'timeout', status: 504 },
  overloaded_error: { kind: 'overloaded', status: 529 },
};

/** An error a provider reported inside a stream, or in the body of an answer that claimed success. */
export function reportedError(body: JsonObject): GatewayError {
  const { message, type, facts } = reportOf(body);
  const meaning = MEANINGS[type ?? ''];
  return new GatewayError(meaning?.kind ?? 'upstream', message ?? 'The provider reported an error without a message.', {
    ...(meaning !== undefined && { status: meaning.status }),
    ...(type !== undefined && { code: type }),
    ...(facts !== undefined && { facts }),
    fromUpstream: true,
  });
}

/** A failed answer. Its status stays; the type in its body says best what it means. */
export function decodeError({ status, headers, body }: FailedAnswer): GatewayError {
  const text = new TextDecoder().decode(body);
  const { message, type, facts } = reportOf(parseJson(text));
  const retryAfter = headers['retry-after'];
  const detail: ErrorDetail = {
    status,
    ...(type !== undefined && { code: type }),
    ...(retryAfter !== undefined && { retryAfter }),
    ...(facts !== undefined && { facts }),
    fromUpstream: true,
  };
  const kind = MEANINGS[type ?? '']?.kind ?? kindOfStatus(status);
  return new GatewayError(kind, message ?? excerpt(text) ?? `The provider answered ${status} without saying why.`, detail);
}

/** What an error body says. */
interface Report {
  readonly message?: string;
  readonly type?: string;
  /** The `error_code` by which the SDKs tell errors of one type apart. */
  readonly facts?: { readonly error_code: string };
}

/** Reads an error body: `{error: {type, message, details}}`, or one of the forms proxies in between use. */
function reportOf(body: unknown): Report {
  const first: unknown = Array.isArray(body) ? body[0] : body;
  if (!isObject(first)) return {};
  const error = isObject(first.error) ? first.error : first;
  const message = [error.message, first.message, first.error, first.detail, first.Message].find(
    (candidate): candidate is string => typeof candidate === 'string' && candidate !== '',
  );
  const type = [error.type, error.status].find(
    (candidate): candidate is string => typeof candidate === 'string' && candidate !== 'error',
  );
  const code = isObject(error.details) ? error.details.error_code : undefined;
  return {
    message: message ?? JSON.stringify(first).slice(0, EXCERPT),
    ...(type !== undefined && { type }),
    ...(typeof code === 'string' && /^\w{1,80}$/.test(code) && { facts: { error_code: code } }),
  };
}
