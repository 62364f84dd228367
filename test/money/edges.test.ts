/** What clients ask for and providers answer at the edges of what prices and limits foresee: never free, never twice, never below nothing. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { open } from '../../lib/stores/memory/index.ts';
import { aDeployment } from '../support/exchange.ts';
import { chatAnswer, chatChunk, sendChunks, sendJson, usageChunk } from '../support/upstream.ts';
import {
  CHAT,
  chat,
  CREDENTIAL,
  entriesOf,
  keyed,
  post,
  PRICE,
  SECRET,
  spentBy,
  spentByKey,
  startBench,
  statuses,
  TOKEN,
  USD,
  wrote,
  type Bench,
} from './bench-gateway.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await startBench();
});
afterEach(() => bench.clear());
afterAll(() => bench.upstream.close());

const reporting = (usage: unknown) => sendJson(chatAnswer('Hello', { usage }));

describe('requests at the edges', () => {
  it('hold the dearest tier where the request leaves it to the provider', async () => {
    const gateway = await bench.serve(sendJson(chatAnswer('Hello', { service_tier: 'priority' })), {
      deployments: [aDeployment({ apiBase: `${bench.upstream.url}/v1`, credential: CREDENTIAL })],
    });
    await gateway.addKey(SECRET, keyed({ maxBudget: USD }));

    await post(gateway, CHAT, chat(5, { service_tier: 'auto' }));

    const [entry] = await entriesOf(gateway, 1);
    expect(entry?.price).toMatchObject({ rule: 'priority' });
    expect(entry?.held).toBeGreaterThanOrEqual(entry?.cost ?? USD);
  });

  it('hold every answer that is asked for', async () => {
    const gateway = await bench.serve(wrote(300));
    await gateway.addKey(SECRET, keyed({ maxBudget: 200n * TOKEN }));

    expect((await post(gateway, CHAT, chat(100, { n: 3 }))).status).toBe(429);
    expect((await post(gateway, CHAT, chat(100))).status).toBe(200);
  });

  it('never reach a model without a price on a key with a budget, whichever deployment comes first', async () => {
    const at = { apiBase: `${bench.upstream.url}/v1`, credential: CREDENTIAL };
    const gateway = await bench.serve(wrote(5), {
      deployments: [
        aDeployment({ ...at, id: 'nobody-knows', model: 'a-model-nobody-knows' }),
        aDeployment({ ...at, id: 'known', model: 'a-model-with-a-price', price: PRICE }),
        aDeployment({ ...at, id: 'alone', modelName: 'alone', model: 'a-model-nobody-knows' }),
      ],
    });
    const key = await gateway.addKey(SECRET, keyed({ maxBudget: USD }));
    await gateway.addKey('sk-free', keyed({}));

    const answers = await Promise.all(Array.from({ length: 10 }, () => post(gateway, CHAT, chat(10))));
    const alone = await post(gateway, CHAT, chat(10, { model: 'alone' }));
    const unlimited = await post(gateway, CHAT, chat(10, { model: 'alone' }), { authorization: 'Bearer sk-free' });

    expect(statuses(answers)).toEqual({ 200: 10 });
    expect([alone.status, unlimited.status]).toEqual([403, 200]);
    expect(await spentByKey(gateway, key)).toBe(50n * TOKEN);
    const entries = await entriesOf(gateway, 11);
    const unpriced = entries.filter(({ cost }) => cost === undefined);
    expect(unpriced.map(({ price }) => price)).toEqual([{ source: 'unknown' }]);
  });

  it('hold enough for the dearer deployment that a retry goes to', async () => {
    const at = { apiBase: `${bench.upstream.url}/v1`, credential: CREDENTIAL };
    let asked = 0;
    const gateway = await bench.serve(
      (...given) => (asked++ === 0 ? sendJson({ error: { message: 'busy' } }, 503) : wrote(100))(...given),
      {
        env: { TOLLGATE_NUM_RETRIES: '2' },
        deployments: [
          aDeployment({ ...at, id: 'cheap', price: PRICE, weight: 1_000_000 }),
          aDeployment({ ...at, id: 'dear', price: { input_cost_per_token: 3e-6, output_cost_per_token: 3e-6 }, weight: 1e-9 }),
        ],
      },
    );
    const key = await gateway.addKey(SECRET, keyed({ maxBudget: USD }));

    expect((await post(gateway, CHAT, chat(100))).status).toBe(200);

    const [entry] = await entriesOf(gateway, 1);
    expect(entry).toMatchObject({ deploymentId: 'dear', attempts: 2, cost: 300n * TOKEN });
    expect(entry?.held).toBeGreaterThanOrEqual(300n * TOKEN);
    expect(await spentByKey(gateway, key)).toBe(300n * TOKEN);
  });

  it('count for customers and sessions whatever their names are made of', async () => {
    const stores = open();
    const limits = { budgetAnchor: 0, maxBudget: 130n * TOKEN };
    await stores.budgets.create({ id: 'default', createdAt: 0, updatedAt: 0, metadata: {}, rev: 1, models: [], ...limits });
    const gateway = await bench.serve(wrote(50), { stores, env: { TOLLGATE_CUSTOMER_BUDGET_ID: 'default' } });
    await gateway.addKey(SECRET, keyed({ sessionBudget: 10_000n * TOKEN }));
    const names = [`${'x'.repeat(628)}\u{1f600}`, '\u5ba2'.repeat(71), '%/#~|'.repeat(37), '\u0000', '-1'];
    const call = async (name: string): Promise<number> =>
      (await post(gateway, CHAT, chat(40, { user: name, litellm_session_id: name }))).status;

    for (const name of names) expect([await call(name), await call(name)], name).toEqual([200, 429]);
    for (const name of ['half \ud83d', '\u5ba2'.repeat(72), '%/#~|'.repeat(38)]) expect(await call(name), name).toBe(400);

    const meters = await stores.meters.due(Infinity, 100);
    expect(meters.length).toBeGreaterThanOrEqual(2 * names.length);
    for (const { id } of meters) expect(Buffer.byteLength(id)).toBeLessThan(2_048);
  });

  it('count for customers and the gateway when the master key calls, ledger or not', async () => {
    const stores = open();
    const limits = { budgetAnchor: 0, maxBudget: 550n * TOKEN };
    await stores.customers.create({ id: 'acme', createdAt: 0, updatedAt: 0, metadata: {}, rev: 1, blocked: false, ...limits });
    const gateway = await bench.serve(wrote(500), { stores, env: { TOLLGATE_DISABLE_LEDGER: 'true' } });
    const master = { authorization: `Bearer ${gateway.masterKey}` };
    const call = async (over: object): Promise<number> => (await post(gateway, CHAT, chat(500, over), master)).status;

    expect(await call({ user: 'acme' })).toBe(200);
    await entriesOf(gateway, 1);
    expect(await call({ user: 'acme' })).toBe(429);
    expect(await call({})).toBe(200);

    expect(await spentBy(gateway, { scope: { kind: 'customer', id: 'acme' }, limits })).toBe(500n * TOKEN);
    expect((await entriesOf(gateway, 1)).map(({ endUser }) => endUser)).toEqual(['acme']);
  });
});

describe('answers at the edges', () => {
  it('that cost more than was held are booked in full, and the next call finds it', async () => {
    const gateway = await bench.serve(wrote(900));
    const key = await gateway.addKey(SECRET, keyed({ maxBudget: 1_000n * TOKEN }));

    expect((await post(gateway, CHAT, chat(100))).status).toBe(200);
    expect(await spentByKey(gateway, key)).toBe(900n * TOKEN);
    expect((await post(gateway, CHAT, chat(100))).status).toBe(429);

    expect(gateway.lines).toContainEqual(expect.objectContaining({ message: 'a call cost more than was held for it' }));
  });

  it('whose figures are none cost nothing less than nothing, and leave no hold', async () => {
    const gateway = await bench.serve(wrote(1));
    const key = await gateway.addKey(SECRET, keyed({ maxBudget: USD, tpmLimit: 100_000, maxParallelRequests: 1 }));
    const figures = [
      { prompt_tokens: -5, completion_tokens: -7, total_tokens: -12 },
      { prompt_tokens: 1.5, completion_tokens: 2.5, total_tokens: 4 },
      { prompt_tokens: null, completion_tokens: 'many', total_tokens: {} },
      { prompt_tokens: 3, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 100 }, total_tokens: 4 },
      'none',
      [],
      null,
    ];

    for (const [index, usage] of figures.entries()) {
      bench.upstream.answer(reporting(usage));
      await post(gateway, CHAT, chat(10));
      bench.upstream.answer(sendChunks([chatChunk({ content: 'Hello' }), { ...usageChunk(), usage }]));
      await (await post(gateway, CHAT, chat(10, { stream: true }))).text();
      const entries = await entriesOf(gateway, 2 * index + 2);
      expect(entries).toHaveLength(2 * index + 2);
      for (const { cost } of entries) expect(cost, JSON.stringify(usage)).toBeGreaterThanOrEqual(0n);
      const ledger = entries.reduce((sum, { cost = 0n }) => sum + cost, 0n);
      expect(await spentByKey(gateway, key), JSON.stringify(usage)).toBe(ledger);
    }

    expect((await gateway.stores.meters.due(Infinity, 100)).flatMap(({ holds }) => holds)).toEqual([]);
  });

  it('that are no answers cost nothing, and leave no hold', async () => {
    const gateway = await bench.serve(wrote(1));
    const key = await gateway.addKey(SECRET, keyed({ maxBudget: USD, maxParallelRequests: 1 }));
    const scripts = [
      sendJson({ error: { message: 'no' } }, 500),
      sendJson('what?'),
      sendJson(null),
      sendChunks([], { destroy: true }),
      (_: unknown, response: { destroy(): unknown }) => void response.destroy(),
    ];

    for (const script of scripts) {
      bench.upstream.answer(script);
      for (const stream of [false, true]) {
        const answer = await post(gateway, CHAT, chat(10, { stream }));
        await answer.text();
      }
    }

    const entries = await entriesOf(gateway, 2 * scripts.length);
    expect(entries).toHaveLength(2 * scripts.length);
    const ledger = entries.reduce((sum, { cost = 0n }) => sum + cost, 0n);
    expect(await spentByKey(gateway, key)).toBe(ledger);
    bench.upstream.answer(wrote(1));
    expect((await post(gateway, CHAT, chat(10))).status).toBe(200);
  });
});
