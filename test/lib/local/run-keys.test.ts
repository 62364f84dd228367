import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hashSecret } from '../../../lib/domain/key.ts';
import { keptVirtualKey, LOCAL_ALIAS, masterKey } from '../../../lib/local/run-keys.ts';
import { regenerateKey } from '../../../lib/management/keys/key-secrets.ts';
import { openStateFolder, type StateFolder } from '../../../lib/local/state-folder.ts';
import { serveGateway, type Served } from '../../support/gateway.ts';

let folder: StateFolder;
let served: Served;

beforeEach(async () => {
  folder = openStateFolder(mkdtempSync(join(tmpdir(), 'tollgate-keys-')));
  served = await serveGateway('http://127.0.0.1:9');
});
afterEach(async () => {
  await served.close();
  rmSync(folder.path, { recursive: true, force: true });
});

it('takes the master key from the environment, then the config, then what it made before', () => {
  const made = masterKey({}, undefined, folder);

  expect(masterKey({ TOLLGATE_MASTER_KEY: 'sk-1', LITELLM_MASTER_KEY: 'sk-2' }, 'sk-3', folder)).toEqual({
    secret: 'sk-1',
    origin: 'TOLLGATE_MASTER_KEY',
  });
  expect(masterKey({ TOLLGATE_MASTER_KEY: ' ', LITELLM_MASTER_KEY: 'sk-2' }, 'sk-3', folder).origin).toBe('LITELLM_MASTER_KEY');
  expect(masterKey({}, 'sk-3', folder)).toEqual({ secret: 'sk-3', origin: 'config' });
  expect(masterKey({}, undefined, folder)).toEqual(made);
  expect(made.secret).toMatch(/^sk-[\w-]{32}$/);
  expect(masterKey({}, undefined, undefined).secret).not.toBe(made.secret);
});

it('makes the virtual key once', async () => {
  const first = await keptVirtualKey(served.management, folder);
  const second = await keptVirtualKey(served.management, folder);

  expect(second).toBe(first);
  expect(await served.stores.keys.get(hashSecret(first))).toMatchObject({ alias: LOCAL_ALIAS });
});

it('makes the same key again where the tables were lost', async () => {
  const first = await keptVirtualKey(served.management, folder);
  await served.stores.keys.delete(hashSecret(first));

  expect(await keptVirtualKey(served.management, folder)).toBe(first);
  expect(await served.stores.keys.get(hashSecret(first))).toMatchObject({ alias: LOCAL_ALIAS });
});

it('gives the key a new secret where the file was lost', async () => {
  const first = await keptVirtualKey(served.management, folder);
  rmSync(folder.file('virtual-key'));

  const second = await keptVirtualKey(served.management, folder);

  expect(second).not.toBe(first);
  expect(await served.stores.keys.get(hashSecret(first))).toBeUndefined();
  expect(await served.stores.keys.get(hashSecret(second))).toMatchObject({ alias: LOCAL_ALIAS });
});

it('makes another key where that of the kept secret has a new secret and another alias', async () => {
  const { management, stores } = served;
  const first = await keptVirtualKey(management, folder);
  await regenerateKey(management, { type: 'master' }, { key: first, key_alias: 'theirs' });

  const second = await keptVirtualKey(management, folder);

  expect(second).not.toBe(first);
  expect(await stores.keys.get(hashSecret(second))).toMatchObject({ alias: LOCAL_ALIAS });
});
