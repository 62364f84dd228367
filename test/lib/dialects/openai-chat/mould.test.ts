import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openaiChat } from '../../../../lib/dialects/openai-chat/index.ts';
import { mouldOf, textIn } from '../../../../lib/dialects/openai-chat/mould.ts';
import type { GenerateEvent } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { chunkOf } from './fixture.ts';

/** Events of chunks in this spelling. */
function eventsOf(chunks: readonly JsonObject[], spelling: (json: string) => string): GenerateEvent[] {
  const decoder = openaiChat.decodeStream({});
  const texts = [...chunks.map((chunk) => spelling(JSON.stringify(chunk))), '[DONE]'];
  return [...texts.flatMap((data) => [...decoder.push({ data })]), ...decoder.end()];
}

const asWritten = (json: string): string => json;
/** Spaces that make a chunk fit no mould. */
const spaced = (json: string): string => json.replace('"delta":', '"delta": ');

const textEvent = (text: string): readonly GenerateEvent[] => [{ type: 'text-delta', choice: 0, block: 0, text }];
const mould = (chunk: JsonObject, text: string) => mouldOf(JSON.stringify(chunk), chunk, textEvent(text));

describe('a chunk like the one before it', () => {
  it('means what it means when it is parsed', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('"', '\\', '\n', '\u0000', '', '"}', '"delta":{"content":"'),
    );
    const chunk = fc.oneof(
      { weight: 6, arbitrary: text.map((content) => chunkOf({ content })) },
      text.map((content) => ({ ...chunkOf({ content }), obfuscation: 'x'.repeat(content.length) })),
      text.map((content) => chunkOf({ role: 'assistant', content })),
      text.map((content) => chunkOf({ content, reasoning_content: 'so' })),
      text.map((content) => ({
        ...chunkOf({ content }),
        service_tier: 'flex',
        usage: { prompt_tokens: 1, completion_tokens: 2 },
      })),
      text.map((content) => ({ ...chunkOf({}), choices: [{ index: 1, delta: { content }, finish_reason: null }] })),
      text.map((content) =>
        chunkOf({ content, tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: content } }] }),
      ),
      text.map((token) => ({
        ...chunkOf({}),
        choices: [
          { index: 0, delta: { content: token }, logprobs: { content: [{ token, logprob: -1 }] }, finish_reason: null },
        ],
      })),
      fc.constantFrom(chunkOf({ reasoning_content: 'hm' }), chunkOf({}, 'stop'), chunkOf({ refusal: 'no' })),
    );
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 12 }), (chunks) => {
        expect(eventsOf(chunks, asWritten)).toEqual(eventsOf(chunks, spaced));
      }),
    );
  });

  it('is read at the place of its text', () => {
    const found = mould(chunkOf({ content: 'one' }), 'one');

    expect(found && textIn(found, JSON.stringify(chunkOf({ content: 'another – 東京' })))).toBe('another – 東京');
    expect(found && textIn(found, JSON.stringify(chunkOf({ content: '' })))).toBe('');
  });

  it.each([
    ['text that is escaped', chunkOf({ content: 'a "word"' })],
    ['another id', { ...chunkOf({ content: 'two' }), id: 'chatcmpl-2' }],
    ['an end', chunkOf({ content: 'two' }, 'stop')],
    ['more than text', chunkOf({ content: 'two', refusal: 'no' })],
    ['a field behind it', { ...chunkOf({ content: 'two' }), usage: null }],
  ])('is none with %s', (_what, chunk) => {
    const found = mould(chunkOf({ content: 'one' }), 'one');

    expect(found).toBeDefined();
    expect(found && textIn(found, JSON.stringify(chunk))).toBeUndefined();
  });

  it('may be padded otherwise', () => {
    const found = mould({ ...chunkOf({ content: 'one' }), obfuscation: 'abc' }, 'one');

    expect(found && textIn(found, JSON.stringify({ ...chunkOf({ content: 'two' }), obfuscation: '' }))).toBe('two');
    expect(found && textIn(found, JSON.stringify(chunkOf({ content: 'two' })))).toBeUndefined();
  });

  it('is no chunk with a broken string', () => {
    const found = mould(chunkOf({ content: 'one' }), 'one');
    const broken = JSON.stringify(chunkOf({ content: 'two' })).replace('two', 'tw"o');

    expect(found && textIn(found, broken)).toBeUndefined();
    expect(found && textIn(found, broken.replace('tw"o', 'tw\no'))).toBeUndefined();
  });
});
