/** The way in: what a call may use at most, the holds for it in every scope, and a smaller output where only that fits. */
import {
  budgetsOf,
  hasTokenRate,
  holdRequests,
  mayThrottle,
  throttledHold,
  type Demand,
  type LimitedScope,
} from '../domain/budget.ts';
import { firstWithoutRoom, spentOf, type HoldRequest } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import { isShard } from '../domain/shard.ts';
import { GatewayError } from '../errors.ts';
import type { Admission, Exchange, Target } from '../exchange.ts';
import { settleCall, type OpenHold } from '../money/settlement.ts';
import {
  openHolds,
  openLease,
  takeBack,
  takeHolds,
  type AdmissionDeps,
  type AttemptLease,
  type Held,
  type Refusal,
  type Taken,
} from './admission.ts';
import { ceilingOf, costCeiling, shrink, tokenCeiling, type Ceiling } from './demand.ts';
import { entryOf } from './entry.ts';
import { limitHeaders } from './limit-headers.ts';
import { briefOwner, clipWord, ownerOf } from './owner.ts';
import { awaitRoom, PAUSES } from './patience.ts';
import { contendedError, describeScope, refusalError, refusalFigures } from './refusal.ts';
import { watchedIn } from './soft-budget.ts';

/** How long a lease outlives the deadline of its call, milliseconds: time enough to settle. */
const LEASE_MARGIN_MS = 60_000;
/** Tries with a smaller output when others take the room in between. */
const TRIES = 3;

/** A call that was let in. */
export interface Pass {
  readonly holds: readonly OpenHold[];
  /** Holds whose soft budget may be crossed once the call is settled. */
  readonly watched: readonly HoldRequest[];
  readonly admission: Admission;
  /** What its key had spent before this call, 1e-12 USD, where the key has a budget. */
  readonly spent?: Money;
}

/** The pass of a call that no limit counts. */
export const FREE: Pass = { holds: [], watched: [], admission: { headers: {} } };

/** What the way in needs. */
export interface EntranceDeps extends AdmissionDeps {
  /** Share of its rates at which a scope that is throttled over budget goes on, 0 to 1; absent refuses like any other. */
  readonly throttleShare?: number;
}

/**
 * Takes the holds of a call in all its scopes, with a smaller output where that makes it fit.
 *
 * @throws GatewayError `budget_exceeded`, `rate_limit`; `permission` where a cap counts a call that nobody can price; `overloaded`.
 */
export async function enter(deps: EntranceDeps, exchange: Exchange, scopes: readonly LimitedScope[]): Promise<Pass> {
  // Windows by arrival, as in the ledger: so the entries of a window add up to its meter.
  const now = exchange.receivedAt;
  const { modelName } = exchange;
  const budgets = scopes.flatMap((limited) => budgetsOf(limited, now, modelName));
  const capped = scopes.find((limited) => budgetsOf(limited, now, modelName).some(({ max }) => max !== undefined));
  if (capped !== undefined) exchange.plan = pricedTargets(exchange, capped);
  const needsCeiling = budgets.length > 0 || scopes.some((limited) => hasTokenRate(limited, modelName));
  const full = needsCeiling ? ceilingOf(exchange) : undefined;
  let ceiling = full;
  const over = new Set<LimitedScope>();
  let pauses = PAUSES;
  for (let attempt = 1; ; attempt++) {
    const demand = demandOf(exchange, ceiling);
    const requests = withOneHome(
      scopes.flatMap((limited) => {
        const holds = holdRequests(limited, now, demand);
        return over.has(limited) ? holds.map((hold) => throttledHold(hold, deps.throttleShare ?? 1)) : holds;
      }),
    );
    const lease = openLease(exchange.id, ++exchange.admissions, exchange.deadline + LEASE_MARGIN_MS);
    const taken = await takeOrClear(deps, exchange, requests, lease);
    if (taken.type === 'held') {
      const pass = { scopes, over, held: taken.holds, open: openHolds(lease), now };
      return passOf(pass, clampOf(full, ceiling));
    }
    const final = attempt === TRIES ? taken.refusals[0] : taken.refusals.find((refusal) => !fitsSmaller(ceiling, refusal));
    if (final === undefined) {
      ceiling = ceiling && shrink(ceiling, taken.refusals);
      continue;
    }
    const fitsSomehow = (refusal: Refusal): boolean => fits(refusal) || fitsSmaller(full, refusal);
    const waited = await awaitRoom(deps, taken.refusals, pauses, fitsSomehow);
    if (waited.type === 'none') {
      // Whoever stood in the way first may have room by now.
      const standing = waited.refusals.filter((refusal) => !fitsSomehow(refusal));
      // As long as a smaller output fits, a budget is kept like any other: its scope is throttled only now.
      const eased = scopes.filter((limited) => isEased(deps, limited, standing) && !over.has(limited));
      if (eased.length === 0) {
        throw refused(deps, exchange, standing.find(({ request }) => request === final.request) ?? standing[0] ?? final);
      }
      for (const limited of eased) over.add(limited);
    } else pauses = waited.pauses;
    ceiling = full;
    attempt = 0;
  }
}

/** The refusal for the client; the log has the figures that the client may not know. A limit that has room was not what refused. */
function refused(deps: EntranceDeps, { id }: Exchange, refusal: Refusal): GatewayError {
  if (fits(refusal)) return contendedError(refusal);
  const { scope, name, undisclosed } = refusal.request;
  if (undisclosed === true) {
    const facts = { id, scope: scope.kind, scopeId: scope.id, ...(name === undefined ? {} : { name }) };
    deps.log('info', 'a limit refused a call', { ...facts, counter: refusal.counter, ...refusalFigures(refusal) });
  }
  return refusalError(refusal, deps.now());
}

