import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openaiChat } from '../../../../lib/dialects/openai-chat/index.ts';
import { foldEvents } from '../../../../lib/kinds/fold.ts';
import type { Choice, GenerateResponse, Part } from '../../../../lib/kinds/generate.ts';
import type { JsonObject } from '../../../../lib/kinds/json.ts';
import type { Usage } from '../../../../lib/kinds/usage.ts';
import { contextOf, jsonOf } from './fixture.ts';

const decode = (body: unknown): GenerateResponse => foldEvents(openaiChat.decodeResponse(body, {}));
const ofMessage = (message: JsonObject, more: JsonObject = {}, finish = 'stop'): GenerateResponse =>
  decode({ id: 'a', choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }], ...more });
const usageOf = (usage: JsonObject, more: JsonObject = {}) => ofMessage({ content: 'x' }, { usage, ...more }).usage;

function withoutRaw(choice: Choice): Choice {
  const { raw: _raw, ...rest } = choice;
  return rest;
}

describe('an answer of a provider', () => {
  it('is read in full and written back as it was', () => {
    const body = jsonOf('everything.response.json');
    const context = contextOf();

    expect(openaiChat.encodeResponse(decode(body), context)).toEqual(body);
    expect(context.warnings).toEqual([]);
  });

  it('keeps calls apart that share an index in a whole message', () => {
    const call = (id: string) => ({ index: 0, id, type: 'function', function: { name: 'f', arguments: '{}' } });

    expect(ofMessage({ content: null, tool_calls: [call('a'), call('b')] }).choices[0]).toMatchObject({
      parts: [{ id: 'a' }, { id: 'b' }],
      finish: 'tool-calls',
    });
  });

  it('reads the message of a body that also has a delta', () => {
    const choice = { index: 0, delta: { content: '' }, message: { content: 'Here' }, finish_reason: 'stop' };

    expect(decode({ choices: [choice] }).choices[0]?.parts).toEqual([{ type: 'text', text: 'Here' }]);
  });

  it('reads thinking blocks of a whole message in order, without the text that repeats them', () => {
    const blocks = [
      { type: 'thinking', thinking: 'A', signature: 's1' },
      { type: 'redacted_thinking', data: 'd' },
      { type: 'thinking', thinking: 'B', signature: 's2' },
    ];
    const origin = 'anthropic-messages';

    const answer = ofMessage({ content: 'C', reasoning_content: 'AB', thinking_blocks: blocks });

    expect(answer.choices[0]?.parts).toEqual([
      { type: 'reasoning', text: 'A', signature: 's1', origin },
      { type: 'reasoning', text: '', data: 'd', origin },
      { type: 'reasoning', text: 'B', signature: 's2', origin },
      { type: 'text', text: 'C' },
    ]);
    expect(openaiChat.encodeResponse(answer, contextOf())).toMatchObject({
      choices: [{ message: { reasoning_content: 'AB', thinking_blocks: blocks } }],
    });
  });

  it('throws the error that came with status 200, and refuses what is no answer', () => {
    expect(() => decode({ error: { message: 'rate_limit hit', code: 429 } })).toThrow('rate_limit hit');
    expect(() => decode({ choices: [] })).toThrow('without any choices');
    expect(() => decode('text')).toThrow('not an object');
    expect(() => decode(null)).toThrow('not an object');
  });
});

