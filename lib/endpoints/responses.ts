import type { CountEndpoint, Endpoint } from './endpoint.ts';

/** Every prefix under which clients look for the Responses API; Azure's SDK has no version in its own. */
const under = (rest: string): readonly string[] =>
  ['/v1/responses', '/responses', '/openai/v1/responses', '/openai/responses'].map((prefix) => `${prefix}${rest}`);

/** OpenAI's Responses API. */
export const responses: Endpoint = {
  route: '/v1/responses',
  method: 'POST',
  kind: 'generate',
  dialect: 'openai-responses',
  paths: under(''),
};

const about = (method: Endpoint['method'], rest: string): Endpoint => ({
  route: `/v1/responses${rest}`,
  method,
  kind: 'stored-response',
  dialect: 'openai-responses',
  paths: under(rest),
});

/** A response that was kept. */
export const responseOne = about('GET', '/{id}');

/** Forgets it. */
export const responseDelete = about('DELETE', '/{id}');

/** Ends a response that is made in the background. */
export const responseCancel = about('POST', '/{id}/cancel');

/** What the client said in that turn. */
export const responseInputItems = about('GET', '/{id}/input_items');

/** Makes a conversation shorter. */
export const responseCompact: Endpoint = {
  ...responses,
  route: '/v1/responses/compact',
  kind: 'compact',
  paths: under('/compact'),
};

/** Counts the input of a request that is not made. */
export const responseInputTokens: CountEndpoint = {
  ...about('POST', '/input_tokens'),
  kind: 'count',
  requestOf: (body) => body,
  render: ({ tokens }) => ({ object: 'response.input_tokens', input_tokens: tokens }),
};
