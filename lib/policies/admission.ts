/** The only door: every hold of a request, or none. */
import { holdIdOf } from '../domain/call-id.ts';
import { firstWithoutRoom, spentOf, type Counter, type HoldRequest, type Meter } from '../domain/meter.ts';
import { GatewayError } from '../errors.ts';
import { settleExpired, type ExpiredPolicy, type OpenHold, type SettlementDeps } from '../money/settlement.ts';
import { placeHold, readMeter, type Lease, type Placed, type ShardHints, type StandingHold } from '../money/shards.ts';
import { mayGoOn, reportSkipped, type OnStoreFailure } from './degraded.ts';

/** What admission needs. */
export interface AdmissionDeps extends SettlementDeps {
  readonly expired: ExpiredPolicy;
  readonly hints: ShardHints;
  /** What becomes of a call whose limits cannot be asked; every limit refuses by default. */
  readonly onStoreFailure?: OnStoreFailure;
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
  readonly hold: StandingHold;
  /** The item with it: the meter, or a shard of it. */
  readonly meter: Meter;
}

/** What an attempt came to: every hold in place, or nothing held and the reasons, in the order of the requests. */
export type Taken =
  | { readonly type: 'held'; readonly holds: readonly Held[] }
  | { readonly type: 'refused'; readonly refusals: readonly Refusal[] };

/** Writes that one request may need for one hold, and then some: expired holds, shards, others that are faster. */
const IDS_PER_HOLD = 32;
/** Tries of a call in whose way others are only for a moment. */
const TURNS = 3;
const IDS_PER_ATTEMPT = IDS_PER_HOLD * (1 + TURNS);

/** A lease of a call, for every hold of one attempt. Attempts count from 1, no two share one. */
export interface AttemptLease extends Pick<Lease, 'expiresAt' | 'slot' | 'standing'> {
  readonly callId: string;
  readonly attempt: number;
}

/** Opens the lease of an attempt. @param expiresAt milliseconds since the epoch */
export const openLease = (callId: string, attempt: number, expiresAt: number): AttemptLease => ({
  callId,
  attempt,
  expiresAt,
  slot: slotOf(callId),
  standing: new Map(),
});

/** Spreads calls evenly: the last characters of an id are random. */
const slotOf = (callId: string): number => Buffer.from(callId.slice(-4)).reduce((sum, byte) => sum * 31 + byte, 0);

/** What stands of a lease, for whoever settles it. */
export const openHolds = ({ standing, expiresAt }: Pick<Lease, 'standing' | 'expiresAt'>): readonly OpenHold[] =>
  [...standing.values()].map(({ meter, id, request, late }) => ({
    meter,
    id,
    amounts: request.amounts,
    // What nobody sweeps is moot when its window ends.
    ...(late && request.swept ? { buryUntil: expiresAt } : {}),
  }));

/** A limit that was not asked: its store failed, and it may go without. */
interface Skip {
  readonly request: HoldRequest;
  readonly error: GatewayError;
}

/**
 * Takes all holds side by side, in one round trip. When a meter refuses, what the others gave is taken back. Expired holds in a meter
 * that refuses are settled first, and that meter is asked once more. A limit that may go without its store counts as having room.
 *
 * Two calls that each got what the other one lacked would both be refused. So a call that only had others' holds in its way tries again,
 * meter by meter, the widest first: whoever comes first gets in.
 *
 * @throws GatewayError `overloaded` when a store fails: what may stand is in the lease, for the caller to settle as nothing.
 */
export async function takeHolds(deps: AdmissionDeps, requests: readonly HoldRequest[], lease: AttemptLease): Promise<Taken> {
  const steps = await Promise.allSettled(requests.map((request) => askFor(deps, request, lease, 0)));
  const failed = steps.find((step) => step.status === 'rejected');
  if (failed !== undefined) throw GatewayError.from(failed.reason);
  const outcomes = steps.flatMap((step) => (step.status === 'fulfilled' ? [step.value] : []));
  const refusals = outcomes.filter(isRefusal);
  if (refusals.length === 0) return told(deps, lease, outcomes);
  await takeBack(deps, lease);
  const mixed = outcomes.some((outcome) => !isRefusal(outcome));
  return mixed && refusals.every(isByHolds) ? takeInTurn(deps, requests, lease, refusals) : { type: 'refused', refusals };
}

/** True when there will be room for the request once those that hold it now have settled, if they use nothing. */
const isByHolds = ({ counter, meter, request }: Refusal): boolean =>
  spentOf(meter, counter) + (request.amounts[counter] ?? 0n) <= (request.limits[counter] ?? 0n);

