/** OpenAI. */
import type { Provider } from './provider.ts';
import { rename } from './quirks.ts';

/**
 * Reasoning models refuse `max_tokens` and want `max_completion_tokens`, which counts reasoning too. True for the names of such
 * models, fine-tuned ones included.
 *
 * @see https://platform.openai.com/docs/api-reference/chat/create#chat-create-max_completion_tokens
 */
export const isReasoningModel = (model: string): boolean => /^(?:ft:|openai\/)?(?:o\d|gpt-[5-9])/.test(model);

/** Where OpenAI is and how it is spoken to. */
export const openai: Provider = {
  id: 'openai',
  name: 'OpenAI',
  base: 'https://api.openai.com/v1',
  envKeys: ['OPENAI_API_KEY'],
  envBases: ['OPENAI_BASE_URL', 'OPENAI_API_BASE'],
  auth: { type: 'bearer' },
  organizationHeader: 'openai-organization',
  generate: [
    { dialect: 'openai-chat', path: '/chat/completions' },
    {
      dialect: 'openai-responses',
      path: '/responses',
      forcedBy: 'responses/',
      quirks: [],
      keepsResponses: true,
      compaction: { path: '/responses/compact' },
    },
  ],
  // Compatible servers have none.
  count: [{ dialect: 'openai-responses', path: '/responses/input_tokens', quirks: [], homeOnly: true }],
  quirks: [rename('max_tokens', 'max_completion_tokens', isReasoningModel)],
  docs: 'https://platform.openai.com/docs/api-reference/chat',
  checked: '2026-11-22',
};

/** The same server under LiteLLM's name for its legacy completions. */
export const openaiText: Provider = {
  ...openai,
  id: 'text-completion-openai',
  name: 'OpenAI (text completion)',
  aliasOf: 'openai',
  generate: [{ dialect: 'openai-completions', path: '/completions' }],
  quirks: [],
  docs: 'https://platform.openai.com/docs/api-reference/completions',
};
