/**
 * Providers whose APIs take a prompt and give back text. Ids that end in `_text` are a second API of a provider: the first one, under
 * its plain id, chats.
 */
import { belowBase, joinUrl } from './address.ts';
import type { Api, Provider } from './provider.ts';

/** An API of this dialect. */
const speaking = (variant: string, path: string, more: Partial<Api> = {}): readonly Api[] => [
  { dialect: 'text-generation', variant, path, ...more },
];

/** For APIs that are never asked for a stream. */
const whole = { accept: 'application/json' } as const;

const CHECKED = '2026-11-22';

/** Luminous models. */
const alephAlpha: Provider = {
  id: 'aleph_alpha',
  name: 'Aleph Alpha',
  base: 'https://api.aleph-alpha.com',
  envKeys: ['ALEPH_ALPHA_API_KEY', 'ALEPHALPHA_API_KEY'],
  envBases: ['ALEPH_ALPHA_API_BASE'],
  auth: { type: 'bearer' },
  generate: speaking('aleph-alpha', '/complete', { headers: whole }),
  docs: 'https://docs.aleph-alpha.com/api/complete/',
  checked: CHECKED,
};

/** Claude's first API, for models before Messages. */
const anthropicText: Provider = {
  id: 'anthropic_text',
  catalog: 'anthropic',
  name: 'Anthropic (text completions)',
  base: 'https://api.anthropic.com',
  envKeys: ['ANTHROPIC_API_KEY'],
  envBases: ['ANTHROPIC_API_BASE', 'ANTHROPIC_BASE_URL'],
  auth: { type: 'header', name: 'x-api-key' },
  headers: { 'anthropic-version': '2023-06-01' },
  generate: speaking('anthropic-complete', '/v1/complete'),
  docs: 'https://docs.anthropic.com/en/api/complete',
  checked: CHECKED,
};

/** Open models by their names on Hugging Face. */
const bytez: Provider = {
  id: 'bytez',
  name: 'Bytez',
  base: 'https://api.bytez.com/models/v2',
  envKeys: ['BYTEZ_API_KEY'],
  envBases: [],
  auth: { type: 'header', name: 'authorization', prefix: 'Key ' },
  generate: speaking('bytez', '/{model}', { headers: whole }),
  url: ({ base, model }) => belowBase(base, model),
  docs: 'https://docs.bytez.com/',
  checked: CHECKED,
};

/** Workers AI by its own API, in which every text model is there. */
const cloudflareText: Provider = {
  id: 'cloudflare_text',
  catalog: 'cloudflare',
  name: 'Cloudflare Workers AI (its own API)',
  base: 'https://api.cloudflare.com/client/v4/accounts/{account_id}/ai/run',
  envKeys: ['CLOUDFLARE_API_KEY'],
  envBases: ['CLOUDFLARE_API_BASE'],
  auth: { type: 'bearer' },
  parameters: { account_id: { env: ['CLOUDFLARE_ACCOUNT_ID'] } },
  generate: speaking('cloudflare-run', '/{model}'),
  url: ({ base, model }) => belowBase(base, model),
  docs: 'https://developers.cloudflare.com/workers-ai/get-started/rest-api/',
  checked: CHECKED,
};

/** A server of yours, written for LiteLLM: the whole address comes from you, and whatever it wants to sign calls with (`extra_headers`). */
const custom: Provider = {
  id: 'custom',
  name: 'A server for LiteLLM’s custom/',
  envKeys: [],
  envBases: ['CUSTOM_API_BASE'],
  auth: { type: 'none' },
  generate: speaking('custom', '', { headers: whole }),
  url: ({ base }) => base,
  docs: 'https://docs.litellm.ai/docs/providers/custom_llm_server',
  checked: '2026-11-28',
};

/** Models that answer a question about a picture: they take one, and no cap. */
const fal: Provider = {
  id: 'fal_ai',
  name: 'fal',
  base: 'https://fal.run',
  envKeys: ['FAL_AI_API_KEY', 'FAL_KEY'],
  envBases: ['FAL_AI_API_BASE'],
  auth: { type: 'header', name: 'authorization', prefix: 'Key ' },
  generate: speaking('fal', '/{model}', { headers: whole, takesNoCap: true }),
  url: ({ base, model }) => belowBase(base, model),
  docs: 'https://docs.litellm.ai/docs/providers/fal_ai',
  checked: '2026-11-28',
};

