import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textGeneration } from '../../../../lib/dialects/text-generation/index.ts';
import { VARIANTS } from '../../../../lib/dialects/text-generation/variants.ts';
import { valueAt, type Setting } from '../../../../lib/dialects/text-generation/wire.ts';
import type { GenerateRequest, Sampling } from '../../../../lib/kinds/generate.ts';
import { requestOf, TARGET } from './support.ts';

const text = (words: string) => ({ type: 'text', text: words }) as const;

/** A conversation with every setting that any of the APIs has. */
const FULL = requestOf({
  messages: [
    { role: 'system', parts: [text('Be kind.')] },
    { role: 'user', parts: [text('Hi')] },
    { role: 'assistant', parts: [text('Hello')] },
    { role: 'user', parts: [text('Bye')] },
  ],
  sampling: {
    temperature: 0.5,
    topP: 0.9,
    topK: 40,
    seed: 7,
    frequencyPenalty: 0.1,
    presencePenalty: 0.2,
    stop: ['END'],
  },
  maxOutputTokens: 64,
  user: 'u1',
  stream: true,
});

const TRANSCRIPT = 'Be kind.\n\nUser: Hi\n\nAssistant: Hello\n\nUser: Bye\n\nAssistant:';
const STOPS = ['END', '\n\nUser:'];
const MESSAGES = [
  { role: 'system', content: 'Be kind.' },
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Hello' },
  { role: 'user', content: 'Bye' },
];
const TGI = {
  max_new_tokens: 64,
  temperature: 0.5,
  top_p: 0.9,
  top_k: 40,
  seed: 7,
  frequency_penalty: 0.1,
  stop: STOPS,
  do_sample: true,
  return_full_text: false,
};
const DRAWN = { temperature: 0.5, top_p: 0.9, top_k: 40 };
const PENALTIES = { frequency_penalty: 0.1, presence_penalty: 0.2 };

/** What each API is sent for `FULL`, and what it is not told. */
const SENT: Readonly<Record<string, readonly [object, readonly string[]]>> = {
  'aleph-alpha': [
    { model: 'the-model', prompt: TRANSCRIPT, maximum_tokens: 64, ...DRAWN, ...PENALTIES, stop_sequences: STOPS },
    ['messages', 'seed', 'user', 'stream'],
  ],
  'anthropic-complete': [
    {
      model: 'the-model',
      prompt: '\n\nBe kind.\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: Bye\n\nAssistant:',
      max_tokens_to_sample: 64,
      ...DRAWN,
      stop_sequences: ['END', '\n\nHuman:'],
      metadata: { user_id: 'u1' },
      stream: true,
    },
    ['messages', 'seed', 'frequency_penalty', 'presence_penalty'],
  ],
  bytez: [
    {
      messages: MESSAGES.map(({ role, content }) => ({ role, content: [text(content)] })),
      stream: false,
      params: { max_new_tokens: 64, temperature: 0.5, top_p: 0.9 },
    },
    ['top_k', 'seed', 'frequency_penalty', 'presence_penalty', 'stop', 'user', 'stream'],
  ],
  'cloudflare-run': [
    {
      messages: MESSAGES,
      max_tokens: 64,
      temperature: 0.5,
      top_p: 0.9,
      seed: 7,
      ...PENALTIES,
      stop: ['END'],
      stream: true,
    },
    ['top_k', 'user'],
  ],
  custom: [
    { model: 'the-model', params: { prompt: [TRANSCRIPT], max_tokens: 64, ...DRAWN } },
    ['messages', 'seed', 'frequency_penalty', 'presence_penalty', 'stop', 'user', 'stream'],
  ],
  fal: [
    { prompt: TRANSCRIPT, temperature: 0.5, top_p: 0.9 },
    ['messages', 'max_tokens', 'top_k', 'seed', 'frequency_penalty', 'presence_penalty', 'stop', 'user', 'stream'],
  ],
  langflow: [
    { input_value: TRANSCRIPT, input_type: 'chat', output_type: 'chat' },
    [
      'messages',
      'max_tokens',
      'temperature',
      'top_p',
      'top_k',
      'seed',
      'frequency_penalty',
      'presence_penalty',
      'stop',
      'user',
      'stream',
    ],
  ],
  'nlp-cloud': [
    { text: TRANSCRIPT, max_length: 64, ...DRAWN, ...PENALTIES, stop_sequences: STOPS },
    ['messages', 'seed', 'user', 'stream'],
  ],
  'ollama-generate': [
    {
      model: 'the-model',
      prompt: TRANSCRIPT,
      options: { num_predict: 64, ...DRAWN, seed: 7, ...PENALTIES, stop: STOPS },
      stream: true,
    },
    ['messages', 'user'],
  ],
  palm: [
    {
      prompt: { text: TRANSCRIPT },
      maxOutputTokens: 64,
      temperature: 0.5,
      topP: 0.9,
      topK: 40,
      stopSequences: STOPS,
    },
    ['messages', 'seed', 'frequency_penalty', 'presence_penalty', 'user', 'stream'],
  ],
  petals: [
    { model: 'the-model', inputs: TRANSCRIPT, max_new_tokens: 64, ...DRAWN, do_sample: 1 },
    ['messages', 'seed', 'frequency_penalty', 'presence_penalty', 'stop', 'user', 'stream'],
  ],
  sagemaker: [{ inputs: TRANSCRIPT, parameters: TGI, stream: true }, ['messages', 'presence_penalty', 'user']],
  tgi: [{ inputs: TRANSCRIPT, parameters: { ...TGI, details: true } }, ['messages', 'presence_penalty', 'user']],
  triton: [
    { text_input: TRANSCRIPT, parameters: { max_tokens: 64, ...DRAWN }, stream: true },
    ['messages', 'seed', 'frequency_penalty', 'presence_penalty', 'stop', 'user'],
  ],
  watsonx: [
    {
      model: 'the-model',
      input: TRANSCRIPT,
      parameters: { max_new_tokens: 64, ...DRAWN, random_seed: 7, stop_sequences: STOPS, decoding_method: 'sample' },
    },
    ['messages', 'frequency_penalty', 'presence_penalty', 'user'],
  ],
};

