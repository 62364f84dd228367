/** GitHub Copilot: OpenAI's dialects, with a token that lives for minutes, got in exchange for an OAuth token of the user. */
import { GatewayError } from '../errors.ts';
import type { Headers } from '../transport/message.ts';
import { answered, checkTokenUrl, type Lease } from '../transport/oauth.ts';
import type { AuthContext, Provider, SigningRequest } from './provider.ts';

const EDITOR: Headers = { 'editor-version': 'vscode/1.95.0', 'editor-plugin-version': 'copilot-chat/0.26.7' };

async function authorize(_request: SigningRequest, context: AuthContext): Promise<Headers> {
  const { fields, parameters, http } = context;
  const { api_key: key } = fields;
  const { github_copilot_token_url: url = '' } = parameters;
  if (key === undefined) {
    const fault = 'This model of GitHub Copilot cannot be called: set api_key to the OAuth token of a user.';
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
  return { authorization: `Bearer ${token}` };
}

/** Where Copilot is and how it is spoken to. The user's token is the one that a sign-in with a code on another device gives. */
export const githubCopilot: Provider = {
  id: 'github_copilot',
  name: 'GitHub Copilot',
  base: 'https://api.githubcopilot.com',
  envKeys: ['GITHUB_COPILOT_API_KEY'],
  envBases: ['GITHUB_COPILOT_API_BASE'],
  auth: { type: 'none' },
  generate: [
    { dialect: 'openai-chat', path: '/chat/completions' },
    { dialect: 'openai-responses', path: '/responses', forcedBy: 'responses/' },
  ],
  headers: { ...EDITOR, 'copilot-integration-id': 'vscode-chat' },
  parameters: {
    github_copilot_token_url: {
      env: ['GITHUB_COPILOT_API_KEY_URL'],
      fallback: 'https://api.github.com/copilot_internal/v2/token',
    },
  },
  secrets: {},
  authorize,
  docs: 'https://docs.github.com/en/copilot',
  checked: '2026-11-22',
  verified: false,
};
