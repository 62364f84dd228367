import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../../lib/catalog/index.ts';
import { formatUsd } from '../../../lib/domain/money.ts';
import type { CatalogModel, PriceSheet } from '../../../lib/domain/price-types.ts';
import { adjustmentOf } from '../../../lib/domain/price-adjustment.ts';
import { affordableOutput, costOf, isPriced, mergeSheet, worstCase } from '../../../lib/domain/price.ts';
import type { Usage } from '../../../lib/kinds/usage.ts';

const catalog = createCatalog();

const sheet = (prices: Record<string, unknown>): PriceSheet => ({ source: 'catalog', version: 'test', prices });

async function sheetOf(provider: string, model: string): Promise<PriceSheet> {
  const found = mergeSheet(await catalog.find(provider, model), undefined);
  if (found === undefined) throw new Error(`${model} is not in the catalog`);
  return found;
}

const usage = (figures: Omit<Usage, 'source'>): Usage => ({ ...figures, source: 'provider' });

const usd = (cost: { readonly total: bigint }): string => formatUsd(cost.total);

describe('costOf, against figures worked out by hand', () => {
  it('stays within what can be stored whatever a provider claims', () => {
    const { total } = costOf(sheet({ input_cost_per_token: 1e-6 }), usage({ inputTokens: 1e300, outputTokens: -5 }));
    expect(total.toString().length).toBeLessThan(30);
  });

  it('prices what the provider bills, where it says so', async () => {
    const prices = sheet({ input_cost_per_token: 2e-6, output_cost_per_token: 4e-6, cache_read_input_token_cost: 1e-6 });
    const read = { inputTokens: 700, cacheReadTokens: 512, outputTokens: 33, reasoningTokens: 12 };
    expect(usd(costOf(prices, usage({ ...read, billedInputTokens: 40, billedOutputTokens: 20 })))).toBe('0.00016');
    expect(usd(costOf(prices, usage({ ...read, billedInputTokens: 40 })))).toBe('0.000212');
  });

  it('prices plain input and output', async () => {
    const cost = costOf(await sheetOf('openai', 'gpt-4o-mini'), usage({ inputTokens: 1000, outputTokens: 100 }));

    // 1000 * 0.15/M + 100 * 0.60/M
    expect(usd(cost)).toBe('0.00021');
    expect(cost.parts).toEqual({ input: 150_000_000n, output: 60_000_000n });
    expect(cost).toMatchObject({ source: 'catalog', version: 'litellm-2026-08-01' });
    expect(cost.rule).toBeUndefined();
  });

  it('takes cached tokens out of the input', async () => {
    const figures = usage({ inputTokens: 1000, cacheReadTokens: 600, outputTokens: 100 });

    const cost = costOf(await sheetOf('openai', 'gpt-4o-mini'), figures);

    // 400 * 0.15/M + 600 * 0.075/M + 100 * 0.60/M
    expect(usd(cost)).toBe('0.000165');
  });

  it('tells cache writes of five minutes from those of an hour', async () => {
    const figures = usage({
      inputTokens: 10_000,
      cacheReadTokens: 2000,
      cacheWriteTokens: 5000,
      cacheWrite1hTokens: 1000,
      outputTokens: 500,
    });

    const cost = costOf(await sheetOf('anthropic', 'claude-sonnet-4-5'), figures);

    expect(cost.parts).toEqual({
      input: 9_000_000_000n, // 3000 * 3/M
      cache_read: 600_000_000n, // 2000 * 0.30/M
      cache_write: 15_000_000_000n, // 4000 * 3.75/M
      cache_write_1h: 6_000_000_000n, // 1000 * 6/M
      output: 7_500_000_000n, // 500 * 15/M
    });
    expect(usd(cost)).toBe('0.0381');
  });

  it('re-prices the whole request above 200k input tokens, cache included', async () => {
    const figures = usage({
      inputTokens: 210_000,
      cacheReadTokens: 100_000,
      cacheWriteTokens: 50_000,
      cacheWrite1hTokens: 20_000,
      outputTokens: 1000,
    });

    const cost = costOf(await sheetOf('anthropic', 'claude-sonnet-4-5'), figures);

    // 60,000 * 6/M + 100,000 * 0.60/M + 30,000 * 7.50/M + 20,000 * 12/M + 1000 * 22.50/M
    expect(usd(cost)).toBe('0.9075');
    expect(cost.rule).toBe('above_200k_tokens');
  });

  it('crosses a threshold only above it', async () => {
    const gemini = await sheetOf('gemini', 'gemini-2.5-pro');

    expect(usd(costOf(gemini, usage({ inputTokens: 200_000, outputTokens: 10 })))).toBe('0.2501'); // 1.25/M and 10/M
    expect(usd(costOf(gemini, usage({ inputTokens: 200_001, outputTokens: 10 })))).toBe('0.5001525'); // 2.50/M and 15/M
  });

  it('knows the cache-hit price under its older name', async () => {
    const figures = usage({ inputTokens: 1000, cacheReadTokens: 900, outputTokens: 0 });
    const deepseek = await sheetOf('deepseek', 'deepseek-v3.2');

    const { prices } = deepseek;
    expect(prices['cache_read_input_token_cost']).toBeUndefined();
    expect([prices['input_cost_per_token'], prices['input_cost_per_token_cache_hit']]).toEqual([2.8e-7, 2.8e-8]);
    expect(usd(costOf(deepseek, figures))).toBe('0.0000532'); // 100 * 0.28/M + 900 * 0.028/M
  });

  it('prices reasoning as output where it has no price of its own', async () => {
    const cost = costOf(
      await sheetOf('openai', 'o3-mini'),
      usage({ inputTokens: 100, outputTokens: 900, reasoningTokens: 800 }),
    );

    expect(cost.parts).toEqual({ input: 110_000_000n, output: 440_000_000n, reasoning: 3_520_000_000n }); // 1.10/M, 4.40/M
  });

  it('prices reasoning on its own where the sheet does', async () => {
    const research = await sheetOf('perplexity', 'sonar-deep-research');

    const cost = costOf(research, usage({ inputTokens: 0, outputTokens: 1000, reasoningTokens: 400, webSearchRequests: 3 }));

    // 600 * 8/M + 400 * 3/M + 3 * 0.005
    expect(usd(cost)).toBe('0.021');
  });

  it('prices the whole request by the range its input falls into', async () => {
    const qwen = await sheetOf('dashscope', 'qwen3-coder-plus');

    expect(usd(costOf(qwen, usage({ inputTokens: 32_000, outputTokens: 1000 })))).toBe('0.037'); // 1/M and 5/M
    const second = costOf(qwen, usage({ inputTokens: 40_000, cacheReadTokens: 10_000, outputTokens: 1000 }));
    expect(usd(second)).toBe('0.0648'); // 30,000 * 1.80/M + 10,000 * 0.18/M + 1000 * 9/M
    expect(second.rule).toBe('range_32000_128000');
    expect(usd(costOf(qwen, usage({ inputTokens: 1_100_000, outputTokens: 0 })))).toBe('6.6'); // beyond the last range: 6/M
  });

  it('applies the prices of the service tier that served the call', async () => {
    const model = await sheetOf('openai', 'o3');
    const figures = { inputTokens: 1000, cacheReadTokens: 400, outputTokens: 100 };

    const cost = costOf(model, usage({ ...figures, serviceTier: 'priority' }));
    expect(usd(cost)).toBe('0.00385'); // 600 * 3.50/M + 400 * 0.875/M + 100 * 14/M
    expect(cost.rule).toBe('priority');
    expect(usd(costOf(model, usage({ ...figures, serviceTier: 'flex' })))).toBe('0.0011'); // 1/M, 0.25/M, 4/M
    expect(usd(costOf(model, usage({ ...figures, serviceTier: 'default' })))).toBe('0.0022'); // 2/M, 0.50/M, 8/M
  });

  it('uses the stated price of a tier above a threshold, and the proportion where none is stated', async () => {
    const figures = { inputTokens: 300_000, outputTokens: 1000 };

    const stated = costOf(await sheetOf('openai', 'gpt-5.6'), usage({ ...figures, serviceTier: 'flex' }));
    expect(usd(stated)).toBe('1.5225'); // 5/M and 22.50/M
    expect(stated.rule).toBe('above_272k_tokens_flex');
    // gpt-5.4: 5/M above 272k, and flex is half the plain 2.50/M; output 22.50/M * 7.50/15.
    expect(usd(costOf(await sheetOf('openai', 'gpt-5.4'), usage({ ...figures, serviceTier: 'flex' })))).toBe('0.76125');
  });

  it('moves a class without a price at the tier along with its side', async () => {
    const gemini = await sheetOf('gemini', 'gemini-3-flash-preview');

    const cost = costOf(gemini, usage({ inputTokens: 0, outputTokens: 1000, reasoningTokens: 1000, serviceTier: 'priority' }));

    expect(gemini.prices['output_cost_per_reasoning_token']).toBe(gemini.prices['output_cost_per_token']);
    expect(gemini.prices['output_cost_per_reasoning_token_priority']).toBeUndefined();
    expect(usd(cost)).toBe('0.0054'); // 5.40/M, as output_cost_per_token_priority says
  });

  it('prices audio apart from text', async () => {
    const figures = usage({ inputTokens: 1000, audioInputTokens: 600, outputTokens: 200, audioOutputTokens: 150 });

    const cost = costOf(await sheetOf('openai', 'gpt-4o-audio-preview'), figures);

    // 400 * 2.50/M + 600 * 40/M + 50 * 10/M + 150 * 80/M
    expect(usd(cost)).toBe('0.0375');
  });

  it('multiplies by the modifiers the provider knows', async () => {
    const opus = await sheetOf('anthropic', 'claude-opus-4-6');
    const figures = { inputTokens: 1000, outputTokens: 100 };

    const cost = costOf(opus, usage({ ...figures, modifiers: ['fast', 'us', 'unheard-of', 'constructor'] }));

    // (1000 * 5/M + 100 * 25/M) * 6 * 1.1
    expect(usd(cost)).toBe('0.0495');
    expect(cost.rule).toBe('fast_us');
  });

  it('adds the price of a call', async () => {
    const cost = costOf(await sheetOf('perplexity', 'pplx-70b-online'), usage({ inputTokens: 100, outputTokens: 100 }));

    expect(cost.parts).toEqual({ call: 5_000_000_000n, output: 280_000_000n });
  });
});

