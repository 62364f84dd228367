import { beforeEach, describe, expect, it } from 'vitest';
import type { VirtualKey } from '../../../lib/domain/key.ts';
import { costOf } from '../../../lib/domain/price.ts';
import type { PriceSheet } from '../../../lib/domain/price-types.ts';
import { GatewayError } from '../../../lib/errors.ts';
import type { Exchange, Outcome, Reply, Target } from '../../../lib/exchange.ts';
import { admit, type AdmitDeps } from '../../../lib/policies/admit.ts';
import { createShardHints } from '../../../lib/money/shards.ts';
import { open } from '../../../lib/stores/memory/index.ts';
import type { Stores } from '../../../lib/stores/stores.ts';
import type { Team } from '../../../lib/domain/team.ts';
import { aDeployment, aKey, anExchange, aRequest, NOW } from '../../support/exchange.ts';
import { PLAIN_TEAM } from '../../support/records.ts';

const USD = 1_000_000_000_000n;
/** 1 USD per 1,000 output tokens, input free. */
const SHEET: PriceSheet = {
  source: 'catalog',
  version: 'v1',
  prices: { input_cost_per_token: 0, output_cost_per_token: 0.001 },
};
const DEAR: PriceSheet = {
  source: 'operator',
  version: 'operator',
  prices: { input_cost_per_token: 0, output_cost_per_token: 0.01 },
};

const aTarget = (sheet: PriceSheet | undefined = SHEET, over: Partial<Target> = {}): Target => ({
  deployment: aDeployment(),
  model: 'gpt-4o-mini-upstream',
  maxOutputTokens: 1_000,
  ...(sheet === undefined ? {} : { sheet, price: (usage) => costOf(sheet, usage) }),
  ...over,
});
const unpriced = (): Target => {
  const { sheet: _, price: __, ...target } = aTarget();
  return target;
};

let stores: Stores;
let lines: { level: string; message: string }[];
beforeEach(() => {
  stores = open();
  lines = [];
});

const policy = (over: Partial<AdmitDeps> = {}) =>
  admit({
    meters: stores.meters,
    ledger: stores.ledger,
    now: () => NOW + 500,
    log: (level, message) => void lines.push({ level, message }),
    sleep: async () => {},
    expired: 'hold',
    hints: createShardHints(),
    spendOf: async () => 42n,
    disableLedger: false,
    ...over,
  });

let serial = 0;
const aCall = (key: VirtualKey | 'master', over: Partial<Exchange> = {}, maxOutputTokens?: number): Exchange =>
  anExchange({
    id: `call-${serial++}`,
    caller: key === 'master' ? { type: 'master' } : { type: 'key', key },
    plan: [aTarget()],
    generate: { ...anExchange().generate, ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }) },
    ...over,
  });

const used = (outputTokens: number, status: Outcome['status'] = 'success'): Outcome => ({
  status,
  usage: { inputTokens: 5, outputTokens, source: 'provider' },
  firstByteMs: 40,
  firstTokenMs: 45,
});

async function* noBytes(): AsyncGenerator<Uint8Array> {}

/** The rest of the onion: the first target of the plan answers. */
const answers =
  (exchange: Exchange, outcome: Outcome, body: Reply['body'] = noBytes()) =>
  async (): Promise<Reply> => {
    const [target] = exchange.plan;
    if (target !== undefined) exchange.target = target;
    exchange.attempts++;
    return { status: 200, headers: { 'content-type': 'x' }, body, done: Promise.resolve(outcome) };
  };

const budgetOf = async (key: VirtualKey) => stores.meters.read(`key#${key.hash}#usd#total#${key.budgetAnchor}`);
const rateOf = async (key: VirtualKey) =>
  stores.meters.read(`key#${key.hash}#rate#minute#${Math.floor(NOW / 60_000) * 60_000}`);
const failureOf = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

