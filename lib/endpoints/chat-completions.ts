import type { Endpoint } from './endpoint.ts';

/** OpenAI chat completions, under every prefix the SDKs of the field use (Groq's `/openai/v1`, Azure's deployments, old engines). */
export const chatCompletions: Endpoint = {
  route: '/v1/chat/completions',
  method: 'POST',
  kind: 'generate',
  dialect: 'openai-chat',
  paths: [
    '/v1/chat/completions',
    '/chat/completions',
    '/openai/v1/chat/completions',
    '/engines/{rest}/chat/completions',
    '/v1/engines/{rest}/chat/completions',
    '/openai/deployments/{rest}/chat/completions',
  ],
};
