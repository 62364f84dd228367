import { describe, expect, it } from 'vitest';
import { createCredentials, keyInSecret } from '../../lib/credentials.ts';
import type { SecretStore } from '../../lib/stores/secrets.ts';

const secrets = (values: Record<string, string>): SecretStore => ({
  get: async (name) => values[name],
  put: async () => {},
  create: async () => 'exists',
  delete: async () => {},
});

describe('the key inside a secret', () => {
  it('is the whole text, or the api_key of an object', () => {
    expect(keyInSecret(' sk-1\n')).toBe('sk-1');
    expect(keyInSecret('{"api_key":"sk-2"}')).toBe('sk-2');
    expect(keyInSecret('{"other":"x"}')).toBeUndefined();
  });
});

describe('a credential', () => {
  const resolve = createCredentials(secrets({ here: '{"api_key":"sk-secret"}' }), { GROQ_API_KEY: 'gsk', EMPTY: '' });

  it('is found wherever its reference points', async () => {
    expect(await resolve({ type: 'none' })).toBeUndefined();
    expect(await resolve({ type: 'value', value: 'v' })).toBe('v');
    expect(await resolve({ type: 'env', name: 'GROQ_API_KEY' })).toBe('gsk');
    expect(await resolve({ type: 'secret', name: 'here' })).toBe('sk-secret');
  });

  it.each([
    [{ type: 'env', name: 'EMPTY' } as const, 'EMPTY'],
    [{ type: 'env', name: 'MISSING' } as const, 'MISSING'],
    [{ type: 'secret', name: 'gone' } as const, 'gone'],
  ])('that is missing says so to the operator: %o', async (ref, name) => {
    await expect(resolve(ref)).rejects.toMatchObject({ kind: 'internal', detail: { code: 'credential_missing' } });
    await expect(resolve(ref)).rejects.toThrow(name);
  });
});
