import { describe, expect, it } from 'vitest';
import { parseModel, providerOf } from '../../../lib/providers/index.ts';

describe('a model string', () => {
  it.each([
    ['groq/llama-3.3-70b', { provider: 'groq', model: 'llama-3.3-70b' }],
    ['openrouter/anthropic/claude-opus-4.5', { provider: 'openrouter', model: 'anthropic/claude-opus-4.5' }],
    ['openai/*', { provider: 'openai', model: '*' }],
    ['gpt-4o', { provider: 'openai', model: 'gpt-4o' }],
    ['o3-mini', { provider: 'openai', model: 'o3-mini' }],
    ['chatgpt-4o-latest', { provider: 'openai', model: 'chatgpt-4o-latest' }],
    ['claude-opus-4-5', { provider: 'anthropic', model: 'claude-opus-4-5' }],
    ['llama-3.3-70b', undefined],
    ['meta-llama/llama-3.3-70b', undefined],
    ['groq/', undefined],
    ['/gpt-4o', undefined],
    ['ollama', undefined],
    ['opus', undefined],
    ['', undefined],
  ])('%s', (text, expected) => {
    expect(parseModel(text)).toEqual(expected);
  });
});

describe('a provider id', () => {
  it('finds its row', () => {
    expect(providerOf('together_ai').name).toBe('Together AI');
  });

  it('that is unknown is refused with the known ones', () => {
    expect(() => providerOf('acme')).toThrow(/Unknown provider 'acme'\. Known providers: .*anthropic, .*zai/);
  });
});
