import { describe, expect, it } from 'vitest';
import { bedrockConverse } from '../../../../lib/dialects/bedrock-converse/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import type { Part } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { packProof } from '../../../../lib/dialects/proof.ts';
import { jsonFixture } from './support.ts';

const decode = (content: readonly unknown[], role = 'user'): readonly Part[] =>
  bedrockConverse.decodeRequest({ messages: [{ role, content }] }, { model: 'm' }).messages.flatMap(({ parts }) => parts);
const CALL = { toolUse: { toolUseId: 'c', name: 'f', input: {} } };

describe('the conversation of a client', () => {
  it('is told in neutral parts', () => {
    const { messages } = bedrockConverse.decodeRequest(jsonFixture('everything.request'), { model: 'm' });
    const [system, user, assistant, results, rest] = messages;

    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'tool', 'user']);
    expect(system?.parts).toMatchObject([
      { type: 'text', text: 'Be brief.', cache: { ttl: '1h' } },
      { type: 'text', text: 'Guard me.' },
    ]);
    expect(user?.parts).toMatchObject([
      { type: 'text', text: 'What is this?' },
      { type: 'image', source: { type: 'base64', mediaType: 'image/jpeg', data: '/9j/' } },
      { type: 'image', source: { type: 'file', id: 's3://bucket/a.png', origin: 'bedrock-converse' } },
      {
        type: 'document',
        source: { mediaType: 'application/pdf' },
        title: 'Report (2026)',
        context: 'A report',
        citations: true,
      },
      { type: 'document', source: { type: 'text', text: '# Notes' } },
      { type: 'document', source: { type: 'text', text: 'one\ntwo' } },
      { type: 'document', source: { type: 'file', id: 's3://bucket/t.csv' } },
      { type: 'audio', format: 'mp3', source: { data: 'SUQz' } },
      { type: 'opaque' },
      { type: 'opaque' },
      { type: 'document', title: 'Example', context: 'https://example.com', source: { type: 'text', text: 'Found' } },
      { type: 'text', text: 'What is the capital?' },
      { type: 'image', source: { data: 'iVBO' }, cache: {} },
      { type: 'opaque', value: { cachePoint: {} } },
    ]);
    expect(assistant?.parts).toMatchObject([
      { type: 'reasoning', text: 'Look it up.', signature: 'c2lnbmVk', origin: 'anthropic-messages' },
      { type: 'reasoning', text: '', data: 'b3BhcXVl', origin: 'bedrock-converse' },
      { type: 'text', text: 'It says so.', citations: [{ title: 'Report' }] },
      { type: 'tool-call', id: 'tooluse_1', name: 'lookup', arguments: '{"q":"x"}' },
      { type: 'tool-call', id: 'tooluse_2', arguments: '{}' },
      { type: 'opaque' },
    ]);
    expect(results?.parts).toMatchObject([
      {
        callId: 'tooluse_1',
        cache: { ttl: '5m' },
        parts: [
          { type: 'text', text: '{"a":[1]}' },
          { type: 'text', text: 'and text' },
          { type: 'image' },
          { type: 'document' },
          { type: 'opaque' },
        ],
      },
      { callId: 'tooluse_2', isError: true },
    ]);
    expect(rest?.parts).toEqual([{ type: 'text', text: 'Go on' }]);
  });

  it('takes an empty signature for reasoning without a proof', () => {
    expect(
      decode([
        { reasoningContent: { reasoningText: { text: 'a', signature: '' } } },
        { reasoningContent: { reasoningText: { text: 'b' } } },
      ]),
    ).toEqual([
      { type: 'reasoning', text: 'a' },
      { type: 'reasoning', text: 'b' },
    ]);
  });

  it('reads the proofs that this gateway packed, and makes nothing of damaged ones', () => {
    const proof = packProof({ data: 'd', origin: 'anthropic-messages' });
    const ofCall = packProof({ call: 'c', signature: 'thought' });
    const bytes = (token: string): string => Buffer.from(token).toString('base64');

    expect(
      decode(
        [
          { reasoningContent: { reasoningText: { text: 'a', signature: proof } } },
          { reasoningContent: { redactedContent: bytes(proof) } },
          CALL,
          { reasoningContent: { redactedContent: bytes(ofCall) } },
          { reasoningContent: { redactedContent: bytes('tg1.###') } },
        ],
        'assistant',
      ),
    ).toEqual([
      { type: 'reasoning', text: 'a', data: 'd', origin: 'anthropic-messages' },
      { type: 'reasoning', text: '', data: 'd', origin: 'anthropic-messages' },
      { type: 'tool-call', id: 'c', name: 'f', arguments: '{}', signature: 'thought' },
      { type: 'reasoning', text: '' },
    ]);
    expect(decode([{ reasoningContent: { redactedContent: bytes(ofCall) } }], 'assistant')).toEqual([]);
  });

  it('keeps kinds of blocks it does not know', () => {
    const blocks: JsonObject[] = [{ toolAddition: { tool: {} } }, { guardContent: { video: {} } }];
    expect(decode(blocks)).toEqual(blocks.map((value) => ({ type: 'opaque', origin: 'bedrock-converse', value })));
    expect(decode([CALL, { toolResult: { toolUseId: 'c', type: 'web_search_result', content: [] } }])[1]).toMatchObject({
      type: 'opaque',
    });
  });

  it.each<[string, readonly unknown[]]>([
    ['messages[0].content[0]', ['Hi']],
    ['messages[0].content[0]', [{}]],
    ['messages[0].content[0].text', [{ text: 1 }]],
    ['messages[0].content[0].image.format', [{ image: { source: { bytes: '' } } }]],
    ['messages[0].content[0].image.source', [{ image: { format: 'png' } }]],
    ['messages[0].content[0].image.source.s3Location', [{ image: { format: 'png', source: {} } }]],
    ['messages[0].content[0].cachePoint.ttl', [{ cachePoint: { ttl: '2h' } }]],
    ['messages[0].content[0].toolUse.input', [{ toolUse: { toolUseId: 'c', name: 'f', input: 'x' } }]],
    ['messages[0].content[0].toolUse.toolUseId', [{ toolUse: { name: 'f', input: {} } }]],
    ['messages[0].content[1].toolResult.status', [CALL, { toolResult: { toolUseId: 'c', status: 'maybe' } }]],
    ['messages[0].content[1].toolResult.content[0]', [CALL, { toolResult: { toolUseId: 'c', content: ['x'] } }]],
    ['messages[0].content', [{ toolResult: { toolUseId: 'nobody', content: [] } }]],
  ])('is refused with the path of what is wrong: %s', (param, content) => {
    expect(() => decode(content)).toThrow(GatewayError);
    expect(() => decode(content)).toThrow(expect.objectContaining({ kind: 'invalid_request', detail: { param } }) as Error);
  });
});
