import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = new URL('../../../', import.meta.url).pathname;
const main = join(root, 'functions/local/main.ts');
/** The environment without what would change a run: providers, keys, settings of whoever runs the tests. */
const bare = Object.fromEntries(['PATH', 'HOME', 'DYNOXIDE_BIN'].map((name) => [name, process.env[name]]));

let folder: string;
const running = new Set<ChildProcess>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-main-'));
});
afterEach(async () => {
  for (const child of running) {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
  rmSync(folder, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly master: string;
  readonly key: string;
  readonly output: string;
  /** What it wrote to stderr so far. */
  errors(): string;
  /** Resolves with code and signal. */
  readonly exit: Promise<unknown[]>;
}

const state = (): string => join(folder, 'state');

/** Starts it and waits for the line that says it is ready. */
async function start(
  flags: readonly string[] = ['--data', state()],
  environment: Record<string, string> = {},
): Promise<Running> {
  const child = spawn(process.execPath, [main, '--port', '0', ...flags], { cwd: folder, env: { ...bare, ...environment } });
  running.add(child);
  const exit = once(child, 'exit');
  void exit.then(() => running.delete(child));
  let output = '';
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (/^Ready on /m.test(output)) resolve();
    });
    child.once('exit', () => reject(new Error(`it ended: ${errors}`)));
  });
  const field = (name: string): string => new RegExp(`^ {2}${name} +(\\S+)`, 'm').exec(output)?.[1] ?? '';
  return {
    child,
    url: field('Base URL'),
    master: field('Master key'),
    key: field('Virtual key'),
    output,
    errors: () => errors,
    exit,
  };
}

/** Runs it to its end. */
async function fail(
  flags: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  try {
    const env = { ...bare, ...environment };
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [main, ...flags], { cwd: folder, env });
    return { code: 0, out: stdout, err: stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, out: stdout, err: stderr.replaceAll(folder, '') };
  }
}

