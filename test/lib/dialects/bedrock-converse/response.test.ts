import { describe, expect, it } from 'vitest';
import { bedrockConverse } from '../../../../lib/dialects/bedrock-converse/index.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { Choice, GenerateResponse, Part } from '../../../../lib/kinds/generate.ts';
import { contextOf } from './support.ts';

const choiceOf = (parts: readonly Part[], more: Partial<Choice> = {}): Choice => ({ index: 0, parts, finish: 'stop', ...more });
const encode = (response: Partial<GenerateResponse>, context = contextOf().context) =>
  bedrockConverse.encodeResponse({ choices: [], ...response }, context);
const contentOf = (parts: readonly Part[], context = contextOf().context): unknown =>
  (encode({ choices: [choiceOf(parts)] }, context).output as { message: { content: unknown } }).message.content;

describe('a whole answer of the provider', () => {
  it('is an error when it says so, or when it is no message', () => {
    const decode = (body: unknown) => () => bedrockConverse.decodeResponse(body, {});

    expect(decode({ __type: 'com.amazon#ThrottlingException', message: 'slow' })).toThrow(
      expect.objectContaining({ kind: 'rate_limit', message: 'slow' }) as Error,
    );
    for (const body of [undefined, [], {}, { output: {} }, 'text']) {
      expect(decode(body)).toThrow(expect.objectContaining({ kind: 'upstream' }) as Error);
    }
  });

  it('may lack what an answer should have', () => {
    const answer = foldEvents(bedrockConverse.decodeResponse({ output: { message: {} } }, {}));
    expect(answer).toMatchObject({ choices: [{ parts: [], finish: 'stop' }] });
    expect(answer.usage).toBeUndefined();
  });

  it('keeps blocks that are never streamed', () => {
    const content = [{ guardContent: { text: { text: 'x' } } }, { toolUse: { toolUseId: 't', name: 'f' } }];
    const answer = foldEvents(bedrockConverse.decodeResponse({ output: { message: { content } }, stopReason: 'tool_use' }, {}));

    expect(answer.choices[0]?.parts).toEqual([
      { type: 'opaque', origin: 'bedrock-converse', value: content[0] },
      { type: 'tool-call', id: 't', name: 'f', arguments: '{}' },
    ]);
  });

  it('reads the names of the cache figures that earlier versions had', () => {
    const usage = { inputTokens: 10, outputTokens: 2, cacheReadInputTokenCount: 5, cacheWriteInputTokenCount: 3 };
    const answer = foldEvents(bedrockConverse.decodeResponse({ output: { message: {} }, usage }, {}));
    expect(answer.usage).toEqual({
      inputTokens: 18,
      cacheReadTokens: 5,
      cacheWriteTokens: 3,
      outputTokens: 2,
      source: 'provider',
    });
  });
});

describe('a whole answer for a client', () => {
  it('is an error without a choice', () => {
    expect(() => encode({})).toThrow(/no answer/);
  });

  it('says every part it can', () => {
    const png = { type: 'base64', mediaType: 'image/png', data: 'AA==' } as const;
    const parts: Part[] = [
      { type: 'reasoning', text: 'plain' },
      { type: 'reasoning', text: '' },
      { type: 'text', text: '' },
      { type: 'refusal', text: '' },
      { type: 'refusal', text: 'No.' },
      { type: 'tool-call', id: 'c', name: 'f', arguments: 'oops' },
      { type: 'tool-call', id: 'c', name: 'f', arguments: '', extensions: { gemini: { thought: 'x' } } },
      { type: 'image', source: png },
      { type: 'audio', source: { ...png, mediaType: 'audio/mpeg' }, format: 'mp3' },
      { type: 'opaque', origin: 'bedrock-converse', value: { toolAddition: {} } },
    ];

    expect(contentOf(parts)).toEqual([
      { reasoningContent: { reasoningText: { text: 'plain', signature: '' } } },
      { text: 'No.' },
      { toolUse: { toolUseId: 'c', name: 'f', input: { input: 'oops' } } },
      { toolUse: { toolUseId: 'tooluse_CALL_1', name: 'f', input: {} } },
      { reasoningContent: { redactedContent: expect.any(String) as unknown } },
      { image: { format: 'png', source: { bytes: 'AA==' } } },
      { audio: { format: 'mp3', source: { bytes: 'AA==' } } },
      { toolAddition: {} },
    ]);
  });

  it('warns once of each kind of thing that it cannot say', () => {
    const { context, warnings } = contextOf();
    const parts: Part[] = [
      { type: 'text', text: 'a', citations: [{ origin: 'openai-chat', raw: {} }] },
      { type: 'image', source: { type: 'url', url: 'https://example.com' } },
      { type: 'audio', source: { type: 'url', url: 'https://example.com' } },
      { type: 'opaque', origin: 'gemini', value: {} },
      { type: 'tool-call', id: 'c', name: 'f', arguments: '[]' },
    ];
    encode({ choices: [choiceOf([], { index: 1 }), choiceOf(parts, { logprobs: {} })] }, context);

    expect(warnings.map(({ field }) => field)).toEqual(['n', 'logprobs', 'citations', 'modalities', 'content', 'tool_use']);
  });

  it.each<[Partial<Choice>, string]>([
    [{ finish: 'stop' }, 'end_turn'],
    [{ finish: 'stop', stopSequence: 'X' }, 'stop_sequence'],
    [{ finish: 'stop', raw: 'stop_sequence' }, 'stop_sequence'],
    [{ finish: 'length' }, 'max_tokens'],
    [{ finish: 'length', raw: 'model_context_window_exceeded' }, 'model_context_window_exceeded'],
    [{ finish: 'content-filter' }, 'content_filtered'],
    [{ finish: 'content-filter', raw: 'guardrail_intervened' }, 'guardrail_intervened'],
    [{ finish: 'refusal' }, 'content_filtered'],
    [{ finish: 'stop', parts: [{ type: 'refusal', text: 'No' }] }, 'content_filtered'],
    [{ finish: 'stop', parts: [{ type: 'tool-call', id: 'c', name: 'f', arguments: '' }] }, 'tool_use'],
    [{ finish: 'tool-calls', raw: 'tool_use' }, 'end_turn'],
    [{ finish: 'other', raw: 'malformed_tool_use' }, 'malformed_tool_use'],
    [{ finish: 'pause' }, 'end_turn'],
  ])('ends %j as %s', (more, stopReason) => {
    expect(encode({ choices: [choiceOf([], more)] }).stopReason).toBe(stopReason);
  });

  it('takes cached tokens out of the input, and tells only tiers of its own', () => {
    const usage = {
      inputTokens: 100,
      cacheReadTokens: 40,
      cacheWriteTokens: 30,
      cacheWrite1hTokens: 10,
      outputTokens: 5,
      serviceTier: 'batch',
      source: 'provider',
    } as const;
    const answer = encode({ choices: [choiceOf([])], usage }, contextOf({ costOf: () => 0.5 }).context);

    expect(answer).not.toHaveProperty('serviceTier');
    expect(answer.usage).toEqual({
      inputTokens: 30,
      outputTokens: 5,
      totalTokens: 105,
      cacheReadInputTokens: 40,
      cacheWriteInputTokens: 30,
      cacheDetails: [
        { ttl: '1h', inputTokens: 10 },
        { ttl: '5m', inputTokens: 20 },
      ],
      cost: 0.5,
    });
  });
});
