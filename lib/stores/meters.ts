import type { Amounts, Counter, HoldRequest, Meter } from '../domain/meter.ts';

/** What a hold attempt came to. */
export type HoldOutcome =
  /** The hold is in place, now or since an earlier try; the meter with it. */
  | { readonly type: 'held'; readonly meter: Meter }
  /** A limit stood in the way; the meter as it was. `counter` is the first one that had no room. */
  | { readonly type: 'refused'; readonly counter: Counter; readonly meter: Meter };

/**
 * Port: meters. Every method is one round trip and one single-item conditional write (or read), safe to repeat after a time-out: a
 * repeated `hold` finds its own hold and answers `held`, a repeated `settle` answers `absent`.
 */
export interface MeterStore {
  /** Adds `request.amounts` under `holdId`, if it is not there yet and every limit has room. */
  hold(request: HoldRequest, holdId: string, expiresAt: number): Promise<HoldOutcome>;
  /** Replaces the hold by what was really used. `absent` when the hold is not open: settled before, by us or the keeper. */
  settle(meter: string, holdId: string, held: Amounts, actual: Amounts): Promise<'settled' | 'absent'>;
  read(meter: string): Promise<Meter | undefined>;
  /** Adds spend that happened before the meter had a limit. Only for a meter that does not exist yet; else `exists`. */
  seed(meter: string, spent: Amounts): Promise<'seeded' | 'exists'>;
  /** Meters that have, or had, holds whose lease ended before `now` (milliseconds), from the sparse index. */
  due(now: number, limit: number): Promise<readonly Meter[]>;
  /**
   * Moves a meter in the sparse index to `nextDue`, the earliest lease end of the holds still open; without one, takes it off the
   * index if no hold was added since `rev`, else `changed`. Both need the meter to be on the index.
   */
  checked(meter: string, rev: number, nextDue: number | undefined): Promise<'done' | 'changed'>;
}
