import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ollamaChat } from '../../../../lib/dialects/ollama-chat/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { GenerateEvent } from '../../../../lib/kinds/generate.ts';
import { contextOf } from '../anthropic-messages/support.ts';
import { bytesOf, decodePieces, encodeEvents, jsonOf, linesOf } from './support.ts';

const STREAMS = ['thinking-and-calls', 'text', 'failing'];

describe('decoding a stream', () => {
  it('tells thinking, text and calls as the whole answer would', () => {
    const streamed = foldEvents(decodePieces(bytesOf('thinking-and-calls.stream.txt')));

    expect(streamed).toEqual(foldEvents(ollamaChat.decodeResponse(jsonOf('thinking-and-calls.response.json'), {})));
    expect(streamed).toEqual({
      model: 'qwen3:4b',
      created: 1_772_359_200,
      choices: [
        {
          index: 0,
          parts: [
            { type: 'reasoning', text: 'Which city? Zürich.', origin: 'ollama-chat' },
            { type: 'text', text: 'Let me look – ✓.' },
            { type: 'tool-call', id: 'call_a', name: 'weather', arguments: '{"city":"Zürich"}' },
            {
              type: 'tool-call',
              id: 'call_20260301100000000001_1',
              name: 'now',
              arguments: '{}',
            },
          ],
          finish: 'tool-calls',
          raw: 'stop',
          extensions: {
            'ollama-chat': {
              total_duration: 2_500_000_000,
              load_duration: 50_000_000,
              prompt_eval_duration: 200_000_000,
              eval_duration: 900_000_000,
            },
          },
        },
      ],
      usage: { inputTokens: 31, outputTokens: 17, source: 'provider' },
    });
  });

  it('reads log probabilities, and a count that is missing as zero', () => {
    const answer = foldEvents(decodePieces(bytesOf('text.stream.txt')));

    expect(answer.usage).toEqual({ inputTokens: 0, outputTokens: 17, source: 'provider' });
    expect(answer.choices).toMatchObject([
      {
        parts: [{ type: 'text', text: 'Hi there' }],
        finish: 'length',
        logprobs: { content: [{ token: 'Hi', logprob: -0.1, bytes: [72, 105], top_logprobs: [] }] },
      },
    ]);
  });

  it('surfaces an error line, after what came before it', () => {
    const answer = foldEvents(decodePieces(bytesOf('failing.stream.txt')));

    expect(answer.error).toMatchObject({ kind: 'upstream', message: 'model runner has unexpectedly stopped' });
    expect(answer.choices).toMatchObject([{ parts: [{ text: 'Half' }], finish: 'error' }]);
  });

  it.each(STREAMS)('gives the same events for %s wherever the bytes are cut', (name) => {
    const bytes = bytesOf(`${name}.stream.txt`);
    const whole = decodePieces(bytes);

    for (let at = 0; at <= bytes.length; at++) {
      expect(decodePieces(bytes.subarray(0, at), bytes.subarray(at))).toEqual(whole);
    }
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: bytes.length }), { maxLength: 20 }), (cuts) => {
        const points = [0, ...cuts.toSorted((left, right) => left - right), bytes.length];
        expect(decodePieces(...points.slice(1).map((end, index) => bytes.subarray(points[index], end)))).toEqual(whole);
      }),
    );
  });

  it.each([
    ['a stream that is cut short', '{"model":"m","message":{"content":"Hi"},"done":false}\n', 'before the answer was finished'],
    ['half a line', '{"model":"m","mess', 'not a JSON object'],
    ['a page', '<html></html>\n', 'not a JSON object'],
    ['a line that is no answer', '{"model":"m"}\n', 'The provider failed'],
    ['nothing', '', 'before the answer was finished'],
  ])('makes an error of %s', (_, text, words) => {
    const last = decodePieces(Buffer.from(text)).at(-1);

    expect(last?.type).toBe('error');
    expect(last?.type === 'error' && last.error.message).toMatch(words === 'The provider failed' ? /./ : words);
  });

  it('reads pictures, arguments as text, and lines after the end as nothing', () => {
    const text = [
      '{"message":{"images":["iVBORw0K",5],"tool_calls":[{"function":{"name":"f","arguments":"{\\"a\\":1}"}},{"function":{}}]}}',
      '{"done":true,"done_reason":"unload"}',
      '{"message":{"content":"late"}}',
      'not even JSON',
    ].join('\n');
    const answer = foldEvents(decodePieces(Buffer.from(text)));

    expect(answer).toEqual({
      choices: [
        {
          index: 0,
          parts: [
            { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'iVBORw0K' } },
            { type: 'tool-call', id: 'call_x_0', name: 'f', arguments: '{"a":1}' },
          ],
          finish: 'other',
          raw: 'unload',
        },
      ],
    });
  });
});

