import { describe, expect, it } from 'vitest';
import { hashSecret, type VirtualKey } from '../../../lib/domain/key.ts';
import { authenticate, authenticateRequest, secretOf, type AuthenticateDeps } from '../../../lib/policies/authenticate.ts';
import type { HttpRequest } from '../../../lib/transport/message.ts';
import { aKey, anExchange, aReply, aRequest, NOW } from '../../support/exchange.ts';

const deps = (keys: readonly VirtualKey[] = [], masterKey?: string): AuthenticateDeps => ({
  ownersOf: async () => ({}),
  findKey: async (hash) => keys.find((key) => key.hash === hash),
  masterKey: async () => masterKey,
  now: () => NOW,
});

const ROUTE = '/v1/chat/completions';

/** Who calls with this secret, from this request. */
const callerOf = async (
  secret: string | undefined,
  given: AuthenticateDeps,
  over: Partial<HttpRequest> = {},
  route = ROUTE,
) => {
  const headers = { ...(secret === undefined ? {} : { authorization: `Bearer ${secret}` }), ...over.headers };
  return (await authenticateRequest(aRequest({ ...over, headers }), route, given)).caller;
};

it.each(['abc', 'sk-1', 'eyJhbGciOiJIUzI1NiJ9.e30.x'])('the master key is known whatever its form: %s', async (secret) => {
  const given = { ...deps([], secret), tokenCaller: () => Promise.reject(new Error('no token')) };

  expect(await callerOf(secret, given)).toEqual({ type: 'master' });
  await expect(callerOf(`${secret}d`, deps([], secret))).rejects.toMatchObject({ status: 401 });
});

describe('the secret of a request', () => {
  it.each([
    ['authorization', 'Bearer sk-1'],
    ['authorization', 'bearer sk-1'],
    ['x-api-key', 'sk-1'],
    ['api-key', 'sk-1'],
    ['x-goog-api-key', 'sk-1'],
    ['x-litellm-api-key', 'sk-1'],
    ['x-litellm-api-key', 'Bearer sk-1'],
  ])('is found in %s: %s', (name, value) => {
    expect(secretOf(aRequest({ headers: { [name]: value } }))).toBe('sk-1');
  });

  it('is found in ?key=', () => {
    expect(secretOf(aRequest({ query: new URLSearchParams('key=sk-1') }))).toBe('sk-1');
  });

  it('is taken from x-litellm-api-key when the others are there too', () => {
    const headers = { authorization: 'Bearer upstream', 'x-litellm-api-key': 'sk-mine' };
    expect(secretOf(aRequest({ headers }))).toBe('sk-mine');
  });

  it('is taken from the header that the operator names before all others', () => {
    expect(secretOf(aRequest({ headers: { 'x-litellm-api-key': 'sk-1', 'x-corp-key': 'Bearer sk-2' } }), 'x-corp-key')).toBe(
      'sk-2',
    );
  });

  it('is no signature of AWS', () => {
    expect(secretOf(aRequest({ headers: { authorization: 'AWS4-HMAC-SHA256 Credential=x' } }))).toBeUndefined();
  });

  it('is missing when no place holds one', () => {
    expect(secretOf(aRequest({ headers: { authorization: 'Bearer ' } }))).toBeUndefined();
  });
});

describe('authentication', () => {
  it('knows the master key', async () => {
    expect(await callerOf('sk-master', deps([], 'sk-master'))).toEqual({ type: 'master' });
  });

  it('takes a master key of any shape', async () => {
    expect(await callerOf('plain words', deps([], 'plain words'))).toEqual({ type: 'master' });
  });

  it('finds a key by the hash of its secret', async () => {
    const key = aKey({ hash: hashSecret('sk-one') });
    expect(await callerOf('sk-one', deps([key], 'sk-master'))).toEqual({ type: 'key', key });
  });

  it.each([
    ['a missing key', undefined, 'invalid_api_key'],
    ['a malformed key', 'hello', 'invalid_api_key'],
    ['an unknown key', 'sk-unknown', 'token_not_found_in_db'],
    ['an expired key', 'sk-expired', 'expired_key'],
    ['a blocked key', 'sk-blocked', 'key_blocked'],
  ])('refuses %s with 401', async (_name, secret, code) => {
    const keys = [
      aKey({ hash: hashSecret('sk-expired'), expiresAt: NOW }),
      aKey({ hash: hashSecret('sk-blocked'), blocked: true }),
    ];
    const refusal = callerOf(secret, deps(keys, 'sk-master'));
    await expect(refusal).rejects.toMatchObject({ kind: 'authentication', status: 401, detail: { code } });
  });

  it('never repeats the secret in a refusal', async () => {
    const error = await callerOf('sk-very-secret', deps()).catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error) + String(error)).not.toContain('very-secret');
  });

  it('puts the caller on the exchange and goes on', async () => {
    const exchange = anExchange({ request: aRequest({ headers: { authorization: 'Bearer sk-master' } }) });
    await authenticate(deps([], 'sk-master'))(exchange, async () => aReply());
    expect(exchange.caller).toEqual({ type: 'master' });
  });
});

describe('a key within its grace period', () => {
  const old = aKey({ hash: hashSecret('sk-old'), supersededBy: hashSecret('sk-new'), expiresAt: NOW + 1 });
  const fresh = aKey({ hash: hashSecret('sk-new'), origin: old.hash, rpmLimit: 3 });

  it('stands for the key that took its place', async () => {
    expect(await callerOf('sk-old', deps([old, fresh]))).toEqual({ type: 'key', key: fresh });
  });

  it('is refused once its time is over, and whenever the new key is blocked, expired or gone', async () => {
    const refusals: (readonly [readonly VirtualKey[], string])[] = [
      [[{ ...old, expiresAt: NOW }, fresh], 'expired_key'],
      [[old, { ...fresh, blocked: true }], 'key_blocked'],
      [[old, { ...fresh, expiresAt: NOW }], 'expired_key'],
      [[old], 'token_not_found_in_db'],
      [[{ ...old, supersededBy: old.hash }], 'token_not_found_in_db'],
    ];
    for (const [keys, code] of refusals) {
      await expect(callerOf('sk-old', deps(keys))).rejects.toMatchObject({ status: 401, detail: { code } });
    }
  });
});

