/**
 * The price of an image made: of its size, quality and diffusion steps where the sheet has `image_variants`, else the plain price of
 * an image, else that of its pixels.
 *
 * `image_variants` is ours: the catalog gathers in it what the source lists as models of their own (`hd/1024-x-1024/dall-e-3`,
 * `512-x-512/max-steps/...`), by that prefix.
 */
import type { UnitCounts } from '../kinds/usage.ts';
import { statedRate, type PriceFields, type Rate } from './rate.ts';

/** What a variant is of: its prefix in the source, taken apart. `max` stands for whatever exceeds the other variants. */
interface Variant {
  readonly quality?: string;
  readonly size: string;
  readonly steps?: string;
  readonly fields: PriceFields;
}

/** Square the default side of image models, for images of unknown size that are priced by pixel. */
const DEFAULT_SIZE = '1024-x-1024';

/** Prices of an image, per image; several where what is known of it leaves open which. `priceOf` reads the plain fields. */
export function imageRates(
  prices: PriceFields,
  image: Pick<UnitCounts, 'imageSize' | 'imageQuality' | 'imageSteps'>,
  priceOf: (...fields: readonly string[]) => Rate | undefined,
): readonly Rate[] {
  const size = image.imageSize?.toLowerCase().replace(/^(\d+)\s*[x×]\s*(\d+)$/, '$1-x-$2');
  const found = narrow(variantsOf(prices), size, image);
  const rates = found
    .map(({ fields, size: own }) => rateOfImage((...names) => firstOf(fields, names), own))
    .filter((rate) => rate !== undefined);
  if (rates.length > 0) return rates;
  const plain = rateOfImage(priceOf, size ?? DEFAULT_SIZE);
  return plain === undefined ? [] : [plain];
}

/** The variants that the image may be of; none when the sheet has nothing for its size. */
function narrow(
  variants: readonly Variant[],
  size: string | undefined,
  { imageQuality, imageSteps }: Pick<UnitCounts, 'imageQuality' | 'imageSteps'>,
): readonly Variant[] {
  const ofSize = variants.filter((variant) => size === undefined || variant.size === size);
  const sized = ofSize.length > 0 ? ofSize : variants.filter((variant) => variant.size === 'max-x-max');
  const quality = imageQuality?.toLowerCase();
  const ofQuality = sized.filter((variant) => variant.quality === quality);
  const chosen = quality !== undefined && ofQuality.length > 0 ? ofQuality : sized;
  if (imageSteps === undefined) return chosen;
  const fitting = chosen.filter(({ steps }) => steps !== undefined && steps !== 'max' && imageSteps <= Number(steps));
  return fitting.length > 0 ? fitting : chosen;
}

const remembered = new WeakMap<PriceFields, readonly Variant[]>();

function variantsOf(prices: PriceFields): readonly Variant[] {
  const known = remembered.get(prices);
  if (known !== undefined) return known;
  const given = prices['image_variants'];
  const variants = typeof given === 'object' && given !== null ? Object.entries(given).flatMap(readVariant) : [];
  remembered.set(prices, variants);
  return variants;
}

function readVariant([prefix, fields]: [string, unknown]): readonly Variant[] {
  const [, quality, size, steps] = /^(?:([a-z]+)\/)?((?:\d+|max)-x-(?:\d+|max))(?:\/(\d+|max)-steps)?$/.exec(prefix) ?? [];
  if (size === undefined || typeof fields !== 'object' || fields === null) return [];
  return [
    {
      size,
      fields: fields as PriceFields,
      ...(quality === undefined ? {} : { quality }),
      ...(steps === undefined ? {} : { steps }),
    },
  ];
}

const firstOf = (fields: PriceFields, names: readonly string[]): Rate | undefined =>
  names.map((name) => statedRate(fields, name)).find((rate) => rate !== undefined);

/** The price of one image. Image models state it as output or as input, and so that of a pixel; where both are, they are two halves. */
function rateOfImage(priceOf: (...fields: readonly string[]) => Rate | undefined, size: string): Rate | undefined {
  const whole = priceOf('output_cost_per_image', 'input_cost_per_image');
  if (whole !== undefined) return whole;
  const [input, output] = [priceOf('input_cost_per_pixel'), priceOf('output_cost_per_pixel')];
  const [, width, height] = /^(\d+)-x-(\d+)$/.exec(size) ?? [];
  if ((input === undefined && output === undefined) || width === undefined || height === undefined) return undefined;
  return ((input ?? 0n) + (output ?? 0n)) * BigInt(width) * BigInt(height);
}
