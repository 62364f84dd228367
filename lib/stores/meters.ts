import type { Change } from '../domain/change.ts';
import type { Amounts, Counter, HoldRequest, Meter } from '../domain/meter.ts';

/** What a hold attempt came to. `late`: the write was sent more than once, so that a copy of it may still arrive. */
export type HoldOutcome =
  /** The hold is in place, now or since an earlier try; the meter with it. */
  | { readonly type: 'held'; readonly meter: Meter; readonly late?: true }
  /** A limit stood in the way; the meter as it was. `counter` is the first one that had no room. */
  | { readonly type: 'refused'; readonly counter: Counter; readonly meter: Meter; readonly late?: true }
  /** The meter is not as the given change expects it; the meter as it is. */
  | { readonly type: 'missed'; readonly meter: Meter; readonly late?: true };

/** A hold to be made. */
export interface HoldOrder {
  readonly request: HoldRequest;
  readonly holdId: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** What decides and is added instead of the limits. */
  readonly change?: Change;
}

/** What several holds in one write came to: the meter with all of them, or as it was. `late` as with one. */
export interface JointHold {
  readonly done: boolean;
  readonly meter: Meter;
  readonly late?: true;
}

/** A hold to be settled. */
export interface Settlement {
  readonly holdId: string;
  readonly held: Amounts;
  readonly actual: Amounts;
  readonly buryUntil?: number;
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
  /**
   * Several holds of one item: all of them, or none. Adds what `change` adds, if the meter allows it and none of the holds is there or
   * forbidden. A repeat after a time-out is not `done`, and finds them in the meter. Nothing is buried.
   */
  holdAll(orders: readonly HoldOrder[], change: Change): Promise<JointHold>;
  /** Settles several holds of one item: all of them, if all are open, or none. */
  settleAll(meter: string, settlements: readonly Settlement[]): Promise<boolean>;
  read(meter: string): Promise<Meter | undefined>;
  /** Several at once, in their order. */
  readAll(meters: readonly string[]): Promise<readonly (Meter | undefined)[]>;
  /**
   * Changes counts if they are as expected; the meter after it, or as it is. Sent again, it is done again, unless what it expects has
   * changed by it. `life` says how long the meter lives, should it not be there yet: as long as one that the request makes.
   */
  change(
    meter: string,
    change: Change,
    life?: Pick<HoldRequest, 'window' | 'keepUntil' | 'amounts'>,
  ): Promise<{ readonly done: boolean; readonly meter: Meter }>;
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
