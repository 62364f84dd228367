/** Price maps as somebody would serve them. */
import type { HttpClient } from '../../lib/transport/http.ts';

/** An entry in LiteLLM's words: a chat model of OpenAI's, unless said otherwise. */
export const anEntry = (prices: object, over: object = {}): object => ({
  litellm_provider: 'openai',
  mode: 'chat',
  max_input_tokens: 1000,
  max_output_tokens: 100,
  ...prices,
  ...over,
});

/** A model that no release has, and another price of one that all have. */
export const aMap = {
  sample_spec: { litellm_provider: 'one of https://docs', input_cost_per_token: 0 },
  'gpt-of-tomorrow': anEntry({ input_cost_per_token: 1e-6, output_cost_per_token: 2e-6 }),
  'gpt-4o-mini': anEntry({ input_cost_per_token: 3e-7 }),
};

/** A client for which everybody answers with this. */
export const serving = (body: () => unknown): Pick<HttpClient, 'send'> => ({
  send: async () => {
    const bytes = Buffer.from(JSON.stringify(body()));
    return {
      status: 200,
      headers: {},
      body: (async function* () {
        yield bytes;
      })(),
      bytes: async () => bytes,
      discard: () => undefined,
    };
  },
});
