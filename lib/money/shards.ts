/**
 * Holds in meters that may be split. `domain/shard.ts` says what a shard is; here is how a call takes its hold: in one of the shards, out
 * of room that was granted to it before, or with a fresh grant; in the meter itself; and where that has no room, out of what the shards
 * did not use. Every step is one conditional write, and every state between two of them is one from which anybody can go on.
 */
import { COUNTERS, firstWithoutRoom, type Counter, type HoldRequest, type Meter } from '../domain/meter.ts';
import {
  countOf,
  familyOf,
  granted,
  isShard,
  meterOfShard,
  MOST_SHARDS,
  own,
  shardId,
  SHARDS,
  shardsOf,
  wholeMeter,
} from '../domain/shard.ts';
import {
  acknowledgement,
  emptyMeter,
  grantOf,
  lenders,
  most,
  outOfRoom,
  returnOf,
  takeGrant,
  type Seen,
  type Shard,
} from './shard-changes.ts';
import type { Change } from '../domain/change.ts';
import type { HoldOutcome, MeterStore } from '../stores/meters.ts';

/** Open holds in one item above which the meter is split further: an update costs one more write unit for about as many. */
const MOST_HOLDS = 20;
/** The same where writes had to be repeated: many short calls at once. */
const MOST_HOLDS_UNDER_PRESSURE = 5;
/** One hold in so many above that asks for more shards. */
const ASKING = 8;
/** Rounds in which others may be faster. */
const ROUNDS = 4;
/** Rounds for the last pieces of a limit: each one lost means that others got some of them. */
const LAST_ROUND = 8;
/** Families of meters remembered. */
const MOST_HINTS = 10_000;

/** How many shards limits are known to have. Only ever a hint: every hold is as correct on the meter itself. */
export interface ShardHints {
  of(meter: string): number;
  learn(meter: string, shards: number): void;
}

/** Hints of one process. */
export function createShardHints(): ShardHints {
  const known = new Map<string, number>();
  return {
    of: (meter) => known.get(familyOf(meter)) ?? 1,
    learn(meter, shards) {
      const family = familyOf(meter);
      if (shards <= (known.get(family) ?? 1)) return;
      if (known.size >= MOST_HINTS) known.clear();
      known.set(family, Math.min(shards, MOST_SHARDS));
    },
  };
}

/** A hold as it may stand in a store. */
export interface StandingHold {
  /** The item it is in: a meter, or a shard of one. */
  readonly meter: string;
  readonly id: string;
  readonly request: HoldRequest;
  /** A copy of its write may still be under way. */
  readonly late: boolean;
}

/** On whose behalf holds are made. */
export interface Lease {
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Any whole number; calls spread over the shards by it. */
  readonly slot: number;
  /** An id for a hold, never used before. */
  readonly nextId: () => string;
  /** What may stand of this lease, by id and item: also where a store did not answer. */
  readonly standing: Map<string, StandingHold>;
}

/** What it takes. */
export interface ShardDeps {
  readonly meters: MeterStore;
  readonly hints: ShardHints;
}

/** What a hold came to: where it stands, with that item, or the limit in the way, with the meter and its shards as one. */
export type Placed =
  | { readonly type: 'held'; readonly hold: StandingHold; readonly meter: Meter }
  | { readonly type: 'refused'; readonly counter: Counter; readonly meter: Meter };

/** A meter with its shards as one; undefined when nothing was ever counted in it. */
export async function readMeter(meters: Pick<MeterStore, 'read' | 'readAll'>, id: string): Promise<Meter | undefined> {
  const meter = await meters.read(id);
  if (meter === undefined) return undefined;
  const shards = shardsOf(meter).map((shard) => shardId(id, shard));
  return shards.length === 0 ? meter : wholeMeter(meter, await meters.readAll(shards));
}

/**
 * Takes a hold, wherever there is room for it.
 *
 * @throws GatewayError `overloaded` when the store fails; what may stand is in `lease.standing`.
 */
