import { describe, expect, it } from 'vitest';
import { gemini } from '../../../../lib/dialects/gemini/index.ts';
import type { Message, Part } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { decoded, sent } from './support.ts';

const HI = { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] };

const EVERYTHING: JsonObject = {
  systemInstruction: { parts: [{ text: 'Be brief.' }] },
  contents: [
    {
      role: 'user',
      parts: [
        { text: 'Look', mediaResolution: { level: 'MEDIA_RESOLUTION_HIGH' } },
        { inlineData: { mimeType: 'image/png', data: 'aW1hZ2U=' } },
        { inlineData: { mimeType: 'audio/wav', data: 'UklG' } },
        { inlineData: { mimeType: 'application/pdf', data: 'JVBE' } },
        { fileData: { fileUri: 'https://www.youtube.com/watch?v=x', mimeType: 'video/mp4' }, videoMetadata: { fps: 2 } },
        { fileData: { fileUri: 'gs://bucket/a.png', mimeType: 'image/png' } },
      ],
    },
    {
      role: 'model',
      parts: [
        { text: 'Hm', thought: true, thoughtSignature: 'dGhvdWdodA==' },
        { text: 'Calling', thoughtSignature: 'dGV4dA==' },
        { functionCall: { id: 'c1', name: 'f', args: { snake_case: 1 } }, thoughtSignature: 'Y2FsbA==' },
        { functionCall: { id: 'c2', name: 'g', args: {} } },
        { executableCode: { language: 'PYTHON', code: '1' } },
      ],
    },
    {
      role: 'user',
      parts: [
        { functionResponse: { id: 'c1', name: 'f', response: { output: 'plain' } } },
        {
          functionResponse: {
            id: 'c2',
            name: 'g',
            response: { rows: [1] },
            parts: [{ inlineData: { mimeType: 'image/png', data: 'aW1hZ2U=' } }],
          },
        },
        { text: 'Go on' },
      ],
    },
  ],
  tools: [
    {
      functionDeclarations: [
        {
          name: 'f',
          description: 'F',
          parameters: {
            type: 'object',
            properties: { snake_case: { type: 'integer', nullable: true }, of: { type: 'array', items: { type: 'string' } } },
            required: ['of'],
          },
          behavior: 'BLOCKING',
        },
        { name: 'g' },
      ],
    },
    { googleSearch: {} },
  ],
  toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } },
  generationConfig: {
    temperature: 0.5,
    topP: 0.9,
    topK: 40,
    seed: 7,
    frequencyPenalty: 0.1,
    presencePenalty: 0.2,
    candidateCount: 2,
    maxOutputTokens: 100,
    stopSequences: ['END'],
    responseLogprobs: true,
    logprobs: 3,
    thinkingConfig: { thinkingLevel: 'LOW', includeThoughts: true },
    responseModalities: ['TEXT'],
  },
  safetySettings: [{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_NONE' }],
  labels: { team_name: 'x' },
  serviceTier: 'flex',
};

const snaked = (value: unknown, keep: boolean): unknown => {
  if (Array.isArray(value)) return value.map((item: unknown) => snaked(item, keep));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      keep ? name : name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snaked(field, keep || ['args', 'labels', 'response', 'properties'].includes(name)),
    ]),
  );
};

