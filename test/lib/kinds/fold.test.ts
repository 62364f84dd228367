import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../lib/errors.ts';
import { createFold, foldEvents, unfold } from '../../../lib/kinds/fold.ts';
import type { Choice, GenerateEvent, GenerateResponse, Part } from '../../../lib/kinds/generate.ts';

const citation = { url: 'https://a.example', origin: 'openai-chat', raw: { type: 'url_citation' } } as const;
const image = { type: 'image', source: { type: 'url', url: 'https://a.example/i.png' } } as const;

const parts: fc.Arbitrary<Part> = fc.oneof(
  fc.record(
    { type: fc.constant('text' as const), text: fc.string(), citations: fc.constant([citation]) },
    { requiredKeys: ['type', 'text'] },
  ),
  fc.record({ type: fc.constant('refusal' as const), text: fc.string() }),
  fc.record(
    {
      type: fc.constant('reasoning' as const),
      text: fc.string(),
      signature: fc.string(),
      data: fc.string(),
      details: fc.constant([{ type: 'reasoning.text' }]),
      origin: fc.constant('openai-chat' as const),
    },
    { requiredKeys: ['type', 'text'] },
  ),
  fc.record(
    {
      type: fc.constant('tool-call' as const),
      id: fc.string(),
      name: fc.string(),
      arguments: fc.string(),
      custom: fc.constant(true),
      signature: fc.string(),
      extensions: fc.constant({ 'openai-chat': { extra: 1 } }),
    },
    { requiredKeys: ['type', 'id', 'name', 'arguments'] },
  ),
  fc.constantFrom<Part>(image, { type: 'opaque', origin: 'anthropic-messages', value: { type: 'server_tool_use' } }),
);

const responses: fc.Arbitrary<GenerateResponse> = fc
  .record(
    {
      id: fc.string(),
      model: fc.string(),
      created: fc.nat(),
      usage: fc.constant({ inputTokens: 3, outputTokens: 4, source: 'provider' as const }),
      choices: fc.array(
        fc.record(
          {
            parts: fc.array(parts),
            finish: fc.constantFrom('stop' as const, 'length' as const, 'tool-calls' as const),
            raw: fc.string(),
            stopSequence: fc.string(),
            logprobs: fc.constant({ content: [{ token: 'a' }] }),
            extensions: fc.constant({ 'openai-chat': { note: true } }),
          },
          { requiredKeys: ['parts', 'finish'] },
        ),
        { maxLength: 3 },
      ),
    },
    { requiredKeys: ['choices'] },
  )
  .map((response) => ({ ...response, choices: response.choices.map((choice, index): Choice => ({ index, ...choice })) }));

describe('the fold of events', () => {
  it('gives back any answer that was told as events', () => {
    fc.assert(
      fc.property(responses, (response) => {
        expect(foldEvents(unfold(response))).toEqual(response);
      }),
    );
  });

  it('keeps parts in the order in which they began, whatever the order of their deltas', () => {
    // Prepare
    const at = (block: number) => ({ choice: 0, block });
    const events: GenerateEvent[] = [
      { type: 'tool-call-start', ...at(0), id: 'a', name: 'first' },
      { type: 'tool-call-start', ...at(1), id: 'b', name: 'second' },
      { type: 'tool-call-delta', ...at(1), arguments: '{"b"' },
      { type: 'tool-call-delta', ...at(0), arguments: '{}' },
      { type: 'tool-call-delta', ...at(1), arguments: ':1}' },
      { type: 'tool-call-end', ...at(0) },
      { type: 'tool-call-end', ...at(1) },
      { type: 'finish', choice: 0, reason: 'tool-calls' },
    ];

    // Act
    const [choice] = foldEvents(events).choices;

    // Assess
    expect(choice?.parts).toEqual([
      { type: 'tool-call', id: 'a', name: 'first', arguments: '{}' },
      { type: 'tool-call', id: 'b', name: 'second', arguments: '{"b":1}' },
    ]);
  });

  it('sorts alternatives, joins log probabilities and keeps the last usage figures', () => {
    const answer = foldEvents([
      { type: 'finish', choice: 1, reason: 'length' },
      { type: 'usage', usage: { inputTokens: 5, outputTokens: 1, source: 'provider' } },
      { type: 'logprobs', choice: 0, logprobs: { content: [{ token: 'a' }], refusal: null } },
      { type: 'logprobs', choice: 0, logprobs: { content: [{ token: 'b' }], refusal: null } },
      { type: 'usage', usage: { outputTokens: 9, source: 'provider' } },
      { type: 'finish', choice: 0, reason: 'stop' },
    ]);

    expect(answer).toEqual({
      choices: [
        { index: 0, parts: [], finish: 'stop', logprobs: { content: [{ token: 'a' }, { token: 'b' }], refusal: null } },
        { index: 1, parts: [], finish: 'length' },
      ],
      usage: { inputTokens: 5, outputTokens: 9, source: 'provider' },
    });
  });

  it('tells what is known so far, before and after an error', () => {
    // Prepare
    const fold = createFold();
    fold.push({ type: 'start', id: 'x' });
    fold.push({ type: 'text-delta', choice: 0, block: 0, text: 'Half' });
    const early = fold.response();
    const error = new GatewayError('upstream', 'cut short');

    // Act
    fold.push({ type: 'text-delta', choice: 0, block: 0, text: ' a' });
    fold.push({ type: 'error', error });

    // Assess
    expect(early).toEqual({ id: 'x', choices: [{ index: 0, parts: [{ type: 'text', text: 'Half' }], finish: 'other' }] });
    expect(fold.response()).toEqual({
      id: 'x',
      choices: [{ index: 0, parts: [{ type: 'text', text: 'Half a' }], finish: 'error' }],
      error,
    });
    expect(unfold(fold.response()).at(-1)).toEqual({ type: 'error', error });
  });

  it('makes a part of deltas and citations whose start is missing', () => {
    const answer = foldEvents([
      { type: 'reasoning-delta', choice: 0, block: 0, text: 'Hm' },
      { type: 'citation', choice: 0, block: 1, citation },
      { type: 'text-delta', choice: 0, block: 1, text: 'Yes' },
      { type: 'text-end', choice: 0, block: 1 },
      { type: 'refusal-delta', choice: 0, block: 2, text: 'N' },
      { type: 'refusal-delta', choice: 0, block: 2, text: 'o' },
    ]);

    expect(answer.choices[0]?.parts).toEqual([
      { type: 'reasoning', text: 'Hm' },
      { type: 'text', text: 'Yes', citations: [citation] },
      { type: 'refusal', text: 'No' },
    ]);
  });

  it('refuses to tell a part that no model writes', () => {
    const part: Part = { type: 'tool-result', callId: 'a', parts: [] };
    const answer: GenerateResponse = { choices: [{ index: 0, parts: [part], finish: 'stop' }] };

    expect(() => unfold(answer)).toThrow(/tool-result is no part of an answer/);
  });
});
