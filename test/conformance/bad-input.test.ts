/** Whatever goes wrong, on either side, ends as the client dialect's own error, with a status its SDK understands, and without a hold left. */
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { USD } from '../../lib/domain/money.ts';
import { heldNow, spentNow } from '../support/money.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import {
  chatAnswer,
  chatChunk,
  messageAnswer,
  sendChunks,
  sendEvents,
  sendJson,
  sendText,
  startUpstream,
  type Script,
  type Upstream,
} from '../support/upstream.ts';

let upstream: Upstream;
let gateway: Served;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await serveGateway(upstream.url, { maxBodyBytes: 64 * 1024 });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});

const CHAT = '/v1/chat/completions';
const MESSAGES = '/v1/messages';
const hello = [{ role: 'user', content: 'Hello' }];

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(gateway.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.masterKey}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body),
  });
  const text = await response.text();
  let json: Record<string, unknown> = {};
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // A stream.
  }
  return { status: response.status, headers: response.headers, text, json };
}

/** The error as each dialect writes it, or a failed expectation. */
function errorIn(path: string, json: Record<string, unknown>): { message: string; type: string } {
  if (path === MESSAGES) expect(json['type']).toBe('error');
  const error = json['error'] as { message: string; type: string };
  expect(typeof error.message).toBe('string');
  expect(error.message.length).toBeGreaterThan(3);
  expect(typeof error.type).toBe('string');
  return error;
}

const requestFor = (path: string, over: Record<string, unknown>) =>
  path === CHAT
    ? { model: 'gpt-4o-mini', messages: hello, ...over }
    : { model: 'claude', max_tokens: 50, messages: hello, ...over };

