/** How spend that happened outside of a key's budget meter gets into it. */
import { budgetMeter } from '../domain/budget.ts';
import { newCallId } from '../domain/call-id.ts';
import { scopeOf, type VirtualKey } from '../domain/key.ts';
import type { LedgerEntry } from '../domain/ledger-entry.ts';
import { spentOf } from '../domain/meter.ts';
import type { Money } from '../domain/money.ts';
import type { ManagementDeps } from './deps.ts';

type BudgetMeter = ReturnType<typeof budgetMeter>;

/** Entries of the ledger read at once. */
const PAGE = 1_000;

/** Lease of a booking; it is settled at once. */
const BOOKING_LEASE_MS = 60_000;

/**
 * Writes spend that a key brings along (LiteLLM `spend` at `/key/generate`) into the ledger, as an entry of kind `adjustment`: the
 * ledger stays the sum of everything a meter counts.
 */
export async function recordStartingSpend(deps: ManagementDeps, key: VirtualKey, spend: Money): Promise<void> {
  const at = deps.now();
  const entry: LedgerEntry = {
    id: newCallId(at, deps.random),
    at,
    endedAt: at,
    status: 'success',
    keyHash: scopeOf(key).id,
    ...(key.alias === undefined ? {} : { keyAlias: key.alias }),
    ...(key.userId === undefined ? {} : { userId: key.userId }),
    ...(key.teamId === undefined ? {} : { teamId: key.teamId }),
    tags: key.tags,
    kind: 'adjustment',
    route: '/key/generate',
    clientDialect: '',
    modelGroup: '',
    stream: false,
    httpStatus: 200,
    cost: spend,
    price: { source: 'operator', rule: 'starting_spend' },
    attempts: 0,
    durationMs: 0,
  };
  await deps.ledger.record(entry);
}

/**
 * Brings the meter of a key's current budget window up to what the ledger says the key spent in it. Called before a budget comes into
 * force, since calls without a budget write no meter. Calls still open at this moment, and those that a gateway admits by what it
 * remembers of the key (seconds), are in neither and stay outside of the window.
 */
export async function openBudget(deps: ManagementDeps, key: VirtualKey): Promise<void> {
  if (key.maxBudget === undefined) return;
  const budget = budgetMeter(key, deps.now());
  const spent = await ledgerSpend(deps, budget);
  if (spent === 0n || (await deps.meters.seed(budget.meter, { usd: spent })) === 'seeded') return;
  // The key had a budget with this window before: the meter knows what was spent until it was taken away.
  const meter = await deps.meters.read(budget.meter);
  const missing = meter === undefined ? spent : spent - spentOf(meter, 'usd');
  if (missing > 0n) await book(deps, budget, missing);
}

/** Sum of the costs of a key's calls in a window. */
async function ledgerSpend(deps: ManagementDeps, { scope, window }: BudgetMeter): Promise<Money> {
  let sum = 0n;
  let cursor: string | undefined;
  do {
    const page = await deps.ledger.list({
      keyHash: scope.id,
      from: window.start,
      limit: PAGE,
      ...(cursor === undefined ? {} : { cursor }),
    });
    for (const entry of page.items) sum += entry.cost ?? 0n;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return sum;
}

/**
 * Adds an amount to a meter whatever its limit: a hold without limits, settled at its own amount. The ledger has it already, so the
 * keeper must not: should this process die in between, the amount stays counted as a hold.
 */
async function book(deps: ManagementDeps, { meter, scope, window }: BudgetMeter, amount: Money): Promise<void> {
  const now = deps.now();
  const id = newCallId(now, deps.random);
  const amounts = { usd: amount };
  await deps.meters.hold({ meter, scope, window, amounts, limits: {}, swept: false }, id, now + BOOKING_LEASE_MS);
  await deps.meters.settle(meter, id, amounts, amounts);
}