describe('a request of a client', () => {
  it('goes to a provider as it came', () => {
    const request = decoded(EVERYTHING);
    const { body, warnings } = gemini.encodeRequest(request, { model: 'gemini-3-pro', structuredOutput: 'native' });

    expect(body).toEqual(EVERYTHING);
    expect(warnings).toEqual([]);
    expect(gemini.decodeRequest(body, { model: 'gemini-3-pro', stream: false })).toEqual(request);
  });

  it('may be written in snake case', () => {
    expect(decoded(snaked(EVERYTHING, false) as JsonObject)).toEqual(decoded(EVERYTHING));
  });

  it('takes model and streaming from the path', () => {
    expect(gemini.decodeRequest({ ...HI, model: 'models/x' }, { model: 'models/gemini-3-pro', stream: true })).toMatchObject({
      model: 'gemini-3-pro',
      stream: true,
      includeUsage: true,
      extensions: { gemini: {} },
    });
    expect(gemini.decodeRequest({ ...HI, model: 'gemini-x' })).toMatchObject({ model: 'gemini-x', stream: false });
  });

  it('takes one content and bare instructions, too', () => {
    expect(decoded({ contents: HI.contents[0], systemInstruction: 'Be brief.' }).messages).toEqual([
      { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
    ]);
  });

  it('takes one part without a list around it', () => {
    const contents = [{ role: 'user', parts: { text: 'Hi' } }];
    expect(decoded({ contents, systemInstruction: { parts: { text: 'Be brief.' } } }).messages).toEqual([
      { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
      { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
    ]);
  });

  it('pairs calls and responses without ids by name and order', () => {
    const call = { functionCall: { name: 'f' } };
    const response = (output: string): JsonObject => ({ functionResponse: { name: 'f', response: { output } } });
    const contents = [
      ...HI.contents,
      { role: 'model', parts: [call, call] },
      { role: 'function', parts: [response('a'), response('b')] },
    ];

    expect(decoded({ contents }).messages.slice(1)).toMatchObject([
      { role: 'assistant', parts: [{ id: 'call_0_f' }, { id: 'call_1_f' }] },
      { role: 'tool', parts: [{ callId: 'call_0_f' }, { callId: 'call_1_f' }] },
    ]);
  });

  it.each([
    [{ output: 'text' }, { parts: [{ type: 'text', text: 'text' }] }],
    [{ error: 'no' }, { parts: [{ type: 'text', text: 'no' }], isError: true }],
    [{ output: '{"a":1}' }, { parts: [{ type: 'text', text: '{"output":"{\\"a\\":1}"}' }] }],
    [{}, { parts: [] }],
  ])('reads the response %j', (response, result) => {
    const contents = [
      ...HI.contents,
      { role: 'model', parts: [{ functionCall: { id: 'c', name: 'f' } }] },
      { parts: [{ functionResponse: { id: 'c', name: 'f', response } }] },
    ];

    expect(decoded({ contents }).messages[2]?.parts).toEqual([{ type: 'tool-result', callId: 'c', ...result }]);
  });

  it('may answer calls that cached content holds', () => {
    const contents = [
      { parts: [{ functionResponse: { id: 'c', name: 'f', response: {} } }, { functionResponse: { name: 'g' } }] },
    ];

    expect(decoded({ contents, cachedContent: 'cachedContents/x' }).messages[0]?.parts).toMatchObject([
      { callId: 'c' },
      { callId: 'g' },
    ]);
  });

  it('skips turns of the model that hold nothing', () => {
    expect(decoded({ contents: [...HI.contents, { role: 'model' }, ...HI.contents] }).messages).toHaveLength(2);
  });

  it.each<[string, JsonObject, JsonObject]>([
    ['JSON', { responseMimeType: 'application/json' }, { output: { type: 'json' } }],
    ['text', { responseMimeType: 'text/plain' }, { output: { type: 'text' } }],
    [
      'a schema',
      { responseMimeType: 'application/json', responseSchema: { type: 'STRING', nullable: true, minLength: '2' } },
      { output: { type: 'json-schema', name: 'answer', schema: { type: ['string', 'null'], minLength: 2 } } },
    ],
    [
      'a JSON schema',
      { responseJsonSchema: { type: 'object', additionalProperties: false } },
      { output: { type: 'json-schema', schema: { type: 'object', additionalProperties: false } } },
    ],
    ['no thoughts', { thinkingConfig: { thinkingBudget: 0 } }, { reasoning: { mode: 'disabled' } }],
    ['its own thoughts', { thinkingConfig: { thinkingBudget: -1 } }, { reasoning: { mode: 'adaptive' } }],
    [
      'a budget',
      { thinkingConfig: { thinkingBudget: 512, includeThoughts: false } },
      { reasoning: { mode: 'enabled', budgetTokens: 512, display: 'omitted' } },
    ],
    ['a word of a list', { responseMimeType: 'text/x.enum' }, { extensions: { gemini: { generationConfig: {} } } }],
  ])('may want %s', (_, generationConfig, expected) => {
    expect(decoded({ ...HI, generationConfig })).toMatchObject(expected);
  });

  it.each<[JsonObject, JsonObject]>([
    [{ mode: 'AUTO' }, { type: 'auto' }],
    [{ mode: 'none' }, { type: 'none' }],
    [{ mode: 'ANY' }, { type: 'required' }],
    [{ mode: 'VALIDATED' }, { type: 'auto' }],
    [{ mode: 'ANY', allowedFunctionNames: ['a', 'b'] }, { type: 'required' }],
  ])('may choose tools by %j', (functionCallingConfig, choice) => {
    expect(decoded({ ...HI, toolConfig: { functionCallingConfig } }).toolChoice).toEqual(choice);
  });

  it.each<[string, JsonObject, string]>([
    ['no contents', {}, 'contents'],
    ['no content', { contents: [] }, 'contents'],
    ['a content that is none', { contents: ['Hi'] }, 'contents[0]'],
    ['an unknown role', { contents: [{ role: 'assistant', parts: [{ text: 'x' }] }] }, 'contents[0].role'],
    ['no parts', { contents: [{ parts: [] }] }, 'contents[0].parts'],
    ['an empty part', { contents: [{ parts: [{}] }] }, 'contents[0].parts[0].text'],
    ['a text that is none', { contents: [{ parts: [{ text: 1 }] }] }, 'contents[0].parts[0].text'],
    ['a call by the user', { contents: [{ parts: [{ functionCall: { name: 'f' } }] }] }, 'contents[0].parts[0].functionCall'],
    [
      'a response by the model',
      { contents: [{ role: 'model', parts: [{ functionResponse: { name: 'f' } }] }] },
      'contents[0].parts[0].functionResponse',
    ],
    [
      'a response without its call',
      { contents: [{ parts: [{ functionResponse: { name: 'f' } }] }] },
      'contents[0].parts[0].functionResponse.name',
    ],
    [
      'media without a type',
      { contents: [{ parts: [{ inlineData: { data: 'x' } }] }] },
      'contents[0].parts[0].inlineData.mimeType',
    ],
    [
      'instructions in pictures',
      { ...HI, systemInstruction: { parts: [{ inlineData: {} }] } },
      'systemInstruction.parts[0].text',
    ],
    ['a bad temperature', { ...HI, generationConfig: { temperature: 'hot' } }, 'generationConfig.temperature'],
    ['a bad stop', { ...HI, generationConfig: { stopSequences: [1] } }, 'generationConfig.stopSequences[0]'],
    [
      'a bad level',
      { ...HI, generationConfig: { thinkingConfig: { thinkingLevel: 'HUGE' } } },
      'generationConfig.thinkingConfig.thinkingLevel',
    ],
    ['a function without a name', { ...HI, tools: [{ functionDeclarations: [{}] }] }, 'tools[0].functionDeclarations[0].name'],
    ['a bad mode', { ...HI, toolConfig: { functionCallingConfig: { mode: 'SOME' } } }, 'toolConfig.functionCallingConfig.mode'],
  ])('is refused for %s', (_, body, param) => {
    expect(() => decoded(body)).toThrow(expect.objectContaining({ kind: 'invalid_request', detail: { param } }));
  });

  it('is refused without a model', () => {
    expect(() => gemini.decodeRequest(HI)).toThrow(expect.objectContaining({ detail: { param: 'model' } }));
  });

  it('is refused by others than Google when its prompt is cached there', () => {
    const plain = decoded(HI);

    const warned: string[] = [];
    const warn = ({ field }: { field: string }): void => void warned.push(field);

    expect(gemini.forOthers?.(plain, warn)).toBe(plain);
    expect(gemini.forOthers?.(decoded(EVERYTHING), warn)).toBeDefined();
    expect(warned).toEqual(['safetySettings', 'labels', 'generationConfig.responseModalities']);
    expect(() => gemini.forOthers?.(decoded({ ...HI, cachedContent: 'x' }), warn)).toThrow('cachedContent');
  });

  it('survives nesting without end', () => {
    const deep = JSON.parse(`${'{"a_b":'.repeat(2000)}1${'}'.repeat(2000)}`) as JsonObject;

    expect(decoded({ ...HI, labelled: deep }).extensions.gemini).toHaveProperty('labelled.aB');
  });
});

const user = (...parts: Part[]): Message => ({ role: 'user', parts });
const model = (...parts: Part[]): Message => ({ role: 'assistant', parts });
const text = (words: string): Part => ({ type: 'text', text: words });
const call = (id: string, name: string, more: object = {}): Part => ({ type: 'tool-call', id, name, arguments: '{}', ...more });
const result = (callId: string, words: string): Message => ({
  role: 'tool',
  parts: [{ type: 'tool-result', callId, parts: [{ type: 'text', text: words }] }],
});

describe('a conversation for a provider', () => {
  it('has instructions in front and one turn for neighbours of one role', () => {
    const { body, warned } = sent({
      messages: [
        { role: 'developer', parts: [{ type: 'text', text: 'A' }] },
        user(text('1')),
        user(text('2')),
        { role: 'system', parts: [{ type: 'text', text: 'B' }] },
        model(text('3'), text('')),
      ],
    });

    expect(body).toEqual({
      systemInstruction: { parts: [{ text: 'A' }, { text: 'B' }] },
      contents: [
        { role: 'user', parts: [{ text: '1' }, { text: '2' }] },
        { role: 'model', parts: [{ text: '3' }] },
      ],
    });
    expect(warned).toEqual(['changed messages[3]']);
  });

  it('sends instructions as a question when there is nothing else', () => {
    const { body, warned } = sent({ messages: [{ role: 'system', parts: [{ type: 'text', text: 'A' }] }] });

    expect(body).toEqual({ contents: [{ role: 'user', parts: [{ text: 'A' }] }] });
    expect(warned).toEqual(['changed messages']);
  });

  it('sends results under the names of their calls, as objects', () => {
    const { body } = sent({
      messages: [
        user(text('Hi')),
        model(call('a', 'f'), call('b', 'g')),
        result('b', '{"x":1}'),
        result('a', '[1]'),
        { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', parts: [], isError: true }] },
      ],
    });

    expect((body['contents'] as JsonObject[])[2]).toEqual({
      role: 'user',
      parts: [
        { functionResponse: { id: 'b', name: 'g', response: { x: 1 } } },
        { functionResponse: { id: 'a', name: 'f', response: { output: '[1]' } } },
        { functionResponse: { id: 'a', name: 'f', response: { error: '' } } },
      ],
    });
  });

  it.each([
    ['gemini-2.5-pro', 2],
    ['gemini-3-pro', 1],
  ])('puts media of a result where %s takes them', (name, length) => {
    const image: Part = { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'x' } };
    const messages: Message[] = [
      model(call('a', 'f')),
      { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', parts: [{ type: 'text', text: 't' }, image] }] },
    ];
    const { body } = sent({ messages }, { model: name });

    expect((body['contents'] as { parts: object[] }[])[1]?.parts).toHaveLength(length);
    expect(JSON.stringify(body)).toContain('"inlineData":{"mimeType":"image/png","data":"x"}');
  });

  it.each<[Part, JsonObject]>([
    [
      { type: 'image', source: { type: 'url', url: 'data:image/webp;base64,eA==' } },
      { inlineData: { mimeType: 'image/webp', data: 'eA==' } },
    ],
    [
      { type: 'image', source: { type: 'url', url: 'https://x/y.PNG?z' } },
      { fileData: { fileUri: 'https://x/y.PNG?z', mimeType: 'image/png' } },
    ],
    [
      { type: 'image', source: { type: 'url', url: 'https://x/y' } },
      { fileData: { fileUri: 'https://x/y', mimeType: 'image/jpeg' } },
    ],
    [
      { type: 'document', source: { type: 'url', url: 'https://youtu.be/x' } },
      { fileData: { fileUri: 'https://youtu.be/x', mimeType: 'video/mp4' } },
    ],
    [{ type: 'document', source: { type: 'text', text: 'words' }, title: 'T' }, { text: 'words' }],
    [
      { type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: 'x' }, format: 'wav' },
      { inlineData: { mimeType: 'audio/wav', data: 'x' } },
    ],
    [{ type: 'refusal', text: 'No.' }, { text: 'No.' }],
  ])('sends %j', (part, expected) => {
    expect(sent({ messages: [user(part)] }).body).toMatchObject({ contents: [{ parts: [expected] }] });
  });

  it.each<[string, Part]>([
    ['dropped messages[0].content[0]', { type: 'image', source: { type: 'file', id: 'x', origin: 'openai-chat' } }],
    ['dropped messages[0].content[0]', { type: 'opaque', origin: 'anthropic-messages', value: { type: 'x' } }],
    ['dropped messages[0].content[0].cache_control', { type: 'text', text: 'x', cache: {} }],
    ['dropped messages[0].content[0].detail', { type: 'image', source: { type: 'url', url: 'https://x' }, detail: 'low' }],
    ['dropped messages[0].content[0].citations', { type: 'document', source: { type: 'text', text: 'x' }, citations: true }],
    ['changed messages[0].content[0].arguments', { type: 'tool-call', id: '', name: 'f', arguments: 'x', custom: true }],
    ['dropped messages[0].content[0]', { type: 'reasoning', text: 'x', signature: 's', origin: 'anthropic-messages' }],
    ['dropped messages[0].content[0]', { type: 'reasoning', text: 'x', data: 's' }],
  ])('warns: %s', (warning, part) => {
    expect(sent({ messages: [model(part)] }).warned).toEqual([warning]);
  });

  it('warns of names', () => {
    expect(sent({ messages: [{ ...user(text('x')), name: 'Ann' }] }).warned).toEqual(['dropped messages[0].name']);
  });

  it('puts proofs of Google back on the parts they came with, and plain thoughts as thoughts', () => {
    const proof = { type: 'reasoning' as const, signature: 's', origin: 'gemini' as const };
    const { body } = sent({
      messages: [
        model(
          { ...proof, text: 'Hm' },
          text('Hi'),
          { ...proof, text: '' },
          { ...proof, text: '' },
          { type: 'reasoning', text: 'so' },
        ),
        user(text('x')),
      ],
    });

    expect((body['contents'] as JsonObject[])[0]?.parts).toEqual([
      { text: 'Hm', thought: true, thoughtSignature: 's' },
      { text: 'Hi', thoughtSignature: 's' },
      { text: '', thoughtSignature: 's' },
      { text: 'so', thought: true },
    ]);
  });

  it('signs unsigned calls of other providers where the model demands it', () => {
    const messages = [user(text('x')), model(call('a', 'f'), call('b', 'f'))];
    const calls = (name: string): unknown => (sent({ messages }, { model: name }).body['contents'] as JsonObject[])[1]?.parts;

    expect(calls('gemini-3-flash')).toMatchObject([{ thoughtSignature: 'skip_thought_signature_validator' }, {}]);
    expect(JSON.stringify(calls('gemini-2.5-flash'))).not.toContain('thoughtSignature');
  });
});

describe('settings for a provider', () => {
  const SCHEMA = { type: 'object', properties: { a: { type: 'string', format: 'email' } } };
  const FUNCTION = { type: 'function' as const, name: 'f', parameters: SCHEMA };

  it('have one list of functions and tools of Google beside it', () => {
    const { body, warned } = sent(
      {
        tools: [
          { ...FUNCTION, cache: {}, strict: true },
          { type: 'function', name: 'g', parameters: { type: 'object', properties: {} } },
          { type: 'function', name: 'h', parameters: { anyOf: [{ type: 'object' }, { type: 'array' }] } },
          { type: 'provider', origin: 'anthropic-messages', value: { type: 'web_search_20250305', name: 'web_search' } },
          { type: 'provider', origin: 'openai-responses', value: { type: 'file_search' } },
          { type: 'provider', origin: 'gemini', value: { googleMaps: {} } },
        ],
        parallelToolCalls: false,
      },
      { model: 'gemini-3-pro' },
    );

    expect(body['tools']).toEqual([
      {
        functionDeclarations: [
          { name: 'f', parameters: { type: 'object', properties: { a: { type: 'string' } } } },
          { name: 'g' },
          { name: 'h' },
        ],
      },
      { googleSearch: {} },
      { googleMaps: {} },
    ]);
    expect(warned).toEqual([
      'changed tools[0].parameters',
      'dropped tools[0].cache_control',
      'dropped tools[0].strict',
      'dropped tools[2].parameters',
      'changed tools[3]',
      'dropped tools[4]',
      'dropped parallel_tool_calls',
    ]);
  });

  it('leave out searches beside functions up to 2.5', () => {
    const search = { type: 'provider' as const, origin: 'openai-responses' as const, value: { type: 'web_search' } };

    expect(sent({ tools: [FUNCTION, search] }).warned).toContain('dropped tools[1]');
    expect(sent({ tools: [search] }).body['tools']).toEqual([{ googleSearch: {} }]);
  });

  it.each([
    [{ type: 'auto' as const }, { mode: 'AUTO' }],
    [{ type: 'none' as const }, { mode: 'NONE' }],
    [{ type: 'required' as const }, { mode: 'ANY' }],
    [
      { type: 'tool' as const, name: 'f' },
      { mode: 'ANY', allowedFunctionNames: ['f'] },
    ],
  ])('say the choice %j', (toolChoice, functionCallingConfig) => {
    expect(sent({ tools: [FUNCTION], toolChoice }).body['toolConfig']).toEqual({ functionCallingConfig });
  });

  it('drop a choice without functions', () => {
    expect(sent({ toolChoice: { type: 'required' } }).warned).toEqual(['dropped tool_choice']);
    expect(sent({ toolChoice: { type: 'auto' } }).warned).toEqual([]);
  });

  it('ask for JSON natively where the model can', () => {
    const output = { type: 'json-schema' as const, name: 'x', schema: SCHEMA };

    expect(sent({ output })).toMatchObject({
      body: {
        generationConfig: {
          responseMimeType: 'application/json',
          responseSchema: { type: 'object', properties: { a: { type: 'string' } } },
        },
      },
      warned: ['changed response_format'],
      decoding: {},
    });
    expect(sent({ output: { type: 'json' } }).body['generationConfig']).toEqual({ responseMimeType: 'application/json' });
    expect(sent({ output, tools: [FUNCTION] }, { model: 'gemini-3-pro' }).decoding).toEqual({});
    expect(sent({ output: { type: 'text' } }).body['generationConfig']).toBeUndefined();
  });

  it.each([
    [{ tools: [FUNCTION] }, 'native' as const, { mode: 'ANY' }],
    [{}, 'tool' as const, { mode: 'ANY', allowedFunctionNames: ['json_answer'] }],
  ])('ask for JSON by a function where it cannot', (more, structuredOutput, functionCallingConfig) => {
    const { body, decoding, warned } = sent(
      { output: { type: 'json-schema', name: 'x', schema: SCHEMA }, ...more },
      { structuredOutput },
    );

    expect(decoding).toEqual({ jsonTool: 'json_answer' });
    expect(body['toolConfig']).toEqual({ functionCallingConfig });
    expect(warned).toContain('changed response_format');
  });

  it.each<[string, JsonObject, JsonObject | undefined, string[]]>([
    ['gemini-2.5-flash', { effort: 'medium' }, { thinkingBudget: 8192, includeThoughts: true }, []],
    ['gemini-2.5-flash', { effort: 'none' }, { thinkingBudget: 0 }, []],
    ['gemini-2.5-pro', { mode: 'disabled' }, { thinkingBudget: 128 }, ['changed reasoning']],
    ['gemini-2.5-pro', { budgetTokens: 2000, display: 'omitted' }, { thinkingBudget: 2000 }, []],
    ['gemini-2.5-pro', { mode: 'adaptive' }, { thinkingBudget: -1, includeThoughts: true }, []],
    ['gemini-3-pro', { mode: 'adaptive' }, { includeThoughts: true }, []],
    ['gemini-3-pro', { effort: 'minimal' }, { thinkingLevel: 'LOW', includeThoughts: true }, ['changed reasoning']],
    ['gemini-3-pro', { effort: 'medium' }, { thinkingLevel: 'HIGH', includeThoughts: true }, ['changed reasoning']],
    ['gemini-3.1-pro', { effort: 'medium' }, { thinkingLevel: 'MEDIUM', includeThoughts: true }, []],
    ['gemini-3-flash', { effort: 'minimal' }, { thinkingLevel: 'MINIMAL', includeThoughts: true }, []],
    ['gemini-3-flash', { effort: 'max' }, { thinkingLevel: 'HIGH', includeThoughts: true }, ['changed reasoning']],
    ['gemini-3-flash', { effort: 'none' }, { thinkingLevel: 'MINIMAL' }, ['changed reasoning']],
    ['gemini-3-pro', { mode: 'disabled' }, { thinkingLevel: 'LOW' }, ['changed reasoning']],
    ['gemini-2.0-flash', { effort: 'high' }, undefined, ['dropped reasoning']],
    ['gemini-2.0-flash', { effort: 'none' }, undefined, []],
    ['my-tuned-model', { effort: 'low' }, { thinkingBudget: 1024, includeThoughts: true }, []],
  ])('ask %s to think: %j', (name, reasoning, thinkingConfig, warnings) => {
    const { body, warned } = sent({ reasoning }, { model: name });

    expect((body['generationConfig'] as JsonObject | undefined)?.thinkingConfig).toEqual(thinkingConfig);
    expect(warned).toEqual(warnings);
  });

  it('leave out what the model or the API does not take', () => {
    const { body, warned } = sent(
      {
        sampling: {
          temperature: 1,
          topK: 3,
          frequencyPenalty: 0,
          presencePenalty: 0,
          logitBias: { 1: 2 },
          stop: ['a', 'b', 'c', 'd', 'e', 'f'],
        },
        user: 'u',
        metadata: { a: 1 },
        cache: {},
        serviceTier: 'scale',
      },
      { supportsSampling: false },
    );

    expect(body['generationConfig']).toEqual({ stopSequences: ['a', 'b', 'c', 'd', 'e'] });
    expect(warned.toSorted()).toEqual([
      'changed stop',
      'dropped cache_control',
      'dropped logit_bias',
      'dropped metadata',
      'dropped service_tier',
      'dropped temperature',
      'dropped topK',
      'dropped user',
    ]);
  });

  it.each([
    ['auto', undefined],
    ['default', 'standard'],
    ['priority', 'priority'],
  ])('know the tier %s', (serviceTier, word) => {
    expect(sent({ serviceTier }).body['serviceTier']).toBe(word);
  });
});
