/** IBM watsonx.ai: OpenAI's messages on paths of its own, the project in the body, tokens of IBM's IAM. */
import { GatewayError } from '../errors.ts';
import type { Headers } from '../transport/message.ts';
import { FORM, formOf, requestToken } from '../transport/oauth.ts';
import { joinUrl } from './address.ts';
import type { AuthContext, Provider, SigningRequest } from './provider.ts';
import { drop, rename } from './quirks.ts';

/** Version of the API by date; a deployment's `api_version` overrides it. */
const VERSION = '2024-03-13';

/** IAM's endpoint takes an API key for a bearer token. */
async function authorize(_request: SigningRequest, context: AuthContext): Promise<Headers> {
  const { fields, parameters, http, now } = context;
  const { api_key: key, token: given, zen_api_key: zen } = fields;
  if (given !== undefined) return { authorization: `Bearer ${given}` };
  if (zen !== undefined) return { authorization: `ZenApiKey ${zen}` };
  if (key === undefined) {
    const fault = 'This model of watsonx.ai cannot be called: set api_key, or the variable WATSONX_API_KEY.';
    throw new GatewayError('internal', fault, { code: 'misconfigured_deployment' });
  }
  const { watsonx_iam_url: url = '' } = parameters;
  const token = await context.token(['iam', url], () => {
    const body = formOf({ grant_type: 'urn:ibm:params:oauth:grant-type:apikey', apikey: key });
    return requestToken(http, { method: 'POST', url, headers: FORM, body }, now());
  });
  return { authorization: `Bearer ${token}` };
}

const quirks = [
  rename('model', 'model_id'),
  rename('max_completion_tokens', 'max_tokens'),
  drop('stream'),
  drop('stream_options'),
];

const server = {
  base: 'https://{watsonx_region_name}.ml.cloud.ibm.com',
  envKeys: ['WATSONX_APIKEY', 'WATSONX_API_KEY', 'WX_API_KEY'],
  envBases: ['WATSONX_API_BASE', 'WATSONX_URL', 'WX_URL', 'WML_URL'],
  auth: { type: 'none' },
  parameters: {
    watsonx_region_name: { env: ['WATSONX_REGION', 'WX_REGION'], fallback: 'us-south' },
    watsonx_iam_url: { env: ['WATSONX_IAM_URL'], fallback: 'https://iam.cloud.ibm.com/identity/token' },
    project_id: { env: ['WATSONX_PROJECT_ID', 'WX_PROJECT_ID'] },
    space_id: { env: ['WATSONX_SPACE_ID', 'WATSONX_DEPLOYMENT_SPACE_ID', 'WX_SPACE_ID'] },
  },
  takesVersion: true,
  secrets: { token: { env: ['WATSONX_TOKEN'] }, zen_api_key: { env: ['WATSONX_ZENAPIKEY'] } },
  url({ base, path, apiVersion = VERSION }) {
    const address = new URL(joinUrl(base, path));
    if (!address.searchParams.has('version')) address.searchParams.set('version', apiVersion);
    return address.href;
  },
  authorize,
} satisfies Partial<Provider>;

const bodyParameters = { project_id: 'project_id', space_id: 'space_id' } as const;

/** Where watsonx.ai is and how it is spoken to. `deployment/<id>` is a model deployed by its owner, which needs no project. */
export const watsonx: Provider = {
  ...server,
  id: 'watsonx',
  name: 'IBM watsonx.ai',
  generate: [
    {
      dialect: 'openai-chat',
      path: '/ml/v1/text/chat',
      streamPath: '/ml/v1/text/chat_stream',
      quirks,
      bodyParameters,
    },
    {
      dialect: 'openai-chat',
      forcedBy: 'deployment/',
      path: '/ml/v1/deployments/{model}/text/chat',
      streamPath: '/ml/v1/deployments/{model}/text/chat_stream',
      quirks: [drop('model'), ...quirks],
    },
  ],
  docs: 'https://cloud.ibm.com/apidocs/watsonx-ai#text-chat',
  checked: '2026-11-22',
};

/** Its API for models that were not trained to chat. */
export const watsonxText: Provider = {
  ...server,
  id: 'watsonx_text',
  catalog: 'watsonx',
  name: 'IBM watsonx.ai (text generation)',
  generate: [
    {
      dialect: 'text-generation',
      variant: 'watsonx',
      path: '/ml/v1/text/generation',
      streamPath: '/ml/v1/text/generation_stream',
      quirks: [rename('model', 'model_id')],
      bodyParameters,
    },
    {
      dialect: 'text-generation',
      variant: 'watsonx',
      forcedBy: 'deployment/',
      path: '/ml/v1/deployments/{model}/text/generation',
      streamPath: '/ml/v1/deployments/{model}/text/generation_stream',
      quirks: [drop('model')],
    },
  ],
  docs: 'https://cloud.ibm.com/apidocs/watsonx-ai#text-generation',
  checked: '2026-11-28',
};
