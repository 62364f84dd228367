import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { route, shuffle } from '../../../lib/policies/route.ts';
import type { Exchange } from '../../../lib/exchange.ts';
import { aDeployment, aKey, anExchange, aReply } from '../../support/exchange.ts';

describe('the shuffle', () => {
  it('keeps every item exactly once', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer()),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (items, draws) => {
          const drawn = shuffle(
            items,
            () => 1,
            () => draws.next().value as number,
          );
          expect(drawn.toSorted((a, b) => a - b)).toEqual(items.toSorted((a, b) => a - b));
        },
      ),
    );
  });

  it('draws in proportion to the weights', () => {
    const first = (point: number) =>
      shuffle(
        ['light', 'heavy'],
        (name) => (name === 'heavy' ? 3 : 1),
        () => point,
      )[0];
    expect([0, 0.24, 0.26, 0.99].map(first)).toEqual(['light', 'light', 'heavy', 'heavy']);
  });

  it('still draws when every weight is zero', () => {
    expect(
      shuffle(
        ['a', 'b'],
        () => 0,
        () => 0.5,
      ),
    ).toHaveLength(2);
  });
});

describe('routing', () => {
  const policy = (deployments: readonly ReturnType<typeof aDeployment>[], point = 0) =>
    route({
      deployments: async () => deployments,
      resolve: async (deployment, model) => ({ deployment, model }),
      random: () => point,
    });

  it('begins with the deployment whose provider keeps the conversation, where it serves the model', async () => {
    const deployments = ['a', 'b', 'c'].map((id) => aDeployment({ id, modelName: 'chat' }));
    const planned = async (keptBy: string) => {
      const exchange = anExchange({ modelName: 'chat', turn: { asSent: {}, added: [], keptBy } });
      await policy(deployments)(exchange, async () => aReply());
      return exchange.plan.map(({ deployment }) => deployment.id);
    };
    expect(await planned('c')).toEqual(['c', 'a', 'b']);
    expect(await planned('elsewhere')).toEqual(['a', 'b', 'c']);
  });

  it('plans every deployment of the model', async () => {
    const exchange = anExchange({ modelName: 'chat' });
    const deployments = [
      aDeployment({ id: 'a', modelName: 'chat' }),
      aDeployment({ id: 'b', modelName: 'chat' }),
      aDeployment({ id: 'c', modelName: 'other' }),
    ];
    await policy(deployments)(exchange, async () => aReply());
    expect(exchange.plan.map(({ deployment }) => deployment.id).toSorted()).toEqual(['a', 'b']);
  });

  it.each(['weight', 'rpm', 'tpm'] as const)('weighs by %s where deployments state it', async (field) => {
    const exchange = anExchange({ modelName: 'chat' });
    const deployments = [
      aDeployment({ id: 'a', modelName: 'chat', [field]: 1 }),
      aDeployment({ id: 'b', modelName: 'chat', [field]: 99 }),
    ];
    await policy(deployments, 0.5)(exchange, async () => aReply());
    expect(exchange.plan[0]?.deployment.id).toBe('b');
  });

  it('fills in the wildcard', async () => {
    const exchange = anExchange({ modelName: 'groq/llama' });
    await policy([aDeployment({ modelName: 'groq/*', provider: 'groq', model: '*' })])(exchange, async () => aReply());
    expect(exchange.plan[0]?.model).toBe('llama');
  });

  it('refuses an unknown model with 404', async () => {
    const refusal = policy([])(anExchange({ modelName: 'nope' }), async () => aReply());
    await expect(refusal).rejects.toMatchObject({ status: 404, detail: { code: 'model_not_found', param: 'model' } });
  });

  it('plans only what lies in the region of the customer', async () => {
    const place = (region: string) => ({ modelName: 'chat', parameters: { aws_region_name: region } });
    const deployments = [aDeployment({ id: 'us', ...place('us-east-1') }), aDeployment({ id: 'eu', ...place('eu-west-1') })];
    const customer = { id: 'c', region: 'eu' } as unknown as NonNullable<Exchange['customer']>;
    const exchange = anExchange({ modelName: 'chat', customer });
    await policy(deployments)(exchange, async () => aReply());
    expect(exchange.plan.map(({ deployment }) => deployment.id)).toEqual(['eu']);
    await expect(policy(deployments.slice(0, 1))(exchange, async () => aReply())).rejects.toMatchObject({
      status: 403,
      detail: { code: 'no_deployment_in_region' },
    });
  });

  it("hides a team's deployments from others behind the words for what does not exist", async () => {
    const own = aDeployment({ modelName: 'own', info: { team_id: 't' } });
    const refusal = (deployments: readonly ReturnType<typeof aDeployment>[]) =>
      policy(deployments)(anExchange({ modelName: 'own', caller: { type: 'key', key: aKey({ teamId: 'u' }) } }), async () =>
        aReply(),
      ).catch((error: unknown) => String(error));
    expect(await refusal([own])).toBe(await refusal([]));
  });
});
