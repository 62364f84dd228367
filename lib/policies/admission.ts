/** The only door: every hold of a request, or none. */
import { GatewayError } from '../errors.ts';
import type { Counter, HoldRequest, Meter } from '../domain/meter.ts';
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

/** What an attempt came to: every hold in place, with its meter, or nothing held and the reasons, in the order of the requests. */
export type Taken =
  | { readonly type: 'held'; readonly meters: readonly Meter[] }
  | { readonly type: 'refused'; readonly refusals: readonly Refusal[] };

/**
 * Takes all holds side by side, in one round trip. When a meter refuses, what the others gave is taken back. Expired holds in a meter
 * that refuses are settled first, and that meter is asked once more.
 *
 * @param expiresAt end of the lease, milliseconds since the epoch
 * @throws GatewayError `overloaded` when a store fails: holds may then stand, and the caller settles them as a call that came to nothing.
 */
export async function takeHolds(
  deps: AdmissionDeps,
  requests: readonly HoldRequest[],
  holdId: string,
  expiresAt: number,
): Promise<Taken> {
  const steps = await Promise.allSettled(requests.map((request) => takeHold(deps, request, holdId, expiresAt)));
  const failed = steps.find((step) => step.status === 'rejected');
  if (failed !== undefined) throw GatewayError.from(failed.reason);
  const outcomes = steps.flatMap((step) => (step.status === 'fulfilled' ? [step.value] : []));
  const refusals = outcomes.filter((outcome) => 'counter' in outcome);
  if (refusals.length === 0) return { type: 'held', meters: outcomes.map(({ meter }) => meter) };
  const taken = outcomes.filter((outcome) => !('counter' in outcome));
  await Promise.all(taken.map(({ request }) => deps.meters.settle(request.meter, holdId, request.amounts, {})));
  return { type: 'refused', refusals };
}

type Step = Refusal | { readonly request: HoldRequest; readonly meter: Meter };

async function takeHold(deps: AdmissionDeps, request: HoldRequest, holdId: string, expiresAt: number): Promise<Step> {
  const first = await deps.meters.hold(request, holdId, expiresAt);
  if (first.type === 'held') return { request, meter: first.meter };
  const now = deps.now();
  const expired = first.meter.holds.filter((hold) => hold.expiresAt <= now);
  if (expired.length === 0) return { request, counter: first.counter, meter: first.meter };
  // One that cannot be settled now keeps its room; the others make theirs.
  await Promise.allSettled(expired.map((hold) => settleExpired(deps, deps.expired, request.meter, hold)));
  const second = await deps.meters.hold(request, holdId, expiresAt);
  if (second.type === 'held') return { request, meter: second.meter };
  return { request, counter: second.counter, meter: second.meter };
}
