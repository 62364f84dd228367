/** Records of keys as management reads and changes them. */
import * as z from 'zod/mini';
import { hashSecret, maskSecret, type VirtualKey } from '../../domain/key.ts';
import { GatewayError } from '../../errors.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { KeyStore } from '../../stores/keys.ts';
import type { ManagementDeps } from '../deps.ts';
import { check, text } from '../input.ts';

const SECRET_EXPECTED = 'expected sk- and 13 to 253 visible ASCII characters';
/** A secret of the caller's own choice. */
export const secretInput = z.nullish(z.string(SECRET_EXPECTED).check(z.regex(/^sk-[\x21-\x7e]{13,253}$/, SECRET_EXPECTED)));

/** How often a change is tried again when somebody else changed the key meanwhile. */
const TRIES = 4;

/** The hash behind what callers name a key by: its secret or its hash. */
export const hashOf = (given: string): string => (given.startsWith('sk-') ? hashSecret(given) : given);

/** The hash of the key that a body names. */
export const keyName = (body: JsonObject): string => hashOf(check(text(512), body['key'], 'key'));

/** The error for a key that is not there. */
export const notFound = (): GatewayError =>
  new GatewayError('not_found', 'No key with this secret or hash.', { type: 'not_found_error', param: 'key' });

/** The error for an alias in use. */
export const aliasTaken = (): GatewayError =>
  new GatewayError('conflict', 'key_alias: another key has this alias; an alias names one key', { param: 'key_alias' });

/** A key with nothing set. */
export function blankKey(secret: string, now: number): VirtualKey {
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

/** What reading keys needs. */
interface KeyDeps {
  readonly keys: KeyStore;
}

/** How many regenerations are followed from an old secret. */
const MOST_LINKS = 8;

/** A key as of now (scripts read what they wrote a moment ago); for an old secret within its grace period, the key that took its place. */
export async function readKey({ keys }: KeyDeps, hash: string): Promise<VirtualKey | undefined> {
  let key = await keys.get(hash, { fresh: true });
  for (let link = 0; key?.supersededBy !== undefined && link < MOST_LINKS; link++) {
    key = await keys.get(key.supersededBy, { fresh: true });
  }
  return key;
}

/** The same, which has to be there. Throws GatewayError `not_found`. */
export async function existingKey(deps: KeyDeps, hash: string): Promise<VirtualKey> {
  const key = await readKey(deps, hash);
  if (key === undefined) throw notFound();
  return key;
}

/** A change as it went: what was there before, and what is now. */
export interface KeyChange {
  readonly before: VirtualKey;
  readonly after: VirtualKey;
}

/**
 * Changes the record of a hash, again when somebody else was faster.
 *
 * @throws GatewayError `not_found`, `conflict`
 */
export async function changeKey(
  deps: Pick<ManagementDeps, 'keys' | 'now' | 'onChange'>,
  hash: string,
  edit: (key: VirtualKey) => Promise<VirtualKey> | VirtualKey,
): Promise<KeyChange> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = await deps.keys.get(hash, { fresh: true });
    if (before === undefined) throw notFound();
    const after = { ...(await edit(before)), rev: before.rev + 1, updatedAt: deps.now() };
    const outcome = await deps.keys.replace(after);
    if (outcome === 'alias-taken') throw aliasTaken();
    if (outcome === 'absent') throw notFound();
    if (outcome === 'replaced') {
      deps.onChange?.();
      return { before, after };
    }
  }
  throw new GatewayError('conflict', 'The key was changed by others at the same time; repeat the call.', { retryable: true });
}