describe('usage of a provider', () => {
  const counts = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  const counted: Usage = { inputTokens: 10, outputTokens: 5, source: 'provider' };

  it.each<[string, JsonObject, Partial<Usage>]>([
    ['DeepSeek', { prompt_cache_hit_tokens: 8, prompt_cache_miss_tokens: 2 }, { cacheReadTokens: 8 }],
    ['num_cached_tokens', { num_cached_tokens: 7 }, { cacheReadTokens: 7 }],
    ['Moonshot', { cached_tokens: 6 }, { cacheReadTokens: 6 }],
    [
      'Anthropic names',
      { cache_read_input_tokens: 4, cache_creation_input_tokens: 3 },
      { cacheReadTokens: 4, cacheWriteTokens: 3 },
    ],
    ['an hour of cache', { cache_creation: { ephemeral_1h_input_tokens: 2 } }, { cacheWrite1hTokens: 2 }],
    ['writes among the details', { prompt_tokens_details: { cache_write_tokens: 9 } }, { cacheWriteTokens: 9 }],
    ['reasoning at the top', { reasoning_tokens: 3 }, { reasoningTokens: 3 }],
    [
      'OpenRouter',
      { cost: 0.5, server_tool_use_details: { web_search_requests: 2 } },
      { reportedCostUsd: 0.5, webSearchRequests: 2 },
    ],
    ['Perplexity', { search_context_size: 'low', citation_tokens: 7 }, { searchContextSize: 'low', citationTokens: 7 }],
    ['Perplexity', { cost: { total_cost: 0.25 }, num_search_queries: 1 }, { reportedCostUsd: 0.25, webSearchRequests: 1 }],
    ['a tier', { service_tier: 'priority' }, { serviceTier: 'priority' }],
    ['null details', { prompt_tokens_details: null, completion_tokens_details: null }, {}],
  ])('is found in its place: %s', (_, figures, expected) => {
    expect(usageOf({ ...counts, ...figures })).toEqual({ ...counted, ...expected });
  });

  it('counts reasoning as output where the total says that it is missing (xAI)', () => {
    const figures = {
      prompt_tokens: 331,
      completion_tokens: 11,
      total_tokens: 674,
      completion_tokens_details: { reasoning_tokens: 332 },
    };

    expect(usageOf({ ...figures, cost_in_usd_ticks: 2_000_000 })).toMatchObject({ outputTokens: 343, reasoningTokens: 332 });
    expect(usageOf({ ...figures, cost_in_usd_ticks: 2_000_000 })?.reportedCostUsd).toBeCloseTo(0.0002, 12);
    expect(usageOf({ ...figures, total_tokens: 342 })).toMatchObject({ outputTokens: 11 });
  });

  it('is found beside the choice and in the fields of Groq and Venice', () => {
    const message = { role: 'assistant', content: 'x' };

    expect(decode({ choices: [{ index: 0, message, finish_reason: 'stop', usage: counts }] }).usage).toEqual(counted);
    expect(ofMessage({ content: 'x' }, { x_groq: { usage: counts } }).usage).toEqual(counted);
    expect(usageOf(counts, { cost: { usd: 0.125 } })).toEqual({ ...counted, reportedCostUsd: 0.125 });
    expect(usageOf({ total_tokens: 4 })).toBeUndefined();
  });

  it('has the total of its parts for the client', () => {
    // Prepare
    const usage: Usage = {
      inputTokens: 10,
      cacheWriteTokens: 6,
      cacheWrite1hTokens: 2,
      outputTokens: 4,
      webSearchRequests: 1,
      source: 'provider',
    };
    const response: GenerateResponse = { choices: [], usage };

    // Act
    const { usage: told } = openaiChat.encodeResponse(response, contextOf({ costOf: () => 0.5 }));

    // Assess
    expect(told).toEqual({
      prompt_tokens: 10,
      completion_tokens: 4,
      total_tokens: 14,
      prompt_tokens_details: { cache_write_tokens: 6 },
      cache_creation_input_tokens: 6,
      cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 2 },
      server_tool_use: { web_search_requests: 1 },
      cost: 0.5,
    });
  });
});

