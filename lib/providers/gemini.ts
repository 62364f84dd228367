/** Google AI Studio: the model and the operation in the path, the key in a header. */
import type { Provider } from './provider.ts';

/** Where the Gemini API is and how it is spoken to. A base with or without its version will do. */
export const gemini: Provider = {
  id: 'gemini',
  name: 'Google AI Studio (Gemini)',
  base: 'https://generativelanguage.googleapis.com',
  envKeys: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
  envBases: ['GEMINI_API_BASE'],
  auth: { type: 'header', name: 'x-goog-api-key' },
  generate: [
    {
      dialect: 'gemini',
      path: '/v1beta/models/{model}:generateContent',
      streamPath: '/v1beta/models/{model}:streamGenerateContent?alt=sse',
    },
  ],
  count: [{ dialect: 'gemini', path: '/v1beta/models/{model}:countTokens' }],
  docs: 'https://ai.google.dev/api/generate-content',
  checked: '2026-11-22',
};
