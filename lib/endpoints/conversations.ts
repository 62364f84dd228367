/** OpenAI's Conversations API: lists of items with an id of their own, which responses are added to. */
import type { Endpoint } from './endpoint.ts';

const at = (method: Endpoint['method'], rest: string): Endpoint => ({
  route: `/v1/conversations${rest}`,
  method,
  kind: 'conversation',
  dialect: 'openai-responses',
  paths: ['/v1/conversations', '/conversations', '/openai/v1/conversations'].map((prefix) => `${prefix}${rest}`),
});

/** All of its routes. */
export const conversations: readonly Endpoint[] = [
  at('POST', ''),
  at('GET', '/{id}'),
  at('POST', '/{id}'),
  at('DELETE', '/{id}'),
  at('GET', '/{id}/items'),
  at('POST', '/{id}/items'),
  at('GET', '/{id}/items/{item}'),
  at('DELETE', '/{id}/items/{item}'),
];
