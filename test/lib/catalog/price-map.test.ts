import { describe, expect, it } from 'vitest';
import { createCatalog, createLiveCatalog } from '../../../lib/catalog/index.ts';
import { NoPriceMap, readPriceMap, type PriceMapReading } from '../../../lib/catalog/price-map.ts';
import { aMap, anEntry } from '../../support/price-map.ts';

const bundled = createCatalog();
const read = (map: unknown): Promise<PriceMapReading> => readPriceMap(Buffer.from(JSON.stringify(map)), bundled);
/** The catalog with a map over it. */
async function over(map: unknown) {
  const catalog = createLiveCatalog();
  const reading = await read(map);
  catalog.adopt(reading);
  return { catalog, reading };
}

describe('a price map', () => {
  it('brings new models and changed prices, and a version that is of its bytes', async () => {
    const { catalog, reading } = await over(aMap);
    expect(reading).toMatchObject({ models: 2, added: 1, changed: 1, refused: [], bundle: bundled.version });
    expect(reading.version).toMatch(/^map-[0-9a-f]{16}$/);
    expect((await read({ ...aMap, more: anEntry({ input_cost_per_token: 1 }) })).version).not.toBe(reading.version);
    expect(catalog.size).toBe(bundled.size + 1);
    expect(await catalog.find('openai', 'gpt-of-tomorrow')).toMatchObject({
      version: reading.version,
      maxInputTokens: 1000,
      prices: { input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 },
    });
  });

  it('leaves as bundled what it does not say: models, fields, limits and abilities', async () => {
    const before = await bundled.find('openai', 'gpt-4o-mini');
    const { catalog, reading } = await over(aMap);
    expect(await catalog.find('openai', 'gpt-4o-mini')).toEqual({
      ...before,
      version: reading.version,
      prices: { ...before?.prices, input_cost_per_token: 3e-7 },
    });
    expect(await catalog.find('openai', 'gpt-4o')).toEqual(await bundled.find('openai', 'gpt-4o'));
    expect(await catalog.find('anthropic', 'claude-sonnet-4-5')).toEqual(await bundled.find('anthropic', 'claude-sonnet-4-5'));
    catalog.adopt(undefined);
    expect(await catalog.find('openai', 'gpt-4o-mini')).toEqual(before);
  });

  it('keeps what is read by an earlier table as it was', async () => {
    const { catalog } = await over(aMap);
    const table = catalog.table();
    catalog.adopt(undefined);
    expect(await table.find('openai', 'gpt-of-tomorrow')).toBeDefined();
    expect(await catalog.find('openai', 'gpt-of-tomorrow')).toBeUndefined();
  });

  it('may have providers that the release has not', async () => {
    const { catalog } = await over({ 'acme/one': anEntry({ input_cost_per_token: 1 }, { litellm_provider: 'acme' }) });
    expect(await catalog.find('acme', 'one')).toMatchObject({ provider: 'acme' });
    expect(await catalog.named('acme/one')).toMatchObject({ provider: 'acme' });
  });

  it.each([
    ['is negative', { 'gpt-4o': anEntry({ input_cost_per_token: -1 }) }],
    ['is a text', { 'gpt-4o': anEntry({ input_cost_per_token: '0.000001' }) }],
    ['is beyond all measure', { 'gpt-4o': anEntry({ input_cost_per_token: 1e9 }) }],
    ['is zero', { 'gpt-4o': anEntry({ input_cost_per_token: 0 }) }],
    ['is zero under a longer name', { 'gpt-4o-2030-01-01': anEntry({ input_cost_per_token: 0, output_cost_per_token: 0 }) }],
    ['is zero of a model that nobody knows', { 'gpt-unheard': anEntry({ input_cost_per_token: 0, output_cost_per_token: 0 }) }],
    ['is zero for one side of it', { 'gpt-unheard': anEntry({ input_cost_per_token: 1, output_cost_per_token: 0 }) }],
    [
      'is zero for a tier of it',
      { 'gpt-unheard': anEntry({ input_cost_per_token: 1, output_cost_per_token: 1, output_cost_per_token_flex: 0 }) },
    ],
    [
      'is zero under a name with a place',
      {
        'ap.anthropic.claude-3-haiku-20240307-v1:0': anEntry(
          { input_cost_per_token: 0, output_cost_per_token: 0 },
          { litellm_provider: 'bedrock' },
        ),
      },
    ],
    ['is missing under a longer name', { 'gpt-4o-2030-01-01': anEntry({}) }],
    ['is of another provider', { 'gpt-4o': anEntry({ input_cost_per_token: 1 }, { litellm_provider: 'ai21' }) }],
    ['has no provider', { 'gpt-4o': anEntry({ input_cost_per_token: 1 }, { litellm_provider: undefined }) }],
    ['lies deeper than any', { 'gpt-4o': anEntry({ tiered_pricing: [[[[[[[1]]]]]]] }) }],
    ['is in a row too large', { 'gpt-4o': anEntry({ input_cost_per_token: 1, [`supports_${'x'.repeat(40_000)}`]: true }) }],
  ])('is not taken where a price %s: that is said, and the bundled one stays', async (_what, row) => {
    const { catalog, reading } = await over({ ...aMap, ...row });
    const [name = ''] = Object.keys(row);
    expect(reading.refused.map(({ model }) => model)).toEqual([name]);
    for (const provider of ['openai', 'bedrock']) {
      expect(await catalog.find(provider, name)).toEqual(await bundled.find(provider, name));
    }
    expect(await catalog.find('openai', 'gpt-of-tomorrow')).toBeDefined();
  });

  it('may say that caches are free of a new model, and that embeddings write nothing', async () => {
    const { reading } = await over({
      cached: anEntry({ input_cost_per_token: 1, output_cost_per_token: 1, cache_creation_input_token_cost: 0 }),
      embedding: anEntry({ input_cost_per_token: 1, output_cost_per_token: 0 }, { mode: 'embedding' }),
    });
    expect(reading).toMatchObject({ added: 2, refused: [] });
  });

  it('makes nothing free that the release knows without a price', async () => {
    const index = { version: 'v', snapshot: '', source: '', shards: { openai: { models: 1, unprefixed: true } } };
    const load = async () => ({ known: { provider: 'openai', mode: 'chat', supports: {}, prices: {} } });
    const map = { known: anEntry({ input_cost_per_token: 0, output_cost_per_token: 0 }), ...aMap };
    const { refused } = await readPriceMap(Buffer.from(JSON.stringify(map)), createCatalog({ index, load }));
    expect(refused.map(({ model }) => model)).toContain('known');
  });

  it.each([
    ['no JSON', '<html>'],
    ['a list', []],
    ['a text', 'x'],
    ['empty', {}],
    ['an error', { error: { message: 'rate limited' } }],
    ['values that are no objects', { 'gpt-4o': 1 }],
    [
      'mostly unreadable',
      { a: anEntry({ input_cost_per_token: -1 }), b: anEntry({ input_cost_per_token: '1' }), ...aMap, sample_spec: {}, c: {} },
    ],
    [
      'too long',
      Object.fromEntries(
        Array.from({ length: 20_001 }, (_, at) => [`m${at}`, { litellm_provider: 'x', input_cost_per_token: 1 }]),
      ),
    ],
  ])('is refused whole where it is %s', async (_what, map) => {
    await expect(read(map)).rejects.toThrow(NoPriceMap);
  });

  it('is not read while prices of the release cannot be: everything would look new', async () => {
    const broken = createCatalog({ load: () => Promise.reject(new Error('no disk')) });
    await expect(readPriceMap(Buffer.from(JSON.stringify(aMap)), broken)).rejects.toThrow('cannot be read');
  });

  it('makes nothing free that a newer release has a price for', async () => {
    const index = (version: string) => ({
      version,
      snapshot: '',
      source: '',
      shards: { acme: { models: 1, unprefixed: false } },
    });
    const release = (version: string, price: number) => ({
      index: index(version),
      load: async () => ({
        'acme/one': { provider: 'acme', supports: {}, prices: { input_cost_per_token: price, output_cost_per_token: 1 } },
      }),
    });
    const rows = {
      version: 'map-1',
      bundle: 'old',
      rows: [['acme', 'acme/one', { prices: { input_cost_per_token: 0 } }]],
    } as const;
    const newer = createLiveCatalog(release('new', 5));
    newer.adopt(rows);
    expect(await newer.find('acme', 'one')).toMatchObject({ version: 'new', prices: { input_cost_per_token: 5 } });
    const same = createLiveCatalog(release('old', 0));
    same.adopt({ ...rows, rows: [['acme', 'acme/one', { prices: { input_cost_per_token: 3 } }]] });
    expect(await same.find('acme', 'one')).toMatchObject({ version: 'map-1', prices: { input_cost_per_token: 3 } });
  });
});
