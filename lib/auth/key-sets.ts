/**
 * The public keys of identity providers: fetched from the addresses that the operator set, kept for their time, and fetched again, at most
 * once in a while, when a token names a key that is not among them. An address in a token is never followed.
 */
import type { JWTVerifyGetKey } from 'jose';
import { GatewayError } from '../errors.ts';
import { describeError, type Log } from '../log.ts';
import type { HttpClient } from '../transport/http.ts';

/** What it works with. */
export interface KeySetDeps {
  readonly http: Pick<HttpClient, 'send'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly log: Log;
}

type Jose = typeof import('jose');
type KeySet = Parameters<Jose['createLocalJWKSet']>[0];

/** Least time between two looks for a key that is not there: a stranger's tokens must not make us hammer the provider. */
const COOLDOWN_MS = 30_000;
/** How long keys are used past their time while the provider does not answer. */
const STALE_MS = 86_400_000;
const TIMEOUT_MS = 5_000;
const LARGEST = 262_144;

const DISCOVERY = '/.well-known/openid-configuration';

/**
 * A resolver of keys for `jwtVerify`.
 *
 * @param urls of key sets (JWKS), or of discovery documents whose key set is at the same origin
 * @param ttlMs how long keys are used without asking again
 * @throws GatewayError `overloaded` (503) from the resolver while no key set could ever be read
 */
export function createKeySets(
  jose: Jose,
  urls: readonly string[],
  ttlMs: number,
  { http, now, log }: KeySetDeps,
): JWTVerifyGetKey {
  let known: { readonly find: JWTVerifyGetKey; readonly at: number } | undefined;
  let triedAt = -Infinity;
  let reading: Promise<void> | undefined;

  async function fetchJson(url: string): Promise<Record<string, unknown>> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = await http.send({
      url,
      method: 'GET',
      headers: { accept: 'application/json' },
      signal,
      headersTimeoutMs: TIMEOUT_MS,
    });
    if (answer.status !== 200) {
      answer.discard();
      throw new Error(`${url} answered ${answer.status}`);
    }
    return JSON.parse(Buffer.from(await answer.bytes(LARGEST)).toString('utf8')) as Record<string, unknown>;
  }

  async function fetchKeys(url: string): Promise<KeySet['keys']> {
    let document = await fetchJson(url);
    if (url.endsWith(DISCOVERY)) {
      const next = String(document['jwks_uri']);
      if (URL.parse(next)?.origin !== new URL(url).origin) {
        throw new Error(`${url}: its jwks_uri is at another origin; set that address itself if it is to be trusted`);
      }
      document = await fetchJson(next);
    }
    if (!Array.isArray(document['keys'])) throw new Error(`${url}: no key set`);
    return document['keys'] as KeySet['keys'];
  }

  /** Reads all sets; those that fail are left out, unless all do. */
  async function read(): Promise<void> {
    triedAt = now();
    const sets = await Promise.allSettled(urls.map(fetchKeys));
    const keys = sets.flatMap((set) => (set.status === 'fulfilled' ? set.value : []));
    for (const set of sets) {
      if (set.status === 'rejected')
        log('warn', 'keys of an identity provider could not be read', { error: describeError(set.reason) });
    }
    if (sets.some((set) => set.status === 'fulfilled')) known = { find: jose.createLocalJWKSet({ keys }), at: now() };
  }

  /** One reading at a time, shared by all who wait for it. */
  const refresh = (): Promise<void> => (reading ??= read().finally(() => (reading = undefined)));
  const mayTry = (): boolean => reading !== undefined || now() - triedAt >= COOLDOWN_MS;

  return async function findKey(header, token) {
    if ((known === undefined || now() - known.at >= ttlMs) && mayTry()) await refresh();
    if (known === undefined || now() - known.at >= ttlMs + STALE_MS) {
      throw new GatewayError('overloaded', 'The keys of the identity provider cannot be read right now; try again shortly.', {
        code: 'auth_provider_unavailable',
        retryAfter: '5',
      });
    }
    try {
      return await known.find(header, token);
    } catch (error) {
      // A key made since: providers rotate theirs.
      if (!(error instanceof jose.errors.JWKSNoMatchingKey) || !mayTry()) throw error;
      await refresh();
      return known.find(header, token);
    }
  };
}
