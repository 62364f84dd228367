import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../lib/dialects/anthropic-messages/index.ts';
import type { Message, Part, Warning } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { requestOf } from './support.ts';

function encode(messages: readonly Message[]): { system: unknown; messages: JsonObject[]; warnings: readonly Warning[] } {
  const { body, warnings } = anthropicMessages.encodeRequest(requestOf({ messages }), {
    model: 'claude',
    structuredOutput: 'native',
  });
  return { system: body.system, messages: body.messages as JsonObject[], warnings };
}

const say = (role: Message['role'], text: string): Message => ({ role, parts: [{ type: 'text', text }] });
const block = (text: string): JsonObject => ({ type: 'text', text });
const call = (id: string, json = '{}'): Part => ({ type: 'tool-call', id, name: 'f', arguments: json });
const result = (callId: string, ...parts: Extract<Part, { type: 'tool-result' }>['parts']): Message => ({
  role: 'tool',
  parts: [{ type: 'tool-result', callId, parts }],
});

describe('the conversation for a provider', () => {
  it('collects instructions from anywhere', () => {
    const sent = encode([say('system', 'A'), say('developer', 'B'), say('user', 'Hi'), say('system', 'C'), say('user', 'Yo')]);

    expect(sent.system).toEqual([block('A'), block('B'), block('C')]);
    expect(sent.messages).toEqual([{ role: 'user', content: [block('Hi'), block('Yo')] }]);
    expect(sent.warnings).toMatchObject([{ kind: 'changed', field: 'messages[3]' }]);
  });

  it('sends instructions alone as a user message, since the API needs one', () => {
    const sent = encode([say('system', 'Tell a joke')]);

    expect(sent).toMatchObject({
      messages: [{ role: 'user', content: [block('Tell a joke')] }],
      warnings: [{ kind: 'changed' }],
    });
    expect(sent.system).toBeUndefined();
  });

  it('puts the results of parallel calls first in one user message', () => {
    const sent = encode([
      say('user', 'Hi'),
      { role: 'assistant', parts: [call('a'), call('b')] },
      result('a', { type: 'text', text: '1' }),
      say('user', 'and'),
      result('b', { type: 'text', text: '2' }, { type: 'image', source: { type: 'url', url: 'u' } }),
    ]);

    expect(sent.messages.at(-1)).toEqual({
      role: 'user',
      content: [
        { type: 'tool_result', tool_use_id: 'a', content: '1' },
        { type: 'tool_result', tool_use_id: 'b', content: [block('2'), { type: 'image', source: { type: 'url', url: 'u' } }] },
        block('and'),
      ],
    });
  });

  it('cleans foreign ids of calls, for call and result alike, and keeps them apart', () => {
    const sent = encode([
      { role: 'assistant', parts: [call('call:1|x'), call('call_1_x'), call('')] },
      result('call:1|x'),
      result('call_1_x'),
      result(''),
      { role: 'assistant', parts: [call('call_1_x')] },
      result('call_1_x'),
      result('never.called'),
    ]);

    const ids = sent.messages.map(({ content }) => (content as JsonObject[]).map((item) => item.id ?? item.tool_use_id));
    expect(ids).toEqual([
      ['call_1_x', 'call_1_x_2', 'toolu'],
      ['call_1_x', 'call_1_x_2', 'toolu'],
      ['call_1_x_3'],
      ['call_1_x_3', 'never_called'],
    ]);
  });

  it.each([
    ['', {}, []],
    ['{"a":1}', { a: 1 }, []],
    ['{"cut', { input: '{"cut' }, ['messages[0].content[0].arguments']],
    ['[1]', { input: '[1]' }, ['messages[0].content[0].arguments']],
  ])('sends the arguments %j as an object', (json, input, fields) => {
    const sent = encode([{ role: 'assistant', parts: [call('a', json)] }, say('user', 'x')]);

    expect(sent.messages[0]).toMatchObject({ content: [{ input }] });
    expect(sent.warnings.map(({ field }) => field)).toEqual(fields);
  });

  it('leaves out blank text and messages that hold nothing else', () => {
    const sent = encode([
      say('user', 'Hi'),
      say('assistant', ' \n'),
      { role: 'assistant', parts: [{ type: 'refusal', text: '' }] },
      say('user', 'Yo'),
    ]);

    expect(sent.messages).toEqual([{ role: 'user', content: [block('Hi'), block('Yo')] }]);
    expect(sent.warnings).toEqual([]);
  });

  it('cuts white space at the end of an answer to continue', () => {
    const sent = encode([say('user', 'Hi'), say('assistant', 'The answer is ')]);

    expect(sent.messages[1]).toEqual({ role: 'assistant', content: [block('The answer is')] });
    expect(sent.warnings).toMatchObject([{ kind: 'changed', field: 'messages' }]);
    expect(encode([say('user', 'Hi'), say('assistant', 'The')]).warnings).toEqual([]);
    expect(encode([say('user', 'Hi'), { role: 'assistant', parts: [call('a')] }]).warnings).toEqual([]);
  });

  it('sends thinking with its proofs and drops reasoning that Anthropic did not sign', () => {
    const sent = encode([
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'Hm', signature: 's', origin: 'anthropic-messages' },
          { type: 'reasoning', text: '', data: 'd', origin: 'anthropic-messages' },
          { type: 'reasoning', text: 'plain' },
          { type: 'reasoning', text: 'foreign', signature: 'x', details: [{}], origin: 'openai-chat' },
          { type: 'text', text: 'Yes' },
        ],
      },
      say('user', 'x'),
    ]);

    expect(sent.messages[0]?.content).toEqual([
      { type: 'thinking', thinking: 'Hm', signature: 's' },
      { type: 'redacted_thinking', data: 'd' },
      block('Yes'),
    ]);
    expect(sent.warnings.map(({ field }) => field)).toEqual(['messages[0].content[2]', 'messages[0].content[3]']);
  });

  it('sends citations that have a proof', () => {
    const own: JsonObject = { type: 'web_search_result_location', url: 'u', title: 't', cited_text: 'c', encrypted_index: 'i' };
    const citations = [
      { origin: 'anthropic-messages' as const, raw: own },
      { origin: 'anthropic-messages' as const, raw: { ...own, encrypted_index: '' } },
      { origin: 'openai-chat' as const, raw: {}, url: 'u' },
    ];

    const sent = encode([{ role: 'assistant', parts: [{ type: 'text', text: 'x', citations }] }, say('user', 'y')]);
    expect(sent.messages[0]?.content).toEqual([{ type: 'text', text: 'x', citations: [own] }]);
    expect(sent.warnings).toHaveLength(1);
  });

  it('sends documents it can read and says which it cannot', () => {
    const document = (mediaType: string): Part => ({
      type: 'document',
      source: { type: 'base64', mediaType, data: 'SGk=' },
      title: 'T',
    });

    const sent = encode([
      {
        role: 'user',
        parts: [
          document('application/pdf'),
          document('text/markdown'),
          document('application/zip'),
          { type: 'document', source: { type: 'url', url: 'https://example.com/d.pdf' }, citations: true },
          { type: 'document', source: { type: 'file', id: 'f', origin: 'openai-chat' } },
        ],
      },
    ]);

    expect(sent.messages[0]?.content).toEqual([
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'SGk=' }, title: 'T' },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Hi' }, title: 'T' },
      { type: 'document', source: { type: 'url', url: 'https://example.com/d.pdf' }, citations: { enabled: true } },
    ]);
    expect(sent.warnings.map(({ field }) => field)).toEqual(['messages[0].content[2]', 'messages[0].content[4]']);
  });

  it('warns of everything else it cannot send', () => {
    const image: Part = { type: 'image', source: { type: 'url', url: 'u' }, detail: 'high' };
    const sent = encode([
      {
        role: 'user',
        name: 'Ada',
        parts: [
          image,
          { ...image, detail: 'auto' },
          { type: 'image', source: { type: 'file', id: 'f', origin: 'openai-chat' } },
          { type: 'image', source: { type: 'text', text: 'ascii art' } },
          { type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: '' } },
          { type: 'opaque', origin: 'openai-chat', value: {} },
        ],
      },
      { role: 'assistant', parts: [{ ...call('a'), signature: 'gemini' } as Part, { type: 'refusal', text: 'No' }] },
      say('user', 'x'),
    ]);

    expect(sent.messages[0]?.content).toHaveLength(2);
    expect(sent.messages[1]).toMatchObject({ content: [{ type: 'tool_use' }, block('No')] });
    expect(sent.warnings.map(({ field }) => field)).toEqual([
      'messages[0].name',
      'messages[0].content[0].detail',
      'messages[0].content[2]',
      'messages[0].content[3]',
      'messages[0].content[4]',
      'messages[0].content[5]',
      'messages[1].content[0].signature',
    ]);
  });
});