const encode = (variant: string, request: GenerateRequest, target = TARGET) =>
  textGeneration(variant).encodeRequest(request, target);

describe('a request', () => {
  it('is known of every API', () => {
    expect(Object.keys(SENT)).toEqual(Object.keys(VARIANTS));
  });

  it.each(Object.entries(SENT))('for %s says what the API can be told, and warns of the rest', (variant, [body, unsaid]) => {
    const encoded = encode(variant, FULL);

    expect(encoded.body).toEqual(body);
    expect(encoded.warnings.map(({ field }) => field)).toEqual(unsaid);
  });

  it('of one question is the question itself, and no loss', () => {
    expect(encode('tgi', requestOf())).toEqual({
      body: { inputs: 'Hi', parameters: { details: true, return_full_text: false } },
      warnings: [],
      decoding: {},
    });
    expect(encode('anthropic-complete', requestOf())).toMatchObject({
      body: { prompt: '\n\nHuman: Hi\n\nAssistant:', max_tokens_to_sample: 4096, stop_sequences: ['\n\nHuman:'] },
      warnings: [],
    });
  });

  it('has the cap that an API demands, within what the model can write', () => {
    expect(encode('triton', requestOf()).body).toMatchObject({ parameters: { max_tokens: 2000 } });
    expect(encode('triton', requestOf(), { ...TARGET, maxOutputTokens: 500 }).body).toMatchObject({
      parameters: { max_tokens: 500 },
    });
  });

  it('does not draw at a temperature of 0, and leaves out a top-p of 1, where servers refuse such values', () => {
    const cold = encode('tgi', requestOf({ sampling: { temperature: 0, topP: 0.5, topK: 3 } }));
    const open = encode('tgi', requestOf({ sampling: { temperature: 1, topP: 1 } }));

    expect(cold.body).toEqual({ inputs: 'Hi', parameters: { details: true, return_full_text: false } });
    expect(open.body).toMatchObject({ parameters: { temperature: 1, do_sample: true } });
    expect(open.body['parameters']).not.toHaveProperty('top_p');
    expect(encode('triton', requestOf({ sampling: { temperature: 0 } })).body).toMatchObject({
      parameters: { temperature: 0 },
    });
  });

  it('tells tools and their results as text, developers as system, and drops pictures', () => {
    const { body, warnings } = encode(
      'cloudflare-run',
      requestOf({
        messages: [
          { role: 'developer', parts: [text('Be brief.')] },
          { role: 'user', parts: [text('Look'), { type: 'image', source: { type: 'url', url: 'https://x.example/i.png' } }] },
          { role: 'assistant', parts: [{ type: 'tool-call', id: 'c1', name: 'look', arguments: '{"at":1}' }] },
          { role: 'tool', parts: [{ type: 'tool-result', callId: 'c1', parts: [text('a cat')] }] },
        ],
      }),
    );

    expect(body['messages']).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Look' },
      { role: 'assistant', content: 'look({"at":1})' },
      { role: 'user', content: 'a cat' },
    ]);
    expect(warnings.map(({ field }) => field)).toEqual(['messages[1].content']);
  });

  it('carries the last picture where the API takes one, as its address or as a data URL', () => {
    const picture = (data: string) => ({ type: 'image', source: { type: 'base64', mediaType: 'image/png', data } }) as const;
    const asked = encode(
      'fal',
      requestOf({ messages: [{ role: 'user', parts: [picture('AA=='), picture('BB=='), text('What?')] }] }),
    );
    const linked = { type: 'image', source: { type: 'url', url: 'https://x.example/i.png' } } as const;

    expect(asked.body).toEqual({ prompt: 'What?', image_url: 'data:image/png;base64,BB==' });
    expect(asked.warnings.map(({ field }) => field)).toEqual(['messages[0].content']);
    expect(encode('fal', requestOf({ messages: [{ role: 'user', parts: [text('What?'), linked] }] }))).toMatchObject({
      body: { prompt: 'What?', image_url: 'https://x.example/i.png' },
      warnings: [],
    });
  });

  it('warns of everything that needs more than text', () => {
    const { body, warnings } = encode(
      'tgi',
      requestOf({
        tools: [{ type: 'function', name: 'f', cache: {} }],
        toolChoice: { type: 'required' },
        output: { type: 'json' },
        reasoning: { effort: 'high' },
        sampling: { choices: 2, logitBias: { 1: 1 }, logprobs: true },
        serviceTier: 'priority',
        metadata: { a: 'b' },
        extensions: { 'openai-chat': { store: true }, 'text-generation': { own: 1 } },
      }),
    );

    expect(warnings.map(({ field }) => field)).toEqual([
      'store',
      'tools',
      'tool_choice',
      'response_format',
      'reasoning_effort',
      'n',
      'logit_bias',
      'logprobs',
      'service_tier',
      'metadata',
      'cache_control',
    ]);
    expect(body).toMatchObject({ own: 1 });
  });

  it('does not warn of what means the default', () => {
    const { warnings } = encode(
      'tgi',
      requestOf({
        toolChoice: { type: 'none' },
        output: { type: 'text' },
        reasoning: { effort: 'none' },
        sampling: { choices: 1, logitBias: {} },
        serviceTier: 'auto',
        metadata: {},
      }),
    );

    expect(warnings).toEqual([]);
  });
});

