import { describe, expect, it } from 'vitest';
import { createCatalog } from '../../lib/catalog/index.ts';
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
