import { describe, expect, it } from 'vitest';
import { aDeployment } from '../../support/exchange.ts';
import { createAdmin } from './support.ts';

const fixed = [
  aDeployment({ id: '1', modelName: 'fast', provider: 'openai', model: 'gpt-4o-mini', rpm: 10 }),
  aDeployment({ id: '2', modelName: 'fast', provider: 'azure', model: 'gpt-4o', rpm: 5, price: { input_cost_per_token: 1 } }),
  aDeployment({ id: '3', modelName: 'slow', provider: 'openai', model: 'gpt-4o' }),
];

describe('/model_group/info', () => {
  it('tells a name over all its deployments: dearest price, widest limits, rates together', async () => {
    const admin = createAdmin({}, fixed);
    const { body } = await admin.call('GET', '/model_group/info?model_group=fast');
    expect(body).toMatchObject({
      data: [
        {
          model_group: 'fast',
          providers: ['openai', 'azure'],
          mode: 'chat',
          rpm: 15,
          tpm: null,
          input_cost_per_token: 1,
          supports_function_calling: true,
        },
      ],
    });
  });

  it('shows a key what it may call', async () => {
    const admin = createAdmin({}, fixed);
    const groups = async (key?: string): Promise<unknown> => {
      const { body } = await admin.call('GET', '/model_group/info', key === undefined ? {} : { key });
      return (body['data'] as { model_group: string }[]).map((group) => group.model_group);
    };
    expect(await groups()).toEqual(['fast', 'slow']);
    const { body } = await admin.call('POST', '/key/generate', { body: { models: ['slow'] } });
    const key = String(body['key']);
    expect(await groups(key)).toEqual(['slow']);
    expect(await admin.call('GET', '/model_group/info?model_group=fast', { key })).toMatchObject({ status: 404 });
  });
});
