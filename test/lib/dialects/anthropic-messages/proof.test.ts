import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../lib/dialects/anthropic-messages/index.ts';
import { callProofBlock } from '../../../../lib/dialects/anthropic-messages/proof.ts';
import { isToken, packProof, unpackCall, unpackReasoning } from '../../../../lib/dialects/proof.ts';
import type { Part } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { contextOf } from './support.ts';

/** What a client sends back of an answer with these parts: its blocks, unchanged. */
function returned(parts: readonly Part[]): readonly Part[] | undefined {
  const { content } = anthropicMessages.encodeResponse({ choices: [{ index: 0, parts, finish: 'stop' }] }, contextOf().context);
  const messages = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content },
    { role: 'user', content: 'Go on' },
  ];
  return anthropicMessages.decodeRequest({ model: 'm', max_tokens: 10, messages }).messages[1]?.parts;
}

describe('proofs of reasoning', () => {
  it.each<[string, Part]>([
    ['a signature of Anthropic', { type: 'reasoning', text: 'Hm', signature: 's', origin: 'anthropic-messages' }],
    ['a signature without text', { type: 'reasoning', text: '', signature: 's', origin: 'anthropic-messages' }],
    ['redacted thinking', { type: 'reasoning', text: '', data: 'd', origin: 'anthropic-messages' }],
    ['redacted thinking with text', { type: 'reasoning', text: 'Hm', data: 'd', origin: 'anthropic-messages' }],
    [
      'items of OpenRouter',
      { type: 'reasoning', text: 'Hm', details: [{ type: 'reasoning.text', text: 'Hm', index: 0 }], origin: 'openai-chat' },
    ],
    [
      'encrypted items',
      { type: 'reasoning', text: '', details: [{ type: 'reasoning.encrypted', data: 'x' }], origin: 'openai-chat' },
    ],
    [
      'a signature beside items',
      { type: 'reasoning', text: 'Hm', signature: 's', details: [{ signature: 's' }], origin: 'openai-chat' },
    ],
    ['nothing: plain text', { type: 'reasoning', text: 'Just text' }],
    ['the signature of a call', { type: 'tool-call', id: 'c', name: 'f', arguments: '{"a":1}', signature: 'thought' }],
    [
      'fields beside a call',
      {
        type: 'tool-call',
        id: 'c',
        name: 'f',
        arguments: '{}',
        extensions: { 'openai-chat': { extra_content: { google: 1 } } },
      },
    ],
  ])('survive an Anthropic client: %s', (_, part) => {
    expect(returned([part])).toEqual([part]);
  });

  it('are written as they came where they are Anthropic’s own', () => {
    const parts: Part[] = [
      { type: 'reasoning', text: 'Hm', signature: 's', origin: 'anthropic-messages' },
      { type: 'reasoning', text: '', data: 'd', origin: 'anthropic-messages' },
    ];
    const { content } = anthropicMessages.encodeResponse(
      { choices: [{ index: 0, parts, finish: 'stop' }] },
      contextOf().context,
    );

    expect(content).toEqual([
      { type: 'thinking', thinking: 'Hm', signature: 's' },
      { type: 'redacted_thinking', data: 'd' },
    ]);
  });

  it.each([
    'tg1.',
    'tg1.%%%',
    `tg1.${Buffer.from('[1]').toString('base64url')}`,
    `tg1.${Buffer.from('{"signature":5,"details":5,"origin":"x"}').toString('base64url')}`,
  ])('prove nothing when the token %s is damaged', (token) => {
    expect(isToken(token)).toBe(true);
    expect(unpackReasoning(token)).toEqual({});
    expect(unpackCall(token)).toBeUndefined();
  });

  it('of a call that is not in the message are dropped', () => {
    const data = packProof({ call: 'unknown', signature: 's' });
    const content: JsonObject[] = [
      { type: 'text', text: 'x' },
      { type: 'redacted_thinking', data },
    ];

    const { messages } = anthropicMessages.decodeRequest({
      model: 'm',
      max_tokens: 1,
      messages: [{ role: 'assistant', content }],
    });
    expect(messages[0]?.parts).toEqual([{ type: 'text', text: 'x' }]);
  });

  it('of a call are carried only where there are some', () => {
    expect(callProofBlock({ id: 'c', extensions: { 'anthropic-messages': { caller: {} } } })).toBeUndefined();
    expect(isToken(undefined)).toBe(false);
  });
});
