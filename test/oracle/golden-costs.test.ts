/** What providers' own figures cost, worked out by hand: from a body as its API sends it, through our dialect and price engine. */
import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../lib/catalog/index.ts';
import { createDialects } from '../../lib/dialects/index.ts';
import { formatUsd } from '../../lib/domain/money.ts';
import type { DialectId } from '../../lib/kinds/generate.ts';
import type { JsonObject } from '../../lib/kinds/json.ts';
import { mergeUsage, type Usage } from '../../lib/kinds/usage.ts';
import { createTargets } from '../../lib/targets.ts';
import { aDeployment } from '../support/exchange.ts';

const dialects = createDialects();
const resolve = createTargets(createCatalog());

async function usageIn(dialect: DialectId, body: JsonObject): Promise<Usage> {
  const upstream = await dialects.loadUpstream(dialect);
  const usage = upstream
    .decodeResponse(body, {})
    .reduce<Usage | undefined>((known, event) => (event.type === 'usage' ? mergeUsage(known, event.usage) : known), undefined);
  if (usage === undefined) throw new Error('no usage');
  return usage;
}

async function costAt(provider: string, model: string, dialect: DialectId, body: JsonObject): Promise<string> {
  const target = await resolve(aDeployment({ id: provider, provider, model }), model);
  const cost = target.price?.(await usageIn(dialect, body));
  return cost === undefined ? 'unknown' : formatUsd(cost.total);
}

const chat = (usage: JsonObject, over: JsonObject = {}): JsonObject => ({
  id: 'c',
  object: 'chat.completion',
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
  usage,
  ...over,
});
const message = (usage: JsonObject): JsonObject => ({
  id: 'm',
  type: 'message',
  role: 'assistant',
  model: 'm',
  content: [{ type: 'text', text: 'x' }],
  stop_reason: 'end_turn',
  usage,
});
const response = (usage: JsonObject, output: readonly JsonObject[] = []): JsonObject => ({
  id: 'r',
  object: 'response',
  model: 'm',
  status: 'completed',
  output,
  usage,
});
const candidates = (usageMetadata: JsonObject, over: JsonObject = {}): JsonObject => ({
  candidates: [{ content: { role: 'model', parts: [{ text: 'x' }] }, finishReason: 'STOP', ...over }],
  modelVersion: 'gemini-2.5-flash',
  usageMetadata,
});
const converse = (usage: JsonObject): JsonObject => ({
  output: { message: { role: 'assistant', content: [{ text: 'x' }] } },
  stopReason: 'end_turn',
  usage,
});
const cohere = (usage: JsonObject): JsonObject => ({
  id: 'c',
  finish_reason: 'COMPLETE',
  message: { role: 'assistant', content: [{ type: 'text', text: 'x' }] },
  usage,
});

type Golden = readonly [what: string, provider: string, model: string, dialect: DialectId, body: JsonObject, usd: string];