describe('admit', () => {
  it('holds the worst case, settles what was used, and writes the entry', async () => {
    const key = aKey({ maxBudget: 10n * USD, alias: 'mine', userId: 'u', teamId: 't', tags: ['a'] });
    const request = aRequest({ ip: '10.0.0.1', headers: { 'user-agent': 'sdk' } });
    const exchange = aCall(key, { request }, 100);
    exchange.generate = { ...exchange.generate, metadata: { tags: ['b', 'a', 7] } };
    exchange.endUser = 'end';
    exchange.tags = ['a', 'b'];
    exchange.warnings.push({ kind: 'dropped', field: 'seed', reason: 'no such field' });
    let during: unknown;

    const reply = await policy()(exchange, async () => {
      during = (await budgetOf(key))?.holds;
      return answers(exchange, used(30))();
    });
    const outcome = await reply.done;

    expect(outcome).toEqual(used(30));
    expect(during).toMatchObject([{ id: exchange.id, amounts: { usd: USD / 10n }, expiresAt: exchange.deadline + 60_000 }]);
    expect(await budgetOf(key)).toMatchObject({ committed: { usd: (3n * USD) / 100n }, holds: [] });
    expect(await stores.ledger.get(exchange.id)).toEqual({
      id: exchange.id,
      at: NOW,
      endedAt: NOW + 500,
      status: 'success',
      keyHash: key.hash,
      keyAlias: 'mine',
      userId: 'u',
      teamId: 't',
      endUser: 'end',
      tags: ['a', 'b'],
      kind: 'generate',
      route: '/v1/chat/completions',
      clientDialect: 'openai-chat',
      modelGroup: 'gpt-4o-mini',
      provider: 'openai',
      model: 'gpt-4o-mini-upstream',
      deploymentId: 'deployment-1',
      stream: false,
      httpStatus: 200,
      usage: used(30).usage,
      cost: (3n * USD) / 100n,
      costParts: { output: (3n * USD) / 100n },
      price: { source: 'catalog', version: 'v1' },
      held: USD / 10n,
      heldIn: [expect.any(String)],
      attempts: 1,
      durationMs: 500,
      firstByteMs: 40,
      firstTokenMs: 45,
      ip: '10.0.0.1',
      userAgent: 'sdk',
      warnings: ['dropped seed: no such field'],
      metadata: { tags: ['b', 'a', 7] },
    });
  });

  it('keeps no more of what a client says than an entry and a hold can carry', async () => {
    const key = aKey({ maxBudget: 10n * USD });
    const long = 'x'.repeat(500_000);
    const exchange = aCall(key, { modelName: long, request: aRequest({ headers: { 'user-agent': long } }) }, 100);
    exchange.generate = { ...exchange.generate, user: long, metadata: { tags: Array(1_000).fill(long), note: long } };
    exchange.warnings.push({ kind: 'dropped', field: long, reason: long });
    let hold = '';

    const reply = await policy()(exchange, async () => {
      hold = JSON.stringify((await budgetOf(key))?.holds[0]?.call);
      return answers(exchange, { ...used(1, 'error'), error: new GatewayError('upstream', long) })();
    });
    await reply.done;

    const entry = JSON.stringify(await stores.ledger.get(exchange.id), (_, value: unknown) =>
      typeof value === 'bigint' ? 0 : value,
    );
    expect(hold.length).toBeLessThan(500);
    expect(entry.length).toBeLessThan(30_000);
    expect(entry).toContain('"metadata":{"omitted":"');
  });

  it('holds for the dearest target of the plan', async () => {
    const exchange = aCall(aKey({ maxBudget: 10n * USD }), { plan: [aTarget(), aTarget(DEAR)] }, 100);

    await policy()(exchange, answers(exchange, used(30)));

    expect(exchange.admission?.held).toBe(USD);
  });

  it('states limits, spend and what remains in headers; the cost too where the answer is complete', async () => {
    const key = aKey({ maxBudget: 10n * USD, rpmLimit: 5, tpmLimit: 10_000 });
    const first = aCall(key, {}, 100);
    await (
      await policy()(first, answers(first, used(30)))
    ).done;
    const second = aCall(key, {}, 100);

    const whole = await policy()(second, answers(second, used(50), new Uint8Array()));
    await whole.done;
    const third = aCall(key, {}, 100);
    const streamed = await policy()(third, answers(third, used(50)));

    expect(whole.headers).toMatchObject({
      'content-type': 'x',
      'x-litellm-response-cost': '0.05',
      'x-litellm-key-spend': '0.08',
      'x-litellm-key-max-budget': '10',
      'x-litellm-key-rpm-limit': '5',
      'x-litellm-key-tpm-limit': '10000',
      'x-ratelimit-limit-requests': '5',
      'x-ratelimit-remaining-requests': '3',
      'x-ratelimit-limit-tokens': '10000',
      'x-ratelimit-reset-tokens': '60s',
    });
    expect(streamed.headers['x-litellm-response-cost']).toBeUndefined();
    expect(streamed.headers['x-litellm-key-spend']).toBe('0.08');
  });

  it('states what a key without a budget has spent, and goes on when that cannot be read', async () => {
    const [known, unknown, master] = [aCall(aKey()), aCall(aKey()), aCall('master')];

    const told = await policy()(known, answers(known, used(30), new Uint8Array()));
    const untold = await policy({ spendOf: () => Promise.reject(new Error('down')) })(unknown, answers(unknown, used(30)));
    const free = await policy()(master, answers(master, used(30)));

    expect(told.headers['x-litellm-key-spend']).toBe('0.030000000042');
    expect(untold.headers['x-litellm-key-spend']).toBeUndefined();
    expect(free.headers['x-litellm-key-spend']).toBeUndefined();
  });

  it('writes nothing on the way in for a key without limits, and an entry at the end', async () => {
    const key = aKey();
    const exchange = aCall(key);
    const meters = { ...stores.meters, hold: () => Promise.reject(new Error('no hold expected')) };

    await (
      await policy({ meters })(exchange, answers(exchange, used(30)))
    ).done;

    expect(exchange.admission).toEqual({ headers: {} });
    expect(await stores.ledger.get(exchange.id)).toMatchObject({ keyHash: key.hash, cost: (3n * USD) / 100n });
  });

  it('writes entries for the master key, unless told not to', async () => {
    const [one, two] = [aCall('master'), aCall('master')];

    await (
      await policy()(one, answers(one, used(30)))
    ).done;
    await (
      await policy({ disableLedger: true })(two, answers(two, used(30)))
    ).done;

    expect(await stores.ledger.get(one.id)).toMatchObject({ keyHash: 'master' });
    expect(await stores.ledger.get(two.id)).toBeUndefined();
  });

  it('settles a call that failed to nothing, but counts the request', async () => {
    const key = aKey({ maxBudget: 10n * USD, rpmLimit: 5, tpmLimit: 10_000, maxParallelRequests: 1 });
    const exchange = aCall(key, {}, 100);
    const refused = new GatewayError('upstream', 'no');

    expect(await failureOf(policy()(exchange, () => Promise.reject(refused)))).toBe(refused);

    expect(await budgetOf(key)).toMatchObject({ committed: { usd: 0n }, holds: [] });
    expect(await rateOf(key)).toMatchObject({ committed: { requests: 1n, tokens: 0n }, holds: [] });
    expect(await stores.meters.read(`key#${key.hash}#parallel#total#0`)).toMatchObject({
      committed: { parallel: 0n },
      holds: [],
    });
    const entry = await stores.ledger.get(exchange.id);
    expect(entry).toMatchObject({ status: 'error', httpStatus: 502, cost: 0n, error: { kind: 'upstream', message: 'no' } });
    expect(entry).not.toHaveProperty('usage');
  });

  it('calls a failure after the client left an abort', async () => {
    const exchange = aCall(aKey(), { signal: AbortSignal.abort() });

    await failureOf(policy()(exchange, () => Promise.reject(new GatewayError('client_closed', 'gone'))));

    expect(await stores.ledger.get(exchange.id)).toMatchObject({ status: 'aborted', httpStatus: 499 });
  });

  it('trues tokens up to what was used', async () => {
    const key = aKey({ tpmLimit: 10_000 });
    const exchange = aCall(key, {}, 100);

    await (
      await policy()(exchange, answers(exchange, used(30)))
    ).done;

    expect((await rateOf(key))?.committed.tokens).toBe(35n);
  });

  it('settles an aborted stream to what was used', async () => {
    const key = aKey({ maxBudget: 10n * USD });
    const exchange = aCall(key, {}, 100);

    await (
      await policy()(exchange, answers(exchange, used(7, 'aborted')))
    ).done;

    expect(await budgetOf(key)).toMatchObject({ committed: { usd: (7n * USD) / 1000n } });
    expect(await stores.ledger.get(exchange.id)).toMatchObject({ status: 'aborted' });
  });

  it('books the truth when a provider billed above the hold, and says so', async () => {
    const key = aKey({ maxBudget: 10n * USD });
    const exchange = aCall(key, {}, 100);

    await (
      await policy()(exchange, answers(exchange, used(150)))
    ).done;

    expect(await budgetOf(key)).toMatchObject({ committed: { usd: (15n * USD) / 100n } });
    expect(lines).toEqual([{ level: 'warn', message: 'a call cost more than was held for it' }]);
  });

  it('leaves the price unknown where nobody knows it', async () => {
    const exchange = aCall(aKey(), { plan: [unpriced()] });

    await (
      await policy()(exchange, answers(exchange, used(30)))
    ).done;

    const entry = await stores.ledger.get(exchange.id);
    expect(entry?.price).toEqual({ source: 'unknown' });
    expect(entry).not.toHaveProperty('cost');
  });

  it('refuses a model of unknown price to a key with a budget, and says what helps', async () => {
    const exchange = aCall(aKey({ maxBudget: USD }), { plan: [unpriced()] });

    expect(await failureOf(policy()(exchange, answers(exchange, used(1))))).toMatchObject({
      kind: 'permission',
      status: 403,
      message: expect.stringContaining('input_cost_per_token') as string,
      detail: { code: 'model_price_unknown', param: 'model' },
    });
  });

  it('keeps only priced targets in the plan of a key with a budget', async () => {
    const exchange = aCall(aKey({ maxBudget: USD }), { plan: [unpriced(), aTarget()] }, 10);

    await policy()(exchange, answers(exchange, used(1)));

    expect(exchange.plan).toHaveLength(1);
  });

  it('lets a call that can cost nothing through a spent budget', async () => {
    const free: PriceSheet = { ...SHEET, prices: { input_cost_per_token: 0, output_cost_per_token: 0 } };
    const exchange = aCall(aKey({ maxBudget: 0n }), { plan: [aTarget(free)] });

    const reply = await policy()(exchange, answers(exchange, used(30)));

    expect(reply.status).toBe(200);
  });

  it('settles to nothing what a failing store may have held, and refuses', async () => {
    const key = aKey({ maxBudget: 10n * USD });
    const exchange = aCall(key, {}, 100);
    const meters = {
      ...stores.meters,
      hold: async (...step: Parameters<Stores['meters']['hold']>) => {
        await stores.meters.hold(...step);
        throw new GatewayError('overloaded', 'no answer');
      },
    };

    expect(await failureOf(policy({ meters })(exchange, answers(exchange, used(1))))).toMatchObject({ kind: 'overloaded' });

    expect(await budgetOf(key)).toMatchObject({ committed: { usd: 0n }, holds: [] });
    expect(await stores.ledger.get(exchange.id)).toMatchObject({ status: 'error', cost: 0n, httpStatus: 503 });
  });
});

