/** Who changed what: one immutable row per change that management made. */

/** A change. `before` and `after` never hold a secret. */
export interface AuditEntry {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `read`: of what people said to models; reading anything else leaves no row. */
  readonly action: 'created' | 'updated' | 'deleted' | 'blocked' | 'unblocked' | 'rotated' | 'read';
  /** Kind of the record, `key`, `team`, `user`, ... and its id. */
  readonly kind: string;
  readonly recordId: string;
  /** User id, `master`, `keeper`, or the `litellm-changed-by` header of an admin. */
  readonly changedBy: string;
  /** Hash of the key that was used, or `master`. */
  readonly keyHash: string;
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
}
