/** What rows of the long tail are made of. */
import type { Api, Provider } from './provider.ts';
import { rename } from './quirks.ts';

/** What such a row must say; the rest has defaults. */
export type CompatibleRow = Pick<Provider, 'id' | 'name' | 'envKeys' | 'envBases' | 'docs'> & Partial<Provider>;

/** OpenAI's chat API below a base that ends with the version. */
export const chat: readonly Api[] = [{ dialect: 'openai-chat', path: '/chat/completions' }];

/** The same below a base without a version. */
export const chatBelowV1: readonly Api[] = [{ dialect: 'openai-chat', path: '/v1/chat/completions' }];

/** Both of OpenAI's APIs: for Responses clients, and for models named `responses/<model>`, the second. */
export const chatAndResponses: readonly Api[] = [
  ...chat,
  { dialect: 'openai-responses', path: '/responses', forcedBy: 'responses/', quirks: [] },
];

/** For servers that know only the older name of the output cap and would ignore the newer one. */
export const maxTokens = rename('max_completion_tokens', 'max_tokens');

/** A row with what such rows have in common unless they say otherwise. */
export const completed = (row: CompatibleRow): Provider => ({
  auth: { type: 'bearer' },
  generate: chat,
  checked: '2026-11-22',
  ...row,
});