/** A dedicated endpoint, or any server of text-generation-inference: it has one model, whatever the name. */
const huggingfaceText: Provider = {
  id: 'huggingface_text',
  catalog: 'huggingface',
  name: 'Hugging Face endpoints (text-generation-inference)',
  envKeys: ['HUGGINGFACE_API_KEY'],
  envBases: ['HUGGINGFACE_API_BASE', 'HF_API_BASE'],
  auth: { type: 'bearer', optional: true },
  generate: speaking('tgi', '/generate', { streamPath: '/generate_stream' }),
  docs: 'https://huggingface.co/docs/text-generation-inference/reference/api_reference',
  checked: CHECKED,
};

/** Generation on its GPU plan. */
const nlpCloud: Provider = {
  id: 'nlp_cloud',
  name: 'NLP Cloud',
  base: 'https://api.nlpcloud.io/v1/gpu',
  envKeys: ['NLP_CLOUD_API_KEY'],
  envBases: ['NLP_CLOUD_API_BASE'],
  auth: { type: 'header', name: 'authorization', prefix: 'Token ' },
  generate: speaking('nlp-cloud', '/{model}/generation', { headers: whole }),
  docs: 'https://docs.nlpcloud.com/#generation',
  checked: '2026-11-28',
};

/** Discontinued by Google, for whoever still serves it. */
const palm: Provider = {
  id: 'palm',
  name: 'Google PaLM',
  base: 'https://generativelanguage.googleapis.com',
  envKeys: ['PALM_API_KEY'],
  envBases: [],
  auth: { type: 'query', name: 'key' },
  generate: speaking('palm', '/v1beta3/models/{model}:generateText', { headers: whole }),
  docs: 'https://docs.litellm.ai/docs/providers/palm',
  checked: '2026-11-28',
};

/** Models that volunteers' machines run together. */
const petals: Provider = {
  id: 'petals',
  name: 'Petals',
  base: 'https://chat.petals.dev',
  envKeys: [],
  envBases: [],
  auth: { type: 'none' },
  generate: speaking('petals', '/api/v1/generate', {
    form: true,
    headers: { ...whole, 'content-type': 'application/x-www-form-urlencoded' },
  }),
  docs: 'https://github.com/petals-infra/chat.petals.dev',
  checked: '2026-11-28',
};

/** Fine-tuned models of a tenant, by the API of the server they run on. */
const predibaseText: Provider = {
  id: 'predibase_text',
  catalog: 'predibase',
  name: 'Predibase (text-generation-inference)',
  base: 'https://serving.app.predibase.com',
  envKeys: ['PREDIBASE_API_KEY'],
  envBases: ['PREDIBASE_API_BASE'],
  auth: { type: 'bearer' },
  parameters: { tenant_id: { env: ['PREDIBASE_TENANT_ID'] } },
  generate: speaking('tgi', '/{tenant_id}/deployments/v2/llms/{model}/generate', {
    streamPath: '/{tenant_id}/deployments/v2/llms/{model}/generate_stream',
  }),
  docs: 'https://docs.predibase.com/user-guide/inference/rest_api',
  checked: '2026-11-28',
};

/** A server of yours. Its base is the server's, or ends with the model's `/generate`, as LiteLLM wants it. */
const triton: Provider = {
  id: 'triton',
  name: 'NVIDIA Triton',
  envKeys: [],
  envBases: [],
  auth: { type: 'none' },
  generate: speaking('triton', '/v2/models/{model}/generate', { streamPath: '/v2/models/{model}/generate_stream' }),
  url({ base, path, stream }) {
    const given = new URL(base);
    if (!/\/generate\/?$/.test(given.pathname)) return joinUrl(base, path);
    given.pathname = given.pathname.replace(/\/$/, '') + (stream ? '_stream' : '');
    return given.href;
  },
  docs: 'https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_generate.html',
  checked: CHECKED,
};

/** The rows of this file. */
export const textGeneration: readonly Provider[] = [
  alephAlpha,
  anthropicText,
  bytez,
  cloudflareText,
  custom,
  fal,
  huggingfaceText,
  nlpCloud,
  palm,
  petals,
  predibaseText,
  triton,
];
