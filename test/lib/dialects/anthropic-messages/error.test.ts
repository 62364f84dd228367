import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../lib/dialects/anthropic-messages/index.ts';
import { GatewayError, type ErrorDetail, type ErrorKind } from '../../../../lib/errors.ts';

describe('an error for a client', () => {
  it.each<[ErrorKind, string, ErrorDetail?]>([
    ['invalid_request', 'invalid_request_error'],
    ['authentication', 'authentication_error'],
    ['permission', 'permission_error'],
    ['permission', 'billing_error', { status: 402 }],
    ['not_found', 'not_found_error'],
    ['method_not_allowed', 'invalid_request_error'],
    ['too_large', 'request_too_large'],
    ['rate_limit', 'rate_limit_error'],
    ['budget_exceeded', 'rate_limit_error'],
    ['timeout', 'timeout_error'],
    ['overloaded', 'overloaded_error'],
    ['upstream', 'api_error'],
    ['internal', 'api_error'],
  ])('of kind %s has the type %s', (kind, type, detail) => {
    expect(anthropicMessages.encodeError(new GatewayError(kind, 'Why', detail), 'CALL')).toEqual({
      type: 'error',
      error: { type, message: 'Why' },
      request_id: 'CALL',
    });
  });

  it('keeps code, field and facts as details', () => {
    const error = new GatewayError('budget_exceeded', 'Spent', {
      code: 'budget',
      param: 'key',
      facts: { limit: 5, scope: 'key' },
    });

    expect(anthropicMessages.encodeError(error, 'CALL').error).toEqual({
      type: 'rate_limit_error',
      message: 'Spent',
      details: { code: 'budget', param: 'key', limit: 5, scope: 'key' },
    });
  });
});

describe('a failed answer of a provider', () => {
  const failed = (status: number, body: string, headers: Record<string, string> = {}): GatewayError =>
    anthropicMessages.decodeError({ status, headers, body: Buffer.from(body) });
  const typed = (type: string): string =>
    JSON.stringify({ type: 'error', error: { type, message: 'Said so' }, request_id: 'req_1' });

  it.each([
    [400, 'invalid_request_error', 'invalid_request'],
    [401, 'authentication_error', 'authentication'],
    [402, 'billing_error', 'permission'],
    [403, 'permission_error', 'permission'],
    [404, 'not_found_error', 'not_found'],
    [413, 'request_too_large', 'too_large'],
    [429, 'rate_limit_error', 'rate_limit'],
    [500, 'api_error', 'upstream'],
    [504, 'timeout_error', 'timeout'],
    [529, 'overloaded_error', 'overloaded'],
    [418, 'teapot_error', 'invalid_request'],
  ])('keeps status %i and its type %s', (status, type, kind) => {
    expect(failed(status, typed(type))).toMatchObject({
      kind,
      status,
      message: 'Said so',
      detail: { code: type, fromUpstream: true },
    });
  });

  it('keeps the code by which SDKs tell errors of one type apart', () => {
    const details = { error_code: 'thread_not_found', secret: 'no' };
    const error = failed(404, JSON.stringify({ type: 'error', error: { type: 'not_found_error', message: 'Gone', details } }));

    expect(anthropicMessages.encodeError(error, 'CALL').error).toEqual({
      type: 'not_found_error',
      message: 'Gone',
      details: { error_code: 'thread_not_found' },
    });
    expect(failed(400, '{"error":{"message":"x","details":{"error_code":"http://10.0.0.1"}}}').detail.facts).toBeUndefined();
  });

  it('keeps when to try again', () => {
    expect(failed(429, typed('rate_limit_error'), { 'retry-after': '7' }).detail.retryAfter).toBe('7');
  });

  it.each([
    ['<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>', '502 Bad Gateway'],
    ['<p>Service <b>down</b></p>', 'Service down'],
    ['upstream connect error', 'upstream connect error'],
    ['', 'The provider answered 502 without saying why.'],
    ['{"message":"flat"}', 'flat'],
    ['{"error":"just text"}', 'just text'],
    ['[{"error":{"code":502,"message":"in an array","status":"UNAVAILABLE"}}]', 'in an array'],
    ['{"detail":"of FastAPI"}', 'of FastAPI'],
    ['{"odd":true}', '{"odd":true}'],
    ['5', '5'],
    ['\u0000\uFFFD', '\u0000\uFFFD'],
  ])('finds the message in %j', (body, message) => {
    expect(failed(502, body)).toMatchObject({ kind: 'upstream', status: 502, message });
  });

  it('never shows more than an excerpt of what is no error body', () => {
    expect(failed(500, 'x'.repeat(10_000)).message).toHaveLength(500);
  });
});
