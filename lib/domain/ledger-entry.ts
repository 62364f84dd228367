/** The ledger: one immutable entry per request that was admitted. The truth that meters and totals are projections of. */
import type { Usage } from '../kinds/usage.ts';
import type { Scope } from './meter.ts';
import type { Money } from './money.ts';
import type { Owner } from './owner.ts';

/**
 * How a request ended. `expired`: nobody came back to settle its hold and the keeper wrote the entry.
 * Times in milliseconds since the epoch; costs in 1e-12 USD.
 */
export interface LedgerEntry extends Owner {
  /** The call id. */
  readonly id: string;
  readonly at: number;
  readonly endedAt: number;
  readonly status: 'success' | 'error' | 'aborted' | 'expired';
  /** `generate`; `adjustment` for what an operator books. */
  readonly kind: string;
  /** Whom alone an adjustment counts for; without it an entry counts for all its owners. */
  readonly adjusts?: Scope;
  /** Client route: `/v1/chat/completions`. */
  readonly route: string;
  readonly clientDialect: string;
  /** Name the client called. */
  readonly modelGroup: string;
  /** What served it; absent when no provider was reached. */
  readonly provider?: string;
  readonly model?: string;
  readonly deploymentId?: string;
  readonly upstreamDialect?: string;
  readonly stream: boolean;
  readonly httpStatus: number;
  /** Kind and text, without anything secret. */
  readonly error?: { readonly kind: string; readonly message: string };
  readonly usage?: Usage;
  /** Absent: the price is unknown (see `price`); never zero for a call that used tokens nobody could price. */
  readonly cost?: Money;
  readonly costParts?: Readonly<Record<string, Money>>;
  /**
   * Where the price came from. `hold`: nobody settled the call, the operator's rule for expired holds set the cost. `unknown`: no
   * price was found; the cost is then absent, unless nothing was consumed.
   */
  readonly price: {
    readonly source: 'catalog' | 'operator' | 'demo' | 'hold' | 'unknown';
    readonly version?: string;
    readonly rule?: string;
    /** Tools that were used and are missing from `cost`, for want of a price. */
    readonly unpriced?: readonly string[];
  };
  /** Amount held for the call. */
  readonly held?: Money;
  readonly attempts: number;
  readonly durationMs: number;
  readonly firstByteMs?: number;
  readonly ip?: string;
  readonly userAgent?: string;
  readonly warnings?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}
