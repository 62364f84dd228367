/** Azure OpenAI: one host per resource, one path per deployment. */
import { joinUrl } from './address.ts';
import { isReasoningModel } from './openai.ts';
import type { Address, Provider } from './provider.ts';
import { rename } from './quirks.ts';

/** The newest version of the data-plane API that is not a preview. */
const DEFAULT_VERSION = '2024-10-21';

/**
 * Bases come in four lengths: the resource, a deployment, the `/openai/v1` API (no version needed, the model is in the body), and
 * the whole address of the operation.
 */
function url({ base, model, apiVersion, api }: Address): string {
  const address = new URL(base);
  const isV1 = /\/openai\/v1(\/|$)/.test(address.pathname);
  const hasDeployment = /\/deployments\/[^/]+/.test(address.pathname);
  const path = isV1 || hasDeployment ? api.path : `/openai/deployments/${encodeURIComponent(model)}${api.path}`;
  const full = new URL(joinUrl(base, path));
  const version = apiVersion ?? (isV1 ? undefined : DEFAULT_VERSION);
  if (version !== undefined && !full.searchParams.has('api-version')) full.searchParams.set('api-version', version);
  return full.href;
}

/** Where Azure OpenAI is and how it is spoken to; the resource's address comes from the operator. */
export const azure: Provider = {
  id: 'azure',
  name: 'Azure OpenAI',
  envKeys: ['AZURE_API_KEY', 'AZURE_OPENAI_API_KEY', 'AZURE_AD_TOKEN'],
  envBases: ['AZURE_API_BASE'],
  envVersion: 'AZURE_API_VERSION',
  auth: { type: 'header', name: 'api-key' },
  generate: [{ dialect: 'openai-chat', path: '/chat/completions' }],
  quirks: [rename('max_tokens', 'max_completion_tokens', isReasoningModel)],
  url,
  /** Tokens of Entra ID are JSON web tokens (they start with the base64 of `{"`); keys are not. */
  sign(headers, credential) {
    if (credential.startsWith('eyJ')) headers['authorization'] = `Bearer ${credential}`;
    else headers['api-key'] = credential;
  },
  docs: 'https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference',
  checked: '2026-11-22',
};
