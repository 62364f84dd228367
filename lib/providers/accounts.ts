/** OpenAI-compatible APIs whose address holds an account, a deployment or an application of the operator. */
import { joinUrl } from './address.ts';
import { completed, maxTokens } from './compatible-row.ts';
import type { Provider } from './provider.ts';

/** Workers AI. LiteLLM's bases end in `/ai/run`, the place of an API of another form. */
const cloudflare = completed({
  id: 'cloudflare',
  name: 'Cloudflare Workers AI',
  base: 'https://api.cloudflare.com/client/v4/accounts/{account_id}/ai/v1',
  envKeys: ['CLOUDFLARE_API_KEY'],
  envBases: ['CLOUDFLARE_API_BASE'],
  parameters: { account_id: { env: ['CLOUDFLARE_ACCOUNT_ID'] } },
  quirks: [maxTokens],
  url: ({ base, path }) => joinUrl(base.replace(/\/ai\/run\/?$/, '/ai/v1'), path),
  docs: 'https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/',
  checked: '2026-11-28',
});

/** Its gateway, or one deployment of an organization; paths end in a slash. */
const datarobot = completed({
  id: 'datarobot',
  name: 'DataRobot',
  base: 'https://app.datarobot.com',
  envKeys: ['DATAROBOT_API_TOKEN'],
  envBases: ['DATAROBOT_ENDPOINT'],
  generate: [{ dialect: 'openai-chat', path: '/api/v2/genai/llmgw/chat/completions' }],
  url: ({ base, path }) =>
    `${joinUrl(base, base.includes('/api/v2/deployments') ? '/chat/completions' : path).replace(/\/$/, '')}/`,
  docs: 'https://docs.datarobot.com/en/docs/api/reference/public-api/index.html',
});

/** Google's models on hardware of the operator. Keys are tokens: those of service accounts are not exchanged here. */
const gdc = completed({
  id: 'gdc',
  name: 'Google Distributed Cloud',
  envKeys: ['GDC_API_KEY'],
  envBases: ['GDC_API_BASE'],
  generate: [{ dialect: 'openai-chat', path: '/v1/projects/{vertex_project}/locations/{vertex_location}/chat/completions' }],
  parameters: { vertex_project: { env: ['VERTEXAI_PROJECT'] }, vertex_location: { env: ['VERTEXAI_LOCATION'] } },
  authorize: async (_request, { parameters }) => ({ 'x-goog-user-project': `projects/${parameters['vertex_project']}` }),
  docs: 'https://docs.litellm.ai/docs/providers/gdc',
  checked: '2026-11-28',
});

/** Fine-tuned models of a tenant. */
const predibase = completed({
  id: 'predibase',
  name: 'Predibase',
  base: 'https://serving.app.predibase.com',
  envKeys: ['PREDIBASE_API_KEY'],
  envBases: ['PREDIBASE_API_BASE'],
  generate: [{ dialect: 'openai-chat', path: '/{tenant_id}/deployments/v2/llms/{model}/v1/chat/completions' }],
  parameters: { tenant_id: { env: ['PREDIBASE_TENANT_ID'] } },
  quirks: [maxTokens],
  docs: 'https://docs.predibase.com/user-guide/inference/migrate-openai',
  checked: '2026-11-28',
});

/** Applications over documents: models are `chat/<id>/<model>` and `agent/<id>/<model>`. */
const ragflow = completed({
  id: 'ragflow',
  name: 'RAGFlow',
  envKeys: ['RAGFLOW_API_KEY'],
  envBases: ['RAGFLOW_API_BASE'],
  generate: [
    { dialect: 'openai-chat', forcedBy: 'chat/', path: '/api/v1/chats_openai/{ragflow_id}/chat/completions' },
    { dialect: 'openai-chat', forcedBy: 'agent/', path: '/api/v1/agents_openai/{ragflow_id}/chat/completions' },
  ],
  parameters: { ragflow_id: {} },
  place(name) {
    const slash = name.indexOf('/');
    return slash < 0
      ? { model: name, parameters: {} }
      : { model: name.slice(slash + 1), parameters: { ragflow_id: name.slice(0, slash) } };
  },
  docs: 'https://ragflow.io/docs/dev/http_api_reference',
});

/** Cortex: tokens are those of a key pair (JSON web tokens) or programmatic ones, and a header says which. */
const snowflake = completed({
  id: 'snowflake',
  name: 'Snowflake Cortex',
  base: 'https://{account_id}.snowflakecomputing.com',
  envKeys: ['SNOWFLAKE_JWT'],
  envBases: ['SNOWFLAKE_API_BASE'],
  generate: [{ dialect: 'openai-chat', path: '/api/v2/cortex/inference:complete' }],
  parameters: { account_id: { env: ['SNOWFLAKE_ACCOUNT_ID'] } },
  quirks: [maxTokens],
  sign(headers, credential) {
    headers['authorization'] = `Bearer ${credential}`;
    headers['x-snowflake-authorization-token-type'] = credential.startsWith('eyJ')
      ? 'KEYPAIR_JWT'
      : 'PROGRAMMATIC_ACCESS_TOKEN';
  },
  docs: 'https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api',
});

/** The rows of this file. */
export const accounts: readonly Provider[] = [cloudflare, datarobot, gdc, predibase, ragflow, snowflake];
