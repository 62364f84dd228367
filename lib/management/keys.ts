/** Virtual keys: `/key/...`. A secret is shown once, in the answer that made it; afterwards a key is known by its hash. */
import * as z from 'zod/mini';
import { hashSecret, maskSecret, newSecret, scopeOf, type VirtualKey } from '../domain/key.ts';
import { GatewayError } from '../errors.ts';
import type { Caller } from '../exchange.ts';
import type { JsonObject } from '../kinds/json.ts';
import { describeError } from '../log.ts';
import { ownKey, requireAdmin, requireSelf } from './access.ts';
import { openBudget, recordStartingSpend } from './budget.ts';
import type { ManagementDeps } from './deps.ts';
import { check, text, usd } from './input.ts';
import { keyRow, standingOf } from './key-answer.ts';
import { applyKeyFields, readKeyFields, type KeyFields } from './key-input.ts';
import { moveMappings } from './mappings.ts';

const SECRET_EXPECTED = 'expected sk- and 13 to 253 visible ASCII characters';
const secretInput = z.nullish(z.string(SECRET_EXPECTED).check(z.regex(/^sk-[\x21-\x7e]{13,253}$/, SECRET_EXPECTED)));

/** How often a change is tried again when somebody else changed the key meanwhile. */
const TRIES = 4;

/** The hash behind what callers name a key by: its secret or its hash. */
const hashOf = (given: string): string => (given.startsWith('sk-') ? hashSecret(given) : given);

const keyName = (body: JsonObject): string => hashOf(check(text(512), body['key'], 'key'));

const notFound = (): GatewayError =>
  new GatewayError('not_found', 'No key with this secret or hash.', { type: 'not_found_error', param: 'key' });

const aliasTaken = (): GatewayError =>
  new GatewayError('conflict', 'key_alias: another key has this alias; an alias names one key', { param: 'key_alias' });

/** A key as of now: scripts read what they wrote a moment ago. */
const readKey = (deps: ManagementDeps, hash: string): Promise<VirtualKey | undefined> => deps.keys.get(hash, { fresh: true });

/** A key with nothing set. */
function blankKey(secret: string, now: number): VirtualKey {
  return {
    hash: hashSecret(secret),
    name: maskSecret(secret),
    createdAt: now,
    updatedAt: now,
    blocked: false,
    models: [],
    aliases: {},
    budgetAnchor: now,
    metadata: {},
    tags: [],
    rev: 1,
  };
}

/** The full row, with the secret where it is new. */
async function answer(deps: ManagementDeps, key: VirtualKey, secret?: string): Promise<JsonObject> {
  return { ...keyRow(key, await standingOf(deps, key)), key: secret ?? key.hash };
}

/**
 * `POST /key/generate`. `spend` is the spend the key starts with.
 *
 * @throws GatewayError `invalid_request` for wrong or unsupported fields, `conflict` for a secret or alias in use.
 */
export async function generateKey(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  requireAdmin(caller);
  const fields = readKeyFields(body, ['key', 'spend']);
  const secret = check(secretInput, body['key'], 'key') ?? newSecret(deps.random);
  const spend = check(z.nullish(usd), body['spend'], 'spend') ?? 0n;
  const now = deps.now();
  const key = applyKeyFields(blankKey(secret, now), fields, now);
  const outcome = await deps.keys.create(key);
  if (outcome === 'alias-taken') throw aliasTaken();
  if (outcome === 'exists') throw new GatewayError('conflict', 'key: a key with this secret exists already', { param: 'key' });
  try {
    if (spend > 0n) await recordStartingSpend(deps, key, spend);
    await openBudget(deps, key);
    const made = await answer(deps, key, secret);
    deps.onChange?.();
    return made;
  } catch (error) {
    await undo(deps, () => deps.keys.delete(key.hash));
    throw error;
  }
}

/** Takes back a step whose secret would never reach the caller. Should that fail too, the log says so; the first error is the one to tell. */
async function undo(deps: ManagementDeps, step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    deps.log('error', 'a half-made change of a key could not be taken back', { error: describeError(error).name });
  }
}

/**
 * `GET /key/info`: `{key, info}`. `given` is a secret or a hash; without one the caller asks for itself.
 *
 * @throws GatewayError `permission` for a virtual key that asks for another, `not_found`, `invalid_request` for the master without a key.
 */
export async function keyInfo(deps: ManagementDeps, caller: Caller, given: string | undefined): Promise<JsonObject> {
  const hash = given === undefined ? ownKey(caller)?.hash : hashOf(given);
  if (hash === undefined) {
    throw new GatewayError('invalid_request', 'key: name a key by its secret or hash; the master key has no figures', {
      param: 'key',
    });
  }
  requireSelf(caller, hash);
  const key = await readKey(deps, hash);
  if (key === undefined) throw notFound();
  return { key: hash, info: keyRow(key, await standingOf(deps, key)) };
}

/** Changes a key, again when somebody else was faster. */
async function change(deps: ManagementDeps, hash: string, edit: (key: VirtualKey) => Promise<VirtualKey> | VirtualKey) {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const key = await readKey(deps, hash);
    if (key === undefined) throw notFound();
    const changed = { ...(await edit(key)), rev: key.rev + 1, updatedAt: deps.now() };
    const outcome = await deps.keys.replace(changed);
    if (outcome === 'alias-taken') throw aliasTaken();
    if (outcome === 'absent') throw notFound();
    if (outcome === 'replaced') {
      deps.onChange?.();
      return changed;
    }
  }
  throw new GatewayError('conflict', 'The key was changed by others at the same time; repeat the call.', { retryable: true });
}

