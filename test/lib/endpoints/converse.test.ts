import { describe, expect, it } from 'vitest';
import { findEndpoints } from '../../../lib/endpoints/index.ts';

describe('the routes of Converse', () => {
  it.each([
    ['/model/claude/converse', '/model/{model}/converse', 'claude', false],
    ['/model/claude/converse-stream', '/model/{model}/converse-stream', 'claude', true],
    ['/bedrock/model/anthropic.claude-v2%3A1/converse', '/model/{model}/converse', 'anthropic.claude-v2:1', false],
    ['/model/openai/gpt-5/converse', '/model/{model}/converse', 'openai/gpt-5', false],
    [
      '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.amazon.nova/converse-stream',
      '/model/{model}/converse-stream',
      'arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova',
      true,
    ],
  ])('%s is %s', (path, route, model, stream) => {
    const [match, ...others] = findEndpoints(path);

    expect(others).toEqual([]);
    expect(match).toMatchObject({ model, endpoint: { route, stream, method: 'POST', dialect: 'bedrock-converse' } });
  });

  it('leaves other paths below /model alone', () => {
    expect(findEndpoints('/model/new')).toEqual([]);
    expect(findEndpoints('/model/converse')).toEqual([]);
  });
});
