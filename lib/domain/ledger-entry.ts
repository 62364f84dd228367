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
  /** Marks of the meters in which it was held (`meterMark`): those know the entry by themselves. */
  readonly heldIn?: readonly string[];
  readonly attempts: number;
  /** Attempts before the last that came to nothing and may be billed all the same. `cost` includes theirs, as `costParts.lost`. */
  readonly lost?: readonly LostAttempt[];
  readonly durationMs: number;
  readonly firstByteMs?: number;
  /** Milliseconds from arrival to the first thing the model wrote, of streams; `firstByteMs` may be long before it. */
  readonly firstTokenMs?: number;
  readonly ip?: string;
  readonly userAgent?: string;
  readonly warnings?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/**
 * A try at a provider that nobody got an answer from, although the provider may bill it: its answer broke off, or it was sent and
 * no answer began. What it used is an estimate.
 */
export interface LostAttempt {
  readonly provider: string;
  readonly model: string;
  readonly deploymentId: string;
  /** Kind of the error it ended with. */
  readonly error: string;
  readonly usage: Usage;
  /** 1e-12 USD; absent when the price is unknown. */
  readonly cost?: Money;
}

/** Tokens that a call used, those of its lost attempts included; fractions and nonsense as the provider told them. */
export function tokensOf({ usage, lost = [] }: Pick<LedgerEntry, 'usage' | 'lost'>): {
  readonly input: number;
  readonly output: number;
} {
  let [input, output] = [usage?.inputTokens ?? 0, usage?.outputTokens ?? 0];
  for (const attempt of lost) {
    input += attempt.usage.inputTokens ?? 0;
    output += attempt.usage.outputTokens ?? 0;
  }
  return { input, output };
}

/**
 * True where the call held money in the meter with this mark, so that its settlement told the meter of it. Entries older than marks are
 * taken to have held wherever they could.
 */
export function wasHeldIn({ heldIn, held, kind, cost = 0n }: LedgerEntry, mark: string): boolean {
  if (heldIn !== undefined) return heldIn.includes(mark);
  return kind === 'adjustment' ? cost < 0n : held !== undefined;
}
