import { describe, expect, it } from 'vitest';
import { hashSecret, type VirtualKey } from '../../../lib/domain/key.ts';
import { authenticate, authenticateSecret, secretOf, type AuthenticateDeps } from '../../../lib/policies/authenticate.ts';
import { aKey, anExchange, aReply, aRequest, NOW } from '../../support/exchange.ts';

const deps = (keys: readonly VirtualKey[] = [], masterKey?: string): AuthenticateDeps => ({
  ownersOf: async () => ({}),
  findKey: async (hash) => keys.find((key) => key.hash === hash),
  masterKey: async () => masterKey,
  now: () => NOW,
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

  it('is missing when no place holds one', () => {
    expect(secretOf(aRequest({ headers: { authorization: 'Bearer ' } }))).toBeUndefined();
  });
});

describe('authentication', () => {
  it('knows the master key', async () => {
    expect(await authenticateSecret('sk-master', deps([], 'sk-master'))).toEqual({ type: 'master' });
  });

  it('takes a master key of any shape', async () => {
    expect(await authenticateSecret('plain words', deps([], 'plain words'))).toEqual({ type: 'master' });
  });

  it('finds a key by the hash of its secret', async () => {
    const key = aKey({ hash: hashSecret('sk-one') });
    expect(await authenticateSecret('sk-one', deps([key], 'sk-master'))).toEqual({ type: 'key', key });
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
    const refusal = authenticateSecret(secret, deps(keys, 'sk-master'));
    await expect(refusal).rejects.toMatchObject({ kind: 'authentication', status: 401, detail: { code } });
  });

  it('never repeats the secret in a refusal', async () => {
    const error = await authenticateSecret('sk-very-secret', deps()).catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error) + String(error)).not.toContain('very-secret');
  });

  it('puts the caller on the exchange and goes on', async () => {
    const exchange = anExchange({ request: aRequest({ headers: { authorization: 'Bearer sk-master' } }) });
    await authenticate(deps([], 'sk-master'))(exchange, async () => aReply());
    expect(exchange.caller).toEqual({ type: 'master' });
  });
});
