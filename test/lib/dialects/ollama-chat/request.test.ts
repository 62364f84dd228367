import { describe, expect, it } from 'vitest';
import type { UpstreamTarget } from '../../../../lib/dialects/dialect.ts';
import { ollamaChat } from '../../../../lib/dialects/ollama-chat/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import type { GenerateRequest, Message, Part } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { requestOf } from '../anthropic-messages/support.ts';
import { jsonOf } from './support.ts';

const TARGET: UpstreamTarget = { model: 'qwen3', structuredOutput: 'native' };
const encoded = (more: Partial<GenerateRequest>, target: Partial<UpstreamTarget> = {}) =>
  ollamaChat.encodeRequest(requestOf(more), { ...TARGET, ...target });
const fieldsOf = ({ warnings }: { warnings: readonly { field: string }[] }): string[] => warnings.map(({ field }) => field);
const minimal = (more: JsonObject): JsonObject => ({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...more });
const say = (role: Message['role'], ...parts: Part[]): Message => ({ role, parts });
const TOOL = { type: 'function', name: 'f', parameters: { type: 'object' } } as const;

describe('a request with everything', () => {
  const everything = jsonOf('everything.request.json');

  it('comes back as it was', () => {
    const { body, warnings } = ollamaChat.encodeRequest(ollamaChat.decodeRequest(everything), {
      ...TARGET,
      model: 'gpt-oss:20b',
    });

    expect(body).toEqual(everything);
    expect(warnings).toEqual([]);
  });

  it('is understood', () => {
    const request = ollamaChat.decodeRequest(everything);

    expect(request).toMatchObject({
      model: 'gpt-oss:20b',
      output: { type: 'json-schema', schema: { type: 'object' } },
      sampling: { temperature: 0.2, topP: 0.9, topK: 40, seed: 7, stop: ['END'], logprobs: true, topLogprobs: 2 },
      maxOutputTokens: 200,
      reasoning: { effort: 'low' },
      stream: false,
      includeUsage: true,
      extensions: { 'ollama-chat': { keep_alive: '10m', options: { num_ctx: 8192, repeat_penalty: 1.1 } } },
    });
    expect(request.messages[1]?.parts).toEqual([
      { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'iVBORw0KGgo=' } },
      { type: 'image', source: { type: 'base64', mediaType: 'image/jpeg', data: '/9j/4AAQ' } },
      { type: 'text', text: 'What is this?' },
    ]);
    expect(request.messages[2]?.parts).toMatchObject([
      { type: 'reasoning', text: 'Two peaks.', origin: 'ollama-chat' },
      { type: 'text', text: 'Mountains.' },
      { type: 'tool-call', id: 'call_h', name: 'height', arguments: '{"of":"Matterhorn"}' },
    ]);
  });
});

