import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anthropicMessages } from '../../../../lib/dialects/anthropic-messages/index.ts';
import type { EncodedRequest, UpstreamTarget } from '../../../../lib/dialects/dialect.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import type { GenerateRequest, Message, Part } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { requestOf, roundTrip } from './support.ts';

const TARGET: UpstreamTarget = { model: 'claude', structuredOutput: 'native' };
const encode = (more: Partial<GenerateRequest>, target: Partial<UpstreamTarget> = {}): EncodedRequest =>
  anthropicMessages.encodeRequest(requestOf(more), { ...TARGET, ...target });
const fieldsOf = ({ warnings }: EncodedRequest): string[] => warnings.map(({ field }) => field);

const BODY: JsonObject = { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }] };
const SCHEMA: JsonObject = { type: 'object', properties: { a: { type: 'object', properties: {} } }, required: ['a'] };
const TOOL = { type: 'function' as const, name: 'f', parameters: { type: 'object', properties: {} } };

describe('the request of a client', () => {
  it('is decoded field by field', () => {
    const request = anthropicMessages.decodeRequest({
      ...BODY,
      stop_sequences: ['X'],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      stream: true,
      thinking: { type: 'enabled', budget_tokens: 2000, display: 'omitted' },
      output_config: { effort: 'high', format: { type: 'json_schema', schema: SCHEMA }, task_budget: { total: 5 } },
      metadata: { user_id: 'u', team: 't' },
      service_tier: 'standard_only',
      cache_control: { type: 'ephemeral' },
      tools: [
        {
          name: 'f',
          description: 'D',
          input_schema: SCHEMA,
          strict: true,
          cache_control: { type: 'ephemeral' },
          defer_loading: true,
        },
        { type: 'custom', name: 'g', input_schema: SCHEMA },
        { type: 'web_search_20250305', name: 'web_search', max_uses: 2 },
      ],
      tool_choice: { type: 'any', disable_parallel_tool_use: true },
      mcp_servers: [{ url: 'https://example.com' }],
      container: null,
    });

    expect(request).toEqual({
      model: 'm',
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
      tools: [
        {
          type: 'function',
          name: 'f',
          description: 'D',
          parameters: SCHEMA,
          strict: true,
          cache: {},
          extensions: { 'anthropic-messages': { defer_loading: true } },
        },
        { type: 'function', name: 'g', parameters: SCHEMA },
        {
          type: 'provider',
          origin: 'anthropic-messages',
          value: { type: 'web_search_20250305', name: 'web_search', max_uses: 2 },
        },
      ],
      toolChoice: { type: 'required' },
      parallelToolCalls: false,
      output: { type: 'json-schema', name: 'answer', schema: SCHEMA },
      sampling: { temperature: 0.5, topP: 0.9, topK: 5, stop: ['X'] },
      maxOutputTokens: 100,
      reasoning: { mode: 'enabled', budgetTokens: 2000, display: 'omitted', effort: 'high' },
      stream: true,
      includeUsage: true,
      serviceTier: 'default',
      user: 'u',
      metadata: { team: 't' },
      cache: {},
      extensions: {
        'anthropic-messages': { mcp_servers: [{ url: 'https://example.com' }], output_config: { task_budget: { total: 5 } } },
      },
    });
  });

  it.each<[JsonObject, Partial<GenerateRequest>]>([
    [{ tool_choice: { type: 'auto' } }, { toolChoice: { type: 'auto' } }],
    [{ tool_choice: { type: 'none' } }, { toolChoice: { type: 'none' } }],
    [
      {
        tools: [{ name: 'f', input_schema: { type: 'object' } }],
        tool_choice: { type: 'tool', name: 'f', disable_parallel_tool_use: false },
      },
      { toolChoice: { type: 'tool', name: 'f' }, parallelToolCalls: true },
    ],
    [{ thinking: { type: 'disabled' } }, { reasoning: { mode: 'disabled' } }],
    [{ thinking: { type: 'adaptive', display: null } }, { reasoning: { mode: 'adaptive' } }],
    [
      { thinking: { type: 'between_tools' } },
      { extensions: { 'anthropic-messages': { thinking: { type: 'between_tools' } } } },
    ],
    [{ output_config: { effort: 'max' } }, { reasoning: { effort: 'max' } }],
    [
      { output_format: { type: 'json_schema', schema: SCHEMA } },
      { output: { type: 'json-schema', name: 'answer', schema: SCHEMA } },
    ],
    [
      { output_format: { type: 'json_schema', json_schema: { schema: SCHEMA } } },
      { output: { type: 'json-schema', name: 'answer', schema: SCHEMA } },
    ],
    [{ service_tier: 'auto' }, { serviceTier: 'auto' }],
    [{ max_tokens: 0 }, { maxOutputTokens: 0 }],
    [
      { stop_sequences: [], stream: null },
      { sampling: {}, stream: false },
    ],
  ])('%j is understood', (fields, expected) => {
    expect(anthropicMessages.decodeRequest({ ...BODY, ...fields })).toMatchObject(expected);
  });

  it.each<[string, JsonObject, string]>([
    ['model', { model: undefined }, 'model: Field required'],
    ['max_tokens', { max_tokens: undefined }, 'max_tokens: Field required'],
    ['max_tokens', { max_tokens: '5' }, 'max_tokens: Input should be a whole number of at least 0, not a string'],
    ['max_tokens', { max_tokens: -1 }, 'max_tokens: Input should be a whole number'],
    ['temperature', { temperature: 2 }, 'temperature: Input should be between 0 and 1, not 2'],
    ['temperature', { temperature: 'hot' }, 'temperature: Input should be a valid number, not a string'],
    ['stream', { stream: 'yes' }, 'stream: Input should be a valid boolean, not a string'],
    ['stop_sequences.1', { stop_sequences: ['a', null] }, 'stop_sequences.1: Input should be a valid string, not null'],
    ['system.0.type', { system: [{ type: 'image' }] }, "system.0.type: Input should be 'text', not 'image'"],
    ['system', { system: 5 }, 'system: Input should be a valid list'],
    ['tools.0', { tools: [5] }, 'tools.0: Input should be a valid dictionary'],
    ['tools.0.input_schema', { tools: [{ name: 'f' }] }, 'tools.0.input_schema: Field required'],
    ['tool_choice.type', { tool_choice: { type: 'some' } }, "'auto', 'any', 'tool', 'none'"],
    [
      'tool_choice.name',
      { tools: [{ name: 'f', input_schema: { type: 'object' } }], tool_choice: { type: 'tool' } },
      'tool_choice.name: Field required',
    ],
    ['tool_choice', { tool_choice: { type: 'any' } }, 'tool_choice may only be specified while providing tools'],
    ['thinking.budget_tokens', { thinking: { type: 'enabled' } }, 'thinking.budget_tokens: Field required'],
    ['output_config.effort', { output_config: { effort: 'extreme' } }, "'low', 'medium', 'high', 'xhigh', 'max'"],
    ['output_config.format.schema', { output_config: { format: { type: 'json_schema' } } }, 'Field required'],
    ['service_tier', { service_tier: 'flex' }, "'auto', 'standard_only'"],
    ['metadata.user_id', { metadata: { user_id: 5 } }, 'metadata.user_id: Input should be a valid string'],
  ])('is refused with the path %s', (param, fields, message) => {
    const attempt = (): unknown => anthropicMessages.decodeRequest({ ...BODY, ...fields });

    expect(attempt).toThrow(GatewayError);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ kind: 'invalid_request', detail: { param } }));
  });

  it('goes back to the same dialect unchanged', () => {
    const body = {
      ...BODY,
      system: [{ type: 'text', text: 'S' }],
      stop_sequences: ['X'],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      stream: true,
      output_config: { effort: 'high', format: { type: 'json_schema', schema: SCHEMA }, task_budget: { total: 5 } },
      metadata: { user_id: 'u' },
      service_tier: 'standard_only',
      cache_control: { type: 'ephemeral', ttl: '1h' },
      tools: [
        { name: 'f', description: 'D', input_schema: SCHEMA, strict: true, defer_loading: true },
        { type: 'web_search_20250305', name: 'web_search' },
      ],
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
      context_management: { edits: [] },
      thinking: { type: 'between_tools' },
    };

    expect(roundTrip({ ...body, thinking: { type: 'between_tools' } })).toEqual(body);
    expect(roundTrip({ ...BODY, thinking: { type: 'adaptive', display: 'omitted' } })).toEqual({
      ...BODY,
      thinking: { type: 'adaptive', display: 'omitted' },
    });
    expect(roundTrip({ ...BODY, thinking: { type: 'disabled' } })).toEqual({ ...BODY, thinking: { type: 'disabled' } });
  });
});