describe('where a key may be used', () => {
  const key = (over: Partial<VirtualKey>) => aKey({ hash: hashSecret('sk-one'), ...over });

  it('are the addresses of its list, of both families', async () => {
    const given = deps([key({ allowedIps: ['192.0.2.0/24', '2001:db8::1'] })]);
    for (const ip of ['192.0.2.77', '::ffff:192.0.2.77', '2001:db8::1']) {
      expect(await callerOf('sk-one', given, { ip })).toMatchObject({ type: 'key' });
    }
    for (const over of [{ ip: '192.0.3.1' }, { ip: '2001:db8::2' }, { ip: 'nonsense' }, {}]) {
      await expect(callerOf('sk-one', given, over)).rejects.toMatchObject({ status: 403, detail: { code: 'ip_not_allowed' } });
    }
  });

  it('are the addresses of the gateway, for the master key too, before the key is looked at', async () => {
    const given = { ...deps([], 'sk-master'), allowedIps: ['10.0.0.0/8'], findKey: () => Promise.reject(new Error('asked')) };
    expect(await callerOf('sk-master', given, { ip: '10.1.2.3' })).toEqual({ type: 'master' });
    await expect(callerOf('sk-master', given, { ip: '11.0.0.1' })).rejects.toMatchObject({ status: 403 });
    await expect(callerOf('sk-unknown', given, { ip: '11.0.0.1' })).rejects.toMatchObject({
      detail: { code: 'ip_not_allowed' },
    });
  });

  it.each([
    ['llm_api', '/v1/chat/completions', true],
    ['llm_api', '/key/generate', false],
    ['management', '/v1/chat/completions', false],
    ['management', '/key/generate', true],
    ['read_only', '/v1/models', true],
    ['read_only', '/v1/messages', false],
    ['default', '/v1/messages', true],
    ['default', '/key/info', true],
  ] as const)('follows from its type: %s, %s: %s', async (type, route, allowed) => {
    const asked = callerOf('sk-one', deps([key({ type })]), { path: route }, route);
    if (allowed) expect(await asked).toMatchObject({ type: 'key' });
    else await expect(asked).rejects.toMatchObject({ status: 403, detail: { type: 'auth_error' } });
  });

  it('is said by its own list before its type, and the refusal names it', async () => {
    const given = deps([key({ type: 'management', allowedRoutes: ['/v1/messages'] })]);
    expect(await callerOf('sk-one', given, { path: '/v1/messages' }, '/v1/messages')).toMatchObject({ type: 'key' });
    await expect(callerOf('sk-one', given)).rejects.toThrow(
      'Only allowed to call routes: /v1/messages. Tried to call route: /v1/chat',
    );
  });

  it('ends for everybody where the gateway takes a route away', async () => {
    const given = { ...deps([], 'sk-master'), allowedRoutes: ['llm_api_routes'] };
    expect(await callerOf('sk-master', given)).toEqual({ type: 'master' });
    await expect(callerOf('sk-master', given, { path: '/key/generate' }, '/key/generate')).rejects.toMatchObject({
      status: 403,
    });
  });
});

describe('those above a key', () => {
  it.each(['team', 'project', 'user', 'organization'])('block it with a 401 that says who did: %s', async (kind) => {
    const given = {
      ...deps([aKey({ hash: hashSecret('sk-one') })]),
      ownersOf: async () => ({ [kind]: { id: 'x1', blocked: true } }),
    };
    const refusal = callerOf('sk-one', given);
    await expect(refusal).rejects.toMatchObject({ status: 401, detail: { type: 'auth_error', code: `${kind}_blocked` } });
    await expect(refusal).rejects.toThrow(`=x1 is blocked. Update via \`/${kind}/`);
  });
});

describe('a role of AWS', () => {
  const iam = { userArn: 'arn:aws:sts::1:assumed-role/app/session', accountId: '1', callerId: 'A:session' };
  const key = aKey({ hash: 'h' });

  it('calls with the key it is mapped to', async () => {
    const given = { ...deps([key]), keyOfRole: async () => 'h' };
    expect(await callerOf(undefined, given, { iam })).toEqual({ type: 'key', key, via: 'role' });
  });

  it('is refused when it is mapped to none, and when its key is blocked or gone', async () => {
    await expect(callerOf(undefined, deps(), { iam })).rejects.toMatchObject({
      status: 401,
      detail: { code: 'role_not_mapped' },
    });
    const blocked = { ...deps([{ ...key, blocked: true }]), keyOfRole: async () => 'h' };
    await expect(callerOf(undefined, blocked, { iam })).rejects.toMatchObject({ detail: { code: 'key_blocked' } });
    const gone = { ...deps(), keyOfRole: async () => 'h' };
    await expect(callerOf(undefined, gone, { iam })).rejects.toMatchObject({ detail: { code: 'token_not_found_in_db' } });
  });

  it('counts only without a secret', async () => {
    const one = aKey({ hash: hashSecret('sk-one') });
    const given = { ...deps([key, one]), keyOfRole: async () => 'h' };
    expect(await callerOf(undefined, given, { iam, headers: { 'x-api-key': 'sk-one' } })).toEqual({ type: 'key', key: one });
  });
});
