import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textGeneration } from '../../../../lib/dialects/text-generation/index.ts';
import { VARIANTS } from '../../../../lib/dialects/text-generation/variants.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import { bytesOf, decodeFrames, decodePieces, framesOf, jsonOf } from './support.ts';

const STREAMED = Object.entries(VARIANTS).flatMap(([name, { stream }]) => (stream === undefined ? [] : [name]));

const USAGE = { inputTokens: 11, outputTokens: 7, source: 'provider' };

/** What streams say that whole answers do not. */
const MORE: Readonly<Record<string, object>> = {
  sagemaker: { raw: 'eos_token', usage: USAGE },
  tgi: { usage: USAGE },
};

describe('a stream', () => {
  it.each(STREAMED)('of %s says what the whole answer says', (variant) => {
    const streamed = foldEvents(decodePieces(variant, [bytesOf(`${variant}.stream.txt`)]));
    const whole = foldEvents(textGeneration(variant).decodeResponse(jsonOf(`${variant}.response.json`), {}));
    const { raw, ...more } = { ...MORE[variant] } as { raw?: string };

    expect(streamed).toEqual({
      ...whole,
      ...more,
      choices: whole.choices.map((choice) => ({ ...choice, ...(raw !== undefined && { raw }) })),
    });
  });

  it.each(STREAMED)('of %s gives the same events wherever it is cut', (variant) => {
    const bytes = bytesOf(`${variant}.stream.txt`);
    const starts = [...bytes.keys(), bytes.length];
    const whole = decodePieces(variant, [bytes]);

    for (const at of starts) {
      expect(decodePieces(variant, [bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    }
    fc.assert(
      fc.property(fc.subarray(starts, { maxLength: 30 }), (cuts) => {
        const points = [0, ...cuts, bytes.length];
        const pieces = points.slice(1).map((end, index) => bytes.subarray(points[index], end));
        expect(decodePieces(variant, pieces)).toEqual(whole);
      }),
    );
  });

  it.each(STREAMED.filter((variant) => variant !== 'triton'))('of %s that is cut short ends in an error', (variant) => {
    const bytes = bytesOf(`${variant}.stream.txt`);
    const half = foldEvents(
      decodePieces(variant, [
        bytes.subarray(0, bytes.indexOf(textGeneration(variant).framing === 'sse' ? '}\n\n' : '}\n') + 2),
      ]),
    );
    const none = foldEvents(decodePieces(variant, []));

    for (const { error } of [half, none]) {
      expect(error).toMatchObject({ kind: 'upstream', message: expect.stringMatching(/before the answer was finished/) });
    }
  });

  it('of an API that tells no end is finished when the connection ends, unless nothing came', () => {
    expect(foldEvents(decodeFrames('triton', framesOf({ text_output: 'Hi' })))).toEqual({
      choices: [{ index: 0, parts: [{ type: 'text', text: 'Hi' }], finish: 'stop' }],
    });
    expect(foldEvents(decodeFrames('triton', [])).error?.kind).toBe('upstream');
  });

  it('without a word ends without a text', () => {
    const last = { token: { text: '</s>', special: true }, generated_text: '', details: { finish_reason: 'eos_token' } };

    expect(decodeFrames('tgi', framesOf(last))).toEqual([
      { type: 'start' },
      { type: 'finish', choice: 0, reason: 'stop', raw: 'eos_token' },
    ]);
  });

  it('ends once: what follows is not read', () => {
    const frames = framesOf({ completion: 'Hi', stop_reason: 'max_tokens' }, { completion: 'late' }, 'not JSON', '[DONE]');

    expect(foldEvents(decodeFrames('anthropic-complete', frames)).choices).toEqual([
      { index: 0, parts: [{ type: 'text', text: 'Hi' }], finish: 'length', raw: 'max_tokens' },
    ]);
    expect(foldEvents(decodeFrames('anthropic-complete', framesOf('[DONE]'))).error).toBeDefined();
  });

  it.each([
    ['tgi', { error: 'Request failed during generation', error_type: 'overloaded' }, 'overloaded'],
    ['tgi', { error: 'bad', error_type: 'validation' }, 'invalid_request'],
    ['triton', { error: 'in ensemble, stopped' }, 'upstream'],
    ['anthropic-complete', { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 'overloaded'],
    ['cloudflare-run', '<html>', 'upstream'],
  ])('of %s that brings %j in the middle ends in an error', (variant, event, kind) => {
    const { stream } = VARIANTS[variant as keyof typeof VARIANTS];
    const field = stream?.text[0] ?? '';
    const piece = variant === 'tgi' ? { token: { text: 'Half' } } : { [field]: 'Half' };
    const answer = foldEvents(decodeFrames(variant, framesOf(piece, event, piece)));

    expect(answer.error).toMatchObject({ kind });
    expect(answer.choices).toMatchObject([{ parts: [{ text: 'Half' }], finish: 'error' }]);
  });

  it('of SageMaker may have lines without data:, and errors as a line', () => {
    const lines = (...values: readonly string[]) => decodePieces('sagemaker', [Buffer.from(values.join('\n'))]);
    const hi = '{"token":{"text":"Hi"}}';

    expect(foldEvents(lines(hi, 'data: {"token":{"text":"!"},"generated_text":"Hi!"}')).choices).toEqual([
      { index: 0, parts: [{ type: 'text', text: 'Hi!' }], finish: 'stop' },
    ]);
    expect(
      foldEvents(lines(hi, '{"error":{"message":"The container stopped.","type":"ModelStreamError"}}')).error?.message,
    ).toBe('The container stopped.');
  });

  it('of watsonx may hold an event that is an error', () => {
    const data = '{"errors":[{"code":"model_no_support","message":"No such model."}],"status_code":400}';

    expect(foldEvents(decodeFrames('watsonx', [{ event: 'error', data }])).error?.message).toBe('No such model.');
    expect(foldEvents(decodeFrames('watsonx', [{ event: 'error', data: 'no more' }])).error?.message).toBe('no more');
  });

  it('that nobody asked for is an error', () => {
    expect(foldEvents(decodeFrames('palm', framesOf({ candidates: [] }))).error?.message).toMatch(/not asked for/);
  });
});
