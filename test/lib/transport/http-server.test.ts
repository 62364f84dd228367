import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GatewayError } from '../../../lib/errors.ts';
import { createHttpClient } from '../../../lib/transport/http.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../../lib/transport/http-server.ts';
import type { HttpReply, HttpRequest } from '../../../lib/transport/message.ts';
import { exchangeRaw } from './loopback.ts';

const json = (status: number, value: unknown): HttpReply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(JSON.stringify(value)),
});

const ok = (): Promise<HttpReply> => Promise.resolve(json(200, { ok: true }));

interface Running extends HttpServer {
  readonly port: number;
  readonly errors: unknown[];
}

async function serve(options: Partial<HttpServerOptions>): Promise<Running> {
  const errors: unknown[] = [];
  const server = createHttpServer({
    handle: ok,
    renderRefusal: (path, error) => json(error.status, { path, kind: error.kind, message: error.message }),
    maxBodyBytes: 1024,
    onError: (error) => errors.push(error),
    ...options,
  });
  const { port } = await server.listen(0, '127.0.0.1');
  onTestFinished(() => server.close(0));
  return { ...server, port, errors };
}

async function call(port: number, path: string, body?: Uint8Array | string, headers: Record<string, string> = {}) {
  const http = createHttpClient();
  const answer = await http.send({
    url: `http://127.0.0.1:${port}${path}`,
    method: body === undefined ? 'GET' : 'POST',
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const text = Buffer.from(await answer.bytes(100_000_000)).toString();
  await http.close();
  return { status: answer.status, headers: answer.headers, text };
}

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

describe('a request', () => {
  it('arrives whole', async () => {
    let seen: HttpRequest | undefined;
    let receivedAt = 0;
    const { port } = await serve({
      now: () => 42,
      handle: (request, context) => {
        seen = request;
        ({ receivedAt } = context);
        return ok();
      },
    });

    await call(port, '/v1/models/a%2Fb?x=1&x=2', Buffer.from('{"é":1}'), { 'X-Api-Key': 'k' });

    expect(seen).toMatchObject({ method: 'POST', path: '/v1/models/a%2Fb', ip: '127.0.0.1', headers: { 'x-api-key': 'k' } });
    expect(seen?.query.getAll('x')).toEqual(['1', '2']);
    expect(Buffer.from(seen?.body ?? []).toString()).toBe('{"é":1}');
    expect(receivedAt).toBe(42);
  });

  it('may repeat headers, send the absolute form and come in chunks', async () => {
    let seen: HttpRequest | undefined;
    const { port } = await serve({
      handle: (request) => {
        seen = request;
        return ok();
      },
    });

    await exchangeRaw(
      port,
      'POST http://proxy.example/v1/x?y=1 HTTP/1.1\r\nhost: h\r\nx-a: 1\r\nx-a: 2\r\nauthorization: Bearer a\r\nauthorization: Bearer b\r\n' +
        'transfer-encoding: chunked\r\nconnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    );

    expect(seen).toMatchObject({ path: '/v1/x', headers: { 'x-a': '1, 2', authorization: 'Bearer a, Bearer b' } });
    expect(Buffer.from(seen?.body ?? []).toString()).toBe('abcde');
  });

  it('may follow another before that one is answered, and is answered in order', async () => {
    const { port } = await serve({ handle: (request) => Promise.resolve(json(200, { path: request.path })) });

    const text = await exchangeRaw(
      port,
      'GET /one HTTP/1.1\r\nhost: h\r\n\r\nGET /two HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n',
    );

    expect(text.match(/"path":"\/\w+"/g)).toEqual(['"path":"/one"', '"path":"/two"']);
  });

  it('for the head only gets no body', async () => {
    const { port } = await serve({});

    const text = await exchangeRaw(port, 'HEAD / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n');

    expect(text).toContain('content-length: 11');
    expect(text.endsWith('\r\n\r\n')).toBe(true);
  });
});

describe('a reply', () => {
  it('carries status, headers and bytes', async () => {
    const { port } = await serve({
      handle: () => Promise.resolve({ status: 418, headers: { 'x-a': 'b' }, body: Buffer.from('tea') }),
    });

    expect(await call(port, '/')).toMatchObject({ status: 418, headers: { 'x-a': 'b', 'content-length': '3' }, text: 'tea' });
  });

  it('without content has none', async () => {
    const { port } = await serve({ handle: () => Promise.resolve({ status: 204, headers: {}, body: new Uint8Array() }) });

    const answer = await call(port, '/');

    expect([answer.status, answer.text, answer.headers['content-length']]).toEqual([204, '', undefined]);
  });

  it('streams: head first, then each piece as it comes', async () => {
    let next = (): void => undefined;
    async function* body(): AsyncGenerator<Uint8Array> {
      for (const text of ['data: 1\n\n', 'data: 2\n\n']) {
        await new Promise<void>((resolve) => (next = resolve));
        yield Buffer.from(text);
      }
    }
    const { port } = await serve({
      handle: () => Promise.resolve({ status: 200, headers: { 'content-type': 'text/event-stream' }, body: body() }),
    });
    const http = createHttpClient();

    const answer = await http.send({ url: `http://127.0.0.1:${port}/`, method: 'POST', headers: {}, body: '{}' });
    const seen: string[] = [];
    next();
    for await (const chunk of answer.body) {
      seen.push(Buffer.from(chunk).toString());
      next();
    }
    await http.close();

    expect(seen).toEqual(['data: 1\n\n', 'data: 2\n\n']);
  });

  it('waits for a reader that is slower than the body', async () => {
    const size = 64;
    let made = 0;
    async function* body(): AsyncGenerator<Uint8Array> {
      for (; made < size; made++) yield Buffer.alloc(1024 * 1024);
    }
    const { port } = await serve({ handle: () => Promise.resolve({ status: 200, headers: {}, body: body() }) });
    const http = createHttpClient();

    const answer = await http.send({ url: `http://127.0.0.1:${port}/`, method: 'POST', headers: {}, body: '{}' });
    for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
    const madeUnread = made;
    const { byteLength } = await answer.bytes(size * 1024 * 1024);
    await http.close();

    expect(madeUnread).toBeLessThan(size);
    expect(byteLength).toBe(size * 1024 * 1024);
  });

  it('whose body throws is cut, not ended as if it were whole', async () => {
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('data: 1\n\n');
      throw new Error('broke');
    }
    const { port, errors } = await serve({ handle: () => Promise.resolve({ status: 200, headers: {}, body: body() }) });

    await expect(call(port, '/', '{}')).rejects.toMatchObject({ kind: 'upstream' });
    expect(errors).toEqual([new Error('broke')]);
  });

  it('of a handler that rejects is a rendered error', async () => {
    const { port, errors } = await serve({ handle: () => Promise.reject(new Error('secret detail')) });

    const answer = await call(port, '/v1/messages', '{}');

    expect(answer.status).toBe(500);
    expect(JSON.parse(answer.text)).toMatchObject({ path: '/v1/messages', kind: 'internal' });
    expect(answer.text).not.toContain('secret detail');
    expect(errors).toEqual([new Error('secret detail')]);
  });

  it('whose headers cannot be sent is a rendered error, and its stream still runs to its end', async () => {
    let ended = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      yield* pieces('a', 'b');
      ended = true;
    }
    const { port, errors } = await serve({
      handle: () => Promise.resolve({ status: 200, headers: { 'x-model': '模型' }, body: body() }),
    });

    const answer = await call(port, '/', '{}');

    expect(answer.status).toBe(500);
    expect(ended).toBe(true);
    expect(errors).toHaveLength(1);
  });
});

describe('a client that leaves', () => {
  it('in mid-stream aborts the signal and ends the body', async () => {
    let aborted = (): void => undefined;
    let returned = (): void => undefined;
    const gone = new Promise<void>((resolve) => (aborted = resolve));
    const over = new Promise<void>((resolve) => (returned = resolve));
    const { port } = await serve({
      handle: (_request, { signal }) => {
        const left = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        signal.addEventListener('abort', aborted);
        async function* body(): AsyncGenerator<Uint8Array> {
          try {
            yield Buffer.from('data: 1\n\n');
            await left;
            yield Buffer.from('data: 2\n\n');
          } finally {
            returned();
          }
        }
        return Promise.resolve({ status: 200, headers: {}, body: body() });
      },
    });

    await exchangeRaw(port, 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}', 'data: 1');

    await gone;
    await over;
  });

  it('before its body is in is never handled', async () => {
    let handled = 0;
    const { port, server } = await serve({
      handle: () => {
        handled++;
        return ok();
      },
    });
    const left = new Promise<void>((resolve) =>
      server.on('request', (request) => request.on('close', () => setImmediate(resolve))),
    );

    const socket = connect(port, '127.0.0.1', () => {
      socket.write('POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\nhalf', () => socket.destroy());
    });

    await left;
    expect(handled).toBe(0);
  });

  it('after a whole answer aborts nothing', async () => {
    let signal: AbortSignal | undefined;
    const running = await serve({
      handle: (_request, context) => {
        ({ signal } = context);
        return ok();
      },
    });

    await call(running.port, '/', '{}');
    await running.close();

    expect(signal?.aborted).toBe(false);
  });
});

describe('a body over the limit', () => {
  it('that says so is refused at once, before it is here, and its connection will be closed', async () => {
    const { port } = await serve({});

    const text = await exchangeRaw(port, 'POST /v1/messages HTTP/1.1\r\nhost: h\r\ncontent-length: 99999999\r\n\r\n', '}');

    expect(text).toMatch(/^HTTP\/1.1 413 /);
    expect(text.toLowerCase()).toContain('connection: close');
    expect(text).toContain('"path":"/v1/messages","kind":"too_large"');
  });

  it('is heard out before it is refused where Lambda sends it, which reads no answer before that', async () => {
    const { port, server } = await serve({ forwarded: true });
    const answered: number[] = [];
    let sent = 0;
    server.on('request', (_, response) => response.on('finish', () => answered.push(sent)));

    const text = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write('POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 2048\r\n\r\n', () => {
          sent = 2048;
          setImmediate(() => socket.write('x'.repeat(2048)));
        });
      });
      socket.on('data', (bytes) => resolve(bytes.toString()));
    });

    expect(text).toMatch(/^HTTP\/1.1 413 /);
    expect(answered).toEqual([2048]);
  });

  it.each([false, true])('is thrown away and refused in the words of its path (behind Lambda: %s)', async (forwarded) => {
    const { port } = await serve({ forwarded });

    const answer = await call(port, '/v1/messages', Buffer.alloc(5 * 1024 * 1024));

    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.text)).toEqual({
      path: '/v1/messages',
      kind: 'too_large',
      message: 'The request body is larger than the 1024 bytes allowed.',
    });
  });

  it('is noticed when no length was declared', async () => {
    const { port } = await serve({});

    const text = await exchangeRaw(
      port,
      `POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n800\r\n${'x'.repeat(2048)}\r\n0\r\n\r\n`,
    );

    expect(text).toMatch(/^HTTP\/1.1 413 /);
  });

  it('that never ends is refused after a while and its connection closed', async () => {
    const { port } = await serve({});
    const chunk = Buffer.alloc(1024 * 1024);

    const text = await new Promise<string>((resolve) => {
      let received = '';
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(`POST / HTTP/1.1\r\nhost: h\r\ncontent-length: ${2 ** 40}\r\n\r\n`);
        const pump = (): void => {
          while (!socket.destroyed && socket.write(chunk));
        };
        socket.on('drain', pump);
        pump();
      });
      socket.on('data', (bytes) => (received += bytes.toString()));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(received));
    });

    expect(text).toMatch(/^HTTP\/1.1 413 /);
    expect(text.toLowerCase()).toContain('connection: close');
  });

  it('leaves the connection usable when all of it was read', async () => {
    const { port } = await serve({ forwarded: true });
    const big = `POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2048\r\n\r\n${'x'.repeat(2048)}`;

    const text = await exchangeRaw(port, `${big}GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n`);

    expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
  });
});

