/**
 * Meters on which calls of one process that come together go together: docs/decisions/0016-joint-writes.md. A joint write is what the
 * single ones would be one after the other, all of them or none. Where it cannot be all, each goes the way it would have gone alone.
 */
import { allows, inTurn, termsOf, withAdded, type Change } from '../domain/change.ts';
import { firstWithoutRoom, type Meter } from '../domain/meter.ts';
import type { HoldOrder, HoldOutcome, JointHold, MeterStore, Settlement } from '../stores/meters.ts';
import { createTurns, type TurnOptions } from './turns.ts';

/** Most holds of a write: its condition grows by 62 characters for each, and may have 4,096 (Developer Guide, expression limits). */
const MOST = 25;

/** The same meters for the calls of one process. */
export function joinMeters(meters: MeterStore, options: Pick<TurnOptions, 'lanes'> = {}): MeterStore {
  const turns = { most: MOST, ...options };
  const hold = createTurns<HoldOrder, HoldOutcome>((_, orders) => holdTogether(meters, orders), turns);
  const settle = createTurns<Settlement, 'settled' | 'absent'>((id, several) => settleTogether(meters, id, several), turns);
  return {
    ...meters,
    hold: (request, holdId, expiresAt, change) =>
      hold(request.meter, { request, holdId, expiresAt, ...(change === undefined ? {} : { change }) }),
    settle: (meter, holdId, held, actual, buryUntil) =>
      settle(meter, { holdId, held, actual, ...(buryUntil === undefined ? {} : { buryUntil }) }),
  };
}

const changeOf = ({ request, change }: HoldOrder): Change => change ?? termsOf(request);

const holdAlone = (meters: MeterStore, { request, holdId, expiresAt, change }: HoldOrder): Promise<HoldOutcome> =>
  meters.hold(request, holdId, expiresAt, change);

async function holdTogether(
  meters: MeterStore,
  orders: readonly [HoldOrder, ...HoldOrder[]],
): Promise<readonly (HoldOutcome | Promise<HoldOutcome>)[]> {
  if (orders.length === 1) return [await holdAlone(meters, orders[0])];
  const company = new Map<string, HoldOrder>();
  let change: Change = { add: {} };
  for (const order of orders) {
    const all = company.has(order.holdId) ? undefined : inTurn([change, changeOf(order)]);
    if (all === undefined) continue;
    company.set(order.holdId, order);
    change = all;
  }
  const members = [...company.values()];
  const joint = members.length === 1 ? undefined : meters.holdAll(members, change);
  // The turn is over with it; whoever is not of the company, or is turned away with it, goes on alone.
  await joint?.catch(() => {});
  return orders.map(async (order) => {
    const place = joint === undefined ? -1 : members.indexOf(order);
    if (joint === undefined || place < 0) return holdAlone(meters, order);
    return outcomeOf(meters, order, await joint, members.slice(place + 1));
  });
}

/** What a joint write means for one of its holds. @param later those that came after it in that write */
async function outcomeOf(
  meters: MeterStore,
  order: HoldOrder,
  { done, meter, late }: JointHold,
  later: readonly HoldOrder[],
): Promise<HoldOutcome> {
  const { request, holdId, change } = order;
  const mark = late === undefined ? {} : { late };
  // Not done, but there: the write was sent twice, and the first one had come in.
  if (done || has(meter, holdId)) return { type: 'held', meter: before(meter, later), ...mark };
  if (allows(meter, changeOf(order))) {
    const outcome = await holdAlone(meters, order);
    if (outcome.type === 'held' || late === undefined) return { ...outcome, ...mark };
    if (outcome.late === undefined) await bury(meters, order);
    return { ...outcome, ...mark };
  }
  if (late !== undefined) await bury(meters, order);
  if (change !== undefined) return { type: 'missed', meter, ...mark };
  const counter = firstWithoutRoom(meter, request);
  if (counter === undefined) throw new Error(`meter ${meter.id}: a hold was refused although every limit has room`);
  return { type: 'refused', counter, meter, ...mark };
}

const has = ({ holds }: Meter, holdId: string): boolean => holds.some(({ id }) => id === holdId);

/** Forbids a hold that was refused while a copy of the joint write may still come. What nobody sweeps is moot when its window ends. */
async function bury(meters: MeterStore, { request, holdId, expiresAt }: HoldOrder): Promise<void> {
  if (request.swept) await meters.settle(request.meter, holdId, request.amounts, {}, expiresAt);
}

/** The meter as it was before these holds, so that each sees what it would have seen alone. */
function before(meter: Meter, later: readonly HoldOrder[]): Meter {
  const ids = new Set(later.map(({ holdId }) => holdId));
  const taken: Record<string, bigint> = {};
  for (const order of later) {
    for (const [name, amount] of Object.entries(changeOf(order).add)) taken[name] = (taken[name] ?? 0n) - amount;
  }
  return {
    ...withAdded(meter, taken),
    holds: meter.holds.filter(({ id }) => !ids.has(id)),
    rev: meter.rev - later.length,
  };
}

const settleAlone = (meters: MeterStore, meter: string, { holdId, held, actual, buryUntil }: Settlement) =>
  meters.settle(meter, holdId, held, actual, buryUntil);

async function settleTogether(
  meters: MeterStore,
  meter: string,
  settlements: readonly [Settlement, ...Settlement[]],
): Promise<readonly ('settled' | 'absent' | Promise<'settled' | 'absent'>)[]> {
  if (settlements.length === 1) return [await settleAlone(meters, meter, settlements[0])];
  // A hold whose lease has ended may be settled by several calls at once.
  const company = new Map<string, Settlement>();
  for (const settlement of settlements) if (!company.has(settlement.holdId)) company.set(settlement.holdId, settlement);
  const members = [...company.values()];
  const isDone = members.length > 1 && (await meters.settleAll(meter, members));
  return settlements.map((settlement) =>
    isDone && company.get(settlement.holdId) === settlement ? 'settled' : settleAlone(meters, meter, settlement),
  );
}
