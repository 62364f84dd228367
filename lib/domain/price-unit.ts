/**
 * Prices of what is not counted in model tokens: calls, searches, seconds, characters, images, pages, sessions, storage. One table of
 * classes; each says what is counted, and at which price.
 *
 * The fields are those of LiteLLM's price map, with its suffixes for long input and service tiers (`suffixesAt`).
 */
import type { UnitCounts, Usage } from '../kinds/usage.ts';
import { imageRates } from './price-image.ts';
import { dearestRate, divideUp, statedRate, type PriceFields, type Rate } from './rate.ts';

/** Parts of a unit in which counts are kept, so that fractions of seconds and gigabyte-days are exact. */
export const PARTS_PER_UNIT = 1_000n;

/** A price list as it reads in one situation. */
export interface UnitSheet {
  readonly prices: PriceFields;
  /** See `suffixesAt`. */
  readonly suffixes: readonly string[];
  /** The counts are the most of what there may be: every price counts that less of it, or another mixture, could meet. */
  readonly bound: boolean;
}

/** What may be counted: usage, or the most of it. */
export type Counted = UnitCounts & Partial<Usage>;

/** What there is of a class: how much, and every price it may have; several where the figures leave open which one. */
interface UnitBill {
  /** In thousandths. */
  readonly count: bigint;
  readonly rates: readonly Rate[];
  /** Units that the price is for. */
  readonly per?: bigint;
}

/** A class of things with a price per unit; undefined when there is nothing of it, or no price. */
type UnitClass = (sheet: UnitSheet, counted: Counted) => UnitBill | undefined;

/** The price of the first field that is stated, in the closest variant. */
function priceOf({ prices, suffixes }: UnitSheet, ...fields: readonly string[]): Rate | undefined {
  for (const field of fields) {
    for (const suffix of suffixes) {
      const rate = statedRate(prices, field + suffix);
      if (rate !== undefined) return rate;
    }
  }
  return undefined;
}

/** A class with one price: the first stated of `fields`. */
const each =
  (name: keyof UnitCounts, ...fields: readonly string[]): UnitClass =>
  (sheet, counted) => {
    const count = thousandths(counted[name]);
    const rate = count === 0n ? undefined : priceOf(sheet, ...fields);
    return rate === undefined ? undefined : { count, rates: [rate] };
  };

/** The same with a price for a thousand. */
const perThousand = (name: keyof UnitCounts, field: string): UnitClass => {
  const one = each(name, field);
  return (sheet, counted) => {
    const bill = one(sheet, counted);
    return bill && { ...bill, per: 1_000n };
  };
};

/** A class that is free when the same thing was told in tokens (`name`) and the sheet prices those (`field`). */
const unlessTokens =
  (name: keyof Usage, field: string, unit: UnitClass): UnitClass =>
  (sheet, counted) =>
    !sheet.bound && thousandths(counted[name]) > 0n && (priceOf(sheet, field) ?? 0n) > 0n ? undefined : unit(sheet, counted);

/** A class, and the count without which there is nothing of it; three may come with any call. */
type Entry = readonly [counted: keyof UnitCounts | undefined, bill: UnitClass];

