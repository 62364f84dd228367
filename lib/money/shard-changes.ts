/** The changes that move room between a meter and its shards, each a pair of writes: `domain/shard.ts` says what they keep true. */
import { COUNTERS, type Counter, type HoldRequest, type Meter } from '../domain/meter.ts';
import { countOf, granted, own, returned } from '../domain/shard.ts';
import type { Change } from '../domain/change.ts';

/** A grant takes this part of what is free, shared out among the shards. */
const GRANT_PARTS = 4n;

/** What a hold adds to a shard and needs there: room that was decided on under the same limit. */
export function outOfRoom({ amounts, limits }: HoldRequest): Change {
  const add: Record<string, bigint> = {};
  const equal: Record<string, bigint> = {};
  const atLeast: Record<string, bigint> = {};
  for (const counter of COUNTERS) {
    const [amount, limit] = [amounts[counter], limits[counter]];
    if (amount === undefined || limit === undefined) continue;
    add[counter] = amount;
    add[own('room', counter)] = -amount;
    equal[own('cap', counter)] = limit;
    atLeast[own('room', counter)] = amount;
  }
  return { add, equal, atLeast };
}

/** A shard as a call sees it. */
export interface Shard {
  readonly number: number;
  /** As it was seen. */
  readonly image: Meter;
  /** Shards of the meter. */
  readonly shards: number;
}

/** The meter's side of a grant: empty when what is on its way to the shard will do, undefined when the limit has no room for more. */
export function grantOf(meter: Meter, { amounts, limits }: HoldRequest, { number, image, shards }: Shard): Change | undefined {
  const add: Record<string, bigint> = {};
  const atMost: Record<string, bigint> = {};
  for (const counter of COUNTERS) {
    const [amount, limit] = [amounts[counter], limits[counter]];
    if (amount === undefined || limit === undefined) continue;
    const free = limit - countOf(meter, counter);
    const sent = countOf(meter, granted(number, counter));
    const room = countOf(image, own('room', counter)) + sent - countOf(image, own('granted', counter));
    const need = amount - room;
    // A limit that was lowered may have less than nothing: then only the meter itself can tell.
    if (free < 0n || need > free) return undefined;
    if (need <= 0n) continue;
    const share = free / (GRANT_PARTS * BigInt(shards));
    const extra = share > need ? share : need;
    add[counter] = extra;
    add[granted(number, counter)] = extra;
    atMost[counter] = limit - extra;
  }
  // A copy of this that comes late is one more grant: what the meter counts and what it granted stay the same.
  return { add, atMost };
}

/** The shard's side: takes in all that was granted, adopts the limit, and makes the hold. */
export function takeGrant(meter: Meter, { amounts, limits }: HoldRequest, { number, image }: Shard): Change {
  const add: Record<string, bigint> = {};
  const equal: Record<string, bigint> = {};
  const atLeast: Record<string, bigint> = {};
  for (const counter of COUNTERS) {
    const [amount, limit] = [amounts[counter], limits[counter]];
    if (amount === undefined || limit === undefined) continue;
    const [known, cap] = [countOf(image, own('granted', counter)), countOf(image, own('cap', counter))];
    const arriving = countOf(meter, granted(number, counter)) - known;
    add[counter] = amount;
    add[own('granted', counter)] = arriving;
    add[own('room', counter)] = arriving - amount;
    add[own('cap', counter)] = limit - cap;
    equal[own('granted', counter)] = known;
    equal[own('cap', counter)] = cap;
    atLeast[own('room', counter)] = amount - arriving;
  }
  return { add, equal, atLeast };
}

/** A shard with its number. */
export interface Seen {
  readonly number: number;
  readonly image: Meter;
}

/** A meter nobody counted anything in. */
export const emptyMeter = (id: string): Meter => ({ id, committed: {}, holds: [], rev: 0 });

/** What a shard could return: its room, with what is on its way to it. */
function unusedIn(meter: Meter, { number, image }: Seen, counter: Counter): bigint {
  const arriving = most(countOf(meter, granted(number, counter)) - countOf(image, own('granted', counter)), 0n);
  return most(countOf(image, own('room', counter)) + arriving, 0n);
}

/** Shards enough to return what the request lacks. Calls begin at different ones, so that they do not all ask the same. */
export function lenders(request: HoldRequest, meter: Meter, seen: readonly Seen[], slot: number): readonly Seen[] {
  const chosen = new Set<Seen>();
  const first = slot % seen.length;
  const inTurn = [...seen.slice(first), ...seen.slice(0, first)];
  for (const counter of COUNTERS) {
    const [amount, limit] = [request.amounts[counter], request.limits[counter]];
    if (amount === undefined || limit === undefined) continue;
    let lacking = amount + countOf(meter, counter) - limit;
    for (const shard of inTurn) {
      if (lacking <= 0n) break;
      const back = countOf(shard.image, own('returned', counter)) - countOf(meter, returned(shard.number, counter));
      const available = unusedIn(meter, shard, counter) + most(back, 0n);
      if (available === 0n) continue;
      chosen.add(shard);
      lacking -= available;
    }
  }
  return [...chosen];
}

/** The shard's side of a return; undefined when it has nothing to return. */
export function returnOf(meter: Meter, { number, image }: Seen): Change | undefined {
  const add: Record<string, bigint> = {};
  const equal: Record<string, bigint> = {};
  for (const counter of COUNTERS) {
    const known = countOf(image, own('granted', counter));
    const arriving = most(countOf(meter, granted(number, counter)) - known, 0n);
    const unused = unusedIn(meter, { number, image }, counter);
    if (unused === 0n && arriving === 0n) continue;
    add[own('granted', counter)] = arriving;
    add[own('room', counter)] = arriving - unused;
    add[own('returned', counter)] = unused;
    equal[own('granted', counter)] = known;
    for (const name of ['room', 'returned'] as const) equal[own(name, counter)] = countOf(image, own(name, counter));
  }
  return Object.keys(add).length === 0 ? undefined : { add, equal };
}

/** The larger of two. */
export const most = (one: bigint, other: bigint): bigint => (one > other ? one : other);

/** The meter's side of a return: frees what the shard says it returned and is not counted yet; undefined when all of it is. */
export function acknowledgement(meter: Meter, { number, image }: Seen): Change | undefined {
  const add: Record<string, bigint> = {};
  const equal: Record<string, bigint> = {};
  for (const counter of COUNTERS) {
    const known = countOf(meter, returned(number, counter));
    const back = countOf(image, own('returned', counter)) - known;
    if (back <= 0n) continue;
    add[counter] = -back;
    add[returned(number, counter)] = back;
    equal[returned(number, counter)] = known;
  }
  return Object.keys(add).length === 0 ? undefined : { add, equal };
}
