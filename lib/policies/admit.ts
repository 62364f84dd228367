/**
 * The money policy: estimates the most a request may use, takes every hold it needs, lets it through, and settles what it really used
 * once the last byte is out. The one door to a provider.
 */
import { hasLimits, holdRequests } from '../domain/budget.ts';
import { scopeOf, type VirtualKey } from '../domain/key.ts';
import { spentOf, type HoldRequest, type Meter } from '../domain/meter.ts';
import { formatUsd, type Money } from '../domain/money.ts';
import { GatewayError } from '../errors.ts';
import type { Admission, Exchange, Outcome, Reply, Target } from '../exchange.ts';
import { settleCall } from '../settlement.ts';
import { takeHolds, type AdmissionDeps, type Refusal, type Taken } from './admission.ts';
import { ceilingOf, costCeiling, shrink, tokenCeiling, type Ceiling } from './demand.ts';
import { entryOf } from './entry.ts';
import { outcomeOfFailure } from './outcome.ts';
import { clipName, ownerOf } from './owner.ts';
import type { Policy } from './policy.ts';
import { rateHeaders, refusalError } from './refusal.ts';

/** What the policy needs. */
export interface AdmitDeps extends AdmissionDeps {
  /** What a key has spent over its whole life, 1e-12 USD; may be seconds old. */
  readonly spendOf: (keyHash: string) => Promise<Money>;
  /** No ledger entries for the master key. Keys always have theirs. */
  readonly disableLedger: boolean;
}

/** How long a lease outlives the deadline of its call, milliseconds: time enough to settle. */
const LEASE_MARGIN_MS = 60_000;
/** Tries with a smaller output when others take the room in between. */
const TRIES = 3;

/** A call that was let in. */
interface Pass {
  readonly holds: readonly HoldRequest[];
  readonly admission: Admission;
  /** Spent before this call, where the key has a budget. */
  readonly spent?: Money;
}

const FREE: Pass = { holds: [], admission: { headers: {} } };

/** Holds before, settles after. */
export function admit(deps: AdmitDeps): Policy {
  return async function admitPolicy(exchange, next) {
    const { caller } = exchange;
    const pass = caller?.type === 'key' && hasLimits(caller.key) ? await enter(deps, exchange, caller.key) : FREE;
    exchange.admission = pass.admission;
    // Asked beside the call and not before it: the figure is for a header.
    const total = pass.spent === undefined ? lifeSpend(deps, caller) : undefined;
    let reply: Reply;
    try {
      reply = await next();
    } catch (thrown) {
      const error = GatewayError.from(thrown);
      await leave(deps, exchange, pass, outcomeOfFailure(exchange, error), error.status);
      throw thrown;
    }
    const settled = reply.done.then(async (outcome) => {
      await leave(deps, exchange, pass, outcome, reply.status);
      return outcome;
    });
    // A body of bytes is complete, so its outcome is known; the client does not wait for the settlement.
    const outcome = reply.body instanceof Uint8Array ? await reply.done : undefined;
    const headers = {
      ...reply.headers,
      ...pass.admission.headers,
      ...costHeaders(exchange, pass.spent ?? (await total), outcome),
    };
    return { ...reply, headers, done: settled };
  };
}

/** A key's spend, for want of a meter; undefined for the master key, and when it cannot be read. */
async function lifeSpend({ spendOf }: AdmitDeps, caller: Exchange['caller']): Promise<Money | undefined> {
  if (caller?.type !== 'key') return undefined;
  return spendOf(scopeOf(caller.key).id).catch(() => undefined);
}

/** Writes the entry and settles the holds. Never throws. */
async function leave(deps: AdmitDeps, exchange: Exchange, pass: Pass, outcome: Outcome, httpStatus: number): Promise<void> {
  if (exchange.caller?.type === 'master' && deps.disableLedger) return;
  const { held } = pass.admission;
  const entry = entryOf(exchange, { outcome, httpStatus, now: deps.now(), ...(held === undefined ? {} : { held }) });
  if (held !== undefined && entry.cost !== undefined && entry.cost > held) {
    deps.log('warn', 'a call cost more than was held for it', {
      id: exchange.id,
      cost: formatUsd(entry.cost),
      held: formatUsd(held),
    });
  }
  await settleCall(deps, entry, pass.holds);
}

