/** Bodies of each vendor: what they ask, and how they are answered, in their own words. */
import { describe, expect, it } from 'vitest';
import { bedrockInvoke, bedrockInvokeUpstream } from '../../../../lib/dialects/bedrock-invoke/index.ts';
import { bodyOf, usageOfHeaders } from '../../../../lib/dialects/bedrock-invoke/wire.ts';
import type { ReplyContext } from '../../../../lib/dialects/dialect.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import { foldEvents, unfold } from '../../../../lib/kinds/fold.ts';
import type { GenerateEvent, GenerateResponse, Warning } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { createEventStreamParser, writeEventStream } from '../../../../lib/transport/aws-event-stream.ts';

const usage = { inputTokens: 10, outputTokens: 5, source: 'provider' } as const;
const METRICS = { 'amazon-bedrock-invocationMetrics': { inputTokenCount: 10, outputTokenCount: 5 } };

/** A body of each vendor, the name it is asked under, its answer, and the pieces of the same answer. */
const VENDORS: Readonly<Record<string, { body: JsonObject; model: string; whole: JsonObject; pieces: readonly JsonObject[] }>> =
  {
    titan: {
      model: 'any',
      body: {
        inputText: 'Hi',
        textGenerationConfig: { maxTokenCount: 9, temperature: 0.5, topP: 0.9, stopSequences: ['END'] },
      },
      whole: { inputTextTokenCount: 10, results: [{ tokenCount: 5, outputText: 'Hello Ada', completionReason: 'FINISH' }] },
      pieces: [
        { outputText: 'Hello ', index: 0, totalOutputTextTokenCount: null, completionReason: null, inputTextTokenCount: null },
        { outputText: 'Ada', index: 0, totalOutputTextTokenCount: null, completionReason: null, inputTextTokenCount: null },
        {
          outputText: '',
          index: 0,
          totalOutputTextTokenCount: 5,
          completionReason: 'FINISH',
          inputTextTokenCount: 10,
          ...METRICS,
        },
      ],
    },
    llama: {
      model: 'any',
      body: { prompt: 'Hi', max_gen_len: 9, temperature: 0.5, top_p: 0.9 },
      whole: { generation: 'Hello Ada', prompt_token_count: 10, generation_token_count: 5, stop_reason: 'stop' },
      pieces: [
        { generation: 'Hello ', prompt_token_count: null, generation_token_count: null, stop_reason: null },
        { generation: 'Ada', prompt_token_count: null, generation_token_count: null, stop_reason: null },
        { generation: '', prompt_token_count: 10, generation_token_count: 5, stop_reason: 'stop', ...METRICS },
      ],
    },
    'mistral-text': {
      model: 'mistral.mistral-large',
      body: { prompt: 'Hi', max_tokens: 9, temperature: 0.5, top_p: 0.9, top_k: 3, stop: ['END'] },
      whole: { outputs: [{ text: 'Hello Ada', stop_reason: 'stop' }] },
      pieces: [
        { outputs: [{ text: 'Hello ', stop_reason: null }] },
        { outputs: [{ text: 'Ada', stop_reason: null }] },
        { outputs: [{ text: '', stop_reason: 'stop' }], ...METRICS },
      ],
    },
    'deepseek-text': {
      model: 'us.deepseek.r1-v1:0',
      body: { prompt: 'Hi', max_tokens: 9, temperature: 0.5, top_p: 0.9, stop: ['END'] },
      whole: { choices: [{ text: 'Hello Ada', stop_reason: 'stop' }] },
      pieces: [
        { choices: [{ text: 'Hello ', stop_reason: null }] },
        { choices: [{ text: 'Ada', stop_reason: null }] },
        { choices: [{ text: '', stop_reason: 'stop' }], ...METRICS },
      ],
    },
    nova: {
      model: 'any',
      body: {
        schemaVersion: 'messages-v1',
        messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
        inferenceConfig: { max_new_tokens: 9, temperature: 0.5, topP: 0.9, topK: 3, stopSequences: ['END'] },
      },
      whole: {
        output: { message: { role: 'assistant', content: [{ text: 'Hello Ada' }] } },
        stopReason: 'end_turn',
        usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 },
      },
      pieces: [
        { messageStart: { role: 'assistant' } },
        { contentBlockDelta: { delta: { text: 'Hello ' }, contentBlockIndex: 0 } },
        { contentBlockDelta: { delta: { text: 'Ada' }, contentBlockIndex: 0 } },
        { contentBlockStop: { contentBlockIndex: 0 } },
        { messageStop: { stopReason: 'end_turn' } },
        { metadata: { metrics: { latencyMs: 0 }, usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15 } }, ...METRICS },
      ],
    },
    cohere: {
      model: 'any',
      body: { message: 'Hi', max_tokens: 9, temperature: 0.5, p: 0.9, k: 3, stop_sequences: ['END'] },
      whole: {
        response_id: 'ID',
        generation_id: 'ID',
        text: 'Hello Ada',
        finish_reason: 'COMPLETE',
        chat_history: [
          { role: 'USER', message: 'Hi' },
          { role: 'CHATBOT', message: 'Hello Ada' },
        ],
        meta: { billed_units: { input_tokens: 10, output_tokens: 5 }, tokens: { input_tokens: 10, output_tokens: 5 } },
      },
      pieces: [
        { event_type: 'stream-start', is_finished: false, generation_id: 'ID' },
        { event_type: 'text-generation', is_finished: false, text: 'Hello ' },
        { event_type: 'text-generation', is_finished: false, text: 'Ada' },
        {
          event_type: 'stream-end',
          is_finished: true,
          finish_reason: 'COMPLETE',
          response: {
            response_id: 'ID',
            generation_id: 'ID',
            text: 'Hello Ada',
            finish_reason: 'COMPLETE',
            chat_history: [
              { role: 'USER', message: 'Hi' },
              { role: 'CHATBOT', message: 'Hello Ada' },
            ],
            meta: { billed_units: { input_tokens: 10, output_tokens: 5 }, tokens: { input_tokens: 10, output_tokens: 5 } },
          },
          ...METRICS,
        },
      ],
    },
  };

