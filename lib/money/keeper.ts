/** The keeper: settles what nobody came back to settle. Runs on a schedule; several at once do each other no harm. */
import type { Meter } from '../domain/meter.ts';
import { describeError, type Log } from '../log.ts';
import { settleExpired, type ExpiredPolicy } from './settlement.ts';
import { coverShard } from './shards.ts';
import type { LedgerStore } from '../stores/ledger.ts';
import type { MeterStore } from '../stores/meters.ts';

/** What a sweep needs. */
export interface KeeperDeps {
  readonly meters: MeterStore;
  readonly ledger: LedgerStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly policy: ExpiredPolicy;
  /** Most meters of one sweep. */
  readonly limit: number;
  readonly log: Log;
}

/** What a sweep did. */
export interface Sweep {
  /** Meters looked at. */
  readonly meters: number;
  /** Holds settled by the entry that was there. */
  readonly settled: number;
  /** Holds settled by an entry the keeper wrote: calls that were lost. */
  readonly booked: number;
  /** Holds somebody else settled meanwhile. */
  readonly absent: number;
  /** Meters left for the next sweep because a store failed. */
  readonly failed: number;
}

/** Settles the expired holds of every meter that is due, and puts each meter back on the index for its next lease, or takes it off. */
export async function sweep(deps: KeeperDeps): Promise<Sweep> {
  const due = await deps.meters.due(deps.now(), deps.limit);
  const counts = { meters: due.length, settled: 0, booked: 0, absent: 0, failed: 0 };
  for (const meter of due) {
    try {
      await sweepMeter(deps, meter, counts);
    } catch (error) {
      counts.failed++;
      deps.log('error', 'keeper could not settle a meter', { meter: meter.id, error: describeError(error) });
    }
  }
  deps.log('info', 'keeper sweep', counts);
  return counts;
}

async function sweepMeter(
  deps: KeeperDeps,
  meter: Meter,
  counts: { settled: number; booked: number; absent: number },
): Promise<void> {
  const now = deps.now();
  const failures: unknown[] = [];
  for (const hold of meter.holds.filter(({ expiresAt }) => expiresAt <= now)) {
    try {
      counts[await settleExpired(deps, deps.policy, meter.id, hold)]++;
    } catch (error) {
      failures.push(error);
    }
  }
  // The meter stays on the index for the rest.
  if (failures.length > 0) throw failures[0];
  // A call that cost more than was held may have settled in a shard, and died before it said so to the meter.
  await coverShard(deps.meters, meter.id);
  const open = meter.holds.filter(({ expiresAt }) => expiresAt > now);
  const nextDue = open.length === 0 ? undefined : Math.min(...open.map(({ expiresAt }) => expiresAt));
  const risen = (meter.buried ?? []).filter(({ until }) => until <= now).map(({ id }) => id);
  await deps.meters.checked(meter.id, meter.rev, nextDue, risen);
}