/** Each turn begins with a look at what refused: most often there is no room yet, and nothing has to be written to know. */
async function takeInTurn(
  deps: AdmissionDeps,
  requests: readonly HoldRequest[],
  lease: AttemptLease,
  refusals: readonly Refusal[],
): Promise<Taken> {
  let inTheWay = refusals;
  for (let turn = 1; ; turn++) {
    const still = await stillRefused(deps, inTheWay);
    if (still.length > 0) return { type: 'refused', refusals: still };
    lease.standing.clear();
    const outcomes: (Held | Skip)[] = [];
    let refusal: Refusal | undefined;
    for (const request of requests.toReversed()) {
      const outcome = await askFor(deps, request, lease, turn * IDS_PER_HOLD);
      if (isRefusal(outcome)) {
        refusal = outcome;
        break;
      }
      outcomes.unshift(outcome);
    }
    if (refusal === undefined) return told(deps, lease, outcomes);
    await takeBack(deps, lease);
    inTheWay = [refusal];
    // Whoever holds the first of them is ahead. Further on, it may be one that is about to take back what it got side by side.
    if (outcomes.length === 0 || turn === TURNS || !isByHolds(refusal)) return { type: 'refused', refusals: inTheWay };
  }
}

/** Those of the refusals that stand, with the meters as they are now. */
async function stillRefused({ meters }: AdmissionDeps, refusals: readonly Refusal[]): Promise<readonly Refusal[]> {
  const found = await Promise.all(
    refusals.map(async (refusal): Promise<Refusal | undefined> => {
      const meter = (await readMeter(meters, refusal.request.meter)) ?? refusal.meter;
      const counter = firstWithoutRoom(meter, refusal.request);
      return counter === undefined ? undefined : { ...refusal, counter, meter };
    }),
  );
  return found.filter((refusal) => refusal !== undefined);
}

/** One hold; a failure of its store where the limit may go without. @param from serial of ids, counted within the attempt */
async function askFor(
  deps: AdmissionDeps,
  request: HoldRequest,
  lease: AttemptLease,
  from: number,
): Promise<Refusal | Held | Skip> {
  try {
    return await takeHold(deps, request, lease, from);
  } catch (error) {
    if (!mayGoOn(deps.onStoreFailure, request)) throw error;
    return { request, error: GatewayError.from(error) };
  }
}

function told(deps: AdmissionDeps, lease: AttemptLease, outcomes: readonly (Refusal | Held | Skip)[]): Taken {
  for (const outcome of outcomes) if ('error' in outcome) reportSkipped(deps, outcome.request, lease.callId, outcome.error);
  return { type: 'held', holds: outcomes.filter((outcome) => 'hold' in outcome) };
}

/**
 * Takes back what stands of a lease whose call will not be made: nothing was used, so nothing is booked.
 *
 * @throws GatewayError `overloaded` when the store fails; the rest is tried all the same.
 */
export async function takeBack({ meters }: Pick<AdmissionDeps, 'meters'>, lease: AttemptLease): Promise<void> {
  await Promise.all(
    openHolds(lease).map(({ meter, id = lease.callId, amounts, buryUntil }) =>
      meters.settle(meter, id, amounts, {}, buryUntil),
    ),
  );
}

const isRefusal = (outcome: Refusal | Held | Skip): outcome is Refusal => 'counter' in outcome;

async function takeHold(deps: AdmissionDeps, request: HoldRequest, lease: AttemptLease, from: number): Promise<Refusal | Held> {
  let serial = (lease.attempt - 1) * IDS_PER_ATTEMPT + from;
  const own: Lease = { ...lease, nextId: () => holdIdOf(lease.callId, ++serial) };
  const first = await placeHold(deps, request, own);
  if (first.type === 'held') return asHeld(request, first);
  const now = deps.now();
  const expired = first.meter.holds.filter((hold) => hold.expiresAt <= now);
  if (expired.length === 0) return { request, counter: first.counter, meter: first.meter };
  // One that cannot be settled now keeps its room; the others make theirs.
  await Promise.allSettled(expired.map((hold) => settleExpired(deps, deps.expired, hold.shard ?? request.meter, hold)));
  const second = await placeHold(deps, request, own);
  if (second.type === 'held') return asHeld(request, second);
  return { request, counter: second.counter, meter: second.meter };
}

const asHeld = (request: HoldRequest, { hold, meter }: Extract<Placed, { type: 'held' }>): Held => ({ request, hold, meter });
