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
    // Messages of SageMaker carry text: a container does not cut its characters.
    const starts = [...bytes.keys(), bytes.length].filter(
      (at) => textGeneration(variant).framing !== 'aws-event-stream' || ((bytes[at] ?? 0) & 0xc0) !== 0x80,
    );
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

  it('of SageMaker may break off with an exception, in JSON or not', () => {
    const piece = { event: 'PayloadPart', data: 'data:{"token":{"text":"Half"}}\n' };
    const modelled = { event: 'exception:ModelStreamError', data: '{"Message":"The container stopped."}' };
    const plain = { event: 'error:InternalError', data: 'no more' };

    expect(foldEvents(decodeFrames('sagemaker', [piece, modelled])).error?.message).toBe('The container stopped.');
    expect(foldEvents(decodeFrames('sagemaker', [plain])).error?.message).toBe('no more');
  });

  it('of SageMaker may have lines without data:, and none at its end', () => {
    const data = '{"token":{"text":"Hi"}}\n{"token":{"text":"!"},"generated_text":"Hi!"}';

    expect(foldEvents(decodeFrames('sagemaker', [{ event: 'PayloadPart', data }])).choices).toEqual([
      { index: 0, parts: [{ type: 'text', text: 'Hi!' }], finish: 'stop' },
    ]);
  });

  it('that nobody asked for is an error', () => {
    expect(foldEvents(decodeFrames('palm', framesOf({ candidates: [] }))).error?.message).toMatch(/not asked for/);
  });
});
