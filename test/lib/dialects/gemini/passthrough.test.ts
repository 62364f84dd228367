import { describe, expect, it } from 'vitest';
import { gemini } from '../../../../lib/dialects/gemini/index.ts';
import { callSignature, reasoningSignature, tokenIn } from '../../../../lib/dialects/gemini/proof.ts';
import type { Usage } from '../../../../lib/kinds/usage.ts';

const { passthrough } = gemini;
const extensions = { 'anthropic-messages': { caller: {} } };

describe('a body that passes through', () => {
  it('needs no question for usage', () => {
    const body = { contents: [] };

    expect(passthrough.askUsage(body)).toBe(body);
    expect(passthrough.hidesUsage(body)).toBe(false);
    expect(passthrough.isUsageFrame({ data: '{}' })).toBe(false);
  });

  it.each([
    [{}, { generationConfig: { maxOutputTokens: 5 } }],
    [{ generationConfig: { topK: 1 } }, { generationConfig: { topK: 1, maxOutputTokens: 5 } }],
    [{ generationConfig: { maxOutputTokens: 3 } }, { generationConfig: { maxOutputTokens: 3 } }],
    [{ generation_config: { max_output_tokens: 9 } }, { generation_config: { max_output_tokens: 5 } }],
  ])('is capped where it says its cap: %j', (body, capped) => {
    expect(passthrough.clampOutput(body, 5)).toEqual(capped);
  });

  it('gets its cost in the last chunk', () => {
    const costOf = ({ outputTokens = 0 }: Usage): number => outputTokens / 4;
    const last = { candidates: [{ finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 1, thoughtsTokenCount: 2 } };

    expect(JSON.parse(passthrough.withCost(JSON.stringify(last), costOf) ?? '')).toEqual({
      ...last,
      usageMetadata: { ...last.usageMetadata, cost: 0.5 },
    });
    expect(passthrough.withCost('{"candidates":[]}', costOf)).toBeUndefined();
    expect(passthrough.withCost('{"finishReason"', costOf)).toBeUndefined();
    expect(passthrough.withCost(JSON.stringify(last), () => undefined)).toBeUndefined();
  });

  it('stays the same object without foreign proofs', () => {
    const body = { contents: [{ parts: [{ text: 'x', thoughtSignature: 'dGV4dA==' }] }, 'odd', {}] };

    expect(passthrough.withoutForeignProofs(body, {})).toBe(body);
    expect(passthrough.withoutForeignProofs({}, {})).toEqual({});
  });

  it('loses the reasoning of other providers and keeps what Google proved', () => {
    const foreign = reasoningSignature({ signature: 's', origin: 'anthropic-messages' });
    const calls = [
      { functionCall: { name: 'f' }, ...callSignature({ id: 'a', signature: 'R29vZ2xl', extensions }) },
      { function_call: { name: 'g' }, thought_signature: callSignature({ id: 'b', extensions }).thoughtSignature },
    ];
    const body = {
      contents: [
        { role: 'model', parts: [{ text: 'Hm', thought: true, ...foreign }, { text: 'Hi', ...foreign }, ...calls] },
        { role: 'model', parts: [{ text: 'Hm', thought: true, ...foreign }] },
      ],
    };

    expect(passthrough.withoutForeignProofs(body, {})).toEqual({
      contents: [
        {
          role: 'model',
          parts: [
            { text: 'Hi' },
            { functionCall: { name: 'f' }, thoughtSignature: 'R29vZ2xl' },
            { function_call: { name: 'g' }, thought_signature: 'skip_thought_signature_validator' },
          ],
        },
      ],
    });
  });

  it('finds a token in either alphabet of base64, and none in signatures of Google', () => {
    const { thoughtSignature = '' } = reasoningSignature({ data: '>>>???', origin: 'anthropic-messages' });
    const urlSafe = thoughtSignature.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

    expect(tokenIn(thoughtSignature)).toMatch(/^tg1\./);
    expect(tokenIn(urlSafe)).toBe(tokenIn(thoughtSignature));
    expect(tokenIn('dGcxLA==')).toBeUndefined();
    expect(tokenIn('CiQBjz1r')).toBeUndefined();
    expect(tokenIn(undefined)).toBeUndefined();
  });

  it('may choose how its stream is framed', () => {
    expect(gemini.framingFor?.(new URLSearchParams('alt=sse'))).toBe('sse');
    expect(gemini.framingFor?.(new URLSearchParams(''))).toBe('json-array');
  });
});
