import { GatewayError } from '../errors.ts';
import { isObject } from '../kinds/json.ts';
import type { UsageSource } from '../kinds/usage.ts';
import type { CountEndpoint } from './endpoint.ts';
import { methodPaths } from './generate-content.ts';

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

/** Gemini's count: of contents, or of a whole request. */
export const countContents: CountEndpoint = {
  route: '/v1beta/models/{model}:countTokens',
  method: 'POST',
  kind: 'count',
  dialect: 'gemini',
  paths: methodPaths('countTokens'),
  requestOf(body) {
    const { generateContentRequest: whole = body['generate_content_request'] } = body;
    return isObject(whole) ? whole : body;
  },
  render: ({ tokens }) => ({ totalTokens: tokens }),
};

/** LiteLLM's word for a tokenizer of its own, and ours for none. */
const TOKENIZERS: Readonly<Partial<Record<UsageSource, string>>> = { counted: 'openai_tokenizer', estimated: 'estimate' };

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
  render: ({ tokens, asked, model, provider, source }) => ({
    total_tokens: tokens,
    request_model: asked,
    model_used: model,
    tokenizer_type: TOKENIZERS[source] ?? `${provider}_api`,
  }),
};
