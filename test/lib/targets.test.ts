import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../lib/catalog/index.ts';
import type { Deployment } from '../../lib/domain/model.ts';
import type { Usage } from '../../lib/kinds/usage.ts';
import { createTargets } from '../../lib/targets.ts';
import { aDeployment } from '../support/exchange.ts';

describe('the price of a model', () => {
  const resolve = createTargets(createCatalog());

  it.each([
    ['openai', 'gpt-4o', 'responses/gpt-4o'],
    ['cohere', 'command-a-03-2025', 'command-a-03-2025'],
    ['bedrock', 'us.anthropic.claude-sonnet-4-20250514-v1:0', 'converse/us.anthropic.claude-sonnet-4-20250514-v1:0'],
    ['bedrock', 'us.anthropic.claude-sonnet-4-20250514-v1:0', 'us-west-2/us.anthropic.claude-sonnet-4-20250514-v1:0'],
  ])('of %s/%s is that of %s, whatever else the name says', async (provider, plain, model) => {
    const [short, long] = await Promise.all(
      [plain, model].map((name) => resolve(aDeployment({ provider, model: name }), name)),
    );

    expect(short?.sheet).toBeDefined();
    expect(long?.sheet).toEqual(short?.sheet);
    expect(long?.model).toBe(model);
  });

  it.each([
    ['cohere_chat', 'cohere', 'command-a-03-2025'],
    ['vertex_ai_beta', 'vertex_ai', 'gemini-2.5-flash'],
    ['ai21_chat', 'ai21', 'jamba-large-1.7'],
  ])('at %s is that at %s', async (second, first, model) => {
    const [one, other] = await Promise.all(
      [first, second].map((provider) => resolve(aDeployment({ id: provider, provider, model }), model)),
    );

    expect(one?.sheet).toBeDefined();
    expect(other?.sheet).toEqual(one?.sheet);
  });
});

describe('what the operator and the place make of a price', () => {
  const costs = { discounts: { openai: 0.1, vertex_ai: 0.2 }, margins: { global: 0.5, groq: 0 } };
  const resolve = createTargets(createCatalog(), costs);
  const used: Usage = { inputTokens: 1_000_000, outputTokens: 0, source: 'provider' };
  const partsAt = async (over: Partial<Deployment>): Promise<unknown> => {
    const deployment = aDeployment({ id: JSON.stringify(over), ...over });
    const target = await resolve(deployment, deployment.model);
    return target.price?.(used)?.parts;
  };

  it('is a discount and a margin by provider', async () => {
    // gpt-4o-mini: 0.15/M
    expect(await partsAt({})).toEqual({ input: 150_000_000_000n, discount: -15_000_000_000n, margin: 67_500_000_000n });
    expect(await partsAt({ provider: 'groq', model: 'llama-3.1-8b-instant' })).toEqual({ input: 50_000_000_000n });
  });

  it('holds for a provider under its other name too', async () => {
    expect(await partsAt({ provider: 'vertex_ai_beta', model: 'gemini-2.5-flash' })).toMatchObject({
      discount: -60_000_000_000n,
    });
  });

  it('is on top of what the operator set as price', async () => {
    expect(await partsAt({ price: { input_cost_per_token: 1e-6, output_cost_per_token: 0 } })).toMatchObject({
      input: 1_000_000_000_000n,
      discount: -100_000_000_000n,
    });
  });

  it('is dearer at the address of a region whose processing costs more', async () => {
    const at = async (apiBase: string): Promise<unknown> =>
      (await createTargets(createCatalog())(aDeployment({ apiBase, model: 'gpt-5.4' }), 'gpt-5.4')).price?.({
        ...used,
        inputTokens: 1000,
      });

    // 2.50/M, and a tenth more in Europe
    expect(await at('https://api.openai.com/v1')).toMatchObject({ total: 2_500_000_000n });
    expect(await at('https://eu.api.openai.com/v1')).toMatchObject({ total: 2_750_000_000n, rule: 'eu' });
  });

  it('is unknown where what was used has no price', async () => {
    const { price } = await resolve(aDeployment(), 'gpt-4o-mini');

    expect(price?.({ outputImages: 1, source: 'provider' })).toBeUndefined();
    expect(price?.({ outputImages: 1, inputTokens: 10, outputTokens: 5, source: 'provider' })).toBeDefined();
  });

  it('is refused for a provider that does not exist', () => {
    expect(() => createTargets(createCatalog(), { discounts: { opnai: 0.1 }, margins: {} })).toThrow('opnai');
  });
});
