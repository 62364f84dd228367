import { createVerify, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { googleToken, type GoogleExchange } from '../../../lib/transport/google-oauth.ts';
import type { TokenAnswer, TokenCall } from '../../../lib/transport/oauth.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

const account = {
  type: 'service_account',
  client_email: 'caller@acme.iam.gserviceaccount.com',
  private_key: privateKey,
  private_key_id: 'k1',
  token_uri: 'http://127.0.0.1:9/token',
};

const TOKEN = { status: 200, text: '{"access_token":"ya29","expires_in":3599}' };
const now = Date.UTC(2026, 10, 22);

function exchange(answers: Record<string, TokenAnswer> = {}, more: Partial<GoogleExchange> = {}) {
  const calls: TokenCall[] = [];
  const parts: GoogleExchange = {
    http: async (call) => {
      calls.push(call);
      return answers[call.url] ?? TOKEN;
    },
    now,
    ...more,
  };
  return { calls, parts, form: (index = 0) => Object.fromEntries(new URLSearchParams(calls[index]?.body)) };
}

const part = (jwt: string, index: number): unknown =>
  JSON.parse(Buffer.from(jwt.split('.')[index] ?? '', 'base64url').toString());

describe('a service account', () => {
  it('signs an assertion that its public key verifies, and gets a token for it', async () => {
    const { parts, calls, form } = exchange();

    expect(await googleToken(JSON.stringify(account), parts)).toEqual({ value: 'ya29', expiresAt: now + 3_599_000 });
    expect(calls[0]?.url).toBe(account.token_uri);
    const { assertion = '', grant_type: grant } = form();
    expect(grant).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    expect(part(assertion, 0)).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'k1' });
    expect(part(assertion, 1)).toEqual({
      iss: account.client_email,
      scope: 'https://www.googleapis.com/auth/cloud-platform',
      aud: account.token_uri,
      iat: now / 1000,
      exp: now / 1000 + 3600,
    });
    const [header, claims, signature = ''] = assertion.split('.');
    expect(createVerify('RSA-SHA256').update(`${header}.${claims}`).verify(publicKey, signature, 'base64url')).toBe(true);
  });

  it.each([
    ['no JSON', 'nope', /expected the JSON/],
    ['a list', '["a"]', /type: expected/],
    ['null', 'null', /JSON object/],
    ['another type', '{"type":"other"}', /type: expected/],
    ['no key', JSON.stringify({ ...account, private_key: undefined }), /private_key: missing/],
    ['a broken key', JSON.stringify({ ...account, private_key: 'top secret' }), /private_key: not a PEM key/],
    ['a token endpoint in the clear', JSON.stringify({ ...account, token_uri: 'http://evil.example' }), /https/],
  ])('with %s is refused without a word of its secrets', async (_name, text, hint) => {
    const { parts, calls } = exchange();

    const failing = googleToken(text, parts);
    await expect(failing).rejects.toThrow(hint);
    await expect(failing).rejects.toMatchObject({ kind: 'internal', message: expect.not.stringContaining('top secret') });
    expect(calls).toEqual([]);
  });
});

describe('a user', () => {
  it('has a refresh token', async () => {
    const { parts, calls, form } = exchange();
    const user = { type: 'authorized_user', client_id: 'c', client_secret: 's', refresh_token: 'r' };

    expect((await googleToken(JSON.stringify(user), parts)).value).toBe('ya29');
    expect(calls[0]?.url).toBe('https://oauth2.googleapis.com/token');
    expect(form()).toEqual({ grant_type: 'refresh_token', client_id: 'c', client_secret: 's', refresh_token: 'r' });
  });
});

