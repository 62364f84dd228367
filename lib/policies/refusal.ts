/**
 * A refusal as the client sees it: which scope, which limit, how much is used and held, and when to come back. Of a scope whose figures are
 * not the caller's to know it says which it is and when to come back.
 */
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
export function describeScope({
  scope,
  name: known,
  undisclosed,
}: Pick<HoldRequest, 'scope' | 'name' | 'undisclosed'>): string {
  // The caller named an id; what the operator calls it is the operator's.
  const name = undisclosed === true ? undefined : known;
  if (scope.kind === 'global') return 'gateway';
  const kind = scope.kind === 'organization-member' ? 'member' : scope.kind;
  const isOpaque = scope.kind === 'key' || scope.kind === 'session';
  if (name === undefined) return isOpaque ? kind : `${kind} ${scope.id}`;
  return isOpaque ? `${kind} "${name}"` : `${kind} "${name}" (${scope.id})`;
}

/** What every refusal says of the limit, for programs. */
function scopeFacts({ scope, name, model, window, undisclosed }: HoldRequest): Record<string, string | null> {
  return {
    scope: scope.kind,
    ...(scope.kind === 'key' ? {} : { scope_id: scope.id }),
    ...(name === undefined || undisclosed === true ? {} : { scope_name: name }),
    ...(model === undefined ? {} : { model }),
    window: window.name,
    resets_at: window.end === undefined ? null : isoOf(window.end),
  };
}

/** The figures of a refusal, for the log: money in USD. */
export function refusalFigures({ request, counter, meter }: Refusal): Record<string, number> {
  const shown = (amount: bigint): number => (counter === 'usd' ? toUsdNumber(amount) : Number(amount));
  return {
    limit: shown(request.limits[counter] ?? 0n),
    used: shown(spentOf(meter, counter)),
    held: shown(heldOf(meter, counter)),
  };
}

/** The error of a refusal at `now`, milliseconds since the epoch. */
export function refusalError(refusal: Refusal, now: number): GatewayError {
  return refusal.counter === 'usd' ? budgetError(refusal) : rateError(refusal, refusal.counter, now);
}

/** The error of a call that had room whenever it looked, and found others to be faster each time it asked. */
export const contendedError = ({ request }: Refusal): GatewayError =>
  new GatewayError(
    'overloaded',
    `The ${describeScope(request)} has room for this request, but many others want the last of it at once. Try again in 1 s.`,
    { code: 'limit_contended', retryAfter: '1' },
  );

function budgetError(refusal: Refusal): GatewayError {
  const { request } = refusal;
  const { window } = request;
  const span = window.end === undefined ? 'for its whole life' : `per ${window.name}`;
  const reset = window.end === undefined ? 'It does not reset.' : `It resets at ${isoOf(window.end)}.`;
  return new GatewayError('budget_exceeded', `Budget has been exceeded! ${budgetText(refusal, span)} ${reset}`, {
    type: 'budget_exceeded',
    code: 'budget_exceeded',
    facts: {
      ...scopeFacts(request),
      limit_type: LIMIT_TYPES.usd,
      ...(request.undisclosed === true ? {} : refusalFigures(refusal)),
    },
  });
}

function budgetText({ request, meter }: Refusal, span: string): string {
  const { limits, amounts, model, undisclosed } = request;
  const whose = `The ${describeScope(request)}`;
  const need = `this request may cost ${formatUsd(amounts.usd ?? 0n)} USD.`;
  if (undisclosed === true) return `${whose} has too little left of its budget ${span}${onModel(model)}: ${need}`;
  const [limit, used, held] = [limits.usd ?? 0n, spentOf(meter, 'usd'), heldOf(meter, 'usd')].map(formatUsd);
  return (
    `${whose} may spend ${limit} USD ${span}${onModel(model)}: ${used} USD are spent, ` +
    `${held} USD are held by open requests, and ${need}`
  );
}

function rateError(refusal: Refusal, counter: Exclude<Counter, 'usd'>, now: number): GatewayError {
  const { request, meter } = refusal;
  const { window, limits, amounts, undisclosed } = request;
  const [limit, needed] = [limits[counter] ?? 0n, amounts[counter] ?? 0n];
  const seconds = window.end === undefined ? 1 : secondsUntil(window.end, now);
  const neverFits = needed > limit;
  const advice = neverFits
    ? `This request alone needs ${needed}; ask for fewer output tokens or send less.`
    : `Try again in ${seconds} s.`;
  return new GatewayError(
    'rate_limit',
    `Rate limit exceeded: the ${describeScope(request)} ${rateText(refusal, counter)} ${advice}`,
    {
      code: 'rate_limit_exceeded',
      ...(neverFits ? { retryable: false } : { retryAfter: String(seconds) }),
      headers: {
        ...(undisclosed === true ? {} : rateHeaders(limits, meter, window.end, now)),
        rate_limit_type: LIMIT_TYPES[counter],
        ...(window.end === undefined ? {} : { reset_at: isoOf(window.end) }),
      },
      facts: {
        ...scopeFacts(request),
        limit_type: LIMIT_TYPES[counter],
        ...(undisclosed === true ? {} : refusalFigures(refusal)),
      },
    },
  );
}

function rateText({ request: { limits, model, undisclosed }, meter }: Refusal, counter: Exclude<Counter, 'usd'>): string {
  const what = `${RATE_NAMES[counter]}${onModel(model)}`;
  if (undisclosed === true) return `has no room for it in its ${what}.`;
  const [used, held] = [spentOf(meter, counter), heldOf(meter, counter)];
  return `may have ${limits[counter] ?? 0n} ${what}; ${used} used, ${held} held by open requests.`;
}

const onModel = (model: string | undefined): string => (model === undefined ? '' : ` on ${model}`);
const isoOf = (time: number): string => new Date(time).toISOString();