describe('what is no HTTP', () => {
  const bodyOf = (text: string): unknown => JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));

  it('because its headers are a bomb is answered 431 in the words of its path', async () => {
    const { port } = await serve({});

    const text = await exchangeRaw(port, `GET /v1/messages?a=1 HTTP/1.1\r\nhost: h\r\nx: ${'y'.repeat(1024 * 1024)}\r\n\r\n`);

    expect(text).toMatch(/^HTTP\/1.1 431 Request Header Fields Too Large\r\n/);
    expect(text).toContain('connection: close');
    expect(bodyOf(text)).toEqual({
      path: '/v1/messages',
      kind: 'headers_too_large',
      message: 'The request headers are too large.',
    });
  });

  it('at all is answered 400', async () => {
    const { port } = await serve({});

    const text = await exchangeRaw(port, 'I am no HTTP client\r\n\r\n');

    expect(text).toMatch(/^HTTP\/1.1 400 Bad Request\r\n/);
    expect(bodyOf(text)).toMatchObject({ path: '/', kind: 'invalid_request' });
  });

  it('because it names no host is answered 400 in the words of its path', async () => {
    const { port } = await serve({});

    const [without, old] = await Promise.all([
      exchangeRaw(port, 'GET /v1/messages HTTP/1.1\r\n\r\n'),
      exchangeRaw(port, 'GET / HTTP/1.0\r\n\r\n'),
    ]);

    expect(without).toMatch(/^HTTP\/1.1 400 /);
    expect(bodyOf(without)).toEqual({
      path: '/v1/messages',
      kind: 'invalid_request',
      message: 'The request has no Host header, which HTTP/1.1 asks for.',
    });
    expect(old).toMatch(/^HTTP\/1.1 200 /);
  });

  it('because two lengths disagree is answered 400', async () => {
    const { port } = await serve({});

    const text = await exchangeRaw(
      port,
      'POST /v1/x HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    );

    expect(text).toMatch(/^HTTP\/1.1 400 /);
  });

  it('does not corrupt the answer of the request before it', async () => {
    let answer = (): void => undefined;
    const { port } = await serve({
      handle: () => new Promise((resolve) => (answer = () => resolve(json(200, {})))),
    });

    const text = await exchangeRaw(port, 'GET / HTTP/1.1\r\nhost: h\r\n\r\nGARBAGE\r\n\r\n');
    answer();

    expect(text).toBe('');
  });

  it('does not stop the server', async () => {
    const { port } = await serve({});

    await Promise.all([
      exchangeRaw(port, '\u0000\u0001\u0002'.repeat(1000)),
      exchangeRaw(port, 'GET / HTTP/9.9\r\n\r\n'),
      exchangeRaw(port, 'GET /a b HTTP/1.1\r\n\r\n'),
    ]);

    expect((await call(port, '/')).status).toBe(200);
  });
});

