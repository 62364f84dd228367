/** Who may call what, through the whole gateway: records in the stores, requests over HTTP. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Customer } from '../../../lib/domain/customer.ts';
import type { Team } from '../../../lib/domain/team.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import type { Stores } from '../../../lib/stores/stores.ts';
import { aDeployment, aKey, NOW } from '../../support/exchange.ts';
import { serveGateway, type Served } from '../../support/gateway.ts';
import { chatAnswer, sendJson, startUpstream } from '../../support/upstream.ts';
import { hashSecret } from '../../../lib/domain/key.ts';

const base = { createdAt: NOW, updatedAt: NOW, metadata: {}, rev: 1, budgetAnchor: 0, blocked: false };
const aTeam = (over: Partial<Team> = {}): Team => ({
  ...base,
  id: 't',
  models: [],
  aliases: {},
  tags: [],
  memberPermissions: [],
  accessGroups: [],
  ...over,
});
const aCustomer = (over: Partial<Customer> = {}): Customer => ({ ...base, id: 'c', ...over });

let provider: Awaited<ReturnType<typeof startUpstream>>;
let gateway: Served;
let stores: Stores;

const start = async (env: Record<string, string> = {}): Promise<void> => {
  const shared = { apiBase: `${provider.url}/v1`, credential: { type: 'value', value: 'upstream-secret' } as const };
  gateway = await serveGateway(provider.url, {
    stores,
    env,
    deployments: [
      aDeployment({ id: 'small', modelName: 'small', ...shared, info: { access_groups: ['cheap'] } }),
      aDeployment({ id: 'large', modelName: 'large', ...shared }),
      aDeployment({ id: 'own', modelName: 'byo', ...shared, info: { team_id: 't', team_public_model_name: 'large' } }),
    ],
  });
};

beforeEach(async () => {
  provider = await startUpstream(sendJson(chatAnswer()));
  stores = open();
});
afterEach(async () => {
  await gateway.close();
  await provider.close();
});

const send = (secret: string, body: object = {}, headers: Record<string, string> = {}) =>
  fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'Hi' }], ...body }),
  });
const listed = async (secret: string): Promise<readonly string[]> => {
  const answer = await fetch(`${gateway.url}/v1/models`, { headers: { authorization: `Bearer ${secret}` } });
  return ((await answer.json()) as { data: { id: string }[] }).data.map(({ id }) => id);
};
const errorOf = async (answer: Response) => ((await answer.json()) as { error: Record<string, unknown> }).error;

describe('models', () => {
  it('are listed and served alike: what a caller does not see it may not call', async () => {
    await stores.teams.create(aTeam({ models: ['cheap'] }));
    await start();
    await gateway.addKey('sk-team', { teamId: 't' });
    await gateway.addKey('sk-free');
    await gateway.addKey('sk-group', { models: ['cheap'] });

    expect(await listed('sk-team')).toEqual(['large', 'small']);
    expect(await listed('sk-free')).toEqual(['large', 'small']);
    expect(await listed('sk-group')).toEqual(['small']);
    expect((await send('sk-group', { model: 'large' })).status).toBe(403);
    expect((await send('sk-team', { model: 'large' })).headers.get('x-litellm-model-id')).toBe('own');
    expect((await send('sk-free', { model: 'large' })).headers.get('x-litellm-model-id')).toBe('large');
    expect((await send('sk-free', { model: 'byo' })).status).toBe(404);
  });
});

describe('a blocked team', () => {
  it('ends every route for its keys', async () => {
    await stores.teams.create(aTeam({ blocked: true }));
    await start();
    await gateway.addKey('sk-team', { teamId: 't' });

    const answer = await send('sk-team');
    expect(answer.status).toBe(401);
    expect(await errorOf(answer)).toMatchObject({ type: 'auth_error', message: expect.stringContaining('Team=t is blocked') });
    expect((await fetch(`${gateway.url}/v1/models`, { headers: { authorization: 'Bearer sk-team' } })).status).toBe(401);
    expect(provider.seen).toHaveLength(0);
  });
});

describe('customers', () => {
  it('are made on first sight, by every way to name them, and booked', async () => {
    await start();
    await gateway.addKey('sk-one');
    await (await send('sk-one', { user: 'by-body' })).text();
    await (await send('sk-one', {}, { 'x-litellm-end-user-id': 'by-header' })).text();

    await vi.waitFor(async () => {
      expect(await stores.customers.get('by-body')).toMatchObject({ rev: 1, blocked: false });
      expect(await stores.customers.get('by-header')).toMatchObject({ rev: 1 });
    });
    const { items } = await stores.ledger.list({ limit: 10 });
    expect(new Set(items.map(({ endUser }) => endUser))).toEqual(new Set(['by-body', 'by-header']));
  });

  it('are refused when blocked, before a provider is called', async () => {
    await stores.customers.create(aCustomer({ blocked: true }));
    await start();
    await gateway.addKey('sk-one');
    expect((await send('sk-one', { user: 'c' })).status).toBe(403);
    expect(provider.seen).toHaveLength(0);
  });

  it('have a model of their own for calls that name none', async () => {
    await stores.customers.create(aCustomer({ defaultModel: 'large' }));
    await start();
    await gateway.addKey('sk-one');
    const answer = await send('sk-one', { user: 'c', model: undefined });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-litellm-model-group')).toBe('large');
    expect((await send('sk-one', { model: undefined })).status).toBe(400);
  });
});

describe('the gateway’s own fields', () => {
  it('are heard and never reach a provider', async () => {
    await start();
    await gateway.addKey('sk-one', { tags: ['own'] });
    const answer = await send('sk-one', { tags: ['a'], litellm_session_id: 's', litellm_metadata: { tags: ['b'], user: 'c' } });
    await answer.text();
    expect(answer.headers.get('x-tollgate-warnings')).toBeNull();
    expect(Object.keys(provider.seen[0]?.body ?? {})).toEqual(['model', 'messages']);
    await vi.waitFor(async () => {
      const { items } = await stores.ledger.list({ limit: 10 });
      expect(items).toMatchObject([{ tags: ['own', 'a', 'b'], sessionId: 's', endUser: 'c' }]);
    });
  });

  it('may be demanded', async () => {
    await start({ TOLLGATE_REQUIRED_PARAMS: 'user' });
    await gateway.addKey('sk-one', { enforcedParams: ['metadata.job'] });
    expect(await errorOf(await send('sk-one', { user: 'u' }))).toMatchObject({ param: 'metadata.job' });
    expect((await send('sk-one', { user: 'u', metadata: { job: 'x' } })).status).toBe(200);
  });
});

describe('addresses', () => {
  it('outside of the lists are refused', async () => {
    await start({ TOLLGATE_ALLOWED_IPS: '127.0.0.0/8,::1' });
    await gateway.addKey('sk-here', { allowedIps: ['127.0.0.1'] });
    await gateway.addKey('sk-there', { allowedIps: ['192.0.2.1'] });
    expect((await send('sk-here')).status).toBe(200);
    expect((await send('sk-there')).status).toBe(403);
  });
});

describe('a warm request', () => {
  it('asks the registry for nothing', async () => {
    await stores.teams.create(aTeam());
    await stores.keys.create(aKey({ hash: hashSecret('sk-warm'), teamId: 't', tags: ['a'] }));
    const { keys, teams, users, customers, tags, budgets, accessGroups, members } = stores;
    const reads = [keys, teams, users, customers, tags, budgets, accessGroups, members].map((store) => vi.spyOn(store, 'get'));
    const asked = (): number => reads.reduce((sum, read) => sum + read.mock.calls.length, 0);
    await start();
    await (await send('sk-warm', { user: 'c' })).text();
    const cold = asked();
    expect(cold).toBeGreaterThan(3);
    expect((await send('sk-warm', { user: 'c' })).status).toBe(200);
    expect(asked()).toBe(cold);
  });
});
