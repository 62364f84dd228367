/** Anthropic. */
import type { Provider } from './provider.ts';

/** Where Anthropic is and how it is spoken to. A base with or without `/v1` will do. */
export const anthropic: Provider = {
  id: 'anthropic',
  name: 'Anthropic',
  base: 'https://api.anthropic.com',
  envKeys: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN'],
  envBases: ['ANTHROPIC_API_BASE', 'ANTHROPIC_BASE_URL'],
  auth: { type: 'header', name: 'x-api-key' },
  generate: [{ dialect: 'anthropic-messages', path: '/v1/messages' }],
  count: [{ dialect: 'anthropic-messages', path: '/v1/messages/count_tokens' }],
  headers: { 'anthropic-version': '2023-06-01' },
  /** OAuth tokens, and the tokens of proxies that ANTHROPIC_AUTH_TOKEN holds, are bearer tokens; keys have their own header. */
  sign(headers, credential, variable) {
    if (credential.startsWith('sk-ant-oat') || variable === 'ANTHROPIC_AUTH_TOKEN') {
      headers['authorization'] = `Bearer ${credential}`;
    } else {
      headers['x-api-key'] = credential;
    }
  },
  // Models known to take a schema natively are marked in the catalog.
  structuredOutput: 'tool',
  docs: 'https://docs.claude.com/en/api/messages',
  checked: '2026-11-22',
};