describe('the request for a provider', () => {
  it('holds what the API demands even when the client said little', () => {
    expect(encode({})).toEqual({
      body: { model: 'claude', max_tokens: 4096, messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }] },
      warnings: [],
      decoding: {},
    });
    expect(encode({}, { maxOutputTokens: 64_000 }).body.max_tokens).toBe(64_000);
    expect(encode({ maxOutputTokens: 7 }, { maxOutputTokens: 64_000 }).body.max_tokens).toBe(7);
  });

  it('warns of settings the API does not have, but not of their defaults', () => {
    const unsaid = encode({
      sampling: {
        choices: 2,
        seed: 1,
        frequencyPenalty: 1,
        presencePenalty: 1,
        logitBias: { 5: 1 },
        logprobs: true,
        topLogprobs: 2,
      },
      metadata: { a: 1 },
    });
    const defaults = encode({
      sampling: { choices: 1, frequencyPenalty: 0, presencePenalty: 0, logitBias: {}, logprobs: false, topLogprobs: 0 },
      metadata: {},
    });

    expect(fieldsOf(unsaid)).toEqual([
      'n',
      'seed',
      'frequency_penalty',
      'presence_penalty',
      'logit_bias',
      'logprobs',
      'top_logprobs',
      'metadata',
    ]);
    expect(fieldsOf(defaults)).toEqual([]);
  });

  it.each<[Partial<GenerateRequest>, Partial<UpstreamTarget>, JsonObject, string[]]>([
    [{ sampling: { temperature: 1.5 } }, {}, { temperature: 1 }, ['temperature']],
    [{ sampling: { temperature: 0.2, topP: 0.5 } }, {}, { temperature: 0.2 }, ['top_p']],
    [{ sampling: { temperature: 0.2, topP: 1 } }, {}, { temperature: 0.2 }, []],
    [{ sampling: { topP: 0.5, topK: 3 } }, {}, { top_p: 0.5, top_k: 3 }, []],
    [
      { sampling: { temperature: 0.2, topP: 0.5, topK: 3 } },
      { supportsSampling: false },
      {},
      ['temperature', 'top_p', 'top_k'],
    ],
    [{ sampling: { temperature: 1, topP: 1 } }, { supportsSampling: false }, {}, []],
    [
      { sampling: { temperature: 0.2, topP: 0.5, topK: 3 }, reasoning: { effort: 'low' } },
      { maxOutputTokens: 9000 },
      {},
      ['temperature', 'top_p', 'top_k'],
    ],
    [{ sampling: { topP: 0.99 }, reasoning: { effort: 'low' } }, { maxOutputTokens: 9000 }, { top_p: 0.99 }, []],
    [{ sampling: { stop: [' ', 'X'] } }, {}, { stop_sequences: ['X'] }, ['stop']],
    [{ sampling: { stop: ['\n'] } }, {}, {}, ['stop']],
    [{ serviceTier: 'auto' }, {}, { service_tier: 'auto' }, []],
    [{ serviceTier: 'default' }, {}, { service_tier: 'standard_only' }, []],
    [{ serviceTier: 'priority' }, {}, { service_tier: 'auto' }, ['service_tier']],
    [{ serviceTier: 'flex' }, {}, {}, ['service_tier']],
    [{ user: 'u' }, {}, { metadata: { user_id: 'u' } }, []],
    [{ stream: true }, {}, { stream: true }, []],
  ])('sends %j within the limits of the API', (more, target, expected, warned) => {
    const encoded = encode(more, target);
    const { model: _, max_tokens: _max, messages: _messages, thinking: _thinking, ...settings } = encoded.body;

    expect(settings).toEqual(expected);
    expect(fieldsOf(encoded)).toEqual(warned);
  });

  it.each<[Partial<GenerateRequest>, unknown, string[]]>([
    [{ toolChoice: { type: 'auto' } }, { type: 'auto' }, []],
    [{ toolChoice: { type: 'required' } }, { type: 'any' }, []],
    [{ toolChoice: { type: 'none' }, parallelToolCalls: false }, { type: 'none' }, []],
    [
      { toolChoice: { type: 'tool', name: 'f' }, parallelToolCalls: false },
      { type: 'tool', name: 'f', disable_parallel_tool_use: true },
      [],
    ],
    [{ parallelToolCalls: true }, { type: 'auto', disable_parallel_tool_use: false }, []],
    [{}, undefined, []],
    [{ tools: [], toolChoice: { type: 'required' } }, undefined, ['tool_choice']],
    [{ tools: [], toolChoice: { type: 'auto' } }, undefined, []],
  ])('says the tool choice %j', (more, choice, warned) => {
    const encoded = encode({ tools: [TOOL], ...more });

    expect(encoded.body.tool_choice).toEqual(choice);
    expect(fieldsOf(encoded)).toEqual(warned);
  });

  it('completes the schema of tools and drops those of other dialects', () => {
    const encoded = encode({
      tools: [
        { type: 'function', name: 'none' },
        { type: 'function', name: 'bare', parameters: { properties: {} }, strict: true, cache: { ttl: '1h' } },
        { type: 'provider', origin: 'openai-chat', value: { type: 'custom' } },
      ],
    });

    expect(encoded.body.tools).toEqual([
      { name: 'none', input_schema: { type: 'object', properties: {} } },
      {
        name: 'bare',
        input_schema: { type: 'object', properties: {} },
        strict: true,
        cache_control: { type: 'ephemeral', ttl: '1h' },
      },
    ]);
    expect(fieldsOf(encoded)).toEqual(['tools[2]']);
  });
});

