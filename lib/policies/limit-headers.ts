/** Response headers that state limits and what remains of them. */
import type { LimitedScope } from '../domain/budget.ts';
import type { Amounts, Meter } from '../domain/meter.ts';
import { formatUsd } from '../domain/money.ts';
import { isShard } from '../domain/shard.ts';
import type { Held } from './admission.ts';

/**
 * LiteLLM's headers of the key's own limits, and the rates of whichever scope is nearest to its limit. A shard knows only a part of what
 * remains, so it says nothing; nor does a scope whose figures are not the caller's to know.
 */
export function limitHeaders(scopes: readonly LimitedScope[], held: readonly Held[], now: number): Record<string, string> {
  const key = scopes.find(({ scope }) => scope.kind === 'key')?.limits;
  return {
    ...(key?.maxBudget === undefined ? {} : { 'x-litellm-key-max-budget': formatUsd(key.maxBudget) }),
    ...(key?.rpmLimit === undefined ? {} : { 'x-litellm-key-rpm-limit': String(key.rpmLimit) }),
    ...(key?.tpmLimit === undefined ? {} : { 'x-litellm-key-tpm-limit': String(key.tpmLimit) }),
    ...nearestRates(held, now),
  };
}

function nearestRates(held: readonly Held[], now: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const counter of ['requests', 'tokens'] as const) {
    const [nearest] = held
      .filter(
        ({ request, meter }) => request.limits[counter] !== undefined && request.undisclosed !== true && !isShard(meter.id),
      )
      .toSorted((one, other) => Number(roomOf(one, counter) - roomOf(other, counter)));
    if (nearest === undefined) continue;
    const limits: Amounts = { [counter]: nearest.request.limits[counter] };
    Object.assign(headers, rateHeaders(limits, nearest.meter, nearest.request.window.end, now));
  }
  return headers;
}

const roomOf = ({ request, meter }: Held, counter: 'requests' | 'tokens'): bigint =>
  (request.limits[counter] ?? 0n) - (meter.committed[counter] ?? 0n);

/** `x-ratelimit-*` for each limited counter of a meter, in OpenAI's form (`reset` as `17s`). */
export function rateHeaders(limits: Amounts, meter: Meter, end: number | undefined, now: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const counter of ['requests', 'tokens'] as const) {
    const limit = limits[counter];
    if (limit === undefined) continue;
    const left = limit - (meter.committed[counter] ?? 0n);
    headers[`x-ratelimit-limit-${counter}`] = String(limit);
    headers[`x-ratelimit-remaining-${counter}`] = String(left < 0n ? 0n : left);
    if (end !== undefined) headers[`x-ratelimit-reset-${counter}`] = `${secondsUntil(end, now)}s`;
  }
  return headers;
}

/** Whole seconds until a moment, at least one. Times in milliseconds since the epoch. */
export const secondsUntil = (end: number, now: number): number => Math.max(1, Math.ceil((end - now) / 1000));
