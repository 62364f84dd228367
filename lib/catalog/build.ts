/**
 * Makes the shards of the catalog from a price list in the format of LiteLLM's price map:
 * `node lib/catalog/build.ts SOURCE.json` writes `data/index.json` and `data/<shard>.json` beside this file.
 *
 * The source holds `meta` (`upstream`, `snapshot`) and `models`, an object of entries by name with `provider`, `mode`, limits,
 * `supports_*` flags and price fields. Only facts the gateway uses are kept.
 */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import type { CatalogIndex, ShardModel } from './shard.ts';

/** What `buildCatalog` makes: file contents by name, and figures for people. */
export interface BuiltCatalog {
  readonly files: ReadonlyMap<string, string>;
  readonly summary: string;
}

type Entry = Readonly<Record<string, unknown>>;

interface Source {
  readonly meta: { readonly upstream: string; readonly snapshot: string };
  readonly models: Readonly<Record<string, Entry>>;
}

/** Names in the source whose models belong to another provider's shard, besides those that begin with `vertex_ai-`. */
const SHARD_OF: ReadonlyMap<string, string> = new Map([
  ['azure_text', 'azure'],
  ['bedrock_converse', 'bedrock'],
  ['bedrock_mantle', 'bedrock'],
  ['cohere_chat', 'cohere'],
  ['fireworks_ai-embedding-models', 'fireworks_ai'],
  ['text-completion-codestral', 'codestral'],
  ['text-completion-inception', 'inception'],
  ['text-completion-openai', 'openai'],
]);

const PRICE_FIELD = /(_cost(_|$)|^regional_processing_uplift_multiplier_|^tiered_pricing$|^web_search_billing_unit$)/;
const DROPPED_PRICE = /_dbu_cost_/;

/** A model of the source that is only the price of another one's images at a size, quality or number of steps. */
const IMAGE_VARIANT =
  /^(?:(?<folder>(?!(?:low|medium|high|standard|hd)\/)[a-z_]+)\/)?(?<variant>(?:(?:low|medium|high|standard|hd)\/)?(?:\d+|max)-x-(?:\d+|max)(?:\/(?:\d+|max)-steps)?)\/(?:bedrock\/)?(?<base>.+)$/;

/** Models that search the web at every call: Perplexity's Sonar (a fee per request), OpenAI's search previews. */
const ALWAYS_SEARCHES = /(^|\/)(sonar|gpt-.*-search-(preview|api))/;

/**
 * @throws Error listing every entry with a price or limit that is no finite number of at least zero, or without a provider.
 */
