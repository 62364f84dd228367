import { describe, expect, it } from 'vitest';
import type { AccessGroup } from '../../../lib/domain/customer.ts';
import type { Deployment } from '../../../lib/domain/model.ts';
import type { Exchange, Owners } from '../../../lib/exchange.ts';
import { authorize } from '../../../lib/policies/authorize.ts';
import type { VirtualKey } from '../../../lib/domain/key.ts';
import { aDeployment, aKey, anExchange, aReply } from '../../support/exchange.ts';

/** What the policy can look up, and which groups it asked for. */
function lookups(deployments: readonly Deployment[] = [], groups: Readonly<Record<string, readonly string[]>> = {}) {
  const asked: string[] = [];
  return {
    asked,
    deployments: async () => deployments,
    accessGroup: async (name: string) => {
      asked.push(name);
      return groups[name] === undefined ? undefined : ({ id: name, models: groups[name] } as AccessGroup);
    },
    budget: async (id: string) => (id === 'small-only' ? ({ id, models: ['small'] } as never) : undefined),
  };
}

const run = (over: Partial<Exchange>, deps = lookups()) => {
  const exchange = anExchange(over);
  return { exchange, reply: authorize(deps)(exchange, async () => aReply()) };
};
const asking = (model: string) => ({ ...anExchange().generate, model });
/** A call with a key, and records above it as far as they matter here. */
const calling = (model: string, key: Partial<VirtualKey>, owners: Record<keyof Owners, object> | object = {}) => ({
  generate: asking(model),
  caller: { type: 'key', key: aKey(key), ...owners } as unknown as NonNullable<Exchange['caller']>,
});
const team = (over: object = {}) => ({ id: 't', models: [], aliases: {}, tags: [], accessGroups: [], ...over });

describe('authorization', () => {
  it('lets the master key call anything', async () => {
    const { exchange, reply } = run({ caller: { type: 'master' }, generate: asking('anything') });
    expect((await reply).status).toBe(200);
    expect(exchange.modelName).toBe('anything');
  });

  it('lets a key without a model list call anything', async () => {
    expect((await run(calling('any', {})).reply).status).toBe(200);
  });

  it('applies the aliases of the key, then of its team, its organization and its user', async () => {
    const { exchange, reply } = run(
      calling(
        'fast',
        { aliases: { fast: 'a' } },
        {
          team: team({ aliases: { a: 'b', fast: 'never' } }),
          organization: { models: [], aliases: { b: 'c' } },
          user: { models: [], aliases: { c: 'd' } },
        },
      ),
    );
    await reply;
    expect(exchange.modelName).toBe('d');
  });

  it('takes no word of the language for an alias', async () => {
    const { exchange, reply } = run(calling('constructor', {}));
    await reply;
    expect(exchange.modelName).toBe('constructor');
  });

  it('refuses a model that is not on the list of the key in the words of LiteLLM', async () => {
    const { reply } = run(calling('gpt-5', { models: ['gpt-4o-mini', 'groq/*'] }));
    await expect(reply).rejects.toMatchObject({ status: 403, detail: { type: 'key_model_access_denied', param: 'model' } });
    await expect(reply).rejects.toThrow(
      "key not allowed to access model. This key can only access models=['gpt-4o-mini', 'groq/*']. Tried to access gpt-5",
    );
  });

  it('says the same of a model that exists and of one that does not', async () => {
    const refusal = async (deployments: readonly Deployment[]) =>
      String(await run(calling('secret', { models: ['a'] }), lookups(deployments)).reply.catch((error: unknown) => error));
    expect(await refusal([aDeployment({ modelName: 'secret' })])).toBe(await refusal([]));
  });

  it.each([
    ['team', { team: team({ models: ['small'] }) }],
    ['project', { project: { models: ['small'] } }],
    ['user', { user: { models: ['small'], aliases: {} } }],
    ['org', { organization: { models: ['small'], aliases: {} } }],
    ['member', { member: { models: ['small'] } }],
    ['budget', { member: { models: [], budgetId: 'small-only' } }],
  ])('asks the %s too, and does not tell its list', async (of, owners) => {
    expect((await run(calling('small', {}, owners)).reply).status).toBe(200);
    const refusal = run(calling('large', {}, owners)).reply;
    await expect(refusal).rejects.toMatchObject({ status: 403, detail: { type: `${of}_model_access_denied` } });
    await expect(refusal).rejects.not.toThrow('small');
  });

  it('asks the tags of the call', async () => {
    const tagged = [{ id: 'blue', models: ['small'] }] as unknown as Exchange['tagged'];
    await expect(run({ ...calling('large', {}), tagged }).reply).rejects.toMatchObject({
      detail: { type: 'tag_model_access_denied' },
    });
    expect((await run({ ...calling('small', {}), tagged }).reply).status).toBe(200);
  });

  it('does not ask the user of a key that belongs to a team', async () => {
    const owners = { team: team(), user: { models: ['small'], aliases: {} } };
    expect((await run(calling('large', { teamId: 't' }, owners)).reply).status).toBe(200);
  });

  it('lets no alias of a key past the list of its team', async () => {
    const owners = { team: team({ models: ['small'] }) };
    const refusal = run(calling('small', { aliases: { small: 'large' } }, owners)).reply;
    await expect(refusal).rejects.toMatchObject({ detail: { type: 'team_model_access_denied' } });
  });
});

