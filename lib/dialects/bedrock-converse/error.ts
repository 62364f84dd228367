/**
 * Errors: ours for a client, a provider's for us. Source of the types: the error classes of `@aws-sdk/client-bedrock-runtime` 3.1163
 * and the common errors of AWS APIs, checked 2026-11-22.
 */
import { GatewayError, kindOfStatus, type ErrorDetail, type ErrorKind } from '../../errors.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { FailedAnswer } from '../dialect.ts';
import { excerpt } from '../excerpt.ts';
import { numberOf, present, textOf } from '../values.ts';

const TYPES: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'ValidationException',
  authentication: 'UnrecognizedClientException',
  permission: 'AccessDeniedException',
  not_found: 'ResourceNotFoundException',
  method_not_allowed: 'ValidationException',
  conflict: 'ConflictException',
  too_large: 'ValidationException',
  headers_too_large: 'ValidationException',
  unsupported_media: 'ValidationException',
  unprocessable: 'ValidationException',
  rate_limit: 'ThrottlingException',
  budget_exceeded: 'ServiceQuotaExceededException',
  content_filter: 'ValidationException',
  timeout: 'ModelTimeoutException',
  client_closed: 'InternalServerException',
  overloaded: 'ServiceUnavailableException',
  upstream: 'InternalServerException',
  internal: 'InternalServerException',
};

/** The error body for a client. AWS SDKs read the class of the error from `__type` where no header names it. */
export function encodeError(error: GatewayError, callId: string): JsonObject {
  const { code, param, facts } = error.detail;
  const details = { ...present('code', code), ...present('param', param), ...facts };
  return {
    __type: TYPES[error.kind],
    message: error.message,
    requestId: callId,
    ...(Object.keys(details).length > 0 && { details }),
  };
}

/** The kinds that a stream can tell in their own exception; all else is an internal one. */
const STREAM_EXCEPTIONS: Readonly<Partial<Record<ErrorKind, string>>> = {
  invalid_request: 'validationException',
  content_filter: 'validationException',
  rate_limit: 'throttlingException',
  budget_exceeded: 'throttlingException',
  overloaded: 'serviceUnavailableException',
  upstream: 'modelStreamErrorException',
  timeout: 'modelStreamErrorException',
};

/** The same as the exception that ends a stream: its type and its members. */
export function streamException({ kind, message, status, detail }: GatewayError): {
  readonly type: string;
  readonly data: JsonObject;
} {
  const type = STREAM_EXCEPTIONS[kind] ?? 'internalServerException';
  const original = type === 'modelStreamErrorException' ? { originalStatusCode: status, originalMessage: message } : {};
  return { type, data: { message, ...original, ...present('code', detail.code) } };
}

const MEANINGS: Readonly<Record<string, { readonly kind: ErrorKind; readonly status: number }>> = {
  ValidationException: { kind: 'invalid_request', status: 400 },
  AccessDeniedException: { kind: 'permission', status: 403 },
  UnrecognizedClientException: { kind: 'authentication', status: 403 },
  InvalidSignatureException: { kind: 'authentication', status: 403 },
  IncompleteSignature: { kind: 'authentication', status: 400 },
  MissingAuthenticationTokenException: { kind: 'authentication', status: 403 },
  ExpiredTokenException: { kind: 'authentication', status: 403 },
  ResourceNotFoundException: { kind: 'not_found', status: 404 },
  ConflictException: { kind: 'conflict', status: 409 },
  ThrottlingException: { kind: 'rate_limit', status: 429 },
  ServiceQuotaExceededException: { kind: 'rate_limit', status: 400 },
  ModelNotReadyException: { kind: 'overloaded', status: 429 },
  ModelTimeoutException: { kind: 'timeout', status: 408 },
  ModelErrorException: { kind: 'upstream', status: 424 },
  ModelStreamErrorException: { kind: 'upstream', status: 424 },
  InternalServerException: { kind: 'upstream', status: 500 },
  ServiceUnavailableException: { kind: 'overloaded', status: 503 },
};

/** `com.amazon...#ThrottlingException:http://...` and a stream's `throttlingException` are `ThrottlingException`. */
function typeName(written: string): string {
  const [name = ''] = (written.split('#').at(-1) ?? '').split(':');
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** An error a provider reported inside a stream. `type` is the exception's, or the code of an error that is not modelled. */
export function reportedError(type: string, data: string): GatewayError {
  const name = typeName(type);
  const meaning = MEANINGS[name];
  const body = parseJson(data);
  const message = messageOf(body) ?? textOf(isObject(body) ? body.originalMessage : undefined);
  return new GatewayError(meaning?.kind ?? 'upstream', message ?? 'The provider reported an error without a message.', {
    ...(meaning !== undefined && { status: meaning.status }),
    ...(name !== '' && { code: name }),
    ...(isObject(body) && factsOf(body)),
    fromUpstream: true,
  });
}

/** The status the model itself answered with. */
const factsOf = (body: JsonObject): Pick<ErrorDetail, 'facts'> => {
  const original = numberOf(body.originalStatusCode);
  return original === undefined ? {} : { facts: { original_status: original } };
};

/** A failed answer. Its status stays; its type, in a header or the body, says best what it means. */
export function decodeError({ status, headers, body }: FailedAnswer): GatewayError {
  const text = new TextDecoder().decode(body);
  const value = parseJson(text);
  const report = isObject(value) ? value : {};
  const written = textOf(headers['x-amzn-errortype']) ?? textOf(report.__type) ?? textOf(report.code);
  const type = written === undefined ? undefined : typeName(written);
  const kind = MEANINGS[type ?? '']?.kind ?? kindOfStatus(status);
  const message = messageOf(value) ?? excerpt(text) ?? `The provider answered ${status} without saying why.`;
  return new GatewayError(kind, message, {
    status,
    ...present('code', type),
    ...present('retryAfter', headers['retry-after']),
    ...factsOf(report),
    fromUpstream: true,
  });
}

/** AWS services write `message` or `Message`. */
function messageOf(body: unknown): string | undefined {
  if (!isObject(body)) return undefined;
  const nested = isObject(body.error) ? textOf(body.error.message) : textOf(body.error);
  return textOf(body.message) ?? textOf(body.Message) ?? nested;
}
