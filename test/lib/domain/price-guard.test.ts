import { describe, expect, it } from 'vitest';
import { lostPrice } from '../../../lib/domain/price-guard.ts';

const plain = { input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 };

describe('a price list in place of another', () => {
  it('loses nothing where prices rise, fall, come or stay free', () => {
    expect(lostPrice(plain, { input_cost_per_token: 5e-7, output_cost_per_token: 3e-6 })).toBeUndefined();
    expect(
      lostPrice(plain, { ...plain, cache_read_input_token_cost: 1e-7, input_cost_per_token_batches: 5e-7 }),
    ).toBeUndefined();
    const free = { ...plain, cache_creation_input_token_cost: 0 };
    expect(lostPrice(free, { ...free, input_cost_per_token: 2e-6 })).toBeUndefined();
    expect(lostPrice({}, plain)).toBeUndefined();
  });

  it.each([
    ['a plain price of zero', { ...plain, input_cost_per_token: 0 }],
    ['a tier of zero', { ...plain, input_cost_per_token_flex: 0 }],
    ['a batch of zero', { ...plain, output_cost_per_token_batches: 0 }],
    ['nothing above a threshold', { ...plain, input_cost_per_token_above_200k_tokens: 0 }],
    [
      'nothing in a range',
      { ...plain, tiered_pricing: [{ range: [0, 1000], input_cost_per_token: 0 }, { range: [1000, 2000] }] },
    ],
    ['a class of its own that is free', { ...plain, output_cost_per_reasoning_token: 0 }],
    ['a cache that is free to read', { ...plain, cache_read_input_token_cost: 0 }],
    ['a multiplier of zero', { ...plain, provider_specific_entry: { fast: 0 } }],
    ['a region of zero', { ...plain, regional_processing_uplift_multiplier_eu: 0 }],
    ['no price of output', { input_cost_per_token: 1e-6 }],
    ['no price at all', {}],
  ])('loses a price by %s', (_what, next) => {
    expect(lostPrice(plain, next)).toBeTypeOf('string');
  });

  it('loses the price of what is no token by a zero anywhere', () => {
    const image = { output_cost_per_image: 0.04, image_variants: { 'hd/1024-x-1024': { output_cost_per_image: 0.08 } } };
    expect(lostPrice(image, { ...image, output_cost_per_image: 0.03 })).toBeUndefined();
    expect(lostPrice(image, { ...image, image_variants: { '512-x-512': { output_cost_per_image: 0 } } })).toContain(
      '512-x-512',
    );
    const search = { ...plain, search_context_cost_per_query: { search_context_size_low: 0.01 } };
    expect(lostPrice(search, { ...plain, search_context_cost_per_query: { search_context_size_low: 0 } })).toContain('zero');
  });

  it('is not compared where it tells more apart than any real one', () => {
    const many = Object.fromEntries(
      Array.from({ length: 3_000 }, (_, at) => [`input_cost_per_token_above_${at + 1}k_tokens`, 1]),
    );
    expect(lostPrice(plain, { ...plain, ...many })).toContain('situations');
  });
});
