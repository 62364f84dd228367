/** Who calls: finds the key, the token or the role in a request, and the caller behind it. */
import { timingSafeEqual } from 'node:crypto';
import { isAllowedAddress } from '../domain/addresses.ts';
import { hashSecret, type VirtualKey } from '../domain/key.ts';
import { isAllowedRoute, routesOf, type AskedRoute } from '../domain/routes.ts';
import { GatewayError } from '../errors.ts';
import type { Caller, Owners } from '../exchange.ts';
import type { Headers, HttpRequest, IamIdentity } from '../transport/message.ts';
import type { Policy } from './policy.ts';

/** A request as far as the door looks at it. */
export type DoorRequest = Pick<HttpRequest, 'headers' | 'query' | 'path' | 'ip' | 'iam'>;

/** What holds for everybody, the master key too. */
export interface DoorSettings {
  /** Addresses that may call; empty means any (LiteLLM `allowed_ips`). */
  readonly allowedIps?: readonly string[];
  /** Routes that may be called; empty means all (LiteLLM `allowed_routes`). */
  readonly allowedRoutes?: readonly string[];
  /** A header (lower case) that may carry the key, before all others (LiteLLM `litellm_key_header_name`). */
  readonly keyHeader?: string;
}

/** What authentication needs. */
export interface AuthenticateDeps extends DoorSettings {
  /** A key by the hash of its secret; cached for seconds. */
  readonly findKey: (hash: string) => Promise<VirtualKey | undefined>;
  /** The records of a key's owners; cached for seconds. */
  readonly ownersOf: (key: VirtualKey) => Promise<Owners>;
  readonly masterKey: () => Promise<string | undefined>;
  /** The caller behind a token of an identity provider; absent where none is trusted. Throws GatewayError `authentication`. */
  readonly tokenCaller?: (token: string, headers: Headers) => Promise<TokenCaller>;
  /** Hash of the key that an AWS identity stands for. */
  readonly keyOfRole?: (identity: IamIdentity) => Promise<string | undefined>;
  readonly now: () => number;
}

/** The caller of a token: complete, or known by the key it stands for. */
export type TokenCaller =
  | { readonly caller: Caller; readonly endUser?: string }
  | { readonly keyHash: string; readonly endUser?: string };

/** A caller, and the customer its token speaks for. */
export interface Authenticated {
  readonly caller: Caller;
  readonly endUser?: string;
}

/**
 * The secret of a request, from wherever the SDKs of the field put it. `x-litellm-api-key` wins, for clients that need
 * `Authorization` for something else.
 */
export function secretOf({ headers, query }: Pick<HttpRequest, 'headers' | 'query'>, keyHeader?: string): string | undefined {
  const bearer = (value: string | undefined): string | undefined => value?.replace(/^bearer\s+/i, '').trim();
  // A signature of AWS is no secret: the platform has checked it.
  const authorization = headers['authorization']?.startsWith('AWS4-') === true ? undefined : headers['authorization'];
  return (
    (keyHeader === undefined ? undefined : bearer(headers[keyHeader])) ||
    bearer(headers['x-litellm-api-key']) ||
    bearer(authorization) ||
    headers['x-api-key']?.trim() ||
    headers['api-key']?.trim() ||
    headers['x-goog-api-key']?.trim() ||
    query.get('key') ||
    undefined
  );
}

/** The hash of the master key, made again only when the key changes. */
const masterHash = memoized((secret) => Buffer.from(hashSecret(secret)));

function memoized<T>(make: (text: string) => T): (text: string) => T {
  let known: { readonly text: string; readonly made: T } | undefined;
  return (text) => {
    if (known?.text !== text) known = { text, made: make(text) };
    return known.made;
  };
}

/** True when two hex digests are equal, in constant time. */
const sameDigest = (one: string, other: Uint8Array): boolean => timingSafeEqual(Buffer.from(one), other);

const refuse = (message: string, code: string): GatewayError =>
  new GatewayError('authentication', message, {
    code,
    type: code === 'token_not_found_in_db' || code === 'expired_key' ? code : 'auth_error',
  });

/** How many regenerations of a key are followed from an old secret. */
const MOST_LINKS = 8;

/**
 * The key of a hash. An old secret within its grace period stands for the key that took its place, which has the last word.
 *
 * @throws GatewayError `authentication` for an unknown, expired or blocked key
 */
async function findLiveKey(hash: string, { findKey, now }: AuthenticateDeps): Promise<VirtualKey> {
  let next = hash;
  for (let link = 0; link < MOST_LINKS; link++) {
    const key = await findKey(next);
    if (key === undefined) throw refuse('Unknown API key. It may have been deleted or regenerated.', 'token_not_found_in_db');
    if (key.expiresAt !== undefined && key.expiresAt <= now()) {
      throw refuse(`API key expired at ${new Date(key.expiresAt).toISOString()}.`, 'expired_key');
    }
    if (key.supersededBy === undefined) {
      if (key.blocked) throw refuse("Key is blocked. Update via `/key/unblock` if you're an admin.", 'key_blocked');
      return key;
    }
    next = key.supersededBy;
  }
  throw refuse('This API key was regenerated too often; use the newest secret.', 'token_not_found_in_db');
}

