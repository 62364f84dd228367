import { describe, expect, it } from 'vitest';
import type { Exchange, Outcome, Reply } from '../../../lib/exchange.ts';
import { keepBodies, type KeepBodiesDeps } from '../../../lib/policies/keep-bodies.ts';
import { withoutKeys } from '../../../lib/redact.ts';
import { createBodyStore } from '../../../lib/stores/memory/bodies.ts';
import { aKey, anExchange, aReply, aRequest } from '../../support/exchange.ts';

const SENT = { model: 'm', messages: [{ role: 'user', content: 'my key is sk-1234567890abcdef' }] };

const asked = (over: Partial<Exchange> = {}, body: object = SENT): Exchange =>
  anExchange({
    caller: { type: 'key', key: aKey() },
    request: aRequest({ headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(body)) }),
    ...over,
  });

const lines: string[] = [];
const deps = (over: Partial<KeepBodiesDeps> = {}): KeepBodiesDeps => ({
  store: createBodyStore(),
  keep: true,
  redact: false,
  withoutKeys,
  log: (level, message) => void lines.push(`${level} ${message}`),
  ...over,
});

async function* chunks(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

/** Runs a call to its end; what the client read, and what was kept. */
async function run(with_: KeepBodiesDeps, exchange: Exchange, reply: Reply = aReply(200, '{"ok":true}')) {
  const { promise: done, resolve } = Promise.withResolvers<Outcome>();
  const pending = Object.assign(reply, { done });
  const answer = await keepBodies(with_)(exchange, async () => pending);
  let read = '';
  if (answer.body instanceof Uint8Array) read = Buffer.from(answer.body).toString();
  else for await (const part of answer.body) read += Buffer.from(part).toString();
  resolve({ status: 'success' });
  await answer.done;
  return { answer, read, kept: await with_.store?.get(exchange.id, exchange.receivedAt) };
}

describe('bodies of calls', () => {
  it('are kept when asked for, without anything that looks like a key', async () => {
    const { kept, read } = await run(deps(), asked());

    expect(read).toBe('{"ok":true}');
    expect(kept).toMatchObject({
      keyHash: aKey().hash,
      request: { contentType: 'application/json', json: { model: 'm', messages: [{ content: 'my key is [redacted]' }] } },
      response: { json: { ok: true }, bytes: 11 },
    });
    expect(JSON.stringify(kept)).not.toContain('1234567890');
  });

  it('are not touched when nobody asked', async () => {
    const reply = aReply();
    for (const with_ of [deps({ keep: false }), deps({ store: undefined })]) {
      const { answer, kept } = await run(with_, asked(), reply);
      expect(answer).toBe(reply);
      expect(kept).toBeUndefined();
    }
    expect((await run(deps(), anExchange())).kept).toBeUndefined();
  });

  it('of a stream go by as they come, and are kept after the last byte', async () => {
    const { promise: done, resolve } = Promise.withResolvers<Outcome>();
    const with_ = deps();
    const exchange = asked();
    const reply = {
      ...aReply(),
      headers: { 'content-type': 'text/event-stream' },
      body: chunks('data: 1\n\n', 'data: 2\n\n'),
      done,
    };

    const answer = await keepBodies(with_)(exchange, async () => reply);
    const parts: string[] = [];
    for await (const part of answer.body as AsyncIterable<Uint8Array>) {
      parts.push(Buffer.from(part).toString());
      expect(await with_.store?.get(exchange.id, 0)).toBeUndefined();
    }
    resolve({ status: 'success' });
    await answer.done;

    expect(parts).toEqual(['data: 1\n\n', 'data: 2\n\n']);
    expect(await with_.store?.get(exchange.id, 0)).toMatchObject({ response: { text: 'data: 1\n\ndata: 2\n\n', bytes: 18 } });
  });

  it('end with a client that leaves', async () => {
    let closed = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.from('x');
      } finally {
        closed = true;
      }
    }
    const answer = await keepBodies(deps())(asked(), async () => ({ ...aReply(), body: endless() }));
    for await (const _ of answer.body as AsyncIterable<Uint8Array>) break;

    expect(closed).toBe(true);
  });

  it('never fail or hold up a call', async () => {
    lines.length = 0;
    const store = { ...createBodyStore(), put: () => Promise.reject(new Error('full')) };

    const { read, answer } = await run(deps({ store }), asked());

    expect(read).toBe('{"ok":true}');
    expect(await answer.done).toEqual({ status: 'success' });
    expect(lines).toEqual(['warn the bodies of a call were not kept']);
  });

  it('lose their words on request, and streams all of them', async () => {
    const headers = { 'content-type': 'application/json', 'x-litellm-enable-message-redaction': 'true' };
    const request = aRequest({ headers, body: Buffer.from(JSON.stringify(SENT)) });
    const reply = { ...aReply(), headers: { 'content-type': 'text/event-stream' }, body: chunks('data: secret') };

    const { kept } = await run(deps(), asked({ request }), reply);

    expect(kept?.request).toMatchObject({ redacted: true, json: { messages: [{ role: 'user', content: 'redacted' }] } });
    expect(kept?.response).toEqual({ contentType: 'text/event-stream', bytes: 12, redacted: true });
  });

  it('are not kept of a request that says no-log', async () => {
    expect((await run(deps(), asked({ removed: ['no-log'] }, { ...SENT, 'no-log': true }))).kept).toBeUndefined();
    expect((await run(deps(), asked({ removed: ['no-log'] }, { ...SENT, 'no-log': false }))).kept).toBeDefined();
  });

  it('are kept up to a megabyte, and of what is no text only the size', async () => {
    const big = await run(deps(), asked({}, { text: 'x'.repeat(2_000_000) }));
    expect(big.kept?.request).toMatchObject({ cut: true, bytes: 2_000_011 });
    expect(big.kept?.request.text).toHaveLength(1_048_576);

    const audio = { ...aReply(200, 'RIFF'), headers: { 'content-type': 'audio/wav' } };
    expect((await run(deps(), asked(), audio)).kept?.response).toEqual({ contentType: 'audio/wav', bytes: 4 });
  });
});
