/** Cohere: its own chat API, version 2. */
import type { Provider } from './provider.ts';

/** Where Cohere is and how it is spoken to. A base may be the host, its version, or the whole address of the operation. */
export const cohere: Provider = {
  id: 'cohere',
  name: 'Cohere',
  base: 'https://api.cohere.com',
  envKeys: ['COHERE_API_KEY', 'CO_API_KEY'],
  envBases: ['COHERE_API_BASE'],
  auth: { type: 'bearer' },
  generate: [{ dialect: 'cohere-chat', path: '/v2/chat' }],
  docs: 'https://docs.cohere.com/reference/chat',
  checked: '2026-11-22',
};

/** LiteLLM's second name for its chat models. */
export const cohereChat: Provider = { ...cohere, id: 'cohere_chat', name: 'Cohere (chat)', aliasOf: 'cohere' };
