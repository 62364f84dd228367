import { describe, expect, it } from 'vitest';
import { readTokenSettings } from '../../../lib/auth/settings.ts';

const read = (settings: object) =>
  readTokenSettings(JSON.stringify({ public_key_url: 'https://idp.example/keys', ...settings }));

describe('settings of tokens', () => {
  it('take one address or several', () => {
    expect(read({}).public_key_url).toEqual(['https://idp.example/keys']);
    expect(read({ public_key_url: 'https://a.example, https://b.example' }).public_key_url).toEqual([
      'https://a.example',
      'https://b.example',
    ]);
  });

  it.each([
    [{ public_key_url: 'http://idp.example/keys' }, 'public_key_url: expected https'],
    [{ public_key_url: 'https://user:pass@idp.example/keys' }, 'public_key_url'],
    [{ public_key_url: 'file:///etc/passwd' }, 'public_key_url'],
    [{ custom_validate: 'my.function' }, 'not supported; leave it out'],
    [{ jwt_litellm_role_map: [] }, 'not supported; leave it out'],
    [{ unregistered_jwt_client_behavior: 'auto_register' }, 'unregistered_jwt_client_behavior: expected'],
    [{ object_id_jwt_field: 'oid' }, 'needs role_mappings'],
    [{ user_roles_jwt_field: 'roles' }, 'one needs the other'],
    [{ leeway: -1 }, 'leeway'],
  ])('refuse %j', (settings, said) => {
    expect(() => read(settings)).toThrow(said);
  });

  it('refuse what is no JSON', () => {
    expect(() => readTokenSettings('{')).toThrow('expected a JSON object');
  });
});
