import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../../lib/catalog/index.ts';
import type { Deployment } from '../../../lib/domain/model.ts';
import { listModels } from '../../../lib/registry/model-list.ts';
import { aDeployment, aKey } from '../../support/exchange.ts';

const list = async (deployments: readonly Deployment[], models?: readonly string[]) => {
  const nothing = async () => undefined;
  const registry = { deployments: async () => deployments, accessGroup: nothing, budget: nothing };
  const caller = models === undefined ? ({ type: 'master' } as const) : ({ type: 'key', key: aKey({ models }) } as const);
  return (await listModels(registry, createCatalog(), caller)).map(({ id }) => id);
};

describe('the models of a caller', () => {
  it('are the names on offer, sorted', async () => {
    expect(
      await list([aDeployment({ modelName: 'b' }), aDeployment({ modelName: 'a' }), aDeployment({ modelName: 'a' })]),
    ).toEqual(['a', 'b']);
  });

  it('spell a wildcard out with the chat models the catalog knows', async () => {
    const names = await list([aDeployment({ modelName: 'groq/*', provider: 'groq', model: '*' })]);
    expect(names.length).toBeGreaterThan(5);
    expect(names.every((name) => name.startsWith('groq/') && !name.startsWith('groq/groq/'))).toBe(true);
  });

  it('spell out only what the pattern of the deployment takes', async () => {
    const names = await list([aDeployment({ modelName: 'gpt-*', model: 'gpt-*' })]);
    expect(names).toContain('gpt-4o-mini');
    expect(names.every((name) => name.startsWith('gpt-') && !name.startsWith('gpt-o1'))).toBe(true);
  });

  it('are those the key may call', async () => {
    const deployments = [aDeployment({ modelName: 'a' }), aDeployment({ modelName: 'b' })];
    expect(await list(deployments, ['b'])).toEqual(['b']);
  });
});
