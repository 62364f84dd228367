/**
 * Meters: the atomic counters behind every limit. A meter is one item per scope and window; the holds of open requests live inside
 * it, so each step of money is one conditional write that happens exactly once.
 */
import { createHash } from 'node:crypto';
import type { Owner } from './owner.ts';

/** What meters count: `usd` in 1e-12 USD, the others in units. `tokens` are input and output tokens together. */
export const COUNTERS = ['usd', 'requests', 'tokens', 'input_tokens', 'output_tokens', 'parallel'] as const;

/** One of them. */
export type Counter = (typeof COUNTERS)[number];

/** An amount per counter; an absent counter is not counted. */
export type Amounts = Readonly<Partial<Record<Counter, bigint>>>;

/**
 * The kinds of owners a limit can have. A `member` is a user within a team, a `session` the client's own name for a run of calls of one
 * key: their ids are made by `pairId`.
 */
export type ScopeKind =
  | 'key'
  | 'team'
  | 'member'
  | 'user'
  | 'organization'
  | 'organization-member'
  | 'project'
  | 'customer'
  | 'tag'
  | 'model'
  | 'session'
  | 'global';

/** One owner. */
export interface Scope {
  readonly kind: ScopeKind;
  readonly id: string;
}

/** The id of a scope that is one thing within another: `<team>/<user>`, `<key>/<session>`. No two pairs share one. */
export const pairId = (outer: string, inner: string): string =>
  `${outer.replace(/[%/]/g, encodeURIComponent)}/${inner.replace(/[%/]/g, encodeURIComponent)}`;

/** A stretch of time in which a limit counts. Part of the meter's id, so that a reset needs no job. Milliseconds since the epoch. */
export interface Window {
  /** `total`, `minute`, `30d`, `1mo`, ... */
  readonly name: string;
  readonly start: number;
  /** Exclusive; absent means it never turns. */
  readonly end?: number;
}

/** What the ledger must be told of a call that nobody came back to settle. It lives inside the hold, so it is kept short. */
export interface CallFacts {
  /** Whom the call is booked to. */
  readonly owner: Owner;
  /** Milliseconds since the epoch at which the call arrived. */
  readonly at: number;
  /** `generate`. */
  readonly kind: string;
  readonly route: string;
  readonly clientDialect: string;
  readonly modelGroup: string;
  readonly stream: boolean;
  /** The other meters in which the call holds money: a call that was lost and lacks one of these holds never got in. */
  readonly meters?: readonly string[];
}

/** The amounts a request wants to hold in one meter, and that meter's limits. */
export interface HoldRequest {
  /** `key#<hash>#usd#30d#1764547200000`: scope, what it counts, window. */
  readonly meter: string;
  readonly scope: Scope;
  /** What people call the scope. */
  readonly name?: string;
  /** The caller may not know what the scope may spend and has spent: it is told which scope refused, and when to come back. */
  readonly undisclosed?: boolean;
  /** The model, or the pattern of models, that alone counts here. */
  readonly model?: string;
  readonly window: Window;
  readonly amounts: Amounts;
  /** Spend at which somebody is told, 1e-12 USD. */
  readonly soft?: bigint;
  /** A hold is refused when committed + amount would exceed the limit of any counter. */
  readonly limits: Amounts;
  /** True when the keeper must settle what is left open (money and slots); false when the window's end makes it moot. */
  readonly swept: boolean;
  /** The meter may go after this moment (milliseconds since the epoch), although its window never ends. */
  readonly keepUntil?: number;
  /** Given with the first hold of money of a call: enough to write its ledger entry should it never be settled. */
  readonly call?: CallFacts;
  /** Given with the others: the meter whose hold has those facts. */
  readonly home?: string;
}

/** One open hold inside a meter. */
export interface Hold {
  /** The request id. */
  readonly id: string;
  readonly amounts: Amounts;
  /** Lease end, milliseconds since the epoch. After it, whoever sees the hold settles it. */
  readonly expiresAt: number;
  readonly call?: CallFacts;
  readonly home?: string;
  /** The shard it is in, where it was found by reading a whole meter. */
  readonly shard?: string;
}

/** Numbers by name; an absent one is 0. */
export type Counts = Readonly<Record<string, bigint>>;

/** A meter as read. */
export interface Meter {
  readonly id: string;
  /** Spent + held, per counter. */
  readonly committed: Amounts;
  readonly holds: readonly Hold[];
  /** Counts up with every hold. */
  readonly rev: number;
  /** What is kept beside the counters: see `domain/shard.ts`. */
  readonly counts?: Counts;
  /** Holds that were settled while a copy of their write could still be under way: it will find itself forbidden until `until`. */
  readonly buried?: readonly { readonly id: string; readonly until: number }[];
}

/** Held now, per counter. */
export function heldOf(meter: Meter, counter: Counter): bigint {
  return meter.holds.reduce((sum, hold) => sum + (hold.amounts[counter] ?? 0n), 0n);
}

/** Spent for good, per counter: committed less held. */
export const spentOf = (meter: Meter, counter: Counter): bigint => (meter.committed[counter] ?? 0n) - heldOf(meter, counter);

/** The first limited counter that cannot take the amount asked; undefined when all can. */
export function firstWithoutRoom(
  meter: Meter,
  { amounts, limits }: Pick<HoldRequest, 'amounts' | 'limits'>,
): Counter | undefined {
  return COUNTERS.find((counter) => {
    const [limit, amount] = [limits[counter], amounts[counter]];
    return limit !== undefined && amount !== undefined && (meter.committed[counter] ?? 0n) + amount > limit;
  });
}

/**
 * The id of a meter: whose, what it counts (of one model, where it says so), in which window. Stable: it is the key of a stored item.
 *
 * @example meterId({ kind: 'key', id: 'ab12' }, 'usd', { name: '30d', start: 1764547200000 }) === 'key#ab12#usd#30d#1764547200000'
 * @example meterId({ kind: 'team', id: 't' }, 'usd', { name: 'total', start: 0 }, 'gpt-4o') === 'team#t#usd@gpt-4o#total#0'
 */
export function meterId(scope: Scope, what: 'usd' | 'rate' | 'parallel' | 'adjusted', window: Window, model?: string): string {
  const counted = model === undefined ? what : `${what}@${encodeURIComponent(model)}`;
  return `${scope.kind}#${encodeURIComponent(scope.id)}#${counted}#${window.name}#${window.start}`;
}

/**
 * The count of a meter that says how much of its `usd` was brought in: spend of calls that did not hold there, because the limit came
 * after them, or its store could not be asked. It only follows the ledger, so whatever brings in knows what is still missing.
 */
export const BROUGHT_IN = 'brought';

/** A short mark of a meter, for entries to say where their calls held money. A call holds in a dozen meters at most: 36 bits tell them apart. */
export const meterMark = (meter: string): string => createHash('sha256').update(meter).digest('base64url').slice(0, 6);

/** Whose a meter is, from its id. */
export function scopeOfMeter(meter: string): Scope {
  const [kind = '', id = ''] = meter.split('#', 2);
  return { kind: kind as ScopeKind, id: decodeURIComponent(id) };
}