/** Any of the settings, with values that no API refuses. */
const settings = fc.record(
  {
    temperature: fc.double({ min: 0.1, max: 1, noNaN: true }),
    topP: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
    topK: fc.integer({ min: 1, max: 100 }),
    seed: fc.nat(),
    frequencyPenalty: fc.double({ min: -1, max: 1, noNaN: true }),
    presencePenalty: fc.double({ min: -1, max: 1, noNaN: true }),
    stop: fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: [] },
);

describe('whatever is asked', () => {
  it.each(Object.entries(VARIANTS))('%s is told it, or the client is', (name, variant) => {
    const fieldOf = (setting: string): string => setting.replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`);

    fc.assert(
      fc.property(settings, (sampling: Sampling) => {
        const { body, warnings } = encode(name, requestOf({ sampling }));
        const lost = Object.keys(sampling).filter((setting) => variant.settings[setting as Setting] === undefined);

        expect(warnings.map(({ field }) => field).toSorted()).toEqual(lost.map(fieldOf).toSorted());
        for (const [setting, value] of Object.entries(sampling)) {
          const told = valueAt(body, variant.settings[setting as Setting]);
          if (lost.includes(setting)) expect(told).toBeUndefined();
          else expect(told).toEqual(Array.isArray(value) ? expect.arrayContaining(value) : value);
        }
      }),
    );
  });
});

describe('the dialect', () => {
  it.each([undefined, 'other', 'toString'])('has no variant %s', (name) => {
    expect(() => textGeneration(name)).toThrow(/has no variant/);
  });
});
