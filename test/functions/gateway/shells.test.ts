import { request as send } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { openToPages } from '../../../functions/gateway/pages.ts';
import { createUrlHandler } from '../../../functions/gateway/url.ts';
import type { Service } from '../../../functions/gateway/shell.ts';
import { startWeb } from '../../../functions/gateway/web.ts';
import type { ShellContext } from '../../../lib/gateway.ts';
import { createCors } from '../../../lib/transport/cors.ts';
import type { HttpRequest } from '../../../lib/transport/message.ts';
import { serveHandler } from '../../support/url-front.ts';

const MAX_BODY_BYTES = 1_000;
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** What a shell serves in these tests, and what it was told. */
interface Probe extends Service {
  readonly seen: { readonly request: HttpRequest; readonly context: ShellContext }[];
}

function aService(handle: Service['handle']): Probe {
  const seen: Probe['seen'][number][] = [];
  return {
    seen,
    handle: (request, context) => {
      seen.push({ request, context });
      return handle(request, context);
    },
    refuse: async (path, error) => ({
      status: error.status,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ path, kind: error.kind, message: error.message })),
    }),
  };
}

/** A running shell; `ended` resolves when it has let go of every request. */
interface Running {
  readonly url: string;
  readonly lines: unknown[];
  ended(): Promise<unknown>;
}

async function startUrl(service: Service): Promise<Running> {
  const lines: unknown[] = [];
  const log = (...line: unknown[]): void => void lines.push(line);
  const front = await serveHandler(createUrlHandler({ service, log, maxBodyBytes: MAX_BODY_BYTES }));
  stops.push(() => front.stop());
  return { url: front.url, lines, ended: () => front.idle() };
}

