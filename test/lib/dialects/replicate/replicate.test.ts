import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replicate } from '../../../../lib/dialects/replicate/index.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { GenerateEvent } from '../../../../lib/kinds/generate.ts';
import { createSseParser } from '../../../../lib/transport/sse.ts';
import { requestOf, TARGET } from '../text-generation/support.ts';

const METRICS = { input_token_count: 11, output_token_count: 7, predict_time: 0.4 };
const USAGE = { inputTokens: 11, outputTokens: 7, source: 'provider' };
const prediction = (over: object = {}): object => ({
  id: 'p1',
  status: 'succeeded',
  output: ['Grüezi –', ' ✓\n', 'klar.'],
  error: null,
  metrics: METRICS,
  ...over,
});
const STREAM = [
  'event: output\nid: 1\ndata: Grüezi –\n\n',
  ': keep-alive\n\nevent: output\nid: 2\ndata:  ✓\ndata: \n\n',
  'event: output\nid: 3\ndata: klar.\n\nevent: logs\ndata: x\n\n',
  'event: done\nid: 4\ndata: {}\n\n',
  `event: prediction\ndata: ${JSON.stringify(prediction())}\n\n`,
].join('');

function decode(pieces: readonly Uint8Array[]): GenerateEvent[] {
  const parser = createSseParser();
  const decoder = replicate.decodeStream({});
  const frames = [...pieces.flatMap((piece) => parser.push(piece)), ...parser.end()];
  return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}
const decodeText = (text: string): GenerateEvent[] => decode([Buffer.from(text)]);
const whole = (body: unknown) => foldEvents(replicate.decodeResponse(body, {}));

describe('a prediction', () => {
  it('is read whole as its stream is, but for its id', () => {
    const { id, ...answer } = whole(prediction());

    expect(id).toBe('p1');
    expect(answer).toEqual({
      choices: [{ index: 0, parts: [{ type: 'text', text: 'Grüezi – ✓\nklar.' }], finish: 'stop' }],
      usage: USAGE,
    });
    expect(foldEvents(decodeText(STREAM))).toEqual(answer);
  });

  it('gives the same events wherever its stream is cut', () => {
    const bytes = Buffer.from(STREAM);
    const events = decode([bytes]);
    for (const at of bytes.keys()) expect(decode([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(events);
    fc.assert(
      fc.property(fc.subarray([...bytes.keys()], { maxLength: 30 }), (cuts) => {
        const points = [0, ...cuts, bytes.length];
        expect(decode(points.slice(1).map((end, index) => bytes.subarray(points[index], end)))).toEqual(events);
      }),
    );
  });

  it('may be one text, or nothing', () => {
    expect(whole(prediction({ output: 'Hi' })).choices[0]?.parts).toEqual([{ type: 'text', text: 'Hi' }]);
    expect(whole(prediction({ output: null })).choices[0]?.parts).toEqual([]);
    expect(() => whole(prediction({ output: { image: 'x' } }))).toThrow(/no text/);
    expect(() => whole([])).toThrow(/not an object/);
  });

  it('without figures of tokens has no usage', () => {
    expect(whole(prediction({ metrics: { predict_time: 3 } }))).not.toHaveProperty('usage');
  });

  it('that came to nothing is an error beside what it counted', () => {
    const failed = whole(prediction({ status: 'failed', error: 'CUDA out of memory' }));

    expect(failed.error?.message).toBe('CUDA out of memory');
    expect(failed.usage).toEqual(USAGE);
    expect(whole(prediction({ status: 'canceled' })).error?.message).toMatch(/canceled/);
    expect(whole({}).error?.message).toMatch(/without a prediction/);
  });

  it.each([
    ['that is cut short', 'event: output\ndata: Hal', /before the answer was finished/],
    ['without a word', '', /before the answer was finished/],
    ['that tells an error', 'event: output\ndata: Hal\n\nevent: error\ndata: {"detail":"crashed"}\n\n', /crashed/],
    ['that tells an error in plain words', 'event: error\ndata: crashed\n\n', /crashed/],
    ['that was cancelled', 'event: done\ndata: {"reason":"canceled"}\n\n', /canceled/],
    [
      'whose prediction failed',
      `event: output\ndata: Hal\n\nevent: prediction\ndata: ${JSON.stringify(prediction({ status: 'failed', error: 'no memory' }))}\n\n`,
      /no memory/,
    ],
  ])('as a stream %s ends in an error', (_what, text, words) => {
    const events = decodeText(text);

    expect(events.filter(({ type }) => type === 'error')).toHaveLength(1);
    expect(foldEvents(events).error?.message).toMatch(words);
    expect(foldEvents(events)).not.toHaveProperty('finish');
  });
});

describe('a request', () => {
  it('says the cap under both names, stop sequences as one text, and asks to wait where nothing is streamed', () => {
    const asked = requestOf({ maxOutputTokens: 64, sampling: { stop: ['END', 'a,b'], temperature: 0.5, seed: 7 } });

    expect(replicate.encodeRequest(asked, TARGET)).toEqual({
      body: {
        model: 'the-model',
        input: { prompt: 'Hi', max_tokens: 64, max_new_tokens: 64, temperature: 0.5, seed: 7, stop_sequences: 'END' },
      },
      headers: { prefer: 'wait' },
      warnings: [{ kind: 'dropped', field: 'stop', reason: 'A stop sequence with a comma in it cannot be said.' }],
      decoding: {},
    });
    const streamed = replicate.encodeRequest(requestOf({ stream: true }), TARGET);
    expect(streamed).toEqual({
      body: { model: 'the-model', input: { prompt: 'Hi' }, stream: true },
      warnings: [],
      decoding: {},
    });
  });
});

describe('an error', () => {
  it('has the words of the API', () => {
    const body = Buffer.from('{"title":"Invalid version","detail":"The version does not exist.","status":422}');

    expect(replicate.decodeError({ status: 422, headers: {}, body })).toMatchObject({
      kind: 'unprocessable',
      message: 'The version does not exist.',
    });
  });
});
