import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../lib/errors.ts';
import { gemini } from '../../../../lib/dialects/gemini/index.ts';

const decode = (status: number, body: unknown, headers: Record<string, string> = {}): GatewayError =>
  gemini.decodeError({ status, headers, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) });

describe('an error for a client', () => {
  it('has the shape of Google', () => {
    const error = new GatewayError('invalid_request', 'contents: expected a list.', { param: 'contents', code: 'bad' });

    expect(gemini.encodeError(error, 'CALL')).toEqual({
      error: {
        code: 400,
        message: 'contents: expected a list.',
        status: 'INVALID_ARGUMENT',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
            reason: 'bad',
            domain: 'tollgate',
            metadata: { request_id: 'CALL' },
          },
          {
            '@type': 'type.googleapis.com/google.rpc.BadRequest',
            fieldViolations: [{ field: 'contents', description: 'contents: expected a list.' }],
          },
        ],
      },
    });
  });

  it('tells the facts of a refused budget as text', () => {
    const error = new GatewayError('budget_exceeded', 'Spent.', { facts: { scope: 'key', limit: 5 } });

    expect(gemini.encodeError(error, 'CALL')).toMatchObject({
      error: { code: 429, status: 'RESOURCE_EXHAUSTED', details: [{ metadata: { scope: 'key', limit: '5' } }] },
    });
  });
});

describe('an error of a provider', () => {
  const error = { code: 429, message: 'Quota.', status: 'RESOURCE_EXHAUSTED' };
  const retry = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34.4s' };

  it.each([
    ['alone', { error }],
    ['in a list', [{ error }]],
    ['in an event', `data: ${JSON.stringify({ error })}\n\n`],
  ])('keeps status, meaning and message: %s', (_, body) => {
    expect(decode(429, body)).toMatchObject({
      kind: 'rate_limit',
      status: 429,
      message: 'Quota.',
      detail: { code: 'RESOURCE_EXHAUSTED', fromUpstream: true },
    });
  });

  it('says when to try again, by its details or the header', () => {
    const body = { error: { ...error, details: [{ reason: 'x' }, retry] } };

    expect(decode(429, body).detail.retryAfter).toBe('35');
    expect(decode(429, body, { 'retry-after': '9' }).detail.retryAfter).toBe('9');
    expect(decode(429, { error: { ...error, details: [{ retryDelay: 'soon' }] } }).detail.retryAfter).toBeUndefined();
  });

  it.each([
    [400, { error: { message: 'API key not valid.', status: 'INVALID_ARGUMENT' } }, 'authentication'],
    [400, { error: { message: 'x', status: 'INVALID_ARGUMENT', details: [{ reason: 'API_KEY_INVALID' }] } }, 'authentication'],
    [400, { error: { message: 'x', status: 'FAILED_PRECONDITION' } }, 'invalid_request'],
    [403, { error: { message: 'x', status: 'PERMISSION_DENIED' } }, 'permission'],
    [404, { error: { message: 'x', status: 'NOT_FOUND' } }, 'not_found'],
    [503, { error: { message: 'x', status: 'UNAVAILABLE' } }, 'overloaded'],
    [504, { error: { message: 'x', status: 'DEADLINE_EXCEEDED' } }, 'timeout'],
    [500, { message: 'x' }, 'upstream'],
    [502, '<html><title>Bad</title></html>', 'upstream'],
    [401, '', 'authentication'],
  ])('with status %s and %j means %s', (status, body, kind) => {
    expect(decode(status, body)).toMatchObject({ kind, status });
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 400, max: 599 }), (body, status) => {
        expect(gemini.decodeError({ status, headers: {}, body }).status).toBe(status);
      }),
    );
  });
});