describe('costOf, for models that search at every call', () => {
  it('counts a search unless the provider reports how many', async () => {
    const sonar = await sheetOf('perplexity', 'sonar');

    // 100 * 1/M + 100 * 1/M, and a search of medium context at 0.008
    expect(usd(costOf(sonar, usage({ inputTokens: 100, outputTokens: 100 })))).toBe('0.0082');
    expect(usd(costOf(sonar, usage({ inputTokens: 100, outputTokens: 100, webSearchRequests: 2 })))).toBe('0.0162');
    expect(formatUsd(worstCase(sonar, { inputTokens: 100, outputTokens: 100 }))).toBe('0.0122');
  });
});

describe('costOf, with usage as providers send it', () => {
  const plain = sheet({ input_cost_per_token: 1e-6, output_cost_per_token: 2e-6, input_cost_per_audio_token: 5e-6 });

  it('never counts a token twice when cached tokens are audio as well', () => {
    const cost = costOf(plain, usage({ inputTokens: 100, cacheReadTokens: 80, audioInputTokens: 50 }));

    expect(cost.parts).toEqual({ cache_read: 80_000_000n, audio_input: 100_000_000n });
  });

  it('takes cached tokens and reasoning at their word when the total left them out', () => {
    const cost = costOf(plain, usage({ inputTokens: 10, cacheReadTokens: 80, outputTokens: 5, reasoningTokens: 50 }));

    expect(cost.parts).toEqual({ input: 10_000_000n, cache_read: 80_000_000n, output: 10_000_000n, reasoning: 100_000_000n });
  });

  it('counts nothing for figures that are no counts', () => {
    expect(costOf(plain, usage({ inputTokens: Number.NaN, outputTokens: -5 })).total).toBe(0n);
    expect(costOf(plain, { source: 'provider' })).toMatchObject({ total: 0n, parts: {} });
  });

  it('rounds once, up', () => {
    const tiny = sheet({ input_cost_per_token: 1e-13, output_cost_per_token: 1e-13 });

    expect(costOf(tiny, usage({ inputTokens: 3, outputTokens: 3 })).total).toBe(1n);
    expect(costOf(tiny, usage({ inputTokens: 10, outputTokens: 1 })).parts).toEqual({ input: 1n, output: 1n });
  });
});