describe('the server', () => {
  it('says when its port is taken', async () => {
    const { port } = await serve({});
    const second = createHttpServer({ handle: ok, renderRefusal: () => json(500, {}), maxBodyBytes: 1 });

    await expect(second.listen(port, '127.0.0.1')).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('waits for replies and what hangs on them before it is closed', async () => {
    const order: string[] = [];
    let settle = (): void => undefined;
    const running = await serve({
      handle: () =>
        Promise.resolve({
          ...json(200, {}),
          done: new Promise<void>((resolve) => (settle = resolve)).then(() => order.push('settled')),
        }),
    });
    await call(running.port, '/', '{}');

    const closing = running.close().then(() => order.push('closed'));
    settle();
    await closing;

    expect(order).toEqual(['settled', 'closed']);
  });

  it('cuts replies that outlast the grace', async () => {
    let reason: unknown;
    let began = (): void => undefined;
    const handling = new Promise<void>((resolve) => (began = resolve));
    const running = await serve({
      handle: (_request, { signal }) =>
        new Promise((resolve) => {
          began();
          signal.addEventListener('abort', () => {
            reason = signal.reason;
            resolve(json(499, {}));
          });
        }),
    });
    const client = exchangeRaw(running.port, 'POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n{}');
    await handling;

    await running.close(1);

    expect(await client).toBe('');
    expect(reason).toBeInstanceOf(GatewayError);
  });
});
