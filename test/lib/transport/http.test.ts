import { createGzip, gzipSync, brotliCompressSync, deflateSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { GatewayError } from '../../../lib/errors.ts';
import { createHttpClient, type HttpCall, type HttpClient, type HttpClientOptions } from '../../../lib/transport/http.ts';
import { httpUpstream, tcpUpstream } from './loopback.ts';

function client(options?: HttpClientOptions): HttpClient {
  const http = createHttpClient(options);
  onTestFinished(() => http.close());
  return http;
}

const post = (url: string, more: Partial<HttpCall> = {}): HttpCall => ({
  url,
  method: 'POST',
  headers: {},
  body: '{}',
  ...more,
});

const textOf = async (body: AsyncIterable<Uint8Array>): Promise<string> => {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
};

/** undici gives a connection free one turn of the event loop after its answer. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const whole = async (http: HttpClient, call: HttpCall): Promise<string> => {
  const answer = await http.send(call);
  const text = await textOf(answer.body);
  await turn();
  return text;
};

const failure = async (work: Promise<unknown>): Promise<GatewayError> => {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(GatewayError);
  return thrown as GatewayError;
};

describe('a call', () => {
  it('sends method, path, query, headers and body, and asks for no compression', async () => {
    const base = await httpUpstream((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () =>
        response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body })),
      );
    });

    const answer = await client().send(
      post(`${base}/v1/x?y=1`, { headers: { 'x-api-key': 'k' }, body: Buffer.from('{"a":1}') }),
    );

    expect(JSON.parse(await textOf(answer.body))).toMatchObject({
      method: 'POST',
      url: '/v1/x?y=1',
      headers: { 'x-api-key': 'k', 'accept-encoding': 'identity', 'content-length': '7' },
      body: '{"a":1}',
    });
  });

  it('gives status and headers of any answer, repeated headers joined', async () => {
    const base = await httpUpstream((_request, response) => {
      response.writeHead(429, [
        ['Retry-After', '7'],
        ['X-Many', 'a'],
        ['X-Many', 'b'],
      ]);
      response.end('slow down');
    });

    const answer = await client().send(post(base));

    expect(answer.status).toBe(429);
    expect(answer.headers).toMatchObject({ 'retry-after': '7', 'x-many': 'a, b' });
    expect(Buffer.from(await answer.bytes(100)).toString()).toBe('slow down');
  });

  it('skips interim answers', async () => {
    const base = await tcpUpstream((socket) => {
      socket.on('data', () =>
        socket.write('HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
      );
    });

    const answer = await client().send(post(base));

    expect([answer.status, await textOf(answer.body)]).toEqual([200, 'ok']);
  });

  it('uses a connection again', async () => {
    const ports = new Set<number | undefined>();
    const base = await httpUpstream((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('ok');
    });
    const http = client();

    for (let i = 0; i < 5; i++) await whole(http, post(base));

    expect(ports.size).toBe(1);
  });

  it('opens new connections after a pause by the wall clock', async () => {
    const ports = new Set<number | undefined>();
    const base = await httpUpstream((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('ok');
    });
    let now = 0;
    const http = client({ now: () => now });

    await whole(http, post(base));
    now += 4_000;
    await whole(http, post(base));
    const atFourSeconds = ports.size;
    now += 4_001;
    await whole(http, post(base));

    expect([atFourSeconds, ports.size]).toEqual([1, 2]);
  });
});

describe('the body of an answer', () => {
  it('counts as use of its connection until its last byte', async () => {
    const ports = new Set<number | undefined>();
    let finish = (): void => undefined;
    const base = await httpUpstream((request, response) => {
      ports.add(request.socket.remotePort);
      response.write('o');
      finish = () => response.end('k');
    });
    let now = 0;
    const http = client({ now: () => now });

    const answer = await http.send(post(base));
    now += 20_000;
    finish();
    await textOf(answer.body);
    await turn();
    (await http.send(post(base))).discard();

    expect(ports.size).toBe(1);
  });

  it('yields each piece as it comes', async () => {
    let sendNext = (): void => undefined;
    const base = await httpUpstream((_request, response) => {
      let sent = 0;
      sendNext = () => (sent++ < 3 ? response.write(`data: ${sent}\n\n`) : response.end());
      sendNext();
    });

    const answer = await client().send(post(base));
    const pieces: string[] = [];
    for await (const chunk of answer.body) {
      pieces.push(Buffer.from(chunk).toString());
      sendNext();
    }

    expect(pieces).toEqual(['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n']);
  });

  it('merges what arrived while nobody read, in order', async () => {
    const lines = Array.from({ length: 2_000 }, (_, i) => `line ${i}\n`);
    const base = await httpUpstream((_request, response) => {
      for (const line of lines) response.write(line);
      response.end();
    });

    const answer = await client().send(post(base));

    expect(await textOf(answer.body)).toBe(lines.join(''));
  });

  it('holds a fast sender back while nobody reads', async () => {
    const size = 64 * 1024 * 1024;
    let sent = 0;
    const base = await httpUpstream((_request, response) => {
      const chunk = Buffer.alloc(1024 * 1024, 'x');
      const pump = (): void => {
        while (sent < size && response.write(chunk)) sent += chunk.length;
        if (sent < size) {
          sent += chunk.length;
          response.once('drain', pump);
        } else response.end();
      };
      pump();
    });

    const answer = await client().send(post(base));
    const iterator = answer.body[Symbol.asyncIterator]();
    await iterator.next();
    for (let i = 0; i < 200; i++) await turn();
    const sentUnread = sent;
    let received = 0;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) received += next.value.length;

    expect(sentUnread).toBeLessThan(size);
    expect(received).toBeGreaterThan(size - 1024 * 1024);
  });

  it('refuses to read more than the limit', async () => {
    const base = await httpUpstream((_request, response) => response.end('x'.repeat(1000)));

    const error = await failure((await client().send(post(base))).bytes(999));

    expect([error.kind, error.message]).toEqual(['upstream', 'The answer of the provider is longer than 999 bytes.']);
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
  ] as const)('is decompressed when the provider sends %s unasked', async (encoding, compress) => {
    const base = await httpUpstream((_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding, 'content-type': 'application/json' });
      response.end(compress('{"text":"häh"}'));
    });

    const answer = await client().send(post(base));

    expect(answer.headers['content-encoding']).toBeUndefined();
    expect(answer.headers['content-length']).toBeUndefined();
    expect(answer.headers['content-type']).toBe('application/json');
    expect(await textOf(answer.body)).toBe('{"text":"häh"}');
  });

  it('is decompressed piece by piece when a stream is compressed', async () => {
    let release = (): void => undefined;
    const base = await httpUpstream((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(response);
      gzip.write('data: 1\n\n');
      gzip.flush();
      release = () => gzip.end('data: 2\n\n');
    });

    const answer = await client().send(post(base));
    const pieces: string[] = [];
    for await (const chunk of answer.body) {
      pieces.push(Buffer.from(chunk).toString());
      release();
    }

    expect(pieces).toEqual(['data: 1\n\n', 'data: 2\n\n']);
  });

  it('that claims to be compressed and is not, is an upstream error', async () => {
    const base = await httpUpstream((_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' });
      response.end('<html>no gzip</html>');
    });

    const error = await failure((await client().send(post(base))).bytes(1000));

    expect([error.kind, error.message]).toEqual(['upstream', 'The compressed answer of the provider cannot be read.']);
  });

  it('that is given up closes its connection', async () => {
    let closed = (): void => undefined;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    const base = await httpUpstream((_request, response) => {
      response.write('data: 1\n\n');
      response.on('close', closed);
    });
    const http = client();

    const answer = await http.send(post(base));
    answer.discard();

    await gone;
    expect(await textOf(answer.body)).toBe('');
  });

  it('closes its connection when the reader leaves early', async () => {
    let closed = (): void => undefined;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    const base = await httpUpstream((_request, response) => {
      response.write('data: 1\n\n');
      response.on('close', closed);
    });

    const answer = await client().send(post(base));
    // oxlint-disable-next-line no-unreachable-loop
    for await (const _chunk of answer.body) break;

    await gone;
  });
});

describe('a failure', () => {
  it.each([
    ['a refused connection', 'http://127.0.0.1:1/v1', 'The provider refused the connection.'],
    ['a name nobody knows', 'http://no-such-host.invalid/v1', 'The address of the provider could not be resolved.'],
  ])('%s is an upstream error that names no address', async (_name, url, message) => {
    const error = await failure(client().send(post(url)));

    expect(error).toMatchObject({ kind: 'upstream', retryable: true, message });
  });

  it('TLS where there is none is an upstream error', async () => {
    const base = await httpUpstream((_request, response) => response.end());

    const error = await failure(client().send(post(base.replace('http:', 'https:'))));

    expect(error).toMatchObject({ kind: 'upstream', message: 'The secure connection to the provider could not be set up.' });
  });

  it.each([
    ['garbage', 'I am no HTTP server\r\n\r\n', 'The answer of the provider is not valid HTTP.'],
    ['headers without end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}`, 'The answer of the provider is not valid HTTP.'],
  ])('%s instead of an answer is an upstream error', async (_name, bytes, message) => {
    const base = await tcpUpstream((socket) => socket.on('data', () => socket.write(bytes)));

    const error = await failure(client().send(post(base)));

    expect(error).toMatchObject({ kind: 'upstream', message });
  });

  it('a socket that closes without an answer is an upstream error, on a new connection without a second try', async () => {
    let calls = 0;
    const base = await tcpUpstream((socket) =>
      socket.once('data', () => {
        calls++;
        socket.destroy();
      }),
    );

    const error = await failure(client().send(post(base)));

    expect(error).toMatchObject({ kind: 'upstream', message: 'The connection to the provider broke.' });
    expect(calls).toBe(1);
  });

  it.each([
    ['a chunked answer', 'transfer-encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n'],
    ['an answer of known length', 'content-length: 100\r\n\r\ndata: 1\n'],
  ])('%s that breaks in the middle gives what came and then throws', async (_name, rest) => {
    const base = await tcpUpstream((socket) =>
      socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n${rest}`, () => socket.resetAndDestroy())),
    );

    const answer = await client().send(post(base));
    let text = '';
    const error = await failure(
      (async () => {
        for await (const chunk of answer.body) text += Buffer.from(chunk).toString();
      })(),
    );

    expect(['data: 1\n', '']).toContain(text);
    expect(error).toMatchObject({ kind: 'upstream', retryable: true, message: 'The connection to the provider broke.' });
  });

  it('an address that is none is our own fault, and leaves nothing behind that fails later', async () => {
    const controller = new AbortController();
    const call = post('no address', { signal: controller.signal });

    const error = await failure(client().send(call));
    controller.abort();
    await turn();

    expect(error.kind).toBe('internal');
    expect(error.message).not.toContain('no address');
  });

  it('headers that are no HTTP are our own fault, and not repeated', async () => {
    const error = await failure(client().send(post('http://127.0.0.1:1', { headers: { authorization: 'Bearer a\nb' } })));

    expect(error).toMatchObject({ kind: 'internal', retryable: false });
    expect(error.message).not.toContain('Bearer');
  });
});

describe('a kept connection that went stale', () => {
  /** Answers the first request of each connection, then resets the connection at the second. */
  const stale = (onRequest: (body: string) => void) =>
    tcpUpstream((socket) => {
      let served = 0;
      socket.on('data', (bytes) => {
        onRequest(bytes.toString().split('\r\n\r\n')[1] ?? '');
        if (served++ === 0) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        else socket.resetAndDestroy();
      });
    });

  it('is replaced and the call sent once more', async () => {
    const bodies: string[] = [];
    const base = await stale((body) => bodies.push(body));
    const http = client();

    const first = await whole(http, post(base, { body: 'one' }));
    const second = await whole(http, post(base, { body: 'two' }));

    expect([first, second]).toEqual(['ok', 'ok']);
    expect(bodies).toEqual(['one', 'two', 'two']);
  });

  it('is not replaced for a call that is to be sent once: whoever counts its tries sends it again', async () => {
    const bodies: string[] = [];
    const base = await stale((body) => bodies.push(body));
    const http = client();
    await whole(http, post(base, { body: 'one' }));
    const onUnanswered = vi.fn();

    const error = await failure(http.send(post(base, { body: 'two', once: true, onUnanswered })));

    expect(error.kind).toBe('upstream');
    expect(onUnanswered).toHaveBeenCalledOnce();
    expect(bodies).toEqual(['one', 'two']);
  });

  it('is not tried a third time', async () => {
    let calls = 0;
    const base = await tcpUpstream((socket) =>
      socket.on('data', () => {
        if (calls++ === 0) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        else socket.resetAndDestroy();
      }),
    );
    const http = client();
    await whole(http, post(base));

    const error = await failure(http.send(post(base)));

    expect(error.kind).toBe('upstream');
    expect(calls).toBe(3);
  });

  it('is not replaced once a byte of the answer has come: somebody works on it', async () => {
    let calls = 0;
    const base = await tcpUpstream((socket) =>
      socket.on('data', () => {
        if (calls++ === 0) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        else socket.write('HTTP/1.1 200 OK\r\nx-half', () => setImmediate(() => socket.end()));
      }),
    );
    const http = client();
    await whole(http, post(base));

    const error = await failure(http.send(post(base)));

    expect(error.kind).toBe('upstream');
    expect(calls).toBe(2);
  });
});

