/** One suite for every place of bodies: memory, a folder, and S3's protocol spoken by a server of our own. */
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBodyFolder } from '../../../lib/local/bodies.ts';
import type { BodyRecord, BodyStore } from '../../../lib/stores/bodies.ts';
import { createBodyStore as inMemory } from '../../../lib/stores/memory/bodies.ts';
import { createBodyStore as onS3 } from '../../../lib/stores/s3/index.ts';

const AT = Date.UTC(2026, 10, 22);
const aRecord = (over: Partial<BodyRecord> = {}): BodyRecord => ({
  id: 'call',
  at: AT,
  keyHash: 'k',
  request: { contentType: 'application/json', bytes: 2, json: { text: 'ü' } },
  response: { bytes: 0, text: '' },
  ...over,
});

const folder = mkdtempSync(join(tmpdir(), 'tollgate-bodies-'));
const objects = new Map<string, { readonly body: Buffer; readonly encoding: string | undefined }>();
const server = createServer((request, response) => {
  void (async () => {
    const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '');
    if (request.method === 'PUT') {
      objects.set(path, { body: await buffer(request), encoding: request.headers['content-encoding'] });
      response.end();
      return;
    }
    const found = objects.get(path);
    if (path.includes('broken')) response.writeHead(500).end();
    else if (found === undefined) response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
    else response.end(found.body);
  })();
});

const stores: Record<string, BodyStore> = { memory: inMemory(), 'a folder': createBodyFolder(folder, 30, () => AT) };
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  stores['S3'] = onS3({ bucket: 'b', endpoint, region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'y' } });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

describe.each(['memory', 'a folder', 'S3'])('bodies in %s', (name) => {
  it('come back as they were put, and others are not there', async () => {
    const store = stores[name] as BodyStore;
    await store.put(aRecord());

    expect(await store.get('call', AT)).toEqual(aRecord());
    expect(await store.get('other', AT)).toBeUndefined();
  });
});

describe('bodies', () => {
  it('lie in a bucket by day, gzipped, in a place no id can leave', async () => {
    await stores['S3']?.put(aRecord({ id: '../../x' }));

    const [path, object] = [...objects].at(-1) ?? [];
    expect(path).toContain('/b/2026-11-22/');
    expect(path?.split('/')).toHaveLength(4);
    expect(JSON.parse(gunzipSync(object?.body ?? Buffer.alloc(0)).toString())).toMatchObject({ id: '../../x' });
    await expect(stores['S3']?.get('broken', AT)).rejects.toMatchObject({ kind: 'overloaded' });
  });

  it('leave a folder when their time is over', async () => {
    let now = AT;
    const store = createBodyFolder(join(folder, 'aging'), 30, () => now);
    await store.put(aRecord());
    now = AT + 31 * 86_400_000;
    await store.put(aRecord({ id: 'late', at: now }));

    expect(readdirSync(join(folder, 'aging'))).toEqual(['2026-12-23']);
  });
});
