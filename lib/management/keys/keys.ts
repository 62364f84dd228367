/** Virtual keys: `/key/...`. A secret is shown once, in the answer that made it; afterwards a key is known by its hash. */
import * as z from 'zod/mini';
import { hashSecret, newSecret, type VirtualKey } from '../../domain/key.ts';
import { toUsdNumber } from '../../domain/money.ts';
import { allOf } from '../../domain/pages.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import { isObject, type JsonObject } from '../../kinds/json.ts';
import { actorOf, isAdmin, ownKey, userIdOf } from '../access.ts';
import { audit } from '../audit.ts';
import { openBudget, recordStartingSpend } from '../budget.ts';
import type { ManagementDeps } from '../deps.ts';
import { buryKey } from '../people/history.ts';
import { check, ownerId, text, usd } from '../input.ts';
import { auditRow, readKeyRow, standingOf } from './key-answer.ts';
import { applyKeyFields, readKeyFields, type KeyFields } from './key-input.ts';
import { aliasTaken, blankKey, changeKey, existingKey, hashOf, keyName, readKey, secretInput } from './key-records.ts';
import { ownedBy, undo } from '../records/records.ts';
import { requireBounds, ruledBody } from './key-rules.ts';
import { schedule } from './key-succession.ts';
import { keyRight, requireChange, requireKeyRight, requireUser, seesKey } from './key-rights.ts';
import { requireKeyWithinTeam, withTeamLife } from '../people/scoping.ts';
import { requireBudget } from '../standing.ts';

/** The full row, with the secret where it is new. */
async function answer(deps: ManagementDeps, key: VirtualKey, secret?: string): Promise<JsonObject> {
  return { ...(await readKeyRow(deps, key)), key: secret ?? key.hash };
}

/**
 * `POST /key/generate`. `spend` is the spend the key starts with. Whoever is no admin makes keys for themselves, or for teams that let them.
 *
 * @throws GatewayError `invalid_request` for wrong or unsupported fields, `conflict` for a secret or alias in use, `permission`
 */
export async function generateKey(
  deps: ManagementDeps,
  caller: Caller,
  body: JsonObject,
  route = '/key/generate',
): Promise<JsonObject> {
  requireUser(caller);
  const ruled = deps.keyRules === undefined ? body : ruledBody(body, deps.keyRules);
  const fields = readKeyFields(ruled, ['key', 'spend']);
  const secret = check(secretInput, body['key'], 'key') ?? newSecret(deps.random);
  const spend = check(z.nullish(usd), body['spend'], 'spend') ?? 0n;
  if (body['key'] !== undefined && body['key'] !== null) await requireUnused(deps, hashSecret(secret));
  if (spend > 0n && !isAdmin(caller)) {
    throw new GatewayError('permission', 'spend: only a proxy admin may say what was spent', {
      type: 'auth_error',
      param: 'spend',
    });
  }
  const now = deps.now();
  const made = applyKeyFields(blankKey(secret, now), fields, now);
  const own = route === '/key/generate' && !isAdmin(caller) && made.userId === undefined ? userIdOf(caller) : undefined;
  const actor = actorOf(caller);
  const owned = { ...made, ...(own === undefined ? {} : { userId: own }), createdBy: actor, updatedBy: actor };
  await requireChange(deps, caller, { after: owned, fields, route });
  const key = await withTeamLife(deps, owned, now);
  await requireKeyWithinTeam(deps, key);
  await requireBudget(deps, key);
  const outcome = await deps.keys.create(key);
  if (outcome === 'alias-taken') throw aliasTaken();
  if (outcome === 'exists') throw inUse();
  try {
    if (spend > 0n) await recordStartingSpend(deps, key, spend);
    await openBudget(deps, key);
    await schedule(deps, key);
    const shown = { ...(await answer(deps, key, secret)), ...startingFigures(spend) };
    deps.onChange?.();
    await audit(deps, caller, { action: 'created', kind: 'key', id: key.hash, after: auditRow(key) });
    return shown;
  } catch (error) {
    await undo(deps, 'key', () => deps.keys.delete(key.hash));
    throw error;
  }
}

/** What a key that brings spend along has spent: its totals follow the ledger by seconds. */
const startingFigures = (spend: bigint): JsonObject =>
  spend === 0n ? {} : { spend: toUsdNumber(spend), total_spend: toUsdNumber(spend) };

const inUse = (): GatewayError => new GatewayError('conflict', 'key: a key with this secret exists already', { param: 'key' });

