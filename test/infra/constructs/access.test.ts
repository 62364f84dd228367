/** The rights of `infra/constructs/access.ts` against what the functions really do: enough, and nothing that is never used. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createKeeper } from '../../../functions/keeper/handler.ts';
import { ACCESS, type Access } from '../../../infra/constructs/access.ts';
import { budgetMeter } from '../../../lib/domain/budget.ts';
import { hashSecret, scopeOf, type VirtualKey } from '../../../lib/domain/key.ts';
import type { CallFacts } from '../../../lib/domain/meter.ts';
import { USD } from '../../../lib/domain/money.ts';
import { granted } from '../../../lib/domain/shard.ts';
import { project } from '../../../lib/money/projection.ts';
import { open } from '../../../lib/stores/dynamodb/index.ts';
import { createSecretStore } from '../../../lib/stores/memory/index.ts';
import type { Stores } from '../../../lib/stores/stores.ts';
import { createAdmin } from '../../functions/admin/support.ts';
import { clientFor, linkThroughout, startDynoxide, type Emulator } from '../../support/dynoxide.ts';
import { aDeployment, aKey, NOW } from '../../support/exchange.ts';
import { serveGateway } from '../../support/gateway.ts';
import { guard, type Guarded } from '../../support/iam.ts';
import { chatAnswer, sendJson, startUpstream } from '../../support/upstream.ts';

let tables: Emulator;
const stops: (() => unknown)[] = [];

beforeAll(async () => {
  tables = await startDynoxide();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
afterAll(() => tables.stop());

/** Stores that may do what a role may do. */
async function storesOf(access: Access): Promise<{ readonly stores: Stores; readonly guarded: Guarded }> {
  const guarded = await guard(tables.endpoint, tables.names, access);
  const client = clientFor(guarded.endpoint);
  stops.push(
    () => guarded.stop(),
    () => client.destroy(),
  );
  return { stores: open(client, tables.names), guarded };
}

/** Every right on tables, as the guard writes them. */
const rightsOf = (access: Access): readonly string[] =>
  (['registry', 'meters', 'ledger', 'totals'] as const)
    .flatMap((table) => (access[table] ?? []).map((action) => `${table}:${action}`))
    .concat(access.records === undefined ? [] : ['registry:PutItem'])
    .toSorted();

const lostCall = (key: VirtualKey): CallFacts => ({
  owner: { keyHash: scopeOf(key).id, tags: [] },
  at: NOW,
  kind: 'generate',
  route: '/v1/chat/completions',
  clientDialect: 'openai-chat',
  modelGroup: 'm',
  stream: false,
});

