/** Tokens that are got in exchange for a credential: the exchange itself, and where tokens wait until they expire. */
import { GatewayError } from '../errors.ts';
import type { Headers } from './message.ts';

/** A small call to a token endpoint. */
export interface TokenCall {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers: Headers;
  readonly body?: string;
}

/** What it answered, whatever the status. */
export interface TokenAnswer {
  readonly status: number;
  readonly text: string;
}

/** Sends such calls. Throws `GatewayError` when there is no answer. */
export type TokenHttp = (call: TokenCall) => Promise<TokenAnswer>;

/** Something that is good until `expiresAt`, milliseconds since the epoch. */
export interface Lease<T> {
  readonly value: T;
  readonly expiresAt: number;
}

/** Leases by key. A key stands for one credential, one endpoint and one kind of value. */
export interface TokenCache {
  /**
   * The value held, or what `obtain` brings; callers at the same time share one exchange. `fresh`: the provider refused the value
   * held, so it is not good any more.
   */
  get<T>(key: string, obtain: () => Promise<Lease<T>>, options?: { readonly fresh?: boolean }): Promise<T>;
}

/** A lease is renewed this long before its end, so that it outlives the call it goes with. */
const MARGIN_MS = 60_000;

/** Most leases held. */
const LEASES_KEPT = 1_000;

/** An empty cache. `now` in milliseconds since the epoch. */
export function createTokenCache(now: () => number): TokenCache {
  const entries = new Map<string, { readonly lease: Promise<Lease<unknown>>; settled: boolean }>();

  function renew<T>(key: string, obtain: () => Promise<Lease<T>>): Promise<Lease<T>> {
    const lease = obtain();
    const entry = { lease, settled: false };
    if (entries.size >= LEASES_KEPT) entries.clear();
    entries.set(key, entry);
    lease.then(
      () => (entry.settled = true),
      () => entries.get(key) === entry && entries.delete(key),
    );
    return lease;
  }

  return {
    async get<T>(key: string, obtain: () => Promise<Lease<T>>, options: { readonly fresh?: boolean } = {}): Promise<T> {
      const held = entries.get(key);
      if (held !== undefined && !(options.fresh === true && held.settled)) {
        const lease = await (held.lease as Promise<Lease<T>>);
        if (lease.expiresAt - MARGIN_MS > now()) return lease.value;
        // While this caller waited, another may have begun to renew.
        const newer = entries.get(key);
        if (newer !== undefined && newer !== held) return (await (newer.lease as Promise<Lease<T>>)).value;
      }
      return (await renew(key, obtain)).value;
    },
  };
}

/** Body of a form. */
export const formOf = (fields: Readonly<Record<string, string>>): string => new URLSearchParams(fields).toString();

/** Content type of a form. */
export const FORM: Headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };

/** How long a token is used whose endpoint does not say how long it lives: seconds. */
const DEFAULT_LIFE_S = 300;

/**
 * Calls a token endpoint that answers as OAuth 2 has it (RFC 6749, section 5.1: `access_token`, `expires_in` in seconds).
 *
 * @throws GatewayError `internal` when the endpoint refuses the credential, `upstream` when it fails. The text holds no secret.
 */
export async function requestToken(http: TokenHttp, call: TokenCall, now: number): Promise<Lease<string>> {
  checkTokenUrl(call.url);
  const answer = answered(await http(call), call.url);
  const value = answer['access_token'] ?? answer['accessToken'];
  if (typeof value !== 'string' || value === '') throw unusable(call.url);
  const lifetime = Number(answer['expires_in'] ?? DEFAULT_LIFE_S);
  return { value, expiresAt: now + (Number.isFinite(lifetime) ? lifetime : DEFAULT_LIFE_S) * 1000 };
}

/**
 * The JSON object a token endpoint answered.
 *
 * @throws GatewayError as `requestToken` does.
 */
export function answered({ status, text }: TokenAnswer, url: string): Readonly<Record<string, unknown>> {
  if (status >= 400) throw refused(status, url);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unusable(url);
  }
  if (typeof value !== 'object' || value === null) throw unusable(url);
  return value as Readonly<Record<string, unknown>>;
}

/** The error for a token endpoint that said no. 429 and 5xx are its own trouble, the rest is the credential's. */
export function refused(status: number, url: string): GatewayError {
  if (status === 429 || status >= 500) {
    return new GatewayError('upstream', `The token endpoint of the provider failed (HTTP ${status}).`, { retryable: true });
  }
  return new GatewayError(
    'internal',
    `The credential of this model was refused by ${new URL(url).host} (HTTP ${status}). The operator of this gateway has to renew it.`,
    { code: 'credential_refused' },
  );
}

const unusable = (url: string): GatewayError =>
  new GatewayError('upstream', `The token endpoint at ${new URL(url).host} answered without a token.`);

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost)$/;

/**
 * Refuses a token endpoint that would get a secret in the clear: anything but https, or loopback.
 *
 * @throws GatewayError `internal`
 */
export function checkTokenUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK.test(url.hostname));
  if (safe) return;
  throw new GatewayError('internal', 'The token endpoint of this model has to be an https address.', {
    code: 'misconfigured_deployment',
  });
}

/** An OAuth client and where it gets its tokens (RFC 6749, section 4.4). */
export interface OAuthClient {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope?: string;
  /** Where the client's id and secret go: as fields of the form (default), or as HTTP Basic. */
  readonly secretIn?: 'form' | 'basic';
}

/** A token by client credentials. Throws as `requestToken` does. */
export function clientCredentialsToken(http: TokenHttp, client: OAuthClient, now: number): Promise<Lease<string>> {
  const { url, clientId, clientSecret, scope } = client;
  const basic = client.secretIn === 'basic';
  const secret = Buffer.from(`${clientId}:${clientSecret}`).toString('base64');
  const body = formOf({
    grant_type: 'client_credentials',
    ...(basic ? {} : { client_id: clientId, client_secret: clientSecret }),
    ...(scope === undefined ? {} : { scope }),
  });
  const headers = basic ? { ...FORM, authorization: `Basic ${secret}` } : FORM;
  return requestToken(http, { method: 'POST', url, headers, body }, now);
}
