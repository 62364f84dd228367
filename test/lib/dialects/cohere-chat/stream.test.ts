import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cohereChat } from '../../../../lib/dialects/cohere-chat/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import { foldEvents, unfold } from '../../../../lib/kinds/fold.ts';
import type { GenerateEvent } from '../../../../lib/kinds/generate.ts';
import { contextOf } from '../anthropic-messages/support.ts';
import { bytesOf, decodePieces, encodeEvents, eventsOf, jsonOf, streamOf } from './support.ts';

const STREAMS = ['thinking-and-citations', 'plan-and-calls', 'text', 'failing'];

describe('decoding a stream', () => {
  it.each(['thinking-and-citations', 'plan-and-calls'])('tells %s as the whole answer would', (name) => {
    const streamed = foldEvents(decodePieces([bytesOf(`${name}.stream.txt`)]));
    const whole = foldEvents(cohereChat.decodeResponse(jsonOf(`${name}.response.json`), {}));

    expect(streamed).toEqual(whole);
  });

  it('reads thinking, text, citations by code points, and usage with cached and reasoning tokens', () => {
    const answer = foldEvents(decodePieces([bytesOf('thinking-and-citations.stream.txt')]));

    expect(answer).toMatchObject({
      id: 'c-1',
      usage: { inputTokens: 700, cacheReadTokens: 512, outputTokens: 33, reasoningTokens: 12, source: 'provider' },
    });
    const [choice] = answer.choices;
    expect(choice).toMatchObject({ finish: 'stop', raw: 'COMPLETE' });
    expect(choice?.parts).toMatchObject([
      { type: 'reasoning', text: 'The document says it.', origin: 'cohere-chat' },
      {
        type: 'text',
        text: 'It is 🏔 4478 m high.',
        citations: [
          {
            url: 'https://peaks.example/matterhorn',
            title: 'Peaks',
            citedText: 'The Matterhorn is 4478 m high.',
            start: 9,
            end: 15,
            origin: 'cohere-chat',
          },
        ],
      },
    ]);
  });

  it('tells a plan as plain reasoning, and arguments that are null as none', () => {
    const [choice] = foldEvents(decodePieces([bytesOf('plan-and-calls.stream.txt')])).choices;

    expect(choice).toEqual({
      index: 0,
      finish: 'tool-calls',
      raw: 'TOOL_CALL',
      parts: [
        { type: 'reasoning', text: 'I will ask for the weather and the time.' },
        { type: 'tool-call', id: 'weather_1', name: 'weather', arguments: '{"city":"Zürich"}' },
        { type: 'tool-call', id: 'now_2', name: 'now', arguments: '' },
      ],
    });
  });

  it('takes billed units where there are no tokens, and log probabilities in OpenAI’s shape', () => {
    const answer = foldEvents(decodePieces([bytesOf('text.stream.txt')]));

    expect(answer.usage).toEqual({ inputTokens: 3, outputTokens: 2, source: 'provider' });
    expect(answer.choices).toEqual([
      {
        index: 0,
        parts: [{ type: 'text', text: 'Hello you.' }],
        finish: 'length',
        raw: 'MAX_TOKENS',
        logprobs: { content: [{ token: 'Hello', logprob: -0.5, bytes: null, top_logprobs: [] }], refusal: null },
      },
    ]);
  });

  it('surfaces an error that ends a stream, after what came before it', () => {
    const answer = foldEvents(decodePieces([bytesOf('failing.stream.txt')]));

    expect(answer.error).toMatchObject({ kind: 'upstream', message: 'internal failure' });
    expect(answer.choices).toMatchObject([{ parts: [{ type: 'text', text: 'Half an ans' }], finish: 'error' }]);
  });

  it.each(STREAMS)('gives the same events for %s wherever the bytes are cut', (name) => {
    const bytes = bytesOf(`${name}.stream.txt`);
    const whole = decodePieces([bytes]);

    for (let at = 0; at <= bytes.length; at++) {
      expect(decodePieces([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    }
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: bytes.length }), { maxLength: 20 }), (cuts) => {
        const points = [0, ...cuts.toSorted((left, right) => left - right), bytes.length];
        expect(decodePieces(points.slice(1).map((end, index) => bytes.subarray(points[index], end)))).toEqual(whole);
      }),
    );
  });

  it.each(['thinking-and-citations', 'plan-and-calls', 'text'])('ends %s with an error when it is cut short', (name) => {
    const bytes = bytesOf(`${name}.stream.txt`);
    const events = decodePieces([bytes.subarray(0, bytes.indexOf('event: message-end'))]);

    expect(events.at(-1)).toMatchObject({ type: 'error', error: { kind: 'upstream' } });
  });

  it.each([
    ['garbage', Buffer.from('data: <html>\n\n'), 'not a JSON object'],
    ['an error event', Buffer.from('event: error\ndata: {"message":"overloaded"}\n\n'), 'overloaded'],
    ['an event without a type', Buffer.from('data: {"message":"too many tokens"}\n\n'), 'too many tokens'],
    ['nothing', Buffer.from(''), 'before the answer was finished'],
    [
      'an end without words',
      streamOf({ type: 'message-end', delta: { finish_reason: 'ERROR' } }),
      'ended its answer with an error',
    ],
    ['a time limit', streamOf({ type: 'message-end', delta: { finish_reason: 'TIMEOUT' } }), 'time limit'],
  ])('makes an error of %s', (_, bytes, words) => {
    const last = decodePieces([bytes]).at(-1);

    expect(last?.type === 'error' && last.error.message).toContain(words);
  });

  it('reads names from the event line, lists with one call, and content without its start', () => {
    const text = [
      'event: content-delta\ndata: {"delta":{"message":{"content":{"thinking":"Hm."}}}}\n\n',
      'event: content-delta\ndata: {"delta":{"message":{"content":{"text":"So: "}}}}\n\n',
      'event: tool-call-start\ndata: {"delta":{"message":{"tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]}}}\n\n',
      'event: tool-call-start\ndata: {"delta":{"message":{"tool_calls":[{"function":{"name":"g","arguments":"nu"}}]}}}\n\n',
      'event: tool-call-delta\ndata: {"delta":{"message":{"tool_calls":[{"function":{"arguments":"mb"}}]}}}\n\n',
      'event: tool-call-end\ndata: {}\n\nevent: content-end\ndata: {}\n\n',
      'event: message-end\ndata: {"delta":{"finish_reason":"COMPLETE"}}\n\nevent: content-delta\ndata: {}\n\n',
    ].join('');
    const [choice] = foldEvents(decodePieces([Buffer.from(text)])).choices;

    expect(choice?.finish).toBe('tool-calls');
    expect(choice?.parts).toEqual([
      { type: 'reasoning', text: 'Hm.', origin: 'cohere-chat' },
      { type: 'text', text: 'So: ' },
      { type: 'tool-call', id: 'call_x_0', name: 'f', arguments: '{"a":1}' },
      { type: 'tool-call', id: 'call_x_1', name: 'g', arguments: 'numb' },
    ]);
  });

  it('turns the forced tool of a JSON answer back into text', () => {
    const bytes = streamOf(
      { type: 'message-start', id: 'c' },
      { type: 'tool-call-start', index: 0, delta: { message: { tool_calls: { id: 'a', function: { name: 'json' } } } } },
      { type: 'tool-call-delta', index: 0, delta: { message: { tool_calls: { function: { arguments: '{"a":' } } } } },
      { type: 'tool-call-delta', index: 0, delta: { message: { tool_calls: { function: { arguments: '1}' } } } } },
      { type: 'tool-call-end', index: 0 },
      { type: 'message-end', delta: { finish_reason: 'TOOL_CALL' } },
    );

    expect(foldEvents(decodePieces([bytes], { jsonTool: 'json' })).choices).toEqual([
      { index: 0, parts: [{ type: 'text', text: '{"a":1}' }], finish: 'stop', raw: 'TOOL_CALL' },
    ]);
  });

  it('keeps citations of a plan for clients of the same dialect', () => {
    const citation = { start: 0, end: 1, text: 'I', sources: [], type: 'PLAN' };
    const bytes = streamOf(
      { type: 'tool-plan-delta', delta: { message: { tool_plan: 'I' } } },
      { type: 'citation-start', index: 0, delta: { message: { citations: [citation] } } },
      { type: 'message-end', delta: { finish_reason: 'COMPLETE' } },
    );
    const events = decodePieces([bytes]);

    expect(events.at(-1)).toMatchObject({ type: 'finish', extensions: { 'cohere-chat': { citations: [citation] } } });
    expect(eventsOf(encodeEvents(events, contextOf().context))).toContainEqual({
      type: 'citation-start',
      index: 0,
      delta: { message: { citations: citation } },
    });
  });
});

