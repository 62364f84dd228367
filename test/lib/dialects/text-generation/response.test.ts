import { describe, expect, it } from 'vitest';
import { textGeneration } from '../../../../lib/dialects/text-generation/index.ts';
import { VARIANTS } from '../../../../lib/dialects/text-generation/variants.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { GenerateResponse } from '../../../../lib/kinds/generate.ts';
import { jsonOf } from './support.ts';

const TEXT = 'Grüezi – ✓ alles klar.';

const USAGE = { inputTokens: 11, outputTokens: 7, source: 'provider' };

/** What the fixtures say besides the text. */
const SAID: Readonly<Record<string, { finish?: string; raw?: string; usage?: object }>> = {
  'aleph-alpha': { finish: 'length', raw: 'maximum_tokens', usage: USAGE },
  'anthropic-complete': { raw: 'stop_sequence' },
  'cloudflare-run': { usage: USAGE },
  fal: { raw: 'stop', usage: USAGE },
  'nlp-cloud': { usage: USAGE },
  'ollama-generate': { raw: 'stop', usage: USAGE },
  tgi: { raw: 'eos_token' },
  watsonx: { raw: 'eos_token', usage: USAGE },
};

/** What models thought before. */
const THOUGHT: Readonly<Record<string, readonly object[]>> = { fal: [{ type: 'reasoning', text: 'It is small.' }] };

const read = (variant: string, body: unknown): GenerateResponse => foldEvents(textGeneration(variant).decodeResponse(body, {}));

describe('a whole answer', () => {
  it.each(Object.keys(VARIANTS))('of %s is read', (variant) => {
    const { usage, finish = 'stop', ...raw } = SAID[variant] ?? {};

    expect(read(variant, jsonOf(`${variant}.response.json`))).toEqual({
      choices: [{ index: 0, parts: [...(THOUGHT[variant] ?? []), { type: 'text', text: TEXT }], finish, ...raw }],
      ...(usage !== undefined && { usage }),
    });
  });

  it.each([
    ['bytez', { output: 'plain' }, 'plain'],
    ['bytez', { output: { content: 'nested' } }, 'nested'],
    ['tgi', [{ generated_text: 'in a list' }], 'in a list'],
    ['triton', { text_output: '' }, ''],
  ])('of %s may come as %j', (variant, body, text) => {
    expect(read(variant, body).choices[0]?.parts).toEqual(text === '' ? [] : [{ type: 'text', text }]);
  });

  it('with a word for its end that nobody knows keeps the word', () => {
    const body = { completion: 'x', stop_reason: 'novel' };

    expect(read('anthropic-complete', body).choices[0]).toMatchObject({ finish: 'other', raw: 'novel' });
  });

  it('counts nothing where only half of the usage is told', () => {
    expect(read('nlp-cloud', { generated_text: 'x', nb_generated_tokens: 3 })).not.toHaveProperty('usage');
  });

  it.each([
    ['bytez', { error: 'Model is overloaded', output: null }, 'Model is overloaded'],
    ['cloudflare-run', { success: false, errors: [{ code: 5007, message: 'No such model' }], result: null }, 'No such model'],
    ['petals', { ok: false, traceback: 'KeyError' }, 'KeyError'],
    ['palm', { filters: [{ reason: 'SAFETY' }] }, 'SAFETY'],
    ['tgi', [], 'holds no text'],
    ['tgi', [{ generated_text: 5 }], 'holds no text'],
    ['tgi', 'text', 'holds no text'],
    ['tgi', null, 'holds no text'],
  ])('of %s that is %j is an error', (variant, body, words) => {
    expect(() => read(variant, body)).toThrow(words);
  });
});