const CHAT = {
  openai: { model: 'openai.gpt-oss-120b-1:0', body: { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 9 } },
  mistral: { model: 'mistral.pixtral-large', body: { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 9 } },
};

const ALL = Object.entries({ ...VENDORS, ...CHAT } as Record<string, { body: JsonObject; model: string }>);

function contextOf({ body, model }: { body: JsonObject; model: string }, warnings: Warning[] = []): ReplyContext {
  return { model, id: 'ID', created: 0, includeUsage: true, request: body, warn: (warning) => void warnings.push(warning) };
}

const ANSWER: readonly GenerateEvent[] = [
  { type: 'start' },
  { type: 'text-start', choice: 0, block: 0 },
  { type: 'text-delta', choice: 0, block: 0, text: 'Hello ' },
  { type: 'text-delta', choice: 0, block: 0, text: 'Ada' },
  { type: 'text-end', choice: 0, block: 0 },
  { type: 'finish', choice: 0, reason: 'stop' },
  { type: 'usage', usage },
];

/** The bytes of a client's stream. */
function streamed(vendor: { body: JsonObject; model: string }, events = ANSWER, warnings: Warning[] = []): Uint8Array {
  const encoder = bedrockInvoke.encodeStream(contextOf(vendor, warnings));
  return writeEventStream(events.map((event) => encoder.push(event)).join('') + encoder.end());
}

const framesOf = (bytes: Uint8Array) => createEventStreamParser().push(bytes);

const piecesOf = (bytes: Uint8Array): JsonObject[] =>
  framesOf(bytes).map(({ event, data }) => {
    expect(event).toBe('chunk');
    const { bytes: packed } = JSON.parse(data) as { bytes: string };
    return JSON.parse(Buffer.from(packed, 'base64').toString('utf8')) as JsonObject;
  });

/** What Bedrock's stream of these bytes means, cut at `at`. */
function read(variant: string, bytes: Uint8Array, at = bytes.length): GenerateResponse {
  const decoder = bedrockInvokeUpstream(variant).decodeStream({});
  const parser = createEventStreamParser();
  const frames = [...parser.push(bytes.subarray(0, at)), ...parser.push(bytes.subarray(at))];
  return foldEvents([...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()]);
}

