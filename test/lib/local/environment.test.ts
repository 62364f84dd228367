import { describe, expect, it } from 'vitest';
import { matchDeployments } from '../../../lib/domain/access.ts';
import { environmentDeployments } from '../../../lib/local/environment.ts';
import { providers } from '../../../lib/providers/index.ts';

const servedBy = (environment: Record<string, string>, name: string): string[] =>
  matchDeployments(environmentDeployments(environment).deployments, name).map(
    ({ deployment, model }) => `${deployment.provider} ${model}`,
  );

describe('providers of the environment', () => {
  it('serve their models under their prefix, with a reference to the key', () => {
    const { deployments, found, warnings } = environmentDeployments({ GROQ_API_KEY: 'gsk', MISTRAL_API_KEY: '' });

    expect(deployments).toEqual([
      {
        id: 'env-groq/*',
        modelName: 'groq/*',
        provider: 'groq',
        model: '*',
        credential: { type: 'env', name: 'GROQ_API_KEY' },
        info: {},
        source: 'env',
      },
    ]);
    expect(found.map(({ id }) => id)).toEqual(['groq']);
    expect(warnings).toEqual([]);
  });

  it('serve the bare names of their models too', () => {
    const environment = { OPENAI_API_KEY: 'sk', ANTHROPIC_API_KEY: 'ak' };

    expect(servedBy(environment, 'gpt-4o-mini')).toEqual(['openai gpt-4o-mini']);
    expect(servedBy(environment, 'o3-mini')).toEqual(['openai o3-mini']);
    expect(servedBy(environment, 'openai/gpt-4o')).toEqual(['openai gpt-4o']);
    expect(servedBy(environment, 'claude-haiku-4-5')).toEqual(['anthropic claude-haiku-4-5']);
    expect(servedBy(environment, 'llama-3')).toEqual([]);
    expect(servedBy({ ANTHROPIC_API_KEY: 'ak' }, 'gpt-4o')).toEqual([]);
  });

  it('are told what they lack', () => {
    const { found, warnings } = environmentDeployments({ AZURE_API_KEY: 'az' });

    expect(found).toEqual([]);
    expect(warnings).toEqual([
      expect.stringMatching(/^AZURE_API_KEY is set, but .* has no address of its own: set AZURE_API_BASE/),
    ]);
  });

  it('may need no key where an address is given', () => {
    const keyless = [...providers.values()].find(
      ({ auth, envBases, envKeys }) =>
        auth.type === 'bearer' && auth.optional === true && envBases.length > 0 && envKeys.length > 0,
    );
    if (keyless === undefined) throw new Error('no provider works without a key');
    const [base = ''] = keyless.envBases;

    const { deployments } = environmentDeployments({ [base]: 'http://127.0.0.1:11434' });

    expect(deployments).toContainEqual(expect.objectContaining({ provider: keyless.id, credential: { type: 'none' } }));
  });

  it('are none where nothing is set', () => {
    expect(environmentDeployments({})).toEqual({ deployments: [], found: [], warnings: [] });
  });
});
