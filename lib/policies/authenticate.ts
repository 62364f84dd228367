/** Who calls: finds the key in the request and the caller behind it. */
import { timingSafeEqual } from 'node:crypto';
import { hashSecret, type VirtualKey } from '../domain/key.ts';
import { GatewayError } from '../errors.ts';
import type { Caller, Owners } from '../exchange.ts';
import type { HttpRequest } from '../transport/message.ts';
import type { Policy } from './policy.ts';

/** What authentication needs. */
export interface AuthenticateDeps {
  /** A key by the hash of its secret; cached for seconds. */
  readonly findKey: (hash: string) => Promise<VirtualKey | undefined>;
  /** The records of a key's owners; cached for seconds. */
  readonly ownersOf: (key: VirtualKey) => Promise<Owners>;
  readonly masterKey: () => Promise<string | undefined>;
  readonly now: () => number;
}

/**
 * The secret of a request, from wherever the SDKs of the field put it. `x-litellm-api-key` wins, for clients that need
 * `Authorization` for something else.
 */
export function secretOf(request: Pick<HttpRequest, 'headers' | 'query'>): string | undefined {
  const { headers, query } = request;
  const bearer = (value: string | undefined): string | undefined => value?.replace(/^bearer\s+/i, '').trim();
  return (
    bearer(headers['x-litellm-api-key']) ||
    bearer(headers['authorization']) ||
    headers['x-api-key']?.trim() ||
    headers['api-key']?.trim() ||
    headers['x-goog-api-key']?.trim() ||
    query.get('key') ||
    undefined
  );
}

/** The hash of the master key, made again only when the key changes. */
const masterHash = memoized(hashSecret);

function memoized(make: (text: string) => string): (text: string) => string {
  let known: { readonly text: string; readonly made: string } | undefined;
  return (text) => {
    if (known?.text !== text) known = { text, made: make(text) };
    return known.made;
  };
}

/** True when two hex digests are equal, in constant time. */
const sameDigest = (one: string, other: string): boolean => timingSafeEqual(Buffer.from(one), Buffer.from(other));

const refuse = (message: string, code: string): GatewayError =>
  new GatewayError('authentication', message, {
    code,
    type: code === 'token_not_found_in_db' || code === 'expired_key' ? code : 'auth_error',
  });

/**
 * The caller behind a secret.
 *
 * @throws GatewayError `authentication` for a missing, malformed, unknown, expired or blocked key.
 */
export async function authenticateSecret(secret: string | undefined, deps: AuthenticateDeps): Promise<Caller> {
  if (secret === undefined) {
    throw refuse(
      'No API key. Send it as "Authorization: Bearer sk-...", or in x-api-key, api-key or x-goog-api-key.',
      'invalid_api_key',
    );
  }
  const hash = hashSecret(secret);
  const master = await deps.masterKey();
  if (master !== undefined && sameDigest(hash, masterHash(master))) return { type: 'master' };
  if (!secret.startsWith('sk-')) throw refuse('Malformed API key: keys of this gateway start with "sk-".', 'invalid_api_key');
  const key = await deps.findKey(hash);
  if (key === undefined) throw refuse('Unknown API key. It may have been deleted or regenerated.', 'token_not_found_in_db');
  if (key.expiresAt !== undefined && key.expiresAt <= deps.now()) {
    throw refuse(`API key expired at ${new Date(key.expiresAt).toISOString()}.`, 'expired_key');
  }
  if (key.blocked) throw refuse('API key is blocked.', 'key_blocked');
  return { type: 'key', key, ...(await deps.ownersOf(key)) };
}

/** Sets `exchange.caller`, or refuses. */
export function authenticate(deps: AuthenticateDeps): Policy {
  return async function authenticatePolicy(exchange, next) {
    exchange.caller = await authenticateSecret(secretOf(exchange.request), deps);
    return next();
  };
}
