import { describe, expect, it } from 'vitest';
import { bedrockConverse } from '../../../../lib/dialects/bedrock-converse/index.ts';
import { packProof } from '../../../../lib/dialects/proof.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import type { Usage } from '../../../../lib/kinds/usage.ts';
import { jsonFixture } from './support.ts';

const { passthrough } = bedrockConverse;
const thinking = (budget_tokens: number): JsonObject => ({ thinking: { type: 'enabled', budget_tokens } });

describe('passthrough', () => {
  it('asks for no usage and hides none: the stream has it anyway', () => {
    const body = {};
    expect(passthrough.askUsage(body)).toBe(body);
    expect(passthrough.hidesUsage(body)).toBe(false);
    expect(passthrough.isUsageFrame({ data: '{}' })).toBe(false);
  });

  it('adds the cost to the usage, where both are known', () => {
    const data = JSON.stringify({ usage: { inputTokens: 4, outputTokens: 1 }, serviceTier: { type: 'flex' }, metrics: {} });
    const costOf = ({ inputTokens = 0, serviceTier }: Usage): number => inputTokens * (serviceTier === 'flex' ? 2 : 4);

    expect(JSON.parse(passthrough.withCost(data, costOf) ?? '')).toEqual({
      usage: { inputTokens: 4, outputTokens: 1, cost: 8 },
      serviceTier: { type: 'flex' },
      metrics: {},
    });
    expect(passthrough.withCost(data, () => undefined)).toBeUndefined();
    for (const other of ['{}', '{"usage":1}', '"usage"', '{"usage":{}}', '{"usage":{"inputTokens":1']) {
      expect(passthrough.withCost(other, costOf)).toBeUndefined();
    }
  });

  it.each<[JsonObject, JsonObject]>([
    [{}, { inferenceConfig: { maxTokens: 100 } }],
    [{ inferenceConfig: { maxTokens: 50, topP: 1 } }, { inferenceConfig: { maxTokens: 50, topP: 1 } }],
    [{ inferenceConfig: { maxTokens: 500 } }, { inferenceConfig: { maxTokens: 100 } }],
    [
      { additionalModelRequestFields: { ...thinking(50), a: 1 } },
      { inferenceConfig: { maxTokens: 100 }, additionalModelRequestFields: { ...thinking(50), a: 1 } },
    ],
    [
      { additionalModelRequestFields: { ...thinking(2000), a: 1 } },
      { inferenceConfig: { maxTokens: 100 }, additionalModelRequestFields: { thinking: { type: 'disabled' }, a: 1 } },
    ],
  ])('caps the output of %j at 100 tokens', (body, clamped) => {
    expect(passthrough.clampOutput(body, 100)).toEqual(clamped);
  });

  it('cuts a thinking budget that the cap leaves no room for', () => {
    expect(passthrough.clampOutput({ additionalModelRequestFields: thinking(8000) }, 4000)).toEqual({
      inferenceConfig: { maxTokens: 4000 },
      additionalModelRequestFields: thinking(2976),
    });
  });

  it('takes out the reasoning that this gateway brought from others, and nothing else', () => {
    const token = packProof({ data: 'x', origin: 'gemini' });
    const kept = [
      { reasoningContent: { reasoningText: { text: 'a', signature: 's' } } },
      { reasoningContent: { reasoningText: { text: 'unsigned, by Bedrock' } } },
      { reasoningContent: { redactedContent: 'b3BhcXVl' } },
      { text: 'b' },
    ];
    const foreign = [
      { reasoningContent: { reasoningText: { text: 'a', signature: '' } } },
      { reasoningContent: { reasoningText: { text: 'a', signature: token } } },
      { reasoningContent: { redactedContent: Buffer.from(token).toString('base64') } },
    ];
    const body = {
      messages: [
        'odd',
        { role: 'assistant', content: [...foreign, ...kept] },
        { role: 'assistant', content: foreign },
        { role: 'user', content: [{ text: 'c' }] },
      ],
    };

    expect(passthrough.withoutForeignProofs(body, {})).toEqual({
      messages: ['odd', { role: 'assistant', content: kept }, { role: 'user', content: [{ text: 'c' }] }],
    });
  });

  it('switches thinking off where the thinking before a call was taken out', () => {
    const call = { toolUse: { toolUseId: 'c', name: 'f', input: {} } };
    const unproven = { reasoningContent: { reasoningText: { text: 'a', signature: '' } } };
    const result = { role: 'user', content: [{ toolResult: { toolUseId: 'c', content: [] } }] };
    const after = (content: JsonObject[], additionalModelRequestFields?: JsonObject): unknown =>
      passthrough.withoutForeignProofs(
        {
          messages: [{ role: 'assistant', content }, result],
          ...(additionalModelRequestFields !== undefined && { additionalModelRequestFields }),
        },
        {},
      ).additionalModelRequestFields;
    const signed = { reasoningContent: { reasoningText: { text: 'a', signature: 's' } } };

    expect(after([unproven, call], { ...thinking(2000), a: 1 })).toEqual({ thinking: { type: 'disabled' }, a: 1 });
    expect(after([signed, unproven, call], thinking(2000))).toEqual(thinking(2000));
    expect(after([unproven, call], { a: 1 })).toEqual({ a: 1 });
    expect(after([unproven, call])).toBeUndefined();
  });

  it('returns the same request when there is nothing to take out', () => {
    for (const body of [{}, jsonFixture('everything.request')]) expect(passthrough.withoutForeignProofs(body, {})).toBe(body);
  });
});
