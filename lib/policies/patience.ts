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

/** What came of waiting: room to try again in, with the pauses that are left, or the refusals as they are now. */
export type Waited =
  | { readonly type: 'room'; readonly pauses: readonly number[] }
  | { readonly type: 'none'; readonly refusals: readonly Refusal[] };

/**
 * Waits until there may be room for a call that only holds of others are in the way of. Each look reads the meters that refused; where what
 * was spent leaves no room, or where there is a crowd, nobody looks. A meter that had room, and others who were faster, is worth a look in
 * any crowd.
 *
 * @param pauses what is left of the patience, milliseconds
 * @param fits whether a refusal would be none, with the meter it has
 */
export async function awaitRoom(
  { meters, sleep = timer }: PatienceDeps,
  refusals: readonly Refusal[],
  pauses: readonly number[],
  fits: (refusal: Refusal) => boolean,
): Promise<Waited> {
  const isBriefly = (seen: readonly Refusal[]): boolean =>
    seen.every((refusal) => fits(refusal) || (isBrief(refusal) && fits(withoutHolds(refusal))));
  let seen = refusals;
  for (const [turn, pause] of pauses.entries()) {
    if (!isBriefly(seen)) break;
    await sleep(pause);
    seen = await Promise.all(
      seen.map(async (refusal) => ({ ...refusal, meter: (await readMeter(meters, refusal.request.meter)) ?? refusal.meter })),
    );
    if (seen.every(fits)) return { type: 'room', pauses: pauses.slice(turn + 1) };
  }
  return { type: 'none', refusals: seen };
}

/** A request counts for its minute, however its call ends. */
const isBrief = ({ counter, meter }: Refusal): boolean => counter !== 'requests' && meter.holds.length <= CROWD;

/** The refusal as it would be, had every open call settled to nothing. */
function withoutHolds({ meter, counter, request }: Refusal): Refusal {
  const settled: Meter = { ...meter, committed: { [counter]: spentOf(meter, counter) }, holds: [] };
  return { request, counter, meter: settled };
}
