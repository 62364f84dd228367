/** Virtual keys: what a key is, how its secret is made and hashed. Rules only; storage is `stores/keys`. */
import { hash, randomBytes } from 'node:crypto';
import type { Limits } from './limits.ts';
import type { Scope } from './meter.ts';
import type { Money } from './money.ts';

/** Presets of routes (LiteLLM `key_type`). */
export type KeyType = 'default' | 'llm_api' | 'management' | 'read_only';

/** A virtual key as stored. The secret is not here: only its hash is. Times are milliseconds since the epoch. */
export interface VirtualKey extends Limits {
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
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  /** Owners: their models and limits count too, and the call is booked to each of them. */
  readonly userId?: string;
  readonly teamId?: string;
  readonly organizationId?: string;
  readonly projectId?: string;
  /** What the key is for: a preset of routes. Absent means calls and its own figures. */
  readonly type?: KeyType;
  /** A key of a service: nobody's own (LiteLLM `service_account_id`). */
  readonly serviceAccount?: string;
  /** Routes the key may use: paths, with `*` at the end, or names of groups of routes; absent or empty means those of its type. */
  readonly allowedRoutes?: readonly string[];
  /** Addresses the key may be used from: IPs and CIDR ranges; absent or empty means any. */
  readonly allowedIps?: readonly string[];
  /** Body parameters a request must carry. */
  readonly enforcedParams?: readonly string[];
  /** Names of access groups whose models the key may call too. */
  readonly accessGroups?: readonly string[];
  /** Cheaper models to use, in order, once the budget of a model is spent. */
  readonly budgetFallbacks?: Readonly<Record<string, readonly string[]>>;
  /** Cap on each session's spend, 1e-12 USD (LiteLLM `max_budget_per_session`). */
  readonly sessionBudget?: Money;
  /** The keeper gives the key a new secret at `nextRotationAt` and then every `rotationInterval`. */
  readonly autoRotate?: boolean;
  readonly rotationInterval?: string;
  readonly nextRotationAt?: number;
  readonly lastRotatedAt?: number;
  /** Hash of the secret that the keeper is about to give the key; set while it works, and after it died at it. */
  readonly rotatingTo?: string;
  /** Set on the record of an old secret within its grace period: hash of the one that took its place, which has the last word. */
  readonly supersededBy?: string;
  /** Set beside it: the alias, which goes on to the other. */
  readonly formerAlias?: string;
  /** Fields of LiteLLM that are kept and shown as they were given: they speak of things this gateway has none of. */
  readonly kept?: Readonly<Record<string, unknown>>;
  /** User id, or `master`. */
  readonly createdBy?: string;
  readonly updatedBy?: string;
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
export const hashSecret = (secret: string): string => hash('sha256', secret);

/** What may be shown of a secret. */
export const maskSecret = (secret: string): string => `sk-...${secret.slice(-4)}`;
