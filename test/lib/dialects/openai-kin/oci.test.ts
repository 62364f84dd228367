import { describe, expect, it } from 'vitest';
import { requestOf } from '../text-generation/support.ts';
import { at, encode, provesCuts, sse, streamed, TALK, whole } from './support.ts';

const ON_DEMAND = { servingType: 'ON_DEMAND', modelId: 'the-model' };
const PLAIN = {
  type: 'object',
  properties: { city: { type: 'string', enum: ['Bern', 'Chur'] }, days: { type: 'integer' } },
  required: ['city'],
};
const USAGE = {
  promptTokens: 20,
  completionTokens: 9,
  totalTokens: 29,
  promptTokensDetails: { cachedTokens: 4 },
  completionTokensDetails: { reasoningTokens: 3 },
};
const COUNTED = { inputTokens: 20, cacheReadTokens: 4, outputTokens: 9, reasoningTokens: 3, source: 'provider' };
const image = { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AA==' } } as const;
const looking = requestOf({ messages: [{ role: 'user', parts: [{ type: 'text', text: 'What?' }, image] }] });

describe('a generic request', () => {
  it('says a conversation with tools in its words', () => {
    const { body, warnings } = encode('oci-generic', TALK);

    expect(warnings).toEqual([]);
    expect(body).toEqual({
      servingMode: ON_DEMAND,
      chatRequest: {
        apiFormat: 'GENERIC',
        messages: [
          { role: 'SYSTEM', content: [{ type: 'TEXT', text: 'Be kind.' }] },
          { role: 'USER', content: [{ type: 'TEXT', text: 'Weather?' }] },
          {
            role: 'ASSISTANT',
            content: [{ type: 'TEXT', text: 'Let me look.' }],
            toolCalls: [{ id: 'c1', type: 'FUNCTION', name: 'weather', arguments: '{"city":"Bern"}' }],
          },
          { role: 'TOOL', content: [{ type: 'TEXT', text: 'sunny' }], toolCallId: 'c1' },
        ],
        temperature: 0.5,
        topP: 0.9,
        seed: 7,
        stop: ['END'],
        maxTokens: 64,
        tools: [{ type: 'FUNCTION', name: 'weather', description: 'Tells the weather.', parameters: PLAIN }],
        toolChoice: { type: 'AUTO' },
        isStream: true,
        streamOptions: { isIncludeUsage: true },
      },
    });
  });

  it('says pictures, schemas, forced tools and effort', () => {
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    const { body, warnings } = encode('oci-generic', {
      ...looking,
      output: { type: 'json-schema', name: 'answer', schema, strict: true },
      tools: [{ type: 'function', name: 'f' }],
      toolChoice: { type: 'tool', name: 'f' },
      reasoning: { effort: 'max' },
      serviceTier: 'priority',
      user: 'u1',
    });

    expect(body['chatRequest']).toMatchObject({
      messages: [
        {
          role: 'USER',
          content: [
            { type: 'TEXT', text: 'What?' },
            { type: 'IMAGE', imageUrl: { url: 'data:image/png;base64,AA==' } },
          ],
        },
      ],
      tools: [{ name: 'f', parameters: { type: 'object', properties: {} } }],
      toolChoice: { type: 'FUNCTION', name: 'f' },
      responseFormat: { type: 'JSON_SCHEMA', jsonSchema: { name: 'answer', schema, isStrict: true } },
      reasoningEffort: 'HIGH',
      serviceTier: 'PRIORITY',
    });
    expect(warnings.map(({ kind, field }) => `${kind} ${field}`)).toEqual(['dropped user', 'changed reasoning_effort']);
  });

  it('goes to a model, to an endpoint, and caps newer models by the newer name', () => {
    expect(encode('oci-generic', TALK, 'ocid1.generativeaiendpoint.oc1.x').body['servingMode']).toEqual({
      servingType: 'DEDICATED',
      endpointId: 'ocid1.generativeaiendpoint.oc1.x',
    });
    expect(encode('oci-generic', TALK, 'openai.gpt-5').body['chatRequest']).toMatchObject({ maxCompletionTokens: 64 });
  });
});

describe('a generic answer', () => {
  const message = {
    role: 'ASSISTANT',
    content: [{ type: 'TEXT', text: 'Grüezi – ✓' }],
    reasoningContent: 'They greet.',
    toolCalls: [
      { id: 'c1', type: 'FUNCTION', name: 'f', arguments: '{"a":1}' },
      { id: 'c2', type: 'FUNCTION', name: 'g', arguments: '{}' },
    ],
  };
  const STREAM = sse(
    { index: 0, message: { role: 'ASSISTANT', reasoningContent: 'They ' }, pad: 'aa' },
    { index: 0, message: { role: 'ASSISTANT', reasoningContent: 'greet.' } },
    { index: 0, message: { role: 'ASSISTANT', content: [{ type: 'TEXT', text: 'Grüe' }] }, pad: 'aaaa' },
    { index: 0, message: { role: 'ASSISTANT', content: [{ type: 'TEXT', text: 'zi – ✓' }] } },
    { index: 0, message: { toolCalls: [{ id: 'c1', type: 'FUNCTION', name: 'f', arguments: '{"a"' }] } },
    { index: 0, message: { toolCalls: [{ type: 'FUNCTION', arguments: ':1}' }] } },
    { index: 0, message: { toolCalls: [{ id: 'c2', type: 'FUNCTION', name: 'g', arguments: '{}' }] } },
    { finishReason: 'tool_calls', pad: 'a' },
    { usage: USAGE },
  );

  it('is read whole as its stream is', () => {
    const { model, created, ...answer } = whole('oci-generic', {
      modelId: 'xai.grok-4',
      modelVersion: '1',
      chatResponse: {
        apiFormat: 'GENERIC',
        timeCreated: '2026-11-28T10:00:00Z',
        choices: [{ index: 0, message, finishReason: 'tool_calls' }],
        usage: USAGE,
      },
    });

    expect({ model, created }).toEqual({ model: 'xai.grok-4', created: Date.UTC(2026, 10, 28, 10) / 1000 });
    expect(answer).toMatchObject({
      choices: [
        {
          parts: [
            { type: 'reasoning', text: 'They greet.' },
            { type: 'text', text: 'Grüezi – ✓' },
            { type: 'tool-call', id: 'c1', name: 'f', arguments: '{"a":1}' },
            { type: 'tool-call', id: 'c2', name: 'g', arguments: '{}' },
          ],
          finish: 'tool-calls',
        },
      ],
      usage: COUNTED,
    });
    expect(streamed('oci-generic', STREAM)).toEqual(answer);
  });

  it('as a stream may be cut anywhere, but not short', () => provesCuts('oci-generic', STREAM));

  it('may be an error, whole or in the middle of a stream', () => {
    const error = { code: '429', message: 'Too many tokens.' };

    expect(() => whole('oci-generic', error)).toThrow('Too many tokens.');
    expect(streamed('oci-generic', `${STREAM.slice(0, 80)}\n\n${sse({ error })}`).error).toBeDefined();
    expect(streamed('oci-generic', sse({ message: { content: [{ text: 'Hi' }] } }, 'no JSON')).error?.kind).toBe('upstream');
  });
});

describe('a request in Cohere’s format', () => {
  it('has the last results beside an empty message, the rest as history', () => {
    const { body, warnings } = encode('oci-cohere', TALK);

    expect(warnings).toEqual([]);
    expect(body['chatRequest']).toEqual({
      apiFormat: 'COHERE',
      message: '',
      toolResults: [{ call: { name: 'weather', parameters: { city: 'Bern' } }, outputs: [{ output: 'sunny' }] }],
      chatHistory: [
        { role: 'USER', message: 'Weather?' },
        { role: 'CHATBOT', message: 'Let me look.', toolCalls: [{ name: 'weather', parameters: { city: 'Bern' } }] },
      ],
      preambleOverride: 'Be kind.',
      temperature: 0.5,
      topP: 0.9,
      seed: 7,
      stopSequences: ['END'],
      maxTokens: 64,
      tools: [
        {
          name: 'weather',
          description: 'Tells the weather.',
          parameterDefinitions: {
            city: { description: '{"enum":["Bern","Chur"]}', type: 'str', isRequired: true },
            days: { type: 'int', isRequired: false },
          },
        },
      ],
      isStream: true,
      streamOptions: { isIncludeUsage: true },
    });
  });

  it('has the last question as its message, and warns of what it cannot say', () => {
    const { body, warnings } = encode('oci-cohere', {
      ...looking,
      tools: [{ type: 'function', name: 'f' }],
      toolChoice: { type: 'required' },
      reasoning: { effort: 'high' },
      sampling: { choices: 2 },
      output: { type: 'json' },
    });

    expect(body['chatRequest']).toMatchObject({ message: 'What?', responseFormat: { type: 'JSON_OBJECT' } });
    expect(warnings.map(({ field }) => field).toSorted()).toEqual(['messages', 'n', 'reasoning_effort', 'tool_choice']);
  });
});

describe('an answer in Cohere’s format', () => {
  const calls = [{ name: 'f', parameters: { a: 1 } }];
  const last = {
    apiFormat: 'COHERE',
    text: 'Grüezi ✓',
    chatHistory: [],
    finishReason: 'COMPLETE',
    toolCalls: calls,
    usage: USAGE,
  };
  const STREAM = sse({ apiFormat: 'COHERE', text: 'Grü' }, { apiFormat: 'COHERE', text: 'ezi ✓' }, last);

  it('is read whole as its stream is, of which the last event repeats everything', () => {
    const { model, ...answer } = whole('oci-cohere', { modelId: 'cohere.x', chatResponse: last });

    expect(model).toBe('cohere.x');
    expect(answer).toMatchObject({
      choices: [
        {
          parts: [
            { type: 'text', text: 'Grüezi ✓' },
            { type: 'tool-call', id: expect.stringMatching(/^call_[\da-f]{24}$/) as string, name: 'f', arguments: '{"a":1}' },
          ],
          finish: 'tool-calls',
        },
      ],
      usage: COUNTED,
    });
    expect(streamed('oci-cohere', STREAM)).toEqual(answer);
    expect(streamed('oci-cohere', sse(last))).toEqual(answer);
  });

  it('as a stream may be cut anywhere, but not short', () => provesCuts('oci-cohere', STREAM));

  it.each([
    ['MAX_TOKENS', 'length'],
    ['ERROR_TOXIC', 'content-filter'],
  ])('that ended with %s did so by %s', (finishReason, finish) => {
    const { choices } = whole('oci-cohere', { chatResponse: { text: 'x', finishReason } });
    expect(choices[0]?.finish).toBe(finish);
  });

  it('may be an error', () => {
    const failed = { text: '', finishReason: 'ERROR', errorMessage: 'It broke.' };

    expect(() => whole('oci-cohere', { chatResponse: failed })).toThrow('It broke.');
    expect(streamed('oci-cohere', sse({ text: 'Hal' }, failed)).error?.message).toBe('It broke.');
    expect(streamed('oci-cohere', sse({ text: 'Hal' }, { text: 'Hal', finishReason: 'ERROR' })).error?.kind).toBe('upstream');
    expect(() => whole('oci-cohere', {})).toThrow();
  });
});

describe('Cohere’s newer format', () => {
  it('says a conversation with tools and pictures', () => {
    const { body, warnings } = encode('oci-cohere-v2', TALK);
    const request = at(body, 'chatRequest');

    expect(warnings).toEqual([]);
    expect(request).toMatchObject({
      apiFormat: 'COHEREV2',
      messages: [
        { role: 'SYSTEM', content: [{ type: 'TEXT', text: 'Be kind.' }] },
        { role: 'USER' },
        {
          role: 'ASSISTANT',
          content: [{ type: 'TEXT', text: 'Let me look.' }],
          toolCalls: [{ id: 'c1', type: 'FUNCTION', function: { name: 'weather', arguments: '{"city":"Bern"}' } }],
        },
        { role: 'TOOL', toolCallId: 'c1', content: [{ type: 'TEXT', text: 'sunny' }] },
      ],
      tools: [{ type: 'FUNCTION', function: { name: 'weather', parameters: PLAIN } }],
      maxTokens: 64,
    });
    const seen = encode('oci-cohere-v2', { ...looking, reasoning: { effort: 'low' } });
    expect(seen.body['chatRequest']).toMatchObject({
      messages: [{ content: [{ type: 'TEXT' }, { type: 'IMAGE_URL', imageUrl: { url: 'data:image/png;base64,AA==' } }] }],
      thinking: { type: 'ENABLED' },
    });
  });

  it('is read whole as its stream is', () => {
    const call = { id: 'c1', type: 'FUNCTION', function: { name: 'f', arguments: '{}' } };
    const content = [
      { type: 'THINKING', thinking: 'Hm.' },
      { type: 'TEXT', text: 'Grüezi' },
    ];
    const message = { role: 'ASSISTANT', content, toolCalls: [call] };
    const { id, ...answer } = whole('oci-cohere-v2', {
      chatResponse: { apiFormat: 'COHEREV2', id: 'r1', message, finishReason: 'TOOL_CALL', usage: USAGE },
    });
    const stream = sse(
      { message: { role: 'ASSISTANT', content: [content[0]] } },
      { message: { role: 'ASSISTANT', content: [content[1]] } },
      { message: { role: 'ASSISTANT', toolCalls: [call] } },
      { message, finishReason: 'TOOL_CALL', usage: USAGE },
    );

    expect(id).toBe('r1');
    expect(answer).toMatchObject({
      choices: [{ parts: [{ type: 'reasoning' }, { type: 'text' }, { type: 'tool-call' }], finish: 'tool-calls' }],
      usage: COUNTED,
    });
    expect(streamed('oci-cohere-v2', stream)).toEqual(answer);
    provesCuts('oci-cohere-v2', stream);
  });
});
