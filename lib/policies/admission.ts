/** The only door: every hold of a request, or none. */
import { holdIdOf } from '../domain/call-id.ts';
import type { Counter, HoldRequest, Meter } from '../domain/meter.ts';
import { GatewayError } from '../errors.ts';
import { settleExpired, type ExpiredPolicy, type SettlementDeps } from '../settlement.ts';

/** What admission needs. */
export interface AdmissionDeps extends SettlementDeps {
  readonly expired: ExpiredPolicy;
}

/** A limit that stood in the way. */
export interface Refusal {
  readonly request: HoldRequest;
  readonly counter: Counter;
  /** The meter as it was. */
  readonly meter: Meter;
}

/** A hold in place. */
export interface Held {
  readonly request: HoldRequest;
  /** Id of the hold. */
  readonly id: string;
  /** The meter with it. */
  readonly meter: Meter;
}

/** What an attempt came to: every hold in place, or nothing held and the reasons, in the order of the requests. */
export type Taken =
  | { readonly type: 'held'; readonly holds: readonly Held[] }
  | { readonly type: 'refused'; readonly refusals: readonly Refusal[] };

/** Whose holds, and which try it is. */
export interface Lease {
  readonly callId: string;
  /** Counts from 1: no two tries of a call share one. Each may make holds under two ids, see `holdIdsOf`. */
  readonly attempt: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** The ids under which a try makes its holds: the second one where expired holds had to be cleared away first. */
export const holdIdsOf = ({ callId, attempt }: Pick<Lease, 'callId' | 'attempt'>): readonly [string, string] => [
  holdIdOf(callId, 2 * attempt - 1),
  holdIdOf(callId, 2 * attempt),
];

/**
 * Takes all holds side by side, in one round trip. When a meter refuses, what the others gave is taken back. Expired holds in a meter
 * that refuses are settled first, and that meter is asked once more.
 *
 * @throws GatewayError `overloaded` when a store fails: holds may then stand, and the caller settles them as a call that came to nothing.
 */
export async function takeHolds(deps: AdmissionDeps, requests: readonly HoldRequest[], lease: Lease): Promise<Taken> {
  const steps = await Promise.allSettled(requests.map((request) => takeHold(deps, request, lease)));
  const failed = steps.find((step) => step.status === 'rejected');
  if (failed !== undefined) throw GatewayError.from(failed.reason);
  const outcomes = steps.flatMap((step) => (step.status === 'fulfilled' ? [step.value] : []));
  const refusals = outcomes.filter(isRefusal);
  const holds = outcomes.filter((outcome): outcome is Held => !isRefusal(outcome));
  if (refusals.length === 0) return { type: 'held', holds };
  await Promise.all(holds.map(({ request, id }) => deps.meters.settle(request.meter, id, request.amounts, {})));
  return { type: 'refused', refusals };
}

const isRefusal = (outcome: Refusal | Held): outcome is Refusal => 'counter' in outcome;

async function takeHold(deps: AdmissionDeps, request: HoldRequest, lease: Lease): Promise<Refusal | Held> {
  const [id, nextId] = holdIdsOf(lease);
  const first = await deps.meters.hold(request, id, lease.expiresAt);
  if (first.type === 'held') return { request, id, meter: first.meter };
  const now = deps.now();
  const expired = first.meter.holds.filter((hold) => hold.expiresAt <= now);
  if (expired.length === 0) return { request, counter: first.counter, meter: first.meter };
  // One that cannot be settled now keeps its room; the others make theirs.
  await Promise.allSettled(expired.map((hold) => settleExpired(deps, deps.expired, request.meter, hold)));
  const second = await deps.meters.hold(request, nextId, lease.expiresAt);
  if (second.type === 'held') return { request, id: nextId, meter: second.meter };
  return { request, counter: second.counter, meter: second.meter };
}