/** A key that got another secret goes on under its first hash: whoever knew the first secret would come to its meters and its ledger by it. */
async function requireUnused(deps: ManagementDeps, hash: string): Promise<void> {
  for await (const _ of allOf(ownedBy(deps.keys, { kind: 'origin', id: hash }).list)) throw inUse();
}

/**
 * `POST /key/service-account/generate`: a key of a team and nobody's own. Its id is `metadata.service_account_id`, else the alias.
 *
 * @throws GatewayError `invalid_request` without a team
 */
export async function generateServiceAccount(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  requireUser(caller);
  const teamId = check(ownerId(), body['team_id'], 'team_id');
  if ((await deps.teams.get(teamId, { fresh: true })) === undefined) {
    throw new GatewayError('invalid_request', 'team_id: no such team', { param: 'team_id' });
  }
  if (body['user_id'] !== undefined && body['user_id'] !== null) {
    throw new GatewayError('invalid_request', 'user_id: a service account has no user', { param: 'user_id' });
  }
  const metadata = isObject(body['metadata']) ? body['metadata'] : {};
  const id = metadata['service_account_id'] ?? body['key_alias'] ?? `service-account-of-${teamId}`;
  const named = { ...body, metadata: { ...metadata, service_account_id: id } };
  return generateKey(deps, caller, named, '/key/service-account/generate');
}

/**
 * `GET /key/info`: `{key, info}`. `given` is a secret or a hash; without one the caller asks for itself.
 *
 * @throws GatewayError `permission` for a key that is none of the caller's, `not_found`, `invalid_request` for the master without a key.
 */
export async function keyInfo(deps: ManagementDeps, caller: Caller, given: string | undefined): Promise<JsonObject> {
  const hash = given === undefined ? ownKey(caller)?.hash : hashOf(given);
  if (hash === undefined) {
    throw new GatewayError('invalid_request', 'key: name a key by its secret or hash; the master key has no figures', {
      param: 'key',
    });
  }
  const key = await visibleKey(deps, caller, hash);
  return { key: hash, info: await readKeyRow(deps, key) };
}

/** A key that the caller may see; the refusal does not say whether there is such a key. */
async function visibleKey(deps: ManagementDeps, caller: Caller, hash: string): Promise<VirtualKey> {
  const key = await readKey(deps, hash);
  if (key !== undefined && (await seesKey(deps, caller, key))) return key;
  if (isAdmin(caller)) return existingKey(deps, hash);
  throw new GatewayError(
    'permission',
    'A caller may read only its own figures, and those of its teams; ask with the master key.',
    {
      type: 'auth_error',
    },
  );
}

const manyKeys = z.array(text(512), 'expected a list of keys').check(z.maxLength(100, 'expected at most 100 keys'));

/** The body of `/key/block` and `/key/unblock`. */
export const keyNamed = z.looseObject({ key: text(512) });

/** The body of `/v2/key/info`. */
export const keyNames = z.looseObject({ keys: manyKeys });

/** `POST /v2/key/info`: the rows of many keys, in the order asked; keys that are not there, or none of the caller's, are left out. */
export async function keyInfos(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  const asked = check(manyKeys, body['keys'], 'keys');
  const found = await Promise.all(
    asked.map(async (given) => {
      const key = await readKey(deps, hashOf(given));
      return key !== undefined && (await seesKey(deps, caller, key)) ? [await readKeyRow(deps, key)] : [];
    }),
  );
  return { key: asked.map(hashOf), info: found.flat() };
}

/**
 * A key with fields changed by somebody who may; spend that happened before it had a budget is brought into the budget first.
 *
 * @throws GatewayError `permission`, before anything is done or told; `invalid_request`
 */
export async function changeFields(
  deps: ManagementDeps,
  caller: Caller,
  key: VirtualKey,
  { fields, route }: { readonly fields: KeyFields; readonly route: string },
): Promise<VirtualKey> {
  const given = applyKeyFields(key, fields, deps.now());
  await requireChange(deps, caller, { before: key, after: given, fields, route });
  const isNewLife = given.expiresAt !== key.expiresAt || given.teamId !== key.teamId || given.userId !== key.userId;
  const changed = isNewLife ? await withTeamLife(deps, given, deps.now()) : given;
  await requireKeyWithinTeam(deps, changed, key);
  await requireBudget(deps, changed, key);
  await openBudget(deps, changed, key);
  return changed;
}

/**
 * `POST /key/update`: null clears a field, an absent one stays.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `conflict`, `permission`.
 */
export async function updateKey(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  return answer(deps, await update(deps, caller, body));
}