describe('JSON answers', () => {
  const output = { type: 'json-schema' as const, name: 'person', description: 'A person', schema: SCHEMA };

  it('are asked for natively, with closed objects', () => {
    const encoded = encode({ output });

    expect(encoded.body.output_config).toEqual({
      format: {
        type: 'json_schema',
        schema: {
          type: 'object',
          properties: { a: { type: 'object', properties: {}, additionalProperties: false } },
          required: ['a'],
          additionalProperties: false,
        },
      },
    });
    expect(fieldsOf(encoded)).toEqual(['response_format']);
    expect(encoded.decoding).toEqual({});
  });

  it('leave a closed schema as it is', () => {
    const schema = { anyOf: [{ type: 'object', properties: {}, additionalProperties: false }, { type: 'null' }] };
    const encoded = encode({ output: { ...output, schema } });

    expect(encoded.body.output_config).toEqual({ format: { type: 'json_schema', schema } });
    expect(encoded.warnings).toEqual([]);
    const open = { anyOf: [{ type: 'object' }, 5] };
    expect(encode({ output: { ...output, schema: open } }).body.output_config).toMatchObject({
      format: { schema: { anyOf: [{ additionalProperties: false }, 5] } },
    });
  });

  it('are forced by a tool where the model knows no schema', () => {
    const encoded = encode({ output, maxOutputTokens: 9000, reasoning: { effort: 'high' } }, { structuredOutput: 'tool' });

    expect(encoded.body).toMatchObject({
      tools: [{ name: 'json_answer', description: 'A person', input_schema: SCHEMA }],
      tool_choice: { type: 'tool', name: 'json_answer' },
    });
    expect(encoded.body).not.toHaveProperty('thinking');
    expect(encoded.decoding).toEqual({ jsonTool: 'json_answer' });
    expect(fieldsOf(encoded)).toEqual(['response_format', 'reasoning']);
  });

  it('leave the model the choice among tools of the client', () => {
    const tools = [TOOL, { ...TOOL, name: 'json_answer' }];

    const free = encode({ output, tools }, { structuredOutput: 'tool' });
    expect(free.body.tool_choice).toEqual({ type: 'any' });
    expect(free.decoding).toEqual({ jsonTool: 'json_answer_' });
    const none = encode({ output, tools, toolChoice: { type: 'none' } }, { structuredOutput: 'tool' });
    expect(none.body.tool_choice).toEqual({ type: 'tool', name: 'json_answer_' });
  });

  it('without a schema are forced by an open tool', () => {
    const encoded = encode({ output: { type: 'json' } });

    expect(encoded.body.tools).toMatchObject([{ input_schema: { type: 'object', additionalProperties: true } }]);
    expect(fieldsOf(encoded)).toEqual(['response_format']);
    expect(encode({ output: { type: 'text' } }).body).not.toHaveProperty('tools');
  });
});

