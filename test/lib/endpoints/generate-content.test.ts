import { describe, expect, it } from 'vitest';
import { generateContent, streamGenerateContent } from '../../../lib/endpoints/generate-content.ts';
import { findEndpoints } from '../../../lib/endpoints/index.ts';
import { modelOne } from '../../../lib/endpoints/models.ts';

describe('routes of generateContent', () => {
  it.each(['/v1beta', '/v1', '/gemini/v1beta', '/gemini/v1', ''])('are found under "%s"', (prefix) => {
    expect(findEndpoints(`${prefix}/models/gemini-3-pro:generateContent`)).toEqual([
      { endpoint: generateContent, model: 'gemini-3-pro' },
    ]);
    expect(findEndpoints(`${prefix}/models/gemini-3-pro:streamGenerateContent`)).toEqual([
      { endpoint: streamGenerateContent, model: 'gemini-3-pro' },
    ]);
  });

  it('take names with slashes, colons and escapes', () => {
    const [match] = findEndpoints('/v1beta/models/vertex/llama3%3A8b:latest:generateContent');

    expect(match?.model).toBe('vertex/llama3:8b:latest');
  });

  it('leave the model list its own paths', () => {
    expect(findEndpoints('/v1/models/gemini-3-pro')).toEqual([{ endpoint: modelOne, model: 'gemini-3-pro' }]);
  });
});
