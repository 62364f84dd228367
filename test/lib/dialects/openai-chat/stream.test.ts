import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openaiChat } from '../../../../lib/dialects/openai-chat/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { GenerateEvent, GenerateResponse } from '../../../../lib/kinds/generate.ts';
import { answerOf, bytesOf, chunkOf, chunksOf, contextOf, decodePieces, deltasOf, encodeEvents, streamOf } from './fixture.ts';

const streams = readdirSync(new URL('../../../fixtures/openai-chat/', import.meta.url)).filter((name) =>
  name.endsWith('.stream.txt'),
);
const partsOf = (name: string) => answerOf(bytesOf(name)).choices[0]?.parts;

/** What of an answer must survive: not the provider's own word for its end, nor how it wrote empty arguments. */
function essence({ choices, usage }: GenerateResponse): unknown {
  const alike = choices.map((choice) => {
    const { raw: _raw, parts, ...rest } = choice;
    const filled = parts.map((part) =>
      part.type === 'tool-call' && part.arguments === '' ? { ...part, arguments: '{}' } : part,
    );
    return { ...rest, parts: filled };
  });
  return { choices: alike, usage };
}

describe('a stream of a provider', () => {
  it.each(streams)('gives the same events however its bytes were split: %s', (name) => {
    // Prepare
    const bytes = bytesOf(name);
    const whole = decodePieces([bytes]);

    // Act, Assess
    for (let at = 1; at < bytes.length; at++) {
      expect(decodePieces([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    }
    expect(decodePieces(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual(whole);
  });

  it('tells text, its finish and its usage, with each start and end', () => {
    const at = { choice: 0, block: 0 };

    expect(decodePieces([bytesOf('text.stream.txt')])).toEqual([
      {
        type: 'start',
        id: 'chatcmpl-lark',
        model: 'lark-1',
        created: 1790000000,
        extensions: { 'openai-chat': { system_fingerprint: 'fp_lark' } },
      },
      { type: 'text-start', ...at },
      { type: 'text-delta', ...at, text: 'Larks sing — ' },
      { type: 'text-delta', ...at, text: '早朝 🐦' },
      {
        type: 'usage',
        usage: {
          inputTokens: 12,
          cacheReadTokens: 4,
          audioInputTokens: 0,
          outputTokens: 7,
          reasoningTokens: 0,
          serviceTier: 'default',
          source: 'provider',
        },
      },
      { type: 'text-end', ...at },
      { type: 'finish', choice: 0, reason: 'stop', raw: 'stop' },
    ]);
  });

  it('keeps the order of reasoning, text and calls, and ends a call when the next begins', () => {
    const events = decodePieces([bytesOf('reasoning-and-calls.stream.txt')]);

    expect(foldEvents(events).choices[0]).toEqual({
      index: 0,
      parts: [
        { type: 'reasoning', text: 'Two cities, two calls.' },
        { type: 'text', text: 'Let me look.' },
        { type: 'tool-call', id: 'call_oslo', name: 'weather', arguments: '{"city":"Oslo"}' },
        { type: 'tool-call', id: 'call_rome', name: 'weather', arguments: '{"city":"Rome"}' },
        { type: 'tool-call', id: 'call_time', name: 'clock', arguments: '' },
      ],
      finish: 'tool-calls',
      raw: 'tool_calls',
    });
    const types = events.map(({ type }) => type).filter((type) => type.startsWith('tool-call-') && !type.endsWith('delta'));
    expect(types).toEqual(Array.from({ length: 3 }, () => ['tool-call-start', 'tool-call-end']).flat());
  });

  it('keeps interleaved calls apart, and calls them the reason of the end', () => {
    expect(answerOf(bytesOf('interleaved-calls.stream.txt')).choices[0]).toMatchObject({
      parts: [
        { id: 'call_a', arguments: '{"a":1}' },
        { id: 'call_b', arguments: '{"b":2}' },
      ],
      finish: 'tool-calls',
      raw: 'stop',
    });
  });

  it('tells calls apart that share an index, lack an index, an id, or text arguments', () => {
    expect(partsOf('calls-at-index-zero.stream.txt')).toEqual([
      { type: 'tool-call', id: 'call_a', name: 'look', arguments: '{"at":1}' },
      { type: 'tool-call', id: 'call_b', name: 'look', arguments: '{"at":2}' },
      { type: 'tool-call', id: 'call_chatcmpl-lark_0_2', name: 'look', arguments: '{"at":3}' },
      { type: 'tool-call', id: 'call_d', name: 'look', arguments: '{"at":4}' },
      { type: 'tool-call', id: 'call_chatcmpl-lark_0_4', name: 'rest', arguments: '' },
    ]);
  });

  it('makes repeated ids unique, waits for a late name, and takes null for no arguments', () => {
    // Prepare
    const bytes = streamOf(
      chunkOf({ tool_calls: [{ index: 0, id: 'same', function: { name: 'a', arguments: 'null' } }] }),
      chunkOf({ tool_calls: [{ index: 1, id: 'same', function: { arguments: '{"x":' } }] }),
      chunkOf({ tool_calls: [{ index: 1, function: { name: 'b', arguments: '1}' } }] }),
      chunkOf({ tool_calls: [{ index: 2, function: {} }] }),
      chunkOf({}, 'tool_calls'),
    );

    // Act
    const parts = answerOf(bytes).choices[0]?.parts;

    // Assess
    expect(parts).toEqual([
      { type: 'tool-call', id: 'same', name: 'a', arguments: '' },
      { type: 'tool-call', id: 'same_1', name: 'b', arguments: '{"x":1}' },
    ]);
  });

  it('follows calls without an index by their id, or as the last one', () => {
    const bytes = streamOf(
      chunkOf({ tool_calls: [{ id: 'p', function: { name: 'a', arguments: '{"x"' } }] }),
      chunkOf({ tool_calls: [{ id: 'p', function: { arguments: ':' } }] }),
      chunkOf({ tool_calls: [{ function: { arguments: '1}' } }] }),
      chunkOf({ tool_calls: [{ id: 'q', type: 'custom', custom: { name: 'c', input: 'free text' } }] }),
      chunkOf({ content: 'Then text.' }, 'tool_calls'),
    );

    expect(answerOf(bytes).choices[0]?.parts).toEqual([
      { type: 'tool-call', id: 'p', name: 'a', arguments: '{"x":1}' },
      { type: 'tool-call', id: 'q', name: 'c', arguments: 'free text', custom: true },
      { type: 'text', text: 'Then text.' },
    ]);
  });

  it('keeps what a call must bring back: the proof of thought and unknown fields', () => {
    const extra = { extra_content: { google: { thought_signature: 'c2ln' } } };
    const bytes = streamOf(
      chunkOf({ tool_calls: [{ index: 0, id: 'g', function: { name: 'a', arguments: '{}' }, ...extra }] }, 'stop'),
    );

    expect(answerOf(bytes).choices[0]?.parts).toEqual([
      { type: 'tool-call', id: 'g', name: 'a', arguments: '{}', signature: 'c2ln', extensions: { 'openai-chat': extra } },
    ]);
  });

  it('reads the deprecated function call', () => {
    const bytes = streamOf(
      chunkOf({ function_call: { name: 'f', arguments: '' } }),
      chunkOf({ function_call: { arguments: '{"a":1}' } }),
      chunkOf({}, 'function_call'),
    );

    expect(answerOf(bytes).choices[0]).toMatchObject({
      parts: [{ type: 'tool-call', id: 'call_chatcmpl-1_0_0', name: 'f', arguments: '{"a":1}' }],
      finish: 'tool-calls',
    });
  });

  it('reads thinking from content parts', () => {
    expect(partsOf('thinking-parts.stream.txt')).toEqual([
      { type: 'reasoning', text: 'Sum: 4.' },
      { type: 'text', text: 'It is 4.' },
    ]);
  });

  it('keeps unknown, image and refusal parts of an array content', () => {
    const bytes = streamOf(
      chunkOf({
        content: [
          { type: 'reference', reference_ids: [1] },
          { type: 'image_url', image_url: 'https://a.example/i.png' },
          { type: 'refusal', refusal: 'No.' },
          { type: 'thinking', thinking: 'Hm' },
        ],
      }),
      chunkOf({ images: [{ type: 'image_url' }] }, 'stop'),
    );

    expect(answerOf(bytes).choices[0]).toMatchObject({
      parts: [
        { type: 'opaque', origin: 'openai-chat', value: { type: 'reference', reference_ids: [1] } },
        { type: 'image', source: { type: 'url', url: 'https://a.example/i.png' } },
        { type: 'refusal', text: 'No.' },
        { type: 'reasoning', text: 'Hm' },
      ],
      finish: 'refusal',
    });
  });

  it('joins opaque reasoning items and keeps them for their provider, whose usage chunk repeats the finish', () => {
    expect(answerOf(bytesOf('reasoning-details.stream.txt'))).toMatchObject({
      extensions: { 'openai-chat': { provider: 'Roost' } },
      usage: { reportedCostUsd: 0.00021 },
      choices: [
        {
          parts: [
            {
              type: 'reasoning',
              text: 'Weigh both.',
              signature: 'c2lnbmVk',
              details: [
                { type: 'reasoning.text', text: 'Weigh both.', index: 0, format: 'anthropic-claude-v1', signature: 'c2lnbmVk' },
              ],
              origin: 'openai-chat',
            },
            { type: 'text', text: 'Both.' },
          ],
          finish: 'stop',
          extensions: { 'openai-chat': { native_finish_reason: 'end_turn' } },
        },
      ],
    });
  });

  it('takes encrypted items that come with a call, before it', () => {
    const detail = { type: 'reasoning.encrypted', data: 'ZW5j', id: 'call_1', index: 0 };
    const call = { index: 0, id: 'call_1', function: { name: 'a', arguments: '{}' } };
    const bytes = streamOf(chunkOf({ reasoning_details: [detail], tool_calls: [call] }), chunkOf({}, 'tool_calls'));

    expect(answerOf(bytes).choices[0]?.parts).toMatchObject([
      { type: 'reasoning', text: '', details: [detail], origin: 'openai-chat' },
      { type: 'tool-call', id: 'call_1' },
    ]);
  });

  it("reads LiteLLM's thinking blocks once, with their proofs", () => {
    expect(partsOf('thinking-blocks.stream.txt')).toEqual([
      { type: 'reasoning', text: 'Hmm, yes.', signature: 'c2ln', origin: 'anthropic-messages' },
      { type: 'reasoning', text: '', data: 'c2VjcmV0', origin: 'anthropic-messages' },
      { type: 'text', text: 'Yes.' },
    ]);
  });

  it('reads thinking blocks that come without the plain text', () => {
    const bytes = streamOf(
      chunkOf({ thinking_blocks: [{ type: 'thinking', thinking: 'A' }] }),
      chunkOf({ thinking_blocks: [{ type: 'thinking', thinking: 'B' }, { type: 'redacted_thinking' }] }),
      chunkOf({ content: 'C' }),
      chunkOf({ thinking_blocks: [{ type: 'thinking', thinking: '', signature: 'late' }] }, 'stop'),
    );

    expect(answerOf(bytes).choices[0]?.parts).toEqual([
      { type: 'reasoning', text: 'AB', origin: 'anthropic-messages' },
      { type: 'text', text: 'C' },
      { type: 'reasoning', text: '', signature: 'late', origin: 'anthropic-messages' },
    ]);
  });

  it('tolerates empty choices, null deltas, missing ids and indexes, empty finish words', () => {
    expect(answerOf(bytesOf('odd-server.stream.txt'))).toEqual({
      model: 'wren',
      extensions: { 'openai-chat': { prompt_filter_results: [{ prompt_index: 0 }] } },
      choices: [{ index: 0, parts: [{ type: 'text', text: 'Hi!' }], finish: 'stop' }],
      usage: { inputTokens: 3, outputTokens: 2, source: 'provider' },
    });
  });

  it('cites the sources beside the choices once, though every chunk repeats them', () => {
    expect(answerOf(bytesOf('sources.stream.txt'))).toMatchObject({
      choices: [
        {
          parts: [
            {
              text: 'Oslo is north [1][2].',
              citations: [
                { url: 'https://a.example', title: 'A', citedText: 'North.', origin: 'openai-chat' },
                { url: 'https://b.example', title: 'B', origin: 'openai-chat' },
              ],
            },
          ],
        },
      ],
      usage: { outputTokens: 9, reportedCostUsd: 0.005 },
    });
  });

  it('lets an annotation that comes first wait for its text', () => {
    expect(partsOf('annotations-first.stream.txt')).toMatchObject([
      {
        text: 'Found it.',
        citations: [
          { url: 'https://a.example', citedText: 'Quoted' },
          { url: 'https://b.example', start: 0, end: 5 },
        ],
      },
    ]);
  });

  it('keeps an annotation of an answer without text', () => {
    const annotations = [{ type: 'file_citation', file_id: 'f' }];
    const bytes = streamOf(chunkOf({ annotations }, 'stop'));

    expect(answerOf(bytes).choices[0]?.parts).toEqual([
      { type: 'text', text: '', citations: [{ origin: 'openai-chat', raw: annotations[0] }] },
    ]);
  });

  it('keeps alternatives apart, with their log probabilities and finishes', () => {
    expect(answerOf(bytesOf('two-choices.stream.txt')).choices).toMatchObject([
      { index: 0, parts: [{ text: 'Heads' }], finish: 'stop' },
      { index: 1, parts: [{ text: 'Tails' }], finish: 'length', logprobs: { content: [{ token: 'ils' }] } },
    ]);
  });

  it('tells a refusal as what it is', () => {
    expect(answerOf(bytesOf('refusal.stream.txt')).choices).toMatchObject([
      { parts: [{ type: 'refusal', text: 'I will not.' }], finish: 'refusal', raw: 'stop' },
    ]);
  });

  it('joins the pieces of a spoken answer', () => {
    expect(partsOf('spoken.stream.txt')).toEqual([
      {
        type: 'audio',
        source: { type: 'base64', mediaType: 'audio/wav', data: 'AAEC' },
        id: 'audio_1',
        transcript: 'Good day',
        expiresAt: 1790000600,
      },
    ]);
  });

  it('keeps unknown fields of the message, the choice and the answer', () => {
    const bytes = streamOf(
      { ...chunkOf({ content: 'x', executed_tools: [1] }), x_groq: { id: 'r' } },
      { choices: [{ index: 0, delta: {}, finish_reason: 'stop', stop_reason: 'END', seed: 4 }] },
    );

    expect(answerOf(bytes)).toMatchObject({
      extensions: { 'openai-chat': { x_groq: { id: 'r' } } },
      choices: [{ stopSequence: 'END', extensions: { 'openai-chat': { seed: 4, message: { executed_tools: [1] } } } }],
    });
  });

  it('reads a chunk that has a message in place of the delta', () => {
    const bytes = streamOf({
      choices: [{ index: 0, message: { role: 'assistant', content: 'All at once' }, finish_reason: 'eos' }],
    });

    expect(answerOf(bytes).choices[0]).toMatchObject({ parts: [{ text: 'All at once' }], finish: 'stop', raw: 'eos' });
  });

  it.each([
    ['stop', 'stop'],
    ['eos', 'stop'],
    ['end_turn', 'stop'],
    ['model_length', 'length'],
    ['max_tokens', 'length'],
    ['content_filter', 'content-filter'],
    ['tool_use', 'stop'],
    ['refusal', 'refusal'],
    ['pause_turn', 'pause'],
    ['abort', 'other'],
  ])('understands the finish word %s as %s where nothing was called', (word, reason) => {
    expect(answerOf(streamOf(chunkOf({ content: 'x' }), chunkOf({}, word))).choices[0]?.finish).toBe(reason);
  });

  it('tells the arguments of the tool that was forced for JSON as text', () => {
    // Prepare
    const call = (piece: string) => ({
      tool_calls: [
        { index: 0, ...(piece === '' && { id: 'j' }), function: { ...(piece === '' && { name: 'answer' }), arguments: piece } },
      ],
    });
    const bytes = streamOf(chunkOf(call('')), chunkOf(call('{"a"')), chunkOf(call(':1}')), chunkOf({}, 'tool_calls'));

    // Act
    const answer = answerOf(bytes, { jsonTool: 'answer' });

    // Assess
    expect(answer.choices[0]).toEqual({
      index: 0,
      parts: [{ type: 'text', text: '{"a":1}' }],
      finish: 'stop',
      raw: 'tool_calls',
    });
    const empty = streamOf(chunkOf(call('')), chunkOf({}, 'tool_calls'));
    expect(answerOf(empty, { jsonTool: 'answer' }).choices[0]?.parts).toEqual([{ type: 'text', text: '{}' }]);
  });
});

describe('a stream that fails', () => {
  const errorOf = (bytes: Uint8Array) => answerOf(bytes).error;

  it('ends with the error inside it and hears nothing after', () => {
    const answer = answerOf(bytesOf('failing.stream.txt'));

    expect(answer.choices[0]).toMatchObject({ parts: [{ type: 'text', text: 'Half a ' }], finish: 'error' });
    expect(answer.error).toMatchObject({ kind: 'overloaded', status: 529, message: 'Overloaded, try later' });
    expect(answer.error?.detail.fromUpstream).toBe(true);
  });

  it.each<[string, string, string]>([
    ['an error beside choices', '{"error":{"message":"Lost"},"choices":[{"delta":{},"finish_reason":"error"}]}', 'Lost'],
    ['an error in a choice', '{"choices":[{"error":{"code":502,"message":"Gone"},"delta":{}}]}', 'Gone'],
    ['a finish with an error', '{"choices":[7,{"delta":{},"finish_reason":"error"}]}', 'ended its answer with an error'],
    ['an error object', '{"object":"error","message":"Broken"}', 'Broken'],
    ['a bare message', '{"message":"Nope"}', 'Nope'],
    ['a detail', '{"detail":[{"msg":"Bad field"}]}', 'Bad field'],
    ['a text', '{"error":"Just text"}', 'Just text'],
    ['no object', '[1]', 'not a JSON object'],
    ['no JSON', '<html>', 'not a JSON object'],
  ])('understands %s', (_, data, message) => {
    expect(errorOf(Buffer.from(`data: ${data}\n\n`))?.message).toContain(message);
  });

  it('understands an event named error', () => {
    expect(errorOf(Buffer.from('event: error\ndata: {"message":"rate_limit reached"}\n\n'))).toMatchObject({
      kind: 'rate_limit',
    });
    expect(errorOf(Buffer.from('event: error\ndata: broken\n\n'))).toMatchObject({ kind: 'upstream', message: 'broken' });
  });

  it('is told as cut short without any finish, and as empty without any answer', () => {
    const half = Buffer.from(`data: ${JSON.stringify(chunkOf({ content: 'Ha' }))}\n\n`);

    expect(errorOf(half)).toMatchObject({
      kind: 'upstream',
      message: expect.stringContaining('before the answer was finished'),
    });
    expect(errorOf(Buffer.from(''))).toMatchObject({ kind: 'upstream' });
    expect(errorOf(Buffer.from('data: [DONE]\n\n'))).toMatchObject({ kind: 'upstream' });
  });

  it('is whole without [DONE] when the finish was heard', () => {
    const bytes = Buffer.from(`data: ${JSON.stringify(chunkOf({ content: 'Ha' }, 'stop'))}\n\n`);

    expect(answerOf(bytes)).toMatchObject({ choices: [{ finish: 'stop' }] });
    expect(errorOf(bytes)).toBeUndefined();
  });
});

describe('a stream for a client', () => {
  it.each(streams.filter((name) => name !== 'failing.stream.txt'))('is read back as the same answer: %s', (name) => {
    // Prepare
    const answer = answerOf(bytesOf(name));

    // Act
    const again = answerOf(Buffer.from(encodeEvents(decodePieces([bytesOf(name)]))));

    // Assess
    expect(essence(again)).toEqual(essence(answer));
  });

  it('has one head, a role first, one finish, the usage after it, and [DONE]', () => {
    const head = { id: 'chatcmpl-lark', object: 'chat.completion.chunk', created: 1790000000, model: 'lark-1' };
    const choice = (delta: object, finish: string | null = null) => [{ index: 0, delta, finish_reason: finish }];

    expect(chunksOf(encodeEvents(decodePieces([bytesOf('text.stream.txt')])))).toEqual([
      { ...head, choices: choice({ role: 'assistant', content: '' }), system_fingerprint: 'fp_lark' },
      { ...head, choices: choice({ content: 'Larks sing — ' }) },
      { ...head, choices: choice({ content: '早朝 🐦' }) },
      { ...head, choices: choice({}, 'stop') },
      {
        ...head,
        choices: [],
        usage: {
          prompt_tokens: 12,
          completion_tokens: 7,
          total_tokens: 19,
          prompt_tokens_details: { cached_tokens: 4, audio_tokens: 0 },
          completion_tokens_details: { reasoning_tokens: 0 },
        },
        service_tier: 'default',
      },
    ]);
  });

  it('has no usage unless asked for, and our cost in it when asked for', () => {
    const events = decodePieces([bytesOf('text.stream.txt')]);

    expect(encodeEvents(events, contextOf({ includeUsage: false }))).not.toContain('usage');
    expect(chunksOf(encodeEvents(events, contextOf({ costOf: () => 0.25 }))).at(-1)).toMatchObject({ usage: { cost: 0.25 } });
  });

  it('counts calls from zero, names each once, and fills empty arguments', () => {
    const deltas = deltasOf(encodeEvents(decodePieces([bytesOf('reasoning-and-calls.stream.txt')])));

    expect(deltas).toEqual([
      { role: 'assistant', content: '' },
      { reasoning_content: 'Two cities, ' },
      { reasoning_content: 'two calls.' },
      { content: 'Let me look.' },
      { tool_calls: [{ index: 0, id: 'call_oslo', type: 'function', function: { name: 'weather', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '"Oslo"}' } }] },
      { tool_calls: [{ index: 1, id: 'call_rome', type: 'function', function: { name: 'weather', arguments: '' } }] },
      { tool_calls: [{ index: 1, function: { arguments: '{"city":"Rome"}' } }] },
      { tool_calls: [{ index: 2, id: 'call_time', type: 'function', function: { name: 'clock', arguments: '' } }] },
      { tool_calls: [{ index: 2, function: { arguments: '{}' } }] },
      {},
    ]);
  });

  it('tells the proof of reasoning at the end of its block', () => {
    const at = { choice: 0, block: 0 };
    const events: GenerateEvent[] = [
      { type: 'start' },
      { type: 'reasoning-start', ...at, origin: 'anthropic-messages' },
      { type: 'reasoning-delta', ...at, text: 'Why' },
      { type: 'reasoning-delta', ...at, text: ' not' },
      { type: 'reasoning-end', ...at, signature: 'c2ln' },
      { type: 'reasoning-start', choice: 0, block: 1 },
      { type: 'reasoning-end', choice: 0, block: 1, data: 'cmVk' },
      { type: 'finish', choice: 0, reason: 'stop' },
    ];

    expect(deltasOf(encodeEvents(events)).slice(1)).toEqual([
      { reasoning_content: 'Why' },
      { reasoning_content: ' not' },
      { thinking_blocks: [{ type: 'thinking', thinking: 'Why not', signature: 'c2ln' }] },
      { thinking_blocks: [{ type: 'redacted_thinking', data: 'cmVk' }] },
      {},
    ]);
  });

  it('says opaque reasoning items without the text that went before them', () => {
    const text = encodeEvents(decodePieces([bytesOf('reasoning-details.stream.txt')]));

    expect(deltasOf(text)).toContainEqual({
      reasoning_details: [{ type: 'reasoning.text', index: 0, format: 'anthropic-claude-v1', signature: 'c2lnbmVk' }],
    });
  });

  it('places citations of other dialects: web pages as annotations, documents apart', () => {
    // Prepare
    const at = { choice: 0, block: 3 };
    const raw = { type: 'char_location', document_index: 0 };
    const events: GenerateEvent[] = [
      { type: 'text-delta', choice: 0, block: 0, text: 'Before. ' },
      { type: 'text-start', ...at },
      {
        type: 'citation',
        ...at,
        citation: { url: 'https://a.example', title: 'A', origin: 'anthropic-messages', raw: { type: 'w' } },
      },
      {
        type: 'citation',
        ...at,
        citation: { url: 'https://b.example', start: 1, end: 2, origin: 'anthropic-messages', raw: {} },
      },
      { type: 'citation', ...at, citation: { citedText: 'x', origin: 'anthropic-messages', raw } },
      { type: 'text-delta', ...at, text: 'Oslo' },
      { type: 'text-end', ...at },
      { type: 'finish', choice: 0, reason: 'stop' },
    ];

    // Act
    const deltas = deltasOf(encodeEvents(events));

    // Assess
    expect(deltas.at(-2)).toEqual({
      annotations: [
        { type: 'url_citation', url_citation: { url: 'https://a.example', title: 'A', start_index: 8, end_index: 12 } },
        {
          type: 'url_citation',
          url_citation: { url: 'https://b.example', title: 'https://b.example', start_index: 9, end_index: 10 },
        },
      ],
      provider_specific_fields: { citations: [raw] },
    });
  });

  it('puts sources beside the last choice', () => {
    expect(chunksOf(encodeEvents(decodePieces([bytesOf('sources.stream.txt')]))).at(-2)).toMatchObject({
      citations: ['https://a.example', 'https://b.example'],
      search_results: [{ title: 'A' }, { title: 'B' }],
      choices: [{ finish_reason: 'stop' }],
    });
  });

  it('says custom calls, pictures and proofs of thought, and warns of what it cannot say', () => {
    // Prepare
    const context = contextOf();
    const events: GenerateEvent[] = [
      { type: 'tool-call-start', choice: 0, block: 0, id: 'c', name: 'grep', custom: true },
      { type: 'tool-call-delta', choice: 0, block: 0, arguments: 'lark' },
      { type: 'tool-call-end', choice: 0, block: 0, signature: 'c2ln' },
      { type: 'media', choice: 0, block: 1, part: { type: 'image', source: { type: 'url', url: 'https://a.example/i.png' } } },
      {
        type: 'opaque',
        choice: 0,
        block: 2,
        part: { type: 'opaque', origin: 'anthropic-messages', value: { type: 'server_tool_use' } },
      },
      { type: 'tool-call-delta', choice: 0, block: 9, arguments: 'of no call' },
      { type: 'tool-call-end', choice: 0, block: 9 },
      { type: 'logprobs', choice: 0, logprobs: { content: [{ token: 'a' }] } },
      { type: 'finish', choice: 0, reason: 'stop', stopSequence: 'END' },
      { type: 'finish', choice: 0, reason: 'stop' },
    ];

    // Act
    const chunks = chunksOf(encodeEvents(events, context));

    // Assess
    expect(chunks.map(({ choices }) => choices)).toMatchObject([
      [{ delta: { role: 'assistant' } }],
      [{ delta: { tool_calls: [{ index: 0, id: 'c', type: 'custom', custom: { name: 'grep', input: '' } }] } }],
      [{ delta: { tool_calls: [{ index: 0, custom: { input: 'lark' } }] } }],
      [{ delta: { tool_calls: [{ index: 0, extra_content: { google: { thought_signature: 'c2ln' } } }] } }],
      [{ delta: { images: [{ type: 'image_url', image_url: { url: 'https://a.example/i.png' } }] } }],
      [{ delta: {}, logprobs: { content: [{ token: 'a' }] } }],
      [{ delta: {}, finish_reason: 'tool_calls', stop_reason: 'END' }],
    ]);
    expect(context.warnings).toEqual([
      { kind: 'dropped', field: 'choices[0].content[2]', reason: expect.stringContaining('server_tool_use') },
    ]);
  });

  it('speaks the deprecated functions to a client that offered them', () => {
    // Prepare
    const context = contextOf({ extensions: { functions: [{ name: 'weather' }] } });

    // Act
    const text = encodeEvents(decodePieces([bytesOf('reasoning-and-calls.stream.txt')]), context);

    // Assess
    expect(deltasOf(text).slice(4)).toEqual([
      { function_call: { name: 'weather', arguments: '' } },
      { function_call: { arguments: '{"city":' } },
      { function_call: { arguments: '"Oslo"}' } },
      {},
    ]);
    expect(text).toContain('"finish_reason":"function_call"');
    expect(context.warnings).toHaveLength(2);
  });

  it('ends with the error and [DONE], and says nothing after an error', () => {
    // Prepare
    const encoder = openaiChat.encodeStream(contextOf());
    const error = new GatewayError('overloaded', 'Busy', { status: 529 });

    // Act
    const told = encoder.push({ type: 'error', error });
    const after = encoder.push({ type: 'text-delta', choice: 0, block: 0, text: 'never' });

    // Assess
    expect(told).toBe(`data: {"error":{"message":"Busy","type":"overloaded_error","param":null,"code":"529"}}\n\n`);
    expect(after).toBe('');
    expect(encoder.end()).toBe('data: [DONE]\n\n');
  });

  it('reports a missing finish as an error', () => {
    const [, , last] = chunksOf(encodeEvents([{ type: 'text-delta', choice: 0, block: 0, text: 'Ha' }]));

    expect(last).toMatchObject({ error: { type: 'server_error', message: expect.stringContaining('before it was finished') } });
    expect(chunksOf(encodeEvents([]))).toMatchObject([{ error: {} }]);
  });
});
