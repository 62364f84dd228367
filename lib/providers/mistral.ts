/** Mistral: strict about fields it does not know (422), so what it spells differently is respelled. */
import type { Provider } from './provider.ts';
import { drop, dropFromMessages, rename, toolChoiceWord } from './quirks.ts';

const shared = {
  auth: { type: 'bearer' },
  generate: [{ dialect: 'openai-chat', path: '/v1/chat/completions' }],
  quirks: [
    rename('max_completion_tokens', 'max_tokens'),
    rename('seed', 'random_seed'),
    toolChoiceWord('required', 'any'),
    /** Its streams end with usage unasked. */
    drop('stream_options'),
    dropFromMessages('name', 'tool'),
  ],
  docs: 'https://docs.mistral.ai/api/#tag/chat',
  checked: '2026-11-22',
} satisfies Partial<Provider>;

/** Mistral's main API. */
export const mistral: Provider = {
  ...shared,
  id: 'mistral',
  name: 'Mistral AI',
  base: 'https://api.mistral.ai',
  envKeys: ['MISTRAL_API_KEY', 'MISTRAL_AZURE_API_KEY'],
  envBases: ['MISTRAL_API_BASE', 'MISTRAL_AZURE_API_BASE'],
};

/** The same API for code models, with its own host and keys. */
export const codestral: Provider = {
  ...shared,
  id: 'codestral',
  name: 'Mistral Codestral',
  base: 'https://codestral.mistral.ai',
  envKeys: ['CODESTRAL_API_KEY'],
  envBases: ['CODESTRAL_API_BASE'],
};

/** Fields of legacy completions that filling in the middle has not. */
const NOT_OF_FIM = ['n', 'best_of', 'echo', 'logprobs', 'logit_bias', 'presence_penalty', 'frequency_penalty', 'user'] as const;

/** Filling in the middle, under LiteLLM's name for it: a prompt and a suffix in, an answer in the shape of chat out. */
export const codestralText: Provider = {
  ...codestral,
  id: 'text-completion-codestral',
  name: 'Mistral Codestral (fill in the middle)',
  aliasOf: 'codestral',
  generate: [{ dialect: 'openai-completions', path: '/v1/fim/completions', answersDiffer: true }],
  quirks: [rename('seed', 'random_seed'), drop('stream_options'), ...NOT_OF_FIM.map((field) => drop(field))],
  docs: 'https://docs.mistral.ai/api/#tag/fim',
};
