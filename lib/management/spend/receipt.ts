/**
 * Receipts: `GET /receipts/{id}` says what a call used, what it cost and why, signed with a key that only this house has, so that anybody
 * can check it later without asking. The signature is a compact JWS (RFC 7515, Ed25519) over the receipt's JSON; `GET /receipts/keys` has
 * the public keys (RFC 7517).
 */
import type { JWK } from 'jose';
import type { LedgerEntry } from '../../domain/ledger-entry.ts';
import { formatUsd, type Money } from '../../domain/money.ts';
import { GatewayError } from '../../errors.ts';
import type { Caller } from '../../exchange.ts';
import type { JsonObject } from '../../kinds/json.ts';
import type { Usage } from '../../kinds/usage.ts';
import type { SecretStore } from '../../stores/secrets.ts';
import type { ManagementDeps } from '../deps.ts';
import { budgetsOfEntry } from './receipt-budgets.ts';
import { ownEntry } from './spend.ts';

/** Where the keys are: `{keys: [JWK, ...]}`, private. The first one signs, all of them verify: a new one is put in front. */
const SECRET = 'receipt-keys';
const ALGORITHM = 'EdDSA';
/** Members of a key that anybody may see: what is not known to be public is not shown (RFC 7518 section 6). */
const PUBLIC = ['kty', 'kid', 'crv', 'x', 'y', 'n', 'e'] as const;

/**
 * The receipt of a call, and its signature.
 *
 * @throws GatewayError `not_found` when there is no such call, or it is not the caller's.
 */
export async function receiptOf(deps: ManagementDeps, caller: Caller, id: string): Promise<JsonObject> {
  const entry = await ownEntry(deps, caller, id);
  if (entry === undefined) {
    throw new GatewayError('not_found', 'There is no entry of this call in the ledger, or it is not yours.', { param: 'id' });
  }
  const receipt = { ...describe(entry, deps.now()), budgets: await budgetsOfEntry(deps, entry, caller) };
  return { receipt, jws: await sign(deps.secrets, receipt) };
}

/** The public keys that receipts can be checked with. */
export async function receiptKeys({ secrets }: Pick<ManagementDeps, 'secrets'>): Promise<JsonObject> {
  const keys = await signingKeys(secrets);
  const shown = keys.map((key) =>
    Object.fromEntries(PUBLIC.flatMap((name) => (key[name] === undefined ? [] : [[name, key[name]]]))),
  );
  return { keys: shown.map((key) => ({ ...key, use: 'sig', alg: ALGORITHM })) };
}

async function sign(secrets: SecretStore, receipt: JsonObject): Promise<string> {
  const { CompactSign, importJWK } = await import('jose');
  const [key] = await signingKeys(secrets);
  if (key === undefined) throw new Error(`secret ${SECRET} holds no key`);
  return new CompactSign(Buffer.from(JSON.stringify(receipt)))
    .setProtectedHeader({ alg: ALGORITHM, typ: 'receipt+jws', ...(key.kid === undefined ? {} : { kid: key.kid }) })
    .sign(await importJWK(key, ALGORITHM));
}

/** The keys; made on first use. Of two that make them at once one is first, and both use its keys. */
async function signingKeys(secrets: SecretStore): Promise<readonly JWK[]> {
  const known = (await secrets.get(SECRET)) ?? (await makeKeys(secrets));
  return (JSON.parse(known) as { readonly keys: readonly JWK[] }).keys;
}

async function makeKeys(secrets: SecretStore): Promise<string> {
  const { calculateJwkThumbprint, exportJWK, generateKeyPair } = await import('jose');
  const jwk = await exportJWK((await generateKeyPair(ALGORITHM, { extractable: true, crv: 'Ed25519' })).privateKey);
  const made = JSON.stringify({ keys: [{ ...jwk, kid: await calculateJwkThumbprint(jwk) }] });
  if ((await secrets.create(SECRET, made)) === 'created') return made;
  return (await secrets.get(SECRET, { fresh: true })) ?? made;
}

const isoOf = (at: number): string => new Date(at).toISOString();
const usdOf = (amount: Money | undefined): string | null => (amount === undefined ? null : formatUsd(amount));

/** What the entry says, with amounts as exact decimal text in USD. */
function describe(entry: LedgerEntry, now: number): JsonObject {
  const { usage, costParts = {} } = entry;
  return {
    id: entry.id,
    issued_at: isoOf(now),
    arrived_at: isoOf(entry.at),
    ended_at: isoOf(entry.endedAt),
    status: entry.status,
    http_status: entry.httpStatus,
    error: entry.error?.kind ?? null,
    route: entry.route,
    model_group: entry.modelGroup,
    model: entry.model ?? null,
    provider: entry.provider ?? null,
    stream: entry.stream,
    owner: {
      key: entry.keyHash,
      key_alias: entry.keyAlias ?? null,
      user_id: entry.userId ?? null,
      team_id: entry.teamId ?? null,
      organization_id: entry.organizationId ?? null,
      project_id: entry.projectId ?? null,
      end_user: entry.endUser ?? null,
      tags: entry.tags,
    },
    /** Classes as the provider, or whoever is named as `source`, counted them; a class that is absent was not reported. */
    usage: usage ?? null,
    cost: {
      currency: 'USD',
      /** Null: the price is unknown. */
      total: usdOf(entry.cost),
      parts: Object.fromEntries(Object.entries(costParts).map(([name, amount]) => [name, formatUsd(amount)])),
      held: usdOf(entry.held),
      cache_saving: usdOf(cacheSaving(usage, costParts)),
    },
    price: entry.price,
    attempts: entry.attempts,
    retries: Math.max(0, entry.attempts - 1),
    /** Attempts that came to nothing and may be billed all the same, as estimated. Their cost is in the total, part `lost`. */
    lost_attempts: (entry.lost ?? []).map(({ provider, model, error, usage: used, cost }) => ({
      provider,
      model,
      error,
      usage: used,
      cost: usdOf(cost),
    })),
    duration_ms: entry.durationMs,
    first_byte_ms: entry.firstByteMs ?? null,
    first_token_ms: entry.firstTokenMs ?? null,
  };
}

/**
 * What the provider's prompt cache saved, 1e-12 USD: what its tokens would have cost at the rate of the others, less what reading and
 * writing them cost. Undefined where no plain input token tells that rate.
 */
export function cacheSaving(usage: Usage | undefined, parts: Readonly<Record<string, Money>>): Money | undefined {
  const {
    inputTokens = 0,
    cacheReadTokens = 0,
    cacheWriteTokens = 0,
    audioInputTokens = 0,
    imageInputTokens = 0,
  } = usage ?? {};
  const cached = cacheReadTokens + cacheWriteTokens;
  if (cached === 0) return 0n;
  const plain = inputTokens - cached - audioInputTokens - imageInputTokens;
  const { input, cache_read: read = 0n, cache_write: write = 0n, cache_write_1h: write1h = 0n } = parts;
  if (input === undefined || !Number.isSafeInteger(plain) || plain <= 0 || !Number.isSafeInteger(cached)) return undefined;
  return (input * BigInt(cached)) / BigInt(plain) - read - write - write1h;
}