export async function placeHold(deps: ShardDeps, request: HoldRequest, lease: Lease): Promise<Placed> {
  const shards = isDivisible(request) ? deps.hints.of(request.meter) : 1;
  const shard = lease.slot % shards;
  const placed = shard === 0 ? undefined : await holdInShard(deps, request, lease, shard, shards);
  return placed ?? holdInMeter(deps, request, lease);
}

/** Room can only be shared out where there is a limit. */
const isDivisible = ({ amounts, limits }: HoldRequest): boolean =>
  COUNTERS.every((counter) => amounts[counter] === undefined || limits[counter] !== undefined);

async function holdInMeter(deps: ShardDeps, request: HoldRequest, lease: Lease): Promise<Placed> {
  for (let round = 1; ; round++) {
    const { outcome, hold } = await attempt(deps, request, request.meter, lease);
    const { meter } = outcome;
    deps.hints.learn(request.meter, Number(countOf(meter, SHARDS)));
    if (outcome.type === 'held') {
      await grow(deps, request, outcome);
      return { type: 'held', hold, meter };
    }
    const counter = outcome.type === 'refused' ? outcome.counter : firstLimited(request);
    if (shardsOf(meter).length === 0) return { type: 'refused', counter, meter };
    const whole = await callBack(deps, request, lease, meter);
    const lacking = firstWithoutRoom(whole, request);
    if (lacking !== undefined || round === LAST_ROUND) return { type: 'refused', counter: lacking ?? counter, meter: whole };
  }
}

const firstLimited = ({ limits }: HoldRequest): Counter => COUNTERS.find((counter) => limits[counter] !== undefined) ?? 'usd';

/** One write of a hold. Until the store says otherwise it may stand, and a copy of it be under way. */
async function attempt(
  { meters }: ShardDeps,
  request: HoldRequest,
  item: string,
  lease: Lease,
  change?: Change,
): Promise<{ readonly outcome: HoldOutcome; readonly hold: StandingHold }> {
  const unsure: StandingHold = { meter: item, id: lease.nextId(), request, late: true };
  const name = `${item} ${unsure.id}`;
  lease.standing.set(name, unsure);
  const outcome = await meters.hold({ ...request, meter: item }, unsure.id, lease.expiresAt, change);
  const hold = { ...unsure, late: outcome.late === true };
  if (outcome.type === 'held') lease.standing.set(name, hold);
  else lease.standing.delete(name);
  return { outcome, hold };
}

/** Gives a meter whose item got large as many shards as its holds want. A failure costs nothing but time: the next call tries again. */
async function grow({ meters, hints }: ShardDeps, request: HoldRequest, { meter, late }: HoldOutcome): Promise<void> {
  const shards = hints.of(request.meter);
  const most = late === true ? MOST_HOLDS_UNDER_PRESSURE : MOST_HOLDS;
  const above = meter.holds.length - most;
  // Of many calls at once, a few ask: each of them sees another number of holds.
  if (above <= 0 || above % ASKING !== 1 || shards >= MOST_SHARDS || !isDivisible(request)) return;
  const known = BigInt(shards === 1 ? 0 : shards);
  const wanted = Math.min(MOST_SHARDS, shards * 2 ** Math.max(1, Math.ceil(Math.log2(meter.holds.length / MOST_HOLDS))));
  const change = { add: { [SHARDS]: BigInt(wanted) - known }, equal: { [SHARDS]: known } };
  const grown = await meters.change(request.meter, change, request).catch(() => undefined);
  if (grown !== undefined) hints.learn(request.meter, Number(countOf(grown.meter, SHARDS)));
}

/** A hold out of a shard's room, or out of a fresh grant; undefined when the meter has nothing to grant. */
async function holdInShard(
  deps: ShardDeps,
  request: HoldRequest,
  lease: Lease,
  shard: number,
  shards: number,
): Promise<Placed | undefined> {
  const item = shardId(request.meter, shard);
  let change: Change | undefined = outOfRoom(request);
  for (let round = 1; round <= ROUNDS && change !== undefined; round++) {
    const { outcome, hold } = await attempt(deps, request, item, lease, change);
    const { meter } = outcome;
    if (outcome.type === 'held') {
      await grow(deps, request, outcome);
      return { type: 'held', hold, meter };
    }
    change = await grant(deps, request, { number: shard, image: meter, shards });
  }
  return undefined;
}

