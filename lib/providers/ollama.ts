/** Ollama: its OpenAI-compatible path, and its own. */
import type { Api, Provider } from './provider.ts';
import { rename } from './quirks.ts';

const native: Api = { dialect: 'ollama-chat', path: '/api/chat' };

const compatible: Api = {
  dialect: 'openai-chat',
  path: '/v1/chat/completions',
  quirks: [rename('max_completion_tokens', 'max_tokens')],
};

/** `generate/<model>`: one prompt, for models without a template for chats. */
const prompted: Api = {
  dialect: 'text-generation',
  variant: 'ollama-generate',
  forcedBy: 'generate/',
  path: '/api/generate',
};

const server = {
  base: 'http://127.0.0.1:11434',
  envKeys: ['OLLAMA_API_KEY'],
  envBases: ['OLLAMA_API_BASE'],
  auth: { type: 'bearer', optional: true },
  reasoningField: 'reasoning',
  checked: '2026-11-22',
} satisfies Partial<Provider>;

/** A server spoken to in OpenAI's dialect. */
export const ollama: Provider = {
  ...server,
  id: 'ollama',
  name: 'Ollama',
  generate: [compatible, prompted],
  docs: 'https://docs.ollama.com/api/openai-compatibility',
};

/** A server spoken to in its own dialect, which has more settings of the model. */
export const ollamaChat: Provider = {
  ...server,
  id: 'ollama_chat',
  catalog: 'ollama',
  name: 'Ollama (its own API)',
  generate: [native],
  docs: 'https://docs.ollama.com/api/chat',
};