describe('decoding a request', () => {
  it('streams unless told otherwise', () => {
    expect(ollamaChat.decodeRequest(minimal({})).stream).toBe(true);
    expect(ollamaChat.decodeRequest(minimal({ stream: true })).stream).toBe(true);
    expect(ollamaChat.decodeRequest(minimal({ stream: false })).stream).toBe(false);
  });

  it('pairs results with calls by id, by name, else by order', () => {
    const call = (name: string, id?: string): JsonObject => ({
      function: { name, arguments: null },
      ...(id !== undefined && { id }),
    });
    const request = ollamaChat.decodeRequest({
      model: 'm',
      messages: [
        { role: 'assistant', content: '', tool_calls: [call('f'), call('g'), call('f'), call('h', 'x')] },
        { role: 'tool', tool_call_id: 'x', content: 'h' },
        { role: 'tool', tool_name: 'g', content: 'g' },
        { role: 'tool', tool_name: 'f', content: 'f1' },
        { role: 'tool', content: 'f2' },
      ],
    });

    expect(request.messages.slice(1).map(({ parts }) => parts[0])).toEqual([
      { type: 'tool-result', callId: 'x', parts: [{ type: 'text', text: 'h' }] },
      { type: 'tool-result', callId: 'call_0_1', parts: [{ type: 'text', text: 'g' }] },
      { type: 'tool-result', callId: 'call_0_0', parts: [{ type: 'text', text: 'f1' }] },
      { type: 'tool-result', callId: 'call_0_2', parts: [{ type: 'text', text: 'f2' }] },
    ]);
    expect(request.messages[0]?.parts[0]).toMatchObject({ arguments: '{}' });
  });

  it('reads the small words: thinking, forms, limits that are none, data URLs', () => {
    const decode = (more: JsonObject): GenerateRequest => ollamaChat.decodeRequest(minimal(more));

    expect(decode({ think: true }).reasoning).toEqual({ mode: 'enabled' });
    expect(decode({ think: false }).reasoning).toEqual({ mode: 'disabled' });
    expect(decode({ format: 'json' }).output).toEqual({ type: 'json' });
    expect(decode({ format: '' })).not.toHaveProperty('output');
    expect(decode({ options: { num_predict: -1, stop: 'END' } })).toMatchObject({
      sampling: { stop: ['END'] },
      extensions: { 'ollama-chat': { options: { num_predict: -1 } } },
    });
    expect(decode({ options: { num_predict: -1 } })).not.toHaveProperty('maxOutputTokens');
    expect(decode({ top_logprobs: 2 }).sampling).toEqual({});
    expect(decode({ tools: [{ function: { name: 'f' } }] }).tools).toEqual([{ type: 'function', name: 'f' }]);
    const [message] = decode({
      messages: [{ role: 'user', content: '', images: ['data:image/webp;base64,UklG', 'AAAA'] }],
    }).messages;
    expect(message?.parts).toMatchObject([
      { source: { mediaType: 'image/webp', data: 'UklG' } },
      { source: { mediaType: 'image/png' } },
    ]);
    const [silent] = decode({ messages: [{ role: 'assistant', content: '' }] }).messages;
    expect(silent?.parts).toEqual([{ type: 'text', text: '' }]);
  });

  it.each<[string, JsonObject, string]>([
    ['no model', { messages: [{ role: 'user', content: 'Hi' }] }, 'model'],
    ['no messages', { model: 'm' }, 'messages'],
    ['empty messages', { model: 'm', messages: [] }, 'messages'],
    ['an unknown role', { model: 'm', messages: [{ role: 'bot', content: 'Hi' }] }, 'messages[0].role'],
    ['no content', { model: 'm', messages: [{ role: 'user' }] }, 'messages[0].content'],
    ['content that is a list', { model: 'm', messages: [{ role: 'user', content: [] }] }, 'messages[0].content'],
    ['an image that is a number', minimal({ messages: [{ role: 'user', images: [5] }] }), 'messages[0].images[0]'],
    ['a result without a call', { model: 'm', messages: [{ role: 'tool', content: 'x' }] }, 'messages[0].role'],
    [
      'arguments that are a number',
      { model: 'm', messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: 5 } }] }] },
      'messages[0].tool_calls[0].function.arguments',
    ],
    ['an unknown tool', minimal({ tools: [{ type: 'web' }] }), 'tools[0].type'],
    ['an unknown form', minimal({ format: 'xml' }), 'format'],
    ['an unknown level', minimal({ think: 'hard' }), 'think'],
    ['options that are a list', minimal({ options: [] }), 'options'],
    ['a temperature that is text', minimal({ options: { temperature: 'hot' } }), 'options.temperature'],
  ])('refuses %s', (_, body, param) => {
    const attempt = (): unknown => ollamaChat.decodeRequest(body);

    expect(attempt).toThrow(GatewayError);
    expect(attempt).toThrow(expect.objectContaining({ kind: 'invalid_request', detail: expect.objectContaining({ param }) }));
  });
});

