/** Meters in memory. One process, one thread: each step is atomic because nothing awaits in the middle of it. */
import { firstWithoutRoom, type Amounts, type Counter, type Hold, type Meter } from '../../domain/meter.ts';
import type { MeterStore } from '../meters.ts';

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

    async hold(request, holdId, expiresAt) {
      const { meter, due } = stored.get(request.meter) ?? empty(request.meter);
      if (meter.holds.some(({ id }) => id === holdId)) return { type: 'held', meter };
      const counter = firstWithoutRoom(meter, request);
      if (counter !== undefined) return { type: 'refused', counter, meter };
      const hold: Hold = {
        id: holdId,
        amounts: request.amounts,
        expiresAt,
        ...(request.call === undefined ? {} : { call: request.call }),
      };
      const next: Meter = {
        id: meter.id,
        committed: add(meter.committed, request.amounts),
        holds: [...meter.holds, hold],
        rev: meter.rev + 1,
      };
      stored.set(request.meter, { meter: next, due: request.swept ? (due ?? expiresAt) : due });
      return { type: 'held', meter: next };
    },

    async settle(id, holdId, held, actual) {
      const found = stored.get(id);
      if (found === undefined || !found.meter.holds.some((hold) => hold.id === holdId)) return 'absent';
      const { meter, due } = found;
      const committed = add(add(meter.committed, held, -1n), actual);
      stored.set(id, { meter: { ...meter, committed, holds: meter.holds.filter((hold) => hold.id !== holdId) }, due });
      return 'settled';
    },

    async seed(id, spent) {
      if (stored.has(id)) return 'exists';
      stored.set(id, { meter: { id, committed: spent, holds: [], rev: 0 }, due: undefined });
      return 'seeded';
    },

    async due(now, limit) {
      return [...stored.values()]
        .filter(({ due }) => due !== undefined && due <= now)
        .toSorted((one, other) => (one.due ?? 0) - (other.due ?? 0))
        .slice(0, limit)
        .map(({ meter }) => meter);
    },

    async checked(id, rev, nextDue) {
      const found = stored.get(id);
      if (found?.due === undefined || (nextDue === undefined && found.meter.rev !== rev)) return 'changed';
      stored.set(id, { meter: found.meter, due: nextDue });
      return 'done';
    },
  };
}

function add(committed: Amounts, amounts: Amounts, sign: 1n | -1n = 1n): Amounts {
  const sum: Partial<Record<Counter, bigint>> = { ...committed };
  for (const [counter, amount] of Object.entries(amounts) as [Counter, bigint][]) {
    sum[counter] = (sum[counter] ?? 0n) + sign * amount;
  }
  return sum;
}
