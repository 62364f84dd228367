import { describe, expect, it } from 'vitest';
import { openaiResponses } from '../../../../lib/dialects/openai-responses/index.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { Part } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import { answerOf, CASES, contextOf, responseFixture } from './support.ts';

const encode = (parts: readonly Part[], request?: JsonObject): JsonObject =>
  openaiResponses.encodeResponse(
    { choices: [{ index: 0, parts, finish: 'stop' }] },
    contextOf(request === undefined ? {} : { request }).context,
  );

describe('a whole response of a provider', () => {
  it.each([
    ['nothing', null],
    ['a list', []],
    ['no output', { id: 'resp_1' }],
  ])('is refused when it holds %s', (_, body) => {
    expect(() => openaiResponses.decodeResponse(body, {})).toThrow(expect.objectContaining({ kind: 'upstream' }));
  });

  it('may be an error with status 200', () => {
    expect(() => openaiResponses.decodeResponse({ error: { message: 'Slow down.', code: 'rate_limit_exceeded' } }, {})).toThrow(
      expect.objectContaining({ kind: 'rate_limit', message: 'Slow down.' }),
    );
  });

  it('may have failed', () => {
    expect(answerOf([], { status: 'failed', error: { code: 'server_error', message: 'Oops.' } }).error).toMatchObject({
      kind: 'upstream',
      message: 'Oops.',
    });
    expect(answerOf([], { status: 'failed' }).error?.message).toBe('The provider failed and did not say why.');
  });

  it.each([
    ['queued', undefined, 'other', 'queued'],
    ['cancelled', undefined, 'other', 'cancelled'],
    ['incomplete', 'content_filter', 'content-filter', 'content_filter'],
    ['incomplete', 'budget', 'other', 'budget'],
  ])('ends as it says: %s %s', (status, reason, finish, raw) => {
    expect(answerOf([], { status, incomplete_details: reason && { reason } }).choices[0]).toMatchObject({ finish, raw });
  });

  it('reads raw reasoning and summaries, each text once', () => {
    const summary = [{ type: 'summary_text', text: 'Short.' }];
    const content = [{ type: 'reasoning_text', text: 'Long.' }];
    const items = [
      { type: 'reasoning', id: 'rs_1', summary, content, encrypted_content: 'x' },
      { type: 'reasoning', id: 'rs_2', summary: content, content },
      { type: 'reasoning', id: 'rs_3', summary: [] },
      { type: 'image_generation_call', id: 'ig_1' },
    ];
    expect(answerOf(items).choices[0]?.parts).toEqual([
      {
        type: 'reasoning',
        text: 'Short.\n\nLong.',
        data: 'x',
        details: [{ id: 'rs_1', place: 'content' }],
        origin: 'openai-responses',
      },
      { type: 'reasoning', text: 'Long.', details: [{ id: 'rs_2', place: 'content' }], origin: 'openai-responses' },
      { type: 'opaque', origin: 'openai-responses', value: { type: 'image_generation_call', id: 'ig_1' } },
    ]);
  });

  it('reports usage with what vendors add', () => {
    const usage = {
      input_tokens: 10,
      input_tokens_details: { cached_tokens: 4, cache_write_tokens: 2, audio_tokens: 1, image_tokens: 1 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 1, audio_tokens: 1, image_tokens: 1 },
      server_side_tool_usage_details: { web_search_calls: 3 },
      cost: 0.5,
    };
    expect(answerOf([{ type: 'web_search_call' }], { usage, service_tier: 'flex' }).usage).toEqual({
      inputTokens: 10,
      cacheReadTokens: 4,
      cacheWriteTokens: 2,
      audioInputTokens: 1,
      imageInputTokens: 1,
      outputTokens: 5,
      reasoningTokens: 1,
      audioOutputTokens: 1,
      imageOutputTokens: 1,
      webSearchRequests: 3,
      serviceTier: 'flex',
      reportedCostUsd: 0.5,
      source: 'provider',
    });
    expect(answerOf([], { usage: {} }).usage).toBeUndefined();
  });

  it('counts the tools that the provider runs and bills: searches, lookups in files, containers', () => {
    const output = [
      { type: 'web_search_call', action: { type: 'search', query: 'a' } },
      { type: 'web_search_call', action: { type: 'open_page', url: 'https://example.com' } },
      { type: 'file_search_call', queries: ['a', 'b'] },
      { type: 'code_interpreter_call', container_id: 'cntr_1' },
      { type: 'code_interpreter_call', container_id: 'cntr_1' },
      { type: 'code_interpreter_call', container_id: 'cntr_2' },
    ];

    expect(answerOf(output, { usage: { input_tokens: 1, output_tokens: 1 } }).usage).toEqual({
      inputTokens: 1,
      outputTokens: 1,
      webSearchRequests: 1,
      fileSearchCalls: 1,
      codeInterpreterSessions: 2,
      source: 'provider',
    });
  });
});