/** Takes the holds of a key's call, with a smaller output where that makes it fit. */
async function enter(deps: AdmitDeps, exchange: Exchange, key: VirtualKey): Promise<Pass> {
  // Windows by arrival, as in the ledger: so the entries of a window add up to its meter.
  const now = exchange.receivedAt;
  if (key.maxBudget !== undefined) exchange.plan = pricedTargets(exchange);
  const full = key.maxBudget === undefined && key.tpmLimit === undefined ? undefined : ceilingOf(exchange);
  let ceiling = full;
  for (let attempt = 1; ; attempt++) {
    const holds = holdsOf(exchange, key, now, ceiling);
    const taken = await takeOrClear(deps, exchange, holds);
    if (taken.type === 'held') return passOf(key, holds, taken.meters, now, clampOf(full, ceiling));
    const final = attempt === TRIES ? taken.refusals[0] : taken.refusals.find((refusal) => !fitsSmaller(ceiling, refusal));
    if (final !== undefined) throw refusalError(final, deps.now());
    ceiling = ceiling && shrink(ceiling, taken.refusals);
  }
}

const fitsSmaller = (ceiling: Ceiling | undefined, refusal: Refusal): boolean =>
  ceiling !== undefined && shrink(ceiling, [refusal]) !== undefined;

/** Targets whose price is known: a cap can only be kept where costs can be foreseen. */
function pricedTargets({ plan, modelName }: Exchange): readonly Target[] {
  const priced = plan.filter(({ sheet }) => sheet !== undefined);
  if (priced.length > 0) return priced;
  throw new GatewayError(
    'permission',
    `The price of "${modelName}" is unknown, and this key has a budget. The operator can set input_cost_per_token and ` +
      'output_cost_per_token on the model, or base_model to name a model whose price is known.',
    { param: 'model', code: 'model_price_unknown' },
  );
}

function holdsOf(exchange: Exchange, key: VirtualKey, now: number, ceiling: Ceiling | undefined): readonly HoldRequest[] {
  const { receivedAt: at, route, dialect, modelName, generate } = exchange;
  const call = {
    owner: ownerOf(exchange),
    at,
    kind: 'generate',
    route,
    clientDialect: dialect,
    modelGroup: clipName(modelName),
    stream: generate.stream,
  };
  if (ceiling === undefined) return holdRequests(key, now, { tokens: 0, call });
  return holdRequests(key, now, { usd: costCeiling(ceiling), tokens: tokenCeiling(ceiling), call });
}

/** Takes the holds. When the store fails in the middle, the call is settled as one that came to nothing, so that no hold is booked. */
async function takeOrClear(deps: AdmitDeps, exchange: Exchange, holds: readonly HoldRequest[]): Promise<Taken> {
  try {
    return await takeHolds(deps, holds, exchange.id, exchange.deadline + LEASE_MARGIN_MS);
  } catch (thrown) {
    const error = GatewayError.from(thrown);
    const entry = entryOf(exchange, { outcome: { status: 'error', error }, httpStatus: error.status, now: deps.now() });
    await settleCall(deps, entry, holds, 0);
    throw error;
  }
}

/** The cap to send to the provider; undefined when what the request says already is one. */
function clampOf(full: Ceiling | undefined, held: Ceiling | undefined): number | undefined {
  if (full === undefined || held === undefined) return undefined;
  return full.assumed || held.outputTokens < full.outputTokens ? held.outputTokens : undefined;
}

function passOf(
  key: VirtualKey,
  holds: readonly HoldRequest[],
  meters: readonly Meter[],
  now: number,
  clampedOutputTokens: number | undefined,
): Pass {
  const headers: Record<string, string> = {
    ...(key.maxBudget === undefined ? {} : { 'x-litellm-key-max-budget': formatUsd(key.maxBudget) }),
    ...(key.rpmLimit === undefined ? {} : { 'x-litellm-key-rpm-limit': String(key.rpmLimit) }),
    ...(key.tpmLimit === undefined ? {} : { 'x-litellm-key-tpm-limit': String(key.tpmLimit) }),
    ...(clampedOutputTokens === undefined ? {} : { 'x-tollgate-clamped-output-tokens': String(clampedOutputTokens) }),
  };
  let spent: Money | undefined;
  let held: Money | undefined;
  for (const [index, { amounts, limits, window }] of holds.entries()) {
    const meter = meters[index];
    if (meter === undefined) continue;
    Object.assign(headers, rateHeaders(limits, meter, window.end, now));
    if (amounts.usd === undefined) continue;
    held = amounts.usd;
    spent = spentOf(meter, 'usd');
  }
  return {
    holds,
    admission: {
      headers,
      ...(held === undefined ? {} : { held }),
      ...(clampedOutputTokens === undefined ? {} : { clampedOutputTokens }),
    },
    ...(spent === undefined ? {} : { spent }),
  };
}

/** The cost of the call where it is known before the head goes out, and what its key has spent. */
function costHeaders({ target }: Exchange, spent: Money | undefined, outcome: Outcome | undefined): Record<string, string> {
  const cost = outcome?.usage && target?.price?.(outcome.usage).total;
  return {
    ...(cost === undefined ? {} : { 'x-litellm-response-cost': formatUsd(cost) }),
    ...(spent === undefined ? {} : { 'x-litellm-key-spend': formatUsd(spent + (cost ?? 0n)) }),
  };
}