describe('encoding a stream', () => {
  it.each(['thinking-and-calls', 'text'])('writes %s so that it reads the same', (name) => {
    const events = decodePieces(bytesOf(`${name}.stream.txt`));
    const again = decodePieces(Buffer.from(encodeEvents(events, contextOf().context)));

    expect(foldEvents(again)).toEqual(foldEvents(events));
  });

  it('writes a line for each piece, calls whole, and the counts at the end', () => {
    const { context } = contextOf({ costOf: () => 0.5 });
    const lines = linesOf(encodeEvents(decodePieces(bytesOf('thinking-and-calls.stream.txt')), context));

    expect(lines.map(({ message }) => message)).toEqual([
      { role: 'assistant', content: '', thinking: 'Which' },
      { role: 'assistant', content: '', thinking: ' city? Zürich.' },
      { role: 'assistant', content: 'Let me ' },
      { role: 'assistant', content: 'look – ✓.' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'call_a', function: { index: 0, name: 'weather', arguments: { city: 'Zürich' } } }],
      },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'call_20260301100000000001_1', function: { index: 1, name: 'now', arguments: {} } }],
      },
      { role: 'assistant', content: '' },
    ]);
    expect(lines.map(({ done }) => done)).toEqual([false, false, false, false, false, false, true]);
    expect(lines.at(-1)).toMatchObject({
      model: 'qwen3:4b',
      created_at: '2026-03-01T10:00:00.000Z',
      done_reason: 'stop',
      prompt_eval_count: 31,
      eval_count: 17,
      total_duration: 2_500_000_000,
      cost: 0.5,
    });
  });

  it('ends with an error line, also when the answer never ended', () => {
    const { context } = contextOf();
    const error = new GatewayError('overloaded', 'Too busy.');
    const events: GenerateEvent[] = [
      { type: 'start' },
      { type: 'error', error },
      { type: 'finish', choice: 0, reason: 'stop' },
    ];

    expect(linesOf(encodeEvents(events, context))).toEqual([{ error: 'Too busy.' }]);
    expect(linesOf(encodeEvents([{ type: 'start' }], context))).toEqual([
      { error: 'The answer ended before it was finished.' },
    ]);
  });

  it('sends calls that nobody ended, and says what it cannot say, once', () => {
    const { context, warnings } = contextOf();
    const at = { choice: 0, block: 0 };
    const citation = { origin: 'gemini' as const, raw: {} };
    const events: GenerateEvent[] = [
      { type: 'reasoning-start', ...at },
      { type: 'reasoning-end', ...at, signature: 's' },
      { type: 'reasoning-end', ...at, data: 'd' },
      { type: 'text-start', choice: 0, block: 1 },
      { type: 'citation', choice: 0, block: 1, citation },
      { type: 'text-end', choice: 0, block: 1 },
      { type: 'text-delta', choice: 1, block: 0, text: 'Other.' },
      { type: 'opaque', choice: 0, block: 2, part: { type: 'opaque', origin: 'gemini', value: { type: 'code' } } },
      { type: 'media', choice: 0, block: 3, part: { type: 'image', source: { type: 'url', url: 'u' } } },
      { type: 'refusal-delta', choice: 0, block: 4, text: 'No.' },
      { type: 'tool-call-start', choice: 0, block: 5, id: '', name: 'f' },
      { type: 'tool-call-delta', choice: 0, block: 5, arguments: 'not JSON' },
      { type: 'tool-call-delta', choice: 0, block: 6, arguments: 'nobody’s' },
      { type: 'tool-call-end', choice: 0, block: 6 },
      { type: 'finish', choice: 0, reason: 'content-filter' },
    ];
    const lines = linesOf(encodeEvents(events, context));

    expect(warnings.map(({ field }) => field)).toEqual([
      'thinking',
      'citations',
      'n',
      'content',
      'content',
      'tool_calls',
      'done_reason',
    ]);
    expect(lines.map(({ message }) => message)).toEqual([
      { role: 'assistant', content: 'No.' },
      {
        role: 'assistant',
        content: '',
        tool_calls: [{ id: 'call_CALL_0', function: { index: 0, name: 'f', arguments: { input: 'not JSON' } } }],
      },
      { role: 'assistant', content: '' },
    ]);
  });
});
