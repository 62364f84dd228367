/** A key's limits as meters, and what a request asks of each of them. */
import { scopeOf, type VirtualKey } from './key.ts';
import { meterId, type CallFacts, type Counter, type HoldRequest, type Scope, type Window } from './meter.ts';
import type { Money } from './money.ts';
import { budgetWindow, minuteWindow } from './window.ts';

/** The most a request may use. */
export interface Demand {
  /** Worst cost, 1e-12 USD; absent when the key has no budget to hold it against. */
  readonly usd?: Money;
  /** Input and output tokens together. */
  readonly tokens: number;
  readonly call: CallFacts;
}

/** Parallel slots have no window: a slot comes back when its request ends. */
const NO_WINDOW: Window = { name: 'total', start: 0 };

/**
 * The meter of a key's budget at `now` (milliseconds since the epoch): `key#<hash>#usd#<window>#<start>`. There is one whether or not
 * the key has a budget.
 */
export function budgetMeter(
  key: VirtualKey,
  now: number,
): { readonly meter: string; readonly scope: Scope; readonly window: Window } {
  const scope = scopeOf(key);
  const window = budgetWindow(key, now);
  return { meter: meterId(scope, 'usd', window), scope, window };
}

/** True when the key has any limit that a request counts against. */
export const hasLimits = (key: VirtualKey): boolean =>
  key.maxBudget !== undefined ||
  key.rpmLimit !== undefined ||
  key.tpmLimit !== undefined ||
  key.maxParallelRequests !== undefined;

/**
 * The holds a request needs, money first: `key#<hash>#usd#...` for a budget, `key#<hash>#rate#minute#<start>` for requests and tokens a
 * minute (one meter, two counters), `key#<hash>#parallel#total#0` for open requests. A request that can cost nothing holds no money.
 */
export function holdRequests(key: VirtualKey, now: number, demand: Demand): readonly HoldRequest[] {
  return [budgetHold(key, now, demand), rateHold(key, now, demand), parallelHold(key)].filter((hold) => hold !== undefined);
}

function budgetHold(key: VirtualKey, now: number, { usd, call }: Demand): HoldRequest | undefined {
  if (key.maxBudget === undefined || usd === undefined || usd === 0n) return undefined;
  return { ...budgetMeter(key, now), amounts: { usd }, limits: { usd: key.maxBudget }, swept: true, call };
}

function rateHold(key: VirtualKey, now: number, { tokens }: Demand): HoldRequest | undefined {
  if (key.rpmLimit === undefined && key.tpmLimit === undefined) return undefined;
  const scope = scopeOf(key);
  const window = minuteWindow(now);
  const amounts: Partial<Record<Counter, bigint>> = {};
  const limits: Partial<Record<Counter, bigint>> = {};
  if (key.rpmLimit !== undefined) {
    amounts.requests = 1n;
    limits.requests = BigInt(key.rpmLimit);
  }
  if (key.tpmLimit !== undefined) {
    amounts.tokens = BigInt(tokens);
    limits.tokens = BigInt(key.tpmLimit);
  }
  return { meter: meterId(scope, 'rate', window), scope, window, amounts, limits, swept: false };
}

function parallelHold(key: VirtualKey): HoldRequest | undefined {
  if (key.maxParallelRequests === undefined) return undefined;
  const scope = scopeOf(key);
  return {
    meter: meterId(scope, 'parallel', NO_WINDOW),
    scope,
    window: NO_WINDOW,
    amounts: { parallel: 1n },
    limits: { parallel: BigInt(key.maxParallelRequests) },
    swept: true,
  };
}