/** By the name of the part in a cost; none may be the name of a class of tokens. */
const CLASSES: Readonly<Record<string, Entry>> = {
  call: [undefined, callOnce],
  query: [undefined, queries],
  web_search: [undefined, searches],
  citation: ['citationTokens', each('citationTokens', 'citation_cost_per_token')],
  input_characters: [
    'inputCharacters',
    unlessTokens('inputTokens', 'input_cost_per_token', each('inputCharacters', 'input_cost_per_character')),
  ],
  output_characters: [
    'outputCharacters',
    unlessTokens('outputTokens', 'output_cost_per_token', each('outputCharacters', 'output_cost_per_character')),
  ],
  audio_input_seconds: ['audioInputSeconds', unlessTokens('inputTokens', 'input_cost_per_token', audioInput)],
  audio_output_seconds: [
    'audioOutputSeconds',
    unlessTokens(
      'outputTokens',
      'output_cost_per_audio_token',
      each('audioOutputSeconds', 'output_cost_per_audio_per_second', 'output_cost_per_second'),
    ),
  ],
  video_input_seconds: ['videoInputSeconds', videoInput],
  video_output_seconds: ['videoOutputSeconds', unlessTokens('videoOutputTokens', 'output_cost_per_video_token', videoOutput)],
  compute_seconds: ['computeSeconds', unlessTokens('inputTokens', 'input_cost_per_token', compute)],
  input_images: ['inputImages', unlessTokens('imageInputTokens', 'input_cost_per_image_token', imagesRead)],
  output_images: ['outputImages', unlessTokens('imageOutputTokens', 'output_cost_per_image_token', imagesMade)],
  pages: ['pages', unlessTokens('inputTokens', 'input_cost_per_token', pages)],
  annotated_pages: ['annotatedPages', each('annotatedPages', 'annotation_cost_per_page')],
  credits: ['credits', each('credits', 'ocr_cost_per_credit')],
  code_interpreter: ['codeInterpreterSessions', each('codeInterpreterSessions', 'code_interpreter_cost_per_session')],
  file_search: ['fileSearchCalls', perThousand('fileSearchCalls', 'file_search_cost_per_1k_calls')],
  file_search_storage: ['fileSearchGbDays', each('fileSearchGbDays', 'file_search_cost_per_gb_per_day')],
  vector_store: ['vectorStoreGbDays', each('vectorStoreGbDays', 'vector_store_cost_per_gb_per_day')],
  computer_use_input: [
    'computerUseInputTokens',
    perThousand('computerUseInputTokens', 'computer_use_input_cost_per_1k_tokens'),
  ],
  computer_use_output: [
    'computerUseOutputTokens',
    perThousand('computerUseOutputTokens', 'computer_use_output_cost_per_1k_tokens'),
  ],
};

const CLASS_LIST = Object.entries(CLASSES);

/**
 * What the units cost, class by class, in thousandths of a `Rate`. Where the figures leave the price open (no size of the images, no
 * context size of the searches) the dearest counts, so that nothing is undercharged.
 */
export function unitProducts(sheet: UnitSheet, counted: Counted): readonly (readonly [name: string, product: bigint])[] {
  const products: [string, bigint][] = [];
  for (const [name, [count, bill]] of CLASS_LIST) {
    if (count !== undefined && counted[count] === undefined) continue;
    const found = bill(sheet, counted);
    if (found === undefined) continue;
    const product = found.count * dearestRate(found.rates);
    if (product > 0n) products.push([name, found.per === undefined ? product : divideUp(product, found.per)]);
  }
  return products;
}

/** What a call is for, where it is not text: without a price of it, nobody knows what the call cost. */
const THINGS = [
  'inputCharacters',
  'outputCharacters',
  'audioInputSeconds',
  'audioOutputSeconds',
  'videoInputSeconds',
  'videoOutputSeconds',
  'computeSeconds',
  'inputImages',
  'outputImages',
  'pages',
  'credits',
  'queries',
] as const satisfies readonly (keyof UnitCounts)[];

/** True when something was made or read that is counted in units, and no unit of it has a price. */
export function isUnpriced(sheet: UnitSheet, counted: Counted): boolean {
  if (THINGS.every((name) => thousandths(counted[name]) === 0n)) return false;
  return CLASS_LIST.every(([name, [, bill]]) => name === 'call' || (bill(sheet, counted)?.rates.length ?? 0) === 0);
}

/** Tools that a provider bills by use, beside the tokens of the answer, and where usage counts them. */
const TOOLS = [
  ['web_search', 'webSearchRequests'],
  ['file_search', 'fileSearchCalls'],
  ['code_interpreter', 'codeInterpreterSessions'],
] as const satisfies readonly (readonly [string, keyof UnitCounts])[];

