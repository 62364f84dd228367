/** GitHub Copilot: OpenAI's dialects, and Claude's for Claude, with a token for minutes, got in exchange for the token of a user. */
import { GatewayError } from '../errors.ts';
import { isObject } from '../kinds/json.ts';
import type { Headers } from '../transport/message.ts';
import { answered, checkTokenUrl, type Lease } from '../transport/oauth.ts';
import { deviceToken } from './device-flow.ts';
import type { AuthContext, Provider, SigningRequest } from './provider.ts';

/** What the API wants to know of the editor that calls. */
const EDITOR: Headers = {
  'editor-version': 'vscode/1.95.0',
  'editor-plugin-version': 'copilot-chat/0.26.7',
  'user-agent': 'GitHubCopilotChat/0.26.7',
};

async function authorize({ body }: SigningRequest, context: AuthContext): Promise<Headers> {
  const { fields, parameters, http } = context;
  const { api_key: key } = fields;
  const { github_copilot_token_url: url = '' } = parameters;
  if (key === undefined) {
    const fault =
      'This model of GitHub Copilot cannot be called: set api_key to the OAuth token of a user, or get one with --sign-in github_copilot.';
    throw new GatewayError('internal', fault, { code: 'misconfigured_deployment' });
  }
  const token = await context.token(['copilot', url], async (): Promise<Lease<string>> => {
    checkTokenUrl(url);
    const headers = { ...EDITOR, authorization: `token ${key}`, accept: 'application/json' };
    const answer = answered(await http({ method: 'GET', url, headers }), url);
    const { token: value, expires_at: expiresAt } = answer;
    if (typeof value !== 'string' || typeof expiresAt !== 'number') {
      throw new GatewayError('upstream', 'GitHub answered without a token of Copilot.');
    }
    return { value, expiresAt: expiresAt * 1000 };
  });
  return { authorization: `Bearer ${token}`, ...headersOf(body) };
}

/**
 * Who began, which GitHub counts requests by: the user, or an agent that goes on by itself. Pictures have to be announced.
 *
 * Bodies are read once more for it: the headers depend on what the messages hold, whichever the dialect.
 */
function headersOf(body: Uint8Array): Headers {
  const sent: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
  const { messages, input } = isObject(sent) ? sent : {};
  const turns: readonly unknown[] = Array.isArray(messages) ? messages : Array.isArray(input) ? input : [];
  const goesOn = turns.some((turn) => isObject(turn) && AGENT.has(turn['role'] ?? turn['type']));
  const sees = turns.some(
    (turn) =>
      isObject(turn) &&
      Array.isArray(turn['content']) &&
      turn['content'].some((part) => isObject(part) && PICTURES.has(part['type'])),
  );
  return { 'x-initiator': goesOn ? 'agent' : 'user', ...(sees && { 'copilot-vision-request': 'true' }) };
}

/** Roles, or types of items, of a conversation that is under way. */
const AGENT: ReadonlySet<unknown> = new Set(['assistant', 'tool', 'function_call', 'function_call_output', 'reasoning']);

const PICTURES: ReadonlySet<unknown> = new Set(['image_url', 'input_image', 'image']);

const isClaude = (model: string): boolean => model.startsWith('claude');
const isCodex = (model: string): boolean => model.includes('codex');

/**
 * Where Copilot is and how it is spoken to. Plans of companies have hosts of their own (`https://api.business.githubcopilot.com`), which
 * `api_base` names.
 */
export const githubCopilot: Provider = {
  id: 'github_copilot',
  name: 'GitHub Copilot',
  base: 'https://api.githubcopilot.com',
  envKeys: ['GITHUB_COPILOT_API_KEY'],
  envBases: ['GITHUB_COPILOT_API_BASE'],
  auth: { type: 'none' },
  generate: [
    { dialect: 'openai-chat', path: '/chat/completions', serves: (model) => !isCodex(model) },
    {
      dialect: 'openai-responses',
      path: '/responses',
      forcedBy: 'responses/',
      serves: (model) => isCodex(model) || /^(?:gpt-5|o\d)/.test(model),
    },
    {
      dialect: 'anthropic-messages',
      path: '/v1/messages',
      serves: isClaude,
      headers: {
        'anthropic-version': '2023-06-01',
        'openai-intent': 'messages-proxy',
        'x-interaction-type': 'messages-proxy',
        'x-github-api-version': '2026-06-01',
      },
    },
  ],
  headers: {
    ...EDITOR,
    'copilot-integration-id': 'vscode-chat',
    'openai-intent': 'conversation-panel',
    'x-github-api-version': '2025-04-01',
  },
  parameters: {
    github_copilot_token_url: {
      env: ['GITHUB_COPILOT_API_KEY_URL'],
      fallback: 'https://api.github.com/copilot_internal/v2/token',
    },
    github_copilot_device_code_url: {
      env: ['GITHUB_COPILOT_DEVICE_CODE_URL'],
      fallback: 'https://github.com/login/device/code',
    },
    github_copilot_access_token_url: {
      env: ['GITHUB_COPILOT_ACCESS_TOKEN_URL'],
      fallback: 'https://github.com/login/oauth/access_token',
    },
  },
  secrets: {},
  authorize,
  signIn: (context) =>
    deviceToken(
      {
        codeUrl: context.parameters['github_copilot_device_code_url'] ?? '',
        tokenUrl: context.parameters['github_copilot_access_token_url'] ?? '',
        // The client of Copilot's own plug-ins: others get no tokens of Copilot.
        clientId: 'Iv1.b507a08c87ecfe98',
        scope: 'read:user',
      },
      context,
    ),
  docs: 'https://docs.litellm.ai/docs/providers/github_copilot',
  checked: '2026-11-28',
};
