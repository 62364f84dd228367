/**
 * Settlement: how a hold becomes what was really used. Always ledger first, then the meters, each step once: whoever finds the ledger
 * entry already written takes its figures, whoever finds a hold already gone leaves the meter alone. So a step may be repeated, by us
 * or by the keeper, at any time.
 */
import { setTimeout as timer } from 'node:timers/promises';
import { callIdOf } from '../domain/call-id.ts';
import { tokensOf, wasHeldIn, type LedgerEntry } from '../domain/ledger-entry.ts';
import { COUNTERS, meterMark, scopeOfMeter, type Amounts, type CallFacts, type Counter, type Hold } from '../domain/meter.ts';
import { meterOfShard } from '../domain/shard.ts';
import { describeError, type Log } from '../log.ts';
import { coverShard, readMeter } from './shards.ts';
import type { LedgerStore } from '../stores/ledger.ts';
import type { MeterStore } from '../stores/meters.ts';

/** What settling needs. */
export interface SettlementDeps {
  readonly meters: MeterStore;
  readonly ledger: LedgerStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: Log;
  /** Pause between tries, milliseconds; the system's timer unless a test says otherwise. */
  readonly sleep?: (ms: number) => Promise<unknown>;
}

/** The operator's rule for a call nobody settled: book what was held, or nothing. */
export type ExpiredPolicy = 'hold' | 'zero';

/** A hold of a call, in one meter or shard of one. */
export interface OpenHold {
  readonly meter: string;
  /** Its id; that of the call when absent. */
  readonly id?: string;
  readonly amounts: Amounts;
  /** A copy of its write may still be under way: forbidden until then, milliseconds since the epoch. */
  readonly buryUntil?: number;
}

/** Pauses before the store is asked again, milliseconds, and the time after which nobody asks again: the keeper will. */
const PAUSES = [50, 200, 800, 2_000];
const PATIENCE_MS = 10_000;

/**
 * Writes the call's entry, then settles its holds by that entry; by the stored one when there already is one. Never throws: what the
 * store did not take in time is logged and left to the keeper.
 *
 * @param patienceMs how long to go on when the store fails
 */