interface Call {
  readonly path: string;
  readonly key: string;
  readonly body?: unknown;
}
async function call({ url }: Running, { path, key, body }: Call): Promise<{ status: number; json: Record<string, unknown> }> {
  const answer = await fetch(`${url}${path}`, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}

const hello = { model: 'demo', messages: [{ role: 'user', content: 'Hello' }] };
const ask = (server: Running, body: object = hello) => call(server, { path: '/v1/chat/completions', key: server.key, body });

/** Spend of the ready key, as soon as it is more than `than`: totals follow the ledger's stream. */
async function spendAbove(server: Running, than: number): Promise<number> {
  for (;;) {
    const { json } = await call(server, { path: '/key/info', key: server.key });
    const { spend } = json['info'] as { spend: number };
    if (spend > than) return spend;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The emulator in a wrapper that notes its process id. */
function notedDynoxide(): { readonly environment: Record<string, string>; pid(): number } {
  const noted = join(folder, 'pid');
  const binary =
    process.env['DYNOXIDE_BIN'] ??
    createRequire(import.meta.url).resolve(`@dynoxide/${process.platform}-${process.arch}/dynoxide`);
  const wrapper = join(folder, 'noted-dynoxide');
  writeFileSync(wrapper, `#!/bin/sh\necho $$ > '${noted}'\nexec '${binary}' "$@"\n`, { mode: 0o755 });
  return { environment: { DYNOXIDE_BIN: wrapper }, pid: () => Number(readFileSync(noted, 'utf8')) };
}

describe('a newcomer', () => {
  it('can paste the example, and finds the call in the ledger', async () => {
    const server = await start();
    const lines = server.output.split('\n').map((line) => line.trim());
    const first = lines.findIndex((line) => line.startsWith('import OpenAI'));
    const program = lines.slice(first, first + 3).join('\n');

    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd: root });

    expect(stdout).toContain('You said: Hello');
    expect(server.output).toContain('demo provider');
    expect(lines.at(-2)).toMatch(/^Ready on http:\/\/127\.0\.0\.1:\d+ after \d+ ms$/);
    expect(await spendAbove(server, 0)).toBeGreaterThan(0);
    const logs = await call(server, { path: `/spend/logs?api_key=${server.key}`, key: server.master });
    expect(logs.json).toMatchObject([{ model_group: 'demo', custom_llm_provider: 'demo', status: 'success' }]);
  });

  it('reaches management and the data plane at one address', async () => {
    const server = await start();

    const made = await call(server, { path: '/key/generate', key: server.master, body: { models: ['other'] } });
    const models = await call(server, { path: '/v1/models', key: server.key });
    const refused = await call(server, { path: '/v1/chat/completions', key: String(made.json['key']), body: hello });
    const nothing = await call(server, { path: '/key/nothing', key: server.master });
    const forbidden = await call(server, { path: '/key/generate', key: server.key, body: {} });

    expect(made.status).toBe(200);
    expect(models.json).toMatchObject({ data: [{ id: 'demo', owned_by: 'demo' }] });
    expect(refused.status).toBe(403);
    expect(nothing).toMatchObject({ status: 404, json: { error: { type: 'not_found_error' } } });
    expect(forbidden.status).toBe(403);
  });

  it('finds everything again after kill -9 of the gateway', async () => {
    const first = await start();
    await ask(first);
    const spent = await spendAbove(first, 0);
    const credential = { credential_name: 'mine', credential_values: { api_key: 'sk-provider' }, credential_info: {} };
    await call(first, { path: '/credentials', key: first.master, body: credential });
    first.child.kill('SIGKILL');
    await first.exit;

    const second = await start();
    await ask(second);

    expect([second.master, second.key]).toEqual([first.master, first.key]);
    expect(await spendAbove(second, spent)).toBeGreaterThan(spent);
    const credentials = await call(second, { path: '/credentials', key: second.master });
    expect(JSON.stringify(credentials.json)).toContain('mine');
    expect(JSON.stringify(credentials.json)).not.toContain('sk-provider');
    expect(statSync(state()).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(state())) expect(statSync(join(state(), name)).mode & 0o077, name).toBe(0);
  });

  it.each([
    ['with its data, where it is kept', () => ['--data', state()]],
    ['with its tables and keys, where nothing is kept', () => ['--ephemeral']],
  ])('goes on after kill -9 of the database, %s', async (_, flags) => {
    const dynoxide = notedDynoxide();
    const server = await start(flags(), dynoxide.environment);
    const made = await call(server, { path: '/key/generate', key: server.master, body: {} });
    const back = new Promise<void>((resolve) => {
      server.child.stderr?.on('data', () => /is back/.test(server.errors()) && resolve());
    });

    process.kill(dynoxide.pid(), 'SIGKILL');
    await back;

    expect((await ask(server)).status).toBe(200);
    const after = await call(server, { path: '/key/info', key: server.key });
    expect(after.json['info']).toMatchObject({ key_alias: 'local-dev' });
    const kept = await call(server, { path: `/key/info?key=${String(made.json['key'])}`, key: server.master });
    expect(kept.status).toBe(flags().includes('--ephemeral') ? 404 : 200);
  });

  it('leaves nothing behind with --ephemeral', async () => {
    const server = await start(['--ephemeral']);
    await ask(server);
    server.child.kill('SIGTERM');

    expect(await server.exit).toEqual([0, null]);
    expect(readdirSync(folder)).toEqual([]);
    expect(server.output).toContain('nothing is kept');
  });

  it('is told of models by a config, and of what the config cannot do here', async () => {
    const config = join(folder, 'config.yaml');
    writeFileSync(
      config,
      `
general_settings: {master_key: os.environ/MY_KEY}
litellm_settings: {callbacks: [langfuse]}
model_list:
  - {model_name: mine, litellm_params: {model: openai/gpt-4o, api_key: os.environ/NOBODY}}
  - {model_name: gemini, litellm_params: {model: acme_ai/gemini-2.5-pro}}
`,
    );

    const server = await start(['--config', config, '--ephemeral'], { MY_KEY: 'sk-from-the-environment' });

    expect(server.master).toBe('sk-from-the-environment');
    expect(server.output).toContain("model: 'mine'");
    const { json } = await call(server, { path: '/v1/models', key: server.key });
    expect(json['data']).toMatchObject([{ id: 'mine' }]);
    expect(server.errors().replaceAll(folder, '').split('\n')).toEqual([
      'tollgate: not supported yet, and ignored: litellm_settings.callbacks (/config.yaml:3)',
      'tollgate: environment variable NOBODY is not set (/config.yaml:5)',
      expect.stringContaining('tollgate: /config.yaml:6: model "gemini" is left out'),
      '',
    ]);
  });

  it('finds the providers of the environment, and gives its own master key', async () => {
    const server = await start(['--ephemeral'], { GROQ_API_KEY: 'gsk', OPENAI_API_KEY: 'sk', LITELLM_MASTER_KEY: 'sk-mine' });

    expect(server.output).toMatch(/Providers +Groq: groq\/<model>\n +OpenAI: openai\/<model>/);
    expect(server.output).not.toContain('demo');
    expect(server.master).toBe('sk-mine');
    expect(server.output).toContain("model: 'groq/llama-3.1-8b-instant'");
  });
});

describe('the end', () => {
  it('waits for open streams, then ends with 0 and takes its children with it', async () => {
    const dynoxide = notedDynoxide();
    const server = await start(['--data', state()], dynoxide.environment);
    const answer = await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ ...hello, stream: true }),
    });

    server.child.kill('SIGTERM');
    const text = await answer.text();

    expect(text).toMatch(/data: \[DONE\]\s*$/);
    expect(await server.exit).toEqual([0, null]);
    expect(() => process.kill(dynoxide.pid(), 0)).toThrow('ESRCH');
    expect(existsSync(join(state(), 'owner.json'))).toBe(false);
  });
});

