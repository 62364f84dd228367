import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../lib/errors.ts';
import type { Exchange } from '../../../lib/exchange.ts';
import { budgetFallback } from '../../../lib/policies/budget-fallback.ts';
import { aKey, anExchange, aReply } from '../../support/exchange.ts';

const spent = (facts: Record<string, string>): GatewayError =>
  new GatewayError('budget_exceeded', 'Budget has been exceeded!', { facts: { scope: 'key', ...facts } });

const fallbacks = { 'gpt-4o': ['gpt-4o-mini', 'gpt-nano'], '*': ['cheap'] };
const aCall = (budgetFallbacks: Record<string, readonly string[]> | undefined = fallbacks): Exchange =>
  anExchange({
    caller: { type: 'key', key: aKey(budgetFallbacks === undefined ? {} : { budgetFallbacks }) },
    modelName: 'gpt-4o',
    generate: { ...anExchange().generate, model: 'gpt-4o' },
  });

/** Runs the policy over a rest of the onion that answers or refuses by model. */
async function run(exchange: Exchange, refusals: Readonly<Record<string, GatewayError>>) {
  const tried: string[] = [];
  const reply = budgetFallback()(exchange, async () => {
    tried.push(exchange.generate.model);
    const refusal = refusals[exchange.generate.model];
    if (refusal !== undefined) throw refusal;
    return aReply();
  });
  const outcome = await reply.then(
    ({ headers }) => headers,
    (error: unknown) => error,
  );
  return { tried, outcome };
}

describe('a budget that is spent', () => {
  it('turns the call to the next cheaper model, and says so', async () => {
    const exchange = aCall();

    const { tried, outcome } = await run(exchange, { 'gpt-4o': spent({ model: 'gpt-4o' }) });

    expect(tried).toEqual(['gpt-4o', 'gpt-4o-mini']);
    expect(outcome).toMatchObject({ 'x-tollgate-budget-fallback': 'gpt-4o-mini' });
    expect(exchange.warnings).toMatchObject([
      { kind: 'changed', field: 'model', reason: expect.stringContaining('gpt-4o-mini') },
    ]);
  });

  it('passes over a cheaper model that may not be called, or whose budget is spent too', async () => {
    const { tried, outcome } = await run(aCall(), {
      'gpt-4o': spent({ model: 'gpt-4o' }),
      'gpt-4o-mini': new GatewayError('permission', 'no'),
    });

    expect(tried).toEqual(['gpt-4o', 'gpt-4o-mini', 'gpt-nano']);
    expect(outcome).toMatchObject({ 'x-tollgate-budget-fallback': 'gpt-nano' });
  });

  it('refuses as before when no cheaper model is left', async () => {
    const exchange = aCall();
    const refusal = spent({ model: 'gpt-4o' });

    const { outcome } = await run(exchange, {
      'gpt-4o': refusal,
      'gpt-4o-mini': spent({ model: 'gpt-4o-mini' }),
      'gpt-nano': new GatewayError('not_found', 'no'),
    });

    expect(outcome).toBe(refusal);
    expect(exchange).toMatchObject({ generate: { model: 'gpt-4o' }, warnings: [] });
  });

  it("has models of its own for the key's budget as a whole", async () => {
    const { tried } = await run(aCall(), { 'gpt-4o': spent({}) });

    expect(tried).toEqual(['gpt-4o', 'cheap']);
  });

  it.each([
    ['another scope', spent({ scope: 'team', model: 'gpt-4o' })],
    ['a rate', new GatewayError('rate_limit', 'slow down', { facts: { scope: 'key', model: 'gpt-4o' } })],
  ])('is not that of %s', async (_, refusal) => {
    const { tried, outcome } = await run(aCall(), { 'gpt-4o': refusal });

    expect(tried).toEqual(['gpt-4o']);
    expect(outcome).toBe(refusal);
  });

  it('refuses a key that names no cheaper models', async () => {
    const { tried } = await run(aCall({}), { 'gpt-4o': spent({ model: 'gpt-4o' }) });

    expect(tried).toEqual(['gpt-4o']);
  });

  it('lets stand what a provider said of the cheaper model', async () => {
    const exchange = aCall();
    const failure = new GatewayError('not_found', 'no such model upstream');

    const reply = budgetFallback()(exchange, () => {
      if (exchange.generate.model === 'gpt-4o') return Promise.reject(spent({ model: 'gpt-4o' }));
      exchange.attempts++;
      return Promise.reject(failure);
    });

    await expect(reply).rejects.toBe(failure);
  });
});
