/** `/key/regenerate`: another secret for a key. */
import * as z from 'zod/mini';
import { addDuration, parseDuration } from '../../domain/duration.ts';
import { hashSecret, newSecret, type VirtualKey } from '../../domain/key.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { describeError } from '../../log.ts';
import { actorOf } from '../access.ts';
import { audit } from '../audit.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, text } from '../input.ts';
import { keySecretName, readKeyRow } from './key-answer.ts';
import { readKeyFields, type KeyFields } from './key-input.ts';
import { aliasTaken, existingKey, keyName, secretInput } from './key-records.ts';
import { undo } from '../records/records.ts';
import { requireBounds } from './key-rules.ts';
import { requireKeyRight, requireUser } from './key-rights.ts';
import { isBeingRotated, renewed, supersede } from './key-succession.ts';
import { changeFields } from './keys.ts';

const inUse = (): GatewayError =>
  new GatewayError('conflict', 'new_key: a key with this secret exists already', { param: 'new_key' });

/** What both its routes are called in rights and permissions. */
const ROUTE = '/key/regenerate';

/**
 * `POST /key/{key}/regenerate` and `/key/regenerate`: a new secret for the same key, shown once, and fields changed on the way. Without a
 * `grace_period` the old secret is closed at once, and with it older ones that were still open; spend, budget and ledger stay with the key.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `conflict`, `permission`.
 */
export async function regenerateKey(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  requireUser(caller);
  requireBounds(body, deps.keyRules?.bounds);
  const fields = readKeyFields(body, ['key', 'new_key', 'new_master_key', 'grace_period']);
  if (body['new_master_key'] !== undefined && body['new_master_key'] !== null) {
    const fault = 'new_master_key: not supported; the master key is a secret of its own, rotated in the secret store';
    throw new GatewayError('invalid_request', fault, { param: 'new_master_key' });
  }
  const grace = check(z.nullish(text(16)), body['grace_period'], 'grace_period') ?? undefined;
  const revokeAt = grace === undefined ? deps.now() : addDuration(deps.now(), parseDuration(grace, 'grace_period'));
  const secret = check(secretInput, body['new_key'], 'new_key') ?? newSecret(deps.random);
  if ((await deps.keys.get(hashSecret(secret), { fresh: true })) !== undefined) throw inUse();
  const old = await existingKey(deps, keyName(body));
  await requireKeyRight(deps, caller, old, ROUTE);
  if (isBeingRotated(old, deps.now())) throw busy();
  const { made, row } = await replaceSecret(deps, caller, { old, secret, fields, revokeAt });
  await tellOwner(deps, made, secret);
  await audit(deps, caller, {
    action: 'rotated',
    kind: 'key',
    id: made.hash,
    before: { token: old.hash },
    after: { token: made.hash },
  });
  return { ...row, key: secret };
}

const busy = (): GatewayError =>
  new GatewayError('conflict', 'The key was changed by others at the same time; repeat the call.', { retryable: true });

/** A key under its new secret, with the row that its caller gets: read before the old secret is given up, since it tells the new one. */
interface Made {
  readonly made: VirtualKey;
  readonly row: JsonObject;
}

interface Replacement {
  readonly old: VirtualKey;
  readonly secret: string;
  readonly fields: KeyFields;
  readonly revokeAt: number;
}

async function replaceSecret(
  deps: ManagementDeps,
  caller: Caller,
  { old, secret, fields, revokeAt }: Replacement,
): Promise<Made> {
  const changed = await changeFields(deps, caller, old, { fields, route: ROUTE });
  const { alias } = changed;
  if (alias !== undefined && alias !== old.alias && (await deps.keys.findByAlias(alias)) !== undefined) throw aliasTaken();
  const fresh = { ...renewed(changed, secret, deps.now()), updatedBy: actorOf(caller) };
  if ((await deps.keys.create(fresh)) !== 'created') throw inUse();
  const takeBack = (): Promise<void> => undo(deps, 'key', () => deps.keys.delete(fresh.hash));
  let row: JsonObject = {};
  let made: VirtualKey | 'stale';
  try {
    row = { ...(await readKeyRow(deps, fresh)), key_alias: alias ?? null };
    made = await supersede(deps, { old, fresh, alias, revokeAt });
  } catch (error) {
    const known = await deps.keys.get(old.hash, { fresh: true });
    // It was done all the same: whoever asked has to be told the new secret, and the keeper does the rest.
    if (known?.supersededBy === fresh.hash) return { made: fresh, row };
    await takeBack();
    throw error;
  }
  if (made !== 'stale') return { made, row };
  await takeBack();
  throw busy();
}

/** The newest secret of a key that the keeper rotates is where its owner looks for it. Never throws: whoever asked has it too. */
async function tellOwner(deps: ManagementDeps, key: VirtualKey, secret: string): Promise<void> {
  if (key.autoRotate !== true) return;
  try {
    await deps.secrets.put(keySecretName(key), JSON.stringify({ key: secret, key_alias: key.alias ?? null }));
  } catch (error) {
    deps.log('error', 'the new secret of a rotated key could not be left for its owner', {
      key: key.hash,
      error: describeError(error).name,
    });
  }
}
