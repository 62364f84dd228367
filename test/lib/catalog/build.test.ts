import { describe, expect, it } from 'vitest';
import { buildCatalog } from '../../../lib/catalog/build.ts';

const meta = { upstream: 'a price list', snapshot: '2026-08-01' };
const build = (models: Record<string, Record<string, unknown>>): ReturnType<typeof buildCatalog> =>
  buildCatalog({ meta, models });

describe('buildCatalog', () => {
  it('keeps prices, limits and features, one model a line', () => {
    const { files, summary } = build({
      'acme/b': {
        provider: 'acme',
        mode: 'chat',
        max_input_tokens: 1000,
        max_output_tokens: 0,
        max_tokens: 500,
        input_cost_per_token: 1e-6,
        input_cost_per_token_above_200k_tokens: 2e-6,
        input_dbu_cost_per_token: 1e-5,
        search_context_cost_per_query: { search_context_size_low: 0.01 },
        web_search_billing_unit: 'per_query',
        provider_specific_entry: { fast: 2, schema: 'x' },
        supports_vision: false,
        deprecation_date: '2026-02-27',
        supported_regions: ['eu'],
      },
      'acme/a': { provider: 'acme', max_tokens: 500 },
    });

    expect(files.get('acme.json')?.split('\n')).toEqual([
      '{',
      '"acme/a":{"provider":"acme","maxOutputTokens":500,"supports":{},"prices":{}},',
      '"acme/b":{"provider":"acme","mode":"chat","maxInputTokens":1000,"supports":{"supports_vision":false},"prices":' +
        '{"input_cost_per_token":0.000001,"input_cost_per_token_above_200k_tokens":0.000002,' +
        '"search_context_cost_per_query":{"search_context_size_low":0.01},"web_search_billing_unit":"per_query",' +
        '"provider_specific_entry":{"fast":2}}}',
      '}',
      '',
    ]);
    expect(summary).toBe('litellm-2026-08-01: 2 models (1 with prices) in 1 shards, 1 KB');
  });

  it('gathers a provider under one shard', () => {
    const { files } = build({
      'gpt-4o': { provider: 'openai' },
      'davinci-002': { provider: 'text-completion-openai' },
      'gemini-2.5-pro': { provider: 'vertex_ai-language-models' },
      'vertex_ai/x': { provider: 'vertex_ai-anthropic_models' },
    });

    expect(JSON.parse(files.get('index.json') ?? '')).toEqual({
      version: 'litellm-2026-08-01',
      snapshot: '2026-08-01',
      source: 'a price list',
      shards: { openai: { models: 2, unprefixed: true }, vertex_ai: { models: 2, unprefixed: true } },
    });
  });

  it('gathers the prices of images at a size under the model they are of, which need not stand in the source itself', () => {
    const { files } = build({
      'hd/1024-x-1024/painter': { provider: 'acme', mode: 'image_generation', input_cost_per_pixel: 2e-8 },
      '512-x-512/max-steps/acme/diffuser': { provider: 'acme', output_cost_per_image: 0.04 },
      'acme/low/512-x-512/painter': { provider: 'acme', output_cost_per_image: 0.01 },
      painter: { provider: 'acme', output_cost_per_image: 0.02 },
    });

    const shard = JSON.parse(files.get('acme.json') ?? '') as Record<string, { prices: unknown }>;
    expect(shard['painter']?.prices).toEqual({
      output_cost_per_image: 0.02,
      image_variants: { 'hd/1024-x-1024': { input_cost_per_pixel: 2e-8 } },
    });
    expect(shard['acme/diffuser']?.prices).toEqual({
      image_variants: { '512-x-512/max-steps': { output_cost_per_image: 0.04 } },
    });
    expect(shard['acme/painter']?.prices).toEqual({ image_variants: { 'low/512-x-512': { output_cost_per_image: 0.01 } } });
  });

  it('adds the prices of the tools that OpenAI runs where the source has none', () => {
    const own = { search_context_size_low: 0.03 };
    const { files } = build({
      'openai/container': { provider: 'openai', mode: 'chat', code_interpreter_cost_per_session: 0.03 },
      'gpt-5': { provider: 'openai', mode: 'responses', input_cost_per_token: 1 },
      'gpt-4.1': { provider: 'openai', mode: 'chat', input_cost_per_token: 1 },
      'gpt-4o-search-preview': {
        provider: 'openai',
        mode: 'chat',
        input_cost_per_token: 1,
        search_context_cost_per_query: own,
      },
      'gpt-4o-search-preview-2025-03-11': { provider: 'openai', mode: 'chat', input_cost_per_token: 1 },
      'text-embedding-3-small': { provider: 'openai', mode: 'embedding', input_cost_per_token: 1 },
    });

    const shard = JSON.parse(files.get('openai.json') ?? '') as Record<string, { prices: Record<string, unknown> }>;
    const sizes = (price: number): object => ({
      search_context_size_low: price,
      search_context_size_medium: price,
      search_context_size_high: price,
    });
    expect(shard['gpt-5']?.prices).toEqual({
      input_cost_per_token: 1,
      search_context_cost_per_query: sizes(0.01),
      file_search_cost_per_1k_calls: 2.5,
      code_interpreter_cost_per_session: 0.03,
    });
    expect(shard['gpt-4.1']?.prices).toMatchObject({ search_context_cost_per_query: sizes(0.025) });
    const dated = shard['gpt-4o-search-preview-2025-03-11'];
    expect(dated?.prices).toMatchObject({ search_context_cost_per_query: own, searches_per_call: 1 });
    expect(shard['text-embedding-3-small']?.prices).toEqual({ input_cost_per_token: 1 });
  });

  it('refuses what is no price, limit or provider, and names each', () => {
    const act = (): unknown =>
      build({
        negative: { provider: 'acme', input_cost_per_token: -1 },
        nested: { provider: 'acme', tiered_pricing: [{ range: [0, null], input_cost_per_token: 1 }] },
        limit: { provider: 'acme', max_input_tokens: 'many' },
        path: { provider: '../etc', mode: 'chat' },
        nobody: {},
      });

    expect(act).toThrow(/5 faults/);
    for (const name of ['negative', 'nested', 'limit', 'path', 'nobody']) expect(act).toThrow(new RegExp(`\\n${name}: `));
  });
});
