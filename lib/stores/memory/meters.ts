/** Meters in memory. One process, one thread: each step is atomic because nothing awaits in the middle of it. */
import { allows, withAdded, type Change } from '../../domain/change.ts';
import { COUNTERS, firstWithoutRoom, type Amounts, type Counter, type Meter } from '../../domain/meter.ts';
import { roomChanges } from '../../domain/shard.ts';
import type { HoldOrder, MeterStore, Settlement } from '../meters.ts';

interface Stored {
  readonly meter: Meter;
  /** Place in the sparse index; undefined when off it. */
  readonly due: number | undefined;
}

/** Meters in memory. */
export function createMeterStore(): MeterStore {
  const stored = new Map<string, Stored>();
  const empty = (id: string): Stored => ({ meter: { id, committed: {}, holds: [], rev: 0 }, due: undefined });

  /** Adds, puts the holds; the meter after it. */
  function put(orders: readonly HoldOrder[], change: Change, meterId: string): Meter {
    const { meter, due } = stored.get(meterId) ?? empty(meterId);
    const holds = orders.map(({ request: { amounts, call, home }, holdId, expiresAt }) => ({
      id: holdId,
      amounts,
      expiresAt,
      ...(call === undefined ? {} : { call }),
      ...(home === undefined ? {} : { home }),
    }));
    const next = { ...withAdded(meter, change.add), holds: [...meter.holds, ...holds], rev: meter.rev + orders.length };
    const leases = orders.filter(({ request }) => request.swept).map(({ expiresAt }) => expiresAt);
    stored.set(meterId, { meter: next, due: leases.length === 0 ? due : (due ?? Math.min(...leases)) });
    return next;
  }

  /** Settles a hold that is open, buries one that is to be buried. */
  function settle(id: string, { holdId, held, actual, buryUntil }: Settlement): 'settled' | 'absent' {
    const { meter, due } = stored.get(id) ?? empty(id);
    const isOpen = has(meter, holdId);
    if (!isOpen && (buryUntil === undefined || isBuried(meter, holdId))) return 'absent';
    const added = isOpen ? difference(actual, held) : {};
    const changed = withAdded(meter, { ...added, ...roomChanges(id, added) });
    const holds = meter.holds.filter((hold) => hold.id !== holdId);
    const buried = [...(meter.buried ?? []), ...(buryUntil === undefined ? [] : [{ id: holdId, until: buryUntil }])];
    stored.set(id, { meter: { ...changed, holds, ...(buried.length === 0 ? {} : { buried }) }, due });
    return isOpen ? 'settled' : 'absent';
  }

  return {
    read: async (id) => stored.get(id)?.meter,
    readAll: async (ids) => ids.map((id) => stored.get(id)?.meter),

    async hold(request, holdId, expiresAt, change) {
      const { meter } = stored.get(request.meter) ?? empty(request.meter);
      if (has(meter, holdId)) return { type: 'held', meter };
      if (isBuried(meter, holdId)) throw new Error(`meter ${meter.id}: hold ${holdId} was settled before`);
      if (change === undefined) {
        const counter = firstWithoutRoom(meter, request);
        if (counter !== undefined) return { type: 'refused', counter, meter };
      } else if (!allows(meter, change)) return { type: 'missed', meter };
      const next = put([{ request, holdId, expiresAt }], change ?? { add: request.amounts }, request.meter);
      return { type: 'held', meter: next };
    },

    async holdAll(orders, change) {
      const id = orders[0]?.request.meter ?? '';
      const { meter } = stored.get(id) ?? empty(id);
      const isNew = orders.every(({ holdId }) => !has(meter, holdId) && !isBuried(meter, holdId));
      if (!isNew || !allows(meter, change)) return { done: false, meter };
      return { done: true, meter: put(orders, change, id) };
    },

    settle: async (meter, holdId, held, actual, buryUntil) =>
      settle(meter, { holdId, held, actual, ...(buryUntil === undefined ? {} : { buryUntil }) }),

    async settleAll(id, settlements) {
      const { meter } = stored.get(id) ?? empty(id);
      if (!settlements.every(({ holdId }) => has(meter, holdId))) return false;
      for (const settlement of settlements) settle(id, settlement);
      return true;
    },

    async change(id, change) {
      const { meter, due } = stored.get(id) ?? empty(id);
      if (!allows(meter, change)) return { done: false, meter };
      const changed = withAdded(meter, change.add);
      stored.set(id, { meter: changed, due });
      return { done: true, meter: changed };
    },

    async due(now, limit) {
      return [...stored.values()]
        .filter(({ due }) => due !== undefined && due <= now)
        .toSorted((one, other) => (one.due ?? 0) - (other.due ?? 0))
        .slice(0, limit)
        .map(({ meter }) => meter);
    },

    async checked(id, rev, nextDue, risen = []) {
      const found = stored.get(id);
      if (found?.due === undefined || (nextDue === undefined && found.meter.rev !== rev)) return 'changed';
      const { buried: known = [], ...meter } = found.meter;
      const buried = known.filter((hold) => !risen.includes(hold.id));
      stored.set(id, { meter: { ...meter, ...(buried.length === 0 ? {} : { buried }) }, due: nextDue });
      return 'done';
    },
  };
}

const has = ({ holds }: Meter, holdId: string): boolean => holds.some(({ id }) => id === holdId);

const isBuried = ({ buried = [] }: Meter, holdId: string): boolean => buried.some(({ id }) => id === holdId);

function difference(actual: Amounts, held: Amounts): Amounts {
  const added: Partial<Record<Counter, bigint>> = {};
  for (const counter of COUNTERS) {
    const delta = (actual[counter] ?? 0n) - (held[counter] ?? 0n);
    if (delta !== 0n) added[counter] = delta;
  }
  return added;
}
