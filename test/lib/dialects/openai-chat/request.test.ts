import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReasoningField, UpstreamTarget } from '../../../../lib/dialects/dialect.ts';
import { decodeRequest, encodeRequest } from '../../../../lib/dialects/openai-chat/request.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import type { GenerateRequest, Message, Part, ReasoningPart } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { jsonOf } from './fixture.ts';

const target: UpstreamTarget = { model: 'm', structuredOutput: 'native', reasoningField: 'reasoning_content' };
const hello: Message = { role: 'user', parts: [{ type: 'text', text: 'Hi' }] };
const base: GenerateRequest = {
  model: 'm',
  messages: [hello],
  sampling: {},
  stream: false,
  includeUsage: false,
  extensions: {},
};

const decode = (more: JsonObject): GenerateRequest =>
  decodeRequest({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...more });
const encode = (more: Partial<GenerateRequest>, at: Partial<UpstreamTarget> = {}) =>
  encodeRequest({ ...base, ...more }, { ...target, ...at });
const messagesOf = (...messages: readonly Message[]) => encode({ messages });
const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];

function refusal(body: JsonObject): GatewayError {
  try {
    decodeRequest(body);
  } catch (thrown) {
    if (thrown instanceof GatewayError) return thrown;
  }
  throw new TypeError('the request was taken');
}

