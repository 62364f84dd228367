import { describe, expect, it } from 'vitest';
import { gemini } from '../../../../lib/dialects/gemini/index.ts';

const { counting } = gemini;

describe('a count of Google', () => {
  it('takes a whole request, which names its model', () => {
    const contents = [{ role: 'user', parts: [{ text: 'Hi' }] }];

    const body = counting?.bodyOf({ contents, tools: [] }, 'gemini-2.5-flash');

    expect(body).toEqual({ generateContentRequest: { model: 'models/gemini-2.5-flash', contents, tools: [] } });
  });

  it('tells one number, or it is an error', () => {
    expect(counting?.tokensOf({ totalTokens: 12, promptTokensDetails: [] })).toBe(12);
    for (const answer of [{}, { totalTokens: '12' }, [], null]) {
      expect(() => counting?.tokensOf(answer)).toThrow(expect.objectContaining({ kind: 'upstream' }));
    }
  });
});
