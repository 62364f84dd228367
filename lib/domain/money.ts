/**
 * Money is an integer of 1e-12 USD (a "picodollar"), as a bigint: sums are exact, rounding happens once, where a price meets a
 * count. 38-digit numbers of DynamoDB hold any amount we can meet.
 */
export type Money = bigint;

/** 1e-12 USD in one USD. */
export const USD = 1_000_000_000_000n;

/**
 * A decimal USD amount as picodollars; digits beyond 1e-12 are rounded up, so that a limit or price is never understated.
 *
 * @throws RangeError when the value is no finite decimal number.
 * @example parseUsd('0.1') === 100_000_000_000n; parseUsd(2.5e-7) === 250_000n
 */
export function parseUsd(value: string | number): Money {
  return scaleDecimal(value, 12);
}

/**
 * A decimal number times 10^`digits`, exactly; what remains below 1 is rounded away from zero.
 *
 * @throws RangeError when the value is no finite decimal number.
 */
export function scaleDecimal(value: string | number, digits: number): bigint {
  const match = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(String(value).trim());
  if (match === null || (match[2] === '' && match[3] === '')) throw new RangeError(`not a decimal number: ${value}`);
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const shift = digits - fraction.length + Number(exponent);
  const integer = BigInt(whole + fraction);
  let scaled: bigint;
  if (shift >= 0) scaled = integer * 10n ** BigInt(shift);
  else {
    const divisor = 10n ** BigInt(-shift);
    scaled = (integer + divisor - 1n) / divisor;
  }
  return sign === '-' ? -scaled : scaled;
}

/** Exact decimal text, without trailing zeros: `0.0000025`. */
export function formatUsd(amount: Money): string {
  const negative = amount < 0n;
  const digits = (negative ? -amount : amount).toString().padStart(13, '0');
  const fraction = digits.slice(-12).replace(/0+$/, '');
  return `${negative ? '-' : ''}${digits.slice(0, -12)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** USD as a JSON number, for fields that LiteLLM's clients read as numbers. */
export const toUsdNumber = (amount: Money): number => Number(formatUsd(amount));