/** Names of the tools that were used and have no price in the sheet. */
export const unpricedTools = (sheet: UnitSheet, counted: Counted): readonly string[] =>
  TOOLS.flatMap(([name, count]) =>
    thousandths(counted[count]) > 0n && (CLASSES[name]?.[1](sheet, counted)?.rates.length ?? 0) === 0 ? [name] : [],
  );

/** The price of a call as such. */
function callOnce(sheet: UnitSheet): UnitBill | undefined {
  const rate = priceOf(sheet, 'input_cost_per_request');
  return rate === undefined ? undefined : { count: PARTS_PER_UNIT, rates: [rate] };
}

/** Queries of a search, search units of a rerank: one a call unless the provider says more. */
function queries(sheet: UnitSheet, counted: Counted): UnitBill | undefined {
  const rates = queryRates(sheet, counted.searchResults);
  return rates.length === 0 ? undefined : { count: thousandths(counted.queries ?? 1), rates };
}

/** Web searches: as many as reported, or as the model always makes. */
function searches(sheet: UnitSheet, counted: Counted): UnitBill | undefined {
  const { webSearchRequests: made } = counted;
  const usual = searchesPerCall(sheet.prices);
  const count = thousandths(sheet.bound ? Math.max(made ?? 0, usual) : (made ?? usual));
  return count === 0n ? undefined : { count, rates: searchRates(sheet, counted.searchContextSize) };
}

/** Images read. Sheets of image models state the price of an image made in the same field, unless they state it as output. */
function imagesRead(sheet: UnitSheet, counted: Counted): UnitBill | undefined {
  const isOfOutput = priceOf(sheet, 'output_cost_per_image', 'output_cost_per_image_token') === undefined;
  if (!sheet.bound && counted.outputImages !== undefined && isOfOutput) return undefined;
  return each('inputImages', 'input_cost_per_image')(sheet, counted);
}

/** Images made, by size and quality. */
function imagesMade(sheet: UnitSheet, counted: Counted): UnitBill | undefined {
  const count = thousandths(counted.outputImages);
  if (count === 0n) return undefined;
  return { count, rates: imageRates(sheet.prices, counted, (...fields) => priceOf(sheet, ...fields)) };
}

/** Pages read, unless the provider bills credits for them. */
function pages(sheet: UnitSheet, counted: Counted): UnitBill | undefined {
  const inCredits = counted.credits !== undefined && priceOf(sheet, 'ocr_cost_per_credit') !== undefined;
  return !sheet.bound && inCredits ? undefined : each('pages', 'ocr_cost_per_page')(sheet, counted);
}

/** Seconds of audio read: at the price of input, or where that is none or zero, of output: transcription is priced as either. */
function audioInput(sheet: UnitSheet, counted: Counted): UnitBill | undefined {
  const count = thousandths(counted.audioInputSeconds);
  if (count === 0n) return undefined;
  const input = priceOf(sheet, 'input_cost_per_audio_per_second', 'input_cost_per_second') ?? 0n;
  return { count, rates: [input > 0n ? input : (priceOf(sheet, 'output_cost_per_second') ?? 0n)] };
}

/** Seconds of video read, dearer by the length of the video where the sheet says so. */
function videoInput(sheet: UnitSheet, counted: Counted): UnitBill | undefined {
  const { videoInputSeconds = 0 } = counted;
  const field = 'input_cost_per_video_per_second';
  const steps = [15, 8]
    .filter((seconds) => videoInputSeconds > seconds)
    .map((seconds) => `${field}_above_${seconds}s_interval`);
  if (!sheet.bound) return each('videoInputSeconds', ...steps, field)(sheet, counted);
  const rates = [...steps, field].map((name) => priceOf(sheet, name)).filter((rate) => rate !== undefined);
  return { count: thousandths(videoInputSeconds), rates };
}

