/** Errors of OpenAI's APIs and their relatives, both ways: our own in OpenAI's envelope, and whatever a provider says when it fails. */
import { GatewayError, kindOfStatus, type ErrorDetail, type ErrorKind } from '../errors.ts';
import { isObject, type JsonObject } from '../kinds/json.ts';
import type { FailedAnswer } from './dialect.ts';
import { excerpt } from './excerpt.ts';
import { numberOf, objectsOf, textOf } from './values.ts';

/** OpenAI's `type` words, or words near them, by meaning. */
const TYPES: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'invalid_request_error',
  authentication: 'authentication_error',
  permission: 'permission_error',
  not_found: 'not_found_error',
  method_not_allowed: 'invalid_request_error',
  conflict: 'conflict_error',
  too_large: 'request_too_large',
  headers_too_large: 'request_too_large',
  unsupported_media: 'invalid_request_error',
  unprocessable: 'invalid_request_error',
  rate_limit: 'rate_limit_error',
  budget_exceeded: 'budget_exceeded',
  content_filter: 'invalid_request_error',
  timeout: 'timeout_error',
  client_closed: 'client_closed_request',
  overloaded: 'overloaded_error',
  upstream: 'server_error',
  internal: 'server_error',
};

/**
 * The body of an error: `{error: {message, type, param, code}}`, facts beside them. `code` is always text: the error's own word, else
 * the status (LiteLLM's habit).
 */
export function encodeError(error: GatewayError): JsonObject {
  const { type, param, code, facts } = error.detail;
  return {
    error: {
      message: error.message,
      type: type ?? TYPES[error.kind],
      param: param ?? null,
      code: code ?? (error.kind === 'content_filter' ? 'content_filter' : String(error.status)),
      ...facts,
    },
  };
}

/** What a provider's error body says. */
interface Said {
  readonly message?: string | undefined;
  readonly type?: string | undefined;
  readonly code?: string | undefined;
  readonly param?: string | undefined;
  /** A status inside the body. */
  readonly status?: number | undefined;
}

/** A failed answer of a provider as an error of ours. Never throws. */
export function decodeError({ status, headers, body }: FailedAnswer): GatewayError {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8').trim();
  const said = read(text);
  const retryAfter = retryAfterOf(headers);
  return errorOf(said, status < 400 ? 502 : status, retryAfter === undefined ? {} : { retryAfter });
}

/** An error inside a stream, or inside a body with status 200. */
export function errorInside(value: unknown): GatewayError {
  const said = readObject(isObject(value) ? value : { message: value });
  return errorOf(said, said.status);
}

function errorOf(said: Said, status: number | undefined, more: ErrorDetail = {}): GatewayError {
  const message =
    said.message ?? `The provider failed${status === undefined ? '' : ` with status ${status}`} and said nothing about it.`;
  const refined = refine(said, message, status);
  const { message: _, status: _inner, ...detail } = said;
  const words = Object.entries({ ...detail, code: refined.code ?? detail.code }).filter(([, value]) => value !== undefined);
  return new GatewayError(refined.kind, message, {
    ...(Object.fromEntries(words) as ErrorDetail),
    ...(status !== undefined && { status }),
    ...(refined.retryable !== undefined && { retryable: refined.retryable }),
    ...more,
    fromUpstream: true,
  });
}

const OVERLOADED = /overloaded|over capacity|temporarily unavailable|server is busy/i;
const FILTERED = /content_filter|content_policy_violation|ResponsibleAIPolicyViolation|data_inspection_failed/i;
const TOO_LONG =
  /context_length_exceeded|too_many_prompt_tokens|maximum context length|context window|prompt is too long|total length of all messages/i;
const NO_MONEY =
  /insufficient_quota|insufficient (balance|credit|quota)|exceeded your current quota|used all available credits/i;

