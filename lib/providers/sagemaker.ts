/** Amazon SageMaker: endpoints of an account, each a container with an API of its own, behind one address and AWS's signature. */
import type { Answer } from '../transport/http.ts';
import { payloadsOf } from '../transport/event-stream-payload.ts';
import { isStreamOf } from '../transport/framing.ts';
import type { SseFrame } from '../transport/message.ts';
import { awsAuthorizer, awsParameters, awsSecrets } from './aws.ts';
import { answerOf } from './follow.ts';
import type { FollowContext, Provider } from './provider.ts';
import { drop, rename } from './quirks.ts';

const sign = awsAuthorizer('sagemaker');

/** Keys only: SageMaker takes no bearer token. */
const endpoints = {
  base: 'https://runtime.sagemaker.{aws_region_name}.amazonaws.com',
  envKeys: ['AWS_ACCESS_KEY_ID'],
  envBases: [],
  auth: { type: 'none' },
  headers: { accept: '*/*' },
  parameters: awsParameters,
  secrets: awsSecrets,
  authorize(request, context) {
    const { api_key: _unused, ...fields } = context.fields;
    return sign(request, { ...context, fields });
  },
} satisfies Partial<Provider>;

const paths = {
  path: '/endpoints/{model}/invocations',
  streamPath: '/endpoints/{model}/invocations-response-stream',
} as const;

/** Endpoints that run Hugging Face's containers. */
export const sagemaker: Provider = {
  ...endpoints,
  id: 'sagemaker',
  name: 'Amazon SageMaker (Hugging Face text models)',
  generate: [{ ...paths, dialect: 'text-generation', variant: 'sagemaker' }],
  docs: 'https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html',
  checked: '2026-11-22',
};

/** Containers that speak OpenAI's API stream it as they do elsewhere; SageMaker puts the bytes into messages of its own. */
async function follow(answer: Answer, _context: FollowContext): Promise<Answer> {
  if (!isStreamOf('aws-event-stream', answer.headers['content-type'], false)) return answer;
  return answerOf(answer, 'text/event-stream', payloadsOf(answer.body, failure), () => answer.discard());
}

/** What SageMaker says in the middle of a stream, as an event of it. The blank line ends whatever the container was saying. */
function failure({ event = '', data }: SseFrame): Uint8Array {
  const text = data.trim().startsWith('{') ? data : JSON.stringify({ message: data, type: event.replace(/^\w+:/, '') });
  return Buffer.from(`\n\nevent: error\ndata: ${text.replaceAll(/\r?\n/g, ' ')}\n\n`);
}

/** Endpoints whose containers take messages: text-generation-inference, vLLM, DJL. The endpoint is the model. */
export const sagemakerChat: Provider = {
  ...endpoints,
  id: 'sagemaker_chat',
  catalog: 'sagemaker',
  name: 'Amazon SageMaker (messages)',
  generate: [{ ...paths, dialect: 'openai-chat' }],
  quirks: [rename('max_completion_tokens', 'max_tokens')],
  follow,
  docs: 'https://huggingface.co/docs/text-generation-inference/en/messages_api',
  checked: '2026-11-28',
};

/** Amazon's Nova models on endpoints of an account: they refuse a body that names a model. */
export const sagemakerNova: Provider = {
  ...endpoints,
  id: 'sagemaker_nova',
  catalog: 'sagemaker',
  name: 'Amazon SageMaker (Nova)',
  generate: [{ ...paths, dialect: 'openai-chat' }],
  quirks: [drop('model')],
  follow,
  docs: 'https://docs.aws.amazon.com/nova/latest/nova2-userguide/nova-sagemaker-inference-api-reference.html',
  checked: '2026-11-28',
};