async function update(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<VirtualKey> {
  requireUser(caller);
  requireBounds(body, deps.keyRules?.bounds);
  const fields = readKeyFields(body, ['key']);
  const { hash } = await existingKey(deps, keyName(body));
  const { before, after } = await changeKey(deps, hash, async (known) => ({
    ...(await changeFields(deps, caller, known, { fields, route: '/key/update' })),
    updatedBy: actorOf(caller),
  }));
  await schedule(deps, after);
  await audit(deps, caller, { action: 'updated', kind: 'key', id: hash, before: auditRow(before), after: auditRow(after) });
  return after;
}

const bulk = z
  .array(z.record(z.string(), z.unknown()), 'expected a list of {key, ...}')
  .check(z.maxLength(500, 'expected at most 500 keys'));

/** The body of `/key/bulk_update`. */
export const keysChange = z.looseObject({ keys: bulk });

/** `POST /key/bulk_update`: each key by itself; those that fail are told with the reason, the others stand. */
export async function updateKeys(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  requireUser(caller);
  const wanted = check(bulk, body['keys'], 'keys');
  const done: JsonObject[] = [];
  const failed: JsonObject[] = [];
  for (const one of wanted) {
    try {
      const key = await update(deps, caller, one);
      done.push({ key: key.hash, key_info: await readKeyRow(deps, key) });
    } catch (error) {
      const { message } = GatewayError.from(error);
      failed.push({ key: typeof one['key'] === 'string' ? hashOf(one['key']) : null, key_info: null, failed_reason: message });
    }
  }
  return { total_requested: wanted.length, successful_updates: done, failed_updates: failed };
}

/**
 * `POST /key/block` and `/key/unblock`: by those who manage the key; its owner may block it.
 *
 * @throws GatewayError `not_found`, `conflict`, `permission`.
 */
export async function setBlocked(
  deps: ManagementDeps,
  caller: Caller,
  body: JsonObject,
  blocked: boolean,
): Promise<JsonObject> {
  requireUser(caller);
  const route = blocked ? '/key/block' : '/key/unblock';
  const { hash } = await existingKey(deps, keyName(body));
  const { before, after } = await changeKey(deps, hash, async (known) => {
    const right = await requireKeyRight(deps, caller, known, route);
    if (!blocked && right !== 'manager') {
      throw new GatewayError('permission', 'Only those who manage this key may unblock it.', { type: 'auth_error' });
    }
    return { ...known, blocked, updatedBy: actorOf(caller) };
  });
  const action = blocked ? 'blocked' : 'unblocked';
  await audit(deps, caller, { action, kind: 'key', id: hash, before: auditRow(before), after: auditRow(after) });
  return answer(deps, after);
}

/** The body of `/key/delete`. */
export const deletion = z.object({
  keys: z.nullish(manyKeys),
  key_aliases: z.nullish(
    z.array(text(255), 'expected a list of aliases').check(z.maxLength(100, 'expected at most 100 aliases')),
  ),
});

/**
 * `POST /key/delete`: by secret, hash or alias. All of them must exist and be the caller's to delete, else none is. A copy of each stays.
 *
 * @throws GatewayError `not_found` naming the entry by its position, since it may be a secret; `permission`
 */
export async function deleteKeys(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  requireUser(caller);
  const { keys, key_aliases: aliases } = check(deletion, body);
  const wanted = [
    ...(keys ?? []).map((key, index) => ({ at: `keys[${index}]`, find: () => readKey(deps, hashOf(key)) })),
    ...(aliases ?? []).map((alias, index) => ({ at: `key_aliases[${index}]`, find: () => deps.keys.findByAlias(alias) })),
  ];
  if (wanted.length === 0) throw new GatewayError('invalid_request', 'keys: name at least one key or alias', { param: 'keys' });
  const found = new Map<string, VirtualKey>();
  for (const { at, key } of await Promise.all(wanted.map(async ({ at, find }) => ({ at, key: await find() })))) {
    const mayGo = key !== undefined && (await keyRight(deps, caller, key, '/key/delete')) !== undefined;
    if (!mayGo) {
      throw new GatewayError('not_found', `${at}: no such key; none was deleted`, { type: 'not_found_error', param: at });
    }
    found.set(key.hash, key);
  }
  await Promise.all([...found.values()].map((key) => buryKey(deps, caller, key)));
  deps.onChange?.();
  return { deleted_keys: [...found.keys()] };
}

/** `POST /key/health`: whether the key of the caller works; it has no logging of its own that could fail. */
export async function keyHealth(deps: ManagementDeps, caller: Caller): Promise<JsonObject> {
  const key = ownKey(caller);
  if (key !== undefined) await standingOf(deps, key);
  return { key: 'healthy', logging_callbacks: null };
}
