/**
 * Which price applies to a class of tokens: a price sheet read for one situation (how much input, which service tier, which
 * multipliers). `price.ts` multiplies the rates with counts.
 *
 * The fields are those of LiteLLM's price map. A variant of a field is its name with a suffix: `_above_200k_tokens` (the input,
 * cached included, is longer), `_priority`, `_flex`, `_batches` (the service tier), or both in this order. Crossing a threshold
 * re-prices the whole request. `tiered_pricing` lists ranges of input length; the range the input falls into prices the whole
 * request too, as Alibaba and Volcengine bill it.
 */
import { scaleDecimal } from './money.ts';

/** Classes of tokens that can have a price of their own. */
export type TokenClass = InputClass | OutputClass;
/** Classes of input tokens. */
export type InputClass =
  | 'input'
  | 'cache_read'
  | 'cache_write'
  | 'cache_write_1h'
  | 'audio_input'
  | 'audio_cache_read'
  | 'image_input'
  | 'video_input';
/** Classes of output tokens. */
export type OutputClass = 'output' | 'reasoning' | 'audio_output' | 'image_output' | 'video_output';

/** Every class of input tokens. */
export const INPUT_CLASSES: readonly InputClass[] = [
  'input',
  'cache_read',
  'cache_write',
  'cache_write_1h',
  'audio_input',
  'audio_cache_read',
  'image_input',
  'video_input',
];
/** Every class of output tokens. */
export const OUTPUT_CLASSES: readonly OutputClass[] = ['output', 'reasoning', 'audio_output', 'image_output', 'video_output'];

/** 1e-18 USD per token: the smallest step in which prices are kept, a millionth of a `Money` unit. */
export type Rate = bigint;

/** Decimal digits of a `Rate`. */
const RATE_DIGITS = 18;

/** Rate units in one `Money` unit. */
export const RATES_PER_MONEY = 1_000_000n;

/** What decides the price besides the class. */
export interface Situation {
  /** All input tokens of the request, cached ones included. */
  readonly inputTokens: number;
  /** `priority`, `flex`, `batch` in any case; other words have the plain price. */
  readonly serviceTier?: string;
  /** Names of multipliers that apply: keys of `provider_specific_entry` (`fast`, `us`) or regions with a processing uplift (`eu`). */
  readonly modifiers?: readonly string[];
}

/** The sheet, read for one situation: a rate for every class. */
export interface Rates extends Readonly<Record<TokenClass, Rate>> {
  /** What made the price differ from the plain one: `above_200k_tokens`, `priority`, `range_32000_128000`, ... */
  readonly rule?: string;
}

/** Price fields by name, values unchecked. */
export type PriceFields = Readonly<Record<string, unknown>>;

type Side = 'input' | 'output';

const PLAIN: Readonly<Record<Side, string>> = { input: 'input_cost_per_token', output: 'output_cost_per_token' };

/** Fields of a class in order of preference. A class none of whose fields is stated costs what its side (input or output) costs. */
const FIELDS: Readonly<Record<TokenClass, { readonly side: Side; readonly own: readonly string[] }>> = {
  input: { side: 'input', own: [] },
  cache_read: { side: 'input', own: ['cache_read_input_token_cost', 'input_cost_per_token_cache_hit'] },
  cache_write: { side: 'input', own: ['cache_creation_input_token_cost'] },
  cache_write_1h: {
    side: 'input',
    own: ['cache_creation_input_token_cost_above_1hr', 'cache_creation_input_token_cost'],
  },
  audio_input: { side: 'input', own: ['input_cost_per_audio_token'] },
  // OpenAI's price of cached audio stands under either name in the source; writing audio to a cache has no price of its own anywhere.
  audio_cache_read: { side: 'input', own: ['cache_read_input_audio_token_cost', 'cache_creation_input_audio_token_cost'] },
  image_input: { side: 'input', own: ['input_cost_per_image_token'] },
  video_input: { side: 'input', own: ['input_cost_per_video_token'] },
  output: { side: 'output', own: [] },
  reasoning: { side: 'output', own: ['output_cost_per_reasoning_token'] },
  audio_output: { side: 'output', own: ['output_cost_per_audio_token'] },
  image_output: { side: 'output', own: ['output_cost_per_image_token'] },
  video_output: { side: 'output', own: ['output_cost_per_video_token'] },
};

const TIER_SUFFIXES: ReadonlyMap<string, string> = new Map([
  ['priority', '_priority'],
  ['flex', '_flex'],
  ['batch', '_batches'],
]);
const THRESHOLD_MARK = /_above_(\d+)k_tokens/;

