/** What the relay owes when an answer goes wrong: true books, whole frames, replies that can be written. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hashSecret } from '../../lib/domain/key.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { heldNow, spentNow } from '../support/money.ts';
import { chatAnswer, chatChunk, sendJson, startUpstream, usageChunk, type Upstream } from '../support/upstream.ts';

const SECRET = 'sk-relay-tests';
const BUDGET = 10n ** 12n;
/** gpt-4o-mini: 0.15 and 0.60 USD per million tokens, in 1e-12 USD. */
const [INPUT, OUTPUT] = [150_000n, 600_000n];

let upstream: Upstream;
let gateway: Served;
beforeEach(async () => {
  upstream = await startUpstream();
  gateway = await serveGateway(upstream.url);
  await gateway.addKey(SECRET, { maxBudget: BUDGET });
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const post = (path: string, body: Record<string, unknown>, signal?: AbortSignal): Promise<Response> =>
  fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });

const chat = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 100 };

const sse = (...events: unknown[]): string => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');

describe('the books of an answer that went wrong', () => {
  it('show what a provider reported before its error, in an answer that was read whole', async () => {
    upstream.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(sse(chatChunk({ content: 'Hel' }), usageChunk(10, 5), { error: { message: 'overloaded', code: 500 } }));
    });

    const reply = await post('/v1/chat/completions', chat);

    expect(reply.ok).toBe(false);
    expect(await reply.json()).toMatchObject({ error: { message: expect.stringContaining('overloaded') as string } });
    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
    expect(await spentNow(gateway.stores, SECRET)).toBe(10n * INPUT + 5n * OUTPUT);
  });

  it('show what a provider reported beside an error without a word of an answer', async () => {
    upstream.answer(
      sendJson({
        id: 'resp_1',
        object: 'response',
        status: 'failed',
        error: { code: 'server_error', message: 'no' },
        output: [],
        usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
      }),
    );

    const reply = await post('/v1/responses', { model: 'gpt-4o-mini', input: 'Hi', max_output_tokens: 100 });

    expect(reply.ok).toBe(false);
    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
    expect(await spentNow(gateway.stores, SECRET)).toBe(10n * INPUT + 5n * OUTPUT);
  });

  it('show what a provider reported for an answer that the client cannot be given', async () => {
    upstream.answer(sendJson(chatAnswer('', { choices: [null] })));

    const reply = await post('/v1/messages', chat);

    expect(reply.ok).toBe(false);
    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
    expect(await spentNow(gateway.stores, SECRET)).toBe(10n * INPUT + 5n * OUTPUT);
  });

  it('do not take input for free that a provider forgot to count', async () => {
    upstream.answer(sendJson(chatAnswer('Hello', { usage: { completion_tokens: 5 } })));

    await (await post('/v1/chat/completions', chat)).arrayBuffer();

    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
    expect(await spentNow(gateway.stores, SECRET)).toBeGreaterThan(5n * OUTPUT);
  });
});

describe('a stream that breaks', () => {
  it('in the middle of a frame ends with an error that a client can read', async () => {
    upstream.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`${sse(chatChunk({ content: 'Hel' }))}data: {"id":"chatcmpl-1","choi`);
      setTimeout(() => response.destroy(), 50);
    });

    const text = await (
      await post('/v1/chat/completions', { ...chat, stream: true, stream_options: { include_usage: true } })
    ).text();

    const events = text.split('\n\n').filter((event) => event.startsWith('data: {'));
    expect(events.map((event) => JSON.parse(event.slice('data: '.length)) as unknown)).toMatchObject([
      { choices: [{ delta: { content: 'Hel' } }] },
      { error: {} },
    ]);
  });
});

describe('an event that no client can read', () => {
  it('becomes an error that one can, and ends the stream', async () => {
    upstream.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`${sse(chatChunk({ content: 'Hel' }))}data: {not json\n\n${sse(chatChunk({ content: 'lo' }))}`);
    });

    const text = await (await post('/v1/chat/completions', { ...chat, stream: true })).text();

    const [first, second, ...rest] = text.split('\n\n').filter((event) => event !== '');
    expect(JSON.parse(String(first).slice('data: '.length))).toMatchObject({ choices: [{ delta: { content: 'Hel' } }] });
    expect(JSON.parse(String(second).slice('data: '.length))).toMatchObject({
      error: { type: 'server_error', message: expect.stringContaining('not a JSON object') as string },
    });
    expect(rest).toEqual(['data: [DONE]']);
    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
  });
});