describe('isPriced', () => {
  it('wants both token prices, or a price per call', () => {
    expect(isPriced(sheet({ input_cost_per_token: 0, output_cost_per_token: 0 }))).toBe(true);
    expect(isPriced(sheet({ input_cost_per_request: 0.01 }))).toBe(true);
    expect(isPriced(sheet({ input_cost_per_token: 1e-6 }))).toBe(false);
    expect(isPriced(sheet({ output_cost_per_image: 0.04 }))).toBe(false);
    expect(isPriced(sheet({ input_cost_per_token: -1, output_cost_per_token: '3' }))).toBe(false);
    expect(isPriced(sheet({}))).toBe(false);
  });

  it('wants them in every range', () => {
    const range = { range: [0, 10], input_cost_per_token: 1, output_cost_per_token: 1 };

    expect(isPriced(sheet({ tiered_pricing: [range] }))).toBe(true);
    expect(isPriced(sheet({ tiered_pricing: [range, { range: [10, 20], input_cost_per_token: 1 }] }))).toBe(false);
    expect(isPriced(sheet({ tiered_pricing: [{ max_results_range: [0, 25], input_cost_per_query: 1 }] }))).toBe(false);
  });
});

describe('mergeSheet', () => {
  const model: CatalogModel = {
    name: 'm',
    provider: 'p',
    version: 'litellm-2026-08-01',
    supports: {},
    prices: {
      input_cost_per_token: 1e-6,
      output_cost_per_token: 2e-6,
      tiered_pricing: [{ range: [0, 100], input_cost_per_token: 3e-6, output_cost_per_token: 4e-6 }],
    },
  };

  it('is undefined when nothing is known', () => {
    expect(mergeSheet(undefined, undefined)).toBeUndefined();
    expect(mergeSheet(undefined, {})).toBeUndefined();
  });

  it('keeps the catalog and its version without an override', () => {
    expect(mergeSheet(model, {})).toEqual({ source: 'catalog', version: 'litellm-2026-08-01', prices: model.prices });
  });

  it('lays the operator over the catalog field by field, in ranges too', () => {
    const merged = mergeSheet(model, { output_cost_per_token: 9e-6 });

    expect(merged).toMatchObject({ source: 'operator', version: 'operator' });
    const cost = costOf(merged ?? sheet({}), usage({ inputTokens: 1, outputTokens: 1 }));
    expect(cost.parts).toEqual({ input: 3_000_000n, output: 9_000_000n });
  });

  it('takes the operator alone where the catalog knows nothing', () => {
    expect(mergeSheet(undefined, { input_cost_per_token: 0 })?.prices).toEqual({ input_cost_per_token: 0 });
  });
});

