/** Meters in memory. One process, one thread: each step is atomic because nothing awaits in the middle of it. */
import {
  BROUGHT_IN,
  COUNTERS,
  firstWithoutRoom,
  type Amounts,
  type Counter,
  type Counts,
  type Hold,
  type Meter,
} from '../../domain/meter.ts';
import { countOf, roomChanges } from '../../domain/shard.ts';
import type { Change, MeterStore } from '../meters.ts';

interface Stored {
  readonly meter: Meter;
  /** Place in the sparse index; undefined when off it. */
  readonly due: number | undefined;
}

/** Meters in memory. */
export function createMeterStore(): MeterStore {
  const stored = new Map<string, Stored>();
  const empty = (id: string): Stored => ({ meter: { id, committed: {}, holds: [], rev: 0 }, due: undefined });

  return {
    read: async (id) => stored.get(id)?.meter,
    readAll: async (ids) => ids.map((id) => stored.get(id)?.meter),

    async hold(request, holdId, expiresAt, change) {
      const { meter, due } = stored.get(request.meter) ?? empty(request.meter);
      if (meter.holds.some(({ id }) => id === holdId)) return { type: 'held', meter };
      if (isBuried(meter, holdId)) throw new Error(`meter ${meter.id}: hold ${holdId} was settled before`);
      if (change === undefined) {
        const counter = firstWithoutRoom(meter, request);
        if (counter !== undefined) return { type: 'refused', counter, meter };
      } else if (!allows(meter, change)) return { type: 'missed', meter };
      const { amounts, call, home } = request;
      const hold: Hold = {
        id: holdId,
        amounts,
        expiresAt,
        ...(call === undefined ? {} : { call }),
        ...(home === undefined ? {} : { home }),
      };
      const changed = add(meter, change === undefined ? amounts : change.add);
      const next: Meter = { ...changed, holds: [...meter.holds, hold], rev: meter.rev + 1 };
      stored.set(request.meter, { meter: next, due: request.swept ? (due ?? expiresAt) : due });
      return { type: 'held', meter: next };
    },

    async settle(id, holdId, held, actual, buryUntil) {
      const { meter, due } = stored.get(id) ?? empty(id);
      const isOpen = meter.holds.some((hold) => hold.id === holdId);
      if (!isOpen && (buryUntil === undefined || isBuried(meter, holdId))) return 'absent';
      const added = isOpen ? difference(actual, held) : {};
      const changed = add(meter, { ...added, ...roomChanges(id, added) });
      const holds = meter.holds.filter((hold) => hold.id !== holdId);
      const buried = [...(meter.buried ?? []), ...(buryUntil === undefined ? [] : [{ id: holdId, until: buryUntil }])];
      stored.set(id, { meter: { ...changed, holds, ...(buried.length === 0 ? {} : { buried }) }, due });
      return isOpen ? 'settled' : 'absent';
    },

    async change(id, change) {
      const { meter, due } = stored.get(id) ?? empty(id);
      if (!allows(meter, change)) return { done: false, meter };
      const changed = add(meter, change.add);
      stored.set(id, { meter: changed, due });
      return { done: true, meter: changed };
    },

    async seed(id, spent) {
      if (stored.has(id)) return 'exists';
      const counts = { [BROUGHT_IN]: spent.usd ?? 0n };
      stored.set(id, { meter: { id, committed: spent, holds: [], rev: 0, counts }, due: undefined });
      return 'seeded';
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

const isBuried = ({ buried = [] }: Meter, holdId: string): boolean => buried.some(({ id }) => id === holdId);

function allows(meter: Meter, { equal = {}, atMost = {}, atLeast = {} }: Change): boolean {
  return (
    Object.entries(equal).every(([name, value]) => countOf(meter, name) === value) &&
    Object.entries(atMost).every(([name, value]) => countOf(meter, name) <= value) &&
    Object.entries(atLeast).every(([name, value]) => countOf(meter, name) >= value)
  );
}

function difference(actual: Amounts, held: Amounts): Amounts {
  const added: Partial<Record<Counter, bigint>> = {};
  for (const counter of COUNTERS) {
    const delta = (actual[counter] ?? 0n) - (held[counter] ?? 0n);
    if (delta !== 0n) added[counter] = delta;
  }
  return added;
}

function add(meter: Meter, added: Counts): Meter {
  const committed: Partial<Record<string, bigint>> = { ...meter.committed };
  const counts: Record<string, bigint> = { ...meter.counts };
  for (const [name, amount] of Object.entries(added)) {
    if ((COUNTERS as readonly string[]).includes(name)) committed[name] = (committed[name] ?? 0n) + amount;
    else counts[name] = (counts[name] ?? 0n) + amount;
  }
  return { ...meter, committed, ...(Object.keys(counts).length === 0 ? {} : { counts }) };
}
