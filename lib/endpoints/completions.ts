import type { Endpoint } from './endpoint.ts';

/** OpenAI's legacy completions, under the prefixes of chat completions. */
export const completions: Endpoint = {
  route: '/v1/completions',
  method: 'POST',
  kind: 'generate',
  dialect: 'openai-completions',
  paths: [
    '/v1/completions',
    '/completions',
    '/openai/v1/completions',
    '/engines/{rest}/completions',
    '/v1/engines/{rest}/completions',
    '/openai/deployments/{rest}/completions',
  ],
};
