import type { Endpoint } from './endpoint.ts';

/** Cohere's chat, version 2. */
export const cohereChat: Endpoint = {
  route: '/v2/chat',
  method: 'POST',
  kind: 'generate',
  dialect: 'cohere-chat',
  paths: ['/v2/chat', '/cohere/v2/chat'],
};