/** The words of a provider tell more than its status. */
function refine(said: Said, message: string, status?: number): { kind: ErrorKind; code?: string; retryable?: boolean } {
  const words = `${said.code ?? ''} ${said.type ?? ''} ${message}`;
  const kind = status === undefined ? kindOfWords(words) : kindOfStatus(status);
  const refusal = kind === 'invalid_request' || kind === 'unprocessable' || kind === 'too_large';
  if ((refusal || kind === 'permission') && FILTERED.test(words)) return { kind: 'content_filter', code: 'content_filter' };
  if (refusal && TOO_LONG.test(words)) return { kind: 'invalid_request', code: 'context_length_exceeded' };
  if ((kind === 'rate_limit' || kind === 'permission') && NO_MONEY.test(words)) {
    return { kind, code: 'insufficient_quota', retryable: false };
  }
  if ((kind === 'upstream' || kind === 'invalid_request') && OVERLOADED.test(words)) return { kind: 'overloaded' };
  return { kind };
}

const WORDS: readonly (readonly [RegExp, ErrorKind])[] = [
  [/rate_?limit|too many requests|throttl|insufficient_quota|RESOURCE_EXHAUSTED/i, 'rate_limit'],
  [/overloaded|unavailable|capacity/i, 'overloaded'],
  [/authentication|unauthorized|invalid_api_key/i, 'authentication'],
  [/permission|forbidden/i, 'permission'],
  [/not_?found/i, 'not_found'],
  [/time(d )?-?_?out/i, 'timeout'],
  [/content_filter|content_policy/i, 'content_filter'],
  [/invalid|validation|bad_?request|failed_generation|tool_use_failed|context_length/i, 'invalid_request'],
];

const kindOfWords = (words: string): ErrorKind => WORDS.find(([pattern]) => pattern.test(words))?.[1] ?? 'upstream';

/** Longest message kept, characters. */
const LIMIT = 2000;
/** Longest piece of a page kept, characters. */
const PAGE_LIMIT = 200;

function read(text: string): Said {
  if (text === '') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    // Vertex and Gemini wrap the error in an array.
    const value: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
    return isObject(value) ? readObject(value) : { message: textOf(value)?.slice(0, LIMIT) };
  } catch {
    return { message: text.startsWith('<') ? excerpt(text, PAGE_LIMIT) : text.slice(0, LIMIT) };
  }
}

/** The known envelopes: `{error: {}}`, `{error: ''}`, `{errors: [{}]}`, `{message}`, `{detail: [{msg}]}`, `{object: 'error'}`. */
function readObject(value: JsonObject): Said {
  const { error, errors, detail } = value;
  const inner: JsonObject = isObject(error) ? error : (objectsOf(errors)[0] ?? value);
  const raw = isObject(inner['metadata']) ? textOf(inner['metadata']['raw']) : undefined;
  const texts = [
    inner['message'],
    value['message'],
    error,
    objectsOf(detail)[0]?.['msg'],
    detail,
    errors,
    value['Message'],
    inner['error'],
  ];
  const message = texts.map(textOf).find((text) => text !== undefined);
  const code = inner['code'] ?? (inner === value ? undefined : value['code']);
  return {
    // OpenRouter's own message says only that the provider failed; the provider's words stand beside it.
    message: (raw === undefined || message === undefined ? message : `${message}: ${raw}`)?.slice(0, LIMIT) ?? firstText(inner),
    type: textOf(inner['type'] === 'error' ? undefined : inner['type']),
    code: textOf(code) ?? (typeof code === 'number' ? String(code) : undefined),
    param: textOf(inner['param']),
    status: statusOf(code) ?? statusOf(inner['status']) ?? statusOf(value['status_code']),
  };
}

const firstText = (value: JsonObject): string | undefined =>
  Object.keys(value).length === 0 ? undefined : JSON.stringify(value).slice(0, LIMIT);

function statusOf(value: unknown): number | undefined {
  const status = numberOf(value);
  return status !== undefined && status >= 400 && status < 600 ? status : undefined;
}

/** Seconds until a repeat makes sense, as the provider sent it; Azure and OpenAI also say it in milliseconds. */
function retryAfterOf(headers: FailedAnswer['headers']): string | undefined {
  const seconds = headers['retry-after'];
  if (seconds !== undefined && seconds !== '') return seconds;
  const milliseconds = Number(headers['retry-after-ms'] ?? Number.NaN);
  return Number.isFinite(milliseconds) ? String(Math.ceil(milliseconds / 1000)) : undefined;
}
