import { expect, it, onTestFinished } from 'vitest';
import { startLocal, type LocalServer } from '../../../functions/local/start.ts';

interface Run {
  readonly server: LocalServer;
  /** Asks with the virtual key of the banner; with a body, posts it. */
  readonly ask: (path: string, body?: object) => Promise<Response>;
}

async function runWithoutDatabase(environment: Record<string, string> = {}): Promise<Run> {
  const server = await startLocal({
    host: '127.0.0.1',
    port: 0,
    version: '1.2.3',
    environment: { TOLLGATE_MASTER_KEY: 'sk-master', ...environment },
    warn: () => undefined,
    resolvePackage: () => undefined,
  });
  const key = /Virtual key +(\S+)/.exec(server.banner)?.[1] ?? '';
  return {
    server,
    ask: (path, body) =>
      fetch(`${server.url}${path}`, {
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      }),
  };
}

it('works without a database, and says that nothing is kept and what to install', async () => {
  const { server, ask } = await runWithoutDatabase();

  const answer = await ask('/v1/messages', { model: 'demo', max_tokens: 50, messages: [{ role: 'user', content: 'Hello' }] });
  const { usage } = (await answer.json()) as { usage: { output_tokens: number } };
  const { info } = (await (await ask('/key/info')).json()) as { info: { spend: number } };

  expect(server.banner).toContain(`nothing is kept: there is no database for this machine`);
  expect(server.banner).toContain(`npm i --no-save @dynoxide/${process.platform}-${process.arch}@`);
  expect(usage.output_tokens).toBeGreaterThan(0);
  expect(info.spend).toBeGreaterThan(0);
  await server.stop();
  await expect(ask('/v1/models')).rejects.toThrow();
});

it('leaves /model to management, except for the routes of Bedrock for its models', async () => {
  const { server, ask } = await runWithoutDatabase();
  onTestFinished(() => server.stop());
  const hello = { messages: [{ role: 'user', content: [{ text: 'Hello' }] }] };

  const converse = await ask('/model/demo/converse', hello);
  const stream = await ask('/model/demo/converse-stream', hello);
  const invoke = await ask('/model/demo/invoke', {
    anthropic_version: 'bedrock-2023-05-31',
    max_tokens: 50,
    messages: [{ role: 'user', content: 'Hello' }],
  });
  const unknown = await ask('/model/unknown');

  expect(await converse.json()).toMatchObject({ output: { message: { role: 'assistant' } } });
  expect(stream.headers.get('content-type')).toBe('application/vnd.amazon.eventstream');
  await stream.arrayBuffer();
  expect(await invoke.json()).toMatchObject({ type: 'message', role: 'assistant' });
  expect(unknown.status).toBe(404);
  expect(await unknown.text()).toContain('management API');
});

it.each([
  ['by default as from any', {}, '*'],
  ['as LiteLLM is told', { LITELLM_CORS_ORIGINS: 'https://a.example,https://page.example' }, 'https://page.example'],
  ['not at all', { TOLLGATE_CORS_ORIGINS: 'none', LITELLM_CORS_ORIGINS: '*' }, null],
])('lets pages call the data plane and management, %s', async (_, environment, allowed) => {
  const { server } = await runWithoutDatabase(environment);
  onTestFinished(() => server.stop());
  const headers = { origin: 'https://page.example' };

  const asked = await fetch(`${server.url}/v1/messages`, {
    method: 'OPTIONS',
    headers: { ...headers, 'access-control-request-method': 'POST' },
  });
  const answers = await Promise.all(['/v1/models', '/key/info'].map((path) => fetch(server.url + path, { headers })));

  expect(asked.status).toBe(allowed === null ? 405 : 204);
  for (const answer of [asked, ...answers]) expect(answer.headers.get('access-control-allow-origin')).toBe(allowed);
});

it.each(['/openapi.json', '/receipts/keys'])('answers %s, which management has and which needs no key', async (path) => {
  const { server } = await runWithoutDatabase();
  onTestFinished(() => server.stop());

  const response = await fetch(server.url + path);

  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain('application/json');
});
