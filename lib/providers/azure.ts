/** Azure: OpenAI's models with one host per resource and one path per deployment, and the other models of AI Foundry. */
import type { Headers } from '../transport/message.ts';
import { clientCredentialsToken } from '../transport/oauth.ts';
import { joinUrl } from './address.ts';
import { isReasoningModel } from './openai.ts';
import type { Address, AuthContext, Provider, SigningRequest } from './provider.ts';
import { rename } from './quirks.ts';

/** The newest version of the data-plane API that is not a preview. */
const DEFAULT_VERSION = '2024-10-21';

/** The Responses API of dated versions exists in previews only. */
const RESPONSES_VERSION = '2025-04-01-preview';

const FOUNDRY_VERSION = '2024-05-01-preview';

/**
 * Bases come in four lengths: the resource, a deployment, the `/openai/v1` API (no version needed, the model is in the body), and
 * the whole address of the operation.
 */
function url({ base, model, apiVersion, api, path }: Address): string {
  const { pathname } = new URL(base);
  const isV1 = /\/openai\/v1(\/|$)/.test(pathname);
  const hasDeployment = /\/deployments\/[^/]+/.test(pathname);
  const responses = api.dialect === 'openai-responses';
  const place = responses ? '/openai' : `/openai/deployments/${encodeURIComponent(model)}`;
  const fallback = responses ? RESPONSES_VERSION : DEFAULT_VERSION;
  return versioned(joinUrl(base, isV1 || hasDeployment ? path : place + path), apiVersion ?? (isV1 ? undefined : fallback));
}

function versioned(address: string, version: string | undefined): string {
  const full = new URL(address);
  if (version !== undefined && !full.searchParams.has('api-version')) full.searchParams.set('api-version', version);
  return full.href;
}

/** Tokens of Entra ID are JSON web tokens (they start with the base64 of `{"`); keys are not. */
function sign(headers: Record<string, string>, credential: string): void {
  if (credential.startsWith('eyJ')) headers['authorization'] = `Bearer ${credential}`;
  else headers['api-key'] = credential;
}

/**
 * A token of Entra ID for an application, where the deployment has one instead of a key.
 *
 * @see https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
async function authorize(_request: SigningRequest, context: AuthContext): Promise<Headers> {
  const { fields, parameters, http, now } = context;
  const { client_secret: clientSecret } = fields;
  const { tenant_id: tenant, client_id: clientId, azure_scope: scope = '', azure_authority: authority } = parameters;
  if (clientSecret === undefined || tenant === undefined || clientId === undefined) return {};
  const endpoint = `${authority}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`;
  const token = await context.token([endpoint, clientId, scope], () =>
    clientCredentialsToken(http, { url: endpoint, clientId, clientSecret, scope }, now()),
  );
  return { authorization: `Bearer ${token}` };
}

const entra = {
  parameters: {
    tenant_id: { env: ['AZURE_TENANT_ID'] },
    client_id: { env: ['AZURE_CLIENT_ID'] },
    azure_scope: { env: ['AZURE_SCOPE'], fallback: 'https://cognitiveservices.azure.com/.default' },
    azure_authority: { env: ['AZURE_AUTHORITY_HOST'], fallback: 'https://login.microsoftonline.com' },
  },
  secrets: { client_secret: { env: ['AZURE_CLIENT_SECRET'] } },
  sign,
  authorize,
} satisfies Partial<Provider>;

/** Where Azure OpenAI is and how it is spoken to; the resource's address comes from the operator. */
export const azure: Provider = {
  ...entra,
  id: 'azure',
  name: 'Azure OpenAI',
  envKeys: ['AZURE_API_KEY', 'AZURE_OPENAI_API_KEY', 'AZURE_AD_TOKEN'],
  envBases: ['AZURE_API_BASE'],
  takesVersion: true,
  envVersion: 'AZURE_API_VERSION',
  auth: { type: 'header', name: 'api-key' },
  generate: [
    { dialect: 'openai-chat', path: '/chat/completions' },
    {
      dialect: 'openai-responses',
      path: '/responses',
      forcedBy: 'responses/',
      quirks: [],
      keepsResponses: true,
      // Dated versions have none: learn.microsoft.com/en-us/azure/foundry/reference/rest/compactconversation.
      compaction: { path: '/responses/compact', at: /\/openai\/v1\// },
    },
  ],
  quirks: [rename('max_tokens', 'max_completion_tokens', isReasoningModel)],
  url,
  docs: 'https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference',
  checked: '2026-11-22',
};

/** The same resources under LiteLLM's name for their legacy completions. */
export const azureText: Provider = {
  ...azure,
  id: 'azure_text',
  name: 'Azure OpenAI (text completion)',
  aliasOf: 'azure',
  generate: [{ dialect: 'openai-completions', path: '/completions' }],
  quirks: [],
};

/** Agents have a scope of their own, unless the operator named one. */
const AGENTS_SCOPE = 'https://ai.azure.com/.default';

/** Entra ID for either. */
const authorizeFoundry: typeof authorize = (request, context) => {
  const isAgents = new URL(request.url).pathname.endsWith(AGENTS);
  const named = context.parameters['azure_scope'] !== entra.parameters.azure_scope.fallback;
  return authorize(
    request,
    isAgents && !named ? { ...context, parameters: { ...context.parameters, azure_scope: AGENTS_SCOPE } } : context,
  );
};

const AGENTS = '/threads/runs';

const isClaude = (model: string): boolean => model.startsWith('claude');

/** Models of other vendors on Azure: one endpoint per resource, the model in the body; Claude in its own dialect. */
export const azureAi: Provider = {
  ...entra,
  id: 'azure_ai',
  name: 'Azure AI Foundry',
  envKeys: ['AZURE_AI_API_KEY'],
  envBases: ['AZURE_AI_API_BASE'],
  takesVersion: true,
  auth: { type: 'header', name: 'api-key' },
  generate: [
    {
      dialect: 'anthropic-messages',
      path: '/anthropic/v1/messages',
      serves: isClaude,
      headers: { 'anthropic-version': '2023-06-01' },
    },
    { dialect: 'openai-chat', path: '/models/chat/completions', serves: (model) => !isClaude(model) },
    /** `agents/<id>`, below a base that ends with the project: `https://<resource>.services.ai.azure.com/api/projects/<project>`. */
    {
      dialect: 'openai-kin',
      variant: 'azure-agents',
      path: AGENTS,
      forcedBy: 'agents/',
      headers: { accept: 'text/event-stream' },
    },
  ],
  authorize: authorizeFoundry,
  /** Serverless endpoints have a host of their own and no `/models`; the version belongs to the common endpoint only. */
  url({ base, api, path, apiVersion }) {
    if (api.dialect === 'anthropic-messages') return joinUrl(base, path);
    if (api.path === AGENTS) return versioned(joinUrl(base, path), apiVersion ?? 'v1');
    const isV1 = /\/openai\/v1(\/|$)/.test(new URL(base).pathname);
    const common = /\.(?:services\.ai|openai)\.azure\.com$/.test(new URL(base).hostname) && !isV1;
    return versioned(joinUrl(base, common ? path : '/chat/completions'), apiVersion ?? (common ? FOUNDRY_VERSION : undefined));
  },
  docs: 'https://learn.microsoft.com/en-us/azure/ai-foundry/foundry-models/concepts/endpoints',
  checked: '2026-11-28',
};