/** A price as a rate; undefined unless it is a finite number that is not negative. */
export function rateOf(value: unknown): Rate | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? scaleDecimal(value, RATE_DIGITS) : undefined;
}

/** Integer division, rounded up. */
export const divideUp = (dividend: bigint, divisor: bigint): bigint => (dividend + divisor - 1n) / divisor;

/** A range of `tiered_pricing` by input length, `from` exclusive, `to` inclusive. */
interface Range {
  readonly from: number;
  readonly to: number;
  readonly fields: PriceFields;
}

function rangesOf(prices: PriceFields): readonly Range[] {
  const tiers: unknown = prices['tiered_pricing'];
  if (!Array.isArray(tiers)) return [];
  return tiers
    .flatMap((tier: PriceFields): Range[] => {
      const [from, to] = Array.isArray(tier?.['range']) ? (tier['range'] as readonly unknown[]) : [];
      return typeof from === 'number' && typeof to === 'number' ? [{ from, to, fields: tier }] : [];
    })
    .toSorted((a, b) => a.from - b.from);
}

/** Thresholds named by the fields, in tokens, highest first. */
function thresholdsOf(prices: PriceFields): readonly number[] {
  const found = new Set(Object.keys(prices).flatMap((name) => THRESHOLD_MARK.exec(name)?.[1] ?? []));
  return [...found].map((thousands) => Number(thousands) * 1000).toSorted((a, b) => b - a);
}

/** A sheet with its structure found once. Sheets live as long as a deployment is unchanged; what is read from them is remembered. */
interface Reading {
  readonly ranges: readonly Range[];
  readonly thresholds: readonly number[];
  readonly rates: Map<string, Rates>;
  readonly stated: Map<string, Rate | undefined>;
  readonly hasTokenPrices: boolean;
}

const readings = new WeakMap<PriceFields, Reading>();

function readingOf(prices: PriceFields): Reading {
  const known = readings.get(prices);
  if (known !== undefined) return known;
  const ranges = rangesOf(prices);
  const reading: Reading = {
    ranges,
    thresholds: thresholdsOf(prices),
    rates: new Map(),
    stated: new Map(),
    hasTokenPrices: statesTokenPrices(prices, ranges),
  };
  readings.set(prices, reading);
  return reading;
}

/** The price of a field, where the sheet states it. */
export function statedRate(prices: PriceFields, field: string): Rate | undefined {
  const { stated } = readingOf(prices);
  if (stated.has(field)) return stated.get(field);
  const rate = rateOf(prices[field]);
  stated.set(field, rate);
  return rate;
}

/** Suffixes that a field may have in a situation, the closest first: `['_above_128k_tokens', '']`. */
export function suffixesAt(prices: PriceFields, { inputTokens, serviceTier }: Situation): readonly string[] {
  const above = thresholdSuffix(readingOf(prices).thresholds, inputTokens);
  const tier = tierSuffix(prices, serviceTier);
  return above === '' && tier === '' ? PLAIN_ONLY : [...new Set([above + tier, above, tier, ''])];
}

const PLAIN_ONLY: readonly string[] = [''];

/** Suffix of the highest threshold that the input exceeds; empty below all of them. */
function thresholdSuffix(thresholds: readonly number[], inputTokens: number): string {
  const threshold = thresholds.find((tokens) => inputTokens > tokens);
  return threshold === undefined ? '' : `_above_${threshold / 1000}k_tokens`;
}

/**
 * Input lengths up to `most` that stand for every price the sheet can have there: `most` itself and each boundary below it, whose
 * side at or below is another price.
 */
export function lengthsUpTo(prices: PriceFields, most: number): readonly number[] {
  const { ranges, thresholds } = readingOf(prices);
  const boundaries = [...thresholds, ...ranges.map(({ from }) => from)];
  return [most, ...boundaries.filter((boundary) => boundary > 0 && boundary < most)];
}

/** True when both plain token prices are stated, in every range where the sheet has ranges. */
export const hasTokenPrices = (prices: PriceFields): boolean => readingOf(prices).hasTokenPrices;

function statesTokenPrices(prices: PriceFields, ranges: readonly Range[]): boolean {
  const tables = ranges.length === 0 ? [prices] : ranges.map(({ fields }) => ({ ...prices, ...fields }));
  return tables.every((table) => rateOf(table[PLAIN.input]) !== undefined && rateOf(table[PLAIN.output]) !== undefined);
}

/**
 * Reads the sheet for a situation. Prices must not change after the first reading.
 *
 * Stated prices are used as they are. What a sheet leaves out for a tier or threshold moves in proportion to the plain price of its
 * side there: OpenAI, Google and Anthropic raise and discount all classes of a side by the same factor.
 */
