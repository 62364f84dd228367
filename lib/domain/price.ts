/**
 * The one price engine: what a usage costs (settlement), what a request may cost at most (holds), and how much output a rest of budget
 * pays for (clamps). Exact integers throughout; rounding happens once, up to the next 1e-12 USD.
 *
 * Tokens are priced by `rate.ts`, everything else by `price-unit.ts`; the operator's discount and margin come last.
 */
import type { UnitCounts, Usage } from '../kinds/usage.ts';
import type { Money } from './money.ts';
import { WHOLE, type Adjustment } from './price-adjustment.ts';
import type { CatalogModel, Cost, PriceOverride, PriceSheet } from './price-types.ts';
import { PARTS_PER_UNIT, isUnpriced, unitProducts, unpricedTools } from './price-unit.ts';
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
  suffixesAt,
  type PriceFields,
  type Rate,
  type Situation,
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
  /**
   * The most of everything that is not counted in model tokens. What a price depends on besides (size and quality of images, context
   * size of searches) binds where it is stated; where it is not, the dearest is reckoned with.
   */
  readonly units?: UnitCounts;
  /** Classes the request cannot use (no audio in it, no 1-hour cache mark): their prices are left out of the bound. */
  readonly excluded?: readonly TokenClass[];
}

/** Kinds of calls, by what their prices are for. */
export type PricedKind =
  | 'generate'
  | 'embed'
  | 'image'
  | 'speech'
  | 'transcribe'
  | 'rerank'
  | 'moderate'
  | 'search'
  | 'ocr'
  | 'video';

/** What a kind is priced by; the token prices of text are always enough. */
const PRICED_BY: Readonly<Record<PricedKind, RegExp>> = {
  generate: /^input_cost_per_(request|query)$/,
  embed: /^input_cost_per_(token|character|image|audio_per_second|video_per_second|request)$/,
  image: /^((in|out)put_cost_per_(image|image_token|pixel)|image_variants)$/,
  speech: /^(input_cost_per_character|output_cost_per_(second|audio_per_second|audio_token))$/,
  transcribe: /^((in|out)put_cost_per_second|input_cost_per_audio_(per_second|token))$/,
  rerank: /^input_cost_per_(query|request|token)$/,
  moderate: /^input_cost_per_(token|request)$/,
  search: /^(input_cost_per_(query|request)|tiered_pricing)$/,
  ocr: /^ocr_cost_per_(page|credit)$/,
  video: /^output_cost_per_(second|video_per_second|video_token)/,
};

/** True when calls of a kind can be priced: both token prices, or a price of the kind's own. A price of zero is a price. */
export function isPriced(sheet: PriceSheet, kind: PricedKind = 'generate'): boolean {
  if (hasTokenPrices(sheet.prices)) return true;
  return Object.entries(sheet.prices).some(
    ([name, price]) => PRICED_BY[kind].test(name) && (rateOf(price) !== undefined || typeof price === 'object'),
  );
}

/**
 * What a usage costs, or undefined where the sheet has no price of what was used: an image where only tokens are priced, and none were
 * reported. Such a call is unknown, not free.
 */
export function priceUsage(sheet: PriceSheet, usage: Usage): Cost | undefined {
  const { prices } = sheet;
  const inTokens = whole(usage.inputTokens) + whole(usage.outputTokens) > 0 && hasTokenPrices(prices);
  if (!inTokens && isUnpriced({ prices, suffixes: suffixesAt(prices, { inputTokens: 0 }), bound: false }, usage))
    return undefined;
  return costOf(sheet, usage);
}

/** Units of the exact sums (thousandths of a rate) in one `Money` unit. */
const PER_MONEY = RATES_PER_MONEY * PARTS_PER_UNIT;

/**
 * What a usage costs. The total is rounded up once; each part is the step that the running total takes, so the parts sum to the total
 * exactly and each lies within 1e-12 USD of its own product.
 *
 * The sheet must be priced (`isPriced`): classes without any price count as free (`priceUsage` does not take that for an answer).
 *
 * @example costOf(gpt4oMini, { inputTokens: 1000, outputTokens: 100, source: 'provider' }).total === 210_000_000n // $0.00021
 */