describe('encoding a stream', () => {
  it.each(['thinking-and-citations', 'text'])('writes %s so that it reads the same', (name) => {
    const events = decodePieces([bytesOf(`${name}.stream.txt`)]);
    const { context } = contextOf();
    const again = decodePieces([Buffer.from(encodeEvents(events, context))]);

    expect(foldEvents(again).choices[0]?.parts).toEqual(foldEvents(events).choices[0]?.parts);
    expect(foldEvents(again).choices[0]?.logprobs).toEqual(foldEvents(events).choices[0]?.logprobs);
    expect(foldEvents(again).usage).toEqual(foldEvents(events).usage);
  });

  it('writes events in order, with indexes of their own for content, calls and citations', () => {
    const events = decodePieces([bytesOf('plan-and-calls.stream.txt')]);

    expect(eventsOf(encodeEvents(events, contextOf().context)).map(({ type, index }) => [type, index])).toEqual([
      ['message-start', undefined],
      ['content-start', 0],
      ['content-delta', 0],
      ['content-delta', 0],
      ['content-end', 0],
      ['tool-call-start', 0],
      ['tool-call-delta', 0],
      ['tool-call-delta', 0],
      ['tool-call-end', 0],
      ['tool-call-start', 1],
      ['tool-call-delta', 1],
      ['tool-call-end', 1],
      ['message-end', undefined],
    ]);
  });

  it('ends with the error message, also when the answer never ended', () => {
    const error = new GatewayError('overloaded', 'Too busy.');
    const { context } = contextOf();

    expect(eventsOf(encodeEvents([{ type: 'start' }, { type: 'error', error }], context)).at(-1)).toEqual({
      type: 'message-end',
      delta: { finish_reason: 'ERROR', error: 'Too busy.' },
    });
    expect(eventsOf(encodeEvents([{ type: 'start' }], context)).at(-1)).toMatchObject({
      delta: { error: 'The answer ended before it was finished.' },
    });
  });

  it('says what it cannot say, once, and tells the cost', () => {
    const { context, warnings } = contextOf({ costOf: () => 0.25 });
    const at = { choice: 0, block: 0 };
    const events: GenerateEvent[] = [
      { type: 'reasoning-start', ...at },
      { type: 'reasoning-delta', ...at, text: 'Hm.' },
      { type: 'reasoning-end', ...at, signature: 'sig' },
      { type: 'reasoning-end', choice: 0, block: 1, data: 'more' },
      { type: 'text-start', choice: 1, block: 0 },
      { type: 'text-delta', choice: 1, block: 0, text: 'Other.' },
      { type: 'opaque', choice: 0, block: 2, part: { type: 'opaque', origin: 'gemini', value: { type: 'code' } } },
      { type: 'media', choice: 0, block: 3, part: { type: 'image', source: { type: 'url', url: 'u' } } },
      { type: 'refusal-delta', choice: 0, block: 4, text: 'No.' },
      { type: 'tool-call-start', choice: 0, block: 5, id: '', name: 'f' },
      { type: 'usage', usage: { inputTokens: 1, outputTokens: 2, source: 'provider' } },
      { type: 'finish', choice: 0, reason: 'stop' },
    ];
    const told = eventsOf(encodeEvents(events, context));

    expect(warnings.map(({ field }) => field)).toEqual(['thinking', 'n', 'content', 'content']);
    expect(told.at(-1)).toEqual({
      type: 'message-end',
      delta: {
        finish_reason: 'TOOL_CALL',
        usage: {
          billed_units: { input_tokens: 1, output_tokens: 2 },
          tokens: { input_tokens: 1, output_tokens: 2 },
          cost: 0.25,
        },
      },
    });
    expect(told).toContainEqual(expect.objectContaining({ delta: { message: { content: { text: 'No.' } } } }));
  });

  it('tells a folded answer like the events it was folded from', () => {
    const events = decodePieces([bytesOf('thinking-and-citations.stream.txt')]);
    const again = unfold(foldEvents(events));

    expect(foldEvents(decodePieces([Buffer.from(encodeEvents(again, contextOf().context))]))).toEqual(foldEvents(events));
  });
});