describe.each([CHAT, MESSAGES])('a bad request to %s', (path) => {
  it.each([
    ['invalid JSON', '{"model": ', 400, /JSON/],
    ['bad UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), 400, /UTF-8/],
    ['an empty body', '', 400, /empty/],
    ['an array', '[]', 400, /array/],
    ['no model', { messages: hello, max_tokens: 5 }, 400, /model/],
    ['a model of the wrong type', { model: 4, messages: hello, max_tokens: 5 }, 400, /model/],
    ['an unknown model', requestFor(path, { model: 'no-such-model' }), 404, /no-such-model/],
    ['no messages', { model: 'gpt-4o-mini', max_tokens: 5 }, 400, /messages/],
    ['empty messages', requestFor(path, { messages: [] }), 400, /messages/],
    ['messages of the wrong type', requestFor(path, { messages: 'Hello' }), 400, /messages/],
    ['an unknown role', requestFor(path, { messages: [{ role: 'wizard', content: 'x' }] }), 400, /role/],
    ['content of the wrong type', requestFor(path, { messages: [{ role: 'user', content: 7 }] }), 400, /content/],
    ['a temperature of the wrong type', requestFor(path, { temperature: 'hot' }), 400, /temperature/],
    [
      'a tool choice without tools',
      requestFor(path, { tool_choice: path === CHAT ? 'required' : { type: 'any' } }),
      400,
      /tool/,
    ],
    ['a negative output limit', requestFor(path, { max_tokens: -1 }), 400, /max_tokens/],
  ])('with %s', async (_name, body, status, said) => {
    const before = upstream.seen.length;
    const reply = await post(path, body);
    expect(reply.status).toBe(status);
    expect(errorIn(path, reply.json).message).toMatch(said);
    expect(upstream.seen).toHaveLength(before);
  });

  it('with an orphan tool result', async () => {
    const messages =
      path === CHAT
        ? [...hello, { role: 'tool', tool_call_id: 'call_nobody_made', content: 'x' }]
        : [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_nobody', content: 'x' }] }];
    const reply = await post(path, requestFor(path, { messages }));
    expect(reply.status).toBe(400);
    expect(errorIn(path, reply.json).message).toMatch(/tool/);
  });

  it('that is too large', async () => {
    const reply = await post(path, requestFor(path, { messages: [{ role: 'user', content: 'x'.repeat(100_000) }] }));
    expect(reply.status).toBe(413);
    expect(errorIn(path, reply.json).message).toMatch(/65536|64/);
  });

  it('with the wrong method', async () => {
    const response = await fetch(gateway.url + path);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
    errorIn(path, (await response.json()) as Record<string, unknown>);
  });

  it('without a key', async () => {
    const response = await fetch(gateway.url + path, { method: 'POST', body: '{}' });
    expect(response.status).toBe(401);
    errorIn(path, (await response.json()) as Record<string, unknown>);
  });
});

describe('the door', () => {
  it('answers 404 with the routes there are', async () => {
    const reply = await post('/v1/nothing', {});
    expect(reply.status).toBe(404);
    expect(errorIn('', reply.json).message).toContain('/v1/chat/completions');
  });

  it.each([
    ['/v1beta/models/x:countNothing', (json: Record<string, unknown>) => (json['error'] as { status: string }).status],
    ['/model/x/nothing', (json: Record<string, unknown>) => json['__type']],
  ])('answers 404 at %s in the words of that client', async (path, wordOf) => {
    const reply = await post(path, {});
    expect(reply.status).toBe(404);
    expect(wordOf(reply.json)).toEqual(expect.any(String));
  });

  it('answers a header bomb with 431', async () => {
    const status = await new Promise<string>((done, fail) => {
      const { hostname, port } = new URL(gateway.url);
      const socket = connect(Number(port), hostname, () => {
        socket.write(`POST ${CHAT} HTTP/1.1\r\nhost: x\r\n${`x-bomb: ${'b'.repeat(8000)}\r\n`.repeat(30)}\r\n`);
      });
      socket.once('data', (data) => {
        done(data.toString('latin1').split('\r\n')[0] ?? '');
        socket.destroy();
      });
      socket.once('error', fail);
    });
    expect(status).toContain('431');
  });
});

describe('contradictions in a chat request', () => {
  it.each([
    ['top_logprobs without logprobs', { top_logprobs: 3 }, /logprobs/],
    ['two output limits that differ', { max_tokens: 5, max_completion_tokens: 9 }, /max_completion_tokens/],
    ['no choices', { n: 0 }, /\bn\b/],
  ])('%s', async (_name, over, said) => {
    const reply = await post(CHAT, requestFor(CHAT, over));
    expect(reply.status).toBe(400);
    expect(errorIn(CHAT, reply.json).message).toMatch(said);
  });
});

describe.each([
  ['the same dialect', CHAT, 'gpt-4o-mini'],
  ['translation', CHAT, 'claude'],
  ['the same dialect', MESSAGES, 'claude'],
  ['translation', MESSAGES, 'gpt-4o-mini'],
])('a provider that fails, with %s on %s to %s', (_how, path, model) => {
  const secret = `sk-budget-${path.length}-${model}`;
  beforeAll(async () => {
    await gateway.addKey(secret, { maxBudget: 5n * USD });
  });
  const ask = (over: Record<string, unknown> = {}) =>
    post(path, requestFor(path, { model, ...over }), { authorization: `Bearer ${secret}` });
  const leavesNoHold = async () => expect(await heldNow(gateway.stores, secret)).toBe(0n);

  it.each([
    ['HTML', sendText('<html><body>Bad gateway</body></html>', 502, 'text/html'), 502],
    ['HTML with status 200', sendText('<html></html>', 200, 'text/html'), 502],
    ['garbage', sendText('\u0000\u0001garbage', 200, 'application/json'), 502],
    ['an empty object', sendJson({}), 502],
    ['429', sendJson({ error: { message: 'slow down', type: 'rate_limit_error' } }, 429, { 'retry-after': '17' }), 429],
    ['529', sendJson({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 529), 529],
    ['401', sendJson({ error: { message: 'bad key upstream-secret at 127.0.0.1' } }, 401), 401],
    ['500', sendJson({ error: { message: 'boom' } }, 500), 500],
    ['nothing', ((_seen, response) => void response.destroy()) satisfies Script, 502],
  ])('answers %s', async (name, script, status) => {
    upstream.answer(script);
    const reply = await ask();
    expect(reply.status).toBe(status);
    const { message } = errorIn(path, reply.json);
    expect(message + reply.text).not.toContain('upstream-secret');
    expect(reply.text).not.toContain(new URL(upstream.url).host);
    if (name === '429') expect(reply.headers.get('retry-after')).toBe('17');
    await leavesNoHold();
  });

  it('ends a stream in the middle', async () => {
    upstream.answer(
      model === 'claude'
        ? sendEvents([
            { type: 'message_start', message: messageAnswer('', { content: [], stop_reason: null }) },
            { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
            { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Half' } },
          ] as never)
        : sendChunks([chatChunk({ role: 'assistant', content: 'Half' })], { open: true }),
    );
    const reply = await ask({ stream: true });
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('Half');
    expect(reply.text).toMatch(path === MESSAGES ? /event: error\ndata: \{"type":"error"/ : /data: \{"error":\{/);
    if (path === CHAT) expect(reply.text.trimEnd().endsWith('data: [DONE]')).toBe(true);
    await leavesNoHold();
  });

  it('breaks the connection in the middle of a stream', async () => {
    upstream.answer(sendChunks([chatChunk({ role: 'assistant', content: 'Half' })], { destroy: true }));
    const reply = await ask({ stream: true });
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('"error"');
    await leavesNoHold();
  });

  it('answers a stream with an error inside', async () => {
    upstream.answer(
      model === 'claude'
        ? sendEvents([{ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded in the middle' } }] as never)
        : sendChunks([{ error: { message: 'Overloaded in the middle', type: 'server_error', code: 503 } }]),
    );
    const reply = await ask({ stream: true });
    expect(reply.text).toContain('Overloaded in the middle');
    await leavesNoHold();
  });

  it('answers well after all that', async () => {
    upstream.answer(sendJson(model === 'claude' ? messageAnswer() : chatAnswer()));
    expect((await ask()).status).toBe(200);
    await leavesNoHold();
  });
});

describe('the meter of a budgeted key', () => {
  beforeEach(() => upstream.answer(sendJson(chatAnswer())));
  it('holds nothing and has spent the cost after a call', async () => {
    await gateway.addKey('sk-spender', { maxBudget: USD });
    const reply = await post(CHAT, requestFor(CHAT, {}), { authorization: 'Bearer sk-spender' });
    expect(reply.headers.get('x-litellm-response-cost')).not.toBeNull();
    expect(await heldNow(gateway.stores, 'sk-spender')).toBe(0n);
    expect(await spentNow(gateway.stores, 'sk-spender')).toBeGreaterThan(0n);
  });
});
