/** Claude on Vertex AI through the whole gateway: tokens, addresses, and the body that `rawPredict` wants. */
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { Deployment } from '../../../lib/domain/model.ts';
import { aDeployment } from '../../support/exchange.ts';
import { serveGateway, type Served } from '../../support/gateway.ts';
import { sendJson, startUpstream, type Upstream } from '../../support/upstream.ts';

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

const ANSWER = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-sonnet-4',
  content: [{ type: 'text', text: 'Hello.' }],
  stop_reason: 'end_turn',
  usage: { input_tokens: 3, output_tokens: 2 },
};

let upstream: Upstream;
let gateway: Served;

/** Serves Claude at an upstream that gives tokens google-t1, google-t2, ... and takes those from `least` on. */
async function serve(least = 1): Promise<void> {
  let tokens = 0;
  upstream = await startUpstream((seen, response, request) => {
    if (seen.path === '/token')
      return sendJson({ access_token: `google-t${++tokens}`, expires_in: 3600 })(seen, response, request);
    const token = Number(/^Bearer google-t(\d+)$/.exec(seen.headers.authorization ?? '')?.[1] ?? 0);
    if (token >= least) return sendJson(ANSWER)(seen, response, request);
    return sendJson({ error: { message: `bad token google-t${token}` } }, 401)(seen, response, request);
  });
  const account = { type: 'service_account', client_email: 'a@b', private_key: privateKey, token_uri: `${upstream.url}/token` };
  const deployment: Deployment = aDeployment({
    modelName: 'claude',
    provider: 'vertex_ai',
    model: 'claude-sonnet-4@20250514',
    apiBase: upstream.url,
    parameters: { vertex_project: 'p1', vertex_location: 'us-east5' },
    credential: { type: 'value', value: JSON.stringify({ vertex_credentials: JSON.stringify(account) }) },
  });
  gateway = await serveGateway(upstream.url, { deployments: [deployment] });
}

afterEach(async () => {
  await gateway.close();
  await upstream.close();
});

const ask = (path: string, body: object): Promise<Response> =>
  fetch(gateway.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.masterKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const PATH = '/v1/projects/p1/locations/us-east5/publishers/anthropic/models/claude-sonnet-4%4020250514:rawPredict';
const messages = [{ role: 'user', content: 'Hi' }];

describe('Claude on Vertex AI', () => {
  it('gets the body of an Anthropic client without its model, and with the version of Vertex', async () => {
    await serve();

    const answer = await ask('/v1/messages', { model: 'claude', max_tokens: 16, messages });

    expect(await answer.json()).toMatchObject({ content: [{ type: 'text', text: 'Hello.' }] });
    const [, call] = upstream.seen;
    expect(call?.path).toBe(PATH);
    expect(call?.body).toEqual({ max_tokens: 16, messages, anthropic_version: 'vertex-2023-10-16' });
    expect(call?.headers.authorization).toBe('Bearer google-t1');
  });

  it('answers an OpenAI client, with one token for all calls', async () => {
    await serve();

    for (const _turn of [1, 2]) {
      const answer = await ask('/v1/chat/completions', { model: 'claude', messages });
      expect(await answer.json()).toMatchObject({ choices: [{ message: { content: 'Hello.' } }] });
    }

    expect(upstream.seen.map(({ path }) => path)).toEqual(['/token', PATH, PATH]);
    expect(upstream.seen[1]?.body).not.toHaveProperty('model');
  });

  it('gets a new token when one is refused, and shows none to the client when that one is refused too', async () => {
    await serve(2);
    expect((await ask('/v1/messages', { model: 'claude', max_tokens: 16, messages })).status).toBe(200);
    await gateway.close();
    await upstream.close();

    await serve(9);
    const answer = await ask('/v1/messages', { model: 'claude', max_tokens: 16, messages });
    expect(answer.status).toBe(401);
    expect(upstream.seen.map(({ path }) => path)).toEqual(['/token', PATH, '/token', PATH]);
    const text = await answer.text();
    expect(text).toContain('bad token [redacted]');
    expect(text).not.toContain('google-t');
  });
});
