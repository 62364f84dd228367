import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../lib/errors.ts';
import { gemini } from '../../../../lib/dialects/gemini/index.ts';
import { foldEvents, unfold } from '../../../../lib/kinds/fold.ts';
import type { GenerateEvent, GenerateResponse, Part } from '../../../../lib/kinds/generate.ts';
import { CASES, chunksOf, contextOf, eventsOf, responseFixture, streamFixture, streamText } from './support.ts';

const answerOf = (parts: readonly Part[], more: Partial<GenerateResponse> = {}): GenerateResponse => ({
  choices: [{ index: 0, parts, finish: 'stop' }],
  ...more,
});

describe('an answer for a client', () => {
  it.each(CASES)('says what the provider said: %s', (name) => {
    const answer = foldEvents(gemini.decodeResponse(responseFixture(name), {}));
    const { context, warnings } = contextOf();
    const again = foldEvents(gemini.decodeResponse(gemini.encodeResponse(answer, context), {}));

    expect(again).toEqual(answer);
    expect(warnings).toEqual([]);
  });

  it.each(CASES)('says the same as a stream: %s', (name) => {
    const events = eventsOf([streamFixture(name)]);

    expect(foldEvents(eventsOf([Buffer.from(streamText(events))]))).toEqual(foldEvents(events));
  });

  it('has ids, model and usage in the words of the API', () => {
    const usage = { inputTokens: 10, cacheReadTokens: 4, outputTokens: 7, reasoningTokens: 2, audioInputTokens: 3 };
    const { context } = contextOf({ costOf: () => 0.5 });

    expect(gemini.encodeResponse(answerOf([], { usage: { ...usage, source: 'provider' } }), context)).toEqual({
      candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, index: 0, finishReason: 'STOP' }],
      usageMetadata: {
        promptTokenCount: 10,
        cachedContentTokenCount: 4,
        candidatesTokenCount: 5,
        thoughtsTokenCount: 2,
        totalTokenCount: 17,
        promptTokensDetails: [
          { modality: 'TEXT', tokenCount: 7 },
          { modality: 'AUDIO', tokenCount: 3 },
        ],
        cost: 0.5,
      },
      modelVersion: 'client-model',
      responseId: 'CALL',
    });
  });

  it('never tells more output than there was: thoughts counted beside it stay untold', () => {
    const usage = { inputTokens: 40, outputTokens: 14, reasoningTokens: 43, source: 'provider' as const };

    const { usageMetadata } = gemini.encodeResponse(answerOf([], { usage }), contextOf().context);

    expect(usageMetadata).toEqual({ promptTokenCount: 40, candidatesTokenCount: 14, totalTokenCount: 54 });
  });

  it.each([
    ['tool-calls', 'STOP'],
    ['length', 'MAX_TOKENS'],
    ['content-filter', 'SAFETY'],
    ['refusal', 'SAFETY'],
    ['pause', 'OTHER'],
    ['other', 'OTHER'],
  ] as const)('ends %s with %s', (finish, word) => {
    const answer = { choices: [{ index: 0, parts: [], finish, raw: 'theirs' }] };
    const { candidates } = gemini.encodeResponse(answer, contextOf().context) as { candidates: { finishReason: string }[] };

    expect(candidates[0]?.finishReason).toBe(word);
  });

  it('tells citations of other providers as grounding', () => {
    const raw = { type: 'url_citation' };
    const cited = (url: string, more: object) => ({ url, origin: 'openai-chat' as const, raw, ...more });
    const answer = answerOf([
      {
        type: 'text',
        text: 'Zürich!',
        citations: [cited('https://a', { title: 'A', start: 0, end: 6 }), cited('https://a', {})],
      },
    ]);
    const { context } = contextOf();
    const grounding = {
      groundingChunks: [{ web: { uri: 'https://a', title: 'A' } }],
      groundingSupports: [{ segment: { startIndex: 0, endIndex: 7, text: 'Zürich' }, groundingChunkIndices: [0] }],
    };

    expect(gemini.encodeResponse(answer, context)).toMatchObject({ candidates: [{ groundingMetadata: grounding }] });
    expect(chunksOf(streamText(unfold(answer))).at(-1)).toMatchObject({ candidates: [{ groundingMetadata: grounding }] });
  });

  it('warns once of what its clients cannot read', () => {
    const opaque: Part = { type: 'opaque', origin: 'openai-chat', value: {} };
    const foreign: Part = { type: 'image', source: { type: 'file', id: 'f', origin: 'openai-chat' } };
    const call: Part = { type: 'tool-call', id: '', name: 'f', arguments: 'not json' };
    const { context, warnings } = contextOf();
    const encoded = gemini.encodeResponse(answerOf([opaque, opaque, foreign, call]), context);

    expect(warnings.map(({ field }) => field)).toEqual(['content', 'inlineData', 'functionCall']);
    expect(encoded).toMatchObject({
      candidates: [{ content: { parts: [{ functionCall: { name: 'f', args: { input: 'not json' } } }] } }],
    });
  });

  it('says a refusal as text', () => {
    const encoded = gemini.encodeResponse(answerOf([{ type: 'refusal', text: 'No.' }]), contextOf().context);

    expect(encoded).toMatchObject({ candidates: [{ content: { parts: [{ text: 'No.' }] } }] });
  });

  it('is an error when there is none', () => {
    expect(() => gemini.encodeResponse({ choices: [] }, contextOf().context)).toThrow(GatewayError);
  });
});

