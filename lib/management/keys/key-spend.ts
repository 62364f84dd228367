/** `POST /key/{key}/reset_spend`: an adjustment in the ledger, and the same amount in the key's meters. */
import * as z from 'zod/mini';
import { scopeOf, type VirtualKey } from '../../domain/key.ts';
import { toUsdNumber, type Money } from '../../domain/money.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { countedSpend } from '../../money/adjustment.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, usd } from '../input.ts';
import { budgeted } from '../standing.ts';
import { takeBackFrom } from '../taking-back.ts';
import { readKeyRow } from './key-answer.ts';
import { existingKey, hashOf } from './key-records.ts';
import { requireKeyRight, requireUser } from './key-rights.ts';

/**
 * Sets what the key has spent in its budget window (over its life, without a budget) to a smaller amount. Owners above the key are left as they
 * are: their budgets were spent.
 *
 * @throws GatewayError `invalid_request` for an amount above what was spent, `not_found`, `permission`, `conflict`
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
  const spent = await countedSpend(deps, await limitedKey(deps, key));
  if (target > spent) {
    const fault = `reset_to: expected at most what was spent, ${toUsdNumber(spent)}, got ${toUsdNumber(target)}`;
    throw new GatewayError('invalid_request', fault, { param: 'reset_to' });
  }
  await setKeySpend(deps, caller, key, { target, route: '/key/reset_spend' });
  deps.onChange?.();
  const row = await readKeyRow(deps, key);
  const left = await countedSpend(deps, await limitedKey(deps, key));
  return { ...row, spend: toUsdNumber(left), key: key.hash, previous_spend: toUsdNumber(spent) };
}

/** Takes back what a key spent down to `target`, 1e-12 USD. Gives what was taken. */
export async function setKeySpend(
  deps: ManagementDeps,
  caller: Caller,
  key: VirtualKey,
  { target, route }: { readonly target: Money; readonly route: string },
): Promise<Money> {
  const limited = await limitedKey(deps, key);
  const owner = { keyHash: limited.scope.id, tags: [], ...(key.alias === undefined ? {} : { keyAlias: key.alias }) };
  return takeBackFrom(deps, caller, { kind: 'key', id: key.hash, limited, owner, target, route });
}

const limitedKey = async (deps: ManagementDeps, key: VirtualKey) => ({
  scope: scopeOf(key),
  limits: await budgeted(deps, key),
});
