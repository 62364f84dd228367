/**
 * Spend that is taken back from one owner. The ledger stays the truth: each step is an entry with a negative cost that counts for that
 * owner alone, and the same amount in each of its meters whose window the entry falls into. Calls under way keep their holds.
 *
 * An owner's meter `...#adjusted#...` makes steps follow one another: a step holds nothing in it, then nothing in the meters it will change,
 * writes the entry, and settles all of these by it, that meter last. Of two who begin at once one is told; a step that stopped anywhere in
 * the middle is finished by the next one, or by the keeper: by its entry, or, where it has none, to nothing. What the meter counts is what
 * was ever taken back, known at once: totals follow the ledger by seconds, and must not be asked twice for the same money.
 */
import { budgetsOf, type Budget, type LimitedScope } from '../domain/budget.ts';
import { newCallId } from '../domain/call-id.ts';
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import { meterId, meterMark, spentOf, type Amounts, type CallFacts, type Meter, type Scope } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import type { Owner } from '../domain/owner.ts';
import { countOf } from '../domain/shard.ts';
import { hasTotals } from '../domain/total.ts';
import { GatewayError } from '../errors.ts';
import type { Stores } from '../stores/stores.ts';
import { actualAmounts, settleExpired } from './settlement.ts';
import { readMeter } from './shards.ts';

/** What taking back needs. */
export interface AdjustmentDeps extends Pick<Stores, 'meters' | 'ledger' | 'totals'> {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: (bytes: number) => Uint8Array;
}

/** What the entries say of themselves. */
export interface Reason {
  /** The route it was asked at. */
  readonly route: string;
  /** Who asked. */
  readonly by: string;
  /** Whom the entries are listed under. */
  readonly owner: Owner;
}

/** A part of the spend that lies in the same windows, newest first. */
interface Slice {
  readonly amount: Money;
  /** A moment within it: the entry is dated to it, so that windows which began later keep what was spent in them. */
  readonly at: number;
}

/** Lease of a step; the keeper finishes what this process does not. */
const LEASE_MS = 60_000;
/** How often a step is begun anew because others were faster. */
const TRIES = 8;
const NOTHING: Amounts = { usd: 0n };
const FOREVER = { name: 'total', start: 0 };
/** Counts the steps of an owner. */
const STEPS = 'steps';

const meterOf = (scope: Scope): string => meterId(scope, 'adjusted', FOREVER);
const least = (one: Money, other: Money): Money => (one < other ? one : other);

/**
 * What counts as spent by an owner, 1e-12 USD: in the window of its budget; without one, over its life, as far as totals know it, less
 * all that was taken back.
 */
export async function countedSpend(deps: AdjustmentDeps, limited: LimitedScope): Promise<Money> {
  const budget = limited.limits.maxBudget === undefined ? undefined : capsOf(limited, deps.now())[0];
  if (budget === undefined) return lifeOf(deps, limited.scope, await deps.meters.read(meterOf(limited.scope)));
  const meter = await readMeter(deps.meters, budget.meter);
  return meter === undefined ? 0n : spentOf(meter, 'usd');
}

/**
 * Takes back what an owner spent down to `target`, the newest spend first; with 0, all that any of its windows knows. Safe to repeat: what
 * is back is not taken again.
 *
 * @returns what was taken back, 1e-12 USD
 * @throws GatewayError `conflict` where somebody else is at it
 */
export async function takeBack(deps: AdjustmentDeps, limited: LimitedScope, target: Money, reason: Reason): Promise<Money> {
  const known = await finished(deps, limited.scope);
  const slices = await slicesOf(deps, limited, known);
  const all = slices.reduce((sum, { amount }) => sum + amount, 0n);
  const most = target === 0n ? all : least(all, (await countedSpend(deps, limited)) - target);
  let left = most;
  while (left > 0n) {
    const amount = await takeSlice(deps, { limited, reason }, left);
    if (amount === 0n) break;
    left -= amount;
  }
  return most - left;
}

/** Whose spend is taken back, and why. */
interface Wish {
  readonly limited: LimitedScope;
  readonly reason: Reason;
}

/** One step: it has its own entry, and its own hold in each meter it changes. */
interface Step extends Wish {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly expiresAt: number;
  /** The owner's meter of adjustments. */
  readonly home: string;
}

/** Takes back the newest slice, at most `most` of it. Gives its amount; 0 where there is none. */
async function takeSlice(deps: AdjustmentDeps, wish: Wish, most: Money): Promise<Money> {
  const { scope } = wish.limited;
  const home = meterOf(scope);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const known = await finished(deps, scope);
    const at = deps.now();
    const step: Step = { ...wish, id: newCallId(at, deps.random), at, expiresAt: at + LEASE_MS, home };
    const placed = await deps.meters.hold(
      { meter: home, scope, window: FOREVER, amounts: NOTHING, limits: {}, swept: true, call: factsOf(step) },
      step.id,
      step.expiresAt,
      { add: { [STEPS]: 1n }, equal: { [STEPS]: countOf(known, STEPS) } },
    );
    if (placed.type !== 'held') continue;
    await settleStrays(deps, step);
    const [slice] = await slicesOf(deps, wish.limited, placed.meter);
    const booked = slice === undefined ? undefined : await book(deps, step, { ...slice, amount: least(slice.amount, most) });
    await deps.meters.settle(home, step.id, NOTHING, actualAmounts(NOTHING, booked), buryUntil(placed, step));
    if (slice === undefined) return 0n;
    // The keeper may have taken this process for dead, and booked nothing.
    if (booked?.cost !== undefined && booked.cost !== 0n) return -booked.cost;
  }
  throw busy(scope);
}

