import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bedrockConverse } from '../../../../lib/dialects/bedrock-converse/index.ts';
import type { Message, Part, ReasoningPart } from '../../../../lib/kinds/generate.ts';
import { CLAUDE, contentOf, encode, fieldsOf } from './support.ts';

const text = (value: string): Part => ({ type: 'text', text: value });
const messagesOf = (messages: readonly Message[]) => encode({ messages });
const SIGNED: ReasoningPart = { type: 'reasoning', text: 'hm', signature: 's', origin: 'anthropic-messages' };

describe('the conversation for a provider', () => {
  it('alternates, with instructions apart and tool results first', () => {
    const { body, warnings } = messagesOf([
      { role: 'developer', parts: [text('Be brief.')] },
      { role: 'user', parts: [text('One')] },
      { role: 'user', parts: [text('Two')] },
      { role: 'assistant', parts: [{ type: 'tool-call', id: 'a', name: 'f', arguments: '' }] },
      { role: 'user', parts: [text('And')] },
      { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', parts: [], isError: true, cache: {} }] },
      { role: 'system', parts: [text('Late.')] },
    ]);

    expect(body.system).toEqual([{ text: 'Be brief.' }, { text: 'Late.' }]);
    expect(body.messages).toEqual([
      { role: 'user', content: [{ text: 'One' }, { text: 'Two' }] },
      { role: 'assistant', content: [{ toolUse: { toolUseId: 'a', name: 'f', input: {} } }] },
      {
        role: 'user',
        content: [
          { toolResult: { toolUseId: 'a', content: [], status: 'error' } },
          { cachePoint: { type: 'default' } },
          { text: 'And' },
        ],
      },
    ]);
    expect(warnings.map(({ kind, field }) => [kind, field])).toEqual([
      ['changed', 'messages[6]'],
      ['changed', 'tools'],
    ]);
  });

  it('sends lone instructions as a user message', () => {
    expect(messagesOf([{ role: 'system', parts: [text('Hi')] }])).toMatchObject({
      body: { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] },
      warnings: [{ kind: 'changed', field: 'messages' }],
    });
  });

  it('leaves out blank text and cuts white space at the end of an answer to continue', () => {
    const { body, warnings } = messagesOf([
      { role: 'user', parts: [text(' '), text('Hi'), { type: 'refusal', text: '' }] },
      { role: 'assistant', parts: [{ type: 'refusal', text: 'No' }, text('So ')] },
    ]);

    expect(body.messages).toEqual([
      { role: 'user', content: [{ text: 'Hi' }] },
      { role: 'assistant', content: [{ text: 'No' }, { text: 'So' }] },
    ]);
    expect(warnings).toHaveLength(1);
  });

  it('sends pictures as bytes or from S3, in formats the API has', () => {
    const images: Part[] = [
      { type: 'image', source: { type: 'base64', mediaType: 'image/jpg', data: 'AA==' }, detail: 'auto' },
      { type: 'image', source: { type: 'url', url: 'data:image/webp;base64,AA==' } },
      { type: 'image', source: { type: 'url', url: 's3://bucket/a.JPG' } },
      { type: 'image', source: { type: 'file', id: 's3://bucket/a.png', origin: 'bedrock-converse' } },
    ];
    expect(contentOf('user', images)).toEqual([
      { image: { format: 'jpeg', source: { bytes: 'AA==' } } },
      { image: { format: 'webp', source: { bytes: 'AA==' } } },
      { image: { format: 'jpeg', source: { s3Location: { uri: 's3://bucket/a.JPG' } } } },
      { image: { format: 'png', source: { s3Location: { uri: 's3://bucket/a.png' } } } },
    ]);
  });

  it('warns of pictures, sounds and documents it cannot send', () => {
    const encoded = messagesOf([
      {
        role: 'user',
        name: 'Ann',
        parts: [
          text('Hi'),
          { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
          { type: 'image', source: { type: 'base64', mediaType: 'image/tiff', data: '' } },
          { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: '' }, detail: 'high' },
          { type: 'audio', source: { type: 'url', url: 'https://example.com/a.wav' } },
          { type: 'document', source: { type: 'file', id: 'file-1', origin: 'openai-chat' } },
          { type: 'opaque', origin: 'gemini', value: {} },
          { type: 'reasoning', text: 'mine' },
          { type: 'tool-call', id: 'x', name: 'f', arguments: 'oops', signature: 'thought' },
        ],
      },
    ]);

    expect(fieldsOf(encoded)).toEqual([
      'messages[0].name',
      'messages[0].content[1]',
      'messages[0].content[2]',
      'messages[0].content[3].detail',
      'messages[0].content[4]',
      'messages[0].content[5]',
      'messages[0].content[6]',
      'messages[0].content[7]',
      'messages[0].content[8].signature',
      'messages[0].content[8].arguments',
      'tools',
    ]);
  });

  it('names documents plainly and once, and puts text beside them', () => {
    const document = (title: string | undefined, mediaType = 'application/pdf'): Part => ({
      type: 'document',
      source: { type: 'base64', mediaType, data: 'AA==' },
      ...(title !== undefined && { title }),
    });
    const content = contentOf('user', [
      document('Q3_report  (final).pdf'),
      document(undefined),
      document(undefined, 'text/x-log; charset=utf-8'),
      { type: 'document', source: { type: 'text', text: 'Hi' }, context: 'C', citations: true },
    ]);

    expect(content).toEqual([
      { document: { format: 'pdf', name: 'Q3-report (final)-pdf', source: { bytes: 'AA==' } } },
      { document: { format: 'pdf', name: 'Document', source: { bytes: 'AA==' } } },
      { document: { format: 'txt', name: 'Document 2', source: { bytes: 'AA==' } } },
      {
        document: {
          format: 'txt',
          name: 'Document 3',
          source: { bytes: 'SGk=' },
          context: 'C',
          citations: { enabled: true },
        },
      },
      { text: 'Q3-report (final)-pdf, Document, Document 2, Document 3' },
    ]);
  });

  it('sends sound as bytes', () => {
    const source = { type: 'base64', mediaType: 'audio/wav', data: 'AA==' } as const;
    expect(contentOf('user', [{ type: 'audio', source }])).toEqual([{ audio: { format: 'wav', source: { bytes: 'AA==' } } }]);
  });

  it('gives back only what Claude signed, and nothing to other models', () => {
    const parts: Part[] = [
      SIGNED,
      { type: 'reasoning', text: '', data: 'b3BhcXVl', origin: 'bedrock-converse' },
      { type: 'reasoning', text: '', data: 'opaque', origin: 'anthropic-messages' },
      { type: 'reasoning', text: 'x', signature: 'y', origin: 'gemini' },
      text('a'),
    ];
    expect(contentOf('assistant', parts)).toEqual([
      { reasoningContent: { reasoningText: { text: 'hm', signature: 's' } } },
      { reasoningContent: { redactedContent: 'b3BhcXVl' } },
      { text: 'a' },
    ]);
    expect(contentOf('assistant', parts, { model: 'deepseek.r1-v1:0' })).toEqual([{ text: 'a' }]);
  });

  it('marks what stands before the cache point, also for a mark inside a tool result', () => {
    const inner = { type: 'text' as const, text: 'a', cache: { ttl: '1h' as const } };
    const result: Part = { type: 'tool-result', callId: 'c.1', parts: [inner] };
    expect(contentOf('tool', [result])).toEqual([
      { toolResult: { toolUseId: 'c_1', content: [{ text: 'a' }] } },
      { cachePoint: { type: 'default', ttl: '1h' } },
    ]);
  });

  it('sends back its own citations only', () => {
    const own = { title: 'T' };
    const encoded = messagesOf([
      {
        role: 'assistant',
        parts: [
          {
            type: 'text',
            text: 'a',
            citations: [
              { origin: 'bedrock-converse', raw: own },
              { origin: 'openai-chat', raw: {} },
            ],
          },
        ],
      },
    ]);
    expect(encoded.body.messages).toEqual([
      { role: 'assistant', content: [{ citationsContent: { content: [{ text: 'a' }], citations: [own] } }] },
    ]);
    expect(fieldsOf(encoded)).toEqual(['messages[0].content[0].citations']);
  });

  it('gives every call an id of its own that the API takes, and its result the same', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 90 }), { minLength: 1, maxLength: 12 }), (ids) => {
        const messages: Message[] = ids.flatMap((id): Message[] => [
          { role: 'assistant', parts: [{ type: 'tool-call', id, name: 'f', arguments: '{}' }] },
          { role: 'tool', parts: [{ type: 'tool-result', callId: id, parts: [] }] },
        ]);
        const sent = messagesOf(messages).body.messages as { content: Record<string, { toolUseId: string }>[] }[];
        const calls = sent.flatMap(({ content }) => content.flatMap(({ toolUse }) => toolUse?.toolUseId ?? []));
        const results = sent.flatMap(({ content }) => content.flatMap(({ toolResult }) => toolResult?.toolUseId ?? []));

        expect(new Set(calls).size).toBe(ids.length);
        for (const id of calls) expect(id).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
        expect(results).toEqual(calls);
      }),
    );
  });

  it('decodes what it encoded to the same conversation', () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/);
    const part: fc.Arbitrary<Part> = fc.oneof(
      fc.record({ type: fc.constant('text' as const), text: word }),
      fc.record({
        type: fc.constant('image' as const),
        source: fc.record({
          type: fc.constant('base64' as const),
          mediaType: fc.constant('image/png'),
          data: fc.constant('AAAA'),
        }),
      }),
      fc.record({ type: fc.constant('text' as const), text: word, cache: fc.constantFrom({}, { ttl: '1h' as const }) }),
    );
    const turn = fc.record({ user: fc.array(part, { minLength: 1, maxLength: 4 }), answer: word, call: fc.boolean() });
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 5 }), (turns) => {
        const messages = turns.flatMap(({ user, answer, call }, index): Message[] => {
          const id = `call_${index}`;
          const calling: Part = { type: 'tool-call', id, name: answer, arguments: JSON.stringify({ answer }) };
          const results: Message[] = call
            ? [{ role: 'tool', parts: [{ type: 'tool-result', callId: id, parts: [{ type: 'text', text: answer }] }] }]
            : [];
          return [
            { role: 'user', parts: user },
            { role: 'assistant', parts: [SIGNED, { type: 'text', text: answer }, ...(call ? [calling] : [])] },
            ...results,
            ...(call ? [{ role: 'assistant' as const, parts: [{ type: 'text' as const, text: 'done' }] }] : []),
          ];
        });
        const { body } = messagesOf(messages);
        expect(bedrockConverse.decodeRequest(body, { model: CLAUDE }).messages).toEqual(messages);
      }),
    );
  });
});
