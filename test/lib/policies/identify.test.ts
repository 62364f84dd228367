import { describe, expect, it } from 'vitest';
import type { Customer, SharedBudget, Tag } from '../../../lib/domain/customer.ts';
import { USD } from '../../../lib/domain/money.ts';
import { identify, takeNames, withDefaultModel, type IdentifyDeps } from '../../../lib/policies/identify.ts';
import { ownerOf } from '../../../lib/policies/owner.ts';
import type { Exchange, Reply } from '../../../lib/exchange.ts';
import { aKey, anExchange, aRequest, NOW } from '../../support/exchange.ts';

const reply: Reply = { status: 200, headers: {}, body: new Uint8Array(), done: Promise.resolve({ status: 'success' }) };

/** Records to be found, and what is written. */
function world(records: { customers?: Customer[]; tags?: Tag[]; budgets?: SharedBudget[] } = {}) {
  const made: Customer[] = [];
  const deps: IdentifyDeps = {
    customer: async (id) => records.customers?.find((record) => record.id === id),
    tag: async (name) => records.tags?.find((record) => record.id === name),
    budget: async (id) => records.budgets?.find((record) => record.id === id),
    customers: {
      create: async (record) => {
        made.push(record);
        return 'created';
      },
    },
    now: () => NOW,
    log: () => undefined,
  };
  return { made, deps };
}

async function identified(
  body: Record<string, unknown>,
  {
    deps = world().deps,
    over = {},
    headers = {},
    attempts = 1,
  }: { deps?: IdentifyDeps; over?: Partial<Exchange>; headers?: Record<string, string>; attempts?: number } = {},
): Promise<Exchange> {
  const exchange = anExchange({ request: aRequest({ headers }), ...over });
  takeNames(exchange, body, deps);
  const { done } = await identify(deps)(exchange, async () => {
    exchange.attempts = attempts;
    return reply;
  });
  await done;
  return exchange;
}

const record = (over: object) => ({
  id: 'c',
  createdAt: 1,
  updatedAt: 1,
  metadata: {},
  rev: 1,
  budgetAnchor: 0,
  blocked: false,
  models: [],
  ...over,
});

/** Longer than any id. */
const LONG = '界'.repeat(72);

describe('the customer of a call', () => {
  it.each([
    ['the header x-litellm-customer-id', { user: 'no' }, { 'x-litellm-customer-id': 'c' }],
    ['the header x-litellm-end-user-id', { user: 'no' }, { 'x-litellm-end-user-id': 'c' }],
    ['a header of the operator', { user: 'no' }, { 'x-openwebui-user-email': 'c' }],
    ['user', { user: 'c', metadata: { user_id: 'no' } }, {}],
    ['a number in user', { user: 7 }, {}],
    ['litellm_metadata.user', { litellm_metadata: { user: 'c' }, metadata: { user_id: 'no' } }, {}],
    ['metadata.user_id', { metadata: { user_id: 'c' }, safety_identifier: 'no' }, {}],
    ['safety_identifier', { safety_identifier: 'c' }, {}],
  ])('is named by %s', async (_place, body, headers) => {
    const deps = { ...world().deps, userHeader: 'x-openwebui-user-email' };
    const { endUser } = await identified(body, { deps, headers });
    expect(endUser).toBe('user' in body && body.user === 7 ? '7' : 'c');
  });

  it.each([
    ['user', { user: LONG }, {}],
    ['litellm_metadata.user', { litellm_metadata: { user: LONG } }, {}],
    ['metadata.user_id', { metadata: { user_id: LONG } }, {}],
    ['metadata.session_id', { metadata: { session_id: LONG } }, {}],
    ['metadata.tags', { metadata: { tags: ['a', LONG] } }, {}],
    ['x-litellm-customer-id', {}, { 'x-litellm-customer-id': 'c'.repeat(641) }],
    ['x-litellm-tags', {}, { 'x-litellm-tags': `a,${'c'.repeat(641)}` }],
  ])('and what else it names in %s is refused where no key of a meter has room for it', async (param, body, headers) => {
    await expect(identified(body, { headers })).rejects.toMatchObject({
      kind: 'invalid_request',
      detail: { param },
      message: expect.stringMatching(/expected at most 640 bytes, .*; this one takes 64[18]$/),
    });
  });

  it('is made of whole characters', async () => {
    await expect(identified({ user: 'c\ud800' })).rejects.toMatchObject({ kind: 'invalid_request', detail: { param: 'user' } });
  });

  it('is whom a token speaks for, whatever the body says', async () => {
    expect((await identified({ user: 'body' }, { over: { endUser: 'token' } })).endUser).toBe('token');
  });

  it('is nobody where nothing is said', async () => {
    for (const body of [{}, { user: '' }, { user: ' ' }, { user: null }, { metadata: { user_id: {} } }]) {
      const { made, deps } = world();
      expect((await identified(body, { deps })).endUser).toBeUndefined();
      expect(made).toEqual([]);
    }
  });

  it('brings its record along', async () => {
    const customer = record({ maxBudget: 5n });
    const { made, deps } = world({ customers: [customer] });
    expect((await identified({ user: 'c' }, { deps })).customer).toBe(customer);
    expect(made).toEqual([]);
  });

  it('is refused when blocked', async () => {
    const { deps } = world({ customers: [record({ blocked: true })] });
    await expect(identified({ user: 'c' }, { deps })).rejects.toMatchObject({
      status: 403,
      detail: { code: 'customer_blocked' },
    });
  });
});

