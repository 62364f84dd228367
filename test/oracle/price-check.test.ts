import { readFileSync } from 'node:fs';
import { calcPrice, type ModelPrice, type Provider, TieredPrices } from '@pydantic/genai-prices';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../lib/catalog/index.ts';
import type { PriceSheet } from '../../lib/domain/price-types.ts';
import { costOf, isPriced } from '../../lib/domain/price.ts';
import { compare, PAGE, pageOf } from './price-check.ts';

describe('the catalog beside another price list', async () => {
  const comparison = await compare();

  it('differs nowhere without a reason', () => {
    const unexplained = comparison.differences
      .filter(({ reason }) => reason === undefined)
      .map(({ model, probe, ours, theirs }) => `${model}, ${probe}: ${ours} here, ${theirs} there`);

    expect(unexplained).toEqual([]);
    expect(comparison.models).toBeGreaterThan(500);
  });

  it('needs every reason that is given', () => {
    expect(comparison.idle).toEqual([]);
  });

  it('is told on a page that is up to date (node test/oracle/price-check.ts --write)', () => {
    expect(readFileSync(new URL(`../../${PAGE}`, import.meta.url), 'utf8')).toBe(pageOf(comparison));
  });
});

/** Our fields by the oracle's, where both mean the same. */
const FIELDS: readonly (readonly [ours: string, theirs: string])[] = [
  ['input_cost_per_token', 'input_mtok'],
  ['output_cost_per_token', 'output_mtok'],
  ['cache_read_input_token_cost', 'cache_read_mtok'],
  ['cache_creation_input_token_cost', 'cache_write_mtok'],
  ['cache_creation_input_token_cost_above_1hr', 'cache_write_1h_mtok'],
  ['input_cost_per_audio_token', 'input_audio_mtok'],
  ['output_cost_per_audio_token', 'output_audio_mtok'],
];

const MILLION = 1_000_000;

/** A sheet in the oracle's form; undefined where a threshold re-prices one class and leaves another to us to guess. */
function translated({ prices }: PriceSheet): ModelPrice | undefined {
  const thresholds = [...new Set(Object.keys(prices).flatMap((name) => /_above_(\d+)k_tokens$/.exec(name)?.[1] ?? []))].map(
    Number,
  );
  const found: Record<string, number | TieredPrices> = {};
  for (const [ours, theirs] of FIELDS) {
    const base = prices[ours];
    if (typeof base !== 'number') continue;
    const tiers = thresholds
      .toSorted((a, b) => a - b)
      .map((thousands) => ({
        start: thousands * 1000,
        price: (prices[`${ours}_above_${thousands}k_tokens`] as number) * MILLION,
      }));
    if (tiers.some(({ price }) => Number.isNaN(price))) return undefined;
    found[theirs] = tiers.length === 0 ? base * MILLION : new TieredPrices({ base: base * MILLION, tiers });
  }
  const [input, read, audio] = [found['input_mtok'], found['cache_read_mtok'], found['input_audio_mtok']];
  if (read === undefined || audio === undefined) return found;
  // The oracle wants a price of cached audio then. Ours is the stated one, or the audio price in the proportion of cached text to text.
  const own = prices['cache_read_input_audio_token_cost'] ?? prices['cache_creation_input_audio_token_cost'];
  if (typeof own === 'number') return { ...found, cache_audio_read_mtok: own * MILLION };
  if (typeof input !== 'number' || typeof read !== 'number' || typeof audio !== 'number' || input === 0) return undefined;
  return { ...found, cache_audio_read_mtok: (audio * read) / input };
}

describe('the engine beside another engine', () => {
  it('comes to the same cost from the same prices, whatever the usage', async () => {
    const sheets = (await createCatalog().list())
      .map((model): PriceSheet => ({ source: 'catalog', version: 'x', prices: model.prices }))
      .filter((sheet) => isPriced(sheet) && !('tiered_pricing' in sheet.prices) && !('searches_per_call' in sheet.prices))
      .filter(({ prices }) => !Object.keys(prices).some((name) => /^input_cost_per_(request|query)/.test(name)))
      .flatMap((sheet) => {
        const prices = translated(sheet);
        return prices === undefined ? [] : [{ sheet, prices }];
      });
    expect(sheets.length).toBeGreaterThan(1500);

    const share = fc.integer({ min: 0, max: 100 });
    fc.assert(
      fc.property(
        fc.constantFrom(...sheets),
        fc.nat(600_000),
        fc.nat(50_000),
        fc.tuple(share, share, share, share, share),
        ({ sheet, prices }, inputTokens, outputTokens, [read, write, hour, heard, spoken]) => {
          const part = (total: number, percent: number): number => Math.floor((total * percent) / 100);
          const cacheReadTokens = 'cache_read_mtok' in prices ? part(inputTokens, read) : 0;
          const cacheWriteTokens = 'cache_write_mtok' in prices ? part(inputTokens - cacheReadTokens, write) : 0;
          const cacheWrite1hTokens = 'cache_write_1h_mtok' in prices ? part(cacheWriteTokens, hour) : 0;
          const rest = inputTokens - cacheReadTokens - cacheWriteTokens;
          const cacheReadAudioTokens = 'cache_audio_read_mtok' in prices ? part(cacheReadTokens, heard) : 0;
          const audioInputTokens = cacheReadAudioTokens + ('input_audio_mtok' in prices ? part(rest, spoken) : 0);
          const audioOutputTokens = 'output_audio_mtok' in prices ? part(outputTokens, spoken) : 0;
          const provider: Provider = {
            id: 'x',
            name: 'x',
            api_pattern: 'x',
            models: [{ id: 'm', match: { equals: 'm' }, prices }],
          };

          const theirs = calcPrice(
            {
              input_tokens: inputTokens,
              output_tokens: outputTokens,
              cache_read_tokens: cacheReadTokens,
              cache_audio_read_tokens: cacheReadAudioTokens,
              cache_write_tokens: cacheWriteTokens,
              cache_write_1h_tokens: cacheWrite1hTokens,
              input_audio_tokens: audioInputTokens,
              output_audio_tokens: audioOutputTokens,
            },
            'm',
            { provider },
          )?.total_price;
          const ours = costOf(sheet, {
            inputTokens,
            outputTokens,
            cacheReadTokens,
            cacheReadAudioTokens,
            cacheWriteTokens,
            cacheWrite1hTokens,
            audioInputTokens,
            audioOutputTokens,
            source: 'provider',
          });

          const tolerance = 1e-12 + 1e-12 * (theirs ?? 0);
          expect(Math.abs(Number(ours.total) / 1e12 - (theirs ?? Number.NaN))).toBeLessThanOrEqual(tolerance * 10);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