describe('proofs in an answer', () => {
  const returned = (parts: readonly Part[], streamed: boolean): readonly Part[] | undefined => {
    const answer = answerOf(parts);
    const { context } = contextOf();
    const chunks = streamed ? chunksOf(streamText(unfold(answer), context)) : [gemini.encodeResponse(answer, context)];
    const contents = chunks.map(
      ({ candidates }) => (candidates as { content: { parts: object[] } }[])[0]?.content ?? { parts: [] },
    );
    const said = contents.flatMap(({ parts }) => parts).filter((part) => JSON.stringify(part) !== '{"text":""}');
    const results = parts
      .filter((part) => part.type === 'tool-call')
      .map(({ id, name }) => ({ functionResponse: { id, name, response: {} } }));
    const body = {
      contents: [{ parts: [{ text: 'Hi' }] }, { role: 'model', parts: said }, { parts: [{ text: 'Go on' }, ...results] }],
    };
    return gemini.decodeRequest(body, { model: 'm' }).messages[1]?.parts;
  };

  it.each<[string, Part[]]>([
    ['a signed thought', [{ type: 'reasoning', text: 'Hm', signature: 's', origin: 'gemini' }]],
    [
      'a signed text',
      [
        { type: 'text', text: 'Hi' },
        { type: 'reasoning', text: '', signature: 's', origin: 'gemini' },
      ],
    ],
    ['a signature alone', [{ type: 'reasoning', text: '', signature: 's', origin: 'gemini' }]],
    ['thinking of Anthropic', [{ type: 'reasoning', text: 'Hm', signature: 's', origin: 'anthropic-messages' }]],
    ['redacted thinking', [{ type: 'reasoning', text: '', data: 'd', origin: 'anthropic-messages' }]],
    ['items of OpenRouter', [{ type: 'reasoning', text: 'Hm', details: [{ type: 'x' }], origin: 'openai-chat' }]],
    ['a signed call', [{ type: 'tool-call', id: 'c', name: 'f', arguments: '{}', signature: 's' }]],
    [
      'a call with fields of another dialect',
      [
        {
          type: 'tool-call',
          id: 'c',
          name: 'f',
          arguments: '{"a":1}',
          signature: 's',
          extensions: { 'anthropic-messages': { caller: { type: 'x' } } },
        },
      ],
    ],
  ])('survive a client: %s', (_, parts) => {
    expect(returned(parts, false)).toEqual(parts);
  });

  it.each<[string, Part]>([
    ['thinking of Anthropic', { type: 'reasoning', text: 'Hm', signature: 's', origin: 'anthropic-messages' }],
    ['a signed thought', { type: 'reasoning', text: 'Hm', signature: 's', origin: 'gemini' }],
  ])('follow the streamed thought they prove: %s', (_, part) => {
    const { type, text: _text, ...proof } = part as Extract<Part, { type: 'reasoning' }>;

    expect(returned([part], true)).toEqual([
      { type, text: 'Hm' },
      { type, text: '', ...proof },
    ]);
  });

  it('are base64, as the SDKs that decode the field demand', () => {
    const answer = answerOf([{ type: 'reasoning', text: 'Hm', signature: 's', origin: 'anthropic-messages' }]);
    const { candidates } = gemini.encodeResponse(answer, contextOf().context) as {
      candidates: { content: { parts: { thoughtSignature: string }[] } }[];
    };
    const signature = candidates[0]?.content.parts[0]?.thoughtSignature ?? '';

    expect(Buffer.from(signature, 'base64').toString('base64')).toBe(signature);
  });
});

describe('a stream for a client', () => {
  it('tells calls whole, with interleaved arguments, and the end with the usage', () => {
    const start = (block: number, name: string): GenerateEvent => ({
      type: 'tool-call-start',
      choice: 0,
      block,
      id: name,
      name,
    });
    const delta = (block: number, json: string): GenerateEvent => ({
      type: 'tool-call-delta',
      choice: 0,
      block,
      arguments: json,
    });
    const end = (block: number): GenerateEvent => ({ type: 'tool-call-end', choice: 0, block });
    const chunks = chunksOf(
      streamText([
        { type: 'start', id: 'i', model: 'm' },
        start(0, 'a'),
        start(1, 'b'),
        delta(0, '{"x"'),
        delta(1, '{'),
        delta(0, ':1}'),
        delta(1, '}'),
        end(1),
        end(0),
        { type: 'finish', choice: 0, reason: 'tool-calls' },
        { type: 'usage', usage: { inputTokens: 1, outputTokens: 2, source: 'provider' } },
      ]),
    );

    expect(chunks).toMatchObject([
      { candidates: [{ content: { parts: [{ functionCall: { id: 'b', name: 'b', args: {} } }] } }], responseId: 'i' },
      { candidates: [{ content: { parts: [{ functionCall: { id: 'a', name: 'a', args: { x: 1 } } }] } }] },
      { candidates: [{ finishReason: 'STOP' }], usageMetadata: { totalTokenCount: 3 }, modelVersion: 'm' },
    ]);
  });

  it('ends with the error, and with nothing after it', () => {
    const error = new GatewayError('overloaded', 'Busy.');
    const text = streamText([
      { type: 'error', error },
      { type: 'text-delta', choice: 0, block: 0, text: 'late' },
    ]);

    expect(chunksOf(text)).toEqual([{ error: { code: 503, message: 'Busy.', status: 'UNAVAILABLE' } }]);
  });

  it.each<[string, GenerateEvent[]]>([
    ['without a word', []],
    ['without a finish', [{ type: 'text-delta', choice: 0, block: 0, text: 'Hm' }]],
  ])('reports an answer that ended %s', (_, events) => {
    expect(chunksOf(streamText(events)).at(-1)).toMatchObject({ error: { code: 502, status: 'INTERNAL' } });
  });
});
