import { describe, expect, it } from 'vitest';
import { bedrockConverse } from '../../../../lib/dialects/bedrock-converse/index.ts';
import { GatewayError } from '../../../../lib/errors.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { CLAUDE, encode, fieldsOf, jsonFixture } from './support.ts';

const ASKED = { model: CLAUDE, stream: true };
const BODY: JsonObject = { messages: [{ role: 'user', content: [{ text: 'Hi' }] }] };
const NOVA = { model: 'us.amazon.nova-2-lite-v1:0' };
const GPT = { model: 'openai.gpt-oss-120b-1:0' };
const LLAMA = { model: 'meta.llama3-3-70b-instruct-v1:0' };
const SCHEMA = { type: 'object', properties: { a: { type: 'string' } } };
const TOOL = { type: 'function' as const, name: 'f', parameters: { type: 'object', properties: {} } };

describe('the request of a client', () => {
  it('returns to the same dialect as it was', () => {
    const body = jsonFixture('everything.request');
    const request = bedrockConverse.decodeRequest(body, ASKED);
    const { body: sent, warnings } = bedrockConverse.encodeRequest(request, { model: CLAUDE, structuredOutput: 'native' });

    expect(sent).toEqual(body);
    expect(warnings).toEqual([]);
  });

  it('is decoded field by field', () => {
    const { messages: _, ...request } = bedrockConverse.decodeRequest(jsonFixture('everything.request'), ASKED);

    expect(request).toEqual({
      model: CLAUDE,
      stream: true,
      includeUsage: true,
      maxOutputTokens: 500,
      sampling: { temperature: 0.5, topP: 0.9, topK: 40, stop: ['END'] },
      tools: [
        {
          type: 'function',
          name: 'lookup',
          description: 'Looks up',
          parameters: { type: 'object', properties: { q: { type: 'string' } } },
          strict: true,
          cache: {},
        },
        { type: 'provider', origin: 'bedrock-converse', value: { systemTool: { name: 'web_search' } } },
      ],
      toolChoice: { type: 'tool', name: 'lookup' },
      reasoning: { mode: 'enabled', budgetTokens: 2000, effort: 'high' },
      output: { type: 'json-schema', name: 'answer', description: 'The answer', schema: SCHEMA },
      serviceTier: 'flex',
      metadata: { team: 'red' },
      extensions: {
        'bedrock-converse': {
          inferenceConfig: { seedling: 1 },
          additionalModelRequestFields: { top_k: 40, thinking: { type: 'enabled', budget_tokens: 2000 } },
          additionalModelResponseFieldPaths: ['/stop_sequence'],
          guardrailConfig: { guardrailIdentifier: 'g1', guardrailVersion: '1', trace: 'enabled' },
          performanceConfig: { latency: 'optimized' },
          promptVariables: { a: { text: 'b' } },
        },
      },
    });
  });

  it('needs no more than messages, and not even these beside the variables of a prompt', () => {
    expect(bedrockConverse.decodeRequest(BODY, { model: 'm' })).toMatchObject({ model: 'm', stream: false, sampling: {} });
    expect(bedrockConverse.decodeRequest({ promptVariables: {} }, { model: 'm' }).messages).toEqual([]);
  });

  it.each([
    [{ reasoning_effort: 'low' }, { effort: 'low' }],
    [{ reasoning_config: { type: 'enabled', budget_tokens: 3000 } }, { mode: 'enabled', budgetTokens: 3000 }],
    [{ reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' } }, { mode: 'enabled', effort: 'high' }],
    [
      { thinking: { type: 'adaptive' }, output_config: { effort: 'max' } },
      { mode: 'adaptive', effort: 'max' },
    ],
    [{ thinking: { type: 'between' } }, undefined],
  ])('finds how much to think in %j', (additionalModelRequestFields, reasoning) => {
    expect(bedrockConverse.decodeRequest({ ...BODY, additionalModelRequestFields }, ASKED).reasoning).toEqual(reasoning);
  });

  it.each([
    [{ k: 3 }, 3],
    [{ inferenceConfig: { topK: 5 } }, 5],
  ])('finds top-k in %j', (additionalModelRequestFields, topK) => {
    expect(bedrockConverse.decodeRequest({ ...BODY, additionalModelRequestFields }, ASKED).sampling.topK).toBe(topK);
  });

  it.each<[string, JsonObject]>([
    ['messages', { messages: [] }],
    ['messages', {}],
    ['messages', { messages: 'Hi' }],
    ['messages[0]', { messages: ['Hi'] }],
    ['messages[0].role', { messages: [{ role: 'tool', content: [] }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: 'Hi' }] }],
    ['messages[0].content', { messages: [{ role: 'user' }] }],
    ['system', { ...BODY, system: 'Be brief' }],
    ['inferenceConfig.maxTokens', { ...BODY, inferenceConfig: { maxTokens: 0 } }],
    ['inferenceConfig.stopSequences[0]', { ...BODY, inferenceConfig: { stopSequences: [1] } }],
    ['toolConfig.tools[0].toolSpec.name', { ...BODY, toolConfig: { tools: [{ toolSpec: { inputSchema: { json: {} } } }] } }],
    [
      'toolConfig.tools[0].toolSpec.inputSchema.json',
      { ...BODY, toolConfig: { tools: [{ toolSpec: { name: 'f', inputSchema: {} } }] } },
    ],
    ['toolConfig.toolChoice', { ...BODY, toolConfig: { tools: [], toolChoice: { none: {} } } }],
    ['outputConfig.textFormat.type', { ...BODY, outputConfig: { textFormat: { type: 'xml' } } }],
    [
      'outputConfig.textFormat.structure.jsonSchema.schema',
      { ...BODY, outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: '[]' } } } } },
    ],
    ['serviceTier.type', { ...BODY, serviceTier: {} }],
  ])('is refused with the path of what is wrong: %s', (param, body) => {
    const decode = (): unknown => bedrockConverse.decodeRequest(body, ASKED);
    expect(decode).toThrow(GatewayError);
    expect(decode).toThrow(expect.objectContaining({ kind: 'invalid_request', detail: { param } }) as Error);
  });

  it('is refused without a model in its path', () => {
    expect(() => bedrockConverse.decodeRequest(BODY)).toThrow(/modelId/);
  });

  it.each([
    [{ auto: {} }, { type: 'auto' }],
    [{ any: {} }, { type: 'required' }],
  ])('may choose tools: %j', (toolChoice, expected) => {
    const toolConfig = { tools: [], toolChoice };
    expect(bedrockConverse.decodeRequest({ ...BODY, toolConfig }, ASKED).toolChoice).toEqual(expected);
  });
});

