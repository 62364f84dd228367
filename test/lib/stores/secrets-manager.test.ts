import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GatewayError } from '../../../lib/errors.ts';
import { startSecretsManager, type SecretsManager } from '../../../lib/local/secrets-manager.ts';
import { LAMBDA, leadingTo } from '../../support/dynoxide.ts';
import { sendJson, startUpstream } from '../../support/upstream.ts';
import { createSecretStore, type SecretStoreOptions } from '../../../lib/stores/secrets-manager/index.ts';

let emulator: SecretsManager;
beforeAll(async () => {
  emulator = await startSecretsManager();
});
afterAll(() => emulator.close());

/** A process of its own: its cache is empty. */
const aStore = (over: SecretStoreOptions = {}) =>
  createSecretStore({
    endpoint: emulator.url,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    random: () => 0,
    ...over,
  });

describe('secrets on Secrets Manager', () => {
  it('creates, replaces and deletes a value; the prefix is part of the name in the service', async () => {
    const store = aStore({ prefix: 'tollgate/' });

    await store.put('credential/a', 'one');
    await store.put('credential/a', 'two');

    expect(await store.get('credential/a')).toBe('two');
    expect(await aStore().get('tollgate/credential/a')).toBe('two');
    await store.delete('credential/a');
    await store.delete('credential/a');
    expect(await store.get('credential/a')).toBeUndefined();
    expect(await aStore().get('tollgate/credential/a')).toBeUndefined();
  });

  it('lets racing writers of a new name all succeed', async () => {
    await Promise.all(['one', 'two', 'three'].map((value) => aStore().put('race', value)));

    expect(['one', 'two', 'three']).toContain(await aStore().get('race'));
  });

  it('lets one of many racing creators of a name win, and the others know', async () => {
    const outcomes = await Promise.all(['one', 'two', 'three'].map((value) => aStore().create('first', value)));

    expect(outcomes.toSorted()).toEqual(['created', 'exists', 'exists']);
    const winner = ['one', 'two', 'three'][outcomes.indexOf('created')];
    expect(await aStore().get('first')).toBe(winner);
  });

  it('trusts a value for its time, then reads it again', async () => {
    let now = 0;
    const store = aStore({ ttlMs: 1_000, now: () => now });
    await aStore().put('aging', 'old');
    await store.get('aging');
    await aStore().put('aging', 'new');

    now = 999;
    expect(await store.get('aging')).toBe('old');
    now = 1_000;
    expect(await store.get('aging')).toBe('new');
  });

  it('spreads the time of values, so that environments do not refresh in step', async () => {
    let now = 0;
    const store = aStore({ ttlMs: 1_000, now: () => now, random: () => 0.5 });
    await aStore().put('jitter', 'old');
    await store.get('jitter');
    await aStore().put('jitter', 'new');

    now = 900;

    expect(await store.get('jitter')).toBe('new');
  });

  it('reads past the cache when asked for a fresh value', async () => {
    const store = aStore();
    await aStore().put('rotated', 'old');
    await store.get('rotated');
    await aStore().put('rotated', 'new');

    expect(await store.get('rotated', { fresh: true })).toBe('new');
    expect(await store.get('rotated')).toBe('new');
  });

  it('keeps a value it knows while the service does not answer, but fails a fresh read', async () => {
    const dying = await startSecretsManager();
    let now = 0;
    const store = aStore({ endpoint: dying.url, ttlMs: 1_000, now: () => now });
    await store.put('known', 'value');
    await dying.close();
    now = 5_000;

    expect(await store.get('known')).toBe('value');
    const failure = await store.get('known', { fresh: true }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(GatewayError);
    expect(failure).toMatchObject({ kind: 'overloaded', status: 503, detail: { code: 'store_unavailable' } });
  });

  it('asks once for many who ask at the same time', async () => {
    let asked = 0;
    const counting = createServer((_, response) => {
      asked++;
      response.setHeader('content-type', 'application/x-amz-json-1.1').end('{"SecretString":"value"}');
    }).listen(0, '127.0.0.1');
    await once(counting, 'listening');
    const store = aStore({ endpoint: `http://127.0.0.1:${(counting.address() as AddressInfo).port}` });

    const values = await Promise.all(Array.from({ length: 20 }, () => store.get('popular')));
    counting.close();
    counting.closeAllConnections();

    expect(new Set(values)).toEqual(new Set(['value']));
    expect(asked).toBe(1);
  });
});

describe('secrets read in a Lambda function', () => {
  const KEYS = { region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };

  it('come without the SDK, under the right name, from the right place', async () => {
    const service = await startUpstream(sendJson({ SecretString: 'value' }));
    const urls: string[] = [];
    const http = leadingTo(service.url);
    const store = createSecretStore({
      ...KEYS,
      prefix: 'tollgate/',
      environment: LAMBDA,
      http: { ...http, send: (call) => (urls.push(call.url), http.send(call)) },
    });

    expect(await store.get('master')).toBe('value');

    expect(urls).toEqual(['https://secretsmanager.us-east-1.amazonaws.com/']);
    const [seen] = service.seen;
    expect(seen?.body).toEqual({ SecretId: 'tollgate/master' });
    expect(seen?.headers).toMatchObject({
      'x-amz-target': 'secretsmanager.GetSecretValue',
      'content-type': 'application/x-amz-json-1.1',
    });
    expect(seen?.headers.authorization).toContain('/us-east-1/secretsmanager/aws4_request');
    expect(seen?.headers['amz-sdk-invocation-id']).toBeUndefined();
    await http.close();
    await service.close();
  });

  it('are read from the same service as with the SDK, whether they exist or not', async () => {
    const http = leadingTo(emulator.url);
    const store = createSecretStore({ ...KEYS, environment: LAMBDA, http });
    await aStore().put('known', 'value');

    expect(await store.get('known')).toBe('value');
    expect(await store.get('unknown')).toBeUndefined();
    await http.close();
  });

  for (const [name, fault] of [
    ['refused', sendJson({ __type: 'ExpiredTokenException' }, 400)],
    ['answered with no object', sendJson('busy', 503)],
  ] as const) {
    it(`are the SDK's to read where the short read is ${name}`, async () => {
      const service = await startUpstream(fault);
      const http = leadingTo(service.url);
      const store = createSecretStore({ ...KEYS, environment: LAMBDA, http });
      await aStore().put('second', 'by the SDK');
      vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', emulator.url);

      expect(await store.get('second')).toBe('by the SDK');

      expect(service.seen).toHaveLength(1);
      vi.unstubAllEnvs();
      await http.close();
      await service.close();
    });
  }
});
