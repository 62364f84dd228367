/** `npm run import`, as an operator runs it; then the gateway over what it wrote. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLocal, type LocalServer } from '../../../functions/local/start.ts';
import { hashSecret } from '../../../lib/domain/key.ts';

const MASTER = 'sk-master-of-the-import';
const SECRET = 'sk-made-by-another-gateway';
const POOR = 'sk-has-spent-all-of-it';
const root = join(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'import-'));
const data = join(folder, 'state');
const fileOf = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const config = fileOf(
  'config.yaml',
  'model_list:\n  - model_name: gpt\n    litellm_params: {model: openai/gpt-4o-mini, api_key: os.environ/IMPORT_TEST_KEY}\n    model_info: {id: imported-model}\n',
);
const dump = fileOf(
  'dump.json',
  JSON.stringify({
    LiteLLM_TeamTable: [{ team_id: 't', team_alias: 'Team', max_budget: 10, spend: 4, models: [] }],
    LiteLLM_VerificationToken: [
      { token: hashSecret(SECRET), key_alias: 'old', team_id: 't', max_budget: 5, spend: 1.5, models: ['demo'] },
      { token: hashSecret(POOR), max_budget: 1, spend: 1, models: [] },
    ],
    LiteLLM_Config: [],
  }),
);

const run = (...args: string[]): Promise<{ code: number; out: string }> =>
  new Promise((resolve) => {
    const environment = { ...process.env, IMPORT_TEST_KEY: 'sk-provider-of-the-import' };
    execFile(
      process.execPath,
      ['functions/local/import.ts', ...args, '--data', data],
      { cwd: root, env: environment },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), out: stdout + stderr }),
    );
  });

let first: { code: number; out: string };
let server: LocalServer;
let stopped: Promise<void> | undefined;
const stop = (): Promise<void> => (stopped ??= server.stop());
beforeAll(async () => {
  first = await run(config, dump);
  server = await startLocal({
    host: '127.0.0.1',
    port: 0,
    data,
    version: '0',
    environment: { TOLLGATE_MASTER_KEY: MASTER },
    warn: () => {},
  });
});
afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true });
});

const call = async (path: string, key: string, body?: object) => {
  const response = await fetch(server.url + path, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const ask = (key: string) =>
  call('/v1/chat/completions', key, { model: 'demo', max_tokens: 64, messages: [{ role: 'user', content: 'Hello' }] });

describe('an import', () => {
  it('says what it made and what it did not read', () => {
    expect(first).toEqual({ code: 0, out: expect.stringContaining('keys: 2 created') as string });
    expect(first.out).toContain('models: 1 created');
    expect(first.out).toContain('Not read: LiteLLM_Config');
    expect(first.out).not.toContain('sk-provider');
  });

  it('keeps keys working, with what they have spent', async () => {
    expect((await ask(SECRET)).status).toBe(200);
    // The call is settled after its answer.
    const spend = async () => ((await call(`/key/info?key=${SECRET}`, MASTER)).body['info'] as { spend: number }).spend;
    await expect.poll(spend).toBeGreaterThan(1.5);
    expect(await spend()).toBeLessThan(1.6);
  });

  it('keeps budgets that are spent, spent', async () => {
    const refused = await ask(POOR);
    expect(refused.status).toBe(429);
    expect(JSON.stringify(refused.body)).toContain('budget_exceeded');
  });

  it('brings models with their credentials, which never come back out', async () => {
    expect(server.banner).toMatch(
      /Providers +1 model of the registry: GET \/v1\/models lists them\n +none in the environment: /,
    );
    const { body } = await call('/model/info?litellm_model_id=imported-model', MASTER);
    expect(body).toMatchObject({ data: [{ model_name: 'gpt' }] });
    expect(JSON.stringify(body)).not.toContain('sk-provider');
  });

  it('can be repeated without harm while nothing runs, and refuses while something does', async () => {
    expect(await run(dump)).toEqual({ code: 1, out: expect.stringContaining('is in use by another Tollgate') as string });
    await stop();
    const again = await run(dump);
    expect(again.code).toBe(0);
    expect(again.out).toContain('keys: 0 created, 2 there before');
    expect(again.out).toContain('spend so far: 0 created, 3 there before');
  });

  it('reads and reports without writing when asked to', async () => {
    const { code, out } = await run('--dry-run', dump);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('Would import:\nteams: 1\nkeys: 2\n') as string });
  });

  it.each([
    [['--nope'], '--help lists the flags'],
    [['/nowhere/dump.json'], 'tollgate: /nowhere/dump.json: there is no such file or folder'],
    [['/nowhere/config.yaml'], 'tollgate: config file /nowhere/config.yaml: there is no such file'],
    [[join(root, 'README.md')], 'README.md: expected a .yaml, .csv or .json file, or a folder of these'],
    [[fileOf('cut.json', '{"a":\n[')], 'cut.json: not valid JSON: '],
    [[fileOf('five.json', '5')], 'five.json: expected a list of rows, or an object of tables, got a number'],
    [[fileOf('cut.yaml', 'a: [')], `tollgate: ${join(folder, 'cut.yaml')}:`],
  ])('ends with one line for %j', async (args, line) => {
    const { code, out } = await run(...args);
    expect(code).toBe(1);
    expect(out).toContain(line);
    expect(out.trim().split('\n')).toHaveLength(1);
  });
});
