import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../../lib/catalog/index.ts';
import { formatUsd } from '../../../lib/domain/money.ts';
import type { PriceSheet } from '../../../lib/domain/price-types.ts';
import { costOf, isPriced, mergeSheet } from '../../../lib/domain/price.ts';
import type { Usage } from '../../../lib/kinds/usage.ts';

const catalog = createCatalog();

async function sheetOf(provider: string, model: string): Promise<PriceSheet> {
  const found = mergeSheet(await catalog.find(provider, model), undefined);
  if (found === undefined) throw new Error(`${model} is not in the catalog`);
  return found;
}

const cost = (sheet: PriceSheet, figures: Omit<Usage, 'source'>): string =>
  formatUsd(costOf(sheet, { ...figures, source: 'provider' }).total);

const sheet = (prices: Record<string, unknown>): PriceSheet => ({ source: 'catalog', version: 'test', prices });

describe('units, against figures worked out by hand', () => {
  it.each<[provider: string, model: string, figures: Omit<Usage, 'source'>, usd: string]>([
    ['openai', 'whisper-1', { audioInputSeconds: 90.5 }, '0.00905'], // 90.5 * 0.0001, stated as input and as output
    ['deepgram', 'nova-3', { audioInputSeconds: 60 }, '0.0043002'], // 60 * 0.00007167; its output costs nothing
    ['openai', 'tts-1', { inputCharacters: 1000 }, '0.015'], // 15/M
    ['openai', 'gpt-4o-mini-tts', { audioOutputSeconds: 60 }, '0.015'], // 60 * 0.00025
    ['openai', 'gpt-4o-mini-tts', { audioOutputSeconds: 60, outputTokens: 1000, audioOutputTokens: 1000 }, '0.012'], // 12/M, once
    ['gemini', 'veo-3.1-lite-generate-preview', { videoOutputSeconds: 8, videoResolution: '720p' }, '0.4'], // 0.05
    ['gemini', 'veo-3.1-lite-generate-preview', { videoOutputSeconds: 8, videoResolution: '1080p' }, '0.64'], // 0.08
    ['gemini', 'veo-3.1-lite-generate-preview', { videoOutputSeconds: 8 }, '0.64'],
    ['azure', 'sora-2', { videoOutputSeconds: 4 }, '0.4'],
    ['mistral', 'mistral-ocr-2505-completion', { pages: 3, annotatedPages: 1 }, '0.006'], // 3 * 0.001 + 0.003
    ['reducto', 'parse-v3', { pages: 4, credits: 4 }, '0.06'], // 0.015 a credit
    ['cohere', 'rerank-v3.5', { queries: 2 }, '0.004'],
    ['cohere', 'rerank-v3.5', {}, '0.002'], // a call is a query unless the provider says more
    ['exa_ai', 'search', { queries: 1, searchResults: 10 }, '0.005'],
    ['exa_ai', 'search', { queries: 1, searchResults: 26 }, '0.025'],
    ['exa_ai', 'search', { queries: 1 }, '0.025'],
    ['vertex_ai', 'multimodalembedding', { videoInputSeconds: 8 }, '0.004'], // 0.0005
    ['vertex_ai', 'multimodalembedding', { videoInputSeconds: 10 }, '0.01'], // 0.001
    ['vertex_ai', 'multimodalembedding', { videoInputSeconds: 20 }, '0.04'], // 0.002
    ['vertex_ai', 'multimodalembedding', { inputImages: 2, inputTokens: 100, inputCharacters: 400 }, '0.00028'], // 0.0001, 0.80/M
    ['perplexity', 'sonar-deep-research', { citationTokens: 1000, webSearchRequests: 0 }, '0.002'],
    ['openai', 'container', { codeInterpreterSessions: 2 }, '0.06'],
  ])('%s %s: %o costs %s', async (provider, model, figures, usd) => {
    expect(cost(await sheetOf(provider, model), figures)).toBe(usd);
  });

  it('prices an image by quality and size', async () => {
    const dalle = await sheetOf('openai', 'dall-e-3');

    // 1024 * 1792 pixels at 6.539e-8, twice
    expect(cost(dalle, { outputImages: 2, imageSize: '1024x1792', imageQuality: 'hd' })).toBe('0.23998234624');
    // 1024 * 1024 at 3.81469e-8 is 0.0399999238144, rounded up to 1e-12
    expect(cost(dalle, { outputImages: 1, imageSize: '1024x1024', imageQuality: 'standard' })).toBe('0.039999923815');
    expect(cost(dalle, { outputImages: 1, imageSize: '300x300' })).toBe('0.04'); // nothing of its size: the plain price
  });

  it('takes the dearest image where its quality is not told', async () => {
    const image = await sheetOf('openai', 'gpt-image-1');

    expect(cost(image, { outputImages: 1, imageSize: '1024x1536', imageQuality: 'low' })).toBe('0.016');
    expect(cost(image, { outputImages: 1, imageSize: '1024x1536', imageQuality: 'auto' })).toBe('0.25');
    expect(cost(image, { outputImages: 1, imageSize: '1024x1536' })).toBe('0.25');
  });

  it('prices images in tokens where the provider counts those', async () => {
    const image = await sheetOf('openai', 'gpt-image-1');

    const figures = { inputTokens: 100, outputTokens: 1000, imageOutputTokens: 1000, outputImages: 1, imageQuality: 'high' };
    expect(cost(image, figures)).toBe('0.0405'); // 100 * 5/M + 1000 * 40/M
  });

  it('tells images by their diffusion steps', async () => {
    const diffusion = await sheetOf('bedrock', 'stability.stable-diffusion-xl-v1');

    expect(cost(diffusion, { outputImages: 1, imageSize: '1024x1024', imageSteps: 50 })).toBe('0.04');
    expect(cost(diffusion, { outputImages: 1, imageSize: '1024x1024', imageSteps: 51 })).toBe('0.08');
    const older = await sheetOf('bedrock', 'stability.stable-diffusion-xl-v0');
    expect(cost(older, { outputImages: 1, imageSize: '768x768', imageSteps: 30 })).toBe('0.036'); // larger than 512x512
  });

  it('does not charge an image that is edited as one that is made', async () => {
    expect(cost(await sheetOf('openai', 'dall-e-2'), { inputImages: 1, outputImages: 1, imageSize: '300x300' })).toBe('0.02');
  });

  it('prices a search by its context size, and by the default size where none is told', async () => {
    const search = await sheetOf('openai', 'gpt-4o-search-preview');
    const none = { inputTokens: 0, outputTokens: 0, webSearchRequests: 1 };

    expect(cost(search, { ...none, searchContextSize: 'low' })).toBe('0.03');
    expect(cost(search, none)).toBe('0.035');
    expect(cost(search, { ...none, searchContextSize: 'high' })).toBe('0.05');
  });

  it('names the tools that were used and have no price, and only those', () => {
    const tokens = { input_cost_per_token: 1e-6, output_cost_per_token: 1e-6, code_interpreter_cost_per_session: 0 };
    const used: Usage = {
      inputTokens: 1,
      webSearchRequests: 2,
      fileSearchCalls: 0,
      codeInterpreterSessions: 1,
      source: 'provider',
    };

    expect(costOf(sheet(tokens), used).unpriced).toEqual(['web_search']);
    expect(costOf(sheet(tokens), { inputTokens: 1, source: 'provider' })).not.toHaveProperty('unpriced');
  });

  it('prices what an operator states for tools and storage', () => {
    const tools = sheet({
      file_search_cost_per_1k_calls: 2.5,
      file_search_cost_per_gb_per_day: 0.1,
      vector_store_cost_per_gb_per_day: 0.1,
      computer_use_input_cost_per_1k_tokens: 0.003,
      computer_use_output_cost_per_1k_tokens: 0.012,
    });

    expect(cost(tools, { fileSearchCalls: 3 })).toBe('0.0075');
    expect(cost(tools, { fileSearchGbDays: 0.25, vectorStoreGbDays: 1.5 })).toBe('0.175');
    expect(cost(tools, { computerUseInputTokens: 500, computerUseOutputTokens: 250 })).toBe('0.0045');
  });

  it('prices rented time where there is no price of tokens', () => {
    expect(cost(sheet({ input_cost_per_second: 0.00042 }), { computeSeconds: 2.5, inputTokens: 10 })).toBe('0.00105');
    expect(cost(sheet({ input_cost_per_second: 0.001, output_cost_per_second: 0.001 }), { computeSeconds: 2 })).toBe('0.002');
    expect(cost(sheet({ input_cost_per_second: 0.001, output_cost_per_second: 0.002 }), { computeSeconds: 2 })).toBe('0.006');
    const both = sheet({ input_cost_per_second: 1, input_cost_per_token: 1e-6 });
    expect(cost(both, { computeSeconds: 2, inputTokens: 10 })).toBe('0.00001');
  });

  it('prices cached audio apart, and in proportion where no price is stated', async () => {
    const figures = { inputTokens: 1000, cacheReadTokens: 800, cacheReadAudioTokens: 500, audioInputTokens: 600 };

    // 100 text at 4/M, 300 cached text and 500 cached audio at 0.40/M, 100 audio at 32/M
    expect(cost(await sheetOf('openai', 'gpt-realtime'), figures)).toBe('0.00392');
    // gemini-2.5-flash: text 0.30/M, cached a tenth of it, audio 1/M: cached audio a tenth of that
    expect(cost(await sheetOf('gemini', 'gemini-2.5-flash'), { ...figures, outputTokens: 0 })).toBe('0.000189');
  });

  it('halves a batch where batches have no price of their own', async () => {
    const figures = { inputTokens: 1000, outputTokens: 100 };

    const claude = costOf(await sheetOf('anthropic', 'claude-sonnet-4-5'), {
      ...figures,
      serviceTier: 'batch',
      source: 'provider',
    });
    expect([formatUsd(claude.total), claude.rule]).toEqual(['0.00225', 'half_batch']); // half of 3/M and 15/M
    expect(cost(await sheetOf('openai', 'gpt-4o-mini'), { ...figures, serviceTier: 'batch' })).toBe('0.000105'); // as stated
  });
});

describe('isPriced, by kind', () => {
  it.each([
    ['image', { output_cost_per_image: 0.04 }],
    ['image', { image_variants: {} }],
    ['speech', { input_cost_per_character: 1e-6 }],
    ['transcribe', { output_cost_per_second: 0 }],
    ['rerank', { input_cost_per_query: 0.002 }],
    ['search', { tiered_pricing: [{ max_results_range: [0, 25], input_cost_per_query: 0.005 }] }],
    ['ocr', { ocr_cost_per_credit: 0.015 }],
    ['video', { output_cost_per_second_1080p: 0.08 }],
    ['embed', { input_cost_per_token: 1e-7 }],
  ] as const)('%s: %o is a price', (kind, prices) => {
    expect(isPriced(sheet(prices), kind)).toBe(true);
    expect(isPriced(sheet(prices), kind === 'ocr' ? 'speech' : 'ocr')).toBe(false);
  });

  it('knows no price of a kind in that of another', () => {
    expect(isPriced(sheet({ ocr_cost_per_page: 0.001 }), 'image')).toBe(false);
    expect(isPriced(sheet({ input_cost_per_character: '3' }), 'speech')).toBe(false);
  });
});