describe('a whole response for a client', () => {
  it('repeats the settings of the request, with defaults for the rest', () => {
    const request = {
      model: 'm',
      input: 'Hi',
      instructions: 'Be brief.',
      max_output_tokens: 64,
      temperature: 0.5,
      tools: [{ type: 'function', name: 'f' }],
      text: { verbosity: 'low' },
      reasoning: { effort: 'low' },
      metadata: { a: 'b' },
      previous_response_id: 'resp_0',
      conversation: 'conv_1',
      store: false,
    };
    expect(encode([{ type: 'text', text: 'Hello' }], request)).toEqual({
      id: 'resp_CALL',
      object: 'response',
      created_at: 1_700_000_000,
      status: 'completed',
      background: false,
      error: null,
      incomplete_details: null,
      instructions: 'Be brief.',
      max_output_tokens: 64,
      max_tool_calls: null,
      model: 'client-model',
      output: [
        {
          id: 'msg_CALL_0',
          type: 'message',
          status: 'completed',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'Hello', annotations: [], logprobs: [] }],
        },
      ],
      parallel_tool_calls: true,
      previous_response_id: 'resp_0',
      conversation: { id: 'conv_1' },
      prompt_cache_key: null,
      reasoning: { effort: 'low', summary: null },
      safety_identifier: null,
      service_tier: 'default',
      store: false,
      temperature: 0.5,
      text: { verbosity: 'low', format: { type: 'text' } },
      tool_choice: 'auto',
      tools: [{ type: 'function', name: 'f' }],
      top_logprobs: 0,
      top_p: 1,
      truncation: 'disabled',
      usage: {
        input_tokens: 0,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 0,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 0,
      },
      user: null,
      metadata: { a: 'b' },
    });
    expect(encode([], { conversation: { id: 'conv_2' } })['conversation']).toEqual({ id: 'conv_2' });
  });

  it.each(CASES)('has the items that the provider had: %s', (name) => {
    const fixture = responseFixture(name);
    const answer = foldEvents(openaiResponses.decodeResponse(fixture, {}));
    const { output } = openaiResponses.encodeResponse(answer, contextOf().context) as { output: JsonObject[] };
    const ours = new Set(['id', 'encrypted_content', 'summary']);
    const bare = (items: JsonObject[]): JsonObject[] =>
      items.map((item) => Object.fromEntries(Object.entries(item).filter(([name]) => !ours.has(name))));
    expect(bare(output)).toEqual(bare(fixture['output'] as JsonObject[]));
  });

  it('gives log probabilities with their text', () => {
    const content = [{ token: 'Hi', logprob: -0.1 }];
    const response = openaiResponses.encodeResponse(
      { choices: [{ index: 0, parts: [{ type: 'text', text: 'Hi' }], finish: 'stop', logprobs: { content } }] },
      contextOf().context,
    );
    expect(response['output']).toMatchObject([{ content: [{ text: 'Hi', logprobs: content }] }]);
  });

  it('makes an item of a picture', () => {
    const image: Part = { type: 'image', source: { type: 'base64', mediaType: 'image/png', data: 'AAAA' } };
    expect(encode([image])['output']).toEqual([
      { id: 'item_CALL_0', type: 'image_generation_call', status: 'completed', output_format: 'png', result: 'AAAA' },
    ]);
  });

  it('needs an answer', () => {
    expect(() => openaiResponses.encodeResponse({ choices: [] }, contextOf().context)).toThrow('gave no answer');
  });
});
