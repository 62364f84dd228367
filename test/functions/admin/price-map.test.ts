/** Prices from a price map on a real server, over real HTTP. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpClient } from '../../../lib/transport/http.ts';
import { aMap, anEntry } from '../../support/price-map.ts';
import { sendJson, sendText, startUpstream, type Script, type Upstream } from '../../support/upstream.ts';
import { personOf } from './people.ts';
import { createAdmin, type Admin } from './support.ts';

const http = createHttpClient();
let host: Upstream;
let elsewhere: Server;
let visits = 0;
beforeAll(async () => {
  host = await startUpstream(sendJson(aMap));
  elsewhere = createServer((_request, response) => {
    visits++;
    response.end(JSON.stringify(aMap));
  });
  await new Promise<void>((done) => void elsewhere.listen(0, '127.0.0.1', done));
});
afterAll(async () => {
  await http.close();
  await host.close();
  elsewhere.close();
});

const withMap = (): Admin => createAdmin({ http, priceMapUrl: `${host.url}/map.json?token=hidden` });
const reload = (admin: Admin) => admin.call('POST', '/reload/model_cost_map');
const source = async (admin: Admin) => (await admin.call('GET', '/model/cost_map/source')).body;

describe('without a price map', () => {
  it('prices are those of the release, and nothing can be reloaded or scheduled', async () => {
    const admin = createAdmin();
    expect(await source(admin)).toMatchObject({
      source: 'local',
      url: null,
      is_env_forced: true,
      fallback_reason: null,
      updated_at: null,
      version: admin.deps.catalog.bundled.version,
    });
    for (const [method, path] of [
      ['POST', '/reload/model_cost_map'],
      ['POST', '/schedule/model_cost_map_reload?hours=6'],
      ['DELETE', '/schedule/model_cost_map_reload'],
    ] as const) {
      const { status, body } = await admin.call(method, path);
      expect(status, path).toBe(400);
      expect(JSON.stringify(body), path).toContain('come with the release');
    }
    expect((await admin.call('GET', '/schedule/model_cost_map_reload/status')).body).toEqual({
      scheduled: false,
      interval_hours: null,
      last_run: null,
      next_run: null,
    });
  });
});

describe('a price map', () => {
  it('is fetched, compared and told of: what is new, what changed, what was not taken', async () => {
    host.answer(sendJson({ ...aMap, 'gpt-4o': anEntry({ input_cost_per_token: 0 }) }));
    const admin = withMap();
    const { status, body } = await reload(admin);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'success',
      models_count: 3,
      new_models: 1,
      changed_models: 1,
      refused_models: 1,
      refused: [{ model: 'gpt-4o', reason: expect.stringContaining('what the release says stays') as string }],
    });
    expect(await source(admin)).toMatchObject({
      source: 'remote',
      url: `${host.url}/map.json`,
      is_env_forced: false,
      fallback_reason: null,
      version: body['version'],
      model_count: admin.deps.catalog.bundled.size + 1,
    });
    expect(admin.outputs.join('')).not.toContain('hidden');
    expect(admin.changes.count).toBe(1);
  });

  const cut: Script = (_seen, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write(JSON.stringify(aMap).slice(0, 300));
    setImmediate(() => response.destroy());
  };
  const endless: Script = (_seen, response) => {
    response.writeHead(200);
    const part = 'x'.repeat(1_048_576);
    const more = (left: number): void => {
      if (left > 0 && !response.destroyed) response.write(part, () => more(left - 1));
      else response.end();
    };
    more(20);
  };
  const bomb: Script = (_seen, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(gzipSync(Buffer.alloc(64 * 1_048_576)));
  };
  const away: Script = (_seen, response) => {
    const { port } = elsewhere.address() as AddressInfo;
    response.writeHead(302, { location: `http://127.0.0.1:${port}/` });
    response.end();
  };
  it.each<[string, Script, string]>([
    ['answers with an error', sendJson({}, 500), 'it answered 500'],
    ['sends us elsewhere', away, 'redirects are not followed'],
    ['breaks off in the middle', cut, 'could not be fetched'],
    ['never ends', endless, 'longer than 8388608 bytes'],
    ['is a small thing that unpacks to a large one', bomb, 'longer than 8388608 bytes'],
    ['is a page', sendText('<html>sign in</html>', 200, 'text/html'), 'no price map'],
    ['is something else', sendJson({ models: [] }), 'no price map'],
  ])('changes nothing where its host %s, and says why', async (_what, script, reason) => {
    const admin = withMap();
    host.answer(sendJson(aMap));
    const { body: first } = await reload(admin);
    host.answer(script);
    const { status, body } = await reload(admin);
    expect(status).toBe(502);
    expect(JSON.stringify(body)).toContain(reason);
    expect(JSON.stringify(body)).not.toContain('hidden');
    expect(await source(admin)).toMatchObject({
      source: 'remote',
      version: first['version'],
      fallback_reason: expect.stringContaining(reason) as string,
    });
    expect(visits).toBe(0);
  });

  it('is nowhere: that is said', async () => {
    const admin = createAdmin({ http, priceMapUrl: 'http://127.0.0.1:9/map.json' });
    expect(await reload(admin)).toMatchObject({ status: 502 });
  });
});

describe('the schedule of reloads', () => {
  it('is set, told and cancelled', async () => {
    const admin = withMap();
    host.answer(sendJson(aMap));
    const status = async () => (await admin.call('GET', '/schedule/model_cost_map_reload/status')).body;
    const { body } = await admin.call('POST', '/schedule/model_cost_map_reload?hours=6');
    expect(body).toMatchObject({ interval_hours: 6, message: 'Model cost map reload scheduled for every 6 hours' });
    const now = new Date(admin.clock.now).toISOString();
    expect(await status()).toEqual({ scheduled: true, interval_hours: 6, last_run: null, next_run: now });
    await reload(admin);
    const next = new Date(admin.clock.now + 6 * 3_600_000).toISOString();
    expect(await status()).toEqual({ scheduled: true, interval_hours: 6, last_run: now, next_run: next });
    await admin.call('DELETE', '/schedule/model_cost_map_reload');
    expect(await status()).toEqual({ scheduled: false, interval_hours: null, last_run: null, next_run: null });
  });

  it.each(['', '?hours=0', '?hours=-1', '?hours=1.5', '?hours=99999', '?hours=six'])(
    'takes whole hours, not "%s"',
    async (query) => {
      expect(await withMap().call('POST', `/schedule/model_cost_map_reload${query}`)).toMatchObject({
        status: 400,
        body: { error: { param: 'hours' } },
      });
    },
  );

  it('is for proxy admins to set, and for viewers to see', async () => {
    const admin = withMap();
    const viewer = await personOf(admin, 'v', 'proxy_admin_viewer');
    const user = await personOf(admin, 'u', 'internal_user');
    const status = async (method: string, path: string, key: string) => (await admin.call(method, path, { key })).status;
    for (const path of ['/model/cost_map/source', '/schedule/model_cost_map_reload/status']) {
      expect([await status('GET', path, viewer), await status('GET', path, user)], path).toEqual([200, 403]);
    }
    for (const path of ['/reload/model_cost_map', '/schedule/model_cost_map_reload?hours=1']) {
      expect(await status('POST', path, viewer), path).toBe(403);
    }
    expect(await status('DELETE', '/schedule/model_cost_map_reload', viewer)).toBe(403);
  });
});