export function costOf(sheet: PriceSheet, usage: Usage): Cost {
  const { prices, adjustment } = sheet;
  const counts = countsOf(usage);
  const inputTokens = INPUT_CLASSES.reduce((sum, tokenClass) => sum + counts[tokenClass], 0);
  const situation: Situation = {
    inputTokens,
    ...(usage.serviceTier === undefined ? {} : { serviceTier: usage.serviceTier }),
    modifiers: [...(usage.modifiers ?? []), ...(sheet.modifiers ?? [])],
  };
  const rates = ratesAt(prices, situation);

  const parts: Record<string, Money> = {};
  let exact = 0n;
  let total = 0n;
  const step = (name: string, sum: bigint, unit: bigint): void => {
    const rounded = divideUp(sum, unit);
    parts[name] = rounded - total;
    total = rounded;
  };
  for (const tokenClass of TOKEN_CLASSES) {
    const count = counts[tokenClass];
    if (count === 0 || rates[tokenClass] === 0n) continue;
    exact += BigInt(count) * rates[tokenClass] * PARTS_PER_UNIT;
    step(tokenClass, exact, PER_MONEY);
  }
  const units = { prices, suffixes: suffixesAt(prices, situation), bound: false };
  for (const [name, product] of unitProducts(units, usage)) {
    exact += product;
    step(name, exact, PER_MONEY);
  }
  if (adjustment !== undefined) {
    if (adjustment.kept !== WHOLE) step('discount', exact * adjustment.kept, PER_MONEY * WHOLE);
    if (adjustment.raised !== WHOLE || adjustment.fixed !== 0n) step('margin', adjusted(exact, adjustment), PER_ADJUSTED);
  }
  const unpriced = unpricedTools(units, usage);
  return {
    total,
    parts,
    source: sheet.source,
    version: sheet.version,
    ...(rates.rule === undefined ? {} : { rule: rates.rule }),
    ...(unpriced.length === 0 ? {} : { unpriced }),
  };
}

const TOKEN_CLASSES: readonly TokenClass[] = [...INPUT_CLASSES, ...OUTPUT_CLASSES];

/** Units of an adjusted sum in one `Money` unit. */
const PER_ADJUSTED = PER_MONEY * WHOLE * WHOLE;

/** An exact sum after discount and margin. */
const adjusted = (exact: bigint, { kept, raised, fixed }: Adjustment): bigint =>
  exact * kept * raised + fixed * PARTS_PER_UNIT * WHOLE * WHOLE;

/** An exact sum as money, after discount and margin. */
const moneyOf = (exact: bigint, adjustment: Adjustment | undefined): Money =>
  adjustment === undefined ? divideUp(exact, PER_MONEY) : divideUp(adjusted(exact, adjustment), PER_ADJUSTED);

/**
 * The most a request within `bound` can cost: every token at the dearest rate its side can meet at any input length up to the bound,
 * at the tier asked for or the plain one. For every usage within the bound, `costOf` is at most this.
 */
export function worstCase(sheet: PriceSheet, bound: Bound): Money {
  const { input, output, fixed } = dearest(sheet, bound);
  const tokens = BigInt(whole(bound.inputTokens)) * input + BigInt(whole(bound.outputTokens)) * output;
  return moneyOf(tokens * PARTS_PER_UNIT + fixed, sheet.adjustment);
}

/**
 * The largest output cap per choice whose worst case fits `headroom`: 0 when not even the input fits,
 * `Number.MAX_SAFE_INTEGER` when output is free.
 */
export function affordableOutput(
  sheet: PriceSheet,
  request: Omit<Bound, 'outputTokens'> & { readonly headroom: Money; readonly choices?: number },
): number {
  const { input, output, fixed } = dearest(sheet, request);
  const { kept, raised, fixed: fee } = sheet.adjustment ?? NO_ADJUSTMENT;
  // The headroom, before a margin was added and a discount taken off: the largest exact sum that costs no more.
  const room = request.headroom * PER_ADJUSTED - fee * PARTS_PER_UNIT * WHOLE * WHOLE;
  if (room < 0n) return 0;
  if (kept === 0n) return Number.MAX_SAFE_INTEGER;
  const rest = room / (kept * raised) - BigInt(whole(request.inputTokens)) * input * PARTS_PER_UNIT - fixed;
  if (rest < 0n) return 0;
  if (output === 0n) return Number.MAX_SAFE_INTEGER;
  const tokens = rest / (output * PARTS_PER_UNIT * BigInt(Math.max(1, whole(request.choices))));
  return tokens > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(tokens);
}

const NO_ADJUSTMENT: Adjustment = { kept: WHOLE, raised: WHOLE, fixed: 0n };

/**
 * The price list of a deployment: the catalog's, with the operator's prices over it field by field, inside the ranges of
 * `tiered_pricing` too. Undefined when there is neither.
 */
export function mergeSheet(catalog: CatalogModel | undefined, override: PriceOverride | undefined): PriceSheet | undefined {
  if (override === undefined || Object.keys(override).length === 0) {
    return catalog === undefined ? undefined : { source: 'catalog', version: catalog.version, prices: catalog.prices };
  }
  const { tiered_pricing: ranges, search_context_cost_per_query: searches, ...plain } = override;
  const prices: Record<string, unknown> = { ...catalog?.prices, ...plain };
  if (searches !== undefined) prices[SEARCHES] = { ...(prices[SEARCHES] as object | undefined), ...(searches as object) };
  const known = prices['tiered_pricing'];
  if (ranges !== undefined) prices['tiered_pricing'] = ranges;
  else if (Array.isArray(known)) prices['tiered_pricing'] = known.map((range: PriceFields) => ({ ...range, ...plain }));
  return { source: 'operator', version: 'operator', prices };
}