describe('a request of a client', () => {
  it('is read in full and written back as it was', () => {
    // Prepare
    const body = jsonOf('everything.request.json');

    // Act
    const request = decodeRequest(body);
    const encoded = encodeRequest(request, { ...target, model: 'lark-1', cacheMarks: true });

    // Assess
    expect(encoded.body).toEqual(body);
    expect(encoded.warnings).toEqual([]);
    expect(decodeRequest(encoded.body)).toEqual(request);
  });

  it('has a neutral meaning', () => {
    const { messages, tools: _tools, ...request } = decodeRequest(jsonOf('everything.request.json'));

    expect(messages.map(({ role }) => role)).toEqual([
      'developer',
      'system',
      'user',
      'assistant',
      'tool',
      'tool',
      'assistant',
      'assistant',
      'user',
    ]);
    expect(messages[2]).toEqual({
      role: 'user',
      name: 'ada',
      parts: [
        { type: 'text', text: 'What are these?' },
        { type: 'image', source: { type: 'url', url: 'https://img.example/lark.png' }, detail: 'low' },
        { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'iVBORw0KGgo=' } },
        { type: 'audio', source: { type: 'base64', mediaType: 'audio/wav', data: 'UklGRg==' }, format: 'wav' },
        { type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'JVBERi0=' }, title: 'birds.pdf' },
        { type: 'document', source: { type: 'file', id: 'file-42', origin: 'openai-chat' } },
        {
          type: 'opaque',
          origin: 'openai-chat',
          value: { type: 'video_url', video_url: { url: 'https://vid.example/lark.mp4' } },
        },
      ],
    });
    expect(request).toMatchObject({
      toolChoice: { type: 'tool', name: 'look' },
      parallelToolCalls: false,
      output: { type: 'json-schema', name: 'bird', strict: true },
      sampling: { temperature: 0.2, topP: 0.9, topK: 40, seed: 7, choices: 2, stop: ['END', 'STOP'], topLogprobs: 3 },
      maxOutputTokens: 500,
      reasoning: { effort: 'low' },
      stream: true,
      includeUsage: true,
      serviceTier: 'flex',
      user: 'u-1',
      metadata: { run: '9' },
    });
    expect(Object.keys(request.extensions['openai-chat'] ?? {})).toEqual([
      'prediction',
      'modalities',
      'audio',
      'verbosity',
      'store',
      'top_k',
      'min_p',
      'stream_options',
    ]);
  });

  it('takes null for absent, and the older names of things', () => {
    expect(decode({ temperature: null, tools: null, stop: 'END', max_tokens: 7, stream_options: null })).toMatchObject({
      sampling: { stop: ['END'] },
      maxOutputTokens: 7,
      stream: false,
      includeUsage: false,
    });
    expect(decode({ max_tokens: 7, max_completion_tokens: 7, stop: [] })).toEqual({ ...base, maxOutputTokens: 7 });
  });

  it('reads the deprecated functions and their results', () => {
    const request = decode({
      functions: [{ name: 'f', description: 'F', parameters: { type: 'object' } }],
      function_call: { name: 'f' },
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } },
        { role: 'function', name: 'f', content: 'done' },
      ],
    });

    expect(request).toMatchObject({
      tools: [{ type: 'function', name: 'f', description: 'F' }],
      toolChoice: { type: 'tool', name: 'f' },
      messages: [
        {},
        { parts: [{ type: 'tool-call', id: 'call_1_f', name: 'f' }] },
        { role: 'tool', parts: [{ type: 'tool-result', callId: 'call_1_f', parts: [{ text: 'done' }] }] },
      ],
    });
    expect(encodeRequest(request, target).body).toMatchObject({
      tools: [{ type: 'function' }],
      tool_choice: { type: 'function', function: { name: 'f' } },
      messages: [{}, { tool_calls: [{ id: 'call_1_f' }] }, { role: 'tool', tool_call_id: 'call_1_f', content: 'done' }],
    });
    expect(encodeRequest(request, target).body).not.toHaveProperty('functions');
  });

  it.each<[unknown, unknown]>([
    ['auto', { type: 'auto' }],
    ['required', { type: 'required' }],
    ['any', { type: 'required' }],
    ['none', { type: 'none' }],
    [
      { type: 'function', function: { name: 'f' } },
      { type: 'tool', name: 'f' },
    ],
    [
      { type: 'custom', custom: { name: 'grep' } },
      { type: 'tool', name: 'grep' },
    ],
  ])('chooses among its tools: %j', (choice, expected) => {
    const custom = { type: 'custom', custom: { name: 'grep' } };

    expect(decode({ tools: [...tools, custom], tool_choice: choice }).toolChoice).toEqual(expected);
  });

  it('takes allowed tools for the only tools', () => {
    const allowed = {
      mode: 'required',
      tools: [
        { type: 'function', function: { name: 'f' } },
        { type: 'custom', custom: { name: 'grep' } },
      ],
    };
    const others = [
      { type: 'function', function: { name: 'g' } },
      { type: 'custom', custom: { name: 'grep' } },
      { type: 'web_search' },
    ];

    expect(
      decode({ tools: [...tools, ...others], tool_choice: { type: 'allowed_tools', allowed_tools: allowed } }),
    ).toMatchObject({
      toolChoice: { type: 'required' },
      tools: [{ name: 'f' }, { value: { type: 'custom' } }, { value: { type: 'web_search' } }],
    });
  });

  it.each<[string, JsonObject, unknown]>([
    ['text', { type: 'text' }, { type: 'text' }],
    ['JSON', { type: 'json_object' }, { type: 'json' }],
    [
      'a schema beside the older word',
      { type: 'json_object', schema: { a: 1 } },
      { type: 'json-schema', name: 'response', schema: { a: 1 } },
    ],
    [
      'a schema without a name',
      { type: 'json_schema', json_schema: {} },
      { type: 'json-schema', name: 'response', schema: {} },
    ],
  ])('asks for a form: %s', (_, format, output) => {
    expect(decode({ response_format: format }).output).toEqual(output);
  });

  it('keeps a form that only its provider knows', () => {
    const format = { type: 'grammar', grammar: 'root ::= "a"' };
    const request = decode({ response_format: format });

    expect(request.output).toBeUndefined();
    expect(encodeRequest(request, target).body.response_format).toEqual(format);
  });

  it.each<[string, JsonObject, unknown]>([
    [
      'OpenRouter',
      { reasoning: { effort: 'high', max_tokens: 900, enabled: true } },
      { effort: 'high', budgetTokens: 900, mode: 'enabled' },
    ],
    ['a switch', { reasoning: { enabled: false } }, { mode: 'disabled' }],
    ['DeepSeek', { thinking: { type: 'disabled' } }, { mode: 'disabled' }],
    ['LiteLLM', { thinking: { type: 'enabled', budget_tokens: 2000 } }, { mode: 'enabled', budgetTokens: 2000 }],
    ['Groq', { reasoning_effort: 'default' }, undefined],
  ])('says how much to think in the words of %s, and gets them back', (_, fields, reasoning) => {
    const request = decode(fields);

    expect(request.reasoning).toEqual(reasoning);
    expect(encodeRequest(request, target).body).toMatchObject(fields);
    expect(Object.keys(encodeRequest(request, target).body)).toHaveLength(3);
  });

  it('reads earlier reasoning once, proofs first', () => {
    // Prepare
    const partsOf = (message: JsonObject) =>
      decode({ messages: [{ role: 'assistant', content: 'C', ...message }] }).messages[0]?.parts.slice(0, -1);
    const detail = { type: 'reasoning.text', text: 'A', signature: 's' };
    const origin = 'anthropic-messages';

    // Act, Assess
    expect(partsOf({ reasoning_content: 'A', reasoning: 'A' })).toEqual([{ type: 'reasoning', text: 'A' }]);
    expect(partsOf({ reasoning: 'A' })).toEqual([{ type: 'reasoning', text: 'A' }]);
    expect(partsOf({ reasoning_content: 'A', reasoning_details: [detail] })).toEqual([
      { type: 'reasoning', text: 'A', signature: 's', details: [detail], origin: 'openai-chat' },
    ]);
    expect(partsOf({ reasoning_content: 'A', reasoning_details: [{ type: 'reasoning.text', signature: 's' }] })).toEqual([
      { type: 'reasoning', text: 'A', signature: 's', details: [detail], origin: 'openai-chat' },
    ]);
    const blocks = [
      { type: 'thinking', thinking: 'A', signature: 's' },
      { type: 'redacted_thinking', data: 'd' },
      { type: 'redacted_thinking' },
      { type: 'note' },
      { type: 'thinking', thinking: 'B' },
    ];
    expect(partsOf({ reasoning_content: 'AB', thinking_blocks: blocks })).toEqual([
      { type: 'reasoning', text: 'A', signature: 's', origin },
      { type: 'reasoning', text: '', data: 'd', origin },
      { type: 'reasoning', text: 'B' },
    ]);
    expect(
      partsOf({
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'A' }] },
          { type: 'text', text: 'C' },
        ],
      }),
    ).toEqual([{ type: 'reasoning', text: 'A' }]);
  });

  it('keeps a data URL that cannot be read, and reads bare base64, addresses and short forms', () => {
    const content = [
      { type: 'image_url', image_url: 'data:image/png;base66,@' },
      { type: 'file', file: { file_data: 'aGk=', filename: 'a.TXT' } },
      { type: 'file', file: { file_data: 'JVBE' } },
      { type: 'file', file: { file_id: 'https://a.example/a.pdf' } },
      { type: 'input_audio', input_audio: { data: 'AA==', format: 'mp3' } },
      { type: 'document_url', document_url: 'https://a.example/b.pdf', document_name: 'b' },
    ];

    const { parts } = decode({ messages: [{ role: 'user', content }] }).messages[0] ?? { parts: [] };

    expect(parts.map((part) => 'source' in part && part.source)).toEqual([
      { type: 'url', url: 'data:image/png;base66,@' },
      { type: 'base64', mediaType: 'text/plain', data: 'aGk=' },
      { type: 'base64', mediaType: 'application/pdf', data: 'JVBE' },
      { type: 'url', url: 'https://a.example/a.pdf' },
      { type: 'base64', mediaType: 'audio/mpeg', data: 'AA==' },
      { type: 'url', url: 'https://a.example/b.pdf' },
    ]);
    expect(messagesOf({ role: 'user', parts: parts.slice(-1) }).body.messages).toEqual([
      { role: 'user', content: content.slice(-1) },
    ]);
  });

  it('puts a cache mark of a message on its last part, and keeps unknown fields', () => {
    const mark = { cache_control: { type: 'ephemeral' } };
    const request = decode({ messages: [{ role: 'user', content: 'Hi', note: 1, ...mark }], ...mark });

    expect(request).toMatchObject({
      cache: {},
      messages: [{ parts: [{ type: 'text', cache: {} }], extensions: { 'openai-chat': { note: 1 } } }],
    });
  });

  it('keeps pictures of an earlier answer', () => {
    const images = [{ type: 'image_url', image_url: { url: 'https://a.example/i.png' } }];
    const request = decode({ messages: [{ role: 'assistant', content: null, images }] });

    expect(request.messages[0]?.parts).toEqual([{ type: 'image', source: { type: 'url', url: 'https://a.example/i.png' } }]);
    expect(encodeRequest(request, target).body.messages).toEqual([{ role: 'assistant', content: null, images }]);
  });
});

