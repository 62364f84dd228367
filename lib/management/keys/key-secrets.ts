/** `/key/regenerate`: another secret for a key. */
import * as z from 'zod/mini';
import { addDuration, parseDuration } from '../../domain/duration.ts';
import { hashSecret, newSecret, type VirtualKey } from '../../domain/key.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import { actorOf } from '../access.ts';
import { audit } from '../audit.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, text } from '../input.ts';
import { readKeyRow } from './key-answer.ts';
import { readKeyFields, type KeyFields } from './key-input.ts';
import { aliasTaken, changeKey, existingKey, keyName, secretInput } from './key-records.ts';
import { undo } from '../records/records.ts';
import { requireBounds } from './key-rules.ts';
import { requireChange, requireUser } from './key-rights.ts';
import { renewed, schedule, supersede } from './key-succession.ts';
import { changeFields } from './keys.ts';
import { moveMappings } from '../people/mappings.ts';

const inUse = (): GatewayError =>
  new GatewayError('conflict', 'new_key: a key with this secret exists already', { param: 'new_key' });

/**
 * `POST /key/{key}/regenerate` and `/key/regenerate`: a new secret for the same key, shown once, and fields changed on the way. Without a
 * `grace_period` the old secret is gone at once; spend, budget and ledger stay with the key.
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
  const revokeAt = grace === undefined ? undefined : addDuration(deps.now(), parseDuration(grace, 'grace_period'));
  const secret = check(secretInput, body['new_key'], 'new_key') ?? newSecret(deps.random);
  if ((await deps.keys.get(hashSecret(secret), { fresh: true })) !== undefined) throw inUse();
  const old = await existingKey(deps, keyName(body));
  await requireChange(deps, caller, { before: old, after: old, fields, route: '/key/regenerate' });
  const { made, row } =
    revokeAt === undefined
      ? await replaceAtOnce(deps, caller, old, secret, fields)
      : await replaceWithGrace(deps, caller, { old, secret, fields, revokeAt });
  await audit(deps, caller, {
    action: 'rotated',
    kind: 'key',
    id: made.hash,
    before: { token: old.hash },
    after: { token: made.hash },
  });
  return { ...row, key: secret };
}

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

async function replaceWithGrace(
  deps: ManagementDeps,
  caller: Caller,
  { old, secret, fields, revokeAt }: Replacement,
): Promise<Made> {
  const changed = await changeFields(deps, old, fields);
  await requireChange(deps, caller, { before: old, after: changed, fields, route: '/key/regenerate' });
  const { alias } = changed;
  if (alias !== undefined && alias !== old.alias && (await deps.keys.findByAlias(alias)) !== undefined) throw aliasTaken();
  const fresh = { ...renewed(changed, secret, deps.now()), updatedBy: actorOf(caller) };
  if ((await deps.keys.create(fresh)) !== 'created') throw inUse();
  try {
    const row = { ...(await readKeyRow(deps, fresh)), key_alias: alias ?? null };
    const made = await supersede(deps, { old, fresh, alias, revokeAt });
    if (made !== 'stale') return { made, row };
    throw new GatewayError('conflict', 'The key was changed by others at the same time; repeat the call.', { retryable: true });
  } catch (error) {
    await undo(deps, 'key', async () => {
      const known = await deps.keys.get(old.hash, { fresh: true });
      // Once the old secret points to the new record, that one has to stay.
      if (known !== undefined && known.supersededBy !== fresh.hash) await deps.keys.delete(fresh.hash);
    });
    throw error;
  }
}

/** The alias that the new record is to have. */
const aliasOf = ({ alias }: VirtualKey): Pick<VirtualKey, 'alias'> => (alias === undefined ? {} : { alias });

/** The old key is retired before the new one exists: at no moment do two secrets open one key, and the alias is free. */
async function replaceAtOnce(
  deps: ManagementDeps,
  caller: Caller,
  old: VirtualKey,
  secret: string,
  fields: KeyFields,
): Promise<Made> {
  const { before: retired } = await changeKey(deps, old.hash, (key) => {
    const { alias: _freed, ...rest } = key;
    return { ...rest, blocked: true };
  });
  const undone: (() => Promise<unknown>)[] = [() => changeKey(deps, retired.hash, () => retired)];
  try {
    const changed = await changeFields(deps, retired, fields);
    await requireChange(deps, caller, { before: retired, after: changed, fields, route: '/key/regenerate' });
    const fresh = { ...renewed(changed, secret, deps.now()), ...aliasOf(changed), updatedBy: actorOf(caller) };
    const outcome = await deps.keys.create(fresh);
    if (outcome !== 'created') throw outcome === 'exists' ? inUse() : aliasTaken();
    undone.unshift(() => deps.keys.delete(fresh.hash));
    const row = await readKeyRow(deps, fresh);
    await moveMappings(deps, retired.hash, fresh.hash);
    await schedule(deps, fresh);
    await deps.keys.delete(retired.hash);
    deps.onChange?.();
    return { made: fresh, row };
  } catch (error) {
    for (const step of undone) await undo(deps, 'key', step);
    throw error;
  }
}