describe('admit near a limit', () => {
  it('cuts the output to what the budget still pays for, and says so', async () => {
    const key = aKey({ maxBudget: (3n * USD) / 10n });
    const exchange = aCall(key);

    const reply = await policy()(exchange, answers(exchange, used(300)));
    await reply.done;

    expect(exchange.admission).toMatchObject({ clampedOutputTokens: 300, held: (3n * USD) / 10n });
    expect(reply.headers['x-tollgate-clamped-output-tokens']).toBe('300');
    expect((await budgetOf(key))?.committed.usd).toBe(key.maxBudget);
  });

  it('shares what is left among the answers asked for', async () => {
    const exchange = aCall(aKey({ maxBudget: (3n * USD) / 10n }));
    exchange.generate = { ...exchange.generate, sampling: { choices: 3 } };

    await policy()(exchange, answers(exchange, used(1)));

    expect(exchange.admission).toMatchObject({ clampedOutputTokens: 100, held: (3n * USD) / 10n });
  });

  it('cuts to what the dearest target would cost', async () => {
    const exchange = aCall(aKey({ maxBudget: USD }), { plan: [aTarget(), aTarget(DEAR)] });

    await policy()(exchange, answers(exchange, used(1)));

    expect(exchange.admission).toMatchObject({ clampedOutputTokens: 100 });
  });

  it('needs no cut for a dear target that writes little', async () => {
    const exchange = aCall(aKey({ maxBudget: (3n * USD) / 10n }), {
      plan: [aTarget(), aTarget(DEAR, { maxOutputTokens: 20 })],
    });

    await policy()(exchange, answers(exchange, used(1)));

    expect(exchange.admission).toMatchObject({ clampedOutputTokens: 300 });
  });

  it('refuses when too little is left for a useful answer', async () => {
    const exchange = aCall(aKey({ maxBudget: (63n * USD) / 1000n }));

    expect(await failureOf(policy()(exchange, answers(exchange, used(1))))).toMatchObject({ kind: 'budget_exceeded' });
    expect(await stores.ledger.get(exchange.id)).toBeUndefined();
  });

  it('lets a small request through whose own cap still fits', async () => {
    const exchange = aCall(aKey({ maxBudget: (63n * USD) / 1000n }), {}, 20);

    await policy()(exchange, answers(exchange, used(20)));

    expect(exchange.admission?.clampedOutputTokens).toBeUndefined();
  });

  it('sends a cap along where neither client nor catalog sets one', async () => {
    const { maxOutputTokens: _, ...unlimited } = aTarget();
    const exchange = aCall(aKey({ maxBudget: 100n * USD }), { plan: [unlimited] });

    await policy()(exchange, answers(exchange, used(1)));

    expect(exchange.admission?.clampedOutputTokens).toBe(16_384);
  });

  it('cuts the output to an unused token limit that is smaller than the model', async () => {
    const exchange = aCall(aKey({ tpmLimit: 500 }));

    await policy()(exchange, answers(exchange, used(1)));

    expect(exchange.admission?.clampedOutputTokens).toBeLessThan(500);
    expect(exchange.admission?.clampedOutputTokens).toBeGreaterThan(64);
  });

  it('rather waits for the next minute than cut an answer short for a rate', async () => {
    const key = aKey({ tpmLimit: 1_500 });
    const [one, two] = [aCall(key, {}, 900), aCall(key)];
    await policy()(one, answers(one, used(900)));

    expect(await failureOf(policy()(two, answers(two, used(1))))).toMatchObject({
      kind: 'rate_limit',
      detail: { facts: { limit_type: 'tokens' } },
    });
  });

  it('does not cut where a limit stands in the way that size does not help', async () => {
    const key = aKey({ maxBudget: (3n * USD) / 10n, rpmLimit: 0 });
    const exchange = aCall(key);

    expect(await failureOf(policy()(exchange, answers(exchange, used(1))))).toMatchObject({
      kind: 'rate_limit',
      detail: { facts: { limit_type: 'requests' } },
    });
    expect(await budgetOf(key)).toBeUndefined();
  });

  it('gives up when others keep taking the room it was about to use', async () => {
    const key = aKey({ maxBudget: USD / 2n });
    let tries = 0;
    const meters = {
      ...stores.meters,
      hold: async (...[request, id, expiresAt]: Parameters<Stores['meters']['hold']>) => {
        const rival = { ...request, amounts: { usd: USD / 20n }, limits: {} };
        await stores.meters.hold(rival, `rival-${tries++}`, expiresAt);
        return stores.meters.hold(request, id, expiresAt);
      },
    };
    const exchange = aCall(key);

    expect(await failureOf(policy({ meters })(exchange, answers(exchange, used(1))))).toMatchObject({
      kind: 'budget_exceeded',
    });
    // Three tries, and as many again after each of two pauses: then the rivals have it all.
    expect(tries).toBe(9);
  });
});