/** Sheets with the price fields of the data in random company. */
const priceField = fc.constantFrom(
  ...[
    'input_cost_per_token',
    'output_cost_per_token',
    'cache_read_input_token_cost',
    'cache_creation_input_token_cost',
  ].flatMap((field) =>
    ['', '_above_200k_tokens', '_above_272k_tokens', '_priority', '_flex', '_batches', '_above_200k_tokens_priority'].map(
      (suffix) => field + suffix,
    ),
  ),
  'cache_creation_input_token_cost_above_1hr',
  'cache_creation_input_token_cost_above_1hr_above_200k_tokens',
  'cache_read_input_audio_token_cost',
  'input_cost_per_audio_token',
  'output_cost_per_reasoning_token',
  'output_cost_per_image_token',
  'output_cost_per_video_token',
  'input_cost_per_request',
);
const unitField = fc.constantFrom(
  'input_cost_per_query',
  'citation_cost_per_token',
  'input_cost_per_character',
  'output_cost_per_character',
  'input_cost_per_character_above_200k_tokens',
  'input_cost_per_second',
  'output_cost_per_second',
  'output_cost_per_second_1080p',
  'input_cost_per_audio_per_second',
  'input_cost_per_video_per_second',
  'input_cost_per_video_per_second_above_8s_interval',
  'input_cost_per_video_per_second_above_15s_interval',
  'output_cost_per_video_per_second',
  'input_cost_per_image',
  'output_cost_per_image',
  'input_cost_per_pixel',
  'ocr_cost_per_page',
  'ocr_cost_per_credit',
  'annotation_cost_per_page',
  'code_interpreter_cost_per_session',
  'file_search_cost_per_1k_calls',
  'vector_store_cost_per_gb_per_day',
  'computer_use_input_cost_per_1k_tokens',
);
const price = fc.integer({ min: 0, max: 5_000_000 }).map((millionths) => millionths / 1e11);
const unitPrice = fc.integer({ min: 0, max: 5_000 }).map((thousandths) => thousandths / 1e4);
const sizes = fc.record(
  { search_context_size_low: unitPrice, search_context_size_medium: unitPrice, search_context_size_high: unitPrice },
  { requiredKeys: [] },
);
const anyAdjustment = fc.option(
  fc
    .tuple(fc.constantFrom(0, 0.05, 0.333, 1), fc.constantFrom(0, 0.1, 2.5), fc.constantFrom(0, 0.001))
    .map(([discount, percentage, fixed_amount]) =>
      adjustmentOf({ discounts: { acme: discount }, margins: { global: { percentage, fixed_amount } } }, ['acme']),
    ),
  { nil: undefined },
);
const anySheet = fc
  .record({
    input: price,
    output: price,
    more: fc.dictionary(priceField, price),
    units: fc.dictionary(unitField, unitPrice),
    ranges: fc.option(fc.tuple(price, price, price, price)),
    searches: sizes,
    results: fc.option(fc.tuple(unitPrice, unitPrice)),
    variants: fc.option(fc.tuple(unitPrice, unitPrice)),
    adjustment: anyAdjustment,
  })
  .map(({ input, output, more, units, ranges, searches, results, variants, adjustment }): PriceSheet => {
    const tiers = [
      ...(ranges === null
        ? []
        : [
            { range: [0, 1000], input_cost_per_token: ranges[0], output_cost_per_token: ranges[1] },
            { range: [1000, 300_000], input_cost_per_token: ranges[2], output_cost_per_token: ranges[3] },
          ]),
      ...(results === null
        ? []
        : [
            { max_results_range: [0, 10], input_cost_per_query: results[0] },
            { max_results_range: [11, 20], input_cost_per_query: results[1] },
          ]),
    ];
    const prices = {
      input_cost_per_token: input,
      output_cost_per_token: output,
      provider_specific_entry: { fast: 2 },
      search_context_cost_per_query: searches,
      ...more,
      ...units,
      ...(tiers.length === 0 ? {} : { tiered_pricing: tiers }),
      ...(variants === null
        ? {}
        : {
            image_variants: {
              'hd/512-x-512': { input_cost_per_pixel: variants[0] / 512 ** 2 },
              'low/512-x-512': { output_cost_per_image: variants[1] },
            },
          }),
    };
    return { ...sheet(prices), ...(adjustment === undefined ? {} : { adjustment }) };
  });