describe('a customer, or a tag, that is somebody’s', () => {
  const callerOf = (key: object, owners: object = {}) => ({ type: 'key', key: aKey(key), ...owners }) as Exchange['caller'];
  const red = callerOf({ teamId: 'red' });
  const outcome = async (belonging: object, caller: Exchange['caller']): Promise<string> => {
    const { deps } = world({ customers: [record(belonging)], tags: [record({ id: 't', ...belonging })] as unknown as Tag[] });
    const codes = await Promise.all(
      [{ user: 'c' }, { tags: ['t'] }].map((body) =>
        identified(body, { deps, over: caller === undefined ? {} : { caller } }).then(
          () => 'passes',
          (error: { detail: { code: string } }) => error.detail.code,
        ),
      ),
    );
    return codes.join(' ');
  };
  const DENIED = 'customer_access_denied tag_access_denied';

  it.each([
    ['of nobody', {}, red, 'passes passes'],
    ['of its own team', { teamId: 'red' }, red, 'passes passes'],
    ['of the team of its project', { teamId: 'red' }, callerOf({}, { project: { teamId: 'red' } }), 'passes passes'],
    ['of another team', { teamId: 'blue' }, red, DENIED],
    ['of a team, where the key has none', { teamId: 'blue' }, callerOf({}), DENIED],
    ['of its organization', { organizationId: 'o' }, callerOf({}, { team: { organizationId: 'o' } }), 'passes passes'],
    ['of another organization', { organizationId: 'o' }, callerOf({ organizationId: 'p' }), DENIED],
    ['of its team in another organization', { teamId: 'red', organizationId: 'o' }, red, DENIED],
    ['of anybody, by the master key', { teamId: 'blue' }, { type: 'master' } as const, 'passes passes'],
  ])('is named by those it belongs to: %s', async (_what, belonging, caller, expected) => {
    expect(await outcome(belonging, caller)).toBe(expected);
  });

  it('is told to be blocked to nobody else', async () => {
    expect(await outcome({ teamId: 'blue', blocked: true }, red)).toBe(DENIED);
  });

  it.each([
    [{ teamId: 'red' }, red],
    [{ organizationId: 'o' }, callerOf({ organizationId: 'o' })],
    [{}, callerOf({})],
    [{}, { type: 'master' } as const],
  ])('is %j from its first call on where the operator says so', async (belonging, caller) => {
    const { made, deps } = world();
    await identified(
      { user: 'new' },
      { deps: { ...deps, ofTeams: true }, over: { caller: caller as NonNullable<typeof red> } },
    );
    const { teamId, organizationId } = made[0] as Customer;
    expect({ teamId, organizationId }).toEqual({ teamId: undefined, organizationId: undefined, ...belonging });
  });
});

describe('a customer nobody has seen', () => {
  it('has the limits of the default budget from its first call on, and a record after it', async () => {
    const budget = record({ id: 'free', maxBudget: USD, budgetDuration: '1d' }) as unknown as SharedBudget;
    const { made, deps } = world({ budgets: [budget] });
    const exchange = await identified({ user: 'new' }, { deps: { ...deps, defaultBudget: 'free' } });
    expect(exchange.customer).toMatchObject({ id: 'new', maxBudget: USD, budgetDuration: '1d' });
    expect(made).toMatchObject([{ id: 'new', budgetId: 'free', createdAt: NOW, rev: 1 }]);
    // Its limits stay the shared budget's: the record has none of its own.
    expect(made[0]).not.toHaveProperty('maxBudget');
  });

  it('is written once by a process, and not for calls that reached no provider', async () => {
    const { made, deps } = world();
    const policy = identify(deps);
    for (const attempts of [0, 1, 1]) {
      const exchange = anExchange({ endUser: 'new' });
      await (
        await policy(exchange, async () => {
          exchange.attempts = attempts;
          return reply;
        })
      ).done;
    }
    expect(made).toHaveLength(1);
  });

  it('costs the call nothing when it cannot be written', async () => {
    const { deps } = world();
    const failing = { ...deps, customers: { create: () => Promise.reject(new Error('down')) } };
    expect((await identified({ user: 'new' }, { deps: failing })).endUser).toBe('new');
  });
});

