/** The models of a ChatGPT subscription, at the address that OpenAI's Codex calls: the Responses API, streamed only. */
import { GatewayError } from '../errors.ts';
import { isObject } from '../kinds/json.ts';
import type { Headers } from '../transport/message.ts';
import { answered, checkTokenUrl, FORM, formOf } from '../transport/oauth.ts';
import { late } from './device-flow.ts';
import type { AuthContext, Provider, SignInContext, SigningRequest } from './provider.ts';
import { drop, fixed } from './quirks.ts';

const AUTH = 'https://auth.openai.com';

/** The client of OpenAI's own command line. */
const CLIENT = 'app_EMoamEEZ73f0CkXaXp7hrann';

/** What a JSON web token says; nothing for what is none. The provider checks it, not we. */
function claimsOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return isObject(claims) ? claims : {};
  } catch {
    return {};
  }
}

/** The account that the token was made for. */
function accountOf(token: string): string | undefined {
  const claim = claimsOf(token)['https://api.openai.com/auth'];
  const id = isObject(claim) ? claim['chatgpt_account_id'] : undefined;
  return typeof id === 'string' ? id : undefined;
}

/** Tokens live for days and cannot be renewed here: what renews them is good once, and would have to be kept anew each time. */
async function authorize(_request: SigningRequest, { fields, now }: AuthContext): Promise<Headers> {
  const token = fields['access_token'] ?? fields['api_key'];
  const expiry = token === undefined ? undefined : claimsOf(token)['exp'];
  const dead = typeof expiry === 'number' && expiry * 1000 <= now();
  if (token === undefined || dead) {
    const fault = dead ? 'its sign-in has expired' : 'it wants the access token of a sign-in';
    throw new GatewayError('internal', `This model of ChatGPT cannot be called: ${fault}. Use --sign-in chatgpt.`, {
      code: 'misconfigured_deployment',
    });
  }
  const account = fields['account_id'] ?? accountOf(token);
  return { authorization: `Bearer ${token}`, ...(account !== undefined && { 'chatgpt-account-id': account }) };
}

/** OpenAI's own way of signing in with a code: no RFC's. */
async function signIn({ parameters, http, now, wait, tell }: SignInContext): Promise<string> {
  const auth = parameters['chatgpt_auth_url'] ?? AUTH;
  checkTokenUrl(auth);
  const post = (path: string, body: object) =>
    http({
      method: 'POST',
      url: `${auth}/api/accounts/deviceauth/${path}`,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
    });
  const code = answered(await post('usercode', { client_id: CLIENT }), auth);
  const { device_auth_id, user_code, interval } = code;
  if (typeof device_auth_id !== 'string' || typeof user_code !== 'string') {
    throw new GatewayError('upstream', 'OpenAI answered without a code.');
  }
  tell(`Open ${auth}/codex/device and enter the code ${user_code}`);
  const end = now() + LIFE_MS;
  while (now() < end) {
    await wait(Math.max(LEAST_S, Number(interval) || LEAST_S) * 1000);
    const answer = await post('token', { device_auth_id, user_code });
    // Not yet.
    if (answer.status === 403 || answer.status === 404) continue;
    const { authorization_code: granted, code_verifier } = answered(answer, auth);
    if (typeof granted !== 'string' || typeof code_verifier !== 'string') {
      throw new GatewayError('upstream', 'OpenAI answered without an authorization.');
    }
    return exchanged(auth, { code: granted, code_verifier }, http);
  }
  throw late();
}

/** How long a code is good, and seconds between two questions at least. */
const LIFE_MS = 900_000;
const LEAST_S = 5;

async function exchanged(
  auth: string,
  granted: { readonly code: string; readonly code_verifier: string },
  http: SignInContext['http'],
): Promise<string> {
  const redirect_uri = `${auth}/deviceauth/callback`;
  const body = formOf({ grant_type: 'authorization_code', client_id: CLIENT, redirect_uri, ...granted });
  const { access_token: token } = answered(
    await http({ method: 'POST', url: `${auth}/oauth/token`, headers: FORM, body }),
    auth,
  );
  if (typeof token !== 'string') throw new GatewayError('upstream', 'OpenAI answered without a token.');
  return token;
}

/** What this address refuses, though OpenAI's own API takes it. */
const REFUSED = [
  'background',
  'max_output_tokens',
  'max_tool_calls',
  'metadata',
  'safety_identifier',
  'service_tier',
  'temperature',
  'top_logprobs',
  'top_p',
  'user',
];

/**
 * Where it is and how it is spoken to. It wants instructions, and takes no cap: near the end of a budget an answer cannot be shortened.
 */
export const chatgpt: Provider = {
  id: 'chatgpt',
  name: 'ChatGPT (a subscription)',
  base: 'https://chatgpt.com/backend-api/codex',
  envKeys: ['CHATGPT_ACCESS_TOKEN'],
  envBases: ['CHATGPT_API_BASE', 'OPENAI_CHATGPT_API_BASE'],
  auth: { type: 'none' },
  headers: { accept: 'text/event-stream', originator: 'codex_cli_rs' },
  generate: [
    {
      dialect: 'openai-responses',
      path: '/responses',
      quirks: [fixed('store', false), fixed('stream', true), ...REFUSED.map((field) => drop(field))],
      takesNoCap: true,
    },
  ],
  parameters: { chatgpt_auth_url: { fallback: AUTH } },
  secrets: { access_token: {}, account_id: {} },
  authorize,
  signIn,
  docs: 'https://docs.litellm.ai/docs/providers/chatgpt',
  checked: '2026-11-28',
};