export async function settleCall(
  deps: SettlementDeps,
  entry: LedgerEntry,
  holds: readonly OpenHold[],
  patienceMs = PATIENCE_MS,
): Promise<'settled' | 'left'> {
  try {
    const truth = await insist(deps, patienceMs, () => recordOnce(deps.ledger, entry));
    const steps = await Promise.allSettled(
      holds.map((hold) => insist(deps, patienceMs, () => settleHold(deps.meters, entry.id, hold, truth))),
    );
    const failed = steps.find((step) => step.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return 'settled';
  } catch (error) {
    deps.log('error', 'settlement left to the keeper', { id: entry.id, error: describeError(error) });
    return 'left';
  }
}

async function settleHold(
  meters: MeterStore,
  callId: string,
  { meter, id = callId, amounts, buryUntil }: OpenHold,
  truth: LedgerEntry | undefined,
): Promise<'settled' | 'absent'> {
  const actual = actualAmounts(amounts, truth === undefined ? undefined : toldTo(meter, truth));
  const outcome = await meters.settle(meter, id, amounts, actual, buryUntil);
  const isOver = COUNTERS.some((counter) => (actual[counter] ?? 0n) > (amounts[counter] ?? 0n));
  if (isOver) await coverShard(meters, meter);
  return outcome;
}

/**
 * An entry as a meter hears of it. Where a store failed and the call went on without the hold, the entry does not say that it held there: its
 * cost will be brought in, and a hold that was made all the same must not tell it as well.
 */
const toldTo = (meter: string, entry: LedgerEntry): LedgerEntry =>
  wasHeldIn(entry, meterMark(meterOfShard(meter))) ? entry : { ...entry, cost: 0n };

/**
 * Settles a hold whose lease has ended. A call without an entry first gets one, at the cost the policy says, if its facts are where the
 * hold says they are. Where they are not, admission never came to its end, since facts stay until there is an entry; nor did it where
 * another hold of money never was: such a call cost nothing. A hold without money never makes an entry: it would stand in the way of the
 * true one, and a slot costs nothing.
 *
 * @returns `booked` when this call wrote the entry and settled, `settled` when the entry was there, `absent` when somebody was faster.
 */
export async function settleExpired(
  deps: Pick<SettlementDeps, 'meters' | 'ledger' | 'now'>,
  policy: ExpiredPolicy,
  meter: string,
  hold: Hold,
): Promise<'booked' | 'settled' | 'absent'> {
  // Before the ledger: facts that are gone by now left an entry there.
  const call = await factsOf(deps.meters, hold);
  const known = await deps.ledger.get(callIdOf(hold.id));
  const own = known === undefined ? await expiredEntry(deps, meter, hold, call, policy) : undefined;
  const truth = own === undefined ? known : await recordOnce(deps.ledger, own);
  const outcome = await settleHold(deps.meters, hold.id, { meter, amounts: hold.amounts }, truth);
  return outcome === 'settled' && own !== undefined && truth === own ? 'booked' : outcome;
}

/** What is known of the call of a hold of money; undefined when it never got as far as to hold money in its first scope. */
async function factsOf(meters: MeterStore, { id, call, home }: Hold): Promise<CallFacts | undefined> {
  if (call !== undefined || home === undefined) return call;
  const whole = await readMeter(meters, home);
  return whole?.holds.find((hold) => callIdOf(hold.id) === callIdOf(id))?.call;
}

/** What a meter must show for a call, given what it held there and the call's entry. */
export function actualAmounts(held: Amounts, entry: LedgerEntry | undefined): Amounts {
  const actual: Partial<Record<Counter, bigint>> = {};
  if (held.usd !== undefined) actual.usd = entry?.cost ?? 0n;
  if (held.requests !== undefined) actual.requests = held.requests;
  const tokens = tokensOf(entry ?? {});
  const [input, output] = [wholeTokens(tokens.input), wholeTokens(tokens.output)];
  // Nobody knows what an expired call used: it keeps what it held.
  const unknown = entry === undefined || entry.status === 'expired';
  if (held.tokens !== undefined) actual.tokens = unknown ? held.tokens : input + output;
  if (held.input_tokens !== undefined) actual.input_tokens = unknown ? held.input_tokens : input;
  if (held.output_tokens !== undefined) actual.output_tokens = unknown ? held.output_tokens : output;
  if (held.parallel !== undefined) actual.parallel = 0n;
  return actual;
}

/** A provider's figure as a meter can take it: a figure that no meter takes would keep the hold open for ever. */
const wholeTokens = (count: number): bigint =>
  Number.isFinite(count) ? BigInt(Math.min(Math.max(0, Math.ceil(count)), Number.MAX_SAFE_INTEGER)) : 0n;

/** The entry as stored: ours when it is the first. */
async function recordOnce(ledger: LedgerStore, entry: LedgerEntry): Promise<LedgerEntry> {
  if ((await ledger.record(entry)) === 'recorded') return entry;
  return (await ledger.get(entry.id)) ?? entry;
}

/** The entry of a call that nobody came back to settle; undefined where there is nothing to book. */
async function expiredEntry(
  { meters, now }: Pick<SettlementDeps, 'meters' | 'now'>,
  meter: string,
  hold: Hold,
  call: CallFacts | undefined,
  policy: ExpiredPolicy,
): Promise<LedgerEntry | undefined> {
  const held = hold.amounts.usd;
  if (held === undefined || (call === undefined && hold.home !== undefined)) return undefined;
  const id = callIdOf(hold.id);
  const gotIn = await holdsEverywhere(meters, call?.meters ?? [], id);
  const at = call?.at ?? hold.expiresAt;
  const endedAt = now();
  return {
    id,
    at,
    endedAt,
    status: 'expired',
    ...(call?.owner ?? { keyHash: scopeOfMeter(meter).id, tags: [] }),
    kind: call?.kind ?? 'generate',
    route: call?.route ?? '',
    clientDialect: call?.clientDialect ?? '',
    modelGroup: call?.modelGroup ?? '',
    stream: call?.stream ?? false,
    httpStatus: 0,
    cost: policy === 'hold' && gotIn ? held : 0n,
    price: { source: 'hold', rule: gotIn ? `expired:${policy}` : 'expired:not_admitted' },
    held,
    heldIn: [meterOfShard(hold.home ?? meter), ...(call?.meters ?? [])].map(meterMark),
    attempts: 0,
    durationMs: endedAt - at,
  };
}

/** True when a call holds in all these meters. Before there is an entry, nobody takes such a hold away. */
async function holdsEverywhere(meters: MeterStore, ids: readonly string[], callId: string): Promise<boolean> {
  const found = await Promise.all(ids.map((id) => readMeter(meters, id)));
  return found.every((meter) => meter?.holds.some(({ id }) => callIdOf(id) === callId));
}

/** Repeats a step of a failing store, with growing pauses, as long as patience lasts. */
async function insist<T>(deps: SettlementDeps, patienceMs: number, step: () => Promise<T>): Promise<T> {
  const { now, sleep = timer } = deps;
  const end = now() + patienceMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await step();
    } catch (error) {
      const pause = PAUSES[attempt];
      if (pause === undefined || now() + pause > end) throw error;
      await sleep(pause);
    }
  }
}
