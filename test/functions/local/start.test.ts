import { expect, it } from 'vitest';
import { startLocal } from '../../../functions/local/start.ts';

it('works without a database, and says that nothing is kept and what to install', async () => {
  const server = await startLocal({
    host: '127.0.0.1',
    port: 0,
    version: '1.2.3',
    environment: { TOLLGATE_MASTER_KEY: 'sk-master' },
    warn: () => undefined,
    resolvePackage: () => undefined,
  });
  const key = /Virtual key +(\S+)/.exec(server.banner)?.[1] ?? '';
  const ask = (path: string, body?: object): Promise<Response> =>
    fetch(`${server.url}${path}`, {
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });

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