/** Writes the entry of a slice and brings it into the meters. Gives the entry as it stands. */
async function book(deps: AdjustmentDeps, step: Step, slice: Slice): Promise<LedgerEntry | undefined> {
  const { id, expiresAt, home, limited } = step;
  const holds: { readonly meter: string; readonly until: number | undefined }[] = [];
  for (const { meter, scope, window } of await affected(deps, limited, slice.at)) {
    const request = { meter, scope, window, amounts: NOTHING, limits: {}, swept: true, home };
    holds.push({ meter, until: buryUntil(await deps.meters.hold(request, id, expiresAt), step) });
  }
  const entry: LedgerEntry = { ...entryOf(step, slice), heldIn: [home, ...holds.map(({ meter }) => meter)].map(meterMark) };
  const truth = (await deps.ledger.record(entry)) === 'recorded' ? entry : await deps.ledger.get(id);
  for (const { meter, until } of holds) {
    await deps.meters.settle(meter, id, NOTHING, actualAmounts(NOTHING, truth), until);
  }
  return truth;
}

const factsOf = ({ at, reason: { owner, route } }: Step): CallFacts => ({
  owner,
  at,
  kind: 'adjustment',
  route,
  clientDialect: '',
  modelGroup: '',
  stream: false,
});

const entryOf = (step: Step, { amount, at }: Slice): LedgerEntry => ({
  ...step.reason.owner,
  ...factsOf(step),
  id: step.id,
  at,
  endedAt: step.at,
  status: 'success',
  adjusts: step.limited.scope,
  httpStatus: 200,
  cost: -amount,
  price: { source: 'operator', rule: 'reset_spend' },
  attempts: 0,
  durationMs: 0,
  metadata: { adjusted_by: step.reason.by },
});

/** A copy of a hold that was written more than once may still arrive: it must find itself forbidden. */
const buryUntil = ({ late }: { readonly late?: true }, { expiresAt }: Step): number | undefined =>
  late === true ? expiresAt : undefined;

/** Caps on all spend of an owner, each meter once. Budgets of single models count calls of those models; an adjustment is none. */
const capsOf = (limited: LimitedScope, at: number): readonly Budget[] => [
  ...new Map(
    budgetsOf(limited, at)
      .filter(({ model }) => model === undefined)
      .map((budget) => [budget.meter, budget]),
  ).values(),
];

/** Meters that an entry of this date counts on. One that is not there has nothing to take back, or has gone with its window. */
async function affected(deps: AdjustmentDeps, limited: LimitedScope, at: number): Promise<readonly Budget[]> {
  const dated = capsOf(limited, at).filter(({ window }) => window.start <= at);
  const meters = await deps.meters.readAll(dated.map(({ meter }) => meter));
  return dated.filter((_, index) => meters[index] !== undefined);
}

/**
 * What there is to take back, the newest first. Windows of now lie within one another, so what one knows beyond the next smaller one was
 * spent before that began; what none of them knows counts where there is no budget.
 */
async function slicesOf(
  deps: AdjustmentDeps,
  limited: LimitedScope,
  adjustments: Meter | undefined,
): Promise<readonly Slice[]> {
  const now = deps.now();
  const slices: Slice[] = [];
  let [newer, at] = [0n, now];
  const add = (spent: Money): void => {
    if (spent > newer) slices.push({ amount: spent - newer, at });
    newer = spent > newer ? spent : newer;
  };
  for (const { meter, window } of capsOf(limited, now).toSorted((one, other) => other.window.start - one.window.start)) {
    const whole = await readMeter(deps.meters, meter);
    add(whole === undefined ? 0n : spentOf(whole, 'usd'));
    at = Math.max(0, Math.min(at, window.start - 1));
  }
  if (limited.limits.maxBudget === undefined) add(await lifeOf(deps, limited.scope, adjustments));
  return slices;
}

/** What an owner's life cost, less all that was taken back. */
async function lifeOf({ totals }: AdjustmentDeps, scope: Scope, adjustments: Meter | undefined): Promise<Money> {
  const cost = hasTotals(scope) ? (await totals.read(scope)).spend : 0n;
  return cost + (adjustments?.committed.usd ?? 0n);
}

/**
 * The owner's meter of adjustments without a step under way. One that was cut short is finished.
 *
 * @throws GatewayError `conflict` while somebody may still be at it
 */
async function finished(deps: AdjustmentDeps, scope: Scope): Promise<Meter | undefined> {
  const id = meterOf(scope);
  const meter = await deps.meters.read(id);
  if (meter === undefined || meter.holds.length === 0) return meter;
  for (const hold of meter.holds) {
    const isOver = hold.expiresAt <= deps.now() || (await deps.ledger.get(hold.id)) !== undefined;
    if (!isOver) throw busy(scope);
    await settleExpired(deps, 'zero', id, hold);
  }
  return deps.meters.read(id);
}

/** Settles what steps that were cut short left in the meters of now: their entries say by how much. */
async function settleStrays(deps: AdjustmentDeps, { id, home, limited }: Step): Promise<void> {
  for (const { meter } of capsOf(limited, deps.now())) {
    const { holds = [] } = (await deps.meters.read(meter)) ?? {};
    for (const hold of holds) {
      if (hold.home === home && hold.id !== id) await settleExpired(deps, 'zero', meter, hold);
    }
  }
}

const busy = ({ kind }: Scope): GatewayError =>
  new GatewayError('conflict', `The spend of the ${kind} is being taken back by another call; repeat this one in a minute.`, {
    retryable: true,
    retryAfter: '60',
  });
