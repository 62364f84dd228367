import { describe, expect, it } from 'vitest';
import { gemini } from '../../../../lib/dialects/gemini/index.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import { CASES, chunkOf, eventsOf, eventsOfObjects, responseFixture, streamFixture } from './support.ts';

describe('a stream of the provider', () => {
  it.each(CASES)('gives the same events for %s wherever its bytes are split', (name) => {
    const bytes = streamFixture(name);
    const whole = eventsOf([bytes]);
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(eventsOf([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
    }
    expect(eventsOf(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  it.each(CASES)('folds to the answer that %s gives unstreamed', (name) => {
    const streamed = foldEvents(eventsOf([streamFixture(name)]));
    const whole = foldEvents(gemini.decodeResponse(responseFixture(name), {}));

    expect(streamed).toEqual(whole);
    expect(streamed.error).toBeUndefined();
  });

  it.each(CASES)('is read as one list, too: %s', (name) => {
    const chunks = streamFixture(name)
      .toString('utf8')
      .split('\r\n\r\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line.slice('data: '.length)) as unknown);

    expect(gemini.decodeResponse(chunks, {})).toEqual(eventsOf([streamFixture(name)]));
  });

  it('tells thoughts, signatures, text and parallel calls in their own blocks', () => {
    const answer = foldEvents(eventsOf([streamFixture('thoughts-and-calls')]));

    expect(answer).toMatchObject({ id: 'resp-1', model: 'gemini-3-pro' });
    expect(answer.choices).toEqual([
      {
        index: 0,
        finish: 'tool-calls',
        raw: 'STOP',
        parts: [
          { type: 'reasoning', text: 'Two cities, two calls – ✓.', origin: 'gemini' },
          { type: 'text', text: 'I will look up Zürich and 東京.' },
          { type: 'reasoning', text: '', signature: 'c2lnLXRleHQ=', origin: 'gemini' },
          {
            type: 'tool-call',
            id: 'fc-1',
            name: 'weather',
            arguments: '{"city":"Zürich","days":2}',
            signature: 'c2lnLWNhbGw=',
          },
          { type: 'tool-call', id: 'call_resp-1_0_1', name: 'weather', arguments: '{"city":"東京","days":1}' },
          { type: 'tool-call', id: 'call_resp-1_0_2', name: 'now', arguments: '{}' },
        ],
      },
    ]);
  });

  it('counts thoughts as output and what tools brought as input', () => {
    expect(foldEvents(eventsOf([streamFixture('thoughts-and-calls')])).usage).toEqual({
      inputTokens: 125,
      cacheReadTokens: 64,
      imageInputTokens: 20,
      outputTokens: 80,
      reasoningTokens: 50,
      serviceTier: 'standard',
      source: 'provider',
    });
  });

  it('places citations in UTF-16 units and counts a grounded prompt of 2.5 as one search', () => {
    const answer = foldEvents(eventsOf([streamFixture('grounded')]));
    const [part] = answer.choices[0]?.parts ?? [];

    expect(part).toMatchObject({
      type: 'text',
      citations: [
        { url: 'https://example.com/a', title: 'A', citedText: 'Zürich ist sonnig.', start: 0, end: 18 },
        { url: 'https://example.com/a', citedText: 'Morgen regnet’s', start: 19, end: 34 },
        { url: 'https://example.com/b', start: 19, end: 34 },
      ],
    });
    expect(answer.usage?.webSearchRequests).toBe(1);
  });

  it('counts each search of later models', () => {
    const grounding = { groundingMetadata: { webSearchQueries: ['a', 'b'] } };
    const chunk = { ...chunkOf([{ text: 'x' }], { finishReason: 'STOP', ...grounding }), modelVersion: 'gemini-3-flash' };

    expect(foldEvents(eventsOfObjects([chunk])).usage?.webSearchRequests).toBe(2);
  });

  it('joins arguments that arrive in pieces', () => {
    const parts = foldEvents(eventsOf([streamFixture('partial-args')])).choices[0]?.parts;

    expect(parts).toMatchObject([
      { name: 'write', signature: 'c2lnLXBhcnQ=' },
      { name: 'done', arguments: '{}' },
    ]);
    const [first] = parts ?? [];
    expect(JSON.parse(first?.type === 'tool-call' ? first.arguments : '')).toEqual({
      items: [{ name: 'Apple', price: 0.5 }, { gone: null }],
      'two words': true,
    });
  });

  it.each([
    ['without a beginning', 'items', 'x'],
    ['into the prototype', '$.__proto__.polluted', 'x'],
    ['into a list of a million', '$.list[1000000]', 'x'],
  ])('leaves out pieces %s', (_, jsonPath, stringValue) => {
    const call = { functionCall: { name: 'f', args: { a: 1 }, partialArgs: [{ jsonPath, stringValue }] } };
    const [part] = foldEvents(eventsOfObjects([chunkOf([call], { finishReason: 'STOP' })])).choices[0]?.parts ?? [];

    expect(part).toMatchObject({ arguments: '{"a":1}' });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('keeps code and its result for its own clients, and images with their signatures', () => {
    const [choice] = foldEvents(eventsOf([streamFixture('code-and-image')])).choices;

    expect(choice?.finish).toBe('length');
    expect(choice?.parts).toMatchObject([
      { type: 'opaque', origin: 'gemini', value: { executableCode: { language: 'PYTHON' } } },
      { type: 'opaque', origin: 'gemini', value: { codeExecutionResult: { output: '42\n' } } },
      { type: 'text', text: '42, drawn:' },
      { type: 'image', source: { mediaType: 'image/png' }, extensions: { gemini: { thoughtSignature: 'c2lnLWltYWdl' } } },
    ]);
  });

  it('ends a blocked prompt as filtered content', () => {
    expect(foldEvents(eventsOf([streamFixture('blocked')])).choices).toEqual([
      { index: 0, parts: [], finish: 'content-filter', raw: 'PROHIBITED_CONTENT' },
    ]);
  });

  it('ends what a block interrupted as filtered content', () => {
    const events = eventsOfObjects([chunkOf([{ text: 'Hm' }]), { promptFeedback: { blockReason: 'SAFETY' } }]);

    expect(foldEvents(events).choices[0]).toMatchObject({ finish: 'content-filter', raw: 'SAFETY' });
  });

  it('tells candidates apart, and their log probabilities in the shape of OpenAI', () => {
    const answer = foldEvents(eventsOf([streamFixture('two-candidates')]));

    expect(answer.choices.map(({ finish, parts }) => [finish, parts])).toEqual([
      ['stop', [{ type: 'text', text: 'Yes.' }]],
      ['content-filter', [{ type: 'text', text: 'No!' }]],
    ]);
    expect(answer.choices[0]?.logprobs).toMatchObject({
      content: [
        { token: 'Yes', logprob: -0.5, bytes: [89, 101, 115], top_logprobs: [{ token: 'Yes' }, { token: '?' }] },
        { token: '.', logprob: -0.25 },
      ],
    });
  });

  it.each([
    ['SAFETY', 'content-filter'],
    ['MALFORMED_FUNCTION_CALL', 'error'],
    ['CONTINUATION', 'pause'],
    ['LANGUAGE', 'other'],
    ['SOMETHING_NEW', 'other'],
  ])('reads the finish reason %s as %s', (word, reason) => {
    const [choice] = foldEvents(eventsOfObjects([chunkOf([{ text: 'x' }], { finishReason: word })])).choices;

    expect(choice).toMatchObject({ finish: reason, raw: word });
  });

  it('tells recited works as citations', () => {
    const recited = {
      citationMetadata: { citationSources: [{ startIndex: 0, endIndex: 2, uri: 'https://example.com/' }, {}] },
    };
    const [choice] = foldEvents(
      eventsOfObjects([chunkOf([{ text: 'Hm.' }], { finishReason: 'RECITATION', ...recited })]),
    ).choices;

    expect(choice?.parts).toMatchObject([{ citations: [{ url: 'https://example.com/', start: 0, end: 2 }, { raw: {} }] }]);
  });

  it('finds a cited piece by its words when the positions do not fit', () => {
    const grounding = {
      groundingMetadata: {
        groundingChunks: [{ retrievedContext: { uri: 'gs://a', title: 'T' } }],
        groundingSupports: [
          { segment: { startIndex: 90, endIndex: 99, text: 'sun' }, groundingChunkIndices: [0, 7] },
          { segment: { text: 'elsewhere' }, groundingChunkIndices: [0] },
        ],
      },
    };
    const code = { executableCode: { code: '1' } };
    const events = eventsOfObjects([
      chunkOf([{ text: 'Rain. ' }, code, { text: 'Then sun.' }], { finishReason: 'STOP', ...grounding }),
    ]);
    const parts = foldEvents(events).choices[0]?.parts;

    expect(parts?.[2]).toMatchObject({
      citations: [{ url: 'gs://a', title: 'T', start: 5, end: 8 }, { citedText: 'elsewhere' }],
    });
  });

  it('gives the text of a forced call as the answer', () => {
    const call = { functionCall: { name: 'json_answer', args: { a: 1 } } };
    const events = eventsOfObjects([chunkOf([call], { finishReason: 'STOP' })], { jsonTool: 'json_answer' });

    expect(foldEvents(events).choices[0]).toMatchObject({ finish: 'stop', parts: [{ type: 'text', text: '{"a":1}' }] });
  });

  it('reports a stream that was cut, what is open closed', () => {
    const call = { functionCall: { name: 'f', willContinue: true } };
    const events = eventsOfObjects([chunkOf([{ text: 'Hm', thought: true }]), chunkOf([call])]);

    expect(events.map(({ type }) => type)).toEqual([
      'start',
      'reasoning-start',
      'reasoning-delta',
      'reasoning-end',
      'tool-call-start',
      'tool-call-end',
      'error',
    ]);
  });

  it.each([
    ['nothing at all', []],
    ['nothing but usage', [{ usageMetadata: { promptTokenCount: 1 } }]],
  ])('reports %s as a failure', (_, chunks) => {
    expect(eventsOfObjects(chunks).at(-1)).toMatchObject({ type: 'error', error: { kind: 'upstream' } });
  });

  it('reports an error inside the stream once, and nothing after it', () => {
    const error = { error: { code: 503, message: 'Overloaded.', status: 'UNAVAILABLE' } };
    const events = eventsOfObjects([
      chunkOf([{ text: 'x' }]),
      error,
      chunkOf([{ text: 'y' }], { finishReason: 'STOP' }),
      error,
    ]);

    expect(events.filter(({ type }) => type === 'error')).toMatchObject([{ error: { kind: 'overloaded', status: 503 } }]);
    expect(events.at(-1)?.type).toBe('error');
  });

  it('reports what is not JSON', () => {
    const events = eventsOf([Buffer.from('data: <html>\n\n')]);

    expect(events).toMatchObject([{ type: 'error', error: { kind: 'upstream' } }]);
  });

  it('ignores pieces of calls that never began, empty parts and unknown things', () => {
    const events = eventsOfObjects([
      chunkOf([{ functionCall: {} }, {}, { text: '', thought: true }, { inlineData: { mimeType: 'video/mp4', data: 'x' } }], {
        finishReason: 'STOP',
      }),
    ]);

    expect(events.map(({ type }) => type)).toEqual(['start', 'opaque', 'finish']);
  });
});

describe('a whole answer', () => {
  it.each([
    ['no object', 'text'],
    ['no candidates', { models: [] }],
  ])('is refused when it is %s', (_, body) => {
    expect(() => gemini.decodeResponse(body, {})).toThrow(expect.objectContaining({ kind: 'upstream' }));
  });

  it('is the error it holds', () => {
    const body = [{ error: { code: 429, message: 'Slow down.', status: 'RESOURCE_EXHAUSTED' } }];

    expect(() => gemini.decodeResponse(body, {})).toThrow(expect.objectContaining({ kind: 'rate_limit', status: 429 }));
  });

  it('needs no finish reason', () => {
    const audio = { inlineData: { mimeType: 'audio/wav', data: 'UklG' } };
    const answer = foldEvents(gemini.decodeResponse(chunkOf([audio]), {}));

    expect(answer.choices).toMatchObject([{ finish: 'stop', parts: [{ type: 'audio' }] }]);
  });

  it('tells when it was made', () => {
    const body = { ...chunkOf([{ text: 'x' }]), createTime: '2026-01-02T03:04:05.678Z' };

    expect(foldEvents(gemini.decodeResponse(body, {})).created).toBe(1_767_323_045);
  });
});
