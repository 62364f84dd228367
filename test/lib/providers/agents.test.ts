/** Agents through the whole gateway. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Deployment } from '../../../lib/domain/model.ts';
import { aDeployment } from '../../support/exchange.ts';
import { serveGateway, type Served } from '../../support/gateway.ts';
import { startUpstream, type Upstream } from '../../support/upstream.ts';

let upstream: Upstream;
let gateway: Served | undefined;
beforeEach(async () => {
  upstream = await startUpstream();
});
afterEach(async () => {
  await gateway?.close();
  await upstream.close();
});

async function ask(deployment: Partial<Deployment>, path = '/v1/chat/completions', body: object = {}): Promise<Response> {
  const given = {
    modelName: 'm',
    apiBase: upstream.url,
    credential: { type: 'value', value: 'key-1' },
    ...deployment,
  } as const;
  gateway = await serveGateway(upstream.url, { deployments: [aDeployment(given)] });
  return fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.masterKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...body }),
  });
}

const message = (role: string, text: string) => ({
  type: 'message',
  id: `msg_${role}`,
  role,
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [] }],
});

/** Answers by turns; the last one stays. */
function answerWith(...answers: readonly (readonly [number, object])[]): void {
  const left = [...answers];
  upstream.answer((_seen, response) => {
    const [status, body] = (left.length > 1 ? left.shift() : left[0]) ?? [500, {}];
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
}

describe('Manus', () => {
  const task = { id: 'task_1', object: 'response', createdAt: 1_790_000_000, model: 'manus-1.6' };
  const done = { ...task, status: 'completed', output: [message('user', 'Hi'), message('assistant', 'Hello')] };

  it.each([false, true])(
    'is waited for until its task is done; its answer is what the agent said (stream: %s)',
    async (stream) => {
      answerWith([200, { ...task, status: 'running', output: [message('user', 'Hi')] }], [200, done]);

      const text = await (await ask({ provider: 'manus', model: 'manus-1.6' }, undefined, { stream })).text();

      expect(text).toContain('"content":"Hello"');
      expect(text).not.toContain('"content":"Hi');
      expect(upstream.seen).toMatchObject([
        {
          method: 'POST',
          path: '/v1/responses',
          headers: { api_key: 'key-1' },
          body: { task_mode: 'agent', agent_profile: 'manus-1.6' },
        },
        { method: 'GET', path: '/v1/responses/task_1', headers: { api_key: 'key-1' } },
      ]);
      expect(upstream.seen[0]?.body).not.toHaveProperty('stream');
    },
  );

  it('that failed is an error', async () => {
    answerWith([200, { ...task, status: 'error', error: { message: 'No credits.' }, output: [] }]);

    const reply = await ask({ provider: 'manus', model: 'manus-1.6' });

    expect(reply.ok).toBe(false);
    expect(await reply.text()).toContain('No credits.');
  });
});

describe('agents of Azure AI Foundry', () => {
  it('are streamed to clients that want a stream, and gathered for those that want none', async () => {
    upstream.answer((_seen, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const delta = { delta: { content: [{ type: 'text', text: { value: 'Hello' } }] } };
      response.write(`event: thread.message.delta\ndata: ${JSON.stringify(delta)}\n\n`);
      response.end(
        'event: thread.run.completed\ndata: {"usage":{"prompt_tokens":9,"completion_tokens":2}}\n\nevent: done\ndata: [DONE]\n\n',
      );
    });
    const agent = { provider: 'azure_ai', model: 'agents/asst_1', apiBase: `${upstream.url}/api/projects/p` };

    expect(await (await ask(agent)).json()).toMatchObject({
      choices: [{ message: { content: 'Hello' } }],
      usage: { prompt_tokens: 9, completion_tokens: 2 },
    });
    expect(upstream.seen[0]).toMatchObject({
      path: '/api/projects/p/threads/runs?api-version=v1',
      body: { assistant_id: 'asst_1', stream: true },
    });
  });
});

describe('an agent on Agent Engine', () => {
  const steps = ['Hel', 'lo ✓'].map((text) =>
    JSON.stringify({ content: { parts: [{ text }] }, usage_metadata: { prompt_token_count: 4, candidates_token_count: 1 } }),
  );

  it.each([
    ['server-sent events', 'text/event-stream', steps.map((step) => `data: ${step}\n\n`).join('')],
    ['lines of JSON', 'application/json', `${steps.join('\n')}\n`],
    ['lines of JSON under the name of events', 'text/event-stream', steps.join('\n')],
  ])('may answer in %s, to clients of either kind', async (_what, type, text) => {
    upstream.answer(async (_seen, response) => {
      response.writeHead(200, { 'content-type': type });
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += 11) {
        response.write(bytes.subarray(at, at + 11));
        await new Promise((done) => setImmediate(done));
      }
      response.end();
    });
    const agent = {
      provider: 'vertex_ai',
      model: 'agent_engine/456',
      parameters: { vertex_project: 'p', vertex_location: 'us-central1' },
    };

    expect(await (await ask(agent)).json()).toMatchObject({
      choices: [{ message: { content: 'Hello ✓' } }],
      usage: { prompt_tokens: 8, completion_tokens: 2 },
    });
    await gateway?.close();
    const streamed = await (await ask(agent, undefined, { stream: true })).text();
    expect([...streamed.matchAll(/"content":"([^"]+)"/g)].map(([, piece]) => piece)).toEqual(['Hel', 'lo ✓']);
    expect(upstream.seen[0]).toMatchObject({
      path: '/v1/projects/p/locations/us-central1/reasoningEngines/456:streamQuery?alt=sse',
      body: { class_method: 'stream_query', input: { message: 'Hi' } },
    });
  });
});

describe('an agent that speaks A2A', () => {
  it('is called at the very address it was given', async () => {
    answerWith([200, { jsonrpc: '2.0', id: '1', result: { kind: 'message', parts: [{ kind: 'text', text: 'Hello' }] } }]);

    const reply = await ask({ provider: 'a2a', model: 'x', apiBase: `${upstream.url}/agents/one` }, '/v1/messages', {
      max_tokens: 9,
    });

    expect(await reply.json()).toMatchObject({ content: [{ type: 'text', text: 'Hello' }] });
    expect(upstream.seen[0]?.path).toBe('/agents/one');
  });
});

describe('a budget', () => {
  const KEY = 'sk-agents';
  const priced = { price: { input_cost_per_token: 0.000001, output_cost_per_token: 0.000001 }, maxOutputTokens: 1_000 };
  const call = (): Promise<Response> =>
    fetch(`${gateway?.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] }),
    });

  it('holds for all that an agent may write, since it cannot be told to write less', async () => {
    answerWith([200, { jsonrpc: '2.0', id: '1', result: { kind: 'message', parts: [{ kind: 'text', text: 'Hello' }] } }]);
    const agent = aDeployment({ modelName: 'm', provider: 'a2a', model: 'x', apiBase: upstream.url, ...priced });
    gateway = await serveGateway(upstream.url, { deployments: [agent] });
    // 500 tokens' worth: enough for what is asked for, not for what may come.
    await gateway.addKey(KEY, { maxBudget: 500_000_000n });

    expect((await call()).status).toBe(429);
    expect(upstream.seen).toEqual([]);

    await gateway.close();
    gateway = await serveGateway(upstream.url, { deployments: [agent] });
    await gateway.addKey(KEY, { maxBudget: 2_000_000_000n });
    expect((await call()).status).toBe(200);
  });
});
