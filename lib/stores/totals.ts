import type { LedgerEntry } from '../domain/ledger-entry.ts';
import type { Scope } from '../domain/meter.ts';
import type { DayTotal, Total, TotalKind, TotalScope } from '../domain/total.ts';
import type { Page } from './keys.ts';

export type { Total } from '../domain/total.ts';

/** A call of a scope: enough to find its entry. `at` in milliseconds since the epoch. */
export interface CallRef {
  readonly id: string;
  readonly at: number;
}

/** A stretch of time in milliseconds since the epoch; `from` inclusive, `to` exclusive. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Which page of a listing. */
export interface PageOf {
  readonly limit: number;
  readonly cursor?: string;
}

/** Port: totals projected by the consumer of the ledger's stream. They may be seconds behind the ledger. */
export interface TotalStore {
  /**
   * Adds entries to the totals of all their scopes. Each entry counts once, however often and by whomever it is applied; when this
   * rejects, some of the entries may have been added, and applying all of them again is safe.
   *
   * @returns how many were new.
   */
  apply(entries: readonly LedgerEntry[]): Promise<number>;
  /** Totals of a scope's whole life. */
  read(scope: TotalScope): Promise<Total>;
  /** Every scope of a kind with the totals of its life, in no order. */
  list(kind: TotalKind, page: PageOf): Promise<Page<{ readonly id: string; readonly total: Total }>>;
  /** Totals of a scope by day and what calls are told apart by; days such as `2026-11-22`, both included, newest first. */
  days(scope: TotalScope, days: { readonly from: string; readonly to: string }, page: PageOf): Promise<Page<DayTotal>>;
  /** Calls of a scope (`listedUnder`), newest first by arrival. Not for keys and not for everything: the ledger lists those itself. */
  calls(scope: Scope, span: Span, page: PageOf): Promise<Page<CallRef>>;
  /** Writes all totals anew beside the ones in use. */
  readonly rebuild: {
    /** Opens a new generation, or goes on with the one that is open; from now on `apply` adds to both. */
    begin(): Promise<number>;
    /** Adds entries to the open generation alone; each counts once, also against `apply`. */
    fill(generation: number, entries: readonly LedgerEntry[]): Promise<number>;
    /** From now on the open generation is the one that is read. Readers follow within half a minute. */
    finish(generation: number): Promise<void>;
    /** Deletes what is left of generations that are neither in use nor open. */
    sweep(): Promise<number>;
  };
}
