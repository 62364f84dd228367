/** A refusal as the client sees it: which scope, which limit, how much is used and held, and when to come back. */
import { heldOf, spentOf, type Counter, type HoldRequest } from '../domain/meter.ts';
import { formatUsd, toUsdNumber } from '../domain/money.ts';
import { GatewayError } from '../errors.ts';
import type { Refusal } from './admission.ts';
import { rateHeaders, secondsUntil } from './limit-headers.ts';

/** Words for limits: LiteLLM's names where it has them. */
const LIMIT_TYPES: Readonly<Record<Counter, string>> = {
  usd: 'budget',
  requests: 'requests',
  tokens: 'tokens',
  input_tokens: 'input_tokens',
  output_tokens: 'output_tokens',
  parallel: 'max_parallel_requests',
};

const RATE_NAMES: Readonly<Record<Exclude<Counter, 'usd'>, string>> = {
  requests: 'requests per minute',
  tokens: 'tokens per minute',
  input_tokens: 'input tokens per minute',
  output_tokens: 'output tokens per minute',
  parallel: 'parallel requests',
};

/**
 * A scope in words: its kind, what people call it, its id. A key's id is a hash that says nothing to anybody, and there is one gateway.
 *
 * @example team "Research" (t-17); key "intern"; customer acme; gateway
 */
export function describeScope({ scope, name }: Pick<HoldRequest, 'scope' | 'name'>): string {
  if (scope.kind === 'global') return 'gateway';
  const kind = scope.kind === 'organization-member' ? 'member' : scope.kind;
  const isOpaque = scope.kind === 'key' || scope.kind === 'session';
  if (name === undefined) return isOpaque ? kind : `${kind} ${scope.id}`;
  return isOpaque ? `${kind} "${name}"` : `${kind} "${name}" (${scope.id})`;
}

/** What every refusal says of the limit, for programs. */
function scopeFacts({ scope, name, model, window }: HoldRequest): Record<string, string | null> {
  return {
    scope: scope.kind,
    ...(scope.kind === 'key' ? {} : { scope_id: scope.id }),
    ...(name === undefined ? {} : { scope_name: name }),
    ...(model === undefined ? {} : { model }),
    window: window.name,
    resets_at: window.end === undefined ? null : isoOf(window.end),
  };
}

/** The error of a refusal at `now`, milliseconds since the epoch. */
export function refusalError(refusal: Refusal, now: number): GatewayError {
  return refusal.counter === 'usd' ? budgetError(refusal) : rateError(refusal, refusal.counter, now);
}

function budgetError({ request, meter }: Refusal): GatewayError {
  const { window, model } = request;
  const [limit, needed] = [request.limits.usd ?? 0n, request.amounts.usd ?? 0n];
  const [used, held] = [spentOf(meter, 'usd'), heldOf(meter, 'usd')];
  const span = window.end === undefined ? 'for its whole life' : `per ${window.name}`;
  const reset = window.end === undefined ? 'It does not reset.' : `It resets at ${isoOf(window.end)}.`;
  return new GatewayError(
    'budget_exceeded',
    `Budget has been exceeded! The ${describeScope(request)} may spend ${formatUsd(limit)} USD ${span}${onModel(model)}: ${formatUsd(used)} USD are spent, ` +
      `${formatUsd(held)} USD are held by open requests, and this request may cost ${formatUsd(needed)} USD. ${reset}`,
    {
      type: 'budget_exceeded',
      code: 'budget_exceeded',
      facts: {
        ...scopeFacts(request),
        limit_type: LIMIT_TYPES.usd,
        limit: toUsdNumber(limit),
        used: toUsdNumber(used),
        held: toUsdNumber(held),
      },
    },
  );
}

function rateError({ request, meter }: Refusal, counter: Exclude<Counter, 'usd'>, now: number): GatewayError {
  const { window, model, limits, amounts } = request;
  const [limit, needed] = [limits[counter] ?? 0n, amounts[counter] ?? 0n];
  const [used, held] = [spentOf(meter, counter), heldOf(meter, counter)];
  const seconds = window.end === undefined ? 1 : secondsUntil(window.end, now);
  const neverFits = needed > limit;
  const advice = neverFits
    ? `This request alone needs ${needed}; ask for fewer output tokens or send less.`
    : `Try again in ${seconds} s.`;
  return new GatewayError(
    'rate_limit',
    `Rate limit exceeded: the ${describeScope(request)} may have ${limit} ${RATE_NAMES[counter]}${onModel(model)}; ${used} used, ${held} held by open requests. ${advice}`,
    {
      code: 'rate_limit_exceeded',
      ...(neverFits ? { retryable: false } : { retryAfter: String(seconds) }),
      headers: {
        ...rateHeaders(limits, meter, window.end, now),
        rate_limit_type: LIMIT_TYPES[counter],
        ...(window.end === undefined ? {} : { reset_at: isoOf(window.end) }),
      },
      facts: {
        ...scopeFacts(request),
        limit_type: LIMIT_TYPES[counter],
        limit: Number(limit),
        used: Number(used),
        held: Number(held),
      },
    },
  );
}

const onModel = (model: string | undefined): string => (model === undefined ? '' : ` on ${model}`);
const isoOf = (time: number): string => new Date(time).toISOString();