export function buildCatalog(source: Source): BuiltCatalog {
  const faults: string[] = [];
  const shards = new Map<string, Map<string, ShardModel>>();
  for (const [name, entry] of Object.entries(source.models)) {
    const model = readEntry(name, entry, faults);
    const shard = shardOf(model.provider);
    const models = shards.get(shard) ?? new Map<string, ShardModel>();
    shards.set(shard, models.set(name, model));
  }
  for (const [shard, models] of shards) {
    gatherVariants(models);
    addToolPrices(shard, models);
  }
  if (faults.length > 0) throw new Error(`The source has ${faults.length} faults:\n${faults.join('\n')}`);

  const sorted = [...shards].toSorted(([a], [b]) => compare(a, b));
  const index: CatalogIndex = {
    version: `litellm-${source.meta.snapshot}`,
    snapshot: source.meta.snapshot,
    source: source.meta.upstream,
    shards: Object.fromEntries(
      sorted.map(([shard, models]) => [
        shard,
        { models: models.size, unprefixed: [...models.keys()].some((name) => !name.startsWith(`${shard}/`)) },
      ]),
    ),
  };
  const files = new Map([['index.json', `${JSON.stringify(index, null, 1)}\n`]]);
  for (const [shard, models] of sorted) files.set(`${shard}.json`, shardText(models));
  const all = sorted.flatMap(([, models]) => [...models.values()]);
  const priced = all.filter((model) => Object.keys(model.prices).length > 0).length;
  const bytes = [...files.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return {
    files,
    summary: `${index.version}: ${all.length} models (${priced} with prices) in ${shards.size} shards, ${Math.ceil(bytes / 1024)} KB`,
  };
}

function readEntry(name: string, entry: Entry, faults: string[]): ShardModel {
  const provider = typeof entry['provider'] === 'string' ? entry['provider'] : '';
  if (!/^[a-z0-9_-]+$/.test(provider)) faults.push(`${name}: provider "${provider}"`);
  const supports: Record<string, boolean> = {};
  const prices: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(entry)) {
    if (field.startsWith('supports_') && typeof value === 'boolean') supports[field] = value;
    if (PRICE_FIELD.test(field) && !DROPPED_PRICE.test(field)) prices[field] = value;
    if (field === 'provider_specific_entry') {
      const multipliers = Object.entries(value as Entry).filter(([, multiplier]) => typeof multiplier === 'number');
      if (multipliers.length > 0) prices[field] = Object.fromEntries(multipliers);
    }
  }
  if (ALWAYS_SEARCHES.test(name) && prices['search_context_cost_per_query'] !== undefined) prices['searches_per_call'] = 1;
  checkNumbers(`${name}: `, prices, faults);
  const limit = (...fields: readonly string[]): number | undefined => {
    const value = fields.map((field) => entry[field]).find((candidate) => candidate !== undefined);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value > 0 ? value : undefined;
    faults.push(`${name}: ${fields[0]} ${JSON.stringify(value)}`);
    return undefined;
  };
  const maxInputTokens = limit('max_input_tokens');
  const maxOutputTokens = limit('max_output_tokens', 'max_tokens');
  return {
    provider,
    ...(typeof entry['mode'] === 'string' ? { mode: entry['mode'] } : {}),
    ...(maxInputTokens === undefined ? {} : { maxInputTokens }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    supports,
    prices,
  };
}

/** Prices of tools that a provider runs, the same for all its models, which the source states at few of them or none. */
interface ToolPrices {
  /** USD a web search, at models that reason and at others: the older tool of the latter is dearer. */
  readonly search: { readonly reasoning: number; readonly others: number };
  /** The models that do not reason. */
  readonly others: RegExp;
  /** USD for a thousand lookups in files. */
  readonly fileSearchPer1k: number;
}

/** By shard, with where the price is from. */
const TOOL_PRICES: ReadonlyMap<string, ToolPrices> = new Map([
  // OpenAI's API pricing, checked 2026-08.
  ['openai', { search: { reasoning: 0.01, others: 0.025 }, others: /^(ft:)?gpt-4(o|\.1)/, fileSearchPer1k: 2.5 }],
]);

/** Adds the prices of hosted tools to the models that can use them: of code interpreter sessions from the shard's `container`. */
function addToolPrices(shard: string, models: Map<string, ShardModel>): void {
  const sessions = models.get(`${shard}/container`)?.prices['code_interpreter_cost_per_session'];
  const known = TOOL_PRICES.get(shard);
  for (const [name, model] of models) {
    if (model.mode !== 'chat' && model.mode !== 'responses') continue;
    if (model.prices['input_cost_per_token'] === undefined) continue;
    const tools: Entry = {
      ...(known === undefined ? {} : toolPricesOf(known, name, models)),
      ...(sessions === undefined ? {} : { code_interpreter_cost_per_session: sessions }),
    };
    models.set(name, { ...model, prices: { ...tools, ...model.prices } });
  }
}

/** The prices of tools at a model; a dated name has the search prices of the undated one. */
function toolPricesOf({ search, others, fileSearchPer1k }: ToolPrices, name: string, models: Map<string, ShardModel>): Entry {
  const each = others.test(name) ? search.others : search.reasoning;
  const undated = models.get(name.replace(/-\d{4}-\d\d-\d\d$/, ''))?.prices['search_context_cost_per_query'];
  const sizes = { search_context_size_low: each, search_context_size_medium: each, search_context_size_high: each };
  return {
    search_context_cost_per_query: undated ?? sizes,
    file_search_cost_per_1k_calls: fileSearchPer1k,
    ...(ALWAYS_SEARCHES.test(name) ? { searches_per_call: 1 } : {}),
  };
}

/** Puts the prices of image variants under the model they are variants of, which may stand in the source only through them. */
function gatherVariants(models: Map<string, ShardModel>): void {
  for (const [name, { provider, mode, prices }] of models) {
    const { folder, variant, base } = IMAGE_VARIANT.exec(name)?.groups ?? {};
    if (variant === undefined || base === undefined) continue;
    const baseName = folder === undefined ? base : `${folder}/${base}`;
    const model = models.get(baseName) ?? { provider, ...(mode === undefined ? {} : { mode }), supports: {}, prices: {} };
    const variants = { ...(model.prices['image_variants'] as Entry | undefined), [variant]: prices };
    models.set(baseName, { ...model, prices: { ...model.prices, image_variants: variants } });
  }
}

/** Every number inside must be finite and not negative; texts are units and pass. */
function checkNumbers(path: string, value: unknown, faults: string[]): void {
  if (typeof value === 'string') return;
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value < 0) faults.push(`${path} ${value}`);
    return;
  }
  if (value === null || typeof value !== 'object') {
    faults.push(`${path} ${String(value)}`);
    return;
  }
  for (const [field, inner] of Object.entries(value)) checkNumbers(`${path}.${field}`, inner, faults);
}

/** One model a line, so that changes of the data can be read. */
function shardText(models: ReadonlyMap<string, ShardModel>): string {
  const lines = [...models]
    .toSorted(([a], [b]) => compare(a, b))
    .map(([name, model]) => `${JSON.stringify(name)}:${JSON.stringify(model)}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

const shardOf = (provider: string): string =>
  provider.startsWith('vertex_ai-') ? 'vertex_ai' : (SHARD_OF.get(provider) ?? provider);

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

if (import.meta.main) {
  const [path] = process.argv.slice(2);
  if (path === undefined) throw new Error('Usage: node lib/catalog/build.ts SOURCE.json');
  const { files, summary } = buildCatalog(JSON.parse(readFileSync(path, 'utf8')) as Source);
  const folder = new URL('./data/', import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (name.endsWith('.json')) rmSync(new URL(name, folder));
  for (const [name, text] of files) writeFileSync(new URL(name, folder), text);
  process.stdout.write(`${summary}\n`);
}