describe('admit behind calls that are being settled', () => {
  /** A call that has its answer; it is settled while somebody sleeps. */
  const isBeingSettled = async (exchange: Exchange, outputTokens: number) => {
    const end = Promise.withResolvers<Outcome>();
    const reply = await answers(exchange, used(outputTokens))();
    const { done } = await policy()(exchange, async () => ({ ...reply, done: end.promise }));
    return async () => {
      end.resolve(used(outputTokens));
      await done;
    };
  };

  it('waits a moment where the hold of a call that has its answer is in the way', async () => {
    const key = aKey({ maxParallelRequests: 1, maxBudget: USD });
    const sleep = await isBeingSettled(aCall(key, {}, 100), 30);
    const second = aCall(key, {}, 100);

    const reply = await policy({ sleep })(second, answers(second, used(30)));
    await reply.done;

    expect(reply.status).toBe(200);
    expect(await budgetOf(key)).toMatchObject({ committed: { usd: (6n * USD) / 100n }, holds: [] });
  });

  it('uses what such a call leaves of a budget, be it with a smaller output', async () => {
    const key = aKey({ maxBudget: (3n * USD) / 10n });
    const sleep = await isBeingSettled(aCall(key), 100);
    const second = aCall(key);

    await policy({ sleep })(second, answers(second, used(1)));

    expect(second.admission).toMatchObject({ clampedOutputTokens: 200 });
  });

  it('tells the figures as they are when it gives up, as soon as nothing can come of waiting', async () => {
    const key = aKey({ tpmLimit: 200 });
    const sleep = await isBeingSettled(aCall(key, {}, 100), 90);
    const exchange = aCall(key, {}, 150);
    let sleeps = 0;
    const slept = () => (sleeps++, sleep());

    const failure = await failureOf(policy({ sleep: slept })(exchange, answers(exchange, used(1))));

    expect(failure).toMatchObject({ kind: 'rate_limit', detail: { facts: { limit_type: 'tokens', used: 95, held: 0 } } });
    expect(sleeps).toBe(1);
  });

  it('waits no longer than settling takes', async () => {
    const key = aKey({ maxParallelRequests: 1 });
    const waited: number[] = [];
    await isBeingSettled(aCall(key), 1);
    const exchange = aCall(key);

    const failure = await failureOf(
      policy({ sleep: async (ms) => void waited.push(ms) })(exchange, answers(exchange, used(1))),
    );

    expect(failure).toMatchObject({ kind: 'rate_limit', detail: { facts: { limit_type: 'max_parallel_requests', held: 1 } } });
    expect(waited).toEqual([15, 30, 60]);
  });

  it('does not wait in a crowd', async () => {
    const key = aKey({ maxParallelRequests: 20 });
    const waited: number[] = [];
    for (let call = 0; call < 20; call++) await isBeingSettled(aCall(key), 1);
    const exchange = aCall(key);

    await failureOf(policy({ sleep: async (ms) => void waited.push(ms) })(exchange, answers(exchange, used(1))));

    expect(waited).toEqual([]);
  });

  it('refuses at once where what is spent leaves no room, and where a minute has to pass', async () => {
    const waited: number[] = [];
    const over = { sleep: async (ms: number) => void waited.push(ms) };
    for (const key of [aKey({ maxBudget: USD / 1000n }), aKey({ rpmLimit: 0 })]) {
      const exchange = aCall(key);
      await failureOf(policy(over)(exchange, answers(exchange, used(1))));
    }

    expect(waited).toEqual([]);
  });
});

