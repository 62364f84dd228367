/** Changes of the counts of a meter: what they expect, what they add, and several of them as one. */
import { COUNTERS, type Counts, type HoldRequest, type Meter } from './meter.ts';
import { countOf } from './shard.ts';

/** A change of counts, all or nothing. Names are counters of limits and counts kept beside them; an absent count is 0. */
export interface Change {
  readonly add: Counts;
  readonly equal?: Counts;
  readonly atMost?: Counts;
  readonly atLeast?: Counts;
}

/** What a hold adds and needs where its limits decide alone. */
export function termsOf({ amounts, limits }: Pick<HoldRequest, 'amounts' | 'limits'>): Change {
  const atMost: Record<string, bigint> = {};
  for (const counter of COUNTERS) {
    const [amount, limit] = [amounts[counter], limits[counter]];
    if (amount !== undefined && limit !== undefined) atMost[counter] = limit - amount;
  }
  return { add: amounts, atMost };
}

/** Whether a meter is as a change expects it. */
export function allows(meter: Meter, { equal = {}, atMost = {}, atLeast = {} }: Change): boolean {
  return (
    Object.entries(equal).every(([name, value]) => countOf(meter, name) === value) &&
    Object.entries(atMost).every(([name, value]) => countOf(meter, name) <= value) &&
    Object.entries(atLeast).every(([name, value]) => countOf(meter, name) >= value)
  );
}

/** The meter with so much added to its counts. */
export function withAdded(meter: Meter, added: Counts): Meter {
  const committed: Partial<Record<string, bigint>> = { ...meter.committed };
  const counts: Record<string, bigint> = { ...meter.counts };
  for (const [name, amount] of Object.entries(added)) {
    if ((COUNTERS as readonly string[]).includes(name)) committed[name] = (committed[name] ?? 0n) + amount;
    else counts[name] = (counts[name] ?? 0n) + amount;
  }
  return { ...meter, committed, ...(Object.keys(counts).length === 0 ? {} : { counts }) };
}

/**
 * The one change that does what these do one after the other, and expects what all of them would find as they expect it: no more and no
 * less. Undefined when no meter is such that they can follow each other.
 *
 * @example inTurn([{ add: { usd: 2n }, atMost: { usd: 8n } }, { add: { usd: 3n }, atMost: { usd: 7n } }])
 * // { add: { usd: 5n }, equal: {}, atMost: { usd: 5n }, atLeast: {} }
 */
export function inTurn(changes: readonly Change[]): Required<Change> | undefined {
  const add: Record<string, bigint> = {};
  const equal: Record<string, bigint> = {};
  const atMost: Record<string, bigint> = {};
  const atLeast: Record<string, bigint> = {};
  for (const change of changes) {
    // What it finds is what was there and what those before it added.
    const before = (name: string, value: bigint): bigint => value - (add[name] ?? 0n);
    for (const [name, value] of Object.entries(change.equal ?? {})) {
      const wanted = before(name, value);
      if (equal[name] !== undefined && equal[name] !== wanted) return undefined;
      equal[name] = wanted;
    }
    for (const [name, value] of Object.entries(change.atMost ?? {})) {
      const most = before(name, value);
      const known = atMost[name];
      if (known === undefined || most < known) atMost[name] = most;
    }
    for (const [name, value] of Object.entries(change.atLeast ?? {})) {
      const least = before(name, value);
      const known = atLeast[name];
      if (known === undefined || least > known) atLeast[name] = least;
    }
    for (const [name, amount] of Object.entries(change.add)) add[name] = (add[name] ?? 0n) + amount;
  }
  return { add, equal, atMost, atLeast };
}
