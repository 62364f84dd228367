import { describe, expect, it } from 'vitest';
import { openaiCompletions } from '../../../../lib/dialects/openai-completions/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { GenerateEvent } from '../../../../lib/kinds/generate.ts';
import { bytesOf, chunksOf, contextOf, decodePieces } from './fixture.ts';

const frames = (...data: readonly string[]): Buffer => Buffer.from(data.map((line) => `data: ${line}\n\n`).join(''));

describe('a stream of a provider', () => {
  it('tells choices apart, with usage and log probabilities', () => {
    const answer = foldEvents(decodePieces(bytesOf('two-choices.stream.txt')));

    expect(answer).toMatchObject({
      id: 'cmpl-2',
      model: 'babbage-002',
      created: 1763800000,
      choices: [
        { index: 0, parts: [{ type: 'text', text: ' was calm' }], finish: 'stop', stopSequence: 'END' },
        { index: 1, parts: [{ type: 'text', text: ' lay' }], finish: 'length' },
      ],
      usage: { inputTokens: 5, outputTokens: 3, source: 'provider' },
    });
    expect(answer.choices[0]?.logprobs).toMatchObject({ content: [{ token: ' was' }, { token: ' calm' }] });
  });

  it('may come in chunks of chat', () => {
    const answer = foldEvents(decodePieces(bytesOf('fim.stream.txt')));

    expect(answer).toMatchObject({
      choices: [{ parts: [{ type: 'text', text: 'return a + b — ✓' }], finish: 'stop' }],
      usage: { inputTokens: 9, outputTokens: 4 },
    });
  });

  it.each(['two-choices.stream.txt', 'fim.stream.txt'])('of %s means the same wherever it is cut', (name) => {
    const bytes = bytesOf(name);
    const whole = decodePieces(bytes);

    for (let at = 1; at < bytes.length; at++) {
      expect(decodePieces(bytes.subarray(0, at), bytes.subarray(at))).toEqual(whole);
    }
  });

  it('may end without its last mark once every choice has ended', () => {
    const events = decodePieces(frames('{"choices":[{"text":"a","finish_reason":"stop"}]}'));

    expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'stop' });
  });

  it.each<[string, readonly string[], string]>([
    ['nothing', [], 'before the answer was finished'],
    ['half an answer', ['{"choices":[{"text":"a"}]}'], 'before the answer was finished'],
    ['its last mark only', ['[DONE]'], 'without an answer'],
    ['no JSON', ['garbage'], 'not a JSON object'],
    ['an error', ['{"error":{"message":"It broke"}}', '{"choices":[{"text":"late"}]}'], 'It broke'],
  ])('that is %s ends in an error', (_, data, message) => {
    const events = decodePieces(frames(...data));

    expect(events.at(-1)).toMatchObject({ type: 'error' });
    expect((events.at(-1) as { error: GatewayError }).error.message).toContain(message);
  });

  it('may name an error by its event', () => {
    const events = decodePieces(Buffer.from('event: error\ndata: {"message":"Too busy"}\n\n'));

    expect(events).toMatchObject([{ type: 'error', error: { message: 'Too busy' } }]);
  });
});

describe('a stream for a client', () => {
  it('tells the same answer as the provider', () => {
    const events = decodePieces(bytesOf('two-choices.stream.txt'));
    const chunks = chunksOf(events);
    const again = decodePieces(frames(...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'));

    expect(foldEvents(again)).toEqual(foldEvents(events));
    expect(chunks[0]).toEqual({
      id: 'cmpl-2',
      object: 'text_completion',
      created: 1763800000,
      model: 'babbage-002',
      choices: [{ text: ' was', index: 0, logprobs: null, finish_reason: null }],
    });
    expect(chunks.find(({ choices }) => JSON.stringify(choices).includes('-1.25'))).toMatchObject({
      choices: [{ text: '', logprobs: { tokens: [' calm'], text_offset: [4] } }],
    });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 } });
  });

  it('has usage only when asked, and the cost in it where there is one', () => {
    const events = decodePieces(bytesOf('fim.stream.txt'));

    expect(chunksOf(events, contextOf({ includeUsage: false })).some((chunk) => 'usage' in chunk)).toBe(false);
    expect(chunksOf(events, contextOf({ costOf: () => 0.5 })).at(-1)).toMatchObject({ usage: { cost: 0.5 } });
  });

  it('tells what is lost, once a kind, and sends a refusal as text', () => {
    const context = contextOf();
    const at = { choice: 0, block: 0 };
    const events: GenerateEvent[] = [
      { type: 'start', extensions: { 'openai-completions': { system_fingerprint: 'fp' } } },
      { type: 'reasoning-start', ...at },
      { type: 'reasoning-delta', ...at, text: 'Hm.' },
      { type: 'reasoning-end', ...at },
      { type: 'refusal-delta', ...at, block: 1, text: 'No.' },
      { type: 'tool-call-start', ...at, block: 2, id: 'c', name: 'f' },
      { type: 'tool-call-delta', ...at, block: 2, arguments: '{}' },
      { type: 'media', ...at, block: 3, part: { type: 'image', source: { type: 'url', url: 'https://a.example' } } },
      { type: 'opaque', ...at, block: 4, part: { type: 'opaque', origin: 'gemini', value: {} } },
      { type: 'logprobs', choice: 0, logprobs: {} },
      { type: 'finish', choice: 0, reason: 'tool-calls' },
      { type: 'finish', choice: 0, reason: 'stop' },
    ];

    expect(chunksOf(events, context)).toMatchObject([
      { id: 'cmpl-ours', system_fingerprint: 'fp', choices: [{ text: 'No.' }] },
      { choices: [{ text: '', finish_reason: 'stop' }] },
    ]);
    expect(context.warnings.map(({ field }) => field)).toEqual([
      'choices[0].reasoning',
      'choices[0].tool_calls',
      'choices[0].images',
      'choices[0].content',
    ]);
  });

  it('ends in an error when the answer does, and says nothing after it', () => {
    const error = new GatewayError('overloaded', 'Too busy');
    const late: GenerateEvent = { type: 'text-delta', choice: 0, block: 0, text: 'late' };

    expect(chunksOf([{ type: 'error', error }, late])).toMatchObject([{ error: { message: 'Too busy' } }]);
    expect(chunksOf([late])).toMatchObject([{ choices: [{ text: 'late' }] }, { error: { type: 'server_error' } }]);
  });
});

describe('a passthrough', () => {
  const { passthrough } = openaiCompletions;

  it('asks for usage as chat does, and caps the output in the only field there is', () => {
    expect(passthrough.askUsage({ stream: true })).toEqual({ stream: true, stream_options: { include_usage: true } });
    expect(passthrough.clampOutput({ max_tokens: 50 }, 10)).toEqual({ max_tokens: 10 });
    expect(passthrough.clampOutput({ max_tokens: null }, 10)).toEqual({ max_tokens: 10 });
    expect(passthrough.clampOutput({ max_tokens: 5 }, 10)).toEqual({ max_tokens: 5 });
  });

  it('leaves the prompt alone', () => {
    const body = { prompt: 'Hi' };
    expect(passthrough.withoutForeignProofs(body, {})).toBe(body);
  });
});