describe('a stream', () => {
  it('says in the ledger when it began, and when the model began to write', async () => {
    const clock = { now: 1_700_000_000_000 };
    const timed = await serveGateway(upstream.url, { now: () => clock.now });
    await timed.addKey(SECRET);
    const { promise: thinking, resolve: write } = Promise.withResolvers<void>();
    upstream.answer(async (_seen, response) => {
      clock.now += 30;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(sse(chatChunk({ role: 'assistant' })));
      await thinking;
      response.end(sse(chatChunk({ content: 'Hel' }), chatChunk({ content: 'lo' }), usageChunk(10, 2)));
    });

    const reply = await fetch(`${timed.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...chat, stream: true }),
    });
    const reader = (reply.body as ReadableStream<Uint8Array>).getReader();
    await reader.read();
    clock.now += 400;
    write();
    while (!(await reader.read()).done);
    await timed.close();

    const { items } = await timed.stores.ledger.list({ keyHash: hashSecret(SECRET), limit: 10 });
    expect(items[0]).toMatchObject({ firstByteMs: 30, firstTokenMs: 430, durationMs: 430 });
  });

  it('says nothing of a first token where the model wrote none', async () => {
    upstream.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(sse({ error: { message: 'overloaded', code: 500 } }));
    });

    await (await post('/v1/chat/completions', { ...chat, stream: true })).text();

    const { items } = await gateway.stores.ledger.list({ keyHash: hashSecret(SECRET), limit: 10 });
    expect(items[0]).toMatchObject({ status: 'error', firstByteMs: expect.any(Number) as number });
    expect(items[0]).not.toHaveProperty('firstTokenMs');
  });
});

describe('a redirect', () => {
  it('is not followed, and told as what it is', async () => {
    upstream.answer((_seen, response) => void response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end());

    const reply = await post('/v1/chat/completions', chat);

    expect(reply.status).toBe(502);
    expect(await reply.json()).toMatchObject({ error: { message: expect.stringContaining('redirect (302)') as string } });
    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
  });
});

describe('an error of a provider', () => {
  it('in a stream does not show the credential of the operator', async () => {
    upstream.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(sse(chatChunk({ content: 'Hel' }), { error: { message: 'Bad key upstream-secret', code: 401 } }));
    });

    const text = await (await post('/v1/chat/completions', { ...chat, stream: true })).text();

    expect(text).toContain('Bad key [redacted]');
    expect(text).not.toContain('upstream-secret');
  });

  it('in a stream leaves the tokens that came before it in the books', async () => {
    upstream.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(sse(chatChunk({ content: 'Hello there, my friend' }), { error: { message: 'no', code: 500 } }));
    });

    await (await post('/v1/chat/completions', { ...chat, stream: true })).text();

    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
    expect(await spentNow(gateway.stores, SECRET)).toBeGreaterThan(0n);
  });

  it.each([false, true])('beside a partial answer does not show it either, streamed: %s', async (stream) => {
    upstream.answer(
      sendJson({
        id: 'resp_1',
        object: 'response',
        status: 'failed',
        error: { code: 'server_error', message: 'Bad key upstream-secret' },
        output: [
          { type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text: 'Hel', annotations: [] }] },
        ],
      }),
    );

    const text = await (await post('/v1/responses', { model: 'gpt-4o-mini', input: 'Hi', stream })).text();

    expect(text).toContain('Bad key [redacted]');
    expect(text).not.toContain('upstream-secret');
  });
});

describe('a stream that nobody counted', () => {
  const entryOf = async () => {
    const { items } = await gateway.stores.ledger.list({ keyHash: hashSecret(SECRET), limit: 10 });
    return items[0];
  };

  it('is counted by the tokenizer of the model, to the token, and marked so', async () => {
    upstream.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(sse(chatChunk({ content: 'Hello there, ' }), chatChunk({ content: 'my friend' })));
      setTimeout(() => response.destroy(), 20);
    });

    await (await post('/v1/chat/completions', { ...chat, stream: true })).text();

    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
    // 1 of "Hi" and 7 around it.
    expect((await entryOf())?.usage).toMatchObject({ inputTokens: 8, outputTokens: 5, source: 'counted' });
    expect(await spentNow(gateway.stores, SECRET)).toBe(8n * INPUT + 5n * OUTPUT);
  });

  it("has its input counted by the provider's counter, where it has one; what it wrote is an estimate", async () => {
    upstream.answer((seen, response) => {
      if (seen.path.endsWith('/count_tokens')) return sendJson({ input_tokens: 77 })(seen, response, undefined as never);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(sse({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }));
      response.write(sse({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello there' } }));
      setTimeout(() => response.destroy(), 20);
      return undefined;
    });

    await (await post('/v1/messages', { ...chat, model: 'claude', stream: true })).text();

    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
    expect((await entryOf())?.usage).toMatchObject({ inputTokens: 77, source: 'estimated' });
    expect((await entryOf())?.attempts).toBe(1);
  });
});

describe('a call that its client gives up', () => {
  it('costs the input that the provider was sent, where it had begun to work', async () => {
    const leaving = new AbortController();
    upstream.answer(() => leaving.abort());

    await expect(post('/v1/chat/completions', chat, leaving.signal)).rejects.toThrow();
    await expect.poll(() => gateway.lines.filter(({ message }) => message === 'request')).toHaveLength(1);

    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
    expect(await spentNow(gateway.stores, SECRET)).toBeGreaterThan(0n);
  });

  it('costs it also when the answer had begun without a word', async () => {
    const leaving = new AbortController();
    upstream.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
    });

    await post('/v1/chat/completions', { ...chat, stream: true }, leaving.signal);
    leaving.abort();
    await expect.poll(() => gateway.lines.filter(({ message }) => message === 'request')).toHaveLength(1);

    expect(await heldNow(gateway.stores, SECRET)).toBe(0n);
    expect(await spentNow(gateway.stores, SECRET)).toBeGreaterThan(0n);
  });

  it('costs nothing where the provider refused', async () => {
    upstream.answer((_seen, response) => void response.writeHead(500).end('{}'));

    await post('/v1/chat/completions', chat);

    expect(await spentNow(gateway.stores, SECRET)).toBe(0n);
  });
});

describe('a body that passes through', () => {
  it('says each thing once, as it was reckoned with: a provider may read another of two', async () => {
    upstream.answer(sendJson(chatAnswer()));
    const twice = JSON.stringify(chat).replace('{', '{"max_tokens":90000,');

    await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
      body: twice,
    });

    expect(upstream.seen[0]?.text).toBe(JSON.stringify(chat));
  });
});
