import type { Endpoint } from './endpoint.ts';

/** Anthropic messages. */
export const messages: Endpoint = {
  route: '/v1/messages',
  method: 'POST',
  kind: 'generate',
  dialect: 'anthropic-messages',
  paths: ['/v1/messages', '/messages', '/anthropic/v1/messages'],
};
