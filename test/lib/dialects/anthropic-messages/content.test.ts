import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../lib/dialects/anthropic-messages/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import type { Message } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { roundTrip } from './support.ts';

const decode = (messages: unknown, more: JsonObject = {}): readonly Message[] =>
  anthropicMessages.decodeRequest({ model: 'm', max_tokens: 10, messages, ...more }).messages;

const user = (...content: JsonObject[]): JsonObject => ({ role: 'user', content });
const assistant = (...content: JsonObject[]): JsonObject => ({ role: 'assistant', content });
const call = (id: string): JsonObject => ({ type: 'tool_use', id, name: 'f', input: { a: 1 } });

describe('the conversation of a client', () => {
  it('may be strings', () => {
    expect(decode([{ role: 'user', content: 'Hi' }], { system: 'Be brief' })).toEqual([
      { role: 'system', parts: [{ type: 'text', text: 'Be brief' }] },
      { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
    ]);
  });

  it('has no system message for empty instructions', () => {
    expect(decode([{ role: 'user', content: 'Hi' }], { system: '' })).toHaveLength(1);
    expect(decode([{ role: 'user', content: 'Hi' }], { system: [] })).toHaveLength(1);
    expect(decode([{ role: 'user', content: 'Hi' }], { system: null })).toHaveLength(1);
  });

  it('keeps cache marks with their lifetime', () => {
    const marked = { type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } };

    expect(decode([user({ ...marked, cache_control: { type: 'ephemeral' } })], { system: [marked] })).toEqual([
      { role: 'system', parts: [{ type: 'text', text: 'x', cache: { ttl: '1h' } }] },
      { role: 'user', parts: [{ type: 'text', text: 'x', cache: {} }] },
    ]);
  });

  it('tells images and documents from wherever they are', () => {
    const [message] = decode([
      user(
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } },
        { type: 'image', source: { type: 'url', url: 'https://example.com/i.png' } },
        { type: 'image', source: { type: 'file', file_id: 'file_1' } },
        {
          type: 'document',
          source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERg==' },
          title: 'T',
          context: 'C',
          citations: { enabled: true },
        },
        { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'words' } },
        { type: 'document', source: { type: 'url', url: 'https://example.com/d.pdf' } },
        { type: 'document', source: { type: 'file', file_id: 'file_2' } },
      ),
    ]);

    expect(message?.parts).toEqual([
      { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AA==' } },
      { type: 'image', source: { type: 'url', url: 'https://example.com/i.png' } },
      { type: 'image', source: { type: 'file', id: 'file_1', origin: 'anthropic-messages' } },
      {
        type: 'document',
        source: { type: 'base64', mediaType: 'application/pdf', data: 'JVBERg==' },
        title: 'T',
        context: 'C',
        citations: true,
      },
      { type: 'document', source: { type: 'text', text: 'words' } },
      { type: 'document', source: { type: 'url', url: 'https://example.com/d.pdf' } },
      { type: 'document', source: { type: 'file', id: 'file_2', origin: 'anthropic-messages' } },
    ]);
  });

  it('tells search results and documents of text blocks as text documents', () => {
    const blocks = [
      { type: 'text', text: 'one' },
      { type: 'text', text: 'two' },
    ];
    const [message] = decode([
      user(
        { type: 'search_result', source: 'https://example.com', title: 'Found', content: blocks },
        { type: 'document', source: { type: 'content', content: blocks } },
      ),
    ]);

    expect(message?.parts).toMatchObject([
      { type: 'document', source: { type: 'text', text: 'one\ntwo' }, title: 'Found', context: 'https://example.com' },
      { type: 'document', source: { type: 'text', text: 'one\ntwo' } },
    ]);
  });

  it('keeps blocks it cannot tell otherwise as they are', () => {
    const blocks: JsonObject[] = [
      { type: 'container_upload', file_id: 'file_3' },
      { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
      { type: 'document', source: { type: 'content', content: [{ type: 'image', source: {} }] } },
      { type: 'search_result', source: 's', title: 't', content: [5] },
      { type: 'search_result', source: 's', title: 't', content: 5 },
    ];

    expect(decode([user(...blocks)])[0]?.parts).toEqual(
      blocks.map((value) => ({ type: 'opaque', origin: 'anthropic-messages', value })),
    );
  });

  it('puts tool results into a message of their own, before the rest', () => {
    const messages = decode([
      assistant(call('a'), call('b')),
      user(
        { type: 'text', text: 'Here:' },
        { type: 'tool_result', tool_use_id: 'a', content: 'fine' },
        {
          type: 'tool_result',
          tool_use_id: 'b',
          is_error: true,
          content: [
            { type: 'text', text: 'no' },
            { type: 'image', source: { type: 'url', url: 'u' } },
          ],
        },
      ),
      assistant(call('c')),
      user({ type: 'tool_result', tool_use_id: 'c' }),
    ]);

    expect(messages).toMatchObject([
      { role: 'assistant', parts: [{ type: 'tool-call', id: 'a', arguments: '{"a":1}' }, { id: 'b' }] },
      {
        role: 'tool',
        parts: [
          { type: 'tool-result', callId: 'a', parts: [{ type: 'text', text: 'fine' }] },
          { type: 'tool-result', callId: 'b', isError: true, parts: [{ type: 'text' }, { type: 'image' }] },
        ],
      },
      { role: 'user', parts: [{ type: 'text', text: 'Here:' }] },
      { role: 'assistant' },
      { role: 'tool', parts: [{ type: 'tool-result', callId: 'c', parts: [] }] },
    ]);
  });

  it('takes an empty signature as plain text', () => {
    expect(decode([assistant({ type: 'thinking', thinking: 'Hm', signature: '' })])[0]?.parts).toEqual([
      { type: 'reasoning', text: 'Hm' },
    ]);
  });

  it('lets the last assistant message be empty, for the model to begin', () => {
    expect(
      decode([
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: '' },
      ]),
    ).toHaveLength(2);
  });

  it('does not miss the turns that the provider keeps itself', () => {
    const result = { type: 'tool_result', tool_use_id: 'earlier', content: 'x' };

    expect(decode([user(result)], { thread: { type: 'continue' } })).toHaveLength(1);
    expect(decode([], { thread: { type: 'continue' } })).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['messages', undefined, 'messages: Field required'],
    ['messages', 'Hi', 'messages: Input should be a valid list, not a string'],
    ['messages', [], 'messages: at least one message is required'],
    ['messages.0', [null], 'messages.0: Input should be a valid dictionary, not null'],
    ['messages.0.role', [{ content: 'x' }], 'messages.0.role: Field required'],
    [
      'messages.0.role',
      [{ role: 'tool', content: 'x' }],
      "messages.0.role: Input should be one of 'user', 'assistant', 'system', not 'tool'",
    ],
    ['messages.0.content', [{ role: 'user' }], 'messages.0.content: Field required'],
    ['messages.0.content', [{ role: 'user', content: 5 }], 'messages.0.content: Input should be a valid list, not a number'],
    ['messages.0', [{ role: 'user', content: '' }], 'messages.0: all messages must have non-empty content'],
    [
      'messages.0.content.0',
      [{ role: 'user', content: ['x'] }],
      'messages.0.content.0: Input should be a valid dictionary, not a string',
    ],
    ['messages.0.content.1.type', [user({ type: 'text', text: 'x' }, {})], 'messages.0.content.1.type: Field required'],
    [
      'messages.0.content.0.text',
      [user({ type: 'text', text: 5 })],
      'messages.0.content.0.text: Input should be a valid string, not a number',
    ],
    ['messages.0.content.0.source.type', [user({ type: 'image', source: { type: 'ftp' } })], "not 'ftp'"],
    [
      'messages.0.content.0.source.media_type',
      [user({ type: 'image', source: { type: 'base64', data: '' } })],
      'Field required',
    ],
    [
      'messages.0.content.0.source',
      [user({ type: 'document', source: [] })],
      'Input should be a valid dictionary, not an array',
    ],
    [
      'messages.0.content.0.cache_control.type',
      [user({ type: 'text', text: 'x', cache_control: { type: 'forever' } })],
      "Input should be 'ephemeral'",
    ],
    [
      'messages.0.content.0.cache_control.ttl',
      [user({ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '9h' } })],
      "'5m', '1h'",
    ],
    ['messages.0.content.0', [user(call('a'))], '`tool_use` blocks can only be in `assistant` messages'],
    [
      'messages.0.content.0',
      [assistant({ type: 'tool_result', tool_use_id: 'a' })],
      '`tool_result` blocks can only be in `user` messages',
    ],
    [
      'messages.0.content.0.input',
      [assistant({ ...call('a'), input: '{}' })],
      'Input should be a valid dictionary, not a string',
    ],
    [
      'messages.0.content',
      [user({ type: 'tool_result', tool_use_id: 'ghost' })],
      'unexpected `tool_use_id` found in `tool_result` blocks: ghost',
    ],
    [
      'messages.1.content.0.content.0.type',
      [assistant(call('a')), user({ type: 'tool_result', tool_use_id: 'a', content: [{}] })],
      'Field required',
    ],
  ])('is refused with the path %s', (param, messages, message) => {
    const attempt = (): unknown => decode(messages);

    expect(attempt).toThrow(GatewayError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ kind: 'invalid_request', status: 400, detail: { param } }));
  });

  it('goes back to the same dialect unchanged', () => {
    const body = {
      model: 'm',
      max_tokens: 100,
      system: [{ type: 'text', text: 'S', cache_control: { type: 'ephemeral' } }],
      messages: [
        user(
          {
            type: 'image',
            source: { type: 'url', url: 'u' },
            transformations: { oversized_image: 'error' },
            cache_control: { type: 'ephemeral', ttl: '5m' },
          },
          {
            type: 'search_result',
            source: 'https://example.com',
            title: 'F',
            content: [{ type: 'text', text: 'x' }],
            citations: { enabled: true },
          },
          { type: 'document', source: { type: 'content', content: [{ type: 'text', text: 'x' }] }, title: 'T' },
          { type: 'container_upload', file_id: 'f' },
        ),
        assistant(
          { type: 'thinking', thinking: 'Hm', signature: 's' },
          { type: 'redacted_thinking', data: 'd' },
          {
            type: 'text',
            text: 'x',
            citations: [{ type: 'char_location', cited_text: 'c', document_index: 0, document_title: null }],
          },
          { ...call('toolu_1'), caller: { type: 'direct' }, cache_control: { type: 'ephemeral' } },
        ),
        user(
          {
            type: 'tool_result',
            tool_use_id: 'toolu_1',
            content: [{ type: 'tool_reference', tool_name: 'g' }],
            is_error: true,
            toolset_name: 'browser',
          },
          { type: 'text', text: 'Go on' },
        ),
        { role: 'system', content: [{ type: 'text', text: 'New rules' }] },
      ],
    };

    expect(roundTrip(body)).toEqual(body);
  });
});
