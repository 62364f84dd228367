/**
 * The one price engine: what a usage costs (settlement), what a request may cost at most (holds), and how much output a rest of budget
 * pays for (clamps). Exact integers throughout; rounding happens once, up to the next 1e-12 USD.
 *
 * Not applied, because usage does not say what they count: prices per second, character, pixel or image, cached audio, citation
 * tokens, DBU prices.
 */
import type { Usage } from '../kinds/usage.ts';
import type { Money } from './money.ts';
import type { CatalogModel, Cost, PriceOverride, PriceSheet } from './price-types.ts';
import {
  INPUT_CLASSES,
  OUTPUT_CLASSES,
  RATES_PER_MONEY,
  dearestRate,
  divideUp,
  hasTokenPrices,
  lengthsUpTo,
  rateOf,
  ratesAt,
  type PriceFields,
  type Rate,
  type TokenClass,
} from './rate.ts';

/** The most a request may use. */
export interface Bound {
  readonly inputTokens: number;
  /** Output tokens of all choices together. */
  readonly outputTokens: number;
  /** The tier asked for; an answer at the plain tier is always reckoned with, because providers downgrade. */
  readonly serviceTier?: string;
  /** Multipliers that may apply, see `Situation.modifiers`. */
  readonly modifiers?: readonly string[];
  /** Searches of the provider's own web search tool. */
  readonly webSearch?: number;
  /** Classes the request cannot use (no audio in it, no 1-hour cache mark): their prices are left out of the bound. */
  readonly excluded?: readonly TokenClass[];
}

/** Prices of a call besides its tokens. */
const PER_CALL = ['input_cost_per_request', 'input_cost_per_query'] as const;

/** True when a call can be priced: both token prices, or a price per call. A price of zero is a price. */
export function isPriced(sheet: PriceSheet): boolean {
  return hasTokenPrices(sheet.prices) || PER_CALL.some((field) => rateOf(sheet.prices[field]) !== undefined);
}

/**
 * What a usage costs. The total is rounded up once; each part is the step that the running total takes, so the parts sum to the total
 * exactly and each lies within 1e-12 USD of its own product.
 *
 * The sheet must be priced (`isPriced`): classes without any price count as free.
 *
 * @example costOf(gpt4oMini, { inputTokens: 1000, outputTokens: 100, source: 'provider' }).total === 210_000_000n // $0.00021
 */
export function costOf(sheet: PriceSheet, usage: Usage): Cost {
  const counts = countsOf(usage);
  const inputTokens = INPUT_CLASSES.reduce((sum, tokenClass) => sum + counts[tokenClass], 0);
  const rates = ratesAt(sheet.prices, {
    inputTokens,
    ...(usage.serviceTier === undefined ? {} : { serviceTier: usage.serviceTier }),
    ...(usage.modifiers === undefined ? {} : { modifiers: usage.modifiers }),
  });
  const products: [name: string, amount: bigint][] = [...INPUT_CLASSES, ...OUTPUT_CLASSES].map((tokenClass) => [
    tokenClass,
    BigInt(counts[tokenClass]) * rates[tokenClass],
  ]);
  const searches = BigInt(whole(usage.webSearchRequests ?? searchesPerCall(sheet.prices)));
  products.push(['web_search', searches * searchRate(sheet.prices)], ['call', callRate(sheet.prices)]);

  const parts: Record<string, Money> = {};
  let exact = 0n;
  let total = 0n;
  for (const [name, product] of products) {
    if (product === 0n) continue;
    exact += product;
    const rounded = divideUp(exact, RATES_PER_MONEY);
    parts[name] = rounded - total;
    total = rounded;
  }
  return {
    total,
    parts,
    source: sheet.source,
    version: sheet.version,
    ...(rates.rule === undefined ? {} : { rule: rates.rule }),
  };
}

/**
 * The most a request within `bound` can cost: every token at the dearest rate its side can meet at any input length up to the bound,
 * at the tier asked for or the plain one. For every usage within the bound, `costOf` is at most this.
 */
export function worstCase(sheet: PriceSheet, bound: Bound): Money {
  const { input, output, fixed } = dearest(sheet.prices, bound);
  const exact = BigInt(whole(bound.inputTokens)) * input + BigInt(whole(bound.outputTokens)) * output + fixed;
  return divideUp(exact, RATES_PER_MONEY);
}

/**
 * The largest output cap per choice whose worst case fits `headroom`: 0 when not even the input fits,
 * `Number.MAX_SAFE_INTEGER` when output is free.
 */
export function affordableOutput(
  sheet: PriceSheet,
  request: Omit<Bound, 'outputTokens'> & { readonly headroom: Money; readonly choices?: number },
): number {
  const { input, output, fixed } = dearest(sheet.prices, request);
  const room = request.headroom * RATES_PER_MONEY - BigInt(whole(request.inputTokens)) * input - fixed;
  if (room < 0n) return 0;
  if (output === 0n) return Number.MAX_SAFE_INTEGER;
  const tokens = room / (output * BigInt(Math.max(1, whole(request.choices))));
  return tokens > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(tokens);
}

/**
 * The price list of a deployment: the catalog's, with the operator's prices over it field by field, inside the ranges of
 * `tiered_pricing` too. Undefined when there is neither.
 */
