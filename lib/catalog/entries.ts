/** Entries of a price map in LiteLLM's format as rows of the catalog. Only facts the gateway uses are kept. */
import type { ShardModel } from './shard.ts';

/** An entry as it stands in a map, to be checked. */
export type Entry = Readonly<Record<string, unknown>>;

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
 * A row of the catalog.
 *
 * @param faults takes a line for every price or limit that is no finite number of at least zero, and for a missing provider
 */
export function readEntry(name: string, entry: Entry, faults: string[]): ShardModel {
  const provider = typeof entry['provider'] === 'string' ? entry['provider'] : '';
  if (!/^[a-z0-9_-]+$/.test(provider)) faults.push(`${name}: provider "${provider}"`);
  const supports: Record<string, boolean> = {};
  const prices: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(entry)) {
    if (field.startsWith('supports_') && typeof value === 'boolean') supports[field] = value;
    // Null says that nothing is known.
    if (PRICE_FIELD.test(field) && !DROPPED_PRICE.test(field) && value !== null) prices[field] = value;
    if (field === 'provider_specific_entry' && typeof value === 'object' && value !== null) {
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
export function addToolPrices(shard: string, models: Map<string, ShardModel>): void {
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
export function gatherVariants(models: Map<string, ShardModel>): void {
  for (const [name, { provider, mode, prices }] of models) {
    const { folder, variant, base } = IMAGE_VARIANT.exec(name)?.groups ?? {};
    if (variant === undefined || base === undefined) continue;
    const baseName = folder === undefined ? base : `${folder}/${base}`;
    const model = models.get(baseName) ?? { provider, ...(mode === undefined ? {} : { mode }), supports: {}, prices: {} };
    const variants = { ...(model.prices['image_variants'] as Entry | undefined), [variant]: prices };
    models.set(baseName, { ...model, prices: { ...model.prices, image_variants: variants } });
  }
}

/** The field of prices that is a text: what searches are billed by. */
const UNIT = /\.web_search_billing_unit$/;
/** Nothing costs more, USD a unit: what does is another unit, or none. */
const MOST_USD = 1e6;
/** How deep prices may lie within each other: `image_variants` of `search_context_cost_per_query` would be three. */
const DEEPEST = 4;

/** Every number inside must be finite, not negative, and not beyond all measure. */
function checkNumbers(path: string, value: unknown, faults: string[], depth = 0): void {
  if (typeof value === 'string' && UNIT.test(path)) return;
  if (typeof value === 'number') {
    const isLimit = /range\.\d$/.test(path);
    if (!Number.isFinite(value) || value < 0 || (value > MOST_USD && !isLimit)) faults.push(`${path} ${value}`);
    return;
  }
  if (value === null || typeof value !== 'object' || depth > DEEPEST) {
    faults.push(`${path} ${JSON.stringify(value)?.slice(0, 40)}`);
    return;
  }
  for (const [field, inner] of Object.entries(value)) checkNumbers(`${path}.${field}`, inner, faults, depth + 1);
}

/** The shard of a provider as the source names it. */
export const shardOf = (provider: string): string =>
  provider.startsWith('vertex_ai-') ? 'vertex_ai' : (SHARD_OF.get(provider) ?? provider);
