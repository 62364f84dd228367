import type { Endpoint } from './endpoint.ts';

/** Ollama's native chat. */
export const ollamaChat: Endpoint = {
  route: '/api/chat',
  method: 'POST',
  kind: 'generate',
  dialect: 'ollama-chat',
  paths: ['/api/chat'],
};