describe('a signal', () => {
  const never = () => httpUpstream(() => undefined);

  it('that fired before sends nothing', async () => {
    let calls = 0;
    const base = await httpUpstream(() => calls++);

    const error = await failure(client().send(post(base, { signal: AbortSignal.abort() })));

    expect(error.kind).toBe('client_closed');
    expect(calls).toBe(0);
  });

  it('ends the wait for headers with its own reason', async () => {
    const controller = new AbortController();
    const call = client().send(post(await never(), { signal: controller.signal }));

    controller.abort(new GatewayError('timeout', 'The deadline passed.'));

    expect(await failure(call)).toMatchObject({ kind: 'timeout', message: 'The deadline passed.' });
  });

  it('ends a stream and closes its connection', async () => {
    let closed = (): void => undefined;
    const gone = new Promise<void>((resolve) => (closed = resolve));
    const base = await httpUpstream((_request, response) => {
      response.write('data: 1\n\n');
      response.on('close', closed);
    });
    const controller = new AbortController();
    const answer = await client().send(post(base, { signal: controller.signal }));
    const iterator = answer.body[Symbol.asyncIterator]();
    await iterator.next();
    const pending = iterator.next();

    controller.abort();

    expect(await failure(pending)).toMatchObject({ kind: 'client_closed', retryable: false });
    await gone;
  });

  it('leaves no listener behind', async () => {
    const base = await httpUpstream((_request, response) => response.end('ok'));
    const controller = new AbortController();
    let listening = 0;
    const signal = new Proxy(controller.signal, {
      get(target, name) {
        if (name === 'addEventListener') listening++;
        if (name === 'removeEventListener') listening--;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });

    await textOf((await client().send(post(base, { signal }))).body);

    expect(listening).toBe(0);
  });
});

describe('a time limit', () => {
  it('on headers ends the wait', async () => {
    const base = await httpUpstream(() => undefined);

    const error = await failure(client().send(post(base, { headersTimeoutMs: 20 })));

    expect(error).toMatchObject({ kind: 'timeout', message: 'The provider did not begin to answer in time.' });
  });

  it('on headers does not touch the body', async () => {
    const base = await httpUpstream((_request, response) => {
      response.flushHeaders();
      setTimeout(() => response.end('late'), 60);
    });

    const answer = await client().send(post(base, { headersTimeoutMs: 30 }));

    expect(await textOf(answer.body)).toBe('late');
  });

  it('on the connection ends the wait for a host that does not answer', async () => {
    // 192.0.2.0/24 is reserved for documentation (RFC 5737): nobody answers there, or the network says so at once.
    const error = await failure(client().send(post('http://192.0.2.1/', { connectTimeoutMs: 20 })));

    expect(['timeout', 'upstream']).toContain(error.kind);
    expect(error.message).not.toContain('192.0.2.1');
  });
});