describe('a workload identity', () => {
  const external = {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: 'https://sts.googleapis.com/v1/token',
  };
  const withSource = (source: object, more: object = {}): string =>
    JSON.stringify({ ...external, ...more, credential_source: source });

  it('shows the token in a file', async () => {
    const { parts, form } = exchange({}, { readFile: async (path) => `${path}-content\n` });

    await googleToken(withSource({ file: '/var/token' }), parts);
    expect(form()).toMatchObject({ subject_token: '/var/token-content', audience: external.audience });
  });

  it('shows a field of the JSON in a file', async () => {
    const { parts, form } = exchange({}, { readFile: async () => '{"id_token":"inner"}' });

    await googleToken(withSource({ file: 'x', format: { type: 'json', subject_token_field_name: 'id_token' } }), parts);
    expect(form()['subject_token']).toBe('inner');
  });

  it('reads no file where files must not be read', async () => {
    await expect(googleToken(withSource({ file: '/proc/self/environ' }), exchange().parts)).rejects.toThrow(
      /only a config file/,
    );
  });

  it('shows what a local endpoint answers', async () => {
    const url = 'http://127.0.0.1:5/identity';
    const { parts, calls, form } = exchange({ [url]: { status: 200, text: 'from-url' } });

    await googleToken(withSource({ url, headers: { metadata: 'true' } }), parts);
    expect(calls[0]).toEqual({ method: 'GET', url, headers: { metadata: 'true' } });
    expect(form(1)['subject_token']).toBe('from-url');
    await expect(googleToken(withSource({ url }), exchange({ [url]: { status: 500, text: '' } }).parts)).rejects.toMatchObject({
      kind: 'upstream',
    });
  });

  it('shows a signed call that names the AWS role', async () => {
    const source = {
      environment_id: 'aws1',
      regional_cred_verification_url: 'https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15',
    };
    const keys = { accessKeyId: 'AKID', secretAccessKey: 'hush', sessionToken: 'session' };
    const { parts, form } = exchange({}, { aws: { keys, region: 'eu-west-1' } });

    await googleToken(withSource(source), parts);
    const proof = JSON.parse(decodeURIComponent(form()['subject_token'] ?? '')) as {
      url: string;
      headers: { key: string; value: string }[];
    };
    expect(proof.url).toBe('https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15');
    const headers = Object.fromEntries(proof.headers.map(({ key, value }) => [key, value]));
    expect(headers).toMatchObject({
      host: 'sts.eu-west-1.amazonaws.com',
      'x-amz-security-token': 'session',
      'x-goog-cloud-target-resource': external.audience,
    });
    expect(headers['authorization']).toMatch(/SignedHeaders=host;x-amz-date;x-amz-security-token/);
    expect(JSON.stringify(proof)).not.toContain('hush');
    await expect(googleToken(withSource(source), exchange().parts)).rejects.toThrow(/no AWS role/);
  });

  it.each([
    ['another action', 'https://sts.{region}.amazonaws.com?Action=AssumeRole&RoleArn=x', {}, /GetCallerIdentity/],
    ['two actions', 'https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Action=AssumeRole', {}, /GetCallerIdentity/],
    ['another host', 'https://sts.amazonaws.com.evil.test?Action=GetCallerIdentity', {}, /GetCallerIdentity/],
    [
      'another reader',
      'https://sts.{region}.amazonaws.com?Action=GetCallerIdentity',
      { token_url: 'https://sts.googleapis.com.evil.test' },
      /outside of googleapis/,
    ],
  ])('signs nothing with the AWS role for %s', async (_name, url, more, message) => {
    const keys = { accessKeyId: 'AKID', secretAccessKey: 'hush' };
    const { parts, calls } = exchange({}, { aws: { keys, region: 'eu-west-1' } });
    const source = { environment_id: 'aws1', regional_cred_verification_url: url };
    await expect(googleToken(withSource(source, more), parts)).rejects.toThrow(message);
    expect(calls).toEqual([]);
  });

  it('may act as a service account', async () => {
    const url = 'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b:generateAccessToken';
    const text = '{"accessToken":"as-account","expireTime":"2026-11-22T01:00:00Z"}';
    const { parts, calls } = exchange({ [url]: { status: 200, text } }, { readFile: async () => 'subject' });

    const lease = await googleToken(withSource({ file: 'f' }, { service_account_impersonation_url: url }), parts);
    expect(lease).toEqual({ value: 'as-account', expiresAt: now + 3_600_000 });
    expect(calls[1]?.headers['authorization']).toBe('Bearer ya29');
    expect(JSON.parse(calls[1]?.body ?? '')).toMatchObject({ lifetime: '3600s' });

    const longer = { service_account_impersonation_url: url, service_account_impersonation: { token_lifetime_seconds: 7200 } };
    await googleToken(withSource({ file: 'f' }, longer), parts);
    expect(JSON.parse(calls.at(-1)?.body ?? '')).toMatchObject({ lifetime: '7200s' });
  });

  it.each([
    ['a program', { executable: { command: '/bin/token' } }],
    ['a certificate', { certificate: { use_default_certificate_config: true } }],
  ])('shows nothing of %s, and says what it could', async (_name, source) => {
    await expect(googleToken(withSource(source), exchange().parts)).rejects.toThrow(
      /expected environment_id \(AWS\), file or url/,
    );
  });
});
