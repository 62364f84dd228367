/**
 * Errors: ours for a client, a provider's for us. Source: Google's error model (`google.rpc.Status` and its details, cloud.google.com
 * "Errors" of API design) and recorded answers, checked 2026-11-22.
 */
import { GatewayError, kindOfStatus, type ErrorKind } from '../../errors.ts';
import { isObject, parseJson, type JsonObject } from '../../kinds/json.ts';
import type { FailedAnswer } from '../dialect.ts';
import { EXCERPT, excerpt } from '../excerpt.ts';
import { numberOf, objectsOf, present, textOf } from '../values.ts';

const STATUSES: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'INVALID_ARGUMENT',
  authentication: 'UNAUTHENTICATED',
  permission: 'PERMISSION_DENIED',
  not_found: 'NOT_FOUND',
  method_not_allowed: 'INVALID_ARGUMENT',
  conflict: 'ABORTED',
  too_large: 'INVALID_ARGUMENT',
  headers_too_large: 'INVALID_ARGUMENT',
  unsupported_media: 'INVALID_ARGUMENT',
  unprocessable: 'INVALID_ARGUMENT',
  rate_limit: 'RESOURCE_EXHAUSTED',
  budget_exceeded: 'RESOURCE_EXHAUSTED',
  content_filter: 'INVALID_ARGUMENT',
  timeout: 'DEADLINE_EXCEEDED',
  client_closed: 'CANCELLED',
  overloaded: 'UNAVAILABLE',
  upstream: 'INTERNAL',
  internal: 'INTERNAL',
};

const DETAIL = 'type.googleapis.com/google.rpc.';

/**
 * The error body for a client. What is known beyond the message stands in `details`, in Google's own shapes: an `ErrorInfo` with our
 * code, the facts of a refused budget and the call id, and a `BadRequest` that names the field.
 */
export function encodeError(error: GatewayError, callId: string): JsonObject {
  const { code, param, facts = {} } = error.detail;
  const metadata = Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, String(value)]));
  return errorBody(error, [
    {
      '@type': `${DETAIL}ErrorInfo`,
      reason: code ?? error.kind,
      domain: 'tollgate',
      metadata: { ...metadata, request_id: callId },
    },
    ...(param === undefined
      ? []
      : [{ '@type': `${DETAIL}BadRequest`, fieldViolations: [{ field: param, description: error.message }] }]),
  ]);
}

/** The same as the last element of a stream, which has nothing to say about the call. */
export function errorBody(error: GatewayError, details: readonly JsonObject[] = []): JsonObject {
  const { status, kind, message } = error;
  return { error: { code: status, message, status: STATUSES[kind], ...(details.length > 0 && { details }) } };
}

/** What Google's words mean, with the HTTP status of each: inside a stream the code may be missing. */
const MEANINGS: Readonly<Record<string, { readonly kind: ErrorKind; readonly status: number }>> = {
  INVALID_ARGUMENT: { kind: 'invalid_request', status: 400 },
  FAILED_PRECONDITION: { kind: 'invalid_request', status: 400 },
  OUT_OF_RANGE: { kind: 'invalid_request', status: 400 },
  UNAUTHENTICATED: { kind: 'authentication', status: 401 },
  PERMISSION_DENIED: { kind: 'permission', status: 403 },
  NOT_FOUND: { kind: 'not_found', status: 404 },
  ALREADY_EXISTS: { kind: 'conflict', status: 409 },
  ABORTED: { kind: 'conflict', status: 409 },
  RESOURCE_EXHAUSTED: { kind: 'rate_limit', status: 429 },
  CANCELLED: { kind: 'upstream', status: 499 },
  INTERNAL: { kind: 'upstream', status: 500 },
  UNKNOWN: { kind: 'upstream', status: 500 },
  DATA_LOSS: { kind: 'upstream', status: 500 },
  UNIMPLEMENTED: { kind: 'upstream', status: 501 },
  UNAVAILABLE: { kind: 'overloaded', status: 503 },
  DEADLINE_EXCEEDED: { kind: 'timeout', status: 504 },
};

/** What an error body says. */
interface Report {
  readonly message?: string;
  /** Google's word for the error. */
  readonly word?: string;
  readonly code?: number;
  readonly reason?: string;
  /** Seconds, as a decimal number. */
  readonly retryAfter?: string;
}

/** Reads an error body: `{error: {code, message, status, details}}`, alone or as the one element of a list, or a proxy's variant. */
function reportOf(body: unknown): Report {
  const first: unknown = Array.isArray(body) ? body[0] : body;
  if (!isObject(first)) return {};
  const error = isObject(first.error) ? first.error : first;
  const details = objectsOf(error.details);
  const delay = details.map((detail) => textOf(detail.retryDelay)).find((text) => text !== undefined);
  const reason = [...details, ...objectsOf(error.errors)]
    .map((detail) => textOf(detail.reason))
    .find((text) => text !== undefined);
  const message =
    textOf(error.message) ?? textOf(first.message) ?? textOf(first.error) ?? JSON.stringify(first).slice(0, EXCERPT);
  return {
    message,
    ...present('word', textOf(error.status)),
    ...present('code', numberOf(error.code)),
    ...present('reason', reason),
    ...present('retryAfter', delay === undefined ? undefined : secondsOf(delay)),
  };
}

/** A duration of Google's (`34.4s`) in whole seconds, rounded up. */
function secondsOf(duration: string): string | undefined {
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(duration)?.[1];
  return seconds === undefined ? undefined : String(Math.ceil(Number(seconds)));
}

/** A key that is wrong is reported as an invalid argument. */
const isAboutKey = ({ reason, message = '' }: Report): boolean =>
  reason === 'API_KEY_INVALID' || /API key not valid|API key expired/i.test(message);

function errorOf(report: Report, status: number | undefined, fallback: string, retryAfter?: string): GatewayError {
  const meaning = MEANINGS[report.word ?? ''];
  const known = status ?? httpStatus(report.code) ?? meaning?.status;
  const kind = isAboutKey(report)
    ? 'authentication'
    : (meaning?.kind ?? (known === undefined ? 'upstream' : kindOfStatus(known)));
  return new GatewayError(kind, report.message ?? fallback, {
    ...present('status', known),
    ...present('code', report.word),
    ...present('retryAfter', retryAfter ?? report.retryAfter),
    fromUpstream: true,
  });
}

const httpStatus = (code: number | undefined): number | undefined =>
  code !== undefined && code >= 400 && code < 600 ? code : undefined;

/** An error a provider reported inside a stream, or in the body of an answer that claimed success. */
export const reportedError = (body: unknown): GatewayError =>
  errorOf(reportOf(body), undefined, 'The provider reported an error without a message.');

/** A failed answer. Its status stays; the word in its body says best what it means. */
export function decodeError({ status, headers, body }: FailedAnswer): GatewayError {
  const text = new TextDecoder().decode(body);
  const event = /^data:(.*)$/m.exec(text)?.[1];
  const report = reportOf(parseJson(text) ?? parseJson(event ?? ''));
  const fallback = excerpt(text) ?? `The provider answered ${status} without saying why.`;
  return errorOf(report, status, fallback, headers['retry-after']);
}
