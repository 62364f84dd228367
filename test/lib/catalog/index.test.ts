import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createCatalog, loadFrom } from '../../../lib/catalog/index.ts';
import type { CatalogIndex, Shard } from '../../../lib/catalog/shard.ts';

const data = new URL('../../../lib/catalog/data/', import.meta.url);
const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, data), 'utf8'));

describe('the committed data', () => {
  const index = read('index.json') as CatalogIndex;

  it('has exactly the shards of the index, with as many models', () => {
    const shards = readdirSync(data).filter((name) => name.endsWith('.json') && name !== 'index.json');

    expect(shards.toSorted()).toEqual(
      Object.keys(index.shards)
        .map((shard) => `${shard}.json`)
        .toSorted(),
    );
    for (const [shard, { models }] of Object.entries(index.shards)) {
      expect(Object.keys(read(`${shard}.json`) as Shard), shard).toHaveLength(models);
    }
  });

  it('says where the facts come from', () => {
    expect(index).toMatchObject({ version: `litellm-${index.snapshot}`, source: expect.stringContaining('litellm') });
  });

  it('loads whole', async () => {
    const failures: string[] = [];
    const models = await createCatalog({ onError: (shard) => failures.push(shard) }).list();

    expect(failures).toEqual([]);
    expect(models).toHaveLength(Object.values(index.shards).reduce((sum, { models }) => sum + models, 0));
    expect(new Set(models.map(({ name }) => name)).size).toBe(models.length);
  });
});

describe('find', () => {
  const catalog = createCatalog();

  it.each([
    ['openai', 'gpt-4o-mini', 'gpt-4o-mini'],
    ['openai', 'openai/gpt-4o-mini', 'gpt-4o-mini'],
    ['openai', 'gpt-4o-mini-2031-05-06', 'gpt-4o-mini'],
    ['openai', 'ft:gpt-4o-mini-2024-07-18:acme::id', 'ft:gpt-4o-mini-2024-07-18'],
    ['openai', 'gpt-3.5-turbo-instruct', 'gpt-3.5-turbo-instruct'],
    ['anthropic', 'claude-sonnet-4-5-20250929', 'claude-sonnet-4-5-20250929'],
    ['anthropic', 'claude-sonnet-4-5-20301231', 'claude-sonnet-4-5'],
    ['azure', 'gpt-4o', 'azure/gpt-4o'],
    ['groq', 'llama-3.3-70b-versatile', 'groq/llama-3.3-70b-versatile'],
    ['groq', 'openai/gpt-oss-20b', 'groq/openai/gpt-oss-20b'],
    ['openrouter', 'anthropic/claude-opus-4.5', 'openrouter/anthropic/claude-opus-4.5'],
    ['fireworks_ai', 'accounts/fireworks/models/deepseek-v3', 'fireworks_ai/accounts/fireworks/models/deepseek-v3'],
    ['fireworks_ai', 'deepseek-v3', 'fireworks_ai/accounts/fireworks/models/deepseek-v3'],
    ['perplexity', 'sonar', 'perplexity/sonar'],
    ['mistral', 'mistral-large-latest', 'mistral/mistral-large-latest'],
  ])('%s, %s is %s', async (provider, model, name) => {
    expect(await catalog.find(provider, model)).toMatchObject({ name, version: catalog.version });
  });

  it.each([
    ['custom_openai', 'gpt-4o'],
    ['openai', 'unheard-of'],
    ['openai', 'constructor'],
    ['__proto__', 'gpt-4o'],
    ['../domain', 'x'],
  ])('%s, %s is unknown', async (provider, model) => {
    expect(await catalog.find(provider, model)).toBeUndefined();
  });

  it('has limits and features', async () => {
    const model = await catalog.find('openai', 'gpt-4o-mini');

    expect(model).toMatchObject({ provider: 'openai', mode: 'chat', maxInputTokens: 128_000, maxOutputTokens: 16_384 });
    expect(model?.supports['supports_vision']).toBe(true);
  });
});

describe('named', () => {
  it('finds a model whoever serves it', async () => {
    const catalog = createCatalog();

    expect(await catalog.named('azure/gpt-4o')).toMatchObject({ provider: 'azure' });
    expect(await catalog.named('gpt-4o')).toMatchObject({ provider: 'openai' });
    expect(await catalog.named('gemini/gemini-2.5-pro')).toMatchObject({ provider: 'gemini' });
    expect(await catalog.named('nobody/nothing')).toBeUndefined();
  });
});

describe('loading', () => {
  const index: CatalogIndex = {
    version: 'v1',
    snapshot: '2026-01-01',
    source: 'test',
    shards: { acme: { models: 1, unprefixed: true } },
  };
  const shard: Shard = { one: { provider: 'acme', supports: {}, prices: { input_cost_per_token: 1 } } };

  it('reads a shard once, however many ask at the same time', async () => {
    const loads: string[] = [];
    const load = (name: string): Promise<Shard> => {
      loads.push(name);
      return Promise.resolve(shard);
    };
    const catalog = createCatalog({ index, load });

    await Promise.all([catalog.find('acme', 'one'), catalog.find('acme', 'two'), catalog.list('acme')]);
    await catalog.find('elsewhere', 'one');

    expect(loads).toEqual(['acme']);
  });

  it('treats a shard it cannot read as empty, tells once, and tries again', async () => {
    const failures: unknown[] = [];
    let works = false;
    const load = (): Promise<Shard> => (works ? Promise.resolve(shard) : Promise.reject(new Error('no disk')));
    const catalog = createCatalog({ index, load, onError: (name, error) => failures.push([name, error]) });

    const lost = await Promise.all([catalog.find('acme', 'one'), catalog.find('acme', 'one')]);
    works = true;
    const found = await catalog.find('acme', 'one');

    expect(lost).toEqual([undefined, undefined]);
    expect(failures).toEqual([['acme', new Error('no disk')]]);
    expect(found).toEqual({ name: 'one', version: 'v1', provider: 'acme', supports: {}, prices: { input_cost_per_token: 1 } });
  });

  it('looks into the folders in order', async () => {
    const nowhere = new URL('./nowhere/', import.meta.url);

    expect(await loadFrom([nowhere, data])('groq')).toHaveProperty('groq/llama-3.3-70b-versatile');
    await expect(loadFrom([data, nowhere])('unheard-of')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
