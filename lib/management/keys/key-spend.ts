/** `POST /key/{key}/reset_spend`: an adjustment in the ledger, and the same amount in the key's meters. */
import * as z from 'zod/mini';
import { budgetsOf } from '../../domain/budget.ts';
import { newCallId } from '../../domain/call-id.ts';
import { scopeOf, type VirtualKey } from '../../domain/key.ts';
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { toUsdNumber, type Money } from '../../domain/money.ts';
import { audit } from '../audit.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, usd } from '../input.ts';
import { readKeyRow, standingOf } from './key-answer.ts';
import { existingKey, hashOf } from './key-records.ts';
import { requireKeyRight, requireUser } from './key-rights.ts';

/** Lease of an adjustment; the keeper finishes what this process does not. */
const LEASE_MS = 60_000;

/**
 * Sets what the key has spent in its budget window (over its life, without a budget) to a smaller amount. Owners above the key are left as they
 * are: their budgets were spent. The entry is booked to the key alone, so that entries and meters still add up, everywhere.
 *
 * @throws GatewayError `invalid_request` for an amount above what was spent, `not_found`, `permission`
 */
export async function resetKeySpend(
  deps: ManagementDeps,
  caller: Caller,
  given: string,
  body: JsonObject,
): Promise<JsonObject> {
  requireUser(caller);
  const key = await existingKey(deps, hashOf(given));
  if ((await requireKeyRight(deps, caller, key, '/key/{key_id}/reset_spend')) !== 'manager') {
    throw new GatewayError('permission', 'Only those who manage this key may reset its spend.', { type: 'auth_error' });
  }
  const target = check(z._default(usd, 0n), body['reset_to'] ?? undefined, 'reset_to');
  const { spent } = await standingOf(deps, key);
  if (target > spent) {
    const fault = `reset_to: expected at most what was spent, ${toUsdNumber(spent)}, got ${toUsdNumber(target)}`;
    throw new GatewayError('invalid_request', fault, { param: 'reset_to' });
  }
  if (target < spent) await adjust(deps, key, target - spent);
  await audit(deps, caller, {
    action: 'updated',
    kind: 'key',
    id: key.hash,
    before: { spend: toUsdNumber(spent) },
    after: { spend: toUsdNumber(target) },
  });
  deps.onChange?.();
  return { ...(await readKeyRow(deps, key)), key: key.hash, previous_spend: toUsdNumber(spent) };
}

/**
 * Books an amount to a key alone. Holds of nothing go into its meters first, then the entry, then each hold is settled by it: after a crash
 * anywhere in between the keeper does the rest, once, and before the entry there is nothing to do.
 */
async function adjust(deps: ManagementDeps, key: VirtualKey, amount: Money): Promise<void> {
  const at = deps.now();
  const id = newCallId(at, deps.random);
  const scope = scopeOf(key);
  const owner = { keyHash: scope.id, tags: [], ...(key.alias === undefined ? {} : { keyAlias: key.alias }) };
  const facts = { kind: 'adjustment', route: '/key/reset_spend', clientDialect: '', modelGroup: '', stream: false };
  const entry: LedgerEntry = {
    id,
    at,
    endedAt: at,
    status: 'success',
    ...owner,
    ...facts,
    httpStatus: 200,
    cost: amount,
    price: { source: 'operator', rule: 'reset_spend' },
    attempts: 0,
    durationMs: 0,
  };
  // Budgets of single models count calls of those models; this is none.
  const budgets = budgetsOf({ scope, limits: key }, at).filter(({ model }) => model === undefined);
  const nothing = { usd: 0n };
  const call = { owner, at, ...facts };
  for (const { meter, window } of budgets) {
    await deps.meters.hold({ meter, scope, window, amounts: nothing, limits: {}, swept: true, call }, id, at + LEASE_MS);
  }
  await deps.ledger.record(entry);
  for (const { meter } of budgets) await deps.meters.settle(meter, id, nothing, { usd: amount });
}