const tier = fc.constantFrom('priority', 'flex', 'batch', 'default');
const share = fc.integer({ min: 0, max: 100 });
const part = (total: number, percent: number): number => Math.floor((total * percent) / 100);

/** What a bound may say of the units, counts and what prices depend on besides. */
const anyUnits = fc.record(
  {
    webSearchRequests: fc.nat(3),
    citationTokens: fc.nat(100_000),
    inputCharacters: fc.nat(10_000),
    outputCharacters: fc.nat(10_000),
    audioInputSeconds: fc.integer({ min: 0, max: 90_000 }).map((ms) => ms / 1000),
    audioOutputSeconds: fc.nat(90),
    videoInputSeconds: fc.nat(30),
    videoOutputSeconds: fc.nat(12),
    computeSeconds: fc.integer({ min: 0, max: 9_999 }).map((ms) => ms / 1000),
    inputImages: fc.nat(4),
    outputImages: fc.nat(4),
    pages: fc.nat(20),
    annotatedPages: fc.nat(20),
    credits: fc.nat(20),
    queries: fc.integer({ min: 1, max: 5 }),
    codeInterpreterSessions: fc.nat(2),
    fileSearchCalls: fc.nat(9),
    vectorStoreGbDays: fc.nat(9).map((tenths) => tenths / 10),
    computerUseInputTokens: fc.nat(5000),
  },
  { requiredKeys: [] },
);
const anyDetail = fc.record(
  {
    searchContextSize: fc.constantFrom('low', 'medium', 'high'),
    videoResolution: fc.constantFrom('720p', '1080p'),
    imageSize: fc.constantFrom('512x512', '1024x1024'),
    imageQuality: fc.constantFrom('low', 'hd'),
    searchResults: fc.constantFrom(5, 15, 30),
  },
  { requiredKeys: [] },
);