/** A key with fields changed; spend that happened before it had this budget is brought into the budget first. */
async function changeFields(deps: ManagementDeps, key: VirtualKey, fields: KeyFields): Promise<VirtualKey> {
  const changed = applyKeyFields(key, fields, deps.now());
  const reopened = key.maxBudget === undefined || key.budgetDuration !== changed.budgetDuration;
  if (changed.maxBudget !== undefined && reopened) await openBudget(deps, changed);
  return changed;
}

/**
 * `POST /key/update`: null clears a field, an absent one stays.
 *
 * @throws GatewayError `invalid_request`, `not_found`, `conflict`.
 */
export async function updateKey(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  requireAdmin(caller);
  const fields = readKeyFields(body, ['key']);
  const key = await change(deps, keyName(body), (key) => changeFields(deps, key, fields));
  return answer(deps, key);
}

/**
 * `POST /key/block` and `/key/unblock`.
 *
 * @throws GatewayError `not_found`, `conflict`.
 */
export async function setBlocked(
  deps: ManagementDeps,
  caller: Caller,
  body: JsonObject,
  blocked: boolean,
): Promise<JsonObject> {
  requireAdmin(caller);
  return answer(deps, await change(deps, keyName(body), (key) => ({ ...key, blocked })));
}

const deletion = z.object({
  keys: z.nullish(z.array(text(512), 'expected a list of keys').check(z.maxLength(100, 'expected at most 100 keys'))),
  key_aliases: z.nullish(
    z.array(text(255), 'expected a list of aliases').check(z.maxLength(100, 'expected at most 100 aliases')),
  ),
});

/**
 * `POST /key/delete`: by secret, hash or alias. All of them must exist, else none is deleted.
 *
 * @throws GatewayError `not_found` naming the entry by its position, since it may be a secret.
 */
export async function deleteKeys(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  requireAdmin(caller);
  const { keys, key_aliases: aliases } = check(deletion, body);
  const wanted = [
    ...(keys ?? []).map((key, index) => ({ at: `keys[${index}]`, find: () => readKey(deps, hashOf(key)) })),
    ...(aliases ?? []).map((alias, index) => ({ at: `key_aliases[${index}]`, find: () => deps.keys.findByAlias(alias) })),
  ];
  if (wanted.length === 0) throw new GatewayError('invalid_request', 'keys: name at least one key or alias', { param: 'keys' });
  const hashes = new Set<string>();
  for (const { at, key } of await Promise.all(wanted.map(async ({ at, find }) => ({ at, key: await find() })))) {
    if (key === undefined) {
      throw new GatewayError('not_found', `${at}: no such key; none was deleted`, { type: 'not_found_error', param: at });
    }
    hashes.add(key.hash);
  }
  await Promise.all([...hashes].map((hash) => deps.keys.delete(hash)));
  deps.onChange?.();
  return { deleted_keys: [...hashes] };
}

/**
 * `POST /key/{key}/regenerate` and `/key/regenerate`: a new secret for the same key, shown once, and fields changed on the way. The old
 * secret is gone at once; spend, budget and ledger stay with the key.
 *
 * @throws GatewayError `invalid_request` (also for `grace_period`), `not_found`, `conflict`.
 */
export async function regenerateKey(deps: ManagementDeps, caller: Caller, body: JsonObject): Promise<JsonObject> {
  requireAdmin(caller);
  const fields = readKeyFields(body, ['key', 'new_key', 'new_master_key']);
  if (body['new_master_key'] !== undefined && body['new_master_key'] !== null) {
    const fault = 'new_master_key: not supported; the master key is a secret of its own, rotated in the secret store';
    throw new GatewayError('invalid_request', fault, { param: 'new_master_key' });
  }
  const secret = check(secretInput, body['new_key'], 'new_key') ?? newSecret(deps.random);
  const hash = hashSecret(secret);
  const inUse = (): GatewayError =>
    new GatewayError('conflict', 'new_key: a key with this secret exists already', { param: 'new_key' });
  if ((await readKey(deps, hash)) !== undefined) throw inUse();

  // The old key is retired before the new one exists: at no moment do two secrets open one key, and the alias is free.
  const retired = await retire(deps, keyName(body));
  const undone: (() => Promise<unknown>)[] = [() => change(deps, retired.hash, () => retired)];
  try {
    const fresh: VirtualKey = {
      ...(await changeFields(deps, retired, fields)),
      hash,
      origin: scopeOf(retired).id,
      name: maskSecret(secret),
      updatedAt: deps.now(),
      rev: retired.rev + 1,
    };
    const outcome = await deps.keys.create(fresh);
    if (outcome !== 'created') throw outcome === 'exists' ? inUse() : aliasTaken();
    undone.unshift(() => deps.keys.delete(hash));
    const made = await answer(deps, fresh, secret);
    await moveMappings(deps, retired.hash, hash);
    await deps.keys.delete(retired.hash);
    deps.onChange?.();
    return made;
  } catch (error) {
    for (const step of undone) await undo(deps, step);
    throw error;
  }
}

/** Blocks a key and frees its alias. Gives the key as it was. */
async function retire(deps: ManagementDeps, hash: string): Promise<VirtualKey> {
  let before: VirtualKey | undefined;
  await change(deps, hash, (key) => {
    before = key;
    const { alias: _freed, ...rest } = key;
    return { ...rest, blocked: true };
  });
  if (before === undefined) throw notFound();
  return before;
}