describe('the model of a call that names none', () => {
  const complete = (deps: IdentifyDeps) => withDefaultModel(deps, async (_exchange, body) => body);

  it('is the default model of its customer', async () => {
    const { deps } = world({ customers: [record({ defaultModel: 'small' })] });
    const exchange = anExchange({ endUser: 'c' });
    expect(await complete(deps)(exchange, { messages: [] })).toEqual({ messages: [], model: 'small' });
    expect(exchange.body).toEqual({ model: 'small' });
  });

  it('is left to the dialect to miss otherwise', async () => {
    const { deps } = world({ customers: [record({})] });
    expect(await complete(deps)(anExchange({ endUser: 'c' }), {})).toEqual({});
    expect(await complete(deps)(anExchange(), {})).toEqual({});
    expect(await complete(deps)(anExchange({ endUser: 'c' }), { model: 'mine' })).toEqual({ model: 'mine' });
  });
});

describe('the tags of a call', () => {
  it('are those of key, team and project, of the body and of a header, without repeats and without what is no text', async () => {
    const caller = { type: 'key', key: aKey({ tags: ['a'] }), team: { tags: ['t'] }, project: { tags: ['p'] } };
    const exchange = await identified(
      { metadata: { tags: ['b', 'a', 3] }, tags: ['c'], litellm_metadata: { tags: ['d'] } },
      { over: { caller: caller as unknown as NonNullable<Exchange['caller']> }, headers: { 'x-litellm-tags': 'e, f' } },
    );
    expect(exchange.tags).toEqual(['a', 't', 'p', 'c', 'd', 'b', 'e', 'f']);
  });

  it('bring along the records of those that have one', async () => {
    const tag = record({ id: 'b', rpmLimit: 1 }) as unknown as Tag;
    const { deps } = world({ tags: [tag] });
    expect((await identified({ tags: ['a', 'b'] }, { deps })).tagged).toEqual([tag]);
  });

  it('are taken from no client where the operator says so', async () => {
    const deps = { ...world().deps, rejectTags: true };
    for (const body of [{ tags: ['a'] }, { metadata: { tags: ['a'] } }, { litellm_metadata: { tags: ['a'] } }]) {
      await expect(identified(body, { deps })).rejects.toMatchObject({ status: 400, detail: { param: 'metadata.tags' } });
    }
    await expect(identified({}, { deps, headers: { 'x-litellm-tags': 'a' } })).rejects.toMatchObject({ status: 400 });
    expect((await identified({ metadata: {} }, { deps })).tags).toEqual([]);
  });

  it('are at most fifty of a request', async () => {
    expect((await identified({ tags: Array.from({ length: 99 }, (_, n) => `t${n}`) })).tags).toHaveLength(50);
  });
});

describe('the session of a call', () => {
  it.each([
    [{ litellm_session_id: 's' }, {}],
    [{ metadata: { session_id: 's' } }, {}],
    [{ litellm_metadata: { session_id: 's' } }, {}],
    [{}, { 'x-litellm-session-id': 's' }],
  ])('is found in %j %j', async (body, headers) => {
    expect((await identified(body, { headers })).sessionId).toBe('s');
  });

  it('is told apart from the customer in what Claude Code sends', async () => {
    const user_id = 'user_ab12_account__session_0f3c2a10-1111-4222-8333-444455556666';
    const exchange = await identified({ metadata: { user_id } });
    expect(exchange).toMatchObject({ endUser: 'user_ab12_account_', sessionId: '0f3c2a10-1111-4222-8333-444455556666' });
  });
});

describe('whom a call is booked to', () => {
  it('are the owners that the records of the key name', () => {
    const team = { organizationId: 'o' };
    const key = aKey({ hash: 'h', origin: 'first', userId: 'u', projectId: 'p', teamId: 't' });
    const caller = { type: 'key', key, team } as unknown as NonNullable<Exchange['caller']>;
    expect(ownerOf(anExchange({ caller }))).toMatchObject({
      keyHash: 'first',
      userId: 'u',
      teamId: 't',
      projectId: 'p',
      organizationId: 'o',
    });
  });
});
