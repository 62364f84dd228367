/** A refusal as the client sees it: which scope, which limit, how much is used and held, and when to come back. */
import { heldOf, spentOf, type Counter, type Meter } from '../domain/meter.ts';
import { formatUsd, toUsdNumber } from '../domain/money.ts';
import { GatewayError } from '../errors.ts';
import type { Refusal } from './admission.ts';

/** Words for limits: LiteLLM's names where it has them. */
const LIMIT_TYPES: Readonly<Record<Counter, string>> = {
  usd: 'budget',
  requests: 'requests',
  tokens: 'tokens',
  parallel: 'max_parallel_requests',
};

const RATE_NAMES: Readonly<Record<Exclude<Counter, 'usd'>, string>> = {
  requests: 'requests per minute',
  tokens: 'tokens per minute',
  parallel: 'parallel requests',
};

/** The error of a refusal at `now`, milliseconds since the epoch. */
export function refusalError(refusal: Refusal, now: number): GatewayError {
  return refusal.counter === 'usd' ? budgetError(refusal) : rateError(refusal, refusal.counter, now);
}

function budgetError({ request, meter }: Refusal): GatewayError {
  const { scope, window } = request;
  const [limit, needed] = [request.limits.usd ?? 0n, request.amounts.usd ?? 0n];
  const [used, held] = [spentOf(meter, 'usd'), heldOf(meter, 'usd')];
  const span = window.end === undefined ? 'for its whole life' : `per ${window.name}`;
  const reset = window.end === undefined ? 'It does not reset.' : `It resets at ${isoOf(window.end)}.`;
  return new GatewayError(
    'budget_exceeded',
    `Budget has been exceeded! The ${scope.kind} may spend ${formatUsd(limit)} USD ${span}: ${formatUsd(used)} USD are spent, ` +
      `${formatUsd(held)} USD are held by open requests, and this request may cost ${formatUsd(needed)} USD. ${reset}`,
    {
      type: 'budget_exceeded',
      code: 'budget_exceeded',
      facts: {
        scope: scope.kind,
        limit_type: LIMIT_TYPES.usd,
        window: window.name,
        limit: toUsdNumber(limit),
        used: toUsdNumber(used),
        held: toUsdNumber(held),
        resets_at: window.end === undefined ? null : isoOf(window.end),
      },
    },
  );
}

function rateError({ request, meter }: Refusal, counter: Exclude<Counter, 'usd'>, now: number): GatewayError {
  const { scope, window, limits, amounts } = request;
  const [limit, needed] = [limits[counter] ?? 0n, amounts[counter] ?? 0n];
  const [used, held] = [spentOf(meter, counter), heldOf(meter, counter)];
  const seconds = window.end === undefined ? 1 : secondsUntil(window.end, now);
  const neverFits = needed > limit;
  const advice = neverFits
    ? `This request alone needs ${needed}; ask for fewer output tokens or send less.`
    : `Try again in ${seconds} s.`;
  return new GatewayError(
    'rate_limit',
    `Rate limit exceeded: the ${scope.kind} may have ${limit} ${RATE_NAMES[counter]}; ${used} used, ${held} held by open requests. ${advice}`,
    {
      code: 'rate_limit_exceeded',
      ...(neverFits ? { retryable: false } : { retryAfter: String(seconds) }),
      headers: {
        ...rateHeaders(limits, meter, window.end, now),
        rate_limit_type: LIMIT_TYPES[counter],
        ...(window.end === undefined ? {} : { reset_at: isoOf(window.end) }),
      },
      facts: {
        scope: scope.kind,
        limit_type: LIMIT_TYPES[counter],
        window: window.name,
        limit: Number(limit),
        used: Number(used),
        held: Number(held),
        resets_at: window.end === undefined ? null : isoOf(window.end),
      },
    },
  );
}

/** `x-ratelimit-*` for each limited counter of a meter, in OpenAI's form (`reset` as `17s`). */
export function rateHeaders(
  limits: Refusal['request']['limits'],
  meter: Meter,
  end: number | undefined,
  now: number,
): Record<string, string> {
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

const secondsUntil = (end: number, now: number): number => Math.max(1, Math.ceil((end - now) / 1000));
const isoOf = (time: number): string => new Date(time).toISOString();
