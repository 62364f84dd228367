/** Oracle Cloud through the whole gateway: what is signed is what is sent. */
import { createHash, generateKeyPairSync, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aDeployment } from '../../support/exchange.ts';
import { serveGateway, type Served } from '../../support/gateway.ts';
import { startUpstream, type Seen, type Upstream } from '../../support/upstream.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

let upstream: Upstream;
let gateway: Served;
beforeEach(async () => {
  upstream = await startUpstream();
  const parameters = { oci_user: 'u', oci_fingerprint: 'aa:bb', oci_tenancy: 't', oci_compartment_id: 'ocid1.compartment.c' };
  const given = {
    provider: 'oci',
    apiBase: upstream.url,
    parameters,
    credential: { type: 'value', value: privateKey },
  } as const;
  gateway = await serveGateway(upstream.url, {
    deployments: [
      aDeployment({ ...given, id: 'one', modelName: 'grok', model: 'xai.grok-4' }),
      aDeployment({ ...given, id: 'two', modelName: 'command', model: 'cohere.command-r-plus' }),
    ],
  });
});
afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const ask = (path: string, body: object): Promise<Response> =>
  fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.masterKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'Grüezi' }], max_tokens: 9, ...body }),
  });

/** Rebuilds what was signed from the request as it arrived. */
function isSigned({ method, path, headers, text }: Seen): boolean {
  const { authorization = '' } = headers;
  const [, names = ''] = /headers="([^"]+)"/.exec(authorization) ?? [];
  const [, signature = ''] = /signature="([^"]+)"/.exec(authorization) ?? [];
  const lines = names
    .split(' ')
    .map((name) => `${name}: ${name === '(request-target)' ? `${method.toLowerCase()} ${path}` : String(headers[name])}`);
  const digest = createHash('sha256').update(text).digest('base64');
  return (
    headers['x-content-sha256'] === digest &&
    verify('sha256', Buffer.from(lines.join('\n')), publicKey, Buffer.from(signature, 'base64'))
  );
}

describe('a client of Oracle Cloud', () => {
  it('gets a stream of a model, for a request that is signed as it arrives', async () => {
    upstream.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const say = (value: object): boolean => response.write(`data: ${JSON.stringify(value)}\n\n`);
      say({ index: 0, message: { role: 'ASSISTANT', content: [{ type: 'TEXT', text: 'Hello' }] } });
      say({ finishReason: 'stop' });
      say({ usage: { promptTokens: 7, completionTokens: 2, totalTokens: 9 } });
      response.end();
    });

    const text = await (await ask('/v1/messages', { model: 'grok', stream: true })).text();

    expect(text).toContain('"text":"Hello"');
    expect(text).toContain('"output_tokens":2');
    const [seen] = upstream.seen;
    expect(seen).toMatchObject({
      path: '/20231130/actions/chat',
      body: {
        compartmentId: 'ocid1.compartment.c',
        servingMode: { modelId: 'xai.grok-4' },
        chatRequest: { apiFormat: 'GENERIC', maxTokens: 9, isStream: true },
      },
    });
    expect(seen !== undefined && isSigned(seen)).toBe(true);
  });

  it('gets a whole answer of Cohere’s models, and the provider’s own error', async () => {
    const chatResponse = {
      apiFormat: 'COHERE',
      text: 'Hello',
      finishReason: 'COMPLETE',
      usage: { promptTokens: 7, completionTokens: 2 },
    };
    upstream.answer((_seen, response) => {
      const first = upstream.seen.length === 1;
      response.writeHead(first ? 200 : 429, { 'content-type': 'application/json' });
      response.end(JSON.stringify(first ? { modelId: 'cohere', chatResponse } : { code: '429', message: 'Slow down.' }));
    });

    expect(await (await ask('/v1/chat/completions', { model: 'command' })).json()).toMatchObject({
      choices: [{ message: { content: 'Hello' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 7, completion_tokens: 2 },
    });
    expect(upstream.seen[0]?.body).toMatchObject({ chatRequest: { apiFormat: 'COHERE', message: 'Grüezi' } });
    const refused = await ask('/v1/chat/completions', { model: 'command' });
    expect(refused.status).toBe(429);
    expect(await refused.text()).toContain('Slow down.');
  });
});
