import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../lib/dialects/anthropic-messages/index.ts';

const { counting } = anthropicMessages;

describe('a count of Anthropic', () => {
  it('takes a message without what only its answer needs', () => {
    const counted = { model: 'm', messages: [], system: 's', tools: [], thinking: { type: 'disabled' }, of_tomorrow: 1 };

    expect(counting?.bodyOf({ ...counted, max_tokens: 5, stream: true, metadata: {}, service_tier: 'auto' }, 'm')).toEqual(
      counted,
    );
    expect(counting?.bodyOf({ max_tokens: 5 }, 'm')).toEqual({});
  });

  it('tells one number, or it is an error', () => {
    expect(counting?.tokensOf({ input_tokens: 12, context_management: {} })).toBe(12);
    for (const answer of [{}, { input_tokens: '12' }, [], null]) {
      expect(() => counting?.tokensOf(answer)).toThrow(expect.objectContaining({ kind: 'upstream' }));
    }
  });
});