async function startOnWeb(service: Service): Promise<Running> {
  const lines: unknown[] = [];
  const log = (...line: unknown[]): void => void lines.push(line);
  const server = await startWeb({ service, log, maxBodyBytes: MAX_BODY_BYTES, host: '127.0.0.1', port: 0 });
  stops.push(() => server.stop(0));
  return { url: `http://127.0.0.1:${server.port}`, lines, ended: () => server.stop() };
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const json = { 'content-type': 'application/json' };

describe.each(Object.entries({ url: startUrl, web: startOnWeb }))('%s shell', (_, start) => {
  test('hands over method, path, query, headers, bytes and address as they came', async () => {
    const service = aService(async () => ({ status: 200, headers: json, body: bytes('{}') }));
    const { url } = await start(service);
    const body = Buffer.from([0, 255, 10, 195, 40]);

    await send(`${url}/v1/models/a%2Fb?key=one&key=two%20words`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', 'X-Trace': 'Abc', cookie: 'a=1; b=2' },
      body,
    });

    const [{ request } = {}] = service.seen;
    expect(request).toMatchObject({ method: 'POST', path: '/v1/models/a%2Fb', ip: '127.0.0.1' });
    expect(request?.query.getAll('key')).toEqual(['one', 'two words']);
    expect(request?.headers).toMatchObject({ 'x-trace': 'Abc', cookie: 'a=1; b=2' });
    expect(Buffer.from(request?.body ?? [])).toEqual(body);
  });

  test('writes status, headers and bytes as the service gave them', async () => {
    const service = aService(async () => ({ status: 429, headers: { ...json, 'retry-after': '7' }, body: bytes('{"a":"ü"}') }));
    const { url } = await start(service);

    const answer = await send(`${url}/v1/chat/completions`, { method: 'POST', body: '{}' });

    expect(answer.statusCode).toBe(429);
    expect(answer.headers).toMatchObject({ 'content-type': 'application/json', 'retry-after': '7' });
    expect(await answer.body.text()).toBe('{"a":"ü"}');
  });

  test('writes an answer without a body', async () => {
    const service = aService(async () => ({ status: 204, headers: {}, body: new Uint8Array() }));
    const { url } = await start(service);

    const answer = await send(url, { method: 'GET' });

    expect(answer.statusCode).toBe(204);
    expect(await answer.body.text()).toBe('');
  });

  test('sends each chunk when it is there, not at the end', async () => {
    let seenByClient: (() => void) | undefined;
    const service = aService(async () => ({
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: (async function* chunks() {
        for (const word of ['one', 'two', 'three']) {
          const seen = new Promise<void>((resolve) => (seenByClient = resolve));
          yield bytes(`data: ${word}\n\n`);
          await seen;
        }
      })(),
    }));
    const { url } = await start(service);

    const arrived: string[] = [];
    const answer = await send(url, { method: 'POST', body: '{}' });
    for await (const chunk of answer.body) {
      arrived.push(String(chunk));
      seenByClient?.();
    }

    expect(arrived).toEqual(['data: one\n\n', 'data: two\n\n', 'data: three\n\n']);
  });

  test('does not let go of a request before what counts is done', async () => {
    const steps: string[] = [];
    const settle = Promise.withResolvers<void>();
    const service = aService(async () => ({
      status: 200,
      headers: json,
      body: bytes('{}'),
      done: settle.promise.then(() => steps.push('settled')),
    }));
    const running = await start(service);

    await (await send(running.url, { method: 'POST', body: '{}' })).body.text();
    const over = running.ended().then(() => steps.push('let go'));
    steps.push('client has all');
    settle.resolve();
    await over;

    expect(steps).toEqual(['client has all', 'settled', 'let go']);
  });

  test('refuses a body over the limit in the words of the service, and does not hand it over', async () => {
    const service = aService(async () => ({ status: 200, headers: json, body: bytes('{}') }));
    const { url } = await start(service);

    const fits = await send(`${url}/v1/messages`, { method: 'POST', body: 'x'.repeat(MAX_BODY_BYTES) });
    const tooLong = await send(`${url}/v1/messages`, { method: 'POST', body: 'x'.repeat(MAX_BODY_BYTES + 1) });

    expect(fits.statusCode).toBe(200);
    expect(tooLong.statusCode).toBe(413);
    expect(await tooLong.body.json()).toMatchObject({ path: '/v1/messages', kind: 'too_large' });
    expect(service.seen).toHaveLength(1);
  });

  test('answers the question of a browser by itself, and shows pages answers, streams and refusals', async () => {
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield bytes('data: 1\n\n');
    }
    const service = aService(async ({ path }) => {
      if (path === '/fails') throw new Error('a bug');
      return { status: 200, headers: json, body: path === '/stream' ? stream() : bytes('{}') };
    });
    const { url } = await start(openToPages(service, createCors(['*'])));
    const origin = 'https://chat.example.com';
    const post = async (path: string, body: string, headers: Record<string, string> = { origin }) => {
      const answer = await send(url + path, { method: 'POST', body, headers });
      await answer.body.text();
      return [answer.statusCode, answer.headers['access-control-allow-origin'], answer.headers['content-type']];
    };

    const asked = await send(`${url}/v1/messages`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-api-key' },
    });

    expect(asked.statusCode).toBe(204);
    expect(asked.headers).toMatchObject({ 'access-control-allow-origin': '*', 'access-control-allow-headers': 'x-api-key' });
    expect(service.seen).toHaveLength(0);
    expect(await post('/v1/messages', '{}')).toEqual([200, '*', 'application/json']);
    expect(await post('/stream', '{}')).toEqual([200, '*', 'application/json']);
    expect(await post('/v1/messages', 'x'.repeat(MAX_BODY_BYTES + 1))).toEqual([413, '*', 'application/json']);
    expect(await post('/fails', '{}')).toEqual([500, '*', 'application/json']);
    expect(await post('/v1/messages', '{}', {})).toEqual([200, undefined, 'application/json']);
  });

  test('answers in the words of the service when the service itself fails, logs it, and goes on', async () => {
    let calls = 0;
    const service = aService(async () => {
      if (++calls === 1) throw new Error('a bug');
      return { status: 200, headers: json, body: bytes('{}') };
    });
    const { url, lines } = await start(service);

    const failed = await send(`${url}/v1/messages`, { method: 'POST', body: '{}' });
    const next = await send(url, { method: 'POST', body: '{}' });

    expect(failed.statusCode).toBe(500);
    const text = await failed.body.text();
    expect(JSON.parse(text)).toMatchObject({ path: '/v1/messages', kind: 'internal' });
    expect(text).not.toContain('a bug');
    expect(lines).toEqual([['error', 'a request failed outside the onion', { error: { name: 'Error', message: 'a bug' } }]]);
    expect(next.statusCode).toBe(200);
  });

  test('survives a body that throws, which none should', async () => {
    let calls = 0;
    const service = aService(async () => ({
      status: 200,
      headers: { 'content-type': 'text/event-stream' },
      body: (async function* chunks() {
        yield bytes('data: one\n\n');
        if (++calls === 1) throw new Error('a bug');
      })(),
    }));
    const { url, lines } = await start(service);

    await (await send(url, { method: 'POST', body: '{}' })).body.text().catch(() => undefined);
    const next = await send(url, { method: 'POST', body: '{}' });

    expect(await next.body.text()).toBe('data: one\n\n');
    expect(lines).toHaveLength(1);
  });

  test('gives the service fifteen minutes less a margin', async () => {
    const service = aService(async () => ({ status: 200, headers: json, body: bytes('{}') }));
    const { url } = await start(service);

    await send(url, { method: 'POST', body: '{}' });

    const [{ context } = {}] = service.seen;
    expect((context?.deadline ?? 0) - (context?.receivedAt ?? 0)).toBe(885_000);
  });
});