const GOLDEN: readonly Golden[] = [
  [
    'OpenAI, a third of the prompt cached',
    'openai',
    'gpt-4o',
    'openai-chat',
    chat({
      prompt_tokens: 3072,
      completion_tokens: 200,
      total_tokens: 3272,
      prompt_tokens_details: { cached_tokens: 1024, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0 },
    }),
    '0.0084', // 2048 * 2.50/M + 1024 * 1.25/M + 200 * 10/M
  ],
  [
    'OpenAI, reasoning, at the flex tier',
    'openai',
    'o3',
    'openai-chat',
    chat(
      { prompt_tokens: 100, completion_tokens: 900, total_tokens: 1000, completion_tokens_details: { reasoning_tokens: 832 } },
      { service_tier: 'flex' },
    ),
    '0.0037', // 100 * 1/M + 900 * 4/M
  ],
  [
    'OpenAI Responses, two web searches',
    'openai',
    'gpt-4.1',
    'openai-responses',
    response(
      {
        input_tokens: 319,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 650,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 969,
      },
      [
        { type: 'web_search_call', id: 'w1', status: 'completed', action: { type: 'search', query: 'a' } },
        { type: 'web_search_call', id: 'w2', status: 'completed', action: { type: 'search', query: 'b' } },
      ],
    ),
    '0.055838', // 319 * 2/M + 650 * 8/M, and 2 * 0.025
  ],
  [
    'OpenAI, audio in and out',
    'openai',
    'gpt-4o-audio-preview',
    'openai-chat',
    chat({
      prompt_tokens: 120,
      completion_tokens: 250,
      total_tokens: 370,
      prompt_tokens_details: { audio_tokens: 100, cached_tokens: 0 },
      completion_tokens_details: { audio_tokens: 200, reasoning_tokens: 0 },
    }),
    '0.02055', // 20 * 2.50/M + 100 * 40/M + 50 * 10/M + 200 * 80/M
  ],
  [
    "Azure, by the name the operator gave the deployment's model",
    'azure',
    'gpt-5-nano',
    'openai-chat',
    chat({
      prompt_tokens: 8,
      completion_tokens: 271,
      total_tokens: 279,
      completion_tokens_details: { reasoning_tokens: 192 },
      prompt_tokens_details: { cached_tokens: 0 },
    }),
    '0.0001088', // 8 * 0.05/M + 271 * 0.40/M
  ],
  [
    'Anthropic, cache beside the input, of both lifetimes',
    'anthropic',
    'claude-sonnet-4-5',
    'anthropic-messages',
    message({
      input_tokens: 50,
      cache_read_input_tokens: 10_000,
      cache_creation_input_tokens: 3000,
      cache_creation: { ephemeral_5m_input_tokens: 1000, ephemeral_1h_input_tokens: 2000 },
      output_tokens: 100,
    }),
    '0.0204', // 50 * 3/M + 10,000 * 0.30/M + 1000 * 3.75/M + 2000 * 6/M + 100 * 15/M
  ],
  [
    'Anthropic, fast and in the US',
    'anthropic',
    'claude-opus-4-6',
    'anthropic-messages',
    message({ input_tokens: 1000, output_tokens: 100, speed: 'fast', inference_geo: 'us' }),
    '0.0495', // (1000 * 5/M + 100 * 25/M) * 6 * 1.1
  ],
  [
    'Anthropic, a batch',
    'anthropic',
    'claude-sonnet-4-5',
    'anthropic-messages',
    message({ input_tokens: 1000, output_tokens: 100, service_tier: 'batch' }),
    '0.00225', // half of 1000 * 3/M + 100 * 15/M
  ],
  [
    'Anthropic, three searches',
    'anthropic',
    'claude-sonnet-4-5',
    'anthropic-messages',
    message({ input_tokens: 1000, output_tokens: 100, server_tool_use: { web_search_requests: 3 } }),
    '0.0345', // 1000 * 3/M + 100 * 15/M + 3 * 0.01
  ],
  [
    'Bedrock Converse, cache beside the input',
    'bedrock',
    'us.anthropic.claude-sonnet-4-20250514-v1:0',
    'bedrock-converse',
    converse({ inputTokens: 43, outputTokens: 459, totalTokens: 2502, cacheReadInputTokens: 1500, cacheWriteInputTokens: 500 }),
    '0.009339', // 43 * 3/M + 1500 * 0.30/M + 500 * 3.75/M + 459 * 15/M
  ],
  [
    'Gemini, thoughts beside the output, audio, and a cache of both',
    'gemini',
    'gemini-2.5-flash',
    'gemini',
    candidates({
      promptTokenCount: 1000,
      cachedContentTokenCount: 600,
      candidatesTokenCount: 21,
      thoughtsTokenCount: 41,
      totalTokenCount: 1062,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 400 },
        { modality: 'AUDIO', tokenCount: 600 },
      ],
      cacheTokensDetails: [
        { modality: 'TEXT', tokenCount: 200 },
        { modality: 'AUDIO', tokenCount: 400 },
      ],
    }),
    '0.000461', // text 200 * 0.30/M, audio 200 * 1/M, cached 200 * 0.03/M and 400 * 0.10/M, 62 * 2.50/M
  ],
  [
    'Gemini, above 200k',
    'gemini',
    'gemini-2.5-pro',
    'gemini',
    candidates({ promptTokenCount: 200_001, candidatesTokenCount: 10, totalTokenCount: 200_011 }),
    '0.5001525', // 200,001 * 2.50/M + 10 * 15/M
  ],
  [
    'Vertex AI, at the priority tier',
    'vertex_ai',
    'gemini-3-flash-preview',
    'gemini',
    candidates({ promptTokenCount: 1000, candidatesTokenCount: 100, totalTokenCount: 1100, trafficType: 'ON_DEMAND_PRIORITY' }),
    '0.00144', // 1000 * 0.90/M + 100 * 5.40/M
  ],
  [
    'Mistral',
    'mistral',
    'mistral-large-2512',
    'openai-chat',
    chat({ prompt_tokens: 114, completion_tokens: 64, total_tokens: 178, prompt_tokens_details: { cached_tokens: 0 } }),
    '0.000153', // 114 * 0.50/M + 64 * 1.50/M
  ],
  [
    'Groq',
    'groq',
    'openai/gpt-oss-20b',
    'openai-chat',
    chat({
      prompt_tokens: 260,
      completion_tokens: 100,
      total_tokens: 360,
      completion_tokens_details: { reasoning_tokens: 70 },
    }),
    '0.0000495', // 260 * 0.075/M + 100 * 0.30/M
  ],
  [
    'Cohere, by what it bills, not by what it read',
    'cohere',
    'command-a-03-2025',
    'cohere-chat',
    cohere({
      billed_units: { input_tokens: 46, output_tokens: 14 },
      tokens: { input_tokens: 1445, output_tokens: 43 },
      cached_tokens: 992,
    }),
    '0.000255', // 46 * 2.50/M + 14 * 10/M
  ],
  [
    'DeepSeek, hits and misses',
    'deepseek',
    'deepseek-v4-flash',
    'openai-chat',
    chat({
      prompt_tokens: 433,
      completion_tokens: 104,
      total_tokens: 537,
      prompt_cache_hit_tokens: 384,
      prompt_cache_miss_tokens: 49,
      prompt_tokens_details: { cached_tokens: 384 },
    }),
    '0.0000370552', // 49 * 0.14/M + 384 * 0.0028/M + 104 * 0.28/M
  ],
  [
    'xAI, reasoning beside the completion',
    'xai',
    'grok-3-mini',
    'openai-chat',
    chat({
      prompt_tokens: 331,
      completion_tokens: 11,
      total_tokens: 674,
      prompt_tokens_details: { cached_tokens: 283 },
      completion_tokens_details: { reasoning_tokens: 332 },
    }),
    '0.000207125', // 48 * 0.30/M + 283 * 0.075/M + 343 * 0.50/M
  ],
  [
    'Perplexity, a search of low context',
    'perplexity',
    'sonar',
    'openai-chat',
    chat({ prompt_tokens: 15, completion_tokens: 3, total_tokens: 18, search_context_size: 'low' }),
    '0.005018', // 15 * 1/M + 3 * 1/M + 0.005
  ],
  [
    'Perplexity, deep research',
    'perplexity',
    'sonar-deep-research',
    'openai-chat',
    chat({
      prompt_tokens: 19,
      completion_tokens: 498,
      citation_tokens: 10_175,
      num_search_queries: 48,
      reasoning_tokens: 95_305,
      total_tokens: 517,
    }),
    '0.550287', // 19 * 2/M + 498 * 8/M + 95,305 * 3/M + 10,175 * 2/M + 48 * 0.005: reasoning stands beside the completion
  ],
  [
    'Together',
    'together_ai',
    'meta-llama/Meta-Llama-3.1-70B-Instruct-Turbo',
    'openai-chat',
    chat({ prompt_tokens: 333, completion_tokens: 17, total_tokens: 350 }),
    '0.000308', // 350 * 0.88/M
  ],
  [
    'Fireworks',
    'fireworks_ai',
    'accounts/fireworks/models/deepseek-v3p1',
    'openai-chat',
    chat({ prompt_tokens: 9, completion_tokens: 8, total_tokens: 17, prompt_tokens_details: { cached_tokens: 0 } }),
    '0.00001848', // 9 * 0.56/M + 8 * 1.68/M
  ],
  [
    'OpenRouter',
    'openrouter',
    'openai/gpt-4.1',
    'openai-chat',
    chat({ prompt_tokens: 43, completion_tokens: 13, total_tokens: 56, cost: 0.00019 }),
    '0.00019', // 43 * 2/M + 13 * 8/M, which is what it says itself
  ],
  [
    'DashScope, the range that the prompt falls into',
    'dashscope',
    'qwen3-coder-plus',
    'openai-chat',
    chat({
      prompt_tokens: 40_000,
      completion_tokens: 1000,
      total_tokens: 41_000,
      prompt_tokens_details: { cached_tokens: 10_000 },
    }),
    '0.0648', // 30,000 * 1.80/M + 10,000 * 0.18/M + 1000 * 9/M
  ],
  [
    'Databricks',
    'databricks',
    'databricks-claude-3-7-sonnet',
    'openai-chat',
    chat({ prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100 }),
    '0.004499992001', // 1000 * 2.9999900000000002/M + 100 * 15.00002/M, rounded up
  ],
];

describe('the cost of a recorded usage', () => {
  it.each(GOLDEN)('%s', async (_, provider, model, dialect, body, usd) => {
    expect(await costAt(provider, model, dialect, body)).toBe(usd.replace(/0+$/, ''));
  });
});
