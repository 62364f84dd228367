import type { Amounts, Counter, Counts, HoldRequest, Meter } from '../domain/meter.ts';

/** What a hold attempt came to. `late`: the write was sent more than once, so that a copy of it may still arrive. */
export type HoldOutcome =
  /** The hold is in place, now or since an earlier try; the meter with it. */
  | { readonly type: 'held'; readonly meter: Meter; readonly late?: true }
  /** A limit stood in the way; the meter as it was. `counter` is the first one that had no room. */
  | { readonly type: 'refused'; readonly counter: Counter; readonly meter: Meter; readonly late?: true }
  /** The meter is not as the given change expects it; the meter as it is. */
  | { readonly type: 'missed'; readonly meter: Meter; readonly late?: true };

/** A change of counts, all or nothing. Names are counters of limits and counts kept beside them; an absent count is 0. */
export interface Change {
  readonly add: Counts;
  readonly equal?: Counts;
  readonly atMost?: Counts;
  readonly atLeast?: Counts;
}

/**
 * Port: meters. Every method is one round trip and one single-item conditional write (or read), safe to repeat after a time-out: a
 * repeated `hold` finds its own hold and answers `held`, a repeated `settle` answers `absent`. A hold id is used for one hold only.
 */
export interface MeterStore {
  /**
   * Adds `request.amounts` under `holdId`, if it is not there yet and every limit has room. With `change`, that is what decides and
   * what is added. A refused hold whose copy may still arrive is buried before this answers.
   */
  hold(request: HoldRequest, holdId: string, expiresAt: number, change?: Change): Promise<HoldOutcome>;
  /**
   * Replaces the hold by what was really used. `absent` when the hold is not open: settled before, by us or the keeper.
   *
   * @param buryUntil forbids the hold until then (milliseconds since the epoch), there or not: a copy of its write may be under way
   */
  settle(meter: string, holdId: string, held: Amounts, actual: Amounts, buryUntil?: number): Promise<'settled' | 'absent'>;
  read(meter: string): Promise<Meter | undefined>;
  /** Several at once, in their order. */
  readAll(meters: readonly string[]): Promise<readonly (Meter | undefined)[]>;
  /**
   * Changes counts if they are as expected; the meter after it, or as it is. Sent again, it is done again, unless what it expects has
   * changed by it. `life` says how long the meter lives, should it not be
   * there yet: as long as one that the request makes.
   */
  change(
    meter: string,
    change: Change,
    life?: Pick<HoldRequest, 'window' | 'keepUntil' | 'amounts'>,
  ): Promise<{ readonly done: boolean; readonly meter: Meter }>;
  /** Brings in spend that happened before the meter had a limit. Only for a meter that does not exist yet; else `exists`. */
  seed(meter: string, spent: Amounts): Promise<'seeded' | 'exists'>;
  /** Meters that have, or had, holds whose lease ended before `now` (milliseconds), from the sparse index. */
  due(now: number, limit: number): Promise<readonly Meter[]>;
  /**
   * Moves a meter in the sparse index to `nextDue`, the earliest lease end of the holds still open; without one, takes it off the
   * index if no hold was added since `rev`, else `changed`. Both need the meter to be on the index.
   *
   * @param risen buried holds that need not be remembered any longer
   */
  checked(meter: string, rev: number, nextDue: number | undefined, risen?: readonly string[]): Promise<'done' | 'changed'>;
}
