/** Answers of the management API as a function URL sends them. */
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { ErrorKind, GatewayError } from '../../lib/errors.ts';
import { Table } from '../../lib/management/spend/export.ts';

/** Answers hold secrets and figures of the moment: nobody may keep or sniff them. */
const HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const;

/** LiteLLM's `type` words; the others are invalid requests of some kind. */
const TYPES: Readonly<Partial<Record<ErrorKind, string>>> = {
  authentication: 'auth_error',
  permission: 'auth_error',
  not_found: 'not_found_error',
  rate_limit: 'throttling_error',
  budget_exceeded: 'budget_exceeded',
  timeout: 'timeout_error',
  overloaded: 'internal_server_error',
  upstream: 'internal_server_error',
  internal: 'internal_server_error',
};

/** A JSON answer. */
export function answerJson(
  body: unknown,
  statusCode = 200,
  headers: Readonly<Record<string, string>> = {},
): APIGatewayProxyStructuredResultV2 {
  return { statusCode, headers: { ...HEADERS, ...headers }, body: JSON.stringify(body) };
}

/** What a route answered: a table as a file, everything else as JSON. */
export function answerOf(value: unknown): APIGatewayProxyStructuredResultV2 {
  if (!(value instanceof Table)) return answerJson(value);
  return {
    statusCode: 200,
    headers: {
      ...HEADERS,
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="${value.name}"`,
    },
    body: value.csv,
  };
}

/** An error in LiteLLM's shape: `{error: {message, type, param, code}}`, the code as text. */
export function answerError(error: GatewayError): APIGatewayProxyStructuredResultV2 {
  const { detail, kind, message, status } = error;
  const type = detail.type ?? TYPES[kind] ?? 'invalid_request_error';
  const body = { error: { message, type, param: detail.param ?? null, code: String(status) } };
  const retry = detail.retryAfter === undefined ? {} : { 'retry-after': detail.retryAfter };
  return answerJson(body, status, { ...retry, ...detail.headers });
}
