import type { Endpoint } from './endpoint.ts';

/** Where Google's clients look for a model's methods, under the prefixes they and LiteLLM use. */
export const methodPaths = (method: string): string[] =>
  ['/v1beta', '/v1', '/gemini/v1beta', '/gemini/v1', ''].map((prefix) => `${prefix}/models/{rest}:${method}`);

/** Gemini's `generateContent`. */
export const generateContent: Endpoint = {
  route: '/v1beta/models/{model}:generateContent',
  method: 'POST',
  kind: 'generate',
  dialect: 'gemini',
  stream: false,
  paths: methodPaths('generateContent'),
};

/** The same as a stream: server-sent events with `alt=sse`, one JSON array without. */
export const streamGenerateContent: Endpoint = {
  route: '/v1beta/models/{model}:streamGenerateContent',
  method: 'POST',
  kind: 'generate',
  dialect: 'gemini',
  stream: true,
  paths: methodPaths('streamGenerateContent'),
};
