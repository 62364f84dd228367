/**
 * A moment's patience. A call is settled after its client has the answer, so a client that calls again at once may find its own last hold
 * in the way: room that is there in the time of two writes.
 */
import { setTimeout as timer } from 'node:timers/promises';
import { spentOf, type Meter } from '../domain/meter.ts';
import type { MeterStore } from '../stores/meters.ts';
import { readMeter } from '../money/shards.ts';
import type { Refusal } from './admission.ts';

/** Pauses before looks, milliseconds: together what a settlement takes where the database is busy. */
export const PAUSES: readonly number[] = [15, 30, 60];
/** Open calls in the way above which it is a crowd: its looks would cost more than they find. */
const CROWD = 16;

/** What waiting needs. */
export interface PatienceDeps {
  readonly meters: Pick<MeterStore, 'read' | 'readAll'>;
  readonly sleep?: (ms: number) => Promise<unknown>;
}

/**
 * Waits until there may be room for a call that only holds of others are in the way of. Each look reads the meters that
 * refused; where what was spent leaves no room, or where there is a crowd, nobody looks.
 *
 * @param pauses what is left of the patience, milliseconds
 * @param fits whether a refusal would be none, with the meter it has
 * @returns the pauses that are left, when it is worth trying again
 */
export async function awaitRoom(
  { meters, sleep = timer }: PatienceDeps,
  refusals: readonly Refusal[],
  pauses: readonly number[],
  fits: (refusal: Refusal) => boolean,
): Promise<readonly number[] | undefined> {
  if (!refusals.every((refusal) => isBrief(refusal) && fits(withoutHolds(refusal)))) return undefined;
  for (const [turn, pause] of pauses.entries()) {
    await sleep(pause);
    const now = await Promise.all(
      refusals.map(async (refusal) => ({
        ...refusal,
        meter: (await readMeter(meters, refusal.request.meter)) ?? refusal.meter,
      })),
    );
    if (now.every(fits)) return pauses.slice(turn + 1);
  }
  return undefined;
}

/** A request counts for its minute, however its call ends. */
const isBrief = ({ counter, meter }: Refusal): boolean => counter !== 'requests' && meter.holds.length <= CROWD;

/** The refusal as it would be, had every open call settled to nothing. */
function withoutHolds({ meter, counter, request }: Refusal): Refusal {
  const settled: Meter = { ...meter, committed: { [counter]: spentOf(meter, counter) }, holds: [] };
  return { request, counter, meter: settled };
}
