import { describe, expect, it } from 'vitest';
import type { Unreported } from '../../../lib/domain/estimate.ts';
import type { Usage } from '../../../lib/kinds/usage.ts';
import { createRecount, type RecountDeps } from '../../../lib/counting/recount.ts';
import { aDeployment, anExchange, NOW } from '../../support/exchange.ts';

const ESTIMATE: Usage = { inputTokens: 900, outputTokens: 90, source: 'estimated' };
const nothing: Unreported = { input: false, texts: [], others: 0, outputTokens: 0 };

/** Counts again for a call of `model` that said "Hi". */
function recount(model: string, unreported: Partial<Unreported>, deps: Partial<RecountDeps> = {}) {
  const generate = {
    ...anExchange().generate,
    messages: [{ role: 'user' as const, parts: [{ type: 'text' as const, text: 'Hi' }] }],
  };
  const all = { ask: async () => undefined, now: () => NOW, ...deps };
  const again = createRecount(all, anExchange({ generate }), { deployment: aDeployment({ model }), model });
  return again(ESTIMATE, { ...nothing, ...unreported });
}

describe('counting again', () => {
  it("prefers the provider's counter, then the tokenizer, then the estimate", async () => {
    const missing = { input: true, texts: ['Hello there'] };
    expect(await recount('gpt-4o', missing, { ask: async () => 7 })).toEqual({
      inputTokens: 7,
      outputTokens: 2,
      source: 'counted',
    });
    expect(await recount('gpt-4o', missing)).toEqual({ inputTokens: 8, outputTokens: 2, source: 'counted' });
    expect(await recount('llama', { input: true, others: 3 })).toEqual(ESTIMATE);
  });

  it('asks no provider for an input that was reported, nor when there is no time left', async () => {
    const ask = (): never => {
      throw new Error('asked');
    };
    expect(await recount('gpt-4o', { texts: ['Hello'], outputTokens: 5 }, { ask })).toMatchObject({
      inputTokens: 900,
      outputTokens: 6,
      source: 'counted',
    });
    const late = { ask, now: () => anExchange().deadline };
    expect(await recount('gpt-4o', { input: true }, late)).toMatchObject({ inputTokens: 8 });
  });

  it('goes on without a counter that fails', async () => {
    const ask = (): Promise<never> => Promise.reject(new Error('away'));
    expect(await recount('gpt-4o', { input: true }, { ask })).toMatchObject({ inputTokens: 8 });
  });

  it('calls an estimate what holds more than words', async () => {
    expect(await recount('gpt-4o', { texts: ['Hello'], others: 10 })).toMatchObject({ outputTokens: 11, source: 'estimated' });
  });
});
