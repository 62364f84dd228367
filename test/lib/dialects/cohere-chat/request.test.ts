import { describe, expect, it } from 'vitest';
import { cohereChat } from '../../../../lib/dialects/cohere-chat/index.ts';
import type { UpstreamTarget } from '../../../../lib/dialects/dialect.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import type { GenerateRequest, Message, Part } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { requestOf } from '../anthropic-messages/support.ts';
import { jsonOf } from './support.ts';

const TARGET: UpstreamTarget = { model: 'command-a', structuredOutput: 'native' };
const encoded = (more: Partial<GenerateRequest>, target: Partial<UpstreamTarget> = {}) =>
  cohereChat.encodeRequest(requestOf(more), { ...TARGET, ...target });
const fieldsOf = ({ warnings }: { warnings: readonly { field: string }[] }): string[] => warnings.map(({ field }) => field);
const minimal = (more: JsonObject): JsonObject => ({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...more });
const say = (role: Message['role'], ...parts: Part[]): Message => ({ role, parts });
const TOOL = { type: 'function', name: 'f', parameters: { type: 'object' } } as const;

describe('a request with everything', () => {
  const everything = jsonOf('everything.request.json');

  it('comes back as it was', () => {
    const { body, warnings } = cohereChat.encodeRequest(cohereChat.decodeRequest(everything), TARGET);

    expect(body).toEqual(everything);
    expect(warnings).toEqual([]);
  });

  it('is understood', () => {
    const request = cohereChat.decodeRequest(everything);

    expect(request).toMatchObject({
      model: 'command-a',
      tools: [{ type: 'function', name: 'height', strict: true }],
      toolChoice: { type: 'required' },
      sampling: { temperature: 0.2, topP: 0.9, topK: 40, seed: 7, stop: ['END'], logprobs: true },
      maxOutputTokens: 200,
      reasoning: { mode: 'enabled', budgetTokens: 500 },
      stream: true,
      includeUsage: true,
      extensions: { 'cohere-chat': { safety_mode: 'CONTEXTUAL', priority: 3, citation_options: { mode: 'ACCURATE' } } },
    });
    expect(request.messages.map(({ role, parts }) => [role, parts.map(({ type }) => type)])).toEqual([
      ['system', ['text']],
      ['user', ['text', 'image', 'image']],
      ['assistant', ['reasoning', 'reasoning', 'text', 'tool-call', 'tool-call']],
      ['tool', ['tool-result']],
      ['tool', ['tool-result']],
      ['user', ['document', 'document', 'document', 'text']],
    ]);
    expect(request.messages.at(-1)?.parts).toMatchObject([
      { source: { type: 'text', text: 'The Eiger is in Bern.' }, citations: true },
      { source: { type: 'text', text: 'The Matterhorn is in Valais.' }, title: 'Valais' },
      { source: { type: 'text', text: '{"author":"N. N.","year":1865}' } },
      { type: 'text' },
    ]);
  });
});