describe('worstCase', () => {
  it('is never below the cost of a usage within the bound', () => {
    fc.assert(
      fc.property(
        anySheet,
        fc.record({ inputTokens: fc.nat(400_000), outputTokens: fc.nat(50_000) }),
        anyUnits,
        anyDetail,
        tier,
        fc.boolean(),
        fc.array(share, { minLength: 10, maxLength: 10 }),
        fc.infiniteStream(fc.constantFrom<'all' | 'half' | 'none'>('all', 'half', 'none')),
        (sheet, tokens, units, detail, serviceTier, served, shares, takes) => {
          const [i = 0, o = 0, read = 0, write = 0, hour = 0, audio = 0, reasoning = 0, image = 0, heard = 0, video = 0] =
            shares;
          const inputTokens = part(tokens.inputTokens, i);
          const outputTokens = part(tokens.outputTokens, o);
          const cacheReadTokens = part(inputTokens, read);
          const cacheWriteTokens = part(inputTokens - cacheReadTokens, write);
          const usedUnits = Object.fromEntries(
            Object.entries(units).flatMap(([name, most]) => {
              const take = takes.next().value;
              return take === 'none' ? [] : [[name, take === 'all' ? most : Math.floor(most / 2)]];
            }),
          );
          const used = usage({
            inputTokens,
            outputTokens,
            cacheReadTokens,
            cacheReadAudioTokens: part(cacheReadTokens, heard),
            cacheWriteTokens,
            cacheWrite1hTokens: part(cacheWriteTokens, hour),
            audioInputTokens: part(inputTokens, audio),
            reasoningTokens: part(outputTokens, reasoning),
            imageOutputTokens: part(outputTokens, image),
            videoOutputTokens: part(outputTokens, video),
            ...usedUnits,
            ...detail,
            ...(served ? { serviceTier, modifiers: ['fast'] } : {}),
          });

          const most = worstCase(sheet, { ...tokens, units: { ...units, ...detail }, serviceTier, modifiers: ['fast'] });
          const cost = costOf(sheet, used);

          expect(cost.total).toBeLessThanOrEqual(most);
          expect(Object.values(cost.parts).reduce((sum, amount) => sum + amount, 0n)).toBe(cost.total);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('reckons with the dearest of what the bound leaves open', () => {
    const variants = { 'hd/512-x-512': { output_cost_per_image: 0.08 }, 'low/512-x-512': { output_cost_per_image: 0.01 } };
    const images = sheet({ image_variants: variants });
    const bound = { inputTokens: 0, outputTokens: 0 };

    expect(formatUsd(worstCase(images, { ...bound, units: { outputImages: 2 } }))).toBe('0.16');
    const low = { outputImages: 2, imageSize: '512x512', imageQuality: 'low' };
    expect(formatUsd(worstCase(images, { ...bound, units: low }))).toBe('0.02');
  });

  it('reckons with the dearest class, unless the request cannot use it', async () => {
    const claude = await sheetOf('anthropic', 'claude-sonnet-4-5');

    expect(worstCase(claude, { inputTokens: 1000, outputTokens: 100 })).toBe(7_500_000_000n); // 6/M, the hour's cache write
    expect(worstCase(claude, { inputTokens: 1000, outputTokens: 100, excluded: ['cache_write_1h'] })).toBe(5_250_000_000n);
  });

  it('reckons with a dearer range below the bound', () => {
    const odd = sheet({
      tiered_pricing: [
        { range: [0, 100], input_cost_per_token: 9e-6, output_cost_per_token: 1e-6 },
        { range: [100, 200], input_cost_per_token: 1e-6, output_cost_per_token: 1e-6 },
      ],
    });

    expect(worstCase(odd, { inputTokens: 150, outputTokens: 0 })).toBe(1_350_000_000n);
  });

  it('counts web searches at the dearest context size', async () => {
    const search = await sheetOf('openai', 'gpt-4o-search-preview');

    expect(worstCase(search, { inputTokens: 0, outputTokens: 0, units: { webSearchRequests: 2 } })).toBe(100_000_000_000n);
  });
});

describe('affordableOutput', () => {
  it('is the largest output whose worst case fits', () => {
    fc.assert(
      fc.property(
        anySheet,
        fc.nat(300_000),
        fc.bigInt(0n, 5n * 10n ** 12n),
        fc.integer({ min: 1, max: 4 }),
        tier,
        (sheet, inputTokens, headroom, choices, serviceTier) => {
          const tokens = affordableOutput(sheet, { inputTokens, headroom, choices, serviceTier });

          const costOfOutput = (each: number): bigint =>
            worstCase(sheet, { inputTokens, outputTokens: each * choices, serviceTier });
          if (tokens === Number.MAX_SAFE_INTEGER) expect(costOfOutput(1)).toBe(costOfOutput(0));
          else {
            if (tokens > 0) expect(costOfOutput(tokens)).toBeLessThanOrEqual(headroom);
            expect(costOfOutput(tokens + 1)).toBeGreaterThan(headroom);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is zero when the input alone is too dear, and unlimited when output is free', () => {
    const free = sheet({ input_cost_per_token: 1e-6, output_cost_per_token: 0 });

    expect(affordableOutput(free, { inputTokens: 1000, headroom: 999_999_999n })).toBe(0);
    expect(affordableOutput(free, { inputTokens: 1000, headroom: 1_000_000_000n })).toBe(Number.MAX_SAFE_INTEGER);
  });
});