describe('an answer for a client', () => {
  const choiceOf = (parts: readonly Part[], finish: Choice['finish'], context = contextOf()) => {
    const { choices } = openaiChat.encodeResponse({ choices: [{ index: 0, parts, finish }] }, context);
    return Array.isArray(choices) ? (choices[0] as JsonObject) : {};
  };
  const call: Part = { type: 'tool-call', id: 'a', name: 'f', arguments: '' };

  it('has our id, time and model where the provider gave none', () => {
    expect(openaiChat.encodeResponse({ choices: [] }, contextOf())).toEqual({
      id: 'chatcmpl-ours',
      object: 'chat.completion',
      created: 1000,
      model: 'asked',
      choices: [],
    });
  });

  it('has empty text for nothing, null beside calls, {} for empty arguments', () => {
    expect(choiceOf([], 'length')).toEqual({
      index: 0,
      message: { role: 'assistant', content: '', refusal: null },
      logprobs: null,
      finish_reason: 'length',
    });
    expect(choiceOf([call], 'stop')).toMatchObject({
      message: { content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }] },
      finish_reason: 'tool_calls',
    });
  });

  it.each<[Choice['finish'], readonly Part[], string]>([
    ['tool-calls', [call], 'tool_calls'],
    ['content-filter', [], 'content_filter'],
    ['refusal', [], 'content_filter'],
    ['refusal', [{ type: 'refusal', text: 'No' }], 'stop'],
    ['pause', [], 'stop'],
    ['other', [call], 'tool_calls'],
  ])('ends %s as OpenAI says it', (finish, parts, word) => {
    expect(choiceOf(parts, finish).finish_reason).toBe(word);
  });

  it('speaks the deprecated functions to a client that offered them', () => {
    const context = contextOf({ extensions: { functions: [{ name: 'f' }] } });

    expect(choiceOf([call, call], 'tool-calls', context)).toMatchObject({
      message: { function_call: { name: 'f', arguments: '{}' } },
      finish_reason: 'function_call',
    });
    expect(context.warnings).toMatchObject([{ kind: 'dropped', field: 'choices[0].message.function_call' }]);
  });

  it('places citations by the text they belong to, and warns of blocks it cannot say', () => {
    // Prepare
    const context = contextOf();
    const origin = 'anthropic-messages';
    const parts: readonly Part[] = [
      { type: 'text', text: 'One. ' },
      { type: 'opaque', origin, value: { type: 'server_tool_use' } },
      {
        type: 'text',
        text: 'Two',
        citations: [
          { url: 'https://a.example', origin, raw: {} },
          { origin, raw: { type: 'page_location' } },
        ],
      },
      { type: 'image', source: { type: 'text', text: '' } },
      { type: 'audio', source: { type: 'url', url: 'https://a.example/a.wav' } },
    ];

    // Act
    const { message } = choiceOf(parts, 'stop', context);

    // Assess
    expect(message).toMatchObject({
      content: 'One. Two',
      annotations: [
        {
          type: 'url_citation',
          url_citation: { url: 'https://a.example', title: 'https://a.example', start_index: 5, end_index: 8 },
        },
      ],
      provider_specific_fields: { citations: [{ type: 'page_location' }] },
      images: [{ image_url: { url: '' } }],
      audio: { data: '', transcript: '' },
    });
    expect(context.warnings).toMatchObject([{ kind: 'dropped', field: 'choices[0].content[1]' }]);
  });

  it('is read back as the same answer, whatever it holds', () => {
    const text = fc.string({ minLength: 1 });
    const json = fc.jsonValue().map((value) => JSON.stringify({ value }));
    const reasoning: fc.Arbitrary<Part> = fc.oneof(
      fc.record({ type: fc.constant('reasoning' as const), text }),
      fc.record({
        type: fc.constant('reasoning' as const),
        text,
        signature: text,
        origin: fc.constant('anthropic-messages' as const),
      }),
    );
    const written: fc.Arbitrary<Part> = fc.record({ type: fc.constant('text' as const), text });
    const calls = fc.uniqueArray(
      fc.record({ type: fc.constant('tool-call' as const), id: text, name: text, arguments: json }),
      { selector: ({ id }) => id, maxLength: 3 },
    );
    const answers = fc
      .record({ thought: fc.option(reasoning), said: fc.option(written), calls, length: fc.boolean() })
      .map(({ thought, said, calls, length }): GenerateResponse => ({
        id: 'a',
        model: 'm',
        created: 7,
        choices: [
          {
            index: 0,
            parts: [...(thought === null ? [] : [thought]), ...(said === null ? [] : [said]), ...calls],
            finish: length ? 'length' : calls.length > 0 ? 'tool-calls' : 'stop',
          },
        ],
        usage: { inputTokens: 1, outputTokens: 2, source: 'provider' },
      }));

    fc.assert(
      fc.property(answers, (answer) => {
        const again = decode(JSON.parse(JSON.stringify(openaiChat.encodeResponse(answer, contextOf()))));
        expect({ ...again, choices: again.choices.map(withoutRaw) }).toEqual(answer);
      }),
    );
  });
});
