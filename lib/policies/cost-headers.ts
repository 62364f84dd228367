/** What a call cost, in LiteLLM's response headers: the total, and what the operator's discount and margin made of the provider's price. */
import { WHOLE } from '../domain/price-adjustment.ts';
import { formatUsd } from '../domain/money.ts';
import type { Cost, PriceSheet } from '../domain/price-types.ts';

/** Headers of a cost, amounts in USD. A discount is told as the amount taken off. */
export function costHeaders({ total, parts }: Cost, sheet: PriceSheet | undefined): Record<string, string> {
  const { discount, margin } = parts;
  const raised = sheet?.adjustment?.raised ?? WHOLE;
  return {
    'x-litellm-response-cost': formatUsd(total),
    ...(discount === undefined && margin === undefined
      ? {}
      : { 'x-litellm-response-cost-original': formatUsd(total - (discount ?? 0n) - (margin ?? 0n)) }),
    ...(discount === undefined ? {} : { 'x-litellm-response-cost-discount-amount': formatUsd(-discount) }),
    ...(margin === undefined ? {} : { 'x-litellm-response-cost-margin-amount': formatUsd(margin) }),
    ...(raised === WHOLE ? {} : { 'x-litellm-response-cost-margin-percent': percentText(raised - WHOLE) }),
  };
}

/** A share of 1e-18 as a decimal number: 0.1 is 10 %, as LiteLLM writes it. */
const percentText = (share: bigint): string => String(Number(share) / Number(WHOLE));