describe('the request for a provider', () => {
  it.each([
    [CLAUDE, { anthropic_beta: ['context-1m'] }],
    ['amazon.nova-pro-v1:0', undefined],
  ])('takes the betas of a client of Claude along to Claude only (%s)', (model, additional) => {
    const { body } = encode({ extensions: { 'anthropic-messages': { anthropic_beta: ['context-1m'] } } }, { model });

    expect(body.additionalModelRequestFields).toEqual(additional);
  });

  it('says the settings of other dialects in its own words', () => {
    const { body, warnings } = encode({
      maxOutputTokens: 100,
      sampling: { temperature: 0.5, topK: 10, stop: ['X', ' '] },
      tools: [TOOL, { ...TOOL, name: 'g', description: '', cache: { ttl: '1h' } }],
      toolChoice: { type: 'required' },
      serviceTier: 'priority',
      metadata: { team: 'red', bad: 'ä', count: 1 },
      cache: {},
    });

    expect(body).toEqual({
      messages: [{ role: 'user', content: [{ text: 'Hello' }, { cachePoint: { type: 'default' } }] }],
      inferenceConfig: { maxTokens: 100, temperature: 0.5, stopSequences: ['X'] },
      toolConfig: {
        tools: [
          { toolSpec: { name: 'f', inputSchema: { json: TOOL.parameters } } },
          { toolSpec: { name: 'g', inputSchema: { json: TOOL.parameters } } },
          { cachePoint: { type: 'default', ttl: '1h' } },
        ],
        toolChoice: { any: {} },
      },
      additionalModelRequestFields: { top_k: 10 },
      serviceTier: { type: 'priority' },
      requestMetadata: { team: 'red' },
    });
    expect(warnings.map(({ field }) => field)).toEqual(['stop', 'metadata']);
  });

  it('warns of every setting without a word', () => {
    const encoded = encode({
      sampling: {
        choices: 2,
        seed: 1,
        frequencyPenalty: 1,
        presencePenalty: 1,
        logitBias: { 1: 1 },
        logprobs: true,
        topLogprobs: 2,
      },
      user: 'u',
      parallelToolCalls: false,
      tools: [TOOL, { type: 'provider', origin: 'openai-chat', value: { type: 'web_search' } }],
      serviceTier: 'batch',
    });

    expect(fieldsOf(encoded).toSorted()).toEqual(
      [
        'n',
        'seed',
        'frequency_penalty',
        'presence_penalty',
        'logit_bias',
        'logprobs',
        'top_logprobs',
        'parallel_tool_calls',
        'user',
        'tools[1]',
        'service_tier',
      ].toSorted(),
    );
  });

  it.each(['auto', 'standard', 'standard_only'])('does not send the tier %s, which is its default', (serviceTier) => {
    const encoded = encode({ serviceTier });
    expect(encoded.body.serviceTier).toBeUndefined();
    expect(encoded.warnings).toEqual([]);
  });

  it('keeps temperature within its range, and gives Claude one of temperature and top-p', () => {
    const claude = encode({ sampling: { temperature: 1.5, topP: 0.5 } });
    const llama = encode({ sampling: { temperature: 0.5, topP: 0.5, topK: 3 } }, LLAMA);

    expect(claude.body.inferenceConfig).toEqual({ temperature: 1 });
    expect(claude.warnings.map(({ kind, field }) => [kind, field])).toEqual([
      ['changed', 'temperature'],
      ['dropped', 'top_p'],
    ]);
    expect(llama.body).toMatchObject({
      inferenceConfig: { temperature: 0.5, topP: 0.5 },
      additionalModelRequestFields: { top_k: 3 },
    });
  });

  it('sends no sampling to models that take none', () => {
    const encoded = encode({ sampling: { temperature: 0.5, topP: 1, topK: 3 } }, { supportsSampling: false });
    expect(encoded.body).not.toHaveProperty('inferenceConfig');
    expect(fieldsOf(encoded)).toEqual(['temperature', 'top_k']);
  });

  it('lets Claude think, in its own words, and leaves out what it then refuses', () => {
    const encoded = encode({
      reasoning: { effort: 'high' },
      maxOutputTokens: 8000,
      sampling: { temperature: 0.2, topP: 0.5, topK: 4 },
    });
    expect(encoded.body).toMatchObject({
      inferenceConfig: { maxTokens: 8000 },
      additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 6976 } },
    });
    expect(fieldsOf(encoded)).toEqual(['temperature', 'top_p', 'top_k']);
    expect(encode({ reasoning: { effort: 'low' } }, { supportsAdaptiveThinking: true }).body).toMatchObject({
      additionalModelRequestFields: { thinking: { type: 'adaptive', display: 'summarized' } },
      outputConfig: { effort: 'low' },
    });
  });

  it('lets Claude go on from a call only with the thinking before it', () => {
    const call = { type: 'tool-call' as const, id: 'c', name: 'f', arguments: '{}' };
    const result = { role: 'tool' as const, parts: [{ type: 'tool-result' as const, callId: 'c', parts: [] }] };
    const thought = { type: 'reasoning' as const, text: 'hm', signature: 's', origin: 'anthropic-messages' as const };
    const ask = { role: 'user' as const, parts: [{ type: 'text' as const, text: 'Hi' }] };
    const more = { reasoning: { budgetTokens: 2000 }, maxOutputTokens: 4000, tools: [TOOL] };

    const without = encode({ ...more, messages: [ask, { role: 'assistant', parts: [call] }, result] });
    const withProof = encode({ ...more, messages: [ask, { role: 'assistant', parts: [thought, call] }, result] });
    expect(without.body.additionalModelRequestFields).toBeUndefined();
    expect(fieldsOf(without)).toEqual(['reasoning']);
    expect(withProof.body.additionalModelRequestFields).toEqual({ thinking: { type: 'enabled', budget_tokens: 2000 } });
  });

  it('lets other families think in theirs', () => {
    expect(encode({ reasoning: { effort: 'xhigh' } }, GPT).body.additionalModelRequestFields).toEqual({
      reasoning_effort: 'high',
    });
    expect(encode({ reasoning: { effort: 'minimal' } }, GPT).body.additionalModelRequestFields).toEqual({
      reasoning_effort: 'low',
    });
    expect(encode({ reasoning: { effort: 'high' }, sampling: { topK: 3 } }, NOVA).body.additionalModelRequestFields).toEqual({
      reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' },
      inferenceConfig: { topK: 3 },
    });
    const limited = encode({ reasoning: { budgetTokens: 60_000 }, maxOutputTokens: 10 }, NOVA);
    expect(limited.body.additionalModelRequestFields).toEqual({
      reasoningConfig: { type: 'enabled', maxReasoningEffort: 'medium' },
    });
    expect(limited.warnings.map(({ kind }) => kind)).toEqual(['changed', 'changed']);
    expect(fieldsOf(encode({ reasoning: { effort: 'medium' } }, LLAMA))).toEqual(['reasoning']);
    expect(encode({ reasoning: { mode: 'disabled' } }, LLAMA).warnings).toEqual([]);
  });

  it('takes an ARN that does not name its model for Claude', () => {
    const model = 'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc123';
    expect(encode({ cache: {} }, { model }).warnings).toEqual([]);
    expect(encode({ cache: {} }, { model: 'arn:aws:bedrock:eu-west-1::foundation-model/meta.llama3' }).warnings).toHaveLength(
      1,
    );
  });

  it('asks for JSON by schema natively, with objects closed', () => {
    const encoded = encode({ output: { type: 'json-schema', name: 'answer', schema: SCHEMA } });
    expect(encoded.body.outputConfig).toEqual({
      textFormat: {
        type: 'json_schema',
        structure: { jsonSchema: { name: 'answer', schema: JSON.stringify({ ...SCHEMA, additionalProperties: false }) } },
      },
    });
    expect(encoded.decoding).toEqual({});
    expect(encode({ output: { type: 'text' } }).body).not.toHaveProperty('outputConfig');
  });

  it('asks for JSON by a tool where it must, and for any JSON', () => {
    const bySchema = encode({ output: { type: 'json-schema', name: 'answer', schema: SCHEMA } }, { structuredOutput: 'tool' });
    const byTools = encode({ output: { type: 'json' }, tools: [{ ...TOOL, name: 'json_answer' }] });

    expect(bySchema.decoding).toEqual({ jsonTool: 'json_answer' });
    expect(bySchema.body.toolConfig).toMatchObject({
      tools: [{ toolSpec: { name: 'json_answer', inputSchema: { json: SCHEMA } } }],
      toolChoice: { tool: { name: 'json_answer' } },
    });
    expect(byTools.decoding).toEqual({ jsonTool: 'json_answer_' });
    expect(byTools.body.toolConfig).toMatchObject({ toolChoice: { any: {} } });
  });

  it('holds tools to their schema only where the model can be held', () => {
    const tools = [{ ...TOOL, strict: true, parameters: { properties: {} } }];
    expect(encode({ tools }).body.toolConfig).toEqual({
      tools: [{ toolSpec: { name: 'f', inputSchema: { json: { type: 'object', properties: {} } }, strict: true } }],
    });
    expect(fieldsOf(encode({ tools }, { structuredOutput: 'tool' }))).toEqual(['tools[0].strict']);
  });

  it('sends no tools that must not be called, unless the conversation called some', () => {
    const call = { type: 'tool-call' as const, id: 'c', name: 'f', arguments: '' };
    const messages = [{ role: 'assistant' as const, parts: [call] }];
    const none = { type: 'none' as const };

    expect(encode({ tools: [TOOL], toolChoice: none }).body).not.toHaveProperty('toolConfig');
    expect(encode({ tools: [TOOL], toolChoice: none, messages })).toMatchObject({
      body: { toolConfig: { tools: [{ toolSpec: { name: 'f' } }] } },
      warnings: [{ kind: 'changed', field: 'tool_choice' }],
    });
    expect(encode({ messages })).toMatchObject({
      body: { toolConfig: { tools: [{ toolSpec: { name: 'f' } }] } },
      warnings: [{ kind: 'changed', field: 'tools' }],
    });
    expect(fieldsOf(encode({ toolChoice: { type: 'required' } }))).toEqual(['tool_choice']);
    expect(encode({ tools: [TOOL], toolChoice: { type: 'auto' } }).body.toolConfig).toMatchObject({ toolChoice: { auto: {} } });
  });

  it('warns of cache marks for models without cache points', () => {
    const text = { type: 'text' as const, text: 'a', cache: {} };
    const encoded = encode({ messages: [{ role: 'user', parts: [text] }], tools: [{ ...TOOL, cache: {} }], cache: {} }, LLAMA);

    expect(JSON.stringify(encoded.body)).not.toContain('cachePoint');
    expect(fieldsOf(encoded)).toEqual(['messages[0].content[0].cache_control', 'cache_control', 'tools[0].cache_control']);
  });
});
