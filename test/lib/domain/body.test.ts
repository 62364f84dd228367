import { describe, expect, it } from 'vitest';
import { keepingOf, withoutContent, withoutSecrets, type KeepingFacts } from '../../../lib/domain/body.ts';

const facts = (over: Partial<KeepingFacts> = {}): KeepingFacts => ({
  keep: false,
  redact: false,
  metadata: [],
  unlogged: false,
  ...over,
});
const store = (value: unknown) => ({ store_prompts_in_spend_logs: value });

describe('whether bodies are kept', () => {
  it.each([
    ['nothing by default', facts(), 'none'],
    ['all where the operator says so', facts({ keep: true }), 'whole'],
    ['those of a key that says so', facts({ metadata: [store(true)] }), 'whole'],
    ['those of a team that says so', facts({ metadata: [{}, store(true)] }), 'whole'],
    [
      'not those of a key that says no, whatever its team says',
      facts({ keep: true, metadata: [store(false), store(true)] }),
      'none',
    ],
    ['as if nothing was said where it was said wrongly', facts({ metadata: [store('yes')] }), 'none'],
    ['not where the request says no-log', facts({ keep: true, unlogged: true }), 'none'],
    ['without words where the operator says so', facts({ keep: true, redact: true }), 'redacted'],
    ['without words where the client says so', facts({ keep: true, redactionHeader: 'True' }), 'redacted'],
    [
      'without words where key or team say so',
      facts({ keep: true, metadata: [{}, { turn_off_message_logging: true }] }),
      'redacted',
    ],
  ])('%s', (_, given, expected) => {
    expect(keepingOf(given)).toBe(expected);
  });
});

describe('a body', () => {
  const body = {
    model: 'gpt-4o',
    max_tokens: 5,
    stream: true,
    messages: [
      { role: 'user', content: 'my secret plan' },
      { role: 'assistant', content: [{ type: 'text', text: 'ok' }] },
    ],
  };

  it('keeps its shape and its names without its words', () => {
    expect(withoutContent(body)).toEqual({
      model: 'gpt-4o',
      max_tokens: 5,
      stream: true,
      messages: [
        { role: 'user', content: 'redacted' },
        { role: 'assistant', content: [{ type: 'text', text: 'redacted' }] },
      ],
    });
  });

  it('loses credentials by name and by form, and nothing else', () => {
    const redact = (text: string) => text.replace('sk-abc', '[redacted]');
    const given = {
      ...body,
      api_key: 'x',
      extra: { 'x-authorization': 'y', accessToken: 'z', token: 'Hi', note: 'use sk-abc' },
    };

    expect(withoutSecrets(given, redact)).toEqual({
      ...body,
      api_key: 'redacted',
      extra: { 'x-authorization': 'redacted', accessToken: 'redacted', token: 'Hi', note: 'use [redacted]' },
    });
  });
});
