import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../../lib/catalog/index.ts';
import { formatUsd } from '../../../lib/domain/money.ts';
import type { CatalogModel, PriceSheet } from '../../../lib/domain/price-types.ts';
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

    expect(cost.total).toBe(180_000_000n);
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
    ['', '_above_200k_tokens', '_above_272k_tokens', '_priority', '_flex', '_above_200k_tokens_priority'].map(
      (suffix) => field + suffix,
    ),
  ),
  'cache_creation_input_token_cost_above_1hr',
  'cache_creation_input_token_cost_above_1hr_above_200k_tokens',
  'input_cost_per_audio_token',
  'output_cost_per_reasoning_token',
  'output_cost_per_image_token',
  'input_cost_per_request',
);
const price = fc.integer({ min: 0, max: 5_000_000 }).map((millionths) => millionths / 1e11);
const anySheet = fc
  .tuple(price, price, fc.dictionary(priceField, price), fc.option(fc.tuple(price, price, price, price)))
  .map(([input, output, more, ranges]) =>
    sheet({
      input_cost_per_token: input,
      output_cost_per_token: output,
      provider_specific_entry: { fast: 2 },
      search_context_cost_per_query: { search_context_size_low: 0.01, search_context_size_medium: 0.02 },
      ...more,
      ...(ranges === null
        ? {}
        : {
            tiered_pricing: [
              { range: [0, 1000], input_cost_per_token: ranges[0], output_cost_per_token: ranges[1] },
              { range: [1000, 300_000], input_cost_per_token: ranges[2], output_cost_per_token: ranges[3] },
            ],
          }),
    }),
  );
const tier = fc.constantFrom('priority', 'flex', 'batch', 'default');
const share = fc.integer({ min: 0, max: 100 });
const part = (total: number, percent: number): number => Math.floor((total * percent) / 100);

describe('worstCase', () => {
  it('is never below the cost of a usage within the bound', () => {
    fc.assert(
      fc.property(
        anySheet,
        fc.record({ inputTokens: fc.nat(400_000), outputTokens: fc.nat(50_000), webSearch: fc.nat(3) }),
        tier,
        fc.boolean(),
        fc.tuple(share, share, share, share, share, share, share, share),
        (sheet, bound, serviceTier, served, [i, o, read, write, hour, audio, reasoning, image]) => {
          const inputTokens = part(bound.inputTokens, i);
          const outputTokens = part(bound.outputTokens, o);
          const cacheReadTokens = part(inputTokens, read);
          const cacheWriteTokens = part(inputTokens - cacheReadTokens, write);
          const used = usage({
            inputTokens,
            outputTokens,
            cacheReadTokens,
            cacheWriteTokens,
            cacheWrite1hTokens: part(cacheWriteTokens, hour),
            audioInputTokens: part(inputTokens, audio),
            reasoningTokens: part(outputTokens, reasoning),
            imageOutputTokens: part(outputTokens, image),
            webSearchRequests: bound.webSearch,
            ...(served ? { serviceTier, modifiers: ['fast'] } : {}),
          });

          const most = worstCase(sheet, { ...bound, serviceTier, modifiers: ['fast'] });
          const cost = costOf(sheet, used);

          expect(cost.total).toBeLessThanOrEqual(most);
          expect(Object.values(cost.parts).reduce((sum, amount) => sum + amount, 0n)).toBe(cost.total);
        },
      ),
      { numRuns: 1000 },
    );
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

    expect(worstCase(search, { inputTokens: 0, outputTokens: 0, webSearch: 2 })).toBe(100_000_000_000n);
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