describe('reasoning', () => {
  const enabled = (budget: number): JsonObject => ({ type: 'enabled', budget_tokens: budget });
  const toolLoop = (...first: Part[]): readonly Message[] => [
    { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
    { role: 'assistant', parts: [...first, { type: 'tool-call', id: 'a', name: 'f', arguments: '{}' }] },
    { role: 'tool', parts: [{ type: 'tool-result', callId: 'a', parts: [] }] },
  ];

  it.each<[Partial<GenerateRequest>, Partial<UpstreamTarget>, unknown, unknown, string[]]>([
    [{ reasoning: { effort: 'minimal' } }, {}, enabled(1024), undefined, []],
    [{ reasoning: { effort: 'low' } }, {}, enabled(1024), undefined, []],
    [{ reasoning: { effort: 'medium' } }, { maxOutputTokens: 64_000 }, enabled(4096), undefined, []],
    [{ reasoning: { effort: 'high' } }, { maxOutputTokens: 64_000 }, enabled(16_384), undefined, []],
    [{ reasoning: { effort: 'high' } }, {}, enabled(3072), undefined, []],
    [{ reasoning: { mode: 'enabled' } }, { maxOutputTokens: 64_000 }, enabled(4096), undefined, []],
    [{ reasoning: { budgetTokens: 2000, display: 'omitted' } }, {}, { ...enabled(2000), display: 'omitted' }, undefined, []],
    [{ reasoning: { budgetTokens: 9000 } }, {}, enabled(3072), undefined, ['reasoning']],
    [{ reasoning: { budgetTokens: 9000 }, maxOutputTokens: 1100 }, {}, enabled(1024), undefined, ['reasoning']],
    [{ reasoning: { effort: 'high' }, maxOutputTokens: 1000 }, {}, undefined, undefined, ['reasoning']],
    [{ reasoning: { budgetTokens: 100 } }, {}, undefined, undefined, ['reasoning']],
    [{ reasoning: { effort: 'none' } }, {}, undefined, undefined, []],
    [{ reasoning: { mode: 'disabled' } }, {}, undefined, undefined, []],
    [{ reasoning: { mode: 'disabled' } }, { supportsAdaptiveThinking: true }, { type: 'disabled' }, undefined, []],
    [
      { reasoning: { effort: 'minimal' } },
      { supportsAdaptiveThinking: true },
      { type: 'adaptive', display: 'summarized' },
      { effort: 'low' },
      [],
    ],
    [
      { reasoning: { budgetTokens: 5000, display: 'omitted' } },
      { supportsAdaptiveThinking: true },
      { type: 'adaptive', display: 'omitted' },
      { effort: 'medium' },
      ['reasoning'],
    ],
    [{ reasoning: { effort: 'high' } }, { supportsReasoning: false }, undefined, undefined, ['reasoning']],
    [{ reasoning: { effort: 'none' } }, { supportsReasoning: false }, undefined, undefined, []],
    [
      { reasoning: { effort: 'high' }, tools: [TOOL], toolChoice: { type: 'required' } },
      {},
      undefined,
      undefined,
      ['reasoning'],
    ],
    [
      { reasoning: { effort: 'max' }, tools: [TOOL], toolChoice: { type: 'required' } },
      { supportsAdaptiveThinking: true },
      undefined,
      { effort: 'max' },
      ['reasoning'],
    ],
    [{ reasoning: { effort: 'low' }, messages: toolLoop() }, {}, undefined, undefined, ['reasoning']],
    [
      { reasoning: { effort: 'low' }, messages: toolLoop() },
      { supportsAdaptiveThinking: true },
      { type: 'adaptive', display: 'summarized' },
      { effort: 'low' },
      [],
    ],
    [
      {
        reasoning: { effort: 'low' },
        messages: toolLoop({ type: 'reasoning', text: 'Hm', signature: 's', origin: 'anthropic-messages' }),
      },
      {},
      enabled(1024),
      undefined,
      [],
    ],
  ])('%j on a model with %j', (more, target, thinking, config, warned) => {
    const encoded = encode(more, target);

    expect(encoded.body.thinking).toEqual(thinking);
    expect(encoded.body.output_config).toEqual(config);
    expect(fieldsOf(encoded)).toEqual(warned);
  });

  it('goes on when the model thought before the first of several rounds of calls', () => {
    const [asked, called, answered] = toolLoop({ type: 'reasoning', text: '', data: 'd', origin: 'anthropic-messages' });
    const second: readonly Message[] = [
      { role: 'assistant', parts: [{ type: 'tool-call', id: 'b', name: 'f', arguments: '{}' }] },
      { role: 'tool', parts: [{ type: 'tool-result', callId: 'b', parts: [] }] },
    ];
    const messages = [asked, called, answered].filter((message) => message !== undefined);

    expect(encode({ reasoning: { effort: 'low' }, messages: [...messages, ...second] }).body.thinking).toEqual(enabled(1024));
    expect(encode({ reasoning: { effort: 'low' }, messages: [...toolLoop(), ...second] }).body).not.toHaveProperty('thinking');
  });

  it('is sent as a client of this dialect wrote it', () => {
    const native = { extensions: { 'anthropic-messages': {} } };

    expect(encode({ ...native, reasoning: { effort: 'low' } }).body).not.toHaveProperty('thinking');
    expect(encode({ ...native, reasoning: { effort: 'low' } }).body.output_config).toEqual({ effort: 'low' });
    expect(
      encode({ ...native, reasoning: { mode: 'enabled', budgetTokens: 2000 }, messages: toolLoop() }).body.thinking,
    ).toEqual(enabled(2000));
    expect(encode({ ...native, sampling: { temperature: 0.5, topP: 0.5 } }).body).toMatchObject({
      temperature: 0.5,
      top_p: 0.5,
    });
  });
});

describe('any conversation', () => {
  const words = fc.string({ minLength: 1 }).map((text) => `x${text}x`);
  const cache = fc.constantFrom({}, { cache: {} }, { cache: { ttl: '1h' as const } });
  const text = fc.tuple(words, cache).map(([value, mark]): Part => ({ type: 'text', text: value, ...mark }));
  const image = words.map((url): Part => ({ type: 'image', source: { type: 'url', url } }));
  const thought = fc.oneof(
    fc
      .tuple(fc.string(), words)
      .map(([value, signature]): Part => ({ type: 'reasoning', text: value, signature, origin: 'anthropic-messages' })),
    words.map((data): Part => ({ type: 'reasoning', text: '', data, origin: 'anthropic-messages' })),
  );
  const turn = fc.tuple(
    fc.array(fc.oneof(text, image), { minLength: 1, maxLength: 3 }),
    fc.array(fc.oneof(text, thought), { minLength: 1, maxLength: 3 }),
    fc.array(fc.dictionary(words, fc.jsonValue()), { maxLength: 2 }),
  );

  it('is the same after it was encoded and decoded again', () => {
    fc.assert(
      fc.property(fc.array(turn, { minLength: 1, maxLength: 4 }), (turns) => {
        const messages = turns.flatMap(([asked, answered, inputs], index): Message[] => {
          const calls = inputs.map((input, n): Part => ({
            type: 'tool-call',
            id: `t${index}_${n}`,
            name: 'f',
            arguments: JSON.stringify(input),
          }));
          const results = calls.map((_, n): Part => ({
            type: 'tool-result',
            callId: `t${index}_${n}`,
            parts: [{ type: 'text', text: 'done' }],
          }));
          return [
            { role: 'user', parts: asked },
            { role: 'assistant', parts: [...answered, ...calls] },
            ...(results.length === 0 ? [] : [{ role: 'tool' as const, parts: results }]),
          ];
        });
        const joined = mergeRoles([...messages, { role: 'user', parts: [{ type: 'text', text: 'Go on' }] }]);
        const request = requestOf({
          messages: joined,
          maxOutputTokens: 10,
          includeUsage: true,
          extensions: { 'anthropic-messages': {} },
        });

        const { body, warnings } = anthropicMessages.encodeRequest(request, { ...TARGET, model: request.model });

        expect(warnings).toEqual([]);
        expect(anthropicMessages.decodeRequest(JSON.parse(JSON.stringify(body)) as JsonObject)).toEqual(request);
      }),
    );
  });
});

/** The API has one user message where we have tool results followed by a question: both forms are the same conversation. */
function mergeRoles(messages: readonly Message[]): Message[] {
  const merged: Message[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (last?.role === message.role) merged[merged.length - 1] = { role: last.role, parts: [...last.parts, ...message.parts] };
    else merged.push(message);
  }
  return merged;
}
