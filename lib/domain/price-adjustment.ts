/**
 * What an operator takes off a provider's prices (a negotiated discount) and puts on top (a margin): LiteLLM's `cost_discount_config`
 * and `cost_margin_config`. The margin is reckoned on the discounted price.
 */
import { scaleDecimal } from './money.ts';

/** A margin: a share of the cost (0.1 is 10 %), an amount in USD for every call that cost something to serve, or both. */
export type Margin = number | { readonly percentage?: number | undefined; readonly fixed_amount?: number | undefined };

/** Discounts (0.05 takes 5 % off) and margins by provider; the margin of `global` holds for providers that have none of their own. */
export interface CostSettings {
  readonly discounts: Readonly<Record<string, number>>;
  readonly margins: Readonly<Record<string, Margin>>;
}

/** What applies to one provider, in 1e-18. */
export interface Adjustment {
  /** Share of the cost that remains after the discount. */
  readonly kept: bigint;
  /** One, and the margin's share on top. */
  readonly raised: bigint;
  /** USD added to every call. */
  readonly fixed: bigint;
}

const DIGITS = 18;

/** One, as a share. */
export const WHOLE = 10n ** BigInt(DIGITS);

/** What applies to a provider, by any of its names; undefined when nothing does. */
export function adjustmentOf(settings: CostSettings, names: readonly string[]): Adjustment | undefined {
  const find = <T>(table: Readonly<Record<string, T>>, keys: readonly string[]): T | undefined => {
    const name = keys.find((key) => Object.hasOwn(table, key));
    return name === undefined ? undefined : table[name];
  };
  const discount = find(settings.discounts, names) ?? 0;
  const given = find(settings.margins, [...names, 'global']) ?? 0;
  const { percentage = 0, fixed_amount: fixed = 0 } = typeof given === 'number' ? { percentage: given } : given;
  if (discount === 0 && percentage === 0 && fixed === 0) return undefined;
  return {
    kept: WHOLE - scaleDecimal(discount, DIGITS),
    raised: WHOLE + scaleDecimal(percentage, DIGITS),
    fixed: scaleDecimal(fixed, DIGITS),
  };
}
