/**
 * How one secret of a key follows another. The new secret is a record of its own under the key's first hash, so that spend, budgets and ledger go
 * on; the old one ends at once, or goes on within a grace period as a record that only points to the new one.
 */
import { addDuration, parseDuration } from '../../domain/duration.ts';
import { hashSecret, maskSecret, scopeOf, type VirtualKey } from '../../domain/key.ts';
import { GatewayError } from '../../errors.ts';
import type { ManagementDeps } from '../deps.ts';
import { readAll } from '../../domain/pages.ts';
import { describeError } from '../../log.ts';
import { ownedBy } from '../records/records.ts';
import { changeKey } from './key-records.ts';
import { moveMappings } from '../people/mappings.ts';

/** What giving a key another secret needs. */
export type SecretDeps = Pick<ManagementDeps, 'keys' | 'tasks' | 'claimMappings' | 'roleMappings' | 'now' | 'log' | 'onChange'>;

/** The record of a key under another secret. It has no alias yet: the old record has it. */
export function renewed(key: VirtualKey, secret: string, now: number): VirtualKey {
  const { alias: _alias, formerAlias: _former, supersededBy: _superseded, rotatingTo: _rotating, ...rest } = key;
  return {
    ...rest,
    hash: hashSecret(secret),
    origin: scopeOf(key).id,
    name: maskSecret(secret),
    updatedAt: now,
    lastRotatedAt: now,
    rev: 1,
    ...(key.autoRotate === true && key.rotationInterval !== undefined
      ? { nextRotationAt: addDuration(now, parseDuration(key.rotationInterval)) }
      : {}),
  };
}

/** After this time the keeper finishes a succession, milliseconds: longer than any process is at it. */
const FINISH_MS = 300_000;
/** How long one keeper has for a key before another takes over, milliseconds; longer than any keeper lives. */
export const CLAIM_MS = 300_000;

/** True while a keeper is giving the key its next secret; one that died at it holds nobody up for long. */
export const isBeingRotated = ({ rotatingTo, nextRotationAt }: VirtualKey, now: number): boolean =>
  rotatingTo !== undefined && nextRotationAt !== undefined && now < nextRotationAt && nextRotationAt <= now + CLAIM_MS;

/** How an old secret ends. */
export interface Succession {
  /** The record as `fresh` was made of it. */
  readonly old: VirtualKey;
  /** The record that takes its place; it exists already. */
  readonly fresh: VirtualKey;
  /** Alias it is to have. */
  readonly alias: string | undefined;
  /** Until when the old secret works, milliseconds since the epoch. */
  readonly revokeAt: number;
}

/**
 * Puts the new record in the old one's place: the old secret works until `revokeAt`, which may be now, and has no word of its own any more. One
 * conditional write decides; what comes after it is made good by the keeper, should it fail.
 *
 * @returns the new record; `stale` when the old one was changed or deleted since, and nothing is done
 */
export async function supersede(deps: SecretDeps, { old, fresh, alias, revokeAt }: Succession): Promise<VirtualKey | 'stale'> {
  const { alias: _freed, autoRotate: _rotates, nextRotationAt: _next, rotatingTo: _rotating, ...rest } = old;
  const now = deps.now();
  const retired: VirtualKey = {
    ...rest,
    ...(alias === undefined ? {} : { formerAlias: alias }),
    supersededBy: fresh.hash,
    expiresAt: Math.min(old.expiresAt ?? revokeAt, revokeAt),
    updatedAt: now,
    rev: old.rev + 1,
  };
  // First of all: whatever stops us from now on, the keeper finishes it, and clears the old record away in the end.
  const reminder = { kind: 'rotate', hash: old.hash, at: now + FINISH_MS } as const;
  const revocation = { kind: 'revoke', hash: old.hash, at: revokeAt } as const;
  await deps.tasks.put(revocation);
  await deps.tasks.put(reminder);
  if ((await deps.keys.replace(retired)) !== 'replaced') return 'stale';
  deps.onChange?.();
  try {
    const named = await finishSuccession(deps, retired, fresh);
    if (revokeAt <= now) {
      await deps.keys.delete(old.hash);
      await deps.tasks.done(revocation);
    }
    await deps.tasks.done(reminder);
    return named;
  } catch (error) {
    deps.log('warn', 'a key got its new secret; the keeper does the rest', { key: fresh.hash, error: describeError(error) });
    return fresh;
  }
}

/** What follows once the old record points to the new one: alias, older secrets, mappings, the next rotation. May be repeated. */
export async function finishSuccession(deps: SecretDeps, retired: VirtualKey, fresh: VirtualKey): Promise<VirtualKey> {
  const { formerAlias: alias } = retired;
  const named = alias === undefined || fresh.alias !== undefined ? fresh : await withAlias(deps, fresh, alias);
  await leadOn(deps, retired, fresh.hash);
  await moveMappings(deps, retired.hash, fresh.hash);
  await schedule(deps, named);
  deps.onChange?.();
  return named;
}

/** Lets older secrets, that were promised to work for longer than this one, point past it. When it is closed at once, they are too. */
async function leadOn(deps: SecretDeps, retired: VirtualKey, to: string): Promise<void> {
  const now = deps.now();
  if (retired.origin === undefined || (retired.expiresAt ?? Infinity) <= now) return;
  for (const key of await recordsOfKey(deps, retired)) {
    // Whoever is faster has more to say, or has deleted it.
    if (key.supersededBy === retired.hash) {
      await deps.keys.replace({ ...key, supersededBy: to, updatedAt: now, rev: key.rev + 1 });
    }
  }
}

/** All records of a key: of the secret it has, of old ones, and of one it is about to get. */
export async function recordsOfKey(
  { keys }: Pick<ManagementDeps, 'keys'>,
  key: Pick<VirtualKey, 'hash' | 'origin'>,
): Promise<readonly VirtualKey[]> {
  const { id } = scopeOf(key);
  const first = await keys.get(id, { fresh: true });
  return [...(first === undefined ? [] : [first]), ...(await readAll(ownedBy(keys, { kind: 'origin', id })))];
}

/** The record with its alias; without it when another key took it in the moment in which nobody had it. */
async function withAlias(deps: SecretDeps, fresh: VirtualKey, alias: string): Promise<VirtualKey> {
  try {
    return (await changeKey(deps, fresh.hash, (key) => ({ ...key, alias }))).after;
  } catch (error) {
    if (!(error instanceof GatewayError) || error.detail.param !== 'key_alias') throw error;
    deps.log('warn', 'a regenerated key lost its alias to another', { key: fresh.hash });
    return fresh;
  }
}

/** Reminds the keeper of a key's next secret. */
export async function schedule({ tasks }: Pick<ManagementDeps, 'tasks'>, key: VirtualKey): Promise<void> {
  if (key.nextRotationAt !== undefined) await tasks.put({ kind: 'rotate', hash: key.hash, at: key.nextRotationAt });
}
