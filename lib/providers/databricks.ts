/** Databricks: serving endpoints of a workspace, with a personal token or the tokens of a service principal. */
import type { Headers } from '../transport/message.ts';
import { clientCredentialsToken } from '../transport/oauth.ts';
import type { AuthContext, Provider, SigningRequest } from './provider.ts';
import { rename } from './quirks.ts';

/**
 * A token of the workspace itself, which is where the call goes too.
 *
 * @see https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m
 */
async function authorize({ url }: SigningRequest, context: AuthContext): Promise<Headers> {
  const { fields, parameters, http, now } = context;
  const { client_secret: clientSecret } = fields;
  const { client_id: clientId } = parameters;
  if (clientSecret === undefined || clientId === undefined) return {};
  const endpoint = new URL('/oidc/v1/token', url).href;
  const client = { url: endpoint, clientId, clientSecret, scope: 'all-apis', secretIn: 'basic' } as const;
  const token = await context.token([endpoint, clientId], () => clientCredentialsToken(http, client, now()));
  return { authorization: `Bearer ${token}` };
}

/** Where Databricks is and how it is spoken to; the workspace's address comes from the operator. */
export const databricks: Provider = {
  id: 'databricks',
  name: 'Databricks',
  envKeys: ['DATABRICKS_API_KEY', 'DATABRICKS_TOKEN'],
  envBases: ['DATABRICKS_API_BASE'],
  auth: { type: 'bearer' },
  generate: [{ dialect: 'openai-chat', path: '/serving-endpoints/chat/completions' }],
  quirks: [rename('max_completion_tokens', 'max_tokens')],
  parameters: { client_id: { env: ['DATABRICKS_CLIENT_ID'] } },
  secrets: { client_secret: { env: ['DATABRICKS_CLIENT_SECRET'] } },
  authorize,
  docs: 'https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference',
  checked: '2026-11-22',
};