describe('a start that cannot be', () => {
  it.each([
    ['an unknown flag', ['--prot', '1'], {}, "Unknown option '--prot'; --help lists the flags"],
    ['a config that is not there', ['--config', 'none.yaml'], {}, 'config file none.yaml: there is no such file'],
    ['a folder that cannot be', ['--data', '/dev/null/x'], {}, 'cannot keep state in /dev/null/x: a file is in its place'],
    [
      'an address of another machine',
      ['--host', '192.0.2.1', '--ephemeral'],
      {},
      '--host: 192.0.2.1 is no address of this machine',
    ],
    ['a wrong variable', ['--ephemeral'], { TOLLGATE_NUM_RETRIES: 'many' }, 'Environment: TOLLGATE_NUM_RETRIES'],
    ['an emulator that does not run', ['--ephemeral'], { DYNOXIDE_BIN: '/nowhere' }, 'DYNOXIDE_BIN: /nowhere is not a program'],
  ])('with %s is refused in one line', async (_, flags, environment, message) => {
    const { code, out, err } = await fail(flags, environment);

    expect(err).toMatch(/^tollgate: [^\n]+\n$/);
    expect(err).toContain(message);
    expect({ code, out }).toEqual({ code: 1, out: '' });
  });

  it('over a database without room for its tables is refused in one line', async () => {
    const full = join(folder, 'full-dynoxide');
    const program = `require('node:http').createServer((_, response) => response.writeHead(500, { 'content-type': 'application/x-amz-json-1.0' })
      .end('{"__type": "InternalServerError", "message": "database or disk is full"}')).listen(process.argv[process.argv.indexOf('--port') + 1], '127.0.0.1');`;
    writeFileSync(full, `#!${process.execPath}\n${program}`, { mode: 0o755 });

    const { code, err } = await fail(['--port', '0', '--data', state()], { DYNOXIDE_BIN: full });

    expect({ code, err }).toEqual({
      code: 1,
      err: 'tollgate: dynoxide could not make its tables in /state/dynamodb.sqlite: database or disk is full\n',
    });
    expect(existsSync(join(state(), 'owner.json'))).toBe(false);
  });

  it('on a busy port is refused in one line, and leaves the port to whoever has it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;

    const { code, err } = await fail(['--port', String(port), '--data', state()]);

    expect({ code, err }).toEqual({
      code: 1,
      err: `tollgate: port ${port} on 127.0.0.1 is in use; choose another with --port\n`,
    });
    expect(existsSync(join(state(), 'owner.json'))).toBe(false);
    other.close();
  });

  it('in a folder of a running Tollgate is refused in one line', async () => {
    const first = await start();

    const { code, err } = await fail(['--port', '0', '--data', state()]);

    expect(code).toBe(1);
    expect(err).toBe(
      `tollgate: /state is in use by another Tollgate (process ${first.child.pid}); stop it, or choose another folder with --data\n`,
    );
    expect((await ask(first)).status).toBe(200);
  });
});

it('explains itself', async () => {
  expect(await fail(['--help'])).toMatchObject({ code: 0, err: '', out: expect.stringContaining('--ephemeral') });
  expect(await fail(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});