describe('url shell', () => {
  test('gives no abort signal, since a function URL never says that a client left', async () => {
    const service = aService(async () => ({ status: 200, headers: json, body: bytes('{}') }));
    const { url } = await startUrl(service);

    await send(url, { method: 'POST', body: '{}' });

    expect(service.seen[0]?.context).not.toHaveProperty('signal');
  });
});

describe('web shell', () => {
  test('aborts the signal when the client leaves in mid-stream', async () => {
    const left = Promise.withResolvers<void>();
    const service = aService(async (_request, { signal }) => {
      signal?.addEventListener('abort', () => left.resolve());
      return {
        status: 200,
        headers: { 'content-type': 'text/event-stream' },
        body: (async function* chunks() {
          yield bytes('data: one\n\n');
          await left.promise;
        })(),
      };
    });
    const { url } = await startOnWeb(service);

    const answer = await send(url, { method: 'POST', body: '{}' });
    answer.body.destroy();

    await expect(left.promise).resolves.toBeUndefined();
  });

  test('answers 503 and when to come again beyond its limit, and serves again below it', async () => {
    const first = Promise.withResolvers<void>();
    const service = aService(async () => ({ status: 200, headers: json, body: bytes('{}'), done: first.promise }));
    const log = (): void => undefined;
    const server = await startWeb({ service, log, maxBodyBytes: MAX_BODY_BYTES, host: '127.0.0.1', port: 0, maxConcurrent: 1 });
    stops.push(() => server.stop(0));
    const url = `http://127.0.0.1:${server.port}/v1/messages`;

    await (await send(url, { method: 'POST', body: '{}' })).body.text();
    const refused = await send(url, { method: 'POST', body: '{}' });
    first.resolve();
    await first.promise;
    const served = await send(url, { method: 'POST', body: '{}' });

    expect(refused.statusCode).toBe(503);
    expect(await refused.body.json()).toMatchObject({ path: '/v1/messages', kind: 'overloaded' });
    expect(served.statusCode).toBe(200);
  });

  test('rejects a port that is taken', async () => {
    const service = aService(async () => ({ status: 200, headers: json, body: bytes('{}') }));
    const options = { service, log: () => undefined, maxBodyBytes: MAX_BODY_BYTES, host: '127.0.0.1' };
    const server = await startWeb({ ...options, port: 0 });
    stops.push(() => server.stop(0));

    await expect(startWeb({ ...options, port: server.port })).rejects.toThrow('EADDRINUSE');
  });
});