describe('encoding a request of another dialect', () => {
  it('sends a small request small', () => {
    expect(encoded({ output: { type: 'text' }, reasoning: {} })).toEqual({
      body: { model: 'qwen3', messages: [{ role: 'user', content: 'Hello' }], stream: false },
      warnings: [],
      decoding: {},
    });
    expect(encoded({ output: { type: 'json' } }).body.format).toBe('json');
  });

  it('takes pictures as bytes only, and tells documents as text', () => {
    const sent = encoded({
      messages: [
        say(
          'developer',
          { type: 'text', text: 'Look.' },
          { type: 'document', source: { type: 'text', text: 'One.' }, title: 'T' },
          {
            type: 'document',
            source: { type: 'base64', mediaType: 'text/plain', data: Buffer.from('Two.').toString('base64') },
          },
          { type: 'document', source: { type: 'url', url: 'https://d.example' } },
          { type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'JVBE' } },
        ),
        say(
          'user',
          { type: 'image', source: { type: 'url', url: 'https://a.example' } },
          { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'iVBO' } },
          { type: 'audio', source: { type: 'url', url: 'u' } },
          { type: 'opaque', origin: 'gemini', value: { type: 'x' } },
        ),
      ],
    });

    expect(sent.body.messages).toEqual([
      {
        role: 'system',
        content: [
          'Look.',
          '<document title="T">\nOne.\n</document>',
          '<document>\nTwo.\n</document>',
          '<document>\nThe document is at https://d.example\n</document>',
        ].join('\n\n'),
      },
      { role: 'user', content: '', images: ['iVBO'] },
    ]);
    expect(sent.warnings.map(({ kind, field }) => [kind, field])).toEqual([
      ['changed', 'messages[0].content[1]'],
      ['changed', 'messages[0].content[2]'],
      ['changed', 'messages[0].content[3]'],
      ['dropped', 'messages[0].content[4]'],
      ['dropped', 'messages[1].content[0]'],
      ['dropped', 'messages[1].content[2]'],
      ['dropped', 'messages[1].content[3]'],
    ]);
  });

  it('names the tool of a result, marks failures, and moves pictures to a user message', () => {
    const image = { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'iVBO' } } as const;
    const sent = encoded({
      messages: [
        say(
          'assistant',
          { type: 'reasoning', text: 'Hm.', signature: 's', origin: 'anthropic-messages' },
          { type: 'text', text: 'Let me see.', citations: [{ origin: 'gemini', raw: {} }] },
          { type: 'tool-call', id: 'a', name: 'f', arguments: '{"x":1}' },
          { type: 'tool-call', id: 'b', name: 'g', arguments: 'free', custom: true },
        ),
        say('tool', { type: 'tool-result', callId: 'a', parts: [{ type: 'text', text: 'bad' }, image], isError: true }),
        say('user', { type: 'tool-result', callId: 'b', parts: [], isError: true }, { type: 'text', text: 'Well?' }),
        { ...say('assistant', image, { type: 'refusal', text: 'No.' }), name: 'Ann' },
        say('tool', { type: 'tool-result', callId: 'unknown', parts: [image] }),
      ],
    });

    expect(sent.body.messages).toEqual([
      {
        role: 'assistant',
        content: 'Let me see.',
        thinking: 'Hm.',
        tool_calls: [
          { id: 'a', function: { name: 'f', arguments: { x: 1 } } },
          { id: 'b', function: { name: 'g', arguments: { input: 'free' } } },
        ],
      },
      { role: 'tool', content: 'Error: bad', tool_name: 'f', tool_call_id: 'a' },
      { role: 'tool', content: 'Error: the tool failed.', tool_name: 'g', tool_call_id: 'b' },
      { role: 'user', content: 'Pictures of the tool results:', images: ['iVBO'] },
      { role: 'user', content: 'Well?' },
      { role: 'assistant', content: 'No.', images: ['iVBO'] },
      { role: 'tool', content: '', tool_call_id: 'unknown' },
      { role: 'user', content: 'Pictures of the tool results:', images: ['iVBO'] },
    ]);
    expect(fieldsOf(sent)).toEqual([
      'messages[0].content[0]',
      'messages[0].content[1].citations',
      'messages[0].content[3]',
      'messages[1]',
      'messages[1]',
      'messages[2]',
      'messages[3].name',
      'messages[4]',
    ]);
  });

  it.each<[GenerateRequest['toolChoice'], string[], string[]]>([
    [undefined, ['f', 'g'], []],
    [{ type: 'auto' }, ['f', 'g'], []],
    [{ type: 'none' }, [], []],
    [{ type: 'required' }, ['f', 'g'], ['tool_choice']],
    [{ type: 'tool', name: 'g' }, ['g'], ['tool_choice']],
  ])('comes as near to the choice %j as it can', (toolChoice, names, fields) => {
    const sent = encoded({ tools: [TOOL, { ...TOOL, name: 'g' }], ...(toolChoice !== undefined && { toolChoice }) });

    expect(((sent.body.tools ?? []) as { function: { name: string } }[]).map((tool) => tool.function.name)).toEqual(names);
    expect(fieldsOf(sent)).toEqual(fields);
  });

  it.each<[GenerateRequest['reasoning'], string, JsonObject, string[]]>([
    [{ effort: 'high' }, 'gpt-oss:20b', { think: 'high' }, []],
    [{ effort: 'max' }, 'gpt-oss:20b', { think: 'high' }, ['reasoning_effort']],
    [{ effort: 'low' }, 'qwen3', { think: true }, ['reasoning_effort']],
    [{ effort: 'none' }, 'qwen3', { think: false }, []],
    [{ mode: 'enabled', budgetTokens: 900 }, 'qwen3', { think: true }, ['thinking.budget_tokens']],
    [{ mode: 'adaptive', display: 'omitted' }, 'qwen3', { think: true }, ['thinking.display']],
    [{}, 'qwen3', {}, []],
  ])('says how much to think: %j to %s', (reasoning, model, think, fields) => {
    const sent = encoded({ reasoning: reasoning ?? {} }, { model });

    expect(sent.body).toEqual({ model, messages: expect.anything(), stream: false, ...think });
    expect(fieldsOf(sent)).toEqual(fields);
  });

  it('asks no model to think that cannot', () => {
    expect(fieldsOf(encoded({ reasoning: { effort: 'low' } }, { supportsReasoning: false }))).toEqual(['think']);
    expect(fieldsOf(encoded({ reasoning: { mode: 'disabled' } }, { supportsReasoning: false }))).toEqual([]);
  });

  it('warns of everything it has no word for', () => {
    const sent = encoded(
      {
        sampling: { choices: 2, logitBias: { 5: 1 }, temperature: 1 },
        metadata: { a: 'b' },
        serviceTier: 'flex',
        user: 'u',
        parallelToolCalls: false,
        tools: [
          { type: 'function', name: 'f', strict: true, cache: {} },
          { type: 'provider', origin: 'gemini', value: { type: 'search' } },
        ],
        extensions: { 'openai-chat': { verbosity: 'low' } },
      },
      { supportsSampling: false },
    );

    expect(fieldsOf(sent)).toEqual([
      'verbosity',
      'tools[0].function.strict',
      'tools[1]',
      'parallel_tool_calls',
      'n',
      'logit_bias',
      'metadata',
      'service_tier',
      'user',
      'cache_control',
      'temperature',
    ]);
    expect(sent.body.tools).toEqual([
      { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } },
    ]);
  });
});
