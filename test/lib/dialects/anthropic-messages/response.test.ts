import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../lib/dialects/anthropic-messages/index.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { Choice, GenerateResponse, Part } from '../../../../lib/kinds/generate.ts';
import { CASES, contextOf, responseFixture } from './support.ts';

const answerOf = (parts: readonly Part[], more: Partial<Choice> = {}): GenerateResponse => ({
  choices: [{ index: 0, parts, finish: 'stop', ...more }],
});

describe('an answer for a client', () => {
  it.each(CASES)('is the message the provider sent: %s', (name) => {
    const message = responseFixture(name);

    const encoded = anthropicMessages.encodeResponse(
      foldEvents(anthropicMessages.decodeResponse(message, {})),
      contextOf().context,
    );

    const { usage, ...rest } = message;
    expect(encoded).toMatchObject(rest);
    expect(encoded.usage).toMatchObject(usage as object);
  });

  it('has an id and model of ours where the provider gave none, and zeros for unknown usage', () => {
    const encoded = anthropicMessages.encodeResponse(answerOf([{ type: 'text', text: 'Hi' }]), contextOf().context);

    expect(encoded).toEqual({
      id: 'msg_CALL',
      type: 'message',
      role: 'assistant',
      model: 'client-model',
      content: [{ type: 'text', text: 'Hi' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 },
    });
  });

  it('counts cached tokens beside the input, and states the cost when asked', () => {
    const { context } = contextOf({ costOf: () => 0.25 });
    const usage = {
      inputTokens: 100,
      cacheReadTokens: 60,
      cacheWriteTokens: 30,
      outputTokens: 9,
      serviceTier: 'default',
      source: 'provider' as const,
    };

    expect(anthropicMessages.encodeResponse({ ...answerOf([]), usage }, context).usage).toEqual({
      input_tokens: 10,
      cache_creation_input_tokens: 30,
      cache_read_input_tokens: 60,
      output_tokens: 9,
      service_tier: 'standard',
      cost: 0.25,
    });
  });

  const call: Part = { type: 'tool-call', id: 'c', name: 'f', arguments: '{}' };
  it.each<[string, readonly Part[], Partial<Choice>]>([
    ['end_turn', [], { finish: 'stop' }],
    ['stop_sequence', [], { finish: 'stop', stopSequence: 'X' }],
    ['tool_use', [call], { finish: 'stop' }],
    ['tool_use', [call], { finish: 'tool-calls' }],
    ['end_turn', [], { finish: 'tool-calls' }],
    ['max_tokens', [call], { finish: 'length' }],
    ['model_context_window_exceeded', [], { finish: 'length', raw: 'model_context_window_exceeded' }],
    ['refusal', [], { finish: 'content-filter' }],
    ['refusal', [], { finish: 'refusal' }],
    ['refusal', [{ type: 'refusal', text: 'No' }], { finish: 'stop' }],
    ['pause_turn', [], { finish: 'pause' }],
    ['compaction', [], { finish: 'pause', raw: 'compaction' }],
    ['end_turn', [], { finish: 'other' }],
  ])('stops with %s', (stopReason, parts, ending) => {
    expect(anthropicMessages.encodeResponse(answerOf(parts, ending), contextOf().context).stop_reason).toBe(stopReason);
  });

  it('makes up ids for tool calls without one or with the same one', () => {
    const calls: Part[] = ['', 'a', 'a'].map((id) => ({ type: 'tool-call', id, name: 'f', arguments: '' }));

    const { content } = anthropicMessages.encodeResponse(answerOf(calls), contextOf().context);

    expect(content).toMatchObject([{ id: 'toolu_CALL_0', input: {} }, { id: 'a' }, { id: 'toolu_CALL_2' }]);
  });

  it.each(['[1]', 'null', '{"cut', '"text"'])('wraps the arguments %s, which are no object', (json) => {
    const { context, warnings } = contextOf();

    const { content } = anthropicMessages.encodeResponse(
      answerOf([{ type: 'tool-call', id: 'c', name: 'f', arguments: json }]),
      context,
    );

    expect(content).toEqual([{ type: 'tool_use', id: 'c', name: 'f', input: { input: json } }]);
    expect(warnings).toHaveLength(1);
  });

  it('writes citations of other providers as web search locations', () => {
    const { context, warnings } = contextOf();
    const citations = [
      { url: 'https://example.com', title: 'Example', origin: 'openai-chat' as const, raw: {} },
      { title: 'No address', origin: 'openai-chat' as const, raw: {} },
    ];

    const { content } = anthropicMessages.encodeResponse(answerOf([{ type: 'text', text: 'See', citations }]), context);

    expect(content).toEqual([
      {
        type: 'text',
        text: 'See',
        citations: [
          {
            type: 'web_search_result_location',
            url: 'https://example.com',
            title: 'Example',
            cited_text: '',
            encrypted_index: '',
          },
        ],
      },
    ]);
    expect(warnings.map(({ field }) => field)).toEqual(['citations']);
  });

  it('says once what it cannot say', () => {
    const { context, warnings } = contextOf();
    const parts: Part[] = [
      { type: 'text', text: '' },
      { type: 'image', source: { type: 'url', url: 'https://example.com/i.png' } },
      { type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: '' } },
      { type: 'opaque', origin: 'openai-chat', value: {} },
      { type: 'reasoning', text: '' },
    ];
    const choices = [1, 0].map((index) => ({ index, parts, finish: 'stop' as const, logprobs: {} }));

    const { content } = anthropicMessages.encodeResponse({ choices }, context);

    expect(content).toEqual([]);
    expect(warnings.map(({ field }) => field)).toEqual(['n', 'logprobs', 'modalities', 'content']);
  });

  it('refuses to make a message of no answer at all', () => {
    expect(() => anthropicMessages.encodeResponse({ choices: [] }, contextOf().context)).toThrow('no answer');
  });
});

describe('an answer of a provider', () => {
  it.each([null, 'text', [], {}, { content: 'text' }, { type: 'message', content: null }])(
    'is refused when it is %j',
    (body) => {
      expect(() => anthropicMessages.decodeResponse(body, {})).toThrow(expect.objectContaining({ kind: 'upstream' }));
    },
  );

  it('is an error when it claims success but holds one', () => {
    const body = { type: 'error', error: { type: 'overloaded_error', message: 'Busy' } };

    expect(() => anthropicMessages.decodeResponse(body, {})).toThrow(
      expect.objectContaining({ kind: 'overloaded', message: 'Busy' }),
    );
  });

  it('tolerates blocks that are no objects and a missing usage', () => {
    const events = anthropicMessages.decodeResponse(
      { content: [null, { type: 'text', text: 'x' }], stop_reason: 'end_turn' },
      {},
    );

    expect(foldEvents(events).choices[0]?.parts.at(-1)).toEqual({ type: 'text', text: 'x' });
  });
});
