/** Shapes of prices, shared by the catalog (which loads them) and `price` (which applies them). */
import type { Money } from './money.ts';
import type { Adjustment } from './price-adjustment.ts';

/**
 * What the catalog knows of a model, in the field names of LiteLLM's price map (`input_cost_per_token`,
 * `cache_read_input_token_cost`, `input_cost_per_token_above_200k_tokens`, ...), USD per single unit as decimal numbers.
 */
export interface CatalogModel {
  /** Name in the catalog: `gpt-4o-mini`, `groq/llama-3.3-70b-versatile`. */
  readonly name: string;
  readonly provider: string;
  /** Version of the data it comes from: `litellm-2026-08-01`. */
  readonly version: string;
  readonly mode?: string;
  readonly maxInputTokens?: number;
  readonly maxOutputTokens?: number;
  /** The `supports_*` flags under their full names: `supports_vision`. */
  readonly supports: Readonly<Record<string, boolean>>;
  /**
   * Every price field of the source, by its own name, and two of ours: `searches_per_call` for models that search the web whether asked
   * to or not, and `image_variants`, prices of images by quality and size.
   */
  readonly prices: Readonly<Record<string, unknown>>;
}

/**
 * Prices an operator sets on a deployment; same field names, and they override the catalog field by field. Two fields have an inside:
 * `search_context_cost_per_query` by size, and `tiered_pricing`, a list of ranges.
 */
export type PriceOverride = Readonly<
  Record<string, number | Readonly<Record<string, number>> | readonly Readonly<Record<string, unknown>>[]>
>;

/** A price list ready to be applied to usage. */
export interface PriceSheet {
  /** `catalog`, or `operator` when any field was overridden. */
  readonly source: 'catalog' | 'operator' | 'demo';
  /** Version of the data, for the ledger: `litellm-2026-08-01`, or `operator`. */
  readonly version: string;
  readonly prices: Readonly<Record<string, unknown>>;
  /** Multipliers that apply to every call, because of where the deployment is: `eu` for OpenAI's European address. */
  readonly modifiers?: readonly string[];
  /** The operator's discount and margin. */
  readonly adjustment?: Adjustment;
}

/** What a usage costs. */
export interface Cost {
  /** 1e-12 USD. */
  readonly total: Money;
  /**
   * Parts by class (`input`, `cache_read`, `cache_write`, `cache_write_1h`, `output`, `reasoning`, `audio_input`, `web_search`, ...), then
   * `discount`, which is negative, and `margin`; they sum to `total`.
   */
  readonly parts: Readonly<Record<string, Money>>;
  readonly source: PriceSheet['source'];
  readonly version: string;
  /** The rule that chose the price, where it was not the plain one: `above_200k_tokens`, `priority`, ... */
  readonly rule?: string;
  /** Tools of the provider that were used and have no price here, so that they are missing from `total`: `web_search`, ... */
  readonly unpriced?: readonly string[];
}