export function mergeSheet(catalog: CatalogModel | undefined, override: PriceOverride | undefined): PriceSheet | undefined {
  if (override === undefined || Object.keys(override).length === 0) {
    return catalog === undefined ? undefined : { source: 'catalog', version: catalog.version, prices: catalog.prices };
  }
  const prices: PriceFields = { ...catalog?.prices, ...override };
  const ranges = prices['tiered_pricing'];
  if (!Array.isArray(ranges)) return { source: 'operator', version: 'operator', prices };
  const overridden = ranges.map((range: PriceFields) => ({ ...range, ...override }));
  return { source: 'operator', version: 'operator', prices: { ...prices, tiered_pricing: overridden } };
}

/** Dearest rate of each side within the bound, and the price of all that is no token, in rate units. */
function dearest(
  prices: PriceFields,
  bound: Omit<Bound, 'outputTokens'>,
): { readonly input: Rate; readonly output: Rate; readonly fixed: Rate } {
  const excluded = new Set<TokenClass>(bound.excluded);
  const { serviceTier, modifiers } = bound;
  const tiers = [{}, ...(serviceTier === undefined ? [] : [{ serviceTier }])];
  const factors = [{}, ...(modifiers === undefined ? [] : [{ modifiers }])];
  const situations = lengthsUpTo(prices, bound.inputTokens).flatMap((inputTokens) =>
    tiers.flatMap((tier) => factors.map((factor) => ratesAt(prices, { inputTokens, ...tier, ...factor }))),
  );
  const most = (classes: readonly TokenClass[]): Rate =>
    dearestRate(
      situations.flatMap((rates) => classes.filter((tokenClass) => !excluded.has(tokenClass)).map((name) => rates[name])),
    );
  const searches = BigInt(Math.max(whole(bound.webSearch), searchesPerCall(prices)));
  return {
    input: most(INPUT_CLASSES),
    output: most(OUTPUT_CLASSES),
    fixed: searches * dearestRate(searchRates(prices)) + callRate(prices),
  };
}

/** Tokens by class where the provider says what it bills: the rest of its figures are information. */
const billedCounts = (usage: Usage): Record<TokenClass, number> => ({
  ...NO_TOKENS,
  input: whole(usage.billedInputTokens ?? usage.inputTokens),
  output: whole(usage.billedOutputTokens ?? usage.outputTokens),
});

const NO_TOKENS: Readonly<Record<TokenClass, number>> = {
  input: 0,
  cache_read: 0,
  cache_write: 0,
  cache_write_1h: 0,
  audio_input: 0,
  image_input: 0,
  output: 0,
  reasoning: 0,
  audio_output: 0,
  image_output: 0,
};

/**
 * Tokens by class, disjoint. Cached tokens and reasoning are taken at their word even where a provider forgot to include them in its
 * total; audio and image tokens only as far as the total has room, because they may be cached ones as well.
 */
function countsOf(usage: Usage): Record<TokenClass, number> {
  if (usage.billedInputTokens !== undefined || usage.billedOutputTokens !== undefined) return billedCounts(usage);
  const write1h = whole(usage.cacheWrite1hTokens);
  const write = Math.max(whole(usage.cacheWriteTokens), write1h);
  const read = whole(usage.cacheReadTokens);
  const inputRest = Math.max(0, whole(usage.inputTokens) - read - write);
  const audioInput = Math.min(whole(usage.audioInputTokens), inputRest);
  const imageInput = Math.min(whole(usage.imageInputTokens), inputRest - audioInput);

  const reasoning = whole(usage.reasoningTokens);
  const outputRest = Math.max(0, whole(usage.outputTokens) - reasoning);
  const audioOutput = Math.min(whole(usage.audioOutputTokens), outputRest);
  const imageOutput = Math.min(whole(usage.imageOutputTokens), outputRest - audioOutput);
  return {
    input: inputRest - audioInput - imageInput,
    cache_read: read,
    cache_write: write - write1h,
    cache_write_1h: write1h,
    audio_input: audioInput,
    image_input: imageInput,
    output: outputRest - audioOutput - imageOutput,
    reasoning,
    audio_output: audioOutput,
    image_output: imageOutput,
  };
}

/** A count that may be multiplied: whole, not negative, 0 for what is no number; a figure beyond any real call is cut. */
const whole = (count: number | undefined): number =>
  count !== undefined && Number.isFinite(count) && count > 0 ? Math.min(Math.ceil(count), Number.MAX_SAFE_INTEGER) : 0;

const callRate = (prices: PriceFields): Rate => PER_CALL.reduce((sum, field) => sum + (rateOf(prices[field]) ?? 0n), 0n);

/** Searches a model makes at every call, which its provider may not report. */
const searchesPerCall = (prices: PriceFields): number => {
  const searches = prices['searches_per_call'];
  return typeof searches === 'number' ? whole(searches) : 0;
};

const SEARCH_SIZES = ['search_context_size_medium', 'search_context_size_low', 'search_context_size_high'] as const;

/** Prices of a web search by context size, the default size (medium) first. */
function searchRates(prices: PriceFields): readonly Rate[] {
  const costs = prices['search_context_cost_per_query'];
  const bySize: PriceFields = typeof costs === 'object' && costs !== null ? { ...costs } : {};
  return SEARCH_SIZES.flatMap((size) => rateOf(bySize[size]) ?? []);
}

/** Usage does not say the context size, so the default size counts. */
const searchRate = (prices: PriceFields): Rate => searchRates(prices)[0] ?? 0n;
