import { describe, expect, it } from 'vitest';
import { authorize } from '../../../lib/policies/authorize.ts';
import { aKey, anExchange, aReply } from '../../support/exchange.ts';

const run = (over: Parameters<typeof anExchange>[0]) => {
  const exchange = anExchange(over);
  return { exchange, reply: authorize()(exchange, async () => aReply()) };
};
const asking = (model: string) => ({ ...anExchange().generate, model });

describe('authorization', () => {
  it('lets the master key call anything', async () => {
    const { exchange, reply } = run({ caller: { type: 'master' }, generate: asking('anything') });
    expect((await reply).status).toBe(200);
    expect(exchange.modelName).toBe('anything');
  });

  it('lets a key without a model list call anything', async () => {
    const { reply } = run({ caller: { type: 'key', key: aKey() } });
    expect((await reply).status).toBe(200);
  });

  it('applies the aliases of the key', async () => {
    const key = aKey({ aliases: { fast: 'gpt-4o-mini' }, models: ['gpt-4o-mini'] });
    const { exchange, reply } = run({ caller: { type: 'key', key }, generate: asking('fast') });
    await reply;
    expect(exchange.modelName).toBe('gpt-4o-mini');
  });

  it('takes no word of the language for an alias', async () => {
    const { exchange, reply } = run({ caller: { type: 'key', key: aKey() }, generate: asking('constructor') });
    await reply;
    expect(exchange.modelName).toBe('constructor');
  });

  it('refuses a model that is not on the list of the key, and says what is', async () => {
    const key = aKey({ models: ['gpt-4o-mini', 'groq/*'] });
    const { reply } = run({ caller: { type: 'key', key }, generate: asking('gpt-5') });
    await expect(reply).rejects.toMatchObject({ status: 403, detail: { code: 'key_model_access_denied', param: 'model' } });
    await expect(reply).rejects.toThrow('gpt-4o-mini, groq/*');
  });
});
