/** The limits of a scope as meters, and what a request asks of each of them. */
import { coversName, resolveAlias } from './access.ts';
import { scopeOf, type VirtualKey } from './key.ts';
import type { Limits, ModelLimits, TokenRateType } from './limits.ts';
import { COUNTERS, meterId, type CallFacts, type Counter, type HoldRequest, type Scope, type Window } from './meter.ts';
import type { Money } from './money.ts';
import { minuteWindow, windowAt } from './window.ts';

/** Limits of a record that may have names of its own for models. */
export interface OwnLimits extends Limits {
  readonly aliases?: Readonly<Record<string, string>>;
}

/** An owner with its limits, as a call meets it. */
export interface LimitedScope {
  readonly scope: Scope;
  readonly limits: OwnLimits;
  /** What people call it: an alias. */
  readonly name?: string;
  /** The caller may not know what it may spend and has spent. */
  readonly undisclosed?: boolean;
}

/** The most a request may use. */
export interface Demand {
  /** Model as the client called it, aliases resolved. */
  readonly model: string;
  /** Worst cost, 1e-12 USD; absent when no scope has a budget to hold it against. */
  readonly usd?: Money;
  readonly tokens: Readonly<Record<TokenRateType, number>>;
  readonly call: CallFacts;
}

/** One cap on spend, with the meter it counts on. */
export interface Budget {
  readonly meter: string;
  readonly scope: Scope;
  readonly window: Window;
  /** 1e-12 USD; absent where there is only a soft budget. */
  readonly max?: Money;
  /** Spend at which somebody is told, 1e-12 USD. */
  readonly soft?: Money;
  /** The model, or the pattern of models, whose spend alone counts. */
  readonly model?: string;
}

/**
 * True when spend that was booked under a model's name counts on a budget. What no model was called for (an adjustment) counts on none of a
 * model, not even on one of `*`.
 */
export const countsModel = ({ model }: Pick<Budget, 'model'>, name: string): boolean =>
  model === undefined || (name !== '' && coversName(model, name));

/** Parallel slots have no window: a slot comes back when its request ends. */
const NO_WINDOW: Window = { name: 'total', start: 0 };

/** A session's meter may go when nothing was called in it for this long. */
const SESSION_LIFE_MS = 90 * 86_400_000;

const TOKEN_COUNTERS: Readonly<Record<TokenRateType, Counter>> = {
  total: 'tokens',
  input: 'input_tokens',
  output: 'output_tokens',
};

/**
 * The meter of a key's budget at `now` (milliseconds since the epoch): `key#<hash>#usd#<window>#<start>`. There is one whether or not
 * the key has a budget.
 */
export function budgetMeter(
  key: VirtualKey,
  now: number,
): { readonly meter: string; readonly scope: Scope; readonly window: Window } {
  return moneyMeter(scopeOf(key), key, key.budgetDuration, now);
}

/**
 * Every cap on spend of a scope at `now`, each with its meter: the budget, its further windows, those of models. With `model`, only
 * what a call of that model counts against: each pattern that covers its name, since every cap means what it says.
 */
export function budgetsOf({ scope, limits }: LimitedScope, now: number, model?: string): readonly Budget[] {
  const { maxBudget, softBudget, budgetDuration, budgetWindows = [] } = limits;
  const own: Budget[] = [];
  if (maxBudget !== undefined || softBudget !== undefined) {
    const max = maxBudget === undefined ? undefined : maxBudget + increaseAt(limits, now);
    own.push({
      ...moneyMeter(scope, limits, budgetDuration, now),
      ...(max === undefined ? {} : { max }),
      ...(softBudget === undefined ? {} : { soft: softBudget }),
    });
  }
  for (const { max, duration } of budgetWindows) own.push({ ...moneyMeter(scope, limits, duration, now), max });
  for (const [pattern, { maxBudget: max, budgetDuration: duration }] of limitedModels(limits)) {
    if (max === undefined || (model !== undefined && !coversName(pattern, model))) continue;
    own.push({ ...moneyMeter(scope, limits, duration, now, pattern), max, model: pattern });
  }
  return own;
}

const increaseAt = ({ temporaryIncrease: raise }: Limits, now: number): Money =>
  raise !== undefined && now < raise.until ? raise.amount : 0n;

function moneyMeter(
  scope: Scope,
  { budgetAnchor: anchor }: Pick<Limits, 'budgetAnchor'>,
  duration: string | undefined,
  now: number,
  model?: string,
): Budget {
  const window = windowAt({ duration, anchor, now });
  return { meter: meterId(scope, 'usd', window, model), scope, window };
}

/** True when there is any limit that a request may count against. */
export const hasLimits = ({
  maxBudget,
  softBudget,
  budgetWindows,
  modelLimits,
  rpmLimit,
  tpmLimit,
  maxParallelRequests,
}: Limits): boolean =>
  maxBudget !== undefined ||
  softBudget !== undefined ||
  rpmLimit !== undefined ||
  tpmLimit !== undefined ||
  maxParallelRequests !== undefined ||
  (budgetWindows !== undefined && budgetWindows.length > 0) ||
  (modelLimits !== undefined && Object.keys(modelLimits).length > 0);

/** True when a call of the model needs a worst case in tokens. */
export const hasTokenRate = ({ limits }: LimitedScope, model: string): boolean =>
  limits.tpmLimit !== undefined || modelRates(limits, model).some(([, { tpmLimit }]) => tpmLimit !== undefined);

/** Limits on models, by the model or pattern they are on: what an alias stands for is what calls of it are booked as. */
const limitedModels = ({ modelLimits = {}, aliases = {} }: OwnLimits): readonly (readonly [string, ModelLimits])[] =>
  Object.entries(modelLimits).map(([name, own]) => [resolveAlias(aliases, name), own]);