describe("LiteLLM's words in a list of models", () => {
  it('all-team-models leaves it to the team, and stands for nothing without one', async () => {
    const key = { models: ['all-team-models'] };
    expect((await run(calling('small', key, { team: team({ models: ['small'] }) })).reply).status).toBe(200);
    await expect(run(calling('large', key, { team: team({ models: ['small'] }) })).reply).rejects.toMatchObject({
      detail: { type: 'team_model_access_denied' },
    });
    await expect(run(calling('small', key)).reply).rejects.toMatchObject({ detail: { type: 'key_model_access_denied' } });
  });

  it('no-default-models leaves a user the models of its teams', async () => {
    const user = { models: ['no-default-models'], aliases: {} };
    expect((await run(calling('a', { teamId: 't' }, { team: team(), user })).reply).status).toBe(200);
    await expect(run(calling('a', {}, { user })).reply).rejects.toThrow('No default model access, only team models allowed');
  });
});

describe('access groups', () => {
  const groups = { beta: ['gpt-9', 'groq/*'] };

  it('are named in a list of models like models', async () => {
    const deps = lookups([aDeployment({ modelName: 'gpt-4o' })], groups);
    expect((await run(calling('groq/x', { models: ['gpt-4o', 'beta'] }), deps).reply).status).toBe(200);
    expect(deps.asked).toEqual(['beta']);
    await expect(run(calling('gpt-8', { models: ['gpt-4o', 'beta'] }), deps).reply).rejects.toMatchObject({ status: 403 });
  });

  it('are not asked for where the list says enough', async () => {
    const deps = lookups([], groups);
    await run(calling('gpt-4o', { models: ['beta', 'gpt-4o'] }), deps).reply;
    expect(deps.asked).toEqual([]);
  });

  it('are what a key with groups and no list may call', async () => {
    expect((await run(calling('gpt-9', { accessGroups: ['beta'] }), lookups([], groups)).reply).status).toBe(200);
    await expect(run(calling('gpt-8', { accessGroups: ['beta'] }), lookups([], groups)).reply).rejects.toMatchObject({
      status: 403,
    });
  });

  it('are what deployments say of themselves too', async () => {
    const deps = lookups([aDeployment({ modelName: 'gpt-9', info: { access_groups: ['beta'] } })]);
    expect((await run(calling('gpt-9', { models: ['beta'] }), deps).reply).status).toBe(200);
    await expect(run(calling('gpt-8', { models: ['beta'] }), deps).reply).rejects.toMatchObject({ status: 403 });
  });
});

describe("a team's own deployments", () => {
  it('are the team’s to call, whatever its list says', async () => {
    const own = aDeployment({ modelName: 'byo_1', info: { team_id: 't', team_public_model_name: 'gpt-4o' } });
    const owners = { team: team({ models: ['small'] }) };
    expect((await run(calling('gpt-4o', { teamId: 't' }, owners), lookups([own])).reply).status).toBe(200);
    await expect(run(calling('gpt-4o', { teamId: 't' }, owners)).reply).rejects.toMatchObject({ status: 403 });
  });
});