/**
 * Has the meter grant a shard what a hold needs and a little more. The meter counts it first; the shard learns of it in the same write
 * that takes the hold, which is what this gives back. Undefined when the meter has not got it.
 */
async function grant({ meters }: ShardDeps, request: HoldRequest, shard: Shard): Promise<Change | undefined> {
  const { meter: id } = request;
  let meter = (await meters.read(id)) ?? emptyMeter(id);
  for (let round = 1; round <= ROUNDS; round++) {
    const change = grantOf(meter, request, shard);
    if (change === undefined) return undefined;
    if (Object.keys(change.add).length === 0) return takeGrant(meter, request, shard);
    const answer = await meters.change(id, change, request);
    meter = answer.meter;
    if (answer.done) return takeGrant(meter, request, shard);
  }
  return undefined;
}

/**
 * Takes back what the shards have no use for, as much as the request lacks, if together with the meter's own room it is enough. The meter
 * and its shards as they were seen: as long as there is room in them, it is worth asking again, for whoever was faster took some of it.
 */
async function callBack({ meters }: ShardDeps, request: HoldRequest, { slot }: Lease, refused: Meter): Promise<Meter> {
  const numbers = shardsOf(refused);
  // The meter once more, with its shards: others are at the same, and what they did need not be tried again.
  const [meter = refused, ...items] = await meters.readAll([0, ...numbers].map((number) => shardId(refused.id, number)));
  const whole = wholeMeter(meter, items);
  if (firstWithoutRoom(whole, request) !== undefined) return whole;
  const seen = numbers.map((number, index): Seen => ({
    number,
    image: items[index] ?? emptyMeter(shardId(refused.id, number)),
  }));
  await Promise.all(
    lenders(request, meter, seen, slot).map(async ({ number, image }) => {
      const change = returnOf(meter, { number, image });
      // One try each: where another call was faster, what it did shows in the answer.
      const latest = change === undefined ? image : (await meters.change(image.id, change, request)).meter;
      const freed = acknowledgement(meter, { number, image: latest });
      if (freed !== undefined) await meters.change(meter.id, freed, request);
    }),
  );
  return whole;
}

/**
 * Charges the meter for what a shard gave out beyond its room: a call that cost more than was held for it. Until then the other shards
 * would go on as if it had not. Safe to repeat; nothing to do for what is no shard, or has its room.
 */
export async function coverShard(meters: MeterStore, item: string): Promise<void> {
  if (!isShard(item)) return;
  const id = meterOfShard(item);
  const number = Number(item.slice(id.length + 1));
  for (let round = 1; round <= ROUNDS; round++) {
    const [meter, image] = await Promise.all([meters.read(id), meters.read(item)]);
    if (meter === undefined || image === undefined) return;
    const [toMeter, toShard] = [
      { add: {}, equal: {} },
      { add: {}, equal: {} },
    ] as Record<'add' | 'equal', Record<string, bigint>>[];
    for (const counter of COUNTERS) {
      const [room, known] = [countOf(image, own('room', counter)), countOf(image, own('granted', counter))];
      const sent = countOf(meter, granted(number, counter));
      const lacking = -(room + sent - known);
      if (room >= 0n) continue;
      if (lacking > 0n) Object.assign(toMeter?.add ?? {}, { [counter]: lacking, [granted(number, counter)]: lacking });
      Object.assign(toMeter?.equal ?? {}, { [granted(number, counter)]: sent });
      const arriving = sent + most(lacking, 0n) - known;
      Object.assign(toShard?.add ?? {}, { [own('granted', counter)]: arriving, [own('room', counter)]: arriving });
      Object.assign(toShard?.equal ?? {}, { [own('granted', counter)]: known });
    }
    if (Object.keys(toShard?.add ?? {}).length === 0) return;
    if (Object.keys(toMeter?.add ?? {}).length > 0 && !(await meters.change(id, toMeter as Change)).done) continue;
    if ((await meters.change(item, toShard as Change)).done) return;
  }
}
