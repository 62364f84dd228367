/** What every record of the registry has besides its own fields. */

/** A record that management made. Times are milliseconds since the epoch. */
export interface Entity {
  readonly id: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** User id, or `master`, of who made it and who changed it last. */
  readonly createdBy?: string;
  readonly updatedBy?: string;
  /** Free facts of the operator. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Fields of LiteLLM that are kept and shown as they were given: they speak of things this gateway has none of. */
  readonly kept?: Readonly<Record<string, unknown>>;
  /** Counts up with every change; writes are conditional on it. */
  readonly rev: number;
}

/** A record that was deleted, kept for those who ask later: with who did it, and what it had spent by then. */
export interface Deleted<T> extends Entity {
  /** The record as it was. */
  readonly record: T;
  readonly deletedAt: number;
  /** User id, or `master`. */
  readonly deletedBy: string;
  /** Spend over its whole life, 1e-12 USD. */
  readonly spend: bigint;
}
