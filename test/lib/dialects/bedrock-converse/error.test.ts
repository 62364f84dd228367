import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bedrockConverse } from '../../../../lib/dialects/bedrock-converse/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';

const decode = (status: number, body: unknown, headers: Record<string, string> = {}): GatewayError =>
  bedrockConverse.decodeError({
    status,
    headers,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  });

describe('a failed answer of the provider', () => {
  it.each([
    [429, 'ThrottlingException', 'rate_limit'],
    [400, 'ValidationException', 'invalid_request'],
    [400, 'ServiceQuotaExceededException', 'rate_limit'],
    [403, 'AccessDeniedException', 'permission'],
    [403, 'ExpiredTokenException', 'authentication'],
    [404, 'ResourceNotFoundException', 'not_found'],
    [408, 'ModelTimeoutException', 'timeout'],
    [424, 'ModelErrorException', 'upstream'],
    [429, 'ModelNotReadyException', 'overloaded'],
    [500, 'InternalServerException', 'upstream'],
    [503, 'ServiceUnavailableException', 'overloaded'],
  ])('%i %s is %s, named in a header or in the body', (status, type, kind) => {
    const expected = { kind, status, message: 'It broke.', detail: { code: type, fromUpstream: true } };

    expect(
      decode(status, { message: 'It broke.' }, { 'x-amzn-errortype': `${type}:http://internal.amazon.com/` }),
    ).toMatchObject(expected);
    expect(decode(status, { __type: `com.amazon.bedrock#${type}`, Message: 'It broke.' })).toMatchObject(expected);
    expect(decode(status, { code: type, error: 'It broke.' })).toMatchObject(expected);
  });

  it('is judged by its status when it names no type we know, with retry-after kept', () => {
    const error = decode(429, { error: { message: 'slow' } }, { 'retry-after': '7' });
    expect(error).toMatchObject({ kind: 'rate_limit', message: 'slow', detail: { retryAfter: '7' } });
    expect(decode(418, { __type: 'TeapotException', originalStatusCode: 500 })).toMatchObject({
      kind: 'invalid_request',
      detail: { code: 'TeapotException', facts: { original_status: 500 } },
    });
  });

  it('may be a page, or nothing', () => {
    expect(decode(502, '<html><title>Bad  Gateway</title></html>').message).toBe('Bad Gateway');
    expect(decode(502, '').message).toBe('The provider answered 502 without saying why.');
  });

  it('is always an error, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 400, max: 599 }), fc.uint8Array(), fc.jsonValue(), (status, body, value) => {
        expect(bedrockConverse.decodeError({ status, headers: {}, body })).toBeInstanceOf(GatewayError);
        expect(decode(status, JSON.stringify(value))).toMatchObject({ status });
      }),
    );
  });
});

describe('an error for a client', () => {
  it.each([
    ['invalid_request', 'ValidationException'],
    ['authentication', 'UnrecognizedClientException'],
    ['permission', 'AccessDeniedException'],
    ['not_found', 'ResourceNotFoundException'],
    ['rate_limit', 'ThrottlingException'],
    ['budget_exceeded', 'ServiceQuotaExceededException'],
    ['timeout', 'ModelTimeoutException'],
    ['overloaded', 'ServiceUnavailableException'],
    ['internal', 'InternalServerException'],
  ] as const)('is named as AWS names it: %s', (kind, type) => {
    const error = new GatewayError(kind, 'No.', { param: 'messages', code: 'x', facts: { limit: 1 } });
    expect(bedrockConverse.encodeError(error, 'CALL')).toEqual({
      __type: type,
      message: 'No.',
      requestId: 'CALL',
      details: { code: 'x', param: 'messages', limit: 1 },
    });
  });

  it('is as short as it can be', () => {
    expect(bedrockConverse.encodeError(new GatewayError('conflict', 'No.'), 'CALL')).toEqual({
      __type: 'ConflictException',
      message: 'No.',
      requestId: 'CALL',
    });
  });
});
