import { GatewayError } from '../errors.ts';
import type { CountEndpoint } from './endpoint.ts';

/** Anthropic's count of a message that is not sent. */
export const countTokens: CountEndpoint = {
  route: '/v1/messages/count_tokens',
  method: 'POST',
  kind: 'count',
  dialect: 'anthropic-messages',
  paths: ['/v1/messages/count_tokens', '/messages/count_tokens', '/anthropic/v1/messages/count_tokens'],
  // A message has to say how long its answer may be, a count has no answer.
  requestOf: (body) => ({ max_tokens: Number.MAX_SAFE_INTEGER, ...body }),
  render: ({ tokens }) => ({ input_tokens: tokens }),
};

/** LiteLLM's count: a `prompt`, or `messages` as in chat completions. */
export const tokenCounter: CountEndpoint = {
  route: '/utils/token_counter',
  method: 'POST',
  kind: 'count',
  dialect: 'openai-chat',
  paths: ['/utils/token_counter'],
  requestOf({ prompt, ...body }) {
    if (body['messages'] != null) return body;
    if (typeof prompt === 'string') return { ...body, messages: [{ role: 'user', content: prompt }] };
    throw new GatewayError('invalid_request', 'Expected "messages", as in chat completions, or "prompt", a string.', {
      param: prompt == null ? 'messages' : 'prompt',
    });
  },
  render: ({ tokens, asked, model, counter }) => ({
    total_tokens: tokens,
    request_model: asked,
    model_used: model,
    tokenizer_type: counter === undefined ? 'estimate' : `${counter}_api`,
  }),
};
