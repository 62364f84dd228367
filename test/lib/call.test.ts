/** A call whose stream breaks off: whose figures are counted again. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serveGateway } from '../support/gateway.ts';
import { sendJson, startUpstream, type Upstream } from '../support/upstream.ts';

let provider: Upstream;
beforeAll(async () => {
  provider = await startUpstream((seen, response, request) => {
    if (seen.path.endsWith('/count_tokens')) return sendJson({ input_tokens: 7 })(seen, response, request);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(
      'event: message_start\ndata: {"type":"message_start","message":{"id":"m","role":"assistant","content":[]}}\n\n',
    );
    response.write(
      'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hel"}}\n\n',
    );
    setImmediate(() => response.destroy());
  });
});
afterAll(() => provider.close());

/** Paths the provider was asked for by a call of the master key. */
async function pathsAsked(env: Record<string, string>): Promise<readonly string[]> {
  const served = await serveGateway(provider.url, { env });
  provider.seen.length = 0;
  const body = { model: 'claude', max_tokens: 9, stream: true, messages: [{ role: 'user', content: 'Hello' }] };
  const receivedAt = Date.now();
  const reply = await served.gateway.handle(
    {
      method: 'POST',
      path: '/v1/messages',
      query: new URLSearchParams(),
      headers: { authorization: `Bearer ${served.masterKey}`, 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(body)),
    },
    { receivedAt, deadline: receivedAt + 60_000 },
  );
  for await (const chunk of reply.body as AsyncIterable<Uint8Array>) expect(chunk.length).toBeGreaterThan(0);
  await reply.done;
  await served.close();
  return provider.seen.map(({ path }) => path);
}

it('counts a broken stream again for the ledger', async () => {
  expect(await pathsAsked({})).toEqual(['/v1/messages', '/v1/messages/count_tokens']);
});

it('counts nothing again where nothing is booked', async () => {
  expect(await pathsAsked({ TOLLGATE_DISABLE_LEDGER: 'true' })).toEqual(['/v1/messages']);
});
