/** Every price field of the data is applied by the engine, or stands here with the reason why not. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCatalog } from '../../../lib/catalog/index.ts';
import type { CatalogModel } from '../../../lib/domain/price-types.ts';
import { costOf } from '../../../lib/domain/price.ts';
import type { Usage } from '../../../lib/kinds/usage.ts';

const SOURCE = resolve(import.meta.dirname, '../../../../shared/data/model-prices.json');

/** Price fields that no cost depends on. */
const NOT_APPLIED: Readonly<Record<string, string>> = {
  input_dbu_cost_per_token: 'the price in Databricks units; the price in USD stands beside it',
  output_dbu_cost_per_token: 'the price in Databricks units; the price in USD stands beside it',
  web_search_billing_unit:
    'says how searches are counted, which the dialect does (Gemini: per prompt up to 2.5, then per query)',
  'provider_specific_entry.bedrock_invocation_schema': 'no price: the form of a request body',
  'tiered_pricing[].range': 'bounds of a range',
  'tiered_pricing[].max_results_range': 'bounds of a range',
};

/** Fields that say again what another one says, which wins: the last part of the path, and of the other's. */
const SAID_TWICE: readonly (readonly [field: string, winner: string])[] = [
  ['input_cost_per_token_cache_hit', 'cache_read_input_token_cost'],
  ['cache_creation_input_audio_token_cost', 'cache_read_input_audio_token_cost'],
  ['input_cost_per_pixel', 'input_cost_per_image'],
  ['output_cost_per_pixel', 'input_cost_per_image'],
];

/** Fields of the source that are no prices. */
const NO_PRICE =
  /^(supports_|supported_|max_|provider$|mode$|rpm$|tpm$|deprecation_date$|output_vector_size$|prompt_cache_min_tokens$|bedrock_|gemini_|audio_transcription_config$|use_openai_responses_path$|uses_embed_content$)/;

type Fields = Record<string, unknown>;

/** Paths of the numbers and texts in price fields: `search_context_cost_per_query.search_context_size_low`. */
function pathsOf(fields: Fields): readonly string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (Array.isArray(value)) {
      return typeof value[0] === 'object'
        ? value.flatMap((item: Fields) => pathsOf(item).map((path) => `${name}[].${path}`))
        : name;
    }
    return typeof value === 'object' && value !== null ? pathsOf(value as Fields).map((path) => `${name}.${path}`) : name;
  });
}

