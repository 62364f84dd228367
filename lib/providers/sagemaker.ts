/** Amazon SageMaker: endpoints of an account, each a container with an API of its own, behind one address and AWS's signature. */
import { payloadsOf } from '../transport/event-stream-payload.ts';
import { isStreamOf } from '../transport/framing.ts';
import type { SseFrame } from '../transport/message.ts';
import { awsAuthorizer, awsParameters, awsSecrets } from './aws.ts';
import { answerOf } from './follow.ts';
import type { Provider } from './provider.ts';
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

/** SageMaker puts the bytes of a container's stream into messages of its own, wherever it likes: they are taken out again. */
const unpacking =
  (type: string, failure: (error: string) => string): NonNullable<Provider['follow']> =>
  async (answer) => {
    if (!isStreamOf('aws-event-stream', answer.headers['content-type'], false)) return answer;
    const last = (frame: SseFrame): Uint8Array => Buffer.from(failure(errorOf(frame)));
    return answerOf(answer, type, payloadsOf(answer.body, last), () => answer.discard());
  };

/** What SageMaker says in the middle of a stream, as JSON on one line: its own spelling is `Message`. */
function errorOf({ event = '', data }: SseFrame): string {
  const said = wordsIn(data);
  return JSON.stringify({ message: said, type: event.replace(/^\w+:/, '') });
}

function wordsIn(data: string): string {
  try {
    const { Message, message = Message } = JSON.parse(data) as { readonly Message?: unknown; readonly message?: unknown };
    return typeof message === 'string' ? message : data;
  } catch {
    return data;
  }
}

/** Endpoints that run Hugging Face's containers. */
export const sagemaker: Provider = {
  ...endpoints,
  id: 'sagemaker',
  name: 'Amazon SageMaker (Hugging Face text models)',
  generate: [{ ...paths, dialect: 'text-generation', variant: 'sagemaker' }],
  follow: unpacking('application/x-ndjson', (error) => `\n{"error":${error}}\n`),
  docs: 'https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html',
  checked: '2026-11-22',
};

/** The blank line ends whatever the container was saying. */
const follow = unpacking('text/event-stream', (error) => `\n\nevent: error\ndata: ${error}\n\n`);

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