describe('calls without ids', () => {
  it('pair with results without ids, by order', () => {
    const call = (name: string) => ({ type: 'function', function: { name, arguments: '{}' } });
    const { messages } = decode({
      messages: [
        { role: 'assistant', tool_calls: [call('f'), call('g')] },
        { role: 'tool', content: 'of f' },
        { role: 'tool', content: 'of g' },
      ],
    });
    const ids = messages[0]?.parts.map((part) => part.type === 'tool-call' && part.id);
    expect(new Set(ids).size).toBe(2);
    expect(messages.slice(1).map(({ parts: [result] }) => result?.type === 'tool-result' && result.callId)).toEqual(ids);
  });
});

describe('a wrong request', () => {
  const user = { role: 'user', content: 'Hi' };
  const called = (call: JsonObject) => ({ messages: [user, { role: 'assistant', tool_calls: [call] }] });

  it.each<[string, JsonObject, string, string]>([
    ['no model', { model: undefined }, 'model', 'expected a non-empty string, got nothing'],
    ['a number for the model', { model: 4 }, 'model', 'got the number 4'],
    ['no messages', { messages: undefined }, 'messages', 'expected an array of messages, got nothing'],
    ['empty messages', { messages: [] }, 'messages', 'expected at least one message, got an empty array'],
    ['a text for a message', { messages: ['Hi'] }, 'messages[0]', 'expected an object, got the string "Hi"'],
    ['an unknown role', { messages: [{ role: 'bot' }] }, 'messages[0].role', '"system", "developer", "user"'],
    ['no content', { messages: [{ role: 'user' }] }, 'messages[0].content', 'got nothing'],
    ['empty content', { messages: [{ role: 'user', content: [] }] }, 'messages[0].content', 'got an empty array'],
    ['content of a wrong type', { messages: [{ role: 'user', content: 5 }] }, 'messages[0].content', 'got the number 5'],
    ['a part without type', { messages: [{ role: 'user', content: [{}] }] }, 'messages[0].content[0].type', 'got nothing'],
    [
      'a text part without text',
      { messages: [{ role: 'user', content: [{ type: 'text' }] }] },
      'messages[0].content[0].text',
      'got nothing',
    ],
    [
      'an image without address',
      { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      'messages[0].content[0].image_url',
      'got nothing',
    ],
    [
      'an empty address',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: '' } }] }] },
      'messages[0].content[0].image_url.url',
      'got an empty string',
    ],
    [
      'a file of nothing',
      { messages: [{ role: 'user', content: [{ type: 'file', file: {} }] }] },
      'messages[0].content[0].file.file_data',
      'got nothing',
    ],
    ['an empty assistant', { messages: [{ role: 'assistant', content: null }] }, 'messages[0].content', 'got null'],
    ['an audio without id', { messages: [{ role: 'assistant', audio: {} }] }, 'messages[0].audio.id', 'got nothing'],
    ['a call with a wrong id', called({ id: 7, function: { name: 'f' } }), 'messages[1].tool_calls[0].id', 'got'],
    [
      'a result without an id or an open call',
      { messages: [user, { role: 'tool', content: 'x' }] },
      'messages[1].tool_call_id',
      'got nothing',
    ],
    ['a call without function', called({ id: 'a' }), 'messages[1].tool_calls[0].function', 'expected an object'],
    [
      'arguments of a wrong type',
      called({ id: 'a', function: { name: 'f', arguments: 7 } }),
      'messages[1].tool_calls[0].function.arguments',
      'a string of JSON',
    ],
    [
      'a result without call id',
      { messages: [user, { role: 'tool', content: 'x' }] },
      'messages[1].tool_call_id',
      'got nothing',
    ],
    [
      'an orphan result',
      { messages: [user, { role: 'tool', tool_call_id: 'z', content: 'x' }] },
      'messages[1].tool_call_id',
      "must be a response to a preceding message with 'tool_calls'",
    ],
    [
      'an orphan function result',
      { messages: [user, { role: 'function', name: 'f', content: 'x' }] },
      'messages[1].name',
      "'function_call'",
    ],
    ['a wrong number', { temperature: 'hot' }, 'temperature', 'expected a number, got the string "hot"'],
    ['no integer', { seed: 1.5 }, 'seed', 'expected an integer, got the number 1.5'],
    ['no flag', { stream: 'yes' }, 'stream', 'expected true or false'],
    ['no choices', { n: 0 }, 'n', 'an integer of at least 1'],
    ['no tokens', { max_tokens: 0 }, 'max_tokens', 'an integer of at least 1'],
    ['a wrong stop', { stop: [1] }, 'stop', 'a string or an array of strings'],
    ['a wrong bias', { logit_bias: { 5: 'x' } }, 'logit_bias.5', 'a number'],
    ['wrong metadata', { metadata: [] }, 'metadata', 'an object, got an empty array'],
    ['wrong tools', { tools: {} }, 'tools', 'an array, got an object'],
    ['a tool without name', { tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name', 'got nothing'],
    ['an unknown effort', { reasoning_effort: 'huge' }, 'reasoning_effort', '"xhigh" or "max"'],
    [
      'an unknown form',
      { response_format: { type: 'yaml' } },
      'response_format.type',
      '"text", "json_object" or "json_schema"',
    ],
    ['an unknown choice', { tools, tool_choice: 'maybe' }, 'tool_choice', '"none", "auto" or "required" or an object'],
    [
      'an unknown kind of choice',
      { tools, tool_choice: { type: 'x' } },
      'tool_choice.type',
      '"function", "custom" or "allowed_tools"',
    ],
    [
      'an unknown mode',
      { tools, tool_choice: { type: 'allowed_tools', allowed_tools: {} } },
      'tool_choice.allowed_tools.mode',
      '"auto" or "required"',
    ],
    [
      'a choice of no tool',
      { tools, tool_choice: { type: 'function', function: { name: 'g' } } },
      'tool_choice.function.name',
      'the tools are "f"',
    ],
    ['a choice without tools', { tool_choice: 'auto' }, 'tool_choice', "only allowed when 'tools' are specified"],
    ['alternatives without probabilities', { top_logprobs: 2 }, 'top_logprobs', "when 'logprobs' is true"],
    ['two different limits', { max_tokens: 5, max_completion_tokens: 6 }, 'max_tokens', "'max_completion_tokens' is 6"],
    ['stream options without a stream', { stream_options: {} }, 'stream_options', "when 'stream' is enabled"],
    [
      'usage asked with a word',
      { stream: true, stream_options: { include_usage: 'y' } },
      'stream_options.include_usage',
      'true or false',
    ],
  ])('is refused with its reason: %s', (_, more, param, message) => {
    const error = refusal({ model: 'm', messages: [user], ...more });

    expect(error).toMatchObject({ kind: 'invalid_request', status: 400 });
    expect(error.detail.param).toBe(param);
    expect(error.message).toContain(message);
  });

  it('refuses sound in a tool result', () => {
    const call = { role: 'assistant', tool_calls: [{ id: 'a', function: { name: 'f', arguments: { x: 1 } } }] };
    const content = [{ type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } }];

    expect(refusal({ model: 'm', messages: [call, { role: 'tool', tool_call_id: 'a', content }] }).detail.param).toBe(
      'messages[1].content[0].type',
    );
  });

  it('takes "none" without tools, which says nothing wrong', () => {
    expect(decode({ tool_choice: 'none', tools: [] })).toEqual(base);
  });
});

