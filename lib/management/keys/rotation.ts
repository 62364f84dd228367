/**
 * What the keeper does for keys when their time has come: new secrets for those that are rotated (`auto_rotate`), and an end of the records of
 * old secrets. Several keepers at once do each other no harm: whoever changes the key first has the work, and work that stopped in the
 * middle is taken up after a while, from where it stood.
 */
import { addDuration, parseDuration } from '../../domain/duration.ts';
import { hashSecret, newSecret, type VirtualKey } from '../../domain/key.ts';
import { describeError } from '../../log.ts';
import { auditAs, KEEPER } from '../audit.ts';
import { keySecretName } from './key-answer.ts';
import { CLAIM_MS, finishSuccession, renewed, supersede, type SecretDeps } from './key-succession.ts';
import { readSecret } from '../models/secret.ts';
import type { AuditStore } from '../../stores/audit.ts';
import type { SecretStore } from '../../stores/secrets.ts';
import type { KeyTask } from '../../stores/tasks.ts';

/** What it works with. */
export interface RotationDeps extends SecretDeps {
  readonly secrets: Pick<SecretStore, 'get' | 'put'>;
  readonly audit: Pick<AuditStore, 'append'>;
  readonly random: (bytes: number) => Uint8Array;
  /** How long old secrets work, `1d`. */
  readonly grace: string;
  /** Most tasks of one run. */
  readonly limit: number;
}

/** What a run did. */
export interface Rotations {
  /** Keys that have a new secret. */
  readonly rotated: number;
  /** Records of old secrets that are gone. */
  readonly revoked: number;
  /** Tasks left for the next run because a store failed. */
  readonly failed: number;
}

/** How often a key that others change meanwhile is read again. */
const TRIES = 4;

/** Does what is due. */
export async function rotate(deps: RotationDeps): Promise<Rotations> {
  const counts = { rotated: 0, revoked: 0, failed: 0 };
  for (const task of await deps.tasks.due(deps.now(), deps.limit)) {
    try {
      if (task.kind === 'revoke') counts.revoked += Number(await revoke(deps, task));
      else counts.rotated += Number(await rotateKey(deps, task));
    } catch (error) {
      counts.failed++;
      deps.log('error', 'keeper could not do its work for a key', {
        task: task.kind,
        key: task.hash,
        error: describeError(error),
      });
    }
  }
  if (counts.rotated + counts.revoked + counts.failed > 0) deps.log('info', 'keeper rotation', counts);
  return counts;
}

/** Deletes the record of an old secret whose grace period is over. */
async function revoke(deps: RotationDeps, task: KeyTask): Promise<boolean> {
  const key = await deps.keys.get(task.hash, { fresh: true });
  const isOver = key?.supersededBy !== undefined && key.expiresAt !== undefined && key.expiresAt <= deps.now();
  if (isOver) await deps.keys.delete(task.hash);
  await deps.tasks.done(task);
  return isOver;
}

/** Gives one key its next secret, if it still wants one and nobody else is at it. */
async function rotateKey(deps: RotationDeps, task: KeyTask): Promise<boolean> {
  const key = await deps.keys.get(task.hash, { fresh: true });
  const successor = key?.supersededBy === undefined ? undefined : await deps.keys.get(key.supersededBy, { fresh: true });
  if (key !== undefined && successor !== undefined) await finishSuccession(deps, key, successor);
  const isOver = key?.expiresAt !== undefined && key.expiresAt <= deps.now();
  // Its own end was looked at before it pointed to the other, and is not looked at again.
  if (successor !== undefined && isOver) await deps.keys.delete(task.hash);
  if (key?.autoRotate !== true || key.nextRotationAt === undefined || key.supersededBy !== undefined || isOver) {
    await deps.tasks.done(task);
    return false;
  }
  const now = deps.now();
  if (key.nextRotationAt > now) {
    // Moved meanwhile, or claimed by another keeper: to be looked at then.
    await deps.tasks.put({ ...task, at: key.nextRotationAt });
    return false;
  }
  const pending = await pendingSecret(deps, key);
  const secret = pending ?? newSecret(deps.random);
  const claimed: VirtualKey = {
    ...key,
    rotatingTo: hashSecret(secret),
    nextRotationAt: now + CLAIM_MS,
    updatedAt: now,
    rev: key.rev + 1,
  };
  if ((await deps.keys.replace(claimed)) !== 'replaced') return false;
  await deps.tasks.put({ ...task, at: now + CLAIM_MS });
  // Of a keeper that died before it could tell anybody its secret.
  if (pending === undefined && key.rotatingTo !== undefined) await deps.keys.delete(key.rotatingTo);
  const made = await takePlace(deps, claimed, secret);
  if (made === undefined) return false;
  const tokens = { before: { token: key.hash }, after: { token: made.hash } };
  await auditAs(deps, { action: 'rotated', kind: 'key', id: made.hash, ...tokens }, KEEPER);
  return true;
}

/** A secret that an earlier keeper had made known already: whoever fetched it since must not be left with nothing. */
async function pendingSecret(deps: RotationDeps, key: VirtualKey): Promise<string | undefined> {
  if (key.rotatingTo === undefined) return undefined;
  const stored = await deps.secrets.get(keySecretName(key), { fresh: true });
  const secret = stored === undefined ? undefined : readSecret(stored)['key'];
  return secret !== undefined && hashSecret(secret) === key.rotatingTo ? secret : undefined;
}

/**
 * New record, then the secret where its owner finds it, then the old record points to the new one. Both secrets open the key from the first step
 * on, so that none that anybody knows is ever refused. Undefined when the key is gone, or wants no rotation any more.
 */
async function takePlace(deps: RotationDeps, claimed: VirtualKey, secret: string): Promise<VirtualKey | undefined> {
  let old = claimed;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const now = deps.now();
    const fresh = await writeFresh(deps, renewed(old, secret, now));
    // A secret that is made known must not open a key that is gone: whoever deletes it from now on sees both records.
    if ((await deps.keys.get(old.hash, { fresh: true })) === undefined) {
      await deps.keys.delete(fresh.hash);
      return undefined;
    }
    if (attempt === 0)
      await deps.secrets.put(keySecretName(old), JSON.stringify({ key: secret, key_alias: old.alias ?? null }));
    const made = await supersede(deps, { old, fresh, alias: old.alias, revokeAt: graceEnd(deps, old, now) });
    if (made !== 'stale') return made;
    // Changed by management meanwhile: the new record has to say what the key says now.
    const changed = await deps.keys.get(old.hash, { fresh: true });
    if (changed?.autoRotate !== true || changed.supersededBy !== undefined) {
      await deps.keys.delete(fresh.hash);
      return undefined;
    }
    old = changed;
  }
  throw new Error('the key is being changed all the time');
}

/** Stores the new record, over what an earlier try left of it. */
async function writeFresh(deps: RotationDeps, fresh: VirtualKey): Promise<VirtualKey> {
  if ((await deps.keys.create(fresh)) === 'created') return fresh;
  const known = await deps.keys.get(fresh.hash, { fresh: true });
  const next = { ...fresh, rev: (known?.rev ?? 0) + 1 };
  if ((await deps.keys.replace(next)) !== 'replaced') throw new Error('the new record is being changed by others');
  return next;
}

/** The end of the grace period: never after the next rotation. */
function graceEnd({ grace }: RotationDeps, key: VirtualKey, now: number): number {
  const interval = addDuration(now, parseDuration(key.rotationInterval ?? grace));
  return Math.min(addDuration(now, parseDuration(grace)), interval);
}