/** A JSON Web Token, by its form: three parts, the first of which begins with `{"` in base64url. */
const isToken = (secret: string): boolean => /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(secret);

/**
 * Lets those addresses and routes pass that may call at all; for routes that need no key as well.
 *
 * @throws GatewayError `permission`
 */
export function requireDoor(request: Pick<DoorRequest, 'ip' | 'path'>, route: string, settings: DoorSettings): void {
  if (!isAllowedAddress(settings.allowedIps, request.ip)) throw addressRefused(request.ip);
  if (isAllowedRoute(settings.allowedRoutes, { route, path: request.path })) return;
  const message = `Route ${route} is not allowed by this gateway. Allowed: ${(settings.allowedRoutes ?? []).join(', ')}.`;
  throw new GatewayError('permission', message, { type: 'auth_error', code: 'route_not_allowed' });
}

/**
 * The caller of a request. An explicit secret counts before the role that signed the request.
 *
 * @throws GatewayError `authentication` for a missing, malformed, unknown, expired or blocked key, `permission` for one that may not be
 *   used from there or for that
 */
export async function authenticateRequest(request: DoorRequest, route: string, deps: AuthenticateDeps): Promise<Authenticated> {
  const asked: AskedRoute = { route, path: request.path };
  requireDoor(request, route, deps);
  const found = await callerOf(request, deps);
  if (found.caller.type === 'key') requireUsable(found.caller, asked, request);
  return found;
}

async function callerOf(request: DoorRequest, deps: AuthenticateDeps): Promise<Authenticated> {
  const secret = secretOf(request, deps.keyHeader);
  if (secret === undefined) {
    const hash = request.iam === undefined ? undefined : await deps.keyOfRole?.(request.iam);
    if (hash !== undefined) return { caller: { ...(await keyCaller(hash, deps)), via: 'role' } };
    throw request.iam === undefined ? noKey() : unmappedRole(request.iam);
  }
  const hash = hashSecret(secret);
  const master = await deps.masterKey();
  if (master !== undefined && sameDigest(hash, masterHash(master))) return { caller: { type: 'master' } };
  if (deps.tokenCaller !== undefined && isToken(secret)) {
    const found = await deps.tokenCaller(secret, request.headers);
    const { endUser } = found;
    const caller: Caller = 'caller' in found ? found.caller : { ...(await keyCaller(found.keyHash, deps)), via: 'token' };
    return { caller, ...(endUser === undefined ? {} : { endUser }) };
  }
  if (!secret.startsWith('sk-')) throw refuse('Malformed API key: keys of this gateway start with "sk-".', 'invalid_api_key');
  return { caller: await keyCaller(hash, deps) };
}

async function keyCaller(hash: string, deps: AuthenticateDeps): Promise<Extract<Caller, { type: 'key' }>> {
  const key = await findLiveKey(hash, deps);
  return { type: 'key', key, ...(await deps.ownersOf(key)) };
}

/** The parts of a key's use that its records decide: nobody above it blocked, this address, this route. */
function requireUsable(caller: Extract<Caller, { type: 'key' }>, asked: AskedRoute, { ip }: DoorRequest): void {
  const { key, team, user, project, organization } = caller;
  const blocked = [
    ['Team', 'team', team],
    ['Project', 'project', project],
    ['User', 'user', user],
    ['Organization', 'organization', organization],
  ] as const;
  for (const [name, kind, record] of blocked) {
    if (record?.blocked === true) {
      throw refuse(`${name}=${record.id} is blocked. Update via \`/${kind}/update\` if you're an admin.`, `${kind}_blocked`);
    }
  }
  if (!isAllowedAddress(key.allowedIps, ip)) throw addressRefused(ip);
  const routes = routesOf(key);
  if (isAllowedRoute(routes, asked)) return;
  const message =
    `Virtual key is not allowed to call this route. Only allowed to call routes: ${(routes ?? []).join(', ')}. ` +
    `Tried to call route: ${asked.path}`;
  throw new GatewayError('permission', message, { type: 'auth_error', code: 'route_not_allowed' });
}

const noKey = (): GatewayError =>
  refuse(
    'No API key. Send it as "Authorization: Bearer sk-...", or in x-api-key, api-key or x-goog-api-key.',
    'invalid_api_key',
  );

const unmappedRole = ({ userArn }: IamIdentity): GatewayError =>
  refuse(`No key is mapped to ${userArn}. An admin maps one with \`/iam/mapping/new\`.`, 'role_not_mapped');

const addressRefused = (ip: string | undefined): GatewayError =>
  new GatewayError('permission', `Access forbidden: IP address ${ip ?? 'unknown'} is not allowed.`, {
    type: 'auth_error',
    code: 'ip_not_allowed',
  });

/** Sets `exchange.caller`, or refuses. */
export function authenticate(deps: AuthenticateDeps): Policy {
  return async function authenticatePolicy(exchange, next) {
    const { caller, endUser } = await authenticateRequest(exchange.request, exchange.route, deps);
    exchange.caller = caller;
    if (endUser !== undefined) exchange.endUser = endUser;
    return next();
  };
}
