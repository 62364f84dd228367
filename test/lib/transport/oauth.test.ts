import { describe, expect, it } from 'vitest';
import {
  checkTokenUrl,
  clientCredentialsToken,
  createTokenCache,
  requestToken,
  type TokenCall,
  type TokenHttp,
} from '../../../lib/transport/oauth.ts';

const answering =
  (status: number, text: string, calls: TokenCall[] = []): TokenHttp =>
  async (call) => {
    calls.push(call);
    return { status, text };
  };

const call = { method: 'POST', url: 'https://auth.example/token', headers: {}, body: 'secret=hush' } as const;

describe('a token', () => {
  it('is what the endpoint answers, for as long as it says', async () => {
    const http = answering(200, '{"access_token":"t1","expires_in":3600}');

    expect(await requestToken(http, call, 1_000)).toEqual({ value: 't1', expiresAt: 3_601_000 });
  });

  it('is kept for a short time when the endpoint does not say how long', async () => {
    expect(await requestToken(answering(200, '{"access_token":"t1"}'), call, 0)).toEqual({ value: 't1', expiresAt: 300_000 });
  });

  it.each([
    [400, '{"error":"invalid_grant"}', { kind: 'internal', retryable: false, detail: { code: 'credential_refused' } }],
    [401, 'hush', { kind: 'internal' }],
    [429, '', { kind: 'upstream', retryable: true }],
    [503, '', { kind: 'upstream', retryable: true }],
    [200, '<html>', { kind: 'upstream' }],
    [200, 'null', { kind: 'upstream' }],
    [200, '{"access_token":""}', { kind: 'upstream' }],
  ])('is not to be had from an answer %i %s', async (status, text, error) => {
    const failing = requestToken(answering(status, text), call, 0);

    await expect(failing).rejects.toMatchObject(error);
    await expect(failing).rejects.toThrow(expect.objectContaining({ message: expect.not.stringMatching(/hush/) }));
  });

  it.each(['http://auth.example/token', 'ftp://auth.example', 'nonsense', 'http://127.0.0.1.evil.example/'])(
    'is never asked for at %s',
    async (url) => {
      const calls: TokenCall[] = [];

      await expect(requestToken(answering(200, '{}', calls), { ...call, url }, 0)).rejects.toThrow(/https/);
      expect(calls).toEqual([]);
    },
  );

  it.each(['https://auth.example', 'http://127.0.0.1:1/token', 'http://localhost/token', 'http://[::1]:8/'])(
    'may be asked for at %s',
    (url) => {
      expect(() => checkTokenUrl(url)).not.toThrow();
    },
  );
});

describe('client credentials', () => {
  const client = { url: call.url, clientId: 'id', clientSecret: 's&1', scope: 'all' };

  it('go into the form', async () => {
    const calls: TokenCall[] = [];
    await clientCredentialsToken(answering(200, '{"access_token":"t"}', calls), client, 0);

    expect(calls[0]?.body).toBe('grant_type=client_credentials&client_id=id&client_secret=s%261&scope=all');
    expect(calls[0]?.headers).not.toHaveProperty('authorization');
  });

  it('or into a header', async () => {
    const calls: TokenCall[] = [];
    const { scope: _scope, ...without } = client;
    await clientCredentialsToken(answering(200, '{"access_token":"t"}', calls), { ...without, secretIn: 'basic' }, 0);

    expect(calls[0]?.body).toBe('grant_type=client_credentials');
    expect(calls[0]?.headers['authorization']).toBe(`Basic ${Buffer.from('id:s&1').toString('base64')}`);
  });
});

describe('the cache of tokens', () => {
  function counted(lifeMs: number) {
    let time = 0;
    let made = 0;
    const cache = createTokenCache(() => time);
    const obtain = async () => ({ value: `t${++made}`, expiresAt: time + lifeMs });
    return { cache, obtain, advance: (ms: number) => (time += ms), made: () => made };
  }

  it('shares one exchange among callers at the same time', async () => {
    const { cache, obtain, made } = counted(3_600_000);

    expect(await Promise.all([1, 2, 3].map(() => cache.get('a', obtain)))).toEqual(['t1', 't1', 't1']);
    expect(await cache.get('b', obtain)).toBe('t2');
    expect(made()).toBe(2);
  });

  it('renews a token a minute before its end, once', async () => {
    const { cache, obtain, advance } = counted(3_600_000);
    await cache.get('a', obtain);
    advance(3_600_000 - 61_000);
    expect(await cache.get('a', obtain)).toBe('t1');
    advance(2_000);

    expect(await Promise.all([1, 2, 3].map(() => cache.get('a', obtain)))).toEqual(['t2', 't2', 't2']);
  });

  it('gives up a token that was refused, but not one that is still on its way', async () => {
    const { cache, obtain } = counted(3_600_000);
    await cache.get('a', obtain);

    const fresh = [1, 2].map(() => cache.get('a', obtain, { fresh: true }));
    expect(await Promise.all(fresh)).toEqual(['t2', 't2']);
  });

  it('keeps no failure', async () => {
    const { cache, obtain } = counted(3_600_000);
    const failing = () => Promise.reject(new Error('no'));

    await expect(cache.get('a', failing)).rejects.toThrow('no');
    expect(await cache.get('a', obtain)).toBe('t1');
  });
});