describe('a request for a provider', () => {
  it('puts tool results right after their call and what chat cannot hold behind them', () => {
    // Prepare
    const image: Part = { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AA==' } };
    const call = (id: string): Part => ({ type: 'tool-call', id, name: 'f', arguments: '' });

    // Act
    const { body, warnings } = messagesOf(
      hello,
      { role: 'assistant', parts: [call('a'), call('b'), call('c')] },
      { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', parts: [image] }] },
      {
        role: 'tool',
        parts: [
          { type: 'tool-result', callId: 'b', parts: [{ type: 'text', text: 'no such file' }], isError: true },
          { type: 'tool-result', callId: 'c', parts: [], isError: true },
        ],
      },
      { role: 'user', parts: [{ type: 'text', text: 'Go on' }] },
    );

    // Assess
    expect(body.messages).toEqual([
      { role: 'user', content: 'Hi' },
      {
        role: 'assistant',
        content: null,
        tool_calls: ['a', 'b', 'c'].map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })),
      },
      { role: 'tool', tool_call_id: 'a', content: '(The result follows in the next user message.)' },
      { role: 'tool', tool_call_id: 'b', content: 'Error: no such file' },
      { role: 'tool', tool_call_id: 'c', content: 'Error: the tool failed.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Result of the tool call a:' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
          { type: 'text', text: 'Go on' },
        ],
      },
    ]);
    expect(warnings.map(({ kind, field }) => `${kind} ${field}`)).toEqual([
      'changed messages[2].content[0]',
      'changed messages[3].content[0]',
      'changed messages[3].content[1]',
    ]);
  });

  it('gives moved results a user message of their own where none follows', () => {
    const result: Message = {
      role: 'tool',
      parts: [{ type: 'tool-result', callId: 'a', parts: [{ type: 'image', source: { type: 'url', url: 'u' } }] }],
    };
    const answer: Message = { role: 'assistant', parts: [{ type: 'text', text: 'Seen' }] };
    const roles = ({ body }: ReturnType<typeof messagesOf>) =>
      Array.isArray(body.messages) ? body.messages.map((message: JsonObject) => message.role) : [];

    expect(roles(messagesOf(result))).toEqual(['tool', 'user']);
    expect(roles(messagesOf(result, answer))).toEqual(['tool', 'user', 'assistant']);
  });

  it('splits a message that holds results and text', () => {
    const message: Message = {
      role: 'user',
      parts: [
        { type: 'text', text: 'And?' },
        { type: 'tool-result', callId: 'a', parts: [{ type: 'text', text: 'r' }] },
      ],
    };

    expect(messagesOf(message).body.messages).toEqual([
      { role: 'tool', tool_call_id: 'a', content: 'r' },
      { role: 'user', content: 'And?' },
    ]);
  });

  it('tells documents that chat cannot take as text, and drops what it cannot say, with warnings', () => {
    // Prepare
    const parts: readonly Part[] = [
      { type: 'document', source: { type: 'text', text: 'Body' }, title: 'T', context: 'C', citations: true },
      { type: 'document', source: { type: 'url', url: 'https://a.example/a.pdf' } },
      { type: 'document', source: { type: 'base64', mediaType: 'text/plain', data: 'aGVsbG8=' } },
      { type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'AA==' } },
      { type: 'document', source: { type: 'file', id: 'f', origin: 'anthropic-messages' } },
      { type: 'image', source: { type: 'file', id: 'i', origin: 'anthropic-messages' } },
      { type: 'audio', source: { type: 'url', url: 'u' } },
      { type: 'audio', source: { type: 'base64', mediaType: 'audio/mpeg', data: 'AA==' } },
      { type: 'audio', source: { type: 'base64', mediaType: 'audio/x-wav', data: 'AA==' } },
      { type: 'opaque', origin: 'anthropic-messages', value: { type: 'container_upload' } },
      { type: 'reasoning', text: 'misplaced' },
    ];

    // Act
    const { body, warnings } = messagesOf({ role: 'user', parts });

    // Assess
    expect(body.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: '<document title="T">\nC\nBody\n</document>' },
          { type: 'text', text: '<document>\nThe document is at https://a.example/a.pdf\n</document>' },
          { type: 'text', text: '<document>\nhello\n</document>' },
          { type: 'file', file: { filename: 'document.pdf', file_data: 'data:application/pdf;base64,AA==' } },
          { type: 'input_audio', input_audio: { data: 'AA==', format: 'mp3' } },
          { type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } },
        ],
      },
    ]);
    expect(warnings.map(({ kind, field }) => `${kind} ${field.slice('messages[0].content'.length)}`)).toEqual([
      'dropped [0].citations',
      'changed [0]',
      'changed [1]',
      'changed [2]',
      'dropped [4]',
      'dropped [5]',
      'dropped [6]',
      'dropped [9]',
      'dropped [10]',
    ]);
  });

  it('leaves out a message of which nothing can be said', () => {
    const opaque: Part = { type: 'opaque', origin: 'anthropic-messages', value: { type: 'server_tool_use' } };
    const { body } = messagesOf(
      { role: 'assistant', parts: [opaque] },
      { role: 'user', parts: [opaque] },
      { role: 'user', parts: [] },
    );

    expect(body.messages).toEqual([{ role: 'user', content: '' }]);
  });

  it('sends back own reasoning items, plain text of other reasoning, and no foreign proof', () => {
    // Prepare
    const reasoned = (reasoningField: ReasoningField, ...parts: readonly ReasoningPart[]) => {
      const messages = [{ role: 'assistant' as const, parts: [...parts, { type: 'text' as const, text: 'C' }] }];
      const { body, warnings } = encode({ messages }, { reasoningField });
      return { message: Array.isArray(body.messages) ? (body.messages[0] as JsonObject) : {}, warnings };
    };
    const origin = 'openai-chat';
    const first = { type: 'reasoning.text', text: 'A', index: 0 };
    const proof = { type: 'reasoning.text', signature: 's', index: 0 };

    // Act
    const own = reasoned(
      'reasoning_details',
      { type: 'reasoning', text: 'A', details: [first], origin },
      { type: 'reasoning', text: '', details: [proof], origin },
    );
    const plain = reasoned('reasoning_content', { type: 'reasoning', text: 'A' }, { type: 'reasoning', text: 'B' });
    const beside = reasoned('reasoning_details', { type: 'reasoning', text: 'A' });
    const renamed = reasoned('reasoning', { type: 'reasoning', text: 'A' });
    const foreign = reasoned('reasoning_content', {
      type: 'reasoning',
      text: 'A',
      signature: 's',
      origin: 'anthropic-messages',
    });

    // Assess
    expect(own.message).toEqual({ role: 'assistant', content: 'C', reasoning_details: [{ ...first, signature: 's' }] });
    expect(own.warnings).toEqual([]);
    expect(plain.message).toEqual({ role: 'assistant', content: 'C', reasoning_content: 'AB' });
    expect(beside.message).toMatchObject({ reasoning_details: [{ type: 'reasoning.text', text: 'A' }] });
    expect(renamed.message).toMatchObject({ reasoning: 'A' });
    expect(foreign.message).toEqual({ role: 'assistant', content: 'C', reasoning_content: 'A' });
    expect(foreign.warnings).toMatchObject([{ kind: 'dropped', field: 'messages[0].reasoning' }]);
  });

  it('keeps the spelling of reasoning, sends none to a model without it, and needs no content beside it', () => {
    const spelled = decode({ messages: [{ role: 'assistant', content: 'C', reasoning: 'A' }] });
    const only: Message = { role: 'assistant', parts: [{ type: 'reasoning', text: 'A' }] };

    expect(encodeRequest(spelled, target).body.messages).toEqual([{ role: 'assistant', content: 'C', reasoning: 'A' }]);
    expect(encode({ messages: [only] }).body.messages).toEqual([{ role: 'assistant', content: '', reasoning_content: 'A' }]);
    expect(encode({ messages: [only, hello] }, { supportsReasoning: false })).toMatchObject({
      body: { messages: [{ role: 'user' }] },
      warnings: [{ kind: 'dropped', field: 'messages[0].reasoning' }],
    });
  });

  it('sends a proof of thought with its call', () => {
    const part: Part = { type: 'tool-call', id: 'a', name: 'f', arguments: '{}', signature: 'c2ln', cache: {} };
    const { body } = encode({ messages: [{ role: 'assistant', parts: [part] }] }, { cacheMarks: true });

    expect(body.messages).toMatchObject([
      { tool_calls: [{ id: 'a', extra_content: { google: { thought_signature: 'c2ln' } } }] },
    ]);
  });

  it.each<[GenerateRequest['reasoning'], JsonObject, string[]]>([
    [{ effort: 'xhigh' }, { reasoning_effort: 'xhigh' }, []],
    [{ budgetTokens: 1024 }, { reasoning_effort: 'low' }, ['changed thinking.budget_tokens']],
    [{ budgetTokens: 10_000 }, { reasoning_effort: 'medium' }, ['changed thinking.budget_tokens']],
    [{ budgetTokens: 32_000, mode: 'enabled' }, { reasoning_effort: 'high' }, ['changed thinking.budget_tokens']],
    [{ mode: 'adaptive', display: 'omitted' }, {}, ['dropped thinking.display']],
    [{ mode: 'disabled' }, {}, ['dropped thinking']],
  ])('says how much to think: %j', (reasoning, fields, warned) => {
    const { body, warnings } = encode(reasoning === undefined ? {} : { reasoning });

    expect(body).toEqual({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...fields });
    expect(warnings.map(({ kind, field }) => `${kind} ${field}`)).toEqual(warned);
  });

  it('asks nothing of a model that does not reason or takes no sampling, and warns of what counts', () => {
    const plain = { supportsReasoning: false, supportsSampling: false };

    expect(encode({ reasoning: { effort: 'high' }, sampling: { temperature: 1, topP: 1, topK: 4 } }, plain)).toMatchObject({
      body: { model: 'm', messages: [{}] },
      warnings: [{ field: 'top_k' }, { field: 'temperature' }, { field: 'top_p' }, { field: 'reasoning_effort' }],
    });
    expect(encode({ reasoning: { effort: 'none' } }, plain).warnings).toEqual([]);
  });

  it('forces a tool for a schema where the model has none', () => {
    const output = { type: 'json-schema', name: 'bird', schema: { type: 'object' } } as const;
    const other = { type: 'function', name: 'bird' } as const;

    expect(encode({ output }, { structuredOutput: 'tool' })).toMatchObject({
      body: {
        tools: [{ type: 'function', function: { name: 'bird', parameters: { type: 'object' } } }],
        tool_choice: { type: 'function', function: { name: 'bird' } },
      },
      decoding: { jsonTool: 'bird' },
    });
    expect(encode({ output, tools: [other], parallelToolCalls: false }, { structuredOutput: 'tool' })).toMatchObject({
      body: { tools: [{}, { function: { name: 'bird_' } }], tool_choice: 'required', parallel_tool_calls: false },
      decoding: { jsonTool: 'bird_' },
    });
  });

  it('drops tools of other dialects, and the choice of them', () => {
    const search = { type: 'provider', origin: 'anthropic-messages', value: { type: 'web_search_20250305' } } as const;

    expect(encode({ tools: [search], toolChoice: { type: 'required' }, parallelToolCalls: true })).toMatchObject({
      body: expect.not.objectContaining({ tool_choice: 'required' }),
      warnings: [{ field: 'tools[0]' }, { field: 'tool_choice' }],
    });
  });

  it('chooses a custom tool in its own form', () => {
    const custom = { type: 'provider', origin: 'openai-chat', value: { type: 'custom', custom: { name: 'grep' } } } as const;

    expect(encode({ tools: [custom], toolChoice: { type: 'tool', name: 'grep' } }).body.tool_choice).toEqual({
      type: 'custom',
      custom: { name: 'grep' },
    });
  });

  it('writes cache marks only where they are read', () => {
    // Prepare
    const marked: Partial<GenerateRequest> = {
      cache: { ttl: '1h' },
      tools: [{ type: 'function', name: 'f', cache: {} }],
      messages: [
        { role: 'system', parts: [{ type: 'text', text: 'S', cache: {} }] },
        { role: 'assistant', parts: [{ type: 'tool-call', id: 'a', name: 'f', arguments: '{}' }] },
        { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', parts: [{ type: 'text', text: 'r', cache: {} }] }] },
      ],
    };
    const mark = (ttl?: string) => ({ cache_control: { type: 'ephemeral', ...(ttl !== undefined && { ttl }) } });

    // Act
    const read = encode(marked, { cacheMarks: true });
    const unread = encode(marked);

    // Assess
    expect(read.body).toMatchObject({
      tools: [mark()],
      messages: [{ content: [{ text: 'S', ...mark() }] }, {}, { content: [{ text: 'r', ...mark('1h') }] }],
    });
    expect(read.warnings).toEqual([]);
    expect(JSON.stringify(unread.body)).not.toContain('cache_control');
    expect(unread.warnings).toMatchObject([{ kind: 'dropped', field: 'cache_control' }]);
    expect(encode({ cache: {}, messages: [] }, { cacheMarks: true }).body.messages).toEqual([]);
  });

  it('asks for usage in every stream, and tells tier, user and text metadata', () => {
    const { body, warnings } = encode({
      stream: true,
      serviceTier: 'standard_only',
      user: 'u',
      metadata: { a: 'x', tags: ['y'] },
      extensions: { 'anthropic-messages': { container: 'c' } },
    });

    expect(body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
      service_tier: 'default',
      user: 'u',
      metadata: { a: 'x' },
    });
    expect(warnings.map(({ kind, field }) => `${kind} ${field}`)).toEqual([
      'dropped container',
      'changed service_tier',
      'dropped metadata',
    ]);
    expect(encode({ metadata: { tags: [] } }).body).not.toHaveProperty('metadata');
  });

  it('is read back as the same request, whatever it asks', () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/);
    const text = fc.record({ type: fc.constant('text' as const), text: fc.string() });
    const image = fc.record(
      {
        type: fc.constant('image' as const),
        source: fc.record({
          type: fc.constant('base64' as const),
          mediaType: fc.constant('image/png'),
          data: fc.base64String(),
        }),
        detail: fc.constantFrom('low', 'high'),
      },
      { requiredKeys: ['type', 'source'] },
    );
    const exchange = fc
      .record({ id: word, name: word, args: fc.jsonValue(), result: fc.string() })
      .map(({ id, name, args, result }): readonly Message[] => [
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', text: `about ${name}` },
            { type: 'tool-call', id, name, arguments: JSON.stringify({ args }) },
          ],
        },
        { role: 'tool', parts: [{ type: 'tool-result', callId: id, parts: [{ type: 'text', text: result }] }] },
      ]);
    const prompt = fc
      .record({
        role: fc.constantFrom('system' as const, 'developer' as const, 'user' as const),
        parts: fc.array(fc.oneof(text, image), { minLength: 1, maxLength: 3 }),
      })
      .map((message): readonly Message[] => [message]);
    const requests = fc.record(
      {
        model: fc.constant('m'),
        messages: fc.array(fc.oneof(prompt, exchange), { minLength: 1, maxLength: 4 }).map((groups) => groups.flat()),
        tools: fc.array(
          fc.record(
            {
              type: fc.constant('function' as const),
              name: word,
              description: fc.string(),
              parameters: fc.constant({ type: 'object' }),
              strict: fc.boolean(),
            },
            { requiredKeys: ['type', 'name'] },
          ),
          { minLength: 1, maxLength: 2 },
        ),
        output: fc.constantFrom(
          { type: 'text' as const },
          { type: 'json' as const },
          { type: 'json-schema' as const, name: 'n', schema: { type: 'object' } },
        ),
        sampling: fc.record(
          {
            temperature: fc.double({ noNaN: true, min: 0, max: 2 }),
            topP: fc.double({ noNaN: true, min: 0, max: 1 }),
            seed: fc.integer(),
            choices: fc.integer({ min: 1, max: 4 }),
            stop: fc.array(fc.string(), { minLength: 1, maxLength: 3 }),
            logitBias: fc.dictionary(word, fc.integer()),
          },
          { requiredKeys: [] },
        ),
        maxOutputTokens: fc.integer({ min: 1 }),
        reasoning: fc.record({ effort: fc.constantFrom('none' as const, 'low' as const, 'max' as const) }),
        serviceTier: fc.constantFrom('auto', 'flex'),
        user: fc.string(),
        metadata: fc.dictionary(word, fc.string(), { minKeys: 1 }),
        stream: fc.boolean(),
        extensions: fc.constantFrom({}, { 'openai-chat': { store: true, prediction: { type: 'content' } } }),
      },
      { requiredKeys: ['model', 'messages', 'sampling', 'stream', 'extensions'] },
    );

    fc.assert(
      fc.property(requests, (some) => {
        const request: GenerateRequest = { ...some, includeUsage: some.stream };
        const { body, warnings } = encodeRequest(request, target);
        expect(decodeRequest(JSON.parse(JSON.stringify(body)))).toEqual(JSON.parse(JSON.stringify(request)));
        expect(warnings).toEqual([]);
      }),
    );
  });
});
