/** Virtual keys: what a key is, how its secret is made and hashed. Rules only; storage is `stores/keys`. */
import { createHash, randomBytes } from 'node:crypto';
import type { Scope } from './meter.ts';
import type { Money } from './money.ts';

/** A virtual key as stored. The secret is not here: only its hash is. Times are milliseconds since the epoch. */
export interface VirtualKey {
  /** SHA-256 of the secret, lower-case hex: the id of the key, and LiteLLM's `token`. */
  readonly hash: string;
  /** The first hash of a key whose secret was regenerated. Meters and ledger stay under it, see `scopeOf`. */
  readonly origin?: string;
  /** Masked secret for people: `sk-...a1b2`. */
  readonly name: string;
  readonly alias?: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** After this moment the key is refused; absent means never. */
  readonly expiresAt?: number;
  /** The lifetime as asked (`30d`), kept to answer `/key/info`. */
  readonly duration?: string;
  readonly blocked: boolean;
  /** Models the key may call; empty means all. Wildcards such as `openai/*` count. */
  readonly models: readonly string[];
  /** Names the key may use instead of model names. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Cap on spend within a budget window; absent means none. */
  readonly maxBudget?: Money;
  /** Length of the budget window (`30d`, `1mo`); absent means the life of the key. */
  readonly budgetDuration?: string;
  /** Where the budget windows begin to count. */
  readonly budgetAnchor: number;
  readonly rpmLimit?: number;
  readonly tpmLimit?: number;
  readonly maxParallelRequests?: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  /** Attribution only at this scope; wider scopes come with their own rules. */
  readonly userId?: string;
  readonly teamId?: string;
  readonly organizationId?: string;
  /** Counts up with every change; writes are conditional on it. */
  readonly rev: number;
}

/**
 * The owner under which a key's meters and ledger entries are kept (`LedgerEntry.keyHash` is its id): the key's first hash, so that a
 * regenerated secret neither resets a budget nor opens a second one beside it.
 */
export const scopeOf = (key: Pick<VirtualKey, 'hash' | 'origin'>): Scope => ({ kind: 'key', id: key.origin ?? key.hash });

/** Fresh secret: `sk-` and 192 random bits. `random` is injected in tests. */
export function newSecret(random: (bytes: number) => Uint8Array = randomBytes): string {
  return `sk-${Buffer.from(random(24)).toString('base64url')}`;
}

/** SHA-256 hex of a secret: LiteLLM's way, so that imported hashes keep working. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** What may be shown of a secret. */
export const maskSecret = (secret: string): string => `sk-...${secret.slice(-4)}`;
