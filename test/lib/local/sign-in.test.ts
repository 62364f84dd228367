/** Signing in with a code on another device, against a server on loopback. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { environmentDeployments } from '../../../lib/local/environment.ts';
import { signIn, withSignIns } from '../../../lib/local/sign-in.ts';
import { openStateFolder, type StateFolder } from '../../../lib/local/state-folder.ts';
import { providerOf } from '../../../lib/providers/index.ts';
import { createHttpClient, type HttpClient } from '../../../lib/transport/http.ts';
import { startUpstream, type Upstream } from '../../support/upstream.ts';

let path: string;
let folder: StateFolder;
let server: Upstream;
let http: HttpClient;
let told: string[];
let waits: number[];
let clock: number;
beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'sign-in-'));
  folder = openStateFolder(path);
  server = await startUpstream();
  http = createHttpClient();
  [told, waits, clock] = [[], [], 0];
});
afterEach(async () => {
  await http.close();
  await server.close();
  folder.close();
  rmSync(path, { recursive: true });
});

const environment = (): Record<string, string> => ({
  GITHUB_COPILOT_DEVICE_CODE_URL: `${server.url}/login/device/code`,
  GITHUB_COPILOT_ACCESS_TOKEN_URL: `${server.url}/login/oauth/access_token`,
});

const enter = (id: string, given = environment()): Promise<void> =>
  signIn(id, {
    http,
    folder,
    environment: given,
    now: () => clock,
    wait: async (ms) => {
      waits.push(ms);
      clock += ms;
    },
    tell: (line) => void told.push(line),
  });

/** Answers in turn; the last one stays. */
function answerWith(...answers: readonly (readonly [number, object])[]): void {
  const left = [...answers];
  server.answer((_seen, response) => {
    const [status, body] = (left.length > 1 ? left.shift() : left[0]) ?? [500, {}];
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
}

const CODE = {
  device_code: 'd1',
  user_code: 'AB-12',
  verification_uri: 'https://github.com/login/device',
  expires_in: 900,
  interval: 5,
};
const PENDING = { error: 'authorization_pending' };

describe('signing in at GitHub', () => {
  it('shows a code, asks as often as it may, and keeps the token where the next start finds it', async () => {
    answerWith([200, CODE], [200, PENDING], [200, { error: 'slow_down' }], [200, PENDING], [200, { access_token: 'ghu_1' }]);

    await enter('github_copilot');

    expect(told[0]).toBe('Open https://github.com/login/device and enter the code AB-12');
    expect(told[1]).toContain('github_copilot/<model>');
    expect(told.join()).not.toContain('ghu_1');
    expect(waits).toEqual([5000, 5000, 10_000, 10_000]);
    const forms = server.seen.map(({ text }) => Object.fromEntries(new URLSearchParams(text)));
    expect(forms[0]).toEqual({ client_id: 'Iv1.b507a08c87ecfe98', scope: 'read:user' });
    expect(forms[1]).toMatchObject({ device_code: 'd1', grant_type: 'urn:ietf:params:oauth:grant-type:device_code' });
    expect(statSync(folder.file('signed-in-github_copilot')).mode & 0o777).toBe(0o600);

    const next = withSignIns({ OTHER: 'x' }, folder);
    expect(next).toMatchObject({ OTHER: 'x', GITHUB_COPILOT_API_KEY: 'ghu_1' });
    expect(environmentDeployments(next).found.map(({ id }) => id)).toContain('github_copilot');
  });

  it('does not outdo a token of the environment', async () => {
    answerWith([200, CODE], [200, { access_token: 'ghu_1' }]);
    await enter('github_copilot');

    expect(withSignIns({ GITHUB_COPILOT_API_KEY: 'own' }, folder)).toEqual({ GITHUB_COPILOT_API_KEY: 'own' });
    expect(withSignIns({}, undefined)).toEqual({});
  });

  it.each([
    [
      'is refused',
      [
        [200, CODE],
        [200, { error: 'access_denied' }],
      ],
      /refused: access_denied/,
    ],
    [
      'comes to nothing',
      [
        [200, CODE],
        [200, PENDING],
      ],
      /Nobody entered the code/,
    ],
    ['has no code', [[200, {}]], /without a code/],
    ['meets a server that fails', [[500, {}]], /failed \(HTTP 500\)/],
  ] as const)('that %s says so in one line, and keeps nothing', async (_what, answers, message) => {
    answerWith(...answers);

    await expect(enter('github_copilot')).rejects.toMatchObject({
      name: 'StartError',
      message: expect.stringMatching(message) as string,
    });
    expect(folder.read('signed-in-github_copilot')).toBeUndefined();
  });

  it('sends no code in the clear', async () => {
    const clear = { ...environment(), GITHUB_COPILOT_ACCESS_TOKEN_URL: 'http://evil.example/token' };

    await expect(enter('github_copilot', clear)).rejects.toThrow(/https/);
    expect(server.seen).toEqual([]);
  });
});

describe('signing in at OpenAI', () => {
  it('waits for the person, then exchanges what was granted', async () => {
    answerWith(
      [200, { device_auth_id: 'a1', user_code: 'XY', interval: '5' }],
      [403, {}],
      [200, { authorization_code: 'granted', code_challenge: 'c', code_verifier: 'v' }],
      [200, { access_token: 'eyJ.1', refresh_token: 'r', id_token: 'i' }],
    );
    const lines: string[] = [];

    const token = await providerOf('chatgpt').signIn?.({
      parameters: { chatgpt_auth_url: server.url },
      http: async (call) => {
        const answer = await http.send(call);
        return { status: answer.status, text: Buffer.from(await answer.bytes(10_000)).toString('utf8') };
      },
      now: () => clock,
      wait: async (ms) => void (clock += ms),
      tell: (line) => void lines.push(line),
    });

    expect(token).toBe('eyJ.1');
    expect(lines).toEqual([`Open ${server.url}/codex/device and enter the code XY`]);
    expect(server.seen.map((seen) => seen.path)).toEqual([
      '/api/accounts/deviceauth/usercode',
      '/api/accounts/deviceauth/token',
      '/api/accounts/deviceauth/token',
      '/oauth/token',
    ]);
    expect(Object.fromEntries(new URLSearchParams(server.seen[3]?.text))).toMatchObject({
      grant_type: 'authorization_code',
      code: 'granted',
      code_verifier: 'v',
      redirect_uri: `${server.url}/deviceauth/callback`,
    });
  });
});

it('is possible at some providers only', async () => {
  await expect(enter('groq')).rejects.toThrow(/--sign-in: expected chatgpt or github_copilot, got "groq"/);
});
