import { describe, expect, it } from 'vitest';
import { textGeneration } from '../../../../lib/dialects/text-generation/index.ts';

const decode = (status: number, body: string, headers: Record<string, string> = {}) =>
  textGeneration('tgi').decodeError({ status, headers, body: Buffer.from(body) });

describe('a failed answer', () => {
  it('of a model that is loading says when to come back', () => {
    const body = JSON.stringify({ error: 'Model acme/llm is currently loading', estimated_time: 19.2 });

    expect(decode(503, body)).toMatchObject({
      kind: 'overloaded',
      status: 503,
      retryable: true,
      message: 'Model acme/llm is currently loading',
      detail: { retryAfter: '20', fromUpstream: true },
    });
    expect(decode(503, body, { 'retry-after': '3' }).detail.retryAfter).toBe('3');
  });

  it.each([
    [
      422,
      '{"error":"Input validation error: `inputs` must have less than 4096 tokens","error_type":"validation"}',
      'unprocessable',
    ],
    [429, '{"error":"Model is overloaded","error_type":"overloaded"}', 'rate_limit'],
    [401, '{"error":"Authorization header is invalid"}', 'authentication'],
    [400, '{"error":"failed to parse the request JSON buffer"}', 'invalid_request'],
    [502, '<html><title>Bad gateway</title></html>', 'upstream'],
    [500, '', 'upstream'],
  ])('with status %i and %s is %s', (status, body, kind) => {
    expect(decode(status, body)).toMatchObject({ kind, status });
  });
});