export function ratesAt(prices: PriceFields, situation: Situation): Rates {
  const { ranges, thresholds, rates: known } = readingOf(prices);
  const range = ranges.find(({ to }) => situation.inputTokens <= to) ?? ranges.at(-1);
  const above = thresholdSuffix(thresholds, situation.inputTokens);
  const tier = tierSuffix(prices, situation.serviceTier);
  const factor = factorOf(prices, situation.modifiers ?? [], isBatch(situation.serviceTier) && tier === '');
  const rule = [
    ...(range === undefined ? [] : [`range_${range.from}_${range.to}`]),
    ...(above === '' ? [] : [above.slice(1)]),
    ...(tier === '' ? [] : [tier.slice(1)]),
    ...factor.names,
  ].join('_');
  const remembered = known.get(rule);
  if (remembered !== undefined) return remembered;
  const table: PriceFields = range === undefined ? prices : { ...prices, ...range.fields };
  const rates: Rates = { ...readTable(table, above, tier, factor.value), ...(rule === '' ? {} : { rule }) };
  known.set(rule, rates);
  return rates;
}

/** The rates of every class at a threshold and tier, given as field suffixes, times a factor of 1e-18. */
function readTable(table: PriceFields, above: string, tier: string, factor: bigint): Record<TokenClass, Rate> {
  const here = above + tier;
  const variants = [...new Set([here, above, tier, ''])];

  const plainAt = (side: Side, variant: string): Rate => {
    const stated = (suffix: string): Rate | undefined => rateOf(table[PLAIN[side] + suffix]);
    const base = stated('') ?? 0n;
    const exact = stated(variant);
    if (exact !== undefined) return exact;
    if (variant !== here) return base;
    return inProportion(stated(above) ?? base, stated(tier) ?? base, base);
  };

  const rateFor = (tokenClass: TokenClass): Rate => {
    const { side, own } = FIELDS[tokenClass];
    const plain = plainAt(side, here);
    for (const field of own) {
      for (const variant of variants) {
        const stated = rateOf(table[field + variant]);
        if (stated === undefined) continue;
        const beside = plainAt(side, variant);
        return beside === 0n ? stated : divideUp(stated * plain, beside);
      }
    }
    return tokenClass === 'audio_cache_read' ? inProportion(rateFor('audio_input'), rateFor('cache_read'), plain) : plain;
  };

  const scaled = (tokenClass: TokenClass): [TokenClass, Rate] => [tokenClass, divideUp(rateFor(tokenClass) * factor, ONE)];
  return Object.fromEntries([...INPUT_CLASSES, ...OUTPUT_CLASSES].map(scaled)) as Record<TokenClass, Rate>;
}

/** Two departures from a price, both at once; the dearer one where the price is zero. */
const inProportion = (one: Rate, other: Rate, plain: Rate): Rate =>
  plain === 0n ? dearestRate([one, other]) : divideUp(one * other, plain);

const isBatch = (serviceTier: string | undefined): boolean => serviceTier?.toLowerCase() === 'batch';

/** Suffix of the service tier's fields; empty when the sheet has no prices for it. */
function tierSuffix(prices: PriceFields, serviceTier: string | undefined): string {
  const suffix = serviceTier === undefined ? undefined : TIER_SUFFIXES.get(serviceTier.toLowerCase());
  if (suffix === undefined) return '';
  return Object.keys(prices).some((name) => name.endsWith(suffix)) ? suffix : '';
}

const ONE = 10n ** BigInt(RATE_DIGITS);

/**
 * The product of the named multipliers, times 1e18, and the names the sheet knows. A batch costs half where no price of batches is
 * stated: so it is at every provider that has them, and so LiteLLM prices it.
 */
function factorOf(
  prices: PriceFields,
  names: readonly string[],
  halved: boolean,
): { readonly value: bigint; readonly names: readonly string[] } {
  const entry = prices['provider_specific_entry'];
  let value = halved ? ONE / 2n : ONE;
  const used: string[] = halved ? ['half_batch'] : [];
  for (const name of new Set(names)) {
    const own =
      typeof entry === 'object' && entry !== null && Object.hasOwn(entry, name) ? (entry as PriceFields)[name] : undefined;
    const multiplier = rateOf(own ?? prices[`regional_processing_uplift_multiplier_${name}`]);
    if (multiplier === undefined) continue;
    value = divideUp(value * multiplier, ONE);
    used.push(name);
  }
  return { value, names: used };
}

/** The highest of the rates; zero when there are none. */
export const dearestRate = (rates: readonly Rate[]): Rate => rates.reduce((most, rate) => (rate > most ? rate : most), 0n);
