import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../lib/errors.ts';
import { openaiResponses } from '../../../../lib/dialects/openai-responses/index.ts';

const bytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

describe('an error for a client', () => {
  it("stands in OpenAI's envelope", () => {
    const error = new GatewayError('invalid_request', 'input: expected text.', { param: 'input' });
    expect(openaiResponses.encodeError(error, 'call')).toEqual({
      error: { message: 'input: expected text.', type: 'invalid_request_error', param: 'input', code: '400' },
    });
  });
});

describe('an error of a provider', () => {
  it('keeps its words, status and the time to wait', () => {
    const answer = {
      status: 429,
      headers: { 'retry-after-ms': '1500' },
      body: bytes({ error: { message: 'Slow.', code: 'x' } }),
    };
    expect(openaiResponses.decodeError(answer)).toMatchObject({
      kind: 'rate_limit',
      status: 429,
      message: 'Slow.',
      detail: { code: 'x', retryAfter: '2' },
    });
  });
});