const modelRates = (limits: OwnLimits, model: string) =>
  limitedModels(limits).filter(
    ([pattern, { rpmLimit, tpmLimit }]) => (rpmLimit !== undefined || tpmLimit !== undefined) && coversName(pattern, model),
  );

/**
 * The holds a request needs in a scope, money first: `team#<id>#usd#...` for budgets, `team#<id>#rate#minute#<start>` for requests and
 * tokens a minute (one meter, a counter each), the same of models (`usd@<model>`), `team#<id>#parallel#total#0` for open requests. A
 * request that can cost nothing holds no money. Limits that share a meter become one hold under the tightest of them.
 */
export function holdRequests(limited: LimitedScope, now: number, demand: Demand): readonly HoldRequest[] {
  const holds = [...moneyHolds(limited, now, demand), ...rateHolds(limited, now, demand), ...parallelHolds(limited)];
  const byMeter = new Map<string, HoldRequest>();
  for (const hold of holds) {
    const other = byMeter.get(hold.meter);
    byMeter.set(hold.meter, other === undefined ? hold : tightest(other, hold));
  }
  return [...byMeter.values()];
}

function tightest(one: HoldRequest, other: HoldRequest): HoldRequest {
  const limits: Partial<Record<Counter, bigint>> = { ...one.limits };
  for (const counter of COUNTERS) {
    const [mine, theirs] = [one.limits[counter], other.limits[counter]];
    if (theirs !== undefined && (mine === undefined || theirs < mine)) limits[counter] = theirs;
  }
  return { ...other, ...one, amounts: { ...other.amounts, ...one.amounts }, limits };
}

/**
 * A hold of a scope that is over its budget and goes on at a reduced rate: its money is booked and refuses nothing, its rates are this
 * share (0 to 1) of what they were, at least 1.
 */
export function throttledHold(hold: HoldRequest, share: number): HoldRequest {
  if (hold.amounts.usd !== undefined) return { ...hold, limits: {} };
  if (hold.amounts.parallel !== undefined) return hold;
  const limits: Partial<Record<Counter, bigint>> = {};
  for (const counter of COUNTERS) {
    const limit = hold.limits[counter];
    if (limit !== undefined) limits[counter] = BigInt(Math.max(1, Math.floor(Number(limit) * share)));
  }
  return { ...hold, limits };
}

/** True when a scope that is over its budget has a rate to reduce. */
export const mayThrottle = ({ throttled, rpmLimit, tpmLimit }: Limits): boolean =>
  throttled === true && (rpmLimit !== undefined || tpmLimit !== undefined);

/** What every hold of a scope says of it. */
const named = (
  { scope, name, undisclosed }: LimitedScope,
  model?: string,
): Pick<HoldRequest, 'scope' | 'name' | 'model' | 'undisclosed'> => ({
  scope,
  ...(name === undefined ? {} : { name }),
  ...(undisclosed === true ? { undisclosed } : {}),
  ...(model === undefined ? {} : { model }),
});

function moneyHolds(limited: LimitedScope, now: number, { usd, model, call }: Demand): readonly HoldRequest[] {
  if (usd === undefined || usd === 0n) return [];
  const keepUntil = limited.scope.kind === 'session' ? { keepUntil: now + SESSION_LIFE_MS } : {};
  return budgetsOf(limited, now, model).map(({ meter, window, max, soft, model: pattern }) => ({
    ...named(limited, pattern),
    meter,
    window,
    amounts: { usd },
    limits: max === undefined ? {} : { usd: max },
    ...(soft === undefined ? {} : { soft }),
    swept: true,
    call,
    ...keepUntil,
  }));
}

function rateHolds(limited: LimitedScope, now: number, demand: Demand): readonly HoldRequest[] {
  const { limits } = limited;
  const own = rateHold(limited, now, demand, limits);
  const models = modelRates(limits, demand.model).map(([pattern, rates]) => rateHold(limited, now, demand, rates, pattern));
  return [own, ...models].filter((hold) => hold !== undefined);
}

function rateHold(
  limited: LimitedScope,
  now: number,
  demand: Demand,
  { rpmLimit, tpmLimit }: Pick<Limits, 'rpmLimit' | 'tpmLimit'>,
  model?: string,
): HoldRequest | undefined {
  if (rpmLimit === undefined && tpmLimit === undefined) return undefined;
  const window = minuteWindow(now);
  const amounts: Partial<Record<Counter, bigint>> = {};
  const limits: Partial<Record<Counter, bigint>> = {};
  if (rpmLimit !== undefined) {
    amounts.requests = 1n;
    limits.requests = BigInt(rpmLimit);
  }
  if (tpmLimit !== undefined) {
    const type = limited.limits.tokenRateType ?? 'total';
    amounts[TOKEN_COUNTERS[type]] = BigInt(demand.tokens[type]);
    limits[TOKEN_COUNTERS[type]] = BigInt(tpmLimit);
  }
  const meter = meterId(limited.scope, 'rate', window, model);
  return { ...named(limited, model), meter, window, amounts, limits, swept: false };
}

function parallelHolds(limited: LimitedScope): readonly HoldRequest[] {
  const { maxParallelRequests } = limited.limits;
  if (maxParallelRequests === undefined) return [];
  const meter = meterId(limited.scope, 'parallel', NO_WINDOW);
  const limits = { parallel: BigInt(maxParallelRequests) };
  return [{ ...named(limited), meter, window: NO_WINDOW, amounts: { parallel: 1n }, limits, swept: true }];
}