/** True when a budget of the scope pays for nothing useful any more, and the scope may go on at a reduced rate. */
const isEased = ({ throttleShare }: EntranceDeps, { scope, limits }: LimitedScope, refusals: readonly Refusal[]): boolean =>
  throttleShare !== undefined &&
  mayThrottle(limits) &&
  refusals.some(
    ({ counter, request }) => counter === 'usd' && request.scope.kind === scope.kind && request.scope.id === scope.id,
  );

const fits = ({ meter, request }: Refusal): boolean => firstWithoutRoom(meter, request) === undefined;

const fitsSmaller = (ceiling: Ceiling | undefined, refusal: Refusal): boolean =>
  ceiling !== undefined && shrink(ceiling, [refusal]) !== undefined;

/** Targets whose price is known: a cap can only be kept where costs can be foreseen. */
function pricedTargets({ plan, modelName }: Exchange, capped: LimitedScope): readonly Target[] {
  const priced = plan.filter(({ sheet }) => sheet !== undefined);
  if (priced.length > 0) return priced;
  const whose = capped.scope.kind === 'key' ? 'this key' : `the ${describeScope(capped)}`;
  throw new GatewayError(
    'permission',
    `The price of "${modelName}" is unknown, and ${whose} has a budget. The operator can set input_cost_per_token and ` +
      'output_cost_per_token on the model, or base_model to name a model whose price is known.',
    { param: 'model', code: 'model_price_unknown' },
  );
}

function demandOf(exchange: Exchange, ceiling: Ceiling | undefined): Demand {
  const { receivedAt: at, route, dialect, modelName: model, generate, caller, tagged } = exchange;
  const call = {
    owner: briefOwner(ownerOf(exchange), {
      tags: tagged.map(({ id }) => id),
      session: caller?.type === 'key' && caller.key.sessionBudget !== undefined,
    }),
    at,
    kind: 'generate',
    route,
    clientDialect: dialect,
    modelGroup: clipWord(model),
    stream: generate.stream,
  };
  if (ceiling === undefined) return { model, tokens: { total: 0, input: 0, output: 0 }, call };
  const [total, input, output] = (['total', 'input', 'output'] as const).map((type) => tokenCeiling(ceiling, type));
  return { model, usd: costCeiling(ceiling), tokens: { total, input, output } as Demand['tokens'], call };
}

/** The facts of a call are kept once: in its first hold of money. The others say where, which keeps the meters of wide scopes small. */
function withOneHome(requests: readonly HoldRequest[]): readonly HoldRequest[] {
  const [home, ...others] = requests.filter(({ call }) => call !== undefined);
  return requests.map((request) => {
    const { call, ...rest } = request;
    if (home === undefined || call === undefined) return request;
    if (request !== home) return { ...rest, home: home.meter };
    return others.length === 0 ? request : { ...rest, call: { ...call, meters: others.map(({ meter }) => meter) } };
  });
}

/**
 * Takes the holds. When the store fails in the middle, the call is settled as one that came to nothing, so that no hold is booked: by an
 * entry that tells the keeper, and where that cannot be written, by taking back the holds alone.
 */
async function takeOrClear(
  deps: AdmissionDeps,
  exchange: Exchange,
  requests: readonly HoldRequest[],
  lease: AttemptLease,
): Promise<Taken> {
  try {
    return await takeHolds(deps, requests, lease);
  } catch (thrown) {
    const error = GatewayError.from(thrown);
    const entry = entryOf(exchange, { outcome: { status: 'error', error }, httpStatus: error.status, now: deps.now() });
    const outcome = await settleCall(deps, entry, openHolds(lease), 0);
    if (outcome === 'left') await takeBack(deps, lease).catch(() => {});
    throw error;
  }
}

/** The cap to send to the provider; undefined when what the request says already is one. */
function clampOf(full: Ceiling | undefined, held: Ceiling | undefined): number | undefined {
  if (full === undefined || held === undefined) return undefined;
  return full.assumed || held.outputTokens < full.outputTokens ? held.outputTokens : undefined;
}

interface Entered {
  readonly scopes: readonly LimitedScope[];
  /** Scopes that go on at a reduced rate. */
  readonly over: ReadonlySet<LimitedScope>;
  readonly held: readonly Held[];
  readonly open: readonly OpenHold[];
  readonly now: number;
}

function passOf({ scopes, over, held, open, now }: Entered, clampedOutputTokens: number | undefined): Pass {
  const money = held.filter(({ request }) => request.amounts.usd !== undefined);
  // A shard knows only a part of what was spent.
  const own = money.find(
    ({ request, meter }) => request.scope.kind === 'key' && request.model === undefined && !isShard(meter.id),
  );
  const usd = money[0]?.request.amounts.usd;
  return {
    holds: open,
    watched: watchedIn(held),
    admission: {
      headers: {
        ...limitHeaders(scopes, held, now),
        ...(over.size === 0 ? {} : { 'x-tollgate-throttled': [...over].map(({ scope }) => scope.kind).join(', ') }),
        ...(clampedOutputTokens === undefined ? {} : { 'x-tollgate-clamped-output-tokens': String(clampedOutputTokens) }),
      },
      ...(usd === undefined ? {} : { held: usd, heldIn: money.map(({ request }) => request.meter) }),
      ...(clampedOutputTokens === undefined ? {} : { clampedOutputTokens }),
    },
    ...(own === undefined ? {} : { spent: spentOf(own.meter, 'usd') }),
  };
}