describe('access', () => {
  test('lets the guard of these tests refuse what is not granted', async () => {
    const { stores, guarded } = await storesOf({ registry: ['GetItem'] });

    await expect(stores.keys.create(aKey({ hash: 'b'.repeat(64) }))).rejects.toThrow();

    expect([...guarded.denied]).toEqual(['registry:PutItem']);
  });

  test('lets the guard of these tests refuse records of other kinds than those that may be written', async () => {
    const { stores, guarded } = await storesOf({ records: ACCESS.gateway.records });
    const customer = { id: 'c', createdAt: NOW, updatedAt: NOW, metadata: {}, rev: 1, budgetAnchor: 0, blocked: false };

    expect(await stores.customers.create(customer)).toBe('created');
    const user = { ...customer, role: 'internal_user', models: [], aliases: {}, teams: [], organizations: [] } as const;
    const found = { ...user, id: 'u', email: 'u@acme.example', ssoUserId: 'subject' };
    expect(await stores.users.create(found)).toBe('created');
    await expect(stores.tags.create({ ...customer, models: [] })).rejects.toThrow();

    expect([...guarded.denied]).toEqual(['registry:PutItem']);
  });

  test('lets the gateway serve, settle and refuse, and gives it no right it does not use', async () => {
    const { stores, guarded } = await storesOf(ACCESS.gateway);
    const provider = await startUpstream(sendJson(chatAnswer()));
    const credential = { type: 'value', value: 'upstream-secret' } as const;
    await tables.stores.models.put(aDeployment({ id: 'served', apiBase: `${provider.url}/v1`, credential }), 'new');
    const chatOnly = { id: 'kept', modelName: 'gpt-kept', provider: 'groq' };
    await tables.stores.models.put(
      aDeployment({
        ...chatOnly,
        apiBase: `${provider.url}/v1`,
        credential,
        price: { input_cost_per_token: 1e-7, output_cost_per_token: 1e-7 },
      }),
      'new',
    );
    const key = aKey({ hash: hashSecret('sk-served'), maxBudget: USD, rpmLimit: 100, maxParallelRequests: 2 });
    await tables.stores.keys.create(key);
    // A lost call holds the whole budget: the first request has to settle it to get in.
    const budget = { ...budgetMeter(key, Date.now()), amounts: { usd: USD }, limits: { usd: USD }, swept: true };
    const { meters } = tables.stores;
    await meters.hold({ ...budget, amounts: { usd: USD - 1n }, call: lostCall(key) }, 'lost-before', Date.now() - 1);
    await meters.hold({ ...budget, amounts: { usd: 1n }, home: budget.meter }, 'lost-before~2', Date.now() - 1);
    const gateway = await serveGateway(provider.url, { stores, deployments: [], env: { TOLLGATE_EXPIRED_HOLD: 'zero' } });
    stops.push(
      () => gateway.close(),
      () => provider.close(),
    );
    await tables.stores.keys.create(aKey({ hash: hashSecret('sk-poor'), maxBudget: 1n }));
    await tables.stores.keys.create(aKey({ hash: hashSecret('sk-unlimited') }));
    const call = (secret: string, path: string, body?: object, method = body === undefined ? 'GET' : 'POST') =>
      fetch(`${gateway.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    // Somebody new: the one record that the gateway makes.
    const chat = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }], user: 'somebody-new' };

    const served = await call('sk-served', '/v1/chat/completions', chat);
    const unlimited = await call('sk-unlimited', '/v1/chat/completions', chat);
    const refused = await call('sk-poor', '/v1/chat/completions', chat);
    const models = await call('sk-served', '/v1/models');
    const turn = { model: 'gpt-kept', input: 'Hi' };
    const { id } = (await (await call('sk-served', '/v1/responses', turn)).json()) as { readonly id: string };
    const next = await call('sk-served', '/v1/responses', { ...turn, previous_response_id: id });
    const forgotten = await call('sk-served', `/v1/responses/${id}`, undefined, 'DELETE');

    // Calls that end together are booked together.
    const together = await Promise.all(Array.from({ length: 24 }, () => call('sk-unlimited', '/v1/chat/completions', chat)));

    const statuses = [served, unlimited, refused, models, next, forgotten].map(({ status }) => status);
    expect(together.filter(({ status }) => status !== 200)).toEqual([]);
    expect(statuses).toEqual([200, 200, 429, 200, 200, 200]);
    await vi.waitFor(async () => expect(await tables.stores.customers.get('somebody-new')).toBeDefined());
    expect(await tables.stores.ledger.get('lost-before')).toMatchObject({ status: 'expired' });
    expect([...guarded.denied]).toEqual([]);
    expect([...guarded.used].toSorted()).toEqual(rightsOf(ACCESS.gateway));
  });

  test('lets the keeper settle, and gives it no right it does not use', async () => {
    const { stores, guarded } = await storesOf(ACCESS.keeper);
    const scope = { kind: 'key', id: 'c'.repeat(64) } as const;
    const window = { name: 'total', start: 0 };
    const request = { meter: 'key#c#usd#total#0', scope, window, amounts: { usd: 5n }, limits: { usd: 10n }, swept: true };
    await tables.stores.meters.hold(request, 'lost', NOW - 1);
    await tables.stores.meters.hold({ ...request, meter: 'key#c#usd#total#1' }, 'entered', NOW - 1);
    await tables.stores.meters.hold({ ...request, meter: 'team#t#usd#total#1', home: request.meter }, 'lost', NOW - 1);
    const rotated = aKey({
      hash: hashSecret('sk-rotated'),
      // Not for the first time: older secrets may have to be led on.
      origin: hashSecret('sk-rotated-before'),
      alias: 'rotated',
      autoRotate: true,
      rotationInterval: '1d',
      nextRotationAt: NOW,
    });
    await tables.stores.keys.create(rotated);
    await linkThroughout(tables.stores, NOW - 86_400_000);
    await tables.stores.tasks.put({ kind: 'rotate', hash: rotated.hash, at: NOW });
    await tables.stores.tasks.put({ kind: 'revoke', hash: 'gone', at: NOW });
    const keep = createKeeper({
      env: { TOLLGATE_EXPIRED_HOLD: 'hold' },
      stores,
      keys: { stores, secrets: createSecretStore(), grace: '1d' },
      log: () => undefined,
      now: () => NOW,
    });

    const done = await keep();

    expect(done).toMatchObject({ booked: 2, failed: 0, rotated: 1 });
    expect([...guarded.denied]).toEqual([]);
    expect([...guarded.used].toSorted()).toEqual(rightsOf(ACCESS.keeper));
  });

  test('lets the ledger consumer project, and gives it no right it does not use', async () => {
    const { stores, guarded } = await storesOf(ACCESS.ledger);
    const entry = await createAdmin().spend({ id: 'projected', keyHash: 'd'.repeat(64), teamId: 't' });

    const projected = await project(stores.totals, [entry, entry], () => undefined);

    expect(projected).toMatchObject({ applied: 1, known: 1, failed: [] });
    expect([...guarded.used].toSorted()).toEqual(rightsOf(ACCESS.ledger));
  });

  test('lets management do all it offers, and gives it no right it does not use', async () => {
    const { stores, guarded } = await storesOf(ACCESS.admin);
    const admin = createAdmin(stores);
    const statuses: [string, number][] = [];
    async function call(method: string, path: string, body?: object) {
      const answer = await admin.call(method, path, body === undefined ? {} : { body });
      statuses.push([`${method} ${path.split('?')[0]}`, answer.status]);
      return answer.body;
    }

    const { key, token } = await call('POST', '/key/generate', { key_alias: 'one', spend: 0.5, budget_duration: '30d' });
    await tables.stores.ledger.record({ ...(await createAdmin().spend({ id: 'earlier', keyHash: String(token) })) });
    await call('POST', '/key/update', { key, max_budget: 10 });
    await tables.stores.ledger.record({ ...(await createAdmin().spend({ id: 'later', keyHash: String(token) })) });
    await call('POST', '/key/update', { key, max_budget: null });
    await call('POST', '/key/update', { key, max_budget: 20, key_alias: 'two' });
    // A budget that many calls share: read with its shards.
    const { meter } = budgetMeter(aKey((await tables.stores.keys.get(String(token))) ?? {}), NOW);
    await tables.stores.meters.change(meter, {
      add: { usd: 1n, [granted(1, 'usd')]: 1n },
      equal: { [granted(1, 'usd')]: 0n },
    });
    await call('GET', `/key/info?key=${String(key)}`);
    await call('GET', '/key/list');
    await call('POST', '/key/block', { key });
    await call('POST', '/key/unblock', { key });
    const again = await call('POST', `/key/${String(key)}/regenerate`, {});
    await call('GET', '/spend/logs?request_id=earlier');
    await call('GET', '/spend/logs');
    await call('POST', '/credentials', { credential_name: 'c', credential_values: { api_key: 'x' }, credential_info: {} });
    await call('GET', '/credentials');
    const params = { model: 'openai/gpt-4o-mini', litellm_credential_name: 'c' };
    const { model_id: id } = await call('POST', '/model/new', { model_name: 'm', litellm_params: params });
    await call('GET', '/model/info');
    await call('POST', '/model/delete', { id });
    await call('DELETE', '/credentials/c');
    await call('POST', '/key/delete', { keys: [again['key']] });

    // Budgets of owners that come into force look for what was spent.
    await call('POST', '/team/new', { team_id: 't', members_with_roles: [{ user_id: 'u', role: 'admin' }] });
    const spent = await createAdmin().spend({ id: 'of-the-team', at: NOW, teamId: 't', userId: 'u' });
    await tables.stores.ledger.record(spent);
    await project(tables.stores.totals, [spent], () => undefined);
    await call('POST', '/team/update', { team_id: 't', max_budget: 5, team_member_budget: 2 });
    await call('POST', '/user/update', { user_id: 'u', max_budget: 3 });
    await call('POST', '/key/generate', { team_id: 't', user_id: 'u' });
    await linkThroughout(tables.stores, NOW);
    await call('GET', '/key/list?team_id=t');
    await call('GET', '/team/info?team_id=t');
    await call('GET', '/user/info?user_id=u');
    await call('POST', '/team/delete', { team_ids: ['t'] });
    await call('GET', '/v2/team/list?status=deleted');
    await call('GET', '/audit');

    expect(statuses.filter(([, status]) => status !== 200)).toEqual([]);
    expect([...guarded.denied]).toEqual([]);
    expect([...guarded.used].toSorted()).toEqual(rightsOf(ACCESS.admin));
  });
});