describe('decoding a request', () => {
  it.each<[string, JsonObject, string]>([
    ['no model', { messages: [{ role: 'user', content: 'Hi' }] }, 'model'],
    ['no messages', { model: 'm' }, 'messages'],
    ['empty messages', { model: 'm', messages: [] }, 'messages'],
    ['a message that is none', { model: 'm', messages: ['Hi'] }, 'messages[0]'],
    ['an unknown role', { model: 'm', messages: [{ role: 'chatbot', content: 'Hi' }] }, 'messages[0].role'],
    ['no content', { model: 'm', messages: [{ role: 'user' }] }, 'messages[0].content'],
    ['a number as content', { model: 'm', messages: [{ role: 'user', content: 5 }] }, 'messages[0].content'],
    [
      'a text part without text',
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'text' }] }] },
      'messages[0].content[0].text',
    ],
    ['an empty answer', { model: 'm', messages: [{ role: 'assistant' }] }, 'messages[0].content'],
    [
      'an orphan result',
      { model: 'm', messages: [{ role: 'tool', tool_call_id: 'x', content: '' }] },
      'messages[0].tool_call_id',
    ],
    ['a document that is a number', minimal({ documents: [5] }), 'documents[0]'],
    ['a document without data', minimal({ documents: [{ id: 'x' }] }), 'documents[0].data'],
    ['an unknown choice', minimal({ tool_choice: 'auto' }), 'tool_choice'],
    ['a choice without tools', minimal({ tool_choice: 'REQUIRED' }), 'tool_choice'],
    ['an unknown tool', minimal({ tools: [{ type: 'web' }] }), 'tools[0].type'],
    ['an unknown form', minimal({ response_format: { type: 'xml' } }), 'response_format.type'],
    ['unknown thinking', minimal({ thinking: { type: 'maybe' } }), 'thinking.type'],
    ['a stop that is a number', minimal({ stop_sequences: [5] }), 'stop_sequences[0]'],
    ['a limit of zero', minimal({ max_tokens: 0 }), 'max_tokens'],
  ])('refuses %s', (_, body, param) => {
    const attempt = (): unknown => cohereChat.decodeRequest(body);

    expect(attempt).toThrow(GatewayError);
    expect(attempt).toThrow(expect.objectContaining({ kind: 'invalid_request', detail: expect.objectContaining({ param }) }));
  });

  it('refuses pictures in a tool result and arguments that are a number', () => {
    const call = { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };
    const result = {
      role: 'tool',
      tool_call_id: 'a',
      content: [{ type: 'image_url', image_url: { url: 'https://a.example' } }],
    };
    const odd = { ...call, function: { name: 'f', arguments: 5 } };

    expect(() =>
      cohereChat.decodeRequest({ model: 'm', messages: [{ role: 'assistant', tool_calls: [call] }, result] }),
    ).toThrow('messages[1].content[0].type');
    expect(() => cohereChat.decodeRequest({ model: 'm', messages: [{ role: 'assistant', tool_calls: [odd] }] })).toThrow(
      'function.arguments',
    );
  });

  it('reads forms of the answer, choices and citations that are off', () => {
    const schema = { type: 'object' };
    const decode = (more: JsonObject): GenerateRequest => cohereChat.decodeRequest(minimal(more));

    expect(decode({ response_format: { type: 'text' } }).output).toEqual({ type: 'text' });
    expect(decode({ response_format: { type: 'json_object' } }).output).toEqual({ type: 'json' });
    expect(decode({ response_format: { type: 'json_object', schema } }).output).toMatchObject({ type: 'json-schema', schema });
    expect(decode({ tool_choice: 'NONE' }).toolChoice).toEqual({ type: 'none' });
    expect(decode({ thinking: { type: 'disabled' } }).reasoning).toEqual({ mode: 'disabled' });
    const [message] = decode({ documents: ['text', { data: 'also text' }], citation_options: { mode: 'OFF' } }).messages;
    expect(message?.parts).toMatchObject([{ type: 'document' }, { source: { text: 'also text' } }, { type: 'text' }]);
    expect(message?.parts[0]).not.toHaveProperty('citations');
  });

  it('keeps documents that nobody asks about, and parts it does not know', () => {
    const body = {
      model: 'm',
      messages: [{ role: 'system', content: [{ type: 'new', value: 1 }] }],
      documents: ['text'],
      stream: false,
    };
    const request = cohereChat.decodeRequest(body);

    expect(request.extensions).toEqual({ 'cohere-chat': { documents: ['text'] } });
    expect(cohereChat.encodeRequest(request, { ...TARGET, model: 'm' }).body).toEqual(body);
  });
});