/** Seconds of video made, at the price of their resolution; at the dearest resolution where that is not told. */
function videoOutput(sheet: UnitSheet, counted: Counted): UnitBill | undefined {
  const count = thousandths(counted.videoOutputSeconds);
  if (count === 0n) return undefined;
  const fields = ['output_cost_per_video_per_second', 'output_cost_per_second'];
  const { videoResolution } = counted;
  const plain = priceOf(sheet, ...fields);
  if (videoResolution !== undefined) {
    const rate = priceOf(sheet, ...fields.map((field) => `${field}_${videoResolution.toLowerCase()}`)) ?? plain;
    return rate === undefined ? undefined : { count, rates: [rate] };
  }
  const others = Object.keys(sheet.prices).filter((name) => /^output_cost_per_(video_per_)?second_(\d+p|\dk)$/.test(name));
  return { count, rates: [plain, ...others.map((field) => priceOf(sheet, field))].filter((rate) => rate !== undefined) };
}

/** Time on rented hardware: both prices per second, as LiteLLM adds them, but once where they are one price stated twice. */
function compute(sheet: UnitSheet, counted: Counted): UnitBill | undefined {
  const count = thousandths(counted.computeSeconds);
  if (count === 0n) return undefined;
  const input = priceOf(sheet, 'input_cost_per_second') ?? 0n;
  const output = priceOf(sheet, 'output_cost_per_second') ?? 0n;
  return { count, rates: [input === output ? input : input + output] };
}

/** Prices of one query; several where they depend on how many results it may bring, and that is not told. */
function queryRates(sheet: UnitSheet, results: number | undefined): readonly Rate[] {
  const plain = priceOf(sheet, 'input_cost_per_query');
  if (plain !== undefined) return [plain];
  const tiers: unknown = sheet.prices['tiered_pricing'];
  if (!Array.isArray(tiers)) return [];
  const steps = tiers
    .flatMap((tier: PriceFields) => {
      const range = tier?.['max_results_range'];
      const rate = statedRate(tier, 'input_cost_per_query');
      const to: unknown = Array.isArray(range) ? range[1] : undefined;
      return typeof to === 'number' && rate !== undefined ? [{ to, rate }] : [];
    })
    .toSorted((a, b) => a.to - b.to);
  const last = steps.findIndex(({ to }) => results !== undefined && results <= to);
  const reached = last < 0 ? steps : steps.slice(0, last + 1);
  return (results === undefined || sheet.bound ? reached : reached.slice(-1)).map(({ rate }) => rate);
}

/** Searches a model makes at every call, which its provider may not report. */
export function searchesPerCall(prices: PriceFields): number {
  const searches = prices['searches_per_call'];
  return typeof searches === 'number' ? searches : 0;
}

const SEARCH_SIZES = ['search_context_size_medium', 'search_context_size_low', 'search_context_size_high'] as const;

/** The price of a web search at a context size; without one, of the default size, which is medium. */
function searchRates({ prices, bound }: UnitSheet, size: string | undefined): readonly Rate[] {
  const costs = prices['search_context_cost_per_query'];
  if (typeof costs !== 'object' || costs === null) return [];
  const names = [...(size === undefined ? [] : [`search_context_size_${size}`]), ...SEARCH_SIZES];
  const rates = names.map((name) => statedRate(costs as PriceFields, name)).filter((rate) => rate !== undefined);
  return bound && size === undefined ? rates : rates.slice(0, 1);
}

/** A count in thousandths, rounded up: 0 for what is no number or negative; a figure beyond any real call is cut. */
function thousandths(count: unknown): bigint {
  if (typeof count !== 'number' || !Number.isFinite(count) || count <= 0) return 0n;
  if (Number.isSafeInteger(count)) return BigInt(count) * PARTS_PER_UNIT;
  return BigInt(Math.min(Math.ceil(count * Number(PARTS_PER_UNIT)), Number.MAX_SAFE_INTEGER));
}
