import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../../lib/errors.ts';
import { startSecretsManager, type SecretsManager } from '../../../lib/local/secrets-manager.ts';
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