describe('encoding a request of another dialect', () => {
  it('clamps settings to the ranges of the API and says so', () => {
    const sent = encoded({
      sampling: { topP: 1, topK: 900, frequencyPenalty: 1.5, presencePenalty: -1, stop: ['a', 'b', 'c', 'd', 'e', 'f'] },
    });

    expect(sent.body).toMatchObject({
      p: 0.99,
      k: 500,
      frequency_penalty: 1,
      presence_penalty: 0,
      stop_sequences: ['a', 'b', 'c', 'd', 'e'],
    });
    expect(fieldsOf(sent)).toEqual(['p', 'k', 'frequency_penalty', 'presence_penalty', 'stop']);
  });

  it('warns of everything it has no word for', () => {
    const sent = encoded(
      {
        sampling: { choices: 2, logitBias: { 5: 1 }, topLogprobs: 3, temperature: 1 },
        metadata: { a: 'b' },
        serviceTier: 'priority',
        user: 'u',
        cache: {},
        reasoning: { mode: 'adaptive', display: 'omitted' },
        extensions: { 'openai-chat': { verbosity: 'low' } },
        messages: [{ ...say('user', { type: 'text', text: 'Hi' }), name: 'Ann' }],
      },
      { supportsSampling: false },
    );

    expect(fieldsOf(sent)).toEqual([
      'verbosity',
      'messages[0].name',
      'n',
      'logit_bias',
      'top_logprobs',
      'metadata',
      'service_tier',
      'user',
      'thinking.display',
      'cache_control',
      'temperature',
    ]);
    expect(sent.body).toEqual({
      model: 'command-a',
      messages: [{ role: 'user', content: 'Hi' }],
      thinking: { type: 'enabled' },
      stream: false,
    });
  });

  it.each<[GenerateRequest['reasoning'], JsonObject | undefined, string[]]>([
    [{ effort: 'high' }, { type: 'enabled', token_budget: 24_576 }, ['reasoning_effort']],
    [{ effort: 'none' }, { type: 'disabled' }, []],
    [{ mode: 'disabled' }, { type: 'disabled' }, []],
    [{ mode: 'enabled', budgetTokens: 900 }, { type: 'enabled', token_budget: 900 }, []],
    [{}, undefined, []],
    [undefined, undefined, []],
  ])('says how much to think: %j', (reasoning, thinking, fields) => {
    const sent = encoded(reasoning === undefined ? {} : { reasoning });

    expect(sent.body.thinking).toEqual(thinking);
    expect(fieldsOf(sent)).toEqual(fields);
  });

  it('asks no model to think that cannot', () => {
    const quiet = { supportsReasoning: false };
    const thought = say('assistant', { type: 'reasoning', text: 'Hm.' }, { type: 'text', text: 'Hi' });
    const sent = encoded({ reasoning: { effort: 'low' }, messages: [thought] }, quiet);

    expect(sent.body).not.toHaveProperty('thinking');
    expect(sent.body.messages).toEqual([{ role: 'assistant', content: 'Hi' }]);
    expect(fieldsOf(sent)).toEqual(['messages[0].content[0]', 'reasoning']);
    expect(fieldsOf(encoded({ reasoning: { mode: 'disabled' } }, quiet))).toEqual([]);
  });

  it('sends the only tool that may be called, since the API cannot name it', () => {
    const sent = encoded({
      tools: [TOOL, { ...TOOL, name: 'g' }],
      toolChoice: { type: 'tool', name: 'g' },
      parallelToolCalls: false,
    });

    expect(sent.body).toMatchObject({ tools: [{ function: { name: 'g' } }], tool_choice: 'REQUIRED' });
    expect(fieldsOf(sent)).toEqual(['tool_choice', 'parallel_tool_calls']);
  });

  it('is strict with all tools or none, and drops tools of other providers', () => {
    const search = { type: 'provider', origin: 'anthropic-messages', value: { type: 'web_search' } } as const;
    const own = { type: 'provider', origin: 'cohere-chat', value: { type: 'new' } } as const;
    const sent = encoded({ tools: [{ type: 'function', name: 'f', strict: true }, { ...TOOL, strict: false }, search, own] });

    expect(sent.body).not.toHaveProperty('strict_tools');
    expect(sent.body.tools).toEqual([
      { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } },
      { type: 'function', function: { name: 'f', parameters: { type: 'object' } } },
      { type: 'new' },
    ]);
    expect(fieldsOf(sent)).toEqual(['tools[2]', 'tools[].function.strict']);
    expect(fieldsOf(encoded({ tools: [search], toolChoice: { type: 'required' } }))).toEqual(['tools[0]', 'tool_choice']);
  });

  const SCHEMA = { type: 'json-schema', name: 'answer', schema: { type: 'object' } } as const;

  it('gives a schema natively without tools, and as one more tool beside them', () => {
    expect(encoded({ output: SCHEMA })).toMatchObject({
      body: { response_format: { type: 'json_object', json_schema: { type: 'object' } } },
      decoding: {},
    });
    const beside = encoded({ output: SCHEMA, tools: [TOOL] });
    expect(beside.decoding).toEqual({ jsonTool: 'json_answer' });
    expect(beside.body).toMatchObject({
      tools: [{ function: { name: 'f' } }, { function: { name: 'json_answer', parameters: { type: 'object' } } }],
      tool_choice: 'REQUIRED',
    });
    expect(beside.body).not.toHaveProperty('response_format');
    const alone = encoded({ output: SCHEMA, tools: [TOOL], toolChoice: { type: 'none' } }, { structuredOutput: 'tool' });
    expect(alone.body.tools).toMatchObject([{ function: { name: 'json_answer' } }]);
  });

  it('takes no form beside tools that may be called', () => {
    const sent = encoded({ output: { type: 'json' }, tools: [TOOL] });
    expect(sent.body).not.toHaveProperty('response_format');
    expect(fieldsOf(sent)).toEqual(['response_format']);

    const idle = encoded({ output: { type: 'json' }, tools: [TOOL], toolChoice: { type: 'none' } });
    expect(idle.body).toMatchObject({ response_format: { type: 'json_object' } });
    expect(idle.body).not.toHaveProperty('tools');
    expect(encoded({ tools: [TOOL], toolChoice: { type: 'none' } }).body.tool_choice).toBe('NONE');
    expect(encoded({ output: { type: 'text' } }).body.response_format).toEqual({ type: 'text' });
  });

  it('puts documents beside the messages, as far as they are text', () => {
    const sent = encoded({
      messages: [
        say(
          'user',
          { type: 'document', source: { type: 'text', text: 'One.' }, title: 'T', context: 'C' },
          {
            type: 'document',
            source: { type: 'base64', mediaType: 'text/plain', data: Buffer.from('Two.').toString('base64') },
          },
          { type: 'document', source: { type: 'url', url: 'https://d.example' } },
          { type: 'document', source: { type: 'base64', mediaType: 'application/pdf', data: 'JVBE' } },
          { type: 'document', source: { type: 'file', id: 'file-1', origin: 'openai-chat' } },
          { type: 'text', text: 'Sum up.' },
        ),
      ],
    });

    expect(sent.body).toMatchObject({
      messages: [{ role: 'user', content: 'Sum up.' }],
      documents: [
        { data: { title: 'T', context: 'C', text: 'One.' } },
        { data: { text: 'Two.' } },
        { data: { url: 'https://d.example' } },
      ],
    });
    expect(sent.warnings.map(({ kind, field }) => [kind, field])).toEqual([
      ['changed', 'messages[0].content[2]'],
      ['dropped', 'messages[0].content[3]'],
      ['dropped', 'messages[0].content[4]'],
    ]);
  });

  it('moves pictures of tool results to a user message, marks failures, and keeps documents', () => {
    const call = { type: 'tool-call', id: 'a', name: 'f', arguments: '' } as const;
    const image = { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'iVBO' } } as const;
    const document = { type: 'document', source: { type: 'text', text: 'D' } } as const;
    const native = {
      type: 'document',
      source: { type: 'text', text: 'N' },
      extensions: { 'cohere-chat': { document: 'N' } },
    } as const;
    const sent = encoded({
      messages: [
        say('assistant', call, { ...call, id: 'b', custom: true, arguments: 'free' }),
        say('tool', { type: 'tool-result', callId: 'a', parts: [image] }),
        say(
          'user',
          { type: 'tool-result', callId: 'b', parts: [document, native], isError: true },
          { type: 'text', text: 'Well?' },
        ),
        say('developer', { type: 'text', text: 'Be kind.' }),
        say(
          'tool',
          { type: 'tool-result', callId: 'a', parts: [] },
          { type: 'tool-result', callId: 'b', parts: [image], isError: true },
        ),
      ],
    });

    const moved = (id: string): JsonObject[] => [
      { type: 'text', text: `Result of the tool call ${id}:` },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBO' } },
    ];
    expect(sent.body.messages).toEqual([
      {
        role: 'assistant',
        tool_calls: [
          { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } },
          { id: 'b', type: 'function', function: { name: 'f', arguments: '{"input":"free"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'a', content: '(The result follows in the next user message.)' },
      {
        role: 'tool',
        tool_call_id: 'b',
        content: [
          { type: 'text', text: 'Error:' },
          { type: 'document', document: { data: { text: 'D' } } },
          { type: 'document', document: { data: { text: 'N' } } },
        ],
      },
      { role: 'user', content: [...moved('a'), { type: 'text', text: 'Well?' }] },
      { role: 'system', content: 'Be kind.' },
      { role: 'tool', tool_call_id: 'a', content: '' },
      { role: 'tool', tool_call_id: 'b', content: 'Error: the tool failed.' },
      { role: 'user', content: moved('b') },
    ]);
  });

  it('sends foreign reasoning as the plan beside calls, and without its proof', () => {
    const call = { type: 'tool-call', id: 'a', name: 'f', arguments: '{}' } as const;
    const citation = { origin: 'anthropic-messages', raw: {} } as const;
    const sent = encoded({
      messages: [
        say('assistant', { type: 'reasoning', text: 'Hm.', signature: 's', origin: 'anthropic-messages' }, call),
        say('assistant', { type: 'reasoning', text: '', data: 'sealed', origin: 'anthropic-messages' }),
        say(
          'assistant',
          { type: 'reasoning', text: 'So.' },
          { type: 'text', text: 'Hi', citations: [citation] },
          { type: 'refusal', text: 'No.' },
        ),
        say('assistant', { type: 'document', source: { type: 'text', text: 'D' } }, { type: 'text', text: 'Hi' }),
        say(
          'user',
          { type: 'audio', source: { type: 'url', url: 'u' } },
          { type: 'image', source: { type: 'file', id: 'i', origin: 'gemini' } },
          { type: 'opaque', origin: 'gemini', value: {} },
        ),
      ],
    });

    expect(sent.body.messages).toEqual([
      {
        role: 'assistant',
        tool_plan: 'Hm.',
        tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'So.' },
          { type: 'text', text: 'Hi' },
          { type: 'text', text: 'No.' },
        ],
      },
      { role: 'assistant', content: 'Hi' },
    ]);
    expect(fieldsOf(sent)).toEqual([
      'messages[0].content[0]',
      'messages[1].content[0]',
      'messages[2].content[1].citations',
      'messages[3].content[0]',
      'messages[4].content[0]',
      'messages[4].content[1]',
      'messages[4].content[2]',
    ]);
  });
});
