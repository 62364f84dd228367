import { describe, expect, it } from 'vitest';
import { openaiChat } from '../../../../lib/dialects/openai-chat/index.ts';
import { GatewayError, type ErrorKind } from '../../../../lib/errors.ts';

const decode = (status: number, body: string, headers: Record<string, string> = {}) =>
  openaiChat.decodeError({ status, headers, body: Buffer.from(body) });

describe('an error for a client', () => {
  it('has the four fields of OpenAI, with a code that is text', () => {
    const error = new GatewayError('invalid_request', 'messages: expected at least one message', { param: 'messages' });

    expect(openaiChat.encodeError(error, 'call-1')).toEqual({
      error: {
        message: 'messages: expected at least one message',
        type: 'invalid_request_error',
        param: 'messages',
        code: '400',
      },
    });
  });

  it('uses the words the error brings, and shows its facts', () => {
    const error = new GatewayError('budget_exceeded', 'Over budget', {
      type: 'budget_exceeded',
      code: 'key_budget',
      facts: { scope: 'key', limit: 5 },
    });

    expect(openaiChat.encodeError(error, 'call-1')).toEqual({
      error: { scope: 'key', limit: 5, message: 'Over budget', type: 'budget_exceeded', param: null, code: 'key_budget' },
    });
  });

  it('names a filtered request by its code', () => {
    expect(openaiChat.encodeError(new GatewayError('content_filter', 'No'), 'c')).toMatchObject({
      error: { code: 'content_filter' },
    });
  });
});

describe('an error of a provider', () => {
  it.each<[string, number, string, string, ErrorKind]>([
    [
      'the envelope of OpenAI',
      404,
      '{"error":{"message":"No such model","type":"x","code":"model_not_found"}}',
      'No such model',
      'not_found',
    ],
    ['a text as error', 429, '{"code":"Exhausted","error":"Slow down"}', 'Slow down', 'rate_limit'],
    ['a bare message', 401, '{"message":"Bad key"}', 'Bad key', 'authentication'],
    ['a detail text', 403, '{"detail":"Not yours"}', 'Not yours', 'permission'],
    ['a list of details', 422, '{"detail":[{"loc":["body"],"msg":"Field required"}]}', 'Field required', 'unprocessable'],
    ['a list of errors', 404, '{"result":null,"errors":[{"code":7003,"message":"No route"}]}', 'No route', 'not_found'],
    ['an array', 400, '[{"error":{"code":400,"message":"Bad"}}]', 'Bad', 'invalid_request'],
    [
      'an error object',
      429,
      '{"object":"error","message":"Capacity exceeded","type":"invalid_request_error"}',
      'Capacity exceeded',
      'rate_limit',
    ],
    [
      'a page',
      502,
      '<html><head><title>502 Bad Gateway</title></head><body><h1>Oh</h1></body></html>',
      '502 Bad Gateway',
      'upstream',
    ],
    ['a page without title', 503, '<body><script>x()</script><p>Back  soon</p></body>', 'Back soon', 'overloaded'],
    ['plain text', 500, 'upstream connect error', 'upstream connect error', 'upstream'],
    ['a JSON text', 400, '"Just so"', 'Just so', 'invalid_request'],
    ['an unknown object', 400, '{"reason":7}', '{"reason":7}', 'invalid_request'],
    [
      'OpenRouter with the words of its provider',
      429,
      '{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"busy"}}}',
      'Provider returned error: busy',
      'rate_limit',
    ],
  ])('is read from %s', (_, status, body, message, kind) => {
    expect(decode(status, body)).toMatchObject({ kind, status, message });
  });

  it.each([
    [500, ''],
    [500, '{}'],
    [500, '<br>'],
    [503, 'null'],
  ])('says something even when the provider says nothing: %s %j', (status, body) => {
    expect(decode(status, body).message).toBe(`The provider failed with status ${status} and said nothing about it.`);
  });

  it('survives bytes that are no text, and a status that is no failure', () => {
    const error = openaiChat.decodeError({ status: 304, headers: {}, body: new Uint8Array([0xff, 0xfe]) });

    expect(error).toMatchObject({ kind: 'upstream', status: 502 });
  });

  it('keeps type, code and param, and is marked as the words of a provider', () => {
    const error = decode(400, '{"error":{"message":"m","type":"t","param":"top_p","code":17}}');

    expect(error.detail).toMatchObject({ type: 't', code: '17', param: 'top_p', fromUpstream: true });
  });

  it.each([
    [{ 'retry-after': '7' }, '7'],
    [{ 'retry-after-ms': '1500' }, '2'],
    [{}, undefined],
  ])('keeps when to come back: %j', (headers, retryAfter) => {
    expect(decode(429, '{}', headers).detail.retryAfter).toBe(retryAfter);
  });

  it.each<[string, number, string, Partial<GatewayError>, string | undefined]>([
    [
      'a filter',
      400,
      '{"error":{"message":"m","code":"content_filter"}}',
      { kind: 'content_filter', status: 400 },
      'content_filter',
    ],
    [
      'a long prompt',
      400,
      '{"error":{"message":"maximum context length is 10 tokens"}}',
      { kind: 'invalid_request' },
      'context_length_exceeded',
    ],
    [
      'an empty account',
      429,
      '{"error":{"message":"m","code":"insufficient_quota"}}',
      { kind: 'rate_limit', retryable: false },
      'insufficient_quota',
    ],
    [
      'an unpaid account',
      402,
      '{"error":{"message":"Insufficient Balance"}}',
      { kind: 'permission', status: 402 },
      'insufficient_quota',
    ],
    [
      'a full server',
      500,
      '{"error":{"message":"The model is overloaded"}}',
      { kind: 'overloaded', status: 500, retryable: true },
      undefined,
    ],
    ['a busy server with its own status', 529, '{"error":{"message":"x"}}', { kind: 'overloaded', status: 529 }, undefined],
  ])('is refined by its words: %s', (_, status, body, expected, code) => {
    const error = decode(status, body);

    expect(error).toMatchObject(expected);
    expect(error.detail.code).toBe(code);
  });
});
