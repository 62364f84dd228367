/** Whom a call is booked to. */

/** Every scope that a call's spend counts for, by id: what the ledger says of it, and what meters and totals are sums over. */
export interface Owner {
  /** First SHA-256 of the key's secret (`scopeOf`), `master`, or that of a caller without a key. */
  readonly keyHash: string;
  readonly keyAlias?: string;
  readonly userId?: string;
  readonly teamId?: string;
  readonly organizationId?: string;
  readonly projectId?: string;
  /** The customer: end user as the client named it. */
  readonly endUser?: string;
  /** Of the key, its team and project, and of the request; without repeats. */
  readonly tags: readonly string[];
  /** The client's own name for a run of calls. */
  readonly sessionId?: string;
}