const SEARCHES = 'search_context_cost_per_query';

/** Dearest rate of each side within the bound, and the most that all which is no token can cost, in thousandths of a rate. */
function dearest(
  { prices, modifiers: own = [] }: PriceSheet,
  bound: Omit<Bound, 'outputTokens'>,
): { readonly input: Rate; readonly output: Rate; readonly fixed: bigint } {
  const excluded = new Set<TokenClass>(bound.excluded);
  if (excluded.has('audio_input')) excluded.add('audio_cache_read');
  const { serviceTier, modifiers = [], units = {} } = bound;
  const tiers = [{}, ...(serviceTier === undefined ? [] : [{ serviceTier }])];
  const factors = [own, ...(modifiers.length === 0 ? [] : [[...own, ...modifiers]])];
  const lengths = lengthsUpTo(prices, bound.inputTokens).flatMap((inputTokens) =>
    tiers.map((tier) => ({ inputTokens, ...tier })),
  );
  const situations = lengths.flatMap((length) => factors.map((names) => ratesAt(prices, { ...length, modifiers: names })));
  const most = (classes: readonly TokenClass[]): Rate =>
    dearestRate(
      situations.flatMap((rates) => classes.filter((tokenClass) => !excluded.has(tokenClass)).map((name) => rates[name])),
    );
  const unitCosts = lengths.map((length) =>
    unitProducts({ prices, suffixes: suffixesAt(prices, length), bound: true }, units).reduce(
      (sum, [, cost]) => sum + cost,
      0n,
    ),
  );
  return { input: most(INPUT_CLASSES), output: most(OUTPUT_CLASSES), fixed: dearestRate(unitCosts) };
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
  audio_cache_read: 0,
  image_input: 0,
  video_input: 0,
  output: 0,
  reasoning: 0,
  audio_output: 0,
  image_output: 0,
  video_output: 0,
};

/**
 * Tokens by class, disjoint. Cached tokens and reasoning are taken at their word: where they come to more than the total that should
 * include them, they were counted beside it (Perplexity's reasoning). Audio, image and video tokens count only as far as the total has
 * room, because they may be cached ones as well.
 */
function countsOf(usage: Usage): Record<TokenClass, number> {
  if (usage.billedInputTokens !== undefined || usage.billedOutputTokens !== undefined) return billedCounts(usage);
  const write1h = whole(usage.cacheWrite1hTokens);
  const write = Math.max(whole(usage.cacheWriteTokens), write1h);
  const read = whole(usage.cacheReadTokens);
  const audioRead = Math.min(whole(usage.cacheReadAudioTokens), read);
  const inputRest = restOf(whole(usage.inputTokens), read + write);
  const audioInput = Math.min(Math.max(0, whole(usage.audioInputTokens) - audioRead), inputRest);
  const imageInput = Math.min(whole(usage.imageInputTokens), inputRest - audioInput);
  const videoInput = Math.min(whole(usage.videoInputTokens), inputRest - audioInput - imageInput);

  const reasoning = whole(usage.reasoningTokens);
  const outputRest = restOf(whole(usage.outputTokens), reasoning);
  const audioOutput = Math.min(whole(usage.audioOutputTokens), outputRest);
  const imageOutput = Math.min(whole(usage.imageOutputTokens), outputRest - audioOutput);
  const videoOutput = Math.min(whole(usage.videoOutputTokens), outputRest - audioOutput - imageOutput);
  return {
    input: inputRest - audioInput - imageInput - videoInput,
    cache_read: read - audioRead,
    cache_write: write - write1h,
    cache_write_1h: write1h,
    audio_input: audioInput,
    audio_cache_read: audioRead,
    image_input: imageInput,
    video_input: videoInput,
    output: outputRest - audioOutput - imageOutput - videoOutput,
    reasoning,
    audio_output: audioOutput,
    image_output: imageOutput,
    video_output: videoOutput,
  };
}

/** What a total has besides a part; all of it where it cannot include the part. */
const restOf = (total: number, part: number): number => (part > total ? total : total - part);

/** A count that may be multiplied: whole, not negative, 0 for what is no number; a figure beyond any real call is cut. */
const whole = (count: number | undefined): number =>
  count !== undefined && Number.isFinite(count) && count > 0 ? Math.min(Math.ceil(count), Number.MAX_SAFE_INTEGER) : 0;
