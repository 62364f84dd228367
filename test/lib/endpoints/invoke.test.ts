import { describe, expect, it } from 'vitest';
import { findEndpoints } from '../../../lib/endpoints/index.ts';

describe('the routes of InvokeModel', () => {
  it.each([
    ['/model/claude/invoke', '/model/{model}/invoke', 'claude', false],
    ['/model/claude/invoke-with-response-stream', '/model/{model}/invoke-with-response-stream', 'claude', true],
    ['/bedrock/model/anthropic.claude-v2%3A1/invoke', '/model/{model}/invoke', 'anthropic.claude-v2:1', false],
    ['/model/anthropic/claude-opus/invoke', '/model/{model}/invoke', 'anthropic/claude-opus', false],
  ])('%s is %s', (path, route, model, stream) => {
    const [match, ...others] = findEndpoints(path);

    expect(others).toEqual([]);
    expect(match).toMatchObject({ model, endpoint: { route, stream, method: 'POST', dialect: 'bedrock-invoke' } });
  });

  it('leave other paths below /model alone', () => {
    expect(findEndpoints('/model/invoke')).toEqual([]);
  });
});
