import { describe, expect, it } from 'vitest';
import { matchDeployments, mayCall, resolveAlias } from '../../../lib/domain/access.ts';
import type { Deployment } from '../../../lib/domain/model.ts';

const deployment = (modelName: string, model: string, id = modelName): Deployment => ({
  id,
  modelName,
  model,
  provider: 'openai',
  credential: { type: 'none' },
  info: {},
  source: 'config',
});

describe('mayCall', () => {
  it.each([
    [[], 'anything', true],
    [['gpt-4o'], 'gpt-4o', true],
    [['gpt-4o'], 'gpt-4o-mini', false],
    [['openai/*'], 'openai/gpt-4o', true],
    [['openai/*'], 'openai/ft/x', true],
    [['openai/*'], 'openai', false],
    [['openai/*'], 'azure/openai/gpt-4o', false],
    [['*'], 'anything', true],
    [['all-proxy-models'], 'anything', true],
    [['claude-*-latest'], 'claude-3-opus-latest', true],
    [['claude-*-latest'], 'claude-latest', false],
    [['a*b*c'], 'aXbYbZc', true],
    [['a*b*c'], 'aXcYb', false],
    [['no-default-models'], 'gpt-4o', false],
    [['gpt.4o*'], 'gptx4o', false],
  ])('%j, asked for %s: %s', (models, name, allowed) => {
    expect(mayCall(models, name)).toBe(allowed);
  });
});

describe('resolveAlias', () => {
  it('gives the model behind an alias, once', () => {
    const aliases = { fast: 'gpt-4o-mini', smart: 'fast' };

    expect(resolveAlias(aliases, 'fast')).toBe('gpt-4o-mini');
    expect(resolveAlias(aliases, 'smart')).toBe('fast');
    expect(resolveAlias(aliases, 'gpt-4o')).toBe('gpt-4o');
    expect(resolveAlias(aliases, 'constructor')).toBe('constructor');
  });
});

describe('matchDeployments', () => {
  const found = (deployments: readonly Deployment[], name: string): readonly (readonly [string, string])[] =>
    matchDeployments(deployments, name).map(({ deployment: { id }, model }) => [id, model]);

  it('prefers deployments of exactly that name, all of them', () => {
    const deployments = [deployment('gpt-4o', 'a', '1'), deployment('*', '*', '2'), deployment('gpt-4o', 'b', '3')];

    expect(found(deployments, 'gpt-4o')).toEqual([
      ['1', 'a'],
      ['3', 'b'],
    ]);
  });

  it('falls back to the most specific wildcard', () => {
    const deployments = [
      deployment('*', '*'),
      deployment('openai/*', '*'),
      deployment('openai/gpt-*', 'gpt-*', 'east'),
      deployment('openai/gpt-*', 'gpt-*', 'west'),
      deployment('openai/*gpt-*', '*'),
    ];

    expect(found(deployments, 'openai/gpt-4o')).toEqual([
      ['east', 'gpt-4o'],
      ['west', 'gpt-4o'],
    ]);
    expect(found(deployments, 'openai/o3')).toEqual([['openai/*', 'o3']]);
    expect(found(deployments, 'mistral/x')).toEqual([['*', 'mistral/x']]);
  });

  it('fills each star with what stood in its place', () => {
    expect(found([deployment('*/v2/*', 'org-*/m-*')], 'acme/v2/large')).toEqual([['*/v2/*', 'org-acme/m-large']]);
    expect(found([deployment('team/*', '*:*')], 'team/x$&')).toEqual([['team/*', 'x$&:x$&']]);
    expect(found([deployment('team/*', 'fixed')], 'team/x')).toEqual([['team/*', 'fixed']]);
  });

  it('finds nothing where nothing fits', () => {
    expect(found([deployment('gpt-4o', 'gpt-4o'), deployment('openai/*', '*')], 'claude')).toEqual([]);
  });
});
