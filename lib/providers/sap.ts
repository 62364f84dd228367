/** SAP AI Core: the orchestration service of a tenant, with tokens by client credentials. */
import type { Headers } from '../transport/message.ts';
import { clientCredentialsToken } from '../transport/oauth.ts';
import type { AuthContext, Provider, SigningRequest } from './provider.ts';

/** Fields may be spelled as in a service key: `clientid`, `clientsecret`, `url`. */
async function authorize(_request: SigningRequest, context: AuthContext): Promise<Headers> {
  const { fields, parameters, http, now } = context;
  const clientId = parameters['client_id'] ?? fields['clientid'];
  const clientSecret = fields['client_secret'] ?? fields['clientsecret'];
  const address = parameters['auth_url'] ?? fields['url'];
  const group = { 'ai-resource-group': parameters['resource_group'] ?? 'default' };
  if (clientId === undefined || clientSecret === undefined || address === undefined) return {};
  const url = `${address.replace(/\/$/, '').replace(/\/oauth\/token$/, '')}/oauth/token`;
  const token = await context.token([url, clientId], () =>
    clientCredentialsToken(http, { url, clientId, clientSecret }, now()),
  );
  return { ...group, authorization: `Bearer ${token}` };
}

/**
 * Where the service is and how it is spoken to. `api_key` may hold the JSON of a service key, but the address and the deployment of the
 * orchestration come from the operator.
 */
export const sap: Provider = {
  id: 'sap',
  name: 'SAP AI Core (orchestration)',
  envKeys: ['AICORE_SERVICE_KEY', 'AICORE_CLIENT_SECRET'],
  envBases: ['AICORE_BASE_URL'],
  auth: { type: 'none' },
  generate: [{ dialect: 'openai-kin', variant: 'sap', path: '/v2/inference/deployments/{deployment_id}/v2/completion' }],
  parameters: {
    deployment_id: { env: ['AICORE_DEPLOYMENT_ID'] },
    client_id: { env: ['AICORE_CLIENT_ID'] },
    auth_url: { env: ['AICORE_AUTH_URL'] },
    resource_group: { env: ['AICORE_RESOURCE_GROUP'], fallback: 'default' },
  },
  secrets: { client_secret: { env: ['AICORE_CLIENT_SECRET'] } },
  authorize,
  docs: 'https://help.sap.com/docs/sap-ai-core/generative-ai/orchestration-workflow-v2',
  checked: '2026-11-28',
};
