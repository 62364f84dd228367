import { describe, expect, it } from 'vitest';
import { compactingApi, providerOf } from '../../../lib/providers/index.ts';
import { aDeployment } from '../../support/exchange.ts';

const at = (provider: string, apiBase?: string, model = 'gpt-5') =>
  compactingApi({
    provider: providerOf(provider),
    deployment: aDeployment({ provider, model, ...(apiBase === undefined ? {} : { apiBase }) }),
    model,
    environment: {},
  });

describe('the API that compacts conversations', () => {
  it.each([
    ['openai', undefined, 'gpt-5'],
    ['openai', undefined, 'responses/gpt-5'],
    ['azure', 'https://one.openai.azure.com/openai/v1', 'gpt-5'],
  ])('of %s at %s for %s', (provider, base, model) => {
    expect(at(provider, base, model)).toMatchObject({
      model: 'gpt-5',
      api: { path: '/responses/compact', keepsResponses: false },
    });
  });

  it.each([
    ['azure', 'https://one.openai.azure.com'],
    ['azure_ai', 'https://one.services.ai.azure.com'],
    ['groq', undefined],
    ['anthropic', undefined],
  ])('is missing in %s at %s', (provider, base) => {
    expect(at(provider, base)).toBeUndefined();
  });
});
