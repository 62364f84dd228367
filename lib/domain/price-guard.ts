/** Whether one price list may take the place of another: nothing that costs something may come to cost nothing, or to have no price. */
import { isPriced, type PricedKind } from './price.ts';
import { lengthsUpTo, ratesAt, INPUT_CLASSES, OUTPUT_CLASSES, type PriceFields, type Situation } from './rate.ts';

const KINDS = [
  'generate',
  'embed',
  'image',
  'speech',
  'transcribe',
  'rerank',
  'moderate',
  'search',
  'ocr',
  'video',
] as const satisfies readonly PricedKind[];

const TIERS = ['standard', 'priority', 'flex', 'batch'];
/** No real list comes near; a list made to keep us busy does. */
const MOST_SITUATIONS = 10_000;
/** Longer than any input, tokens. */
const LONGEST = 1e12;

/**
 * What would be lost, in words; undefined when nothing would be. Tokens are compared as they would be priced, in every situation that
 * either list tells apart; everything else by its fields: one that says zero is a loss where the other list has a price of that name.
 *
 * @example lostPrice({ input_cost_per_token: 1, output_cost_per_token: 1 }, { input_cost_per_token: 0, output_cost_per_token: 1 })
 */
export function lostPrice(known: PriceFields, next: PriceFields): string | undefined {
  const kind = KINDS.find((one) => priced(known, one) && !priced(next, one));
  if (kind !== undefined) return `there would be no price for calls of the kind ${kind}`;
  const situations = situationsOf(known, next);
  if (situations.length > MOST_SITUATIONS)
    return `it tells ${situations.length} situations apart, at most ${MOST_SITUATIONS} are compared`;
  for (const situation of situations) {
    const [before, after] = [ratesAt(known, situation), ratesAt(next, situation)];
    const lost = [...INPUT_CLASSES, ...OUTPUT_CLASSES].find((one) => before[one] > 0n && after[one] === 0n);
    if (lost !== undefined) return `${lost} tokens would cost nothing${after.rule === undefined ? '' : ` (${after.rule})`}`;
  }
  const leaves = leavesOf(known);
  const dear = new Set(leaves.flatMap(({ field, price }) => (price > 0 ? [rootOf(field)] : [])));
  const free = new Set(leaves.flatMap(({ path, price }) => (price === 0 ? [path] : [])));
  const zero = leavesOf(next).find(({ path, field, price }) => price === 0 && dear.has(rootOf(field)) && !free.has(path));
  return zero === undefined ? undefined : `${zero.path} would be zero`;
}

/** Modes whose calls use tokens of both sides. */
const BOTH_SIDES: ReadonlySet<unknown> = new Set(['chat', 'completion', 'responses']);
/** Tables of prices for situations, and multipliers of them. */
const SITUATIONAL = /^(tiered_pricing|provider_specific_entry|regional_processing_uplift_multiplier_.*)$/;

/**
 * What a list says is free, where no other list is known to compare it with; undefined when nothing is. Its plain prices of caches, and of
 * classes that its mode may have, are taken at their word.
 *
 * @param mode `chat`, `embedding`, ...
 */
export function freePart(prices: PriceFields, mode: string | undefined): string | undefined {
  const leaves = leavesOf(prices);
  if (leaves.length > 0 && leaves.every(({ price }) => price === 0)) return 'it would cost nothing';
  const zero = ['input_cost_per_token', 'output_cost_per_token'].find((field) => prices[field] === 0);
  if (BOTH_SIDES.has(mode) && zero !== undefined) return `${zero} would be zero`;
  const plain = Object.entries(prices).filter(([field]) => rootOf(field) === field && !SITUATIONAL.test(field));
  return lostPrice(Object.fromEntries(plain), prices);
}

const priced = (prices: PriceFields, kind: PricedKind): boolean => isPriced({ source: 'catalog', version: '', prices }, kind);

/** All that the two lists tell apart: lengths of input, service tiers, multipliers one by one. */
function situationsOf(known: PriceFields, next: PriceFields): readonly Situation[] {
  const lengths = new Set([...lengthsUpTo(known, LONGEST), ...lengthsUpTo(next, LONGEST)]);
  const modifiers = new Set([...modifiersOf(known), ...modifiersOf(next)]);
  const factors = [[], ...[...modifiers].map((name) => [name])];
  return [...lengths].flatMap((inputTokens) =>
    TIERS.flatMap((serviceTier) => factors.map((names) => ({ inputTokens, serviceTier, modifiers: names }))),
  );
}

const REGIONAL = 'regional_processing_uplift_multiplier_';

function modifiersOf(prices: PriceFields): readonly string[] {
  const entry = prices['provider_specific_entry'];
  const regions = Object.keys(prices).flatMap((name) => (name.startsWith(REGIONAL) ? [name.slice(REGIONAL.length)] : []));
  return [...(typeof entry === 'object' && entry !== null ? Object.keys(entry) : []), ...regions];
}

/** A number somewhere in a list, and the name it stands under. */
interface Leaf {
  readonly path: string;
  readonly field: string;
  readonly price: number;
}

/** Numbers that are bounds and no prices. */
const BOUNDS = new Set(['range', 'max_results_range']);

function leavesOf(value: unknown, path = '', field = ''): readonly Leaf[] {
  if (typeof value === 'number') return [{ path, field, price: value }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (BOUNDS.has(name)) return [];
    const at = path === '' ? name : `${path}.${name}`;
    return leavesOf(inner, at, Array.isArray(value) ? field : name);
  });
}

/** The name of a price without its threshold and tier. */
const rootOf = (field: string): string => field.replace(/_above_\d+k_tokens/, '').replace(/_(priority|flex|batches)$/, '');
