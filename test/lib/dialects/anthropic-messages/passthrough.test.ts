import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../lib/dialects/anthropic-messages/index.ts';
import { packProof } from '../../../../lib/dialects/proof.ts';

const { passthrough } = anthropicMessages;

describe('passthrough', () => {
  it('asks for nothing and hides nothing, since streams always report usage', () => {
    const body = { model: 'm', stream: true };

    expect(passthrough.askUsage(body)).toBe(body);
    expect(passthrough.hidesUsage(body)).toBe(false);
    expect(passthrough.isUsageFrame({ data: '{}' })).toBe(false);
  });

  it('adds the cost to the final usage, and only there', () => {
    const delta = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { input_tokens: 2, output_tokens: 3 } };

    const data = passthrough.withCost(
      JSON.stringify(delta),
      ({ inputTokens = 0, outputTokens = 0 }) => inputTokens + outputTokens,
    );
    expect(JSON.parse(data ?? '')).toEqual({ ...delta, usage: { ...delta.usage, cost: 5 } });
  });

  it.each([
    '{"type":"ping"}',
    '{"type":"message_delta","delta":{}}',
    '{"type":"content_block_delta","delta":{"type":"text_delta","text":"\\"message_delta\\""}}',
    '{"type":"message_delta","usage":{"output_tokens":3}}',
    '"message_delta" but no JSON',
  ])('leaves %s alone', (data) => {
    expect(passthrough.withCost(data, () => 1)).toBeUndefined();
  });

  it('adds no cost that is unknown', () => {
    expect(
      passthrough.withCost('{"type":"message_delta","usage":{"input_tokens":1,"output_tokens":1}}', () => undefined),
    ).toBeUndefined();
  });

  it.each([
    [{ max_tokens: 5000 }, 2000, { max_tokens: 2000 }],
    [{ max_tokens: 100 }, 2000, { max_tokens: 100 }],
    [{}, 2000, { max_tokens: 2000 }],
    [
      { max_tokens: 9000, thinking: { type: 'enabled', budget_tokens: 1500 } },
      2000,
      { max_tokens: 2000, thinking: { type: 'enabled', budget_tokens: 1500 } },
    ],
    [
      { max_tokens: 9000, thinking: { type: 'enabled', budget_tokens: 8000 } },
      4000,
      { max_tokens: 4000, thinking: { type: 'enabled', budget_tokens: 2976 } },
    ],
    [
      { max_tokens: 9000, thinking: { type: 'enabled', budget_tokens: 8000 } },
      1500,
      { max_tokens: 1500, thinking: { type: 'enabled', budget_tokens: 1024 } },
    ],
    [
      { max_tokens: 9000, thinking: { type: 'enabled', budget_tokens: 8000 } },
      500,
      { max_tokens: 500, thinking: { type: 'disabled' } },
    ],
    [{ max_tokens: 9000, thinking: { type: 'adaptive' } }, 500, { max_tokens: 500, thinking: { type: 'adaptive' } }],
  ])('caps the output of %j at %i', (body, tokens, clamped) => {
    expect(passthrough.clampOutput(body, tokens)).toEqual(clamped);
  });

  it('takes out reasoning that the provider did not sign', () => {
    const token = packProof({ details: [{ type: 'reasoning.text' }], origin: 'openai-chat' });
    const text = { type: 'text', text: 'Answer' };
    const own = { type: 'thinking', thinking: 'Hm', signature: 'genuine' };
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm', signature: token }, text] },
      {
        role: 'assistant',
        content: [
          { type: 'redacted_thinking', data: token },
          { type: 'thinking', thinking: 'x', signature: '' },
        ],
      },
      { role: 'assistant', content: [own, text] },
    ];

    expect(passthrough.withoutForeignProofs({ model: 'm', messages }, {})).toEqual({
      model: 'm',
      messages: [messages[0], { role: 'assistant', content: [text] }, messages[3]],
    });
  });

  it('stops thinking where it would go on from calls whose thinking was taken out', () => {
    const foreign = { type: 'thinking', thinking: 'Hm', signature: packProof({ origin: 'openai-chat' }) };
    const call = { type: 'tool_use', id: 'c1', name: 'f', input: {} };
    const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1' }] };
    const asked = (block: object, ...more: object[]) => ({
      thinking: { type: 'enabled', budget_tokens: 2000 },
      messages: [{ role: 'user', content: 'Hi' }, { role: 'assistant', content: [block, call] }, result, ...more],
    });
    const thinkingOf = (body: Record<string, unknown>) => passthrough.withoutForeignProofs(body, {})['thinking'];

    expect(thinkingOf(asked(foreign))).toEqual({ type: 'disabled' });
    expect(thinkingOf(asked(foreign, { role: 'assistant', content: 'Done.' }, { role: 'user', content: 'More' }))).toEqual({
      type: 'enabled',
      budget_tokens: 2000,
    });
    expect(thinkingOf({ ...asked(foreign), thinking: { type: 'adaptive' } })).toEqual({ type: 'adaptive' });
    expect(thinkingOf(asked({ type: 'thinking', thinking: 'Hm', signature: 'genuine' }))).toMatchObject({ type: 'enabled' });
  });

  it.each([{ messages: [{ role: 'user', content: 'Hi' }, null] }, { messages: 'none' }, {}])('leaves %j alone', (body) => {
    expect(passthrough.withoutForeignProofs(body, {})).toBe(body);
  });
});