/** The sheet with a dollar more at a path. */
function raised(fields: Fields, path: string): Fields {
  const [, name = '', rest] = /^([^.[]+)(?:\[\])?(?:\.(.*))?$/.exec(path) ?? [];
  const value = fields[name];
  if (rest === undefined) return { ...fields, [name]: (value as number) + 1 };
  if (!Array.isArray(value)) return { ...fields, [name]: raised(value as Fields, rest) };
  return { ...fields, [name]: value.map((item: Fields) => (pathsOf(item).includes(rest) ? raised(item, rest) : item)) };
}

const LENGTHS = [1_000, 20_000, 129_000, 201_000, 257_000, 273_000, 513_000];
const TIERS = [undefined, 'priority', 'flex', 'batch'];

/** Usages that together have every class, at every length and tier, each alone so that no class stands in for another. */
const TOKENS: readonly Omit<Usage, 'source'>[] = [
  {},
  { cacheReadTokens: 500 },
  { cacheReadTokens: 500, cacheReadAudioTokens: 400, audioInputTokens: 400 },
  { cacheWriteTokens: 500 },
  { cacheWriteTokens: 500, cacheWrite1hTokens: 500 },
  { audioInputTokens: 500 },
  { imageInputTokens: 500 },
  { outputTokens: 100 },
  { outputTokens: 100, reasoningTokens: 50 },
  { outputTokens: 100, audioOutputTokens: 50 },
  { outputTokens: 100, imageOutputTokens: 50 },
  { outputTokens: 100, videoOutputTokens: 50 },
  { modifiers: ['fast'] },
  { modifiers: ['us'] },
  { modifiers: ['eu'] },
];
const UNITS: readonly Omit<Usage, 'source'>[] = [
  { webSearchRequests: 1, searchContextSize: 'low' },
  { webSearchRequests: 1 },
  { webSearchRequests: 1, searchContextSize: 'high' },
  { citationTokens: 100 },
  { inputCharacters: 100 },
  { outputCharacters: 100 },
  { audioInputSeconds: 1.5 },
  { audioOutputSeconds: 1.5 },
  { videoInputSeconds: 4 },
  { videoInputSeconds: 10 },
  { videoInputSeconds: 20 },
  { videoOutputSeconds: 4, videoResolution: '720p' },
  { videoOutputSeconds: 4, videoResolution: '1080P' },
  { computeSeconds: 3 },
  { inputImages: 1 },
  { outputImages: 1, imageSize: '640x640' },
  ...['256x256', '512x512', '1024x1024', '1024x1536', '1536x1024', '1024x1792', '1792x1024', '640x640'].flatMap((imageSize) => [
    ...['low', 'medium', 'high', 'standard', 'hd'].map((imageQuality) => ({ outputImages: 1, imageSize, imageQuality })),
    ...[50, 51].map((imageSteps) => ({ outputImages: 1, imageSize, imageSteps })),
  ]),
  { pages: 1 },
  { annotatedPages: 1 },
  { credits: 1 },
  { queries: 2 },
  { queries: 1, searchResults: 30 },
  { codeInterpreterSessions: 1 },
  { fileSearchCalls: 3 },
];
const USAGES: readonly Usage[] = [
  ...LENGTHS.flatMap((inputTokens) =>
    TIERS.flatMap((serviceTier) =>
      TOKENS.map((more): Usage => ({
        inputTokens,
        ...more,
        ...(serviceTier === undefined ? {} : { serviceTier }),
        source: 'provider',
      })),
    ),
  ),
  ...UNITS.flatMap((units): Usage[] => [
    { ...units, source: 'provider' },
    { ...units, inputTokens: 129_000, source: 'provider' },
  ]),
];

/** True when a field lies beside the one that wins over it, and is zero or says the same. */
function isSaidTwice(prices: Fields, path: string, field: string, winner: string, model: string): boolean {
  if (!path.endsWith(field)) return false;
  const folder = path.slice(0, -field.length).split(/(?<=^image_variants)\.|\.$/);
  const beside = folder.filter((name) => name !== '').reduce((fields, name) => fields[name] as Fields, prices);
  const [, width = 1, height = 1] = /(\d+)-x-(\d+)/.exec(`${model} ${path}`) ?? [];
  const [said, wins] = [beside[field], beside[winner]] as [number, number | undefined];
  const pixels = field.includes('pixel') ? Number(width) * Number(height) : 1;
  return wins !== undefined && (said === 0 || Math.abs(said * pixels - wins) <= wins / 50);
}

const changes = (prices: Fields, path: string): boolean => {
  const [before, after] = [prices, raised(prices, path)].map(
    (fields) => ({ source: 'catalog', version: 'x', prices: fields }) as const,
  );
  if (before === undefined || after === undefined) return false;
  return USAGES.some((usage) => costOf(before, usage).total !== costOf(after, usage).total);
};

describe('price fields', () => {
  /** One model for each set of fields: models that state the same fields are priced alike. */
  let models: readonly CatalogModel[] = [];
  beforeAll(async () => {
    const all = await createCatalog().list();
    models = [...new Map(all.map((model) => [[...new Set(pathsOf(model.prices))].toSorted().join(), model])).values()];
  });

  it('change what some usage costs, each of them, at every model that states them', () => {
    const dead = models.flatMap(({ name, prices }) =>
      [...new Set(pathsOf(prices))]
        .filter((path) => !(path in NOT_APPLIED) && path !== 'searches_per_call' && !changes(prices, path))
        .filter((path) => !SAID_TWICE.some(([field, winner]) => isSaidTwice(prices, path, field, winner, name)))
        // An image has no tokens of text: the source says 0.
        .filter((path) => !/^image_variants\..*\.output_cost_per_token$/.test(path))
        .map((path) => `${name}: ${path}`),
    );

    expect(dead).toEqual([]);
  });

  it('have a reason each where they are not applied', () => {
    const stated = new Set(models.flatMap(({ prices }) => pathsOf(prices)));

    for (const path of Object.keys(NOT_APPLIED)) expect(stated.has(path) || /dbu|schema/.test(path), path).toBe(true);
  });

  it('are all kept when the catalog is made from the source', () => {
    if (!existsSync(SOURCE)) return console.warn(`no ${SOURCE}: the source of the catalog was not compared`);
    const source = JSON.parse(readFileSync(SOURCE, 'utf8')) as { models: Record<string, Fields> };
    const known = new Set(
      models.flatMap(({ prices }) => pathsOf(prices)).map((path) => path.replace(/^image_variants\..*?\.(?=\w+$)/, '')),
    );
    const paths = new Set(Object.values(source.models).flatMap(pathsOf));

    const lost = [...paths].filter((path) => !NO_PRICE.test(path) && !known.has(path) && !(path in NOT_APPLIED));
    expect(lost).toEqual([]);
    for (const [name, fields] of Object.entries(source.models)) {
      if (fields['input_dbu_cost_per_token'] !== undefined) expect(fields['input_cost_per_token'], name).toBeDefined();
    }
  });
});