const textOf = ({ choices: [choice] }: GenerateResponse): string =>
  (choice?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');

describe('a body', () => {
  it.each(ALL)('of %s is known by its fields, or by the name of its model', (name, { body, model }) => {
    expect(bodyOf(body, model)).toBe(name);
  });

  it.each(ALL)('of %s asks what it says', (name, { body, model }) => {
    const request = bedrockInvoke.decodeRequest(body, { model, stream: true });
    expect(request).toMatchObject({ model, stream: true, maxOutputTokens: 9, messages: [{ role: 'user' }] });
    expect(request.messages[0]?.parts).toMatchObject([{ type: 'text', text: 'Hi' }]);
    if (name in VENDORS) expect(request.sampling).toMatchObject({ temperature: 0.5, topP: 0.9 });
    if (['titan', 'mistral-text', 'deepseek-text', 'nova', 'cohere'].includes(name))
      expect(request.sampling.stop).toEqual(['END']);
    if (['mistral-text', 'nova', 'cohere'].includes(name)) expect(request.sampling.topK).toBe(3);
  });

  it.each(ALL)('of %s is capped where its own cap is, and never raised', (name, { body, model }) => {
    const lower = bedrockInvoke.passthrough.clampOutput(body, 4, model);
    expect(bedrockInvoke.decodeRequest(lower, { model }).maxOutputTokens, name).toBe(4);
    const higher = bedrockInvoke.passthrough.clampOutput(body, 400, model);
    expect(bedrockInvoke.decodeRequest(higher, { model }).maxOutputTokens, name).toBe(9);
  });

  it.each([
    [{ inputText: 7 }, 'inputText'],
    [{ inputText: 'Hi', textGenerationConfig: { temperature: 'hot' } }, 'textGenerationConfig.temperature'],
    [{ inputText: 'Hi', textGenerationConfig: { stopSequences: [1] } }, 'textGenerationConfig.stopSequences[0]'],
    [{ prompt: 'Hi', max_gen_len: 0 }, 'max_gen_len'],
    [{ prompt: 'Hi', max_gen_len: 1, images: [3] }, 'images[0]'],
    [{ message: 'Hi', tools: ['x'] }, 'tools[0]'],
    [{ messages: [{ role: 'user', content: [{ text: 'Hi' }] }], inferenceConfig: 'x' }, 'inferenceConfig'],
  ])('that is wrong is refused with the place: %j', (body, param) => {
    expect(() => bedrockInvoke.decodeRequest(body, { model: 'm' })).toThrow(
      expect.objectContaining({ kind: 'invalid_request', detail: expect.objectContaining({ param }) as object }),
    );
  });

  it('keeps pictures of Llama, and what it does not know', () => {
    const body = { prompt: 'What is it?', max_gen_len: 5, images: ['/9j/abc'], novel: 1 };
    const request = bedrockInvoke.decodeRequest(body, { model: 'm' });
    expect(request.messages[0]?.parts[0]).toMatchObject({
      type: 'image',
      source: { mediaType: 'image/jpeg', data: '/9j/abc' },
    });
    expect(request.extensions).toEqual({ 'bedrock-invoke': { novel: 1 } });
  });
});

describe('an answer', () => {
  it.each(Object.entries(VENDORS))('to %s is in its words', (_name, vendor) => {
    expect(bedrockInvoke.encodeResponse(foldEvents(ANSWER), contextOf(vendor))).toEqual(vendor.whole);
  });

  it.each(Object.entries(VENDORS))('to %s is streamed in its words, and the last piece tells the usage', (_name, vendor) => {
    expect(piecesOf(streamed(vendor))).toEqual(vendor.pieces);
  });

  it.each(Object.entries(CHAT))('to %s is a chat completion', (name, vendor) => {
    const [choice] = bedrockInvoke.encodeResponse(foldEvents(ANSWER), contextOf(vendor))['choices'] as JsonObject[];
    expect(choice).toMatchObject({ finish_reason: 'stop', message: { content: 'Hello Ada' } });
    expect(choice?.['stop_reason']).toBe(name === 'mistral' ? 'stop' : undefined);
    const pieces = piecesOf(streamed(vendor));
    expect(pieces.at(-1)).toMatchObject(METRICS);
    expect(pieces[1]).toMatchObject({ choices: [{ delta: { content: 'Hello ' } }] });
  });

  it.each(ALL)('of %s reads the same whole and streamed, wherever the bytes are cut', (name, vendor) => {
    const bytes = streamed(vendor);
    const whole = foldEvents(
      bedrockInvokeUpstream(name).decodeResponse(bedrockInvoke.encodeResponse(foldEvents(ANSWER), contextOf(vendor)), {}),
    );
    expect(textOf(whole)).toBe('Hello Ada');
    for (let at = 0; at <= bytes.length; at++) {
      const response = read(name, bytes, at);
      expect(textOf(response)).toBe('Hello Ada');
      expect(response.choices[0]?.finish).toBe('stop');
      expect(response.usage).toMatchObject({ inputTokens: 10, outputTokens: 5, source: 'provider' });
    }
  });

  it.each(ALL)('of %s that is cut short is an error', (name, vendor) => {
    const bytes = streamed(vendor);
    const last = framesOf(bytes).length - 1;
    const decoder = bedrockInvokeUpstream(name).decodeStream({});
    const events = [
      ...framesOf(bytes)
        .slice(0, name === 'nova' ? 3 : Math.min(last, 2))
        .flatMap((frame) => decoder.push(frame)),
      ...decoder.end(),
    ];
    expect(events.at(-1)).toMatchObject({ type: 'error' });
  });

  it.each(ALL)("of %s that fails ends with Bedrock's exception, in both directions", (name, vendor) => {
    const error = new GatewayError('rate_limit', 'Slow down.');
    const bytes = streamed(vendor, [...ANSWER.slice(0, 4), { type: 'error', error }]);
    expect(framesOf(bytes).at(-1)).toMatchObject({ event: 'exception:throttlingException' });
    expect(read(name, bytes).error).toMatchObject({ kind: 'rate_limit', message: 'Slow down.' });
    expect(framesOf(streamed(vendor, ANSWER.slice(0, 4))).at(-1)).toMatchObject({
      event: 'exception:modelStreamErrorException',
    });
  });

  it.each(['titan', 'llama', 'mistral-text', 'deepseek-text', 'cohere', 'nova'])(
    'to %s says that it was cut at its cap',
    (name) => {
      const vendor = VENDORS[name] ?? { body: {}, model: '' };
      const cut = [...ANSWER.slice(0, 5), { type: 'finish', choice: 0, reason: 'length' }] as const;
      const body = bedrockInvoke.encodeResponse(foldEvents(cut), contextOf(vendor));
      expect(JSON.stringify(body)).toMatch(/"(?:LENGTH|length|MAX_TOKENS|max_tokens)"/);
      expect(foldEvents(bedrockInvokeUpstream(name).decodeResponse(body, {})).choices[0]?.finish).toBe('length');
    },
  );

  it('to a body of one text loses calls and thoughts with a warning', () => {
    const parts: GenerateEvent[] = [
      { type: 'reasoning-start', choice: 0, block: 1 },
      { type: 'reasoning-end', choice: 0, block: 1 },
      { type: 'tool-call-start', choice: 0, block: 2, id: 'x', name: 'f' },
      { type: 'tool-call-end', choice: 0, block: 2 },
    ];
    const events = [...ANSWER.slice(0, 5), ...parts, ...ANSWER.slice(5)];
    const vendor = VENDORS['llama'] ?? { body: {}, model: '' };
    for (const tell of [
      (warnings: Warning[]) => void streamed(vendor, events, warnings),
      (warnings: Warning[]) => void bedrockInvoke.encodeResponse(foldEvents(events), contextOf(vendor, warnings)),
    ]) {
      const warnings: Warning[] = [];
      tell(warnings);
      expect(warnings).toMatchObject([{ kind: 'dropped', field: 'content' }]);
    }
  });
});

describe('Command R', () => {
  const definitions = { city: { description: 'Where', type: 'str', required: true }, days: { type: 'int' } };
  const call = { name: 'weather', parameters: { city: 'Paris' } };

  it('has tools, calls and their results, which belong together by their order', () => {
    const request = bedrockInvoke.decodeRequest(
      {
        message: 'And tomorrow?',
        preamble: 'Be short.',
        chat_history: [
          { role: 'USER', message: 'Weather?' },
          { role: 'CHATBOT', message: '', tool_calls: [call] },
          { role: 'TOOL', tool_results: [{ call, outputs: [{ sky: 'blue' }] }] },
          { role: 'CHATBOT', message: 'Blue.' },
        ],
        tools: [{ name: 'weather', description: 'The weather', parameter_definitions: definitions }],
        tool_results: [{ call: { name: 'weather', parameters: { city: 'Rome' } }, outputs: [{ sky: 'grey' }] }],
      },
      { model: 'm' },
    );

    expect(request.messages.map(({ role }) => role)).toEqual([
      'system',
      'user',
      'assistant',
      'tool',
      'assistant',
      'user',
      'assistant',
      'tool',
    ]);
    expect(request.messages[2]?.parts).toMatchObject([
      { type: 'tool-call', id: 'call_0', name: 'weather', arguments: '{"city":"Paris"}' },
    ]);
    expect(request.messages[3]?.parts).toMatchObject([{ type: 'tool-result', callId: 'call_0' }]);
    expect(request.messages[7]?.parts).toMatchObject([{ type: 'tool-result', callId: 'call_1' }]);
    expect(request.tools).toMatchObject([
      {
        name: 'weather',
        parameters: {
          type: 'object',
          properties: { city: { type: 'string', description: 'Where' }, days: { type: 'integer' } },
          required: ['city'],
        },
      },
    ]);
  });

  it('is told of calls, and tells of them', () => {
    const events: GenerateEvent[] = [
      { type: 'start' },
      { type: 'tool-call-start', choice: 0, block: 0, id: 'x', name: 'weather' },
      { type: 'tool-call-delta', choice: 0, block: 0, arguments: '{"city":"Paris"}' },
      { type: 'tool-call-end', choice: 0, block: 0 },
      { type: 'finish', choice: 0, reason: 'tool-calls' },
    ];
    const vendor = { model: 'm', body: { message: 'Weather?' } };
    const body = bedrockInvoke.encodeResponse(foldEvents(events), contextOf(vendor));
    expect(body).toMatchObject({ text: '', finish_reason: 'COMPLETE', tool_calls: [call] });
    expect(piecesOf(streamed(vendor, events)).map(({ event_type: type }) => type)).toEqual([
      'stream-start',
      'tool-calls-generation',
      'stream-end',
    ]);
    const again = foldEvents(bedrockInvokeUpstream('cohere').decodeResponse(body, {}));
    expect(again.choices[0]).toMatchObject({ finish: 'tool-calls', parts: [{ type: 'tool-call', name: 'weather' }] });
    expect(unfold(again).length).toBeGreaterThan(3);
  });
});

describe('usage', () => {
  it('of a whole answer is in its headers, where the body has none', () => {
    expect(usageOfHeaders({ 'x-amzn-bedrock-input-token-count': '10', 'x-amzn-bedrock-output-token-count': '5' })).toEqual(
      usage,
    );
    expect(
      usageOfHeaders({ 'x-amzn-bedrock-input-token-count': 'x', 'x-amzn-bedrock-output-token-count': '5' }),
    ).toBeUndefined();
    expect(usageOfHeaders({})).toBeUndefined();
  });

  it('of a stream counts what was read from a cache too', () => {
    const piece = {
      outputs: [{ text: 'Hi', stop_reason: 'stop' }],
      'amazon-bedrock-invocationMetrics': { inputTokenCount: 4, outputTokenCount: 2, cacheReadInputTokenCount: 3 },
    };
    const line = JSON.stringify({ event: 'chunk', data: { bytes: Buffer.from(JSON.stringify(piece)).toString('base64') } });
    expect(read('mistral-text', writeEventStream(`${line}\n`)).usage).toMatchObject({
      inputTokens: 7,
      cacheReadTokens: 3,
      outputTokens: 2,
    });
  });
});