describe('admit in several scopes', () => {
  const aTeam = (over: Partial<Team>): Team => ({
    ...PLAIN_TEAM,
    id: 't',
    alias: 'Research',
    createdAt: NOW,
    updatedAt: NOW,
    metadata: {},
    rev: 1,
    budgetAnchor: 0,
    ...over,
  });
  const inTeam = (team: Partial<Team>, key: Partial<VirtualKey> = {}, maxOutputTokens = 100) =>
    aCall('master', { caller: { type: 'key', key: aKey(key), team: aTeam(team) } }, maxOutputTokens);
  const run = async (exchange: Exchange, tokens = 30) => {
    const reply = await policy()(exchange, answers(exchange, used(tokens)));
    await reply.done;
    return reply;
  };
  const committed = async (meter: string) => (await stores.meters.read(meter))?.committed;

  it('books the true cost in each of them', async () => {
    await run(inTeam({ maxBudget: USD, modelLimits: { 'gpt-*': { maxBudget: USD } } }, { maxBudget: USD }));

    const cost = { usd: (3n * USD) / 100n };
    expect(await committed(`key#${'a'.repeat(64)}#usd#total#${NOW - 1000}`)).toEqual(cost);
    expect(await committed('team#t#usd#total#0')).toEqual(cost);
    expect(await committed('team#t#usd@gpt-*#total#0')).toEqual(cost);
  });

  it('refuses by the scope that has no room, says which, and leaves nothing in the others', async () => {
    const failure = await failureOf(run(inTeam({ maxBudget: USD / 100n }, { maxBudget: USD, maxParallelRequests: 1 })));

    expect(failure).toMatchObject({
      kind: 'budget_exceeded',
      detail: {
        facts: { scope: 'team', scope_id: 't', scope_name: 'Research', limit: 0.01, used: 0, held: 0, resets_at: null },
      },
    });
    expect(String(failure)).toContain('The team "Research" (t) may spend 0.01 USD for its whole life');
    expect(await committed(`key#${'a'.repeat(64)}#usd#total#${NOW - 1000}`)).toEqual({ usd: 0n });
    expect(await committed(`key#${'a'.repeat(64)}#parallel#total#0`)).toEqual({ parallel: 0n });
  });

  it('names the model whose limit it is', async () => {
    const failure = await failureOf(run(inTeam({ modelLimits: { 'gpt-4o-mini': { rpmLimit: 0 } } })));

    expect(failure).toMatchObject({ kind: 'rate_limit', detail: { facts: { scope: 'team', model: 'gpt-4o-mini', limit: 0 } } });
    expect(String(failure)).toContain('may have 0 requests per minute on gpt-4o-mini');
  });

  it('clamps the output to the tightest of all scopes', async () => {
    const exchange = inTeam({ maxBudget: USD / 10n }, { maxBudget: USD / 5n }, 1_000);

    const { headers } = await run(exchange);

    expect(headers).toMatchObject({ 'x-tollgate-clamped-output-tokens': '100' });
    expect(exchange.admission?.held).toBe(USD / 10n);
  });

  it('states the rates of whichever scope is nearest to its limit', async () => {
    const { headers } = await run(inTeam({ rpmLimit: 3, tpmLimit: 9_000 }, { rpmLimit: 50, tpmLimit: 2_000 }));

    expect(headers).toMatchObject({
      'x-ratelimit-limit-requests': '3',
      'x-ratelimit-limit-tokens': '2000',
      'x-litellm-key-rpm-limit': '50',
    });
  });

  it('trues up tokens by their kind', async () => {
    await run(inTeam({ tpmLimit: 5_000, tokenRateType: 'output' }));
    await run(inTeam({ tpmLimit: 5_000, tokenRateType: 'input' }));

    const minute = Math.floor(NOW / 60_000) * 60_000;
    expect(await committed(`team#t#rate#minute#${minute}`)).toEqual({ output_tokens: 30n, input_tokens: 5n });
  });

  it('refuses a call that a team with a budget could not foresee the price of', async () => {
    const exchange = inTeam({ maxBudget: USD });
    exchange.plan = [unpriced()];

    const failure = await failureOf(run(exchange));

    expect(failure).toMatchObject({ kind: 'permission', detail: { code: 'model_price_unknown' } });
    expect(String(failure)).toContain('the team "Research" (t) has a budget');
  });

  describe('over budget at a reduced rate', () => {
    const throttled = { maxBudget: USD / 10n, throttled: true, rpmLimit: 10, tpmLimit: 100_000 };
    const runAt = async (exchange: Exchange, throttleShare: number | undefined, tokens = 90) => {
      const over = throttleShare === undefined ? {} : { throttleShare };
      const reply = await policy(over)(exchange, answers(exchange, used(tokens)));
      await reply.done;
      return reply;
    };

    it('goes on, is booked, and is refused by the reduced rate alone', async () => {
      const first = await runAt(inTeam(throttled), 0.3);
      const second = await runAt(inTeam(throttled), 0.3);
      const third = await runAt(inTeam(throttled), 0.3);
      const fourth = await failureOf(runAt(inTeam(throttled), 0.3));

      expect(first.headers).not.toHaveProperty('x-tollgate-throttled');
      expect([second, third].map(({ headers }) => headers)).toMatchObject([
        { 'x-tollgate-throttled': 'team', 'x-ratelimit-limit-requests': '3' },
        { 'x-tollgate-throttled': 'team', 'x-ratelimit-remaining-requests': '0' },
      ]);
      expect(fourth).toMatchObject({ kind: 'rate_limit', detail: { facts: { scope: 'team', limit: 3, used: 3 } } });
      expect(await committed('team#t#usd#total#0')).toEqual({ usd: (27n * USD) / 100n });
    });

    it('is clamped first, as any other, and throttled once the rest of its budget pays for nothing useful', async () => {
      const exchange = () => inTeam({ ...throttled, maxBudget: (8n * USD) / 100n });
      const first = await runAt(exchange(), 0.3, 70);
      const second = await runAt(exchange(), 0.3);

      expect(first.headers).toMatchObject({ 'x-tollgate-clamped-output-tokens': expect.stringMatching(/^\d+$/) });
      expect(first.headers).not.toHaveProperty('x-tollgate-throttled');
      expect(second.headers).toMatchObject({ 'x-tollgate-throttled': 'team' });
      expect(second.headers).not.toHaveProperty('x-tollgate-clamped-output-tokens');
    });

    it('has at least one request a minute', async () => {
      await runAt(inTeam(throttled), 0);

      expect(await failureOf(runAt(inTeam(throttled), 0))).toMatchObject({
        kind: 'rate_limit',
        detail: { facts: { limit: 1 } },
      });
    });

    it('is refused like any other where the operator set no share, or there is no rate to reduce', async () => {
      await runAt(inTeam(throttled), undefined);

      expect(await failureOf(runAt(inTeam(throttled), undefined))).toMatchObject({ kind: 'budget_exceeded' });
      const { maxBudget } = throttled;
      expect(await failureOf(runAt(inTeam({ maxBudget, throttled: true }), 0.5))).toMatchObject({ kind: 'budget_exceeded' });
    });

    it('is refused by budgets of other scopes', async () => {
      await runAt(inTeam(throttled), 0.5);

      const failure = await failureOf(runAt(inTeam(throttled, { maxBudget: USD / 100n }), 0.5));

      expect(failure).toMatchObject({ kind: 'budget_exceeded', detail: { facts: { scope: 'key' } } });
    });
  });

  describe('with a soft budget', () => {
    const told = () => lines.filter(({ message }) => message.startsWith('soft budget crossed'));

    it('tells once when spend crosses it, and refuses nothing', async () => {
      for (let call = 0; call < 5; call++) await run(inTeam({ softBudget: USD / 10n }), 40);

      expect(told()).toMatchObject([{ level: 'warn', message: 'soft budget crossed: team "Research" (t)' }]);
      expect(await committed('team#t#usd#total#0')).toEqual({ usd: USD / 5n });
    });

    it('tells as soon as the call that crosses it is settled', async () => {
      await run(inTeam({ softBudget: USD / 10n }), 60);
      expect(told()).toEqual([]);

      await run(inTeam({ softBudget: USD / 10n }), 40);
      expect(told()).toHaveLength(1);
    });

    it('tells again of a soft budget that was changed', async () => {
      await run(inTeam({ softBudget: USD / 100n }), 40);
      await run(inTeam({ softBudget: USD / 50n }), 40);
      await run(inTeam({ softBudget: USD / 50n }), 40);

      expect(told()).toHaveLength(2);
    });
  });
});
