/**
 * A meter that many calls use at once is split: the meter itself stays the truth of its limit, shards carry holds. What a shard may give
 * out was granted to it before: the meter counts grants as committed. Both sides keep how much was ever granted and ever returned, counts
 * that only grow: so each step of a grant or a return is a conditional write that happens once, however often it is sent, and one that a
 * crash cut in the middle is finished by whoever comes next. See docs/decisions/0009-shards-of-a-meter.md.
 */
import { COUNTERS, type Amounts, type Counter, type Counts, type Meter } from './meter.ts';

/** Most shards of a meter, itself included: beyond, taking a limit's last pieces together would cost too much. */
export const MOST_SHARDS = 32;

/** The item of a meter's shard; number 0 is the meter itself. */
export const shardId = (meter: string, shard: number): string => (shard === 0 ? meter : `${meter}~${shard}`);

/** True for the id of a shard. */
export const isShard = (id: string): boolean => /#-?\d+~\d+$/.test(id);

/** The meter that an item belongs to. */
export const meterOfShard = (id: string): string => (isShard(id) ? id.slice(0, id.lastIndexOf('~')) : id);

/** What all windows of a limit have in common: whoever knows one to be split will find the next one so. */
export const familyOf = (meter: string): string => meter.slice(0, meter.lastIndexOf('#'));

/** Names of counts. On the meter itself: what it granted to a shard and got back, and how many shards there are to be. */
export const granted = (shard: number, counter: Counter): string => `g${shard}.${counter}`;
/** Got back from a shard. */
export const returned = (shard: number, counter: Counter): string => `b${shard}.${counter}`;
/** How many shards to use. */
export const SHARDS = 'shards';
/** On a shard: ever granted, ever returned, what it may still give out, and the limit for which that was decided. */
export const own = (name: 'granted' | 'returned' | 'room' | 'cap', counter: Counter): string => `${name}.${counter}`;

/** A count of a meter. */
export const countOf = (meter: Meter | undefined, name: string): bigint =>
  meter?.counts?.[name] ?? (meter?.committed as Counts | undefined)?.[name] ?? 0n;

/** Numbers of the shards that a meter ever granted anything to. */
export function shardsOf(meter: Meter): readonly number[] {
  const numbers = Object.keys(meter.counts ?? {}).flatMap((name) => /^g(\d+)\./.exec(name)?.[1] ?? []);
  return [...new Set(numbers)].map(Number).toSorted((one, other) => one - other);
}

/** What a meter has out at its shards: granted and not returned. */
export const outAt = (meter: Meter, shard: number, counter: Counter): bigint =>
  countOf(meter, granted(shard, counter)) - countOf(meter, returned(shard, counter));

/** What changes in a shard's room when an amount is replaced by another: the room pays for what is added. Nothing on other meters. */
export function roomChanges(id: string, added: Amounts): Counts {
  if (!isShard(id)) return {};
  const changes: Record<string, bigint> = {};
  for (const counter of COUNTERS) {
    const amount = added[counter];
    if (amount !== undefined && amount !== 0n) changes[own('room', counter)] = -amount;
  }
  return changes;
}

/** A meter and its shards as one: what was spent and is held in all of them. Nothing that is on its way between them counts. */
export function wholeMeter(meter: Meter, shards: readonly (Meter | undefined)[]): Meter {
  const committed: Partial<Record<Counter, bigint>> = { ...meter.committed };
  for (const counter of COUNTERS) {
    let sum = meter.committed[counter];
    if (sum === undefined) continue;
    for (const shard of shardsOf(meter)) sum -= outAt(meter, shard, counter);
    for (const shard of shards) sum += shard?.committed[counter] ?? 0n;
    committed[counter] = sum;
  }
  const holds = shards.flatMap((shard) => (shard?.holds ?? []).map((hold) => ({ ...hold, shard: shard?.id as string })));
  return { ...meter, committed, holds: [...meter.holds, ...holds] };
}
