import { describe, expect, it } from 'vitest';
import type { UpstreamTarget } from '../../../../lib/dialects/dialect.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { openaiChat } from '../../../../lib/dialects/openai-chat/index.ts';

const { passthrough } = openaiChat;
const usage = '{"id":"a","choices":[],"usage":{"prompt_tokens":2,"completion_tokens":3,"total_tokens":5}}';

describe('a passthrough of chat completions', () => {
  it('asks for usage where the client did not, and hides it again', () => {
    const plain = { model: 'm', stream: true, stream_options: { include_obfuscation: false } };
    const asked = { model: 'm', stream: true, stream_options: { include_usage: true } };
    const whole = { model: 'm' };

    expect(passthrough.askUsage(plain)).toEqual({
      ...plain,
      stream_options: { include_obfuscation: false, include_usage: true },
    });
    expect(passthrough.askUsage({ model: 'm', stream: true })).toMatchObject({ stream_options: { include_usage: true } });
    expect(passthrough.askUsage(asked)).toBe(asked);
    expect(passthrough.askUsage(whole)).toBe(whole);
    expect([plain, asked, whole].map((body) => passthrough.hidesUsage(body))).toEqual([true, false, false]);
  });

  it('tells frames that only carry usage from all others', () => {
    expect(passthrough.isUsageFrame({ data: usage })).toBe(true);
    const others = [
      '[DONE]',
      '{"usage"',
      '{"choices":[],"usage":null}',
      '{"choices":[{}],"usage":{}}',
      '{"choices":[],"x":{}}',
    ];
    expect(others.map((data) => passthrough.isUsageFrame({ data }))).toEqual(others.map(() => false));
  });

  it('writes the cost into frames that have usage', () => {
    const costOf = ({ outputTokens = 0 }) => outputTokens / 100;

    expect(JSON.parse(passthrough.withCost(usage, costOf) ?? '')).toMatchObject({
      id: 'a',
      usage: { prompt_tokens: 2, cost: 0.03 },
    });
    expect(passthrough.withCost(usage, () => undefined)).toBeUndefined();
    for (const data of ['{"choices":[]}', '{"usage":', '{"usage":null}', '{"usage":{}}'])
      expect(passthrough.withCost(data, costOf)).toBeUndefined();
  });

  it('caps the output in the field the client used', () => {
    expect(passthrough.clampOutput({ max_tokens: 50 }, 10)).toEqual({ max_tokens: 10 });
    expect(passthrough.clampOutput({ max_tokens: 5, max_completion_tokens: 50 }, 10)).toEqual({
      max_tokens: 5,
      max_completion_tokens: 10,
    });
    expect(passthrough.clampOutput({ max_tokens: null }, 10)).toEqual({ max_tokens: null, max_completion_tokens: 10 });
  });
});

describe('reasoning this gateway wrote into an answer', () => {
  const withoutForeignProofs = (body: JsonObject, target: Pick<UpstreamTarget, 'reasoningField'>) =>
    passthrough.withoutForeignProofs(body, target);
  const turn = {
    role: 'assistant',
    content: 'C',
    reasoning_content: 'A',
    thinking_blocks: [{ type: 'thinking', thinking: 'A', signature: 's' }],
  };
  const body = { model: 'm', messages: [{ role: 'user', content: 'Hi' }, turn] };

  it('does not go to an API that takes none back', () => {
    expect(withoutForeignProofs(body, {})).toEqual({
      ...body,
      messages: [body.messages[0], { role: 'assistant', content: 'C' }],
    });
  });

  it('goes only in the fields an API knows', () => {
    const details = [{ type: 'reasoning.encrypted', data: 'sealed' }];
    const message = { ...turn, reasoning: 'A', reasoning_details: details };
    const kept = (reasoningField: 'reasoning' | 'reasoning_details') =>
      withoutForeignProofs({ messages: [message] }, { reasoningField })['messages'];

    expect(kept('reasoning')).toEqual([{ role: 'assistant', content: 'C', reasoning: 'A' }]);
    expect(kept('reasoning_details')).toEqual([
      { role: 'assistant', content: 'C', reasoning_content: 'A', reasoning: 'A', reasoning_details: details },
    ]);
  });

  it('goes where it is taken, and a body without any is left alone', () => {
    const plain = { model: 'm', messages: [{ role: 'user', content: 'Hi' }] };
    expect(withoutForeignProofs(body, { reasoningField: 'reasoning_content' })).toBe(body);
    expect(withoutForeignProofs(plain, {})).toBe(plain);
    expect(withoutForeignProofs({ messages: 4 }, {})).toEqual({ messages: 4 });
  });
});
