/** Calls while prices change: each is priced by one table, from its hold to its settlement, in every gateway. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../lib/domain/ledger-entry.ts';
import { parseUsd } from '../../lib/domain/money.ts';
import type { PriceOverride } from '../../lib/domain/price-types.ts';
import { reloadPriceMap } from '../../lib/management/models/price-map.ts';
import { open } from '../../lib/stores/memory/index.ts';
import type { Stores } from '../../lib/stores/stores.ts';
import { aDeployment, NOW } from '../support/exchange.ts';
import { serveGateway, type Served } from '../support/gateway.ts';
import { heldNow, spentNow } from '../support/money.ts';
import { anEntry } from '../support/price-map.ts';
import { chatAnswer, sendJson, startUpstream, type Upstream } from '../support/upstream.ts';

const SECRET = 'sk-key-of-the-price-tables';
/** The answers of `chatAnswer` have ten tokens of input and five of output. */
const costAt = (input: string, output: string): bigint => 10n * parseUsd(input) + 5n * parseUsd(output);
const OLD = costAt('0.00000015', '0.0000006');
const NEW = costAt('0.0000015', '0.000006');

const map = {
  'gpt-4o-mini': anEntry({ input_cost_per_token: 1.5e-6, output_cost_per_token: 6e-6 }),
  'gpt-of-tomorrow': anEntry({ input_cost_per_token: 1.5e-6, output_cost_per_token: 6e-6 }),
};

let provider: Upstream;
let host: Upstream;
let served: Served[];
let clock: { now: number };
beforeEach(async () => {
  provider = await startUpstream(sendJson(chatAnswer()));
  host = await startUpstream(sendJson(map));
  served = [];
  clock = { now: NOW };
});
afterEach(async () => {
  for (const one of served) await one.close();
  await provider.close();
  await host.close();
});

async function gateway(
  stores: Stores,
  env: Record<string, string> = { TOLLGATE_PRICE_MAP_URL: host.url },
  price?: PriceOverride,
): Promise<Served> {
  const own = price === undefined ? {} : { price };
  const at = { apiBase: `${provider.url}/v1`, credential: { type: 'value', value: 'upstream-secret' }, ...own } as const;
  const deployments = ['gpt-4o-mini', 'gpt-of-tomorrow'].map((model) =>
    aDeployment({ id: model, modelName: model, model, ...at }),
  );
  const one = await serveGateway(provider.url, { stores, env, deployments, now: () => clock.now });
  served.push(one);
  return one;
}

async function call({ url, stores }: Served, model = 'gpt-4o-mini'): Promise<{ status: number; entry?: LedgerEntry }> {
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] }),
  });
  await answer.text();
  const id = answer.headers.get('x-litellm-call-id') ?? '';
  if (answer.status !== 200) return { status: answer.status };
  const entry = await expect
    .poll(() => stores.ledger.get(id))
    .toBeDefined()
    .then(() => stores.ledger.get(id));
  return { status: 200, ...(entry === undefined ? {} : { entry }) };
}

const reload = async ({ management }: Served): Promise<string> =>
  String((await reloadPriceMap(management, { type: 'master' }))['version']);

describe('prices that change', () => {
  it('leave a call under way its own: it is settled by the table that it was held by', async () => {
    const one = await gateway(open());
    await one.addKey(SECRET, { maxBudget: parseUsd('1') });
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    provider.answer(async (seen, response, request) => {
      arrive();
      await released;
      await sendJson(chatAnswer())(seen, response, request);
    });
    const underWay = call(one);
    await arrived;

    const version = await reload(one);
    provider.answer(sendJson(chatAnswer()));
    const next = await call(one);
    release();
    const first = await underWay;

    expect(first.entry).toMatchObject({
      cost: OLD,
      price: { source: 'catalog', version: expect.stringMatching(/^litellm-/) as string },
    });
    expect(next.entry).toMatchObject({ cost: NEW, price: { source: 'catalog', version } });
    await expect.poll(() => heldNow(one.stores, SECRET)).toBe(0n);
    expect(await spentNow(one.stores, SECRET)).toBe(OLD + NEW);
  });

  it('reach a gateway that did not hear of them within seconds; until then its calls have the old ones, whole', async () => {
    const stores = open();
    const [one, stale] = [await gateway(stores), await gateway(stores)];
    await one.addKey(SECRET, { maxBudget: parseUsd('1') });
    await call(stale);
    const version = await reload(one);
    expect((await call(stale)).entry).toMatchObject({ cost: OLD });
    expect((await call(one)).entry).toMatchObject({ cost: NEW, price: { version } });
    clock.now += 5_000;
    expect((await call(stale)).entry).toMatchObject({ cost: NEW, price: { version } });
    await expect.poll(() => heldNow(stores, SECRET)).toBe(0n);
    expect(await spentNow(stores, SECRET)).toBe(2n * OLD + 2n * NEW);
  });

  it('are there from the first call of a new gateway', async () => {
    const stores = open();
    await reload(await gateway(stores));
    const fresh = await gateway(stores);
    await fresh.addKey(SECRET);
    expect((await call(fresh)).entry).toMatchObject({ cost: NEW });
  });

  it('open a model without a price to keys with a budget, and never book it as zero before', async () => {
    const one = await gateway(open());
    await one.addKey(SECRET, { maxBudget: parseUsd('1') });
    expect((await call(one, 'gpt-of-tomorrow')).status).not.toBe(200);
    await reload(one);
    expect((await call(one, 'gpt-of-tomorrow')).entry).toMatchObject({ cost: NEW });
    expect(await spentNow(one.stores, SECRET)).toBe(NEW);
  });

  it('are below what the operator says of a deployment', async () => {
    const one = await gateway(open(), undefined, { input_cost_per_token: 0, output_cost_per_token: 0 });
    await one.addKey(SECRET);
    await reload(one);
    expect((await call(one)).entry).toMatchObject({ cost: 0n, price: { source: 'operator' } });
  });
});

describe('a gateway without a price map', () => {
  it('reads nothing of them, and has the prices of the release whatever is stored', async () => {
    const stores = open();
    await reload(await gateway(stores));
    let reads = 0;
    const watched = <T extends { get: (...args: never[]) => unknown }>(store: T): T => ({
      ...store,
      get: (...args: never[]) => (reads++, store.get(...args)),
    });
    const plain = await gateway(
      { ...stores, priceMaps: watched(stores.priceMaps), pricePages: watched(stores.pricePages) },
      {},
    );
    await plain.addKey(SECRET, { maxBudget: parseUsd('1') });
    expect((await call(plain)).entry).toMatchObject({ cost: OLD });
    expect(reads).toBe(0);
  });
});
