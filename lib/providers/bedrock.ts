/** Amazon Bedrock: one host per region, the model in the path, requests signed by AWS's own scheme. */
import { awsAuthorizer, awsParameters, awsSecrets } from './aws.ts';
import type { Api, Provider } from './provider.ts';

/** Prefixes by which LiteLLM chooses an API of Bedrock. Converse serves every chat model here, so they change nothing. */
const ROUTE = /^(?:converse|converse_like|invoke)\//;

const REGION = /^([a-z]{2}(?:-[a-z]+)+-\d)\/(.+)$/;

const ARN_REGION = /^arn:aws[a-z-]*:bedrock:([a-z0-9-]+):/;

/**
 * `converse/<id>`, `us-east-1/<id>`, both, or an ARN, which names its region too.
 *
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles.html
 */
function place(name: string): ReturnType<NonNullable<Provider['place']>> {
  const rest = name.replace(ROUTE, '');
  const [, region, model = rest] = REGION.exec(rest) ?? [undefined, ARN_REGION.exec(rest)?.[1]];
  return { model, parameters: region === undefined ? {} : { aws_region_name: region } };
}

/** Only Claude can be counted, and only under the name of the model itself: `us.` and the like are names of inference profiles. */
const isCounted = (model: string): boolean => /^(?:[a-z-]+\.)?anthropic\./.test(model);

/** @see https://docs.aws.amazon.com/bedrock/latest/userguide/count-tokens.html */
const withoutProfile = (model: string): string => model.replace(/(^|\/)[a-z-]+\.(?=anthropic\.)/, '$1');

/** Bodies of InvokeModel, and the models that take them. An ARN that does not name its model takes none: it goes by Converse. */
const INVOKED: readonly (readonly [variant: string, models: RegExp])[] = [
  ['claude', /(?:^|[./])anthropic\./],
  ['nova', /(?:^|[./])amazon\.nova/],
  ['openai', /(?:^|[./])(?:openai|qwen|ai21\.jamba|deepseek\.v\d)/],
  ['mistral', /(?:^|[./])mistral\./],
  ['cohere', /(?:^|[./])cohere\.command-r/],
  ['titan', /(?:^|[./])amazon\.titan-text/],
  ['llama', /(?:^|[./])meta\.llama/],
  ['mistral-text', /(?:^|[./])mistral\./],
  ['deepseek-text', /(?:^|[./])deepseek\.r\d/],
];

/** Where Bedrock is and how it is spoken to. */
export const bedrock: Provider = {
  id: 'bedrock',
  name: 'Amazon Bedrock',
  base: 'https://bedrock-runtime.{aws_region_name}.amazonaws.com',
  envKeys: ['AWS_BEARER_TOKEN_BEDROCK'],
  envBases: ['AWS_BEDROCK_RUNTIME_ENDPOINT'],
  auth: { type: 'bearer', optional: true },
  generate: [
    { dialect: 'bedrock-converse', path: '/model/{model}/converse', streamPath: '/model/{model}/converse-stream' },
    ...INVOKED.map(([variant, vendors]): Api => ({
      dialect: 'bedrock-invoke',
      variant,
      path: '/model/{model}/invoke',
      streamPath: '/model/{model}/invoke-with-response-stream',
      serves: (model) => vendors.test(model),
    })),
  ],
  count: [{ dialect: 'bedrock-converse', path: '/model/{model}/count-tokens', serves: isCounted, modelName: withoutProfile }],
  headers: { accept: '*/*' },
  parameters: awsParameters,
  secrets: awsSecrets,
  place,
  authorize: awsAuthorizer('bedrock'),
  // Models known to take a schema natively are marked in the catalog.
  structuredOutput: 'tool',
  docs: 'https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html',
  checked: '2026-11-22',
};

/** Models of Bedrock that speak OpenAI's dialects on a host of their own. */
export const bedrockMantle: Provider = {
  id: 'bedrock_mantle',
  catalog: 'bedrock',
  name: 'Amazon Bedrock (OpenAI-compatible)',
  base: 'https://bedrock-mantle.{aws_region_name}.api.aws/v1',
  envKeys: ['BEDROCK_MANTLE_API_KEY', 'AWS_BEARER_TOKEN_BEDROCK'],
  envBases: ['BEDROCK_MANTLE_API_BASE'],
  auth: { type: 'bearer', optional: true },
  generate: [
    { dialect: 'openai-chat', path: '/chat/completions' },
    { dialect: 'openai-responses', path: '/responses', forcedBy: 'responses/' },
  ],
  parameters: {
    ...awsParameters,
    aws_region_name: { env: ['BEDROCK_MANTLE_REGION', ...awsParameters.aws_region_name.env] },
  },
  secrets: awsSecrets,
  authorize: awsAuthorizer('bedrock-mantle'),
  docs: 'https://docs.aws.amazon.com/bedrock/latest/userguide/bedrock-mantle.html',
  checked: '2026-11-28',
};
